//! Archives made by the real programs, archives made to do harm, and bytes that are none.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use pwb_cache::Digest;
use pwb_engine::fetch::{Error, Item, Kind, Limits, Listing, unpack};
use pwb_engine::recipe::Unpack;
use tempfile::TempDir;

const TAR: Unpack = Unpack::Tar { strip: 0 };

/// Unpacks with little room, so that waiting for room is part of every test.
fn limits() -> Limits {
    Limits {
        in_flight: 64,
        threads: 2,
        ..Limits::default()
    }
}

/// The listing, with every file's contents by digest.
fn open(archive: &Path, how: &Unpack) -> Result<(Listing, BTreeMap<String, Vec<u8>>), Error> {
    let contents = Mutex::new(BTreeMap::new());
    let listing = unpack::<Error>(archive, how, &limits(), |bytes, _| {
        let digest = Digest::of(&bytes);
        contents.lock().unwrap().insert(digest.to_string(), bytes);
        Ok(digest)
    })?;
    Ok((listing, contents.into_inner().unwrap()))
}

/// One line an entry: `d dir`, `x run 4` (an executable and its size), `f file 4`, `l link -> target`.
fn lines(archive: &Path, how: &Unpack) -> String {
    let (listing, contents) = open(archive, how).unwrap_or_else(|error| panic!("{error}"));
    let line = |(path, item): (_, &Item)| match item {
        Item::Directory => format!("d {path}\n"),
        Item::Symlink(target) => format!("l {path} -> {target}\n"),
        Item::File { digest, executable } => {
            assert_eq!(contents[&digest.to_string()].len() as u64, digest.size());
            format!(
                "{} {path} {}\n",
                if *executable { 'x' } else { 'f' },
                digest.size()
            )
        }
    };
    listing.iter().map(line).collect()
}

fn refusal(archive: &Path, how: &Unpack) -> (String, String) {
    match open(archive, how) {
        Err(error @ Error::Refused { .. }) => {
            assert_eq!(error.kind(), Kind::Recipe);
            let Error::Refused { entry, why, .. } = error else {
                unreachable!()
            };
            (entry, why)
        }
        Err(error) => panic!("not a refusal: {error}"),
        Ok(_) => panic!("it was taken"),
    }
}

/// Runs a program that this host must have.
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A folder with one of everything, below `top`.
fn sample() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path().join("top");
    fs::create_dir_all(top.join("empty")).unwrap();
    fs::create_dir_all(top.join("a-b")).unwrap();
    fs::create_dir_all(top.join("a")).unwrap();
    fs::write(top.join("a/plain"), "plain").unwrap();
    fs::write(top.join("a/nothing"), "").unwrap();
    fs::write(top.join("a-b/grüße"), "hello").unwrap();
    fs::write(top.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(top.join("run"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::hard_link(top.join("run"), top.join("same")).unwrap();
    symlink("a/plain", top.join("link")).unwrap();
    symlink("/etc/passwd", top.join("absolute")).unwrap();
    let long = top.join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("f".repeat(120)), "deep").unwrap();
    // More than a block of xz, and not all alike.
    let large: Vec<u8> = (0..700_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    fs::write(top.join("large"), large).unwrap();
    folder
}

fn sample_lines(top: &str) -> String {
    let (d, e, f) = ("d".repeat(120), "e".repeat(120), "f".repeat(120));
    let lines = format!(
        "d a\nf a/nothing 0\nf a/plain 5\nd a-b\nf a-b/grüße 5\nl absolute -> /etc/passwd\n\
         d {d}\nd {d}/{e}\nf {d}/{e}/{f} 4\nd empty\nf large 2800000\nl link -> a/plain\nx run 10\nx same 10\n"
    );
    let with_top = |line: &str| format!("{}{top}{}\n", &line[..2], &line[2..]);
    let mut lines: Vec<String> = lines.lines().map(with_top).collect();
    lines.sort_by_key(|line| line.split(' ').nth(1).unwrap().to_owned());
    if top.is_empty() {
        lines.concat()
    } else {
        format!("d {}\n{}", top.trim_end_matches('/'), lines.concat())
    }
}

#[test]
fn every_compression_of_real_tars_is_decoded() {
    let folder = sample();
    let at = folder.path();
    run(at, "tar", &["--format=gnu", "-cf", "gnu.tar", "top"]);
    run(at, "tar", &["--format=pax", "-cf", "pax.tar", "top"]);
    for tar in ["gnu", "pax"] {
        let plain = format!("{tar}.tar");
        run(at, "xz", &["-k", "-1", "-T2", "--block-size=1MiB", &plain]);
        run(at, "gzip", &["-k", "-1", &plain]);
        run(at, "bzip2", &["-k", "-1", &plain]);
        run(at, "zstd", &["-q", "-k", "-1", &plain]);
        for end in ["", ".xz", ".gz", ".bz2", ".zst"] {
            // A file's name says nothing.
            let renamed = at.join("archive");
            fs::rename(at.join(format!("{plain}{end}")), &renamed).unwrap();
            assert_eq!(lines(&renamed, &TAR), sample_lines("top/"), "{plain}{end}");
            assert_eq!(
                lines(&renamed, &Unpack::Tar { strip: 1 }),
                sample_lines(""),
                "{plain}{end}"
            );
            fs::rename(&renamed, at.join(format!("{plain}{end}"))).unwrap();
        }
    }
}

#[test]
fn streams_in_a_row_are_one_stream() {
    let folder = sample();
    let at = folder.path();
    run(at, "tar", &["-cf", "all.tar", "top"]);
    let tar = fs::read(at.join("all.tar")).unwrap();
    let (one, two) = tar.split_at(tar.len() / 3);
    for (program, end, padding) in [
        ("xz", "xz", 8),
        ("gzip", "gz", 0),
        ("bzip2", "bz2", 0),
        ("zstd", "zst", 0),
    ] {
        let mut whole = Vec::new();
        for part in [one, two] {
            fs::write(at.join("part"), part).unwrap();
            run(at, program, &["-1", "-k", "-f", "part"]);
            whole.extend(fs::read(at.join(format!("part.{end}"))).unwrap());
            whole.resize(whole.len() + padding, 0);
        }
        fs::write(at.join("archive"), whole).unwrap();
        assert_eq!(
            lines(&at.join("archive"), &TAR),
            sample_lines("top/"),
            "{program}"
        );
    }
}

#[test]
fn real_zips_are_read() {
    let folder = sample();
    let at = folder.path();
    // Zip has no hard links: both names have the contents.
    run(at, "zip", &["-q", "-r", "-y", "archive.zip", "top"]);
    assert_eq!(
        lines(&at.join("archive.zip"), &Unpack::Zip { strip: 0 }),
        sample_lines("top/")
    );
    assert_eq!(
        lines(&at.join("archive.zip"), &Unpack::Zip { strip: 1 }),
        sample_lines("")
    );
}

#[test]
fn real_debian_packages_are_read() {
    let folder = sample();
    let at = folder.path();
    fs::create_dir(at.join("top/DEBIAN")).unwrap();
    let control = "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n";
    fs::write(at.join("top/DEBIAN/control"), control).unwrap();
    for compression in ["xz", "gzip", "zstd", "none"] {
        run(
            at,
            "dpkg-deb",
            &[
                "--root-owner-group",
                &format!("-Z{compression}"),
                "-b",
                "top",
                "p.deb",
            ],
        );
        assert_eq!(
            lines(&at.join("p.deb"), &Unpack::Deb),
            sample_lines(""),
            "{compression}"
        );
    }
}

#[test]
fn a_plain_file_is_a_listing_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("download-x");
    fs::write(&file, "contents").unwrap();
    assert_eq!(
        lines(&file, &Unpack::File("patch.diff".into())),
        "f patch.diff 8\n"
    );
}

/// A tar archive of raw headers, which the tar crate itself would not write.
#[derive(Default)]
struct Raw(Vec<u8>);

impl Raw {
    fn add(mut self, kind: u8, name: &[u8], link: &[u8], contents: &[u8]) -> Raw {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, contents: &[u8]) -> Raw {
        self.add(b'0', name.as_bytes(), b"", contents)
    }

    fn write(mut self, folder: &TempDir) -> PathBuf {
        self.0.resize(self.0.len() + 1024, 0);
        let path = folder.path().join("raw.tar");
        fs::write(&path, self.0).unwrap();
        path
    }
}

#[test]
fn what_must_not_enter_a_tree_is_refused_by_name() {
    let cases: Vec<(Raw, &str, &str)> = vec![
        (
            Raw::default().file("/etc/passwd", b""),
            "/etc/passwd",
            "its path is absolute",
        ),
        (
            Raw::default().file("a/../../b", b""),
            "a/../../b",
            "its path has a `..`",
        ),
        (
            Raw::default().add(b'0', b"a\xff", b"", b""),
            "a\\u{fffd}",
            "its name is not UTF-8",
        ),
        (
            Raw::default().add(b'3', b"dev/null", b"", b""),
            "dev/null",
            "it is a device",
        ),
        (
            Raw::default().add(b'4', b"dev/sda", b"", b""),
            "dev/sda",
            "it is a device",
        ),
        (
            Raw::default().add(b'6', b"pipe", b"", b""),
            "pipe",
            "it is a fifo",
        ),
        (
            Raw::default().add(b'M', b"part", b"", b""),
            "part",
            "it is of the unknown kind `M`",
        ),
        (
            Raw::default().add(b'2', b"l", b"", b""),
            "l",
            "its target is not a path",
        ),
        (
            Raw::default().add(b'2', b"l", b"\xff", b""),
            "l",
            "its target is not UTF-8",
        ),
        (
            Raw::default()
                .add(b'2', b"l", b"/etc", b"")
                .file("l/x", b""),
            "l/x",
            "`l` is no directory",
        ),
        (
            Raw::default()
                .file("l/x", b"")
                .add(b'2', b"l", b"/etc", b""),
            "l/x",
            "`l` is no directory",
        ),
        (
            Raw::default().file("f", b"").file("f/x", b""),
            "f/x",
            "`f` is no directory",
        ),
        (
            Raw::default().file("f", b"1").file("f", b"2"),
            "f",
            "it is there twice, and differs",
        ),
        (
            Raw::default().file("f", b"1").add(b'5', b"f", b"", b""),
            "f",
            "it is there twice, and differs",
        ),
        (
            Raw::default().add(b'1', b"h", b"gone", b""),
            "h",
            "it is a link to `gone`, which is no file before it",
        ),
        (
            Raw::default().add(b'1', b"h", b"../up", b""),
            "../up",
            "its path has a `..`",
        ),
        (
            Raw::default().add(b'1', b"h", b"h", b""),
            "h",
            "it is a link to `h`, which is no file before it",
        ),
        (
            Raw::default()
                .add(b'5', b"d", b"", b"")
                .add(b'1', b"h", b"d", b""),
            "h",
            "it is a link to `d`, which is no file before it",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (raw, entry, why) in cases {
        assert_eq!(
            refusal(&raw.write(&folder), &TAR),
            (entry.to_owned(), why.to_owned())
        );
    }
}

#[test]
fn what_only_looks_odd_is_taken() {
    let raw = Raw::default()
        .add(b'5', b"./", b"", b"")
        .file("./a//b/./f", b"1")
        .file("a/b/f", b"1")
        .add(b'0', b"old/", b"", b"")
        .add(b'2', b"up", b"../../outside", b"")
        .add(b'1', b"again", b"./up", b"")
        .file("..x", b"")
        .add(b'g', b"pax_global_header", b"", b"16 comment=test\n");
    let folder = tempfile::tempdir().unwrap();
    let expected = "f ..x 0\nf a/b/f 1\nl again -> ../../outside\nd old\nl up -> ../../outside\n";
    assert_eq!(lines(&raw.write(&folder), &TAR), expected);
}

#[test]
fn zips_are_held_to_the_same_rules() {
    use zip::write::SimpleFileOptions;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("z.zip");
    for (name, why) in [
        ("/etc/passwd", "its path is absolute"),
        ("a/../../b", "its path has a `..`"),
    ] {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap();
        assert_eq!(refusal(&path, &Unpack::Zip { strip: 0 }).1, why);
    }
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.add_symlink("l", "/etc", SimpleFileOptions::default())
        .unwrap();
    zip.start_file("l/x", SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap();
    assert_eq!(
        refusal(&path, &Unpack::Zip { strip: 0 }).1,
        "`l` is no directory"
    );
}

#[test]
fn limits_stop_bombs() {
    let folder = tempfile::tempdir().unwrap();
    let raw = Raw::default()
        .file("a", &[0; 2000])
        .file("b", &[0; 2000])
        .write(&folder);
    let why = |limits: Limits| match unpack::<Error>(&raw, &TAR, &limits, |bytes, _| {
        Ok(Digest::of(&bytes))
    }) {
        Err(Error::Refused { entry, why, .. }) => format!("{entry}: {why}"),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        why(Limits {
            entries: 1,
            ..limits()
        }),
        "b: there are more than 1 entries"
    );
    assert_eq!(
        why(Limits {
            file: 1999,
            ..limits()
        }),
        "a: it has 2000 bytes; 1999 are the most for a file"
    );
    assert!(
        why(Limits {
            total: 3000,
            ..limits()
        })
        .ends_with("there are more than 3000 bytes")
    );
    // 8 MiB of zeros in what is left out, and in what follows the archive.
    let zeros = vec![0; 8 << 20];
    for bomb in [Raw::default().file("top", &zeros).0, vec![0; 8 << 20]] {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bomb).unwrap();
        fs::write(&raw, gzip.finish().unwrap()).unwrap();
        let limits = Limits {
            total: 1 << 20,
            ..limits()
        };
        let outcome = unpack::<Error>(&raw, &Unpack::Tar { strip: 1 }, &limits, |bytes, _| {
            Ok(Digest::of(&bytes))
        });
        assert!(
            matches!(&outcome, Err(Error::Refused { why, .. }) if why.contains("1048576")),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_header_that_lies_about_its_size_is_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    let path = folder.path().join("lie.tar");
    fs::write(&path, [header.as_bytes().as_slice(), b"short"].concat()).unwrap();
    let error = open(&path, &TAR).unwrap_err();
    assert!(matches!(&error, Error::Damaged { .. }), "{error}");
}

#[test]
fn the_stores_error_ends_the_unpacking() {
    let folder = sample();
    run(folder.path(), "tar", &["-cf", "all.tar", "top"]);
    let calls = AtomicUsize::new(0);
    let outcome = unpack(
        &folder.path().join("all.tar"),
        &TAR,
        &limits(),
        |_, _| -> Result<Digest, Error> {
            calls.fetch_add(1, Ordering::Relaxed);
            Err(Error::AptAnswer("the store's".into()))
        },
    );
    assert!(matches!(outcome, Err(Error::AptAnswer(_))));
    assert!(calls.into_inner() <= 2, "one a worker");
}

#[test]
fn a_store_that_panics_hangs_nobody() {
    let folder = sample();
    run(folder.path(), "tar", &["-cf", "all.tar", "top"]);
    let unpacking = std::panic::catch_unwind(|| {
        unpack::<Error>(&folder.path().join("all.tar"), &TAR, &limits(), |_, _| {
            panic!("the store's")
        })
    });
    assert!(unpacking.is_err());
}

/// Valid archives of one small tree in every form.
fn forms() -> &'static Vec<(Unpack, Vec<u8>)> {
    static FORMS: std::sync::OnceLock<Vec<(Unpack, Vec<u8>)>> = std::sync::OnceLock::new();
    FORMS.get_or_init(|| {
        let raw = Raw::default()
            .file("top/a", &[7; 5000])
            .add(b'2', b"top/l", b"a", b"")
            .add(b'1', b"top/h", b"top/a", b"");
        let mut tar = raw.0;
        tar.resize(tar.len() + 1024, 0);
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(&tar).unwrap();
        let xz = xz.finish().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&tar).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&tar).unwrap();
        let mut deb = b"!<arch>\n".to_vec();
        for (name, contents) in [
            ("debian-binary", b"2.0\n".as_slice()),
            ("control.tar", b"odd"),
            ("data.tar.xz", &xz),
        ] {
            deb.extend(
                format!(
                    "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
                    0,
                    0,
                    0,
                    "100644",
                    contents.len()
                )
                .bytes(),
            );
            deb.extend(contents);
            deb.resize(deb.len().next_multiple_of(2), b'\n');
        }
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("top/a", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&[7; 5000]).unwrap();
        vec![
            (TAR, zstd::encode_all(tar.as_slice(), 1).unwrap()),
            (TAR, gzip.finish().unwrap()),
            (TAR, bzip2.finish().unwrap()),
            (TAR, xz),
            (Unpack::Deb, deb),
            (Unpack::Zip { strip: 0 }, zip.finish().unwrap().into_inner()),
            (TAR, tar),
        ]
    })
}

#[test]
fn a_truncated_archive_is_damaged_wherever_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for (index, (how, whole)) in forms().iter().enumerate() {
        fs::write(&path, whole).unwrap();
        assert!(open(&path, how).is_ok(), "form {index}");
        // A plain tar has no check sum: cut between entries it is a whole, smaller one.
        let plain = index + 1 == forms().len();
        for end in (0..whole.len()).step_by(if plain { 100 } else { 1 }) {
            fs::write(&path, &whole[..end]).unwrap();
            let outcome = open(&path, how);
            let damaged = matches!(outcome, Err(Error::Damaged { .. }));
            let whole_enough = plain && (end % 512 == 0 || end >= whole.len() - 1024);
            assert!(
                damaged || whole_enough,
                "form {index} at {end} of {}: {outcome:?}",
                whole.len()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise");
        fs::write(&path, &bytes).unwrap();
        for how in [TAR, Unpack::Zip { strip: 1 }, Unpack::Deb] {
            let _ = open(&path, &how);
        }
    }

    #[test]
    fn flipped_bytes_never_panic(form in 0..7usize, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let (how, whole) = &forms()[form];
        let mut bytes = whole.clone();
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flipped");
        fs::write(&path, &bytes).unwrap();
        let _ = open(&path, how);
    }
}

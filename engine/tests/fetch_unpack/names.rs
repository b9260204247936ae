//! Names and kinds of entries: what must not enter a tree, and what only looks odd.

use std::fs;
use std::io::{Cursor, Write};

use pwb_engine::recipe::Unpack;

use crate::raw::Raw;
use crate::{TAR, lines, refusal};

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

/// GNU's way of a name that no header has room for.
fn long(name: &str) -> Raw {
    let name = format!("{name}\0");
    Raw::default()
        .add(b'L', b"././@LongLink", b"", name.as_bytes())
        .file("short", b"")
}

#[test]
fn names_and_paths_have_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let name = "n".repeat(255);
    assert_eq!(
        lines(&long(&name).write(&folder), &TAR),
        format!("f {name} 0\n")
    );
    let pax = Raw::default().add(b'x', b"pax", b"", b"12 path=a\0b\n");
    for (raw, why) in [
        (long(&format!("{name}n")), "a name has at most 255 bytes"),
        (long(&"a/".repeat(129)), "a path has at most 128 names"),
        (long(&"a/".repeat(500_000)), "a path has at most 4095 bytes"),
        (pax.file("short", b""), "a name has no NUL"),
    ] {
        assert_eq!(refusal(&raw.write(&folder), &TAR).1, why);
    }
}

#[test]
fn names_are_bytes_to_nobody_but_linux() {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        " ",
        "-rf",
        "...",
        "C:\\con",
        "a\nb",
        "a\\..\\b",
        "~",
        "\u{202e}txt",
    ];
    let mut raw = Raw::default();
    for name in names {
        raw = raw.file(name, b"");
    }
    let mut expected: Vec<String> = names.iter().map(|name| format!("f {name} 0\n")).collect();
    expected.sort();
    assert_eq!(lines(&raw.write(&folder), &TAR), expected.concat());
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

/// A zip of two entries with one byte each, `a` and `b`; where its central directory begins.
fn two() -> (Vec<u8>, usize) {
    use zip::write::SimpleFileOptions;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in ["a", "b"] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(name.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let central = bytes.windows(4).position(|at| at == b"PK\x01\x02").unwrap();
    (bytes, central)
}

#[test]
fn zips_have_no_special_files_and_no_two_of_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("z.zip");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        refusal(&path, &Unpack::Zip { strip: 0 }).1
    };
    // A fifo, a character device, a block device, a socket: the upper half of the external attributes is the mode.
    for kind in [0o010_000_u16, 0o020_000, 0o060_000, 0o140_000] {
        let (mut bytes, central) = two();
        bytes[central + 40..central + 42].copy_from_slice(&(kind | 0o644).to_le_bytes());
        assert_eq!(refused(&bytes), "it is neither a file, a folder nor a link");
    }
    let (bytes, central) = two();
    let second = central
        + bytes[central + 4..]
            .windows(4)
            .position(|at| at == b"PK\x01\x02")
            .unwrap()
        + 4;
    let mut twice = bytes.clone();
    twice[second + 46] = b'a';
    assert_eq!(refused(&twice), "two entries have one name");
    let mut shared = bytes;
    shared[second + 42] = 0;
    assert_eq!(refused(&shared), "entries share their bytes");
}

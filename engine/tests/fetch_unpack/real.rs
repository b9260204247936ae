//! What the real programs write.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use pwb_engine::recipe::Unpack;
use tempfile::TempDir;

use crate::{TAR, lines};

/// Runs a program that this host must have.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) {
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
pub fn sample() -> TempDir {
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

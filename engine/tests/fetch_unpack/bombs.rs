//! Archives that hold more than they look like, or more than anybody can use.

use std::fs;
use std::io::Write;
use std::path::Path;

use pwb_cache::Digest;
use pwb_engine::fetch::{Error, Limits, unpack};
use pwb_engine::recipe::Unpack;

use crate::raw::Raw;
use crate::{TAR, limits, open};

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
}

/// 8 MiB of zeros in what is left out, and in what follows the archive.
#[test]
fn what_is_not_wanted_counts_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb");
    let zeros = vec![0; 8 << 20];
    for bomb in [Raw::default().file("top", &zeros).0, zeros.clone()] {
        for packed in packed(&bomb) {
            fs::write(&path, packed).unwrap();
            let limits = Limits {
                total: 1 << 20,
                ..limits()
            };
            assert_eq!(
                refused(&path, &Unpack::Tar { strip: 1 }, &limits),
                "all in all there are more than 1048576 bytes"
            );
        }
    }
}

/// The same bytes in every compression.
fn packed(bytes: &[u8]) -> [Vec<u8>; 4] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
    gzip.write_all(bytes).unwrap();
    bzip2.write_all(bytes).unwrap();
    xz.write_all(bytes).unwrap();
    [
        gzip.finish().unwrap(),
        bzip2.finish().unwrap(),
        xz.finish().unwrap(),
        zstd::encode_all(bytes, 1).unwrap(),
    ]
}

fn refused(archive: &Path, how: &Unpack, limits: &Limits) -> String {
    match unpack::<Error>(archive, how, limits, |bytes, _| Ok(Digest::of(&bytes))) {
        Err(Error::Refused { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

/// Past what any archive may hold, each byte of it may stand for so many.
#[test]
fn an_archive_does_not_hold_a_thousand_times_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb");
    let limits = |free| Limits {
        free,
        ratio: 1000,
        ..limits()
    };
    let zeros = vec![0; 8 << 20];
    let [_, bzip2, xz, zstd] = packed(&Raw::default().file("zeros", &zeros).0);
    for packed in [bzip2, xz, zstd] {
        assert!(packed.len() < 8 << 10);
        let most = packed.len() * 1000;
        fs::write(&path, packed).unwrap();
        assert_eq!(
            refused(&path, &TAR, &limits(1 << 20)),
            format!("all in all there are more than {} bytes", most.max(1 << 20))
        );
        let unpacked = unpack::<Error>(&path, &TAR, &limits(9 << 20), |bytes, _| {
            Ok(Digest::of(&bytes))
        });
        assert!(unpacked.is_ok());
    }
}

/// What a million entries cost: `cargo test --release -p pwb-engine --test fetch_unpack -- --ignored --nocapture`.
#[test]
#[ignore = "half a minute, for its figures"]
fn a_million_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.tar");
    let mut tar = tar::Builder::new(std::io::BufWriter::new(fs::File::create(&path).unwrap()));
    for number in 0..1_000_000 {
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_mode(0o644);
        let name = format!("{}/{}/{number}", number % 100, number % 10_000);
        tar.append_data(&mut header, name, std::io::empty())
            .unwrap();
    }
    drop(tar.into_inner().unwrap());
    let begin = std::time::Instant::now();
    let digest = Digest::of(b"");
    let listing = unpack::<Error>(&path, &TAR, &Limits::default(), |_, _| Ok(digest)).unwrap();
    assert_eq!(listing.len(), 1_000_000);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    println!("{:?}, {peak}", begin.elapsed());
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

//! Archives that are cut off, flipped bytes, and noise.

use std::fs;
use std::io::{Cursor, Write};

use proptest::prelude::*;
use pwb_engine::fetch::Error;
use pwb_engine::recipe::Unpack;

use crate::raw::Raw;
use crate::{TAR, open};

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

/// What is in an archive has a check sum there: it is looked at, wherever the archive came from.
#[test]
fn a_flipped_byte_in_a_zip_is_damage() {
    use zip::write::SimpleFileOptions;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a", stored).unwrap();
    zip.write_all(b"contents").unwrap();
    let mut bytes = zip.finish().unwrap().into_inner();
    let at = bytes.windows(8).position(|at| at == b"contents").unwrap();
    bytes[at] = b'C';
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped");
    fs::write(&path, bytes).unwrap();
    let error = open(&path, &Unpack::Zip { strip: 0 }).unwrap_err();
    assert!(matches!(&error, Error::Damaged { .. }), "{error}");
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

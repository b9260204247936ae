//! Archives: whatever is in one, only clean paths come out of it, and no more bytes than allowed.

use std::sync::atomic::{AtomicU64, Ordering};

use pwb_cache::{Digest, Store};
use pwb_engine::fetch::{Error, Item, Limits, unpack};
use pwb_engine::recipe::Unpack;

use crate::scratch;

const TOTAL: u64 = 1 << 20;

/// The first byte says what the others are said to be; what they are compressed with, they say themselves.
pub fn run(bytes: &[u8]) {
    let Some((kind, archive)) = bytes.split_first() else {
        return;
    };
    let folder = scratch::folder();
    let path = folder.path().join("archive");
    std::fs::write(&path, with_check_sums(archive)).unwrap();
    let how = match kind % 6 {
        0 => Unpack::Tar { strip: 0 },
        1 => Unpack::Tar { strip: 1 },
        2 => Unpack::Zip { strip: 0 },
        3 => Unpack::Zip { strip: 1 },
        4 => Unpack::Deb,
        _ => {
            let store = Store::open(&folder.path().join("store")).unwrap();
            let _ = pwb_remote::archive::read(&store, &path, &[]);
            return;
        }
    };
    let limits = Limits {
        entries: 1000,
        file: TOTAL / 2,
        total: TOTAL,
        in_flight: 4096,
        threads: 1,
        ..Limits::default()
    };
    let taken = AtomicU64::new(0);
    let listing = unpack::<Error>(&path, &how, &limits, |contents, _| {
        taken.fetch_add(contents.len() as u64, Ordering::Relaxed);
        Ok(Digest::of(&contents))
    });
    assert!(taken.into_inner() <= TOTAL, "more than allowed");
    let Ok(listing) = listing else { return };
    assert!(listing.len() <= 1000, "more entries than allowed");
    for (path, item) in listing.iter() {
        for name in path.as_str().split('/') {
            assert!(
                !matches!(name, "" | "." | "..") && name.len() < 256,
                "{path}"
            );
            assert!(!name.contains('\0'), "{path:?}");
        }
        if let Item::Symlink(target) = item {
            assert!(!target.is_empty() && !target.contains('\0'), "{target:?}");
        }
    }
    // A path that leads through a file or a link would be written elsewhere.
    for (path, item) in listing.iter() {
        let inside = format!("{path}/");
        let below = || {
            listing
                .iter()
                .any(|(path, _)| path.as_str().starts_with(&inside))
        };
        assert!(
            *item == Item::Directory || !below(),
            "{path} is no directory"
        );
    }
}

/// The same where it is a bare tar, but with headers' check sums that are right: a fuzzer would not find them.
fn with_check_sums(archive: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    if archive.get(257..262) != Some(b"ustar") {
        return archive;
    }
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + 512) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        if sum > 8 * u32::from(b' ') {
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        } else {
            header[148..156].fill(0);
        }
        let size = std::str::from_utf8(&header[124..135]).ok();
        let size = size.and_then(|size| usize::from_str_radix(size, 8).ok());
        at += 512 + size.unwrap_or(0).next_multiple_of(512);
    }
    archive
}

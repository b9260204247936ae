//! What a file's status says of its contents: a file with a stamp that was seen before need not be read again.
//!
//! A file written twice within a tick of the clock may have one stamp for two contents, so a stamp counts only once it
//! is older than any clock's tick when it is taken ("racy git", Documentation/technical/racy-git.txt).

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::digest::Digest;

/// Longer than a tick of any file system's clock (FAT's are the longest).
const TICK: i64 = 2_000_000_000;

/// Which file it is, how large, and when it was changed, in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: i64,
    changed: i64,
}

/// Digests by stamp.
#[derive(Debug, Default)]
pub(crate) struct Stamps(HashMap<Stamp, Digest>);

impl Stamp {
    pub fn of(metadata: &Metadata) -> Stamp {
        let nanoseconds = |seconds: i64, rest: i64| seconds.wrapping_mul(1_000_000_000) + rest;
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a change after `now` would give the file another stamp.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let now = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.modified.max(self.changed) < now.saturating_sub(TICK)
    }
}

impl Stamps {
    pub fn get(&self, stamp: &Stamp) -> Option<Digest> {
        self.0.get(stamp).copied()
    }

    /// The form the index keeps, the same for the same stamps.
    pub fn to_row(&self) -> Vec<u8> {
        let mut stamps: Vec<_> = self.0.iter().collect();
        stamps.sort_unstable();
        let mut row = Vec::with_capacity(stamps.len() * RECORD);
        for (stamp, digest) in stamps {
            row.extend(stamp.device.to_le_bytes());
            row.extend(stamp.inode.to_le_bytes());
            row.extend(stamp.modified.to_le_bytes());
            row.extend(stamp.changed.to_le_bytes());
            row.extend(digest.to_row());
        }
        row
    }

    pub fn from_row(row: &[u8]) -> Stamps {
        let (records, _) = row.as_chunks::<RECORD>();
        Stamps(records.iter().filter_map(record).collect())
    }
}

/// Four numbers and a digest, which has the size.
const RECORD: usize = 4 * 8 + 40;

fn record(record: &[u8; RECORD]) -> Option<(Stamp, Digest)> {
    let (numbers, digest) = record.split_first_chunk::<32>()?;
    let digest = Digest::from_row(*digest.first_chunk()?);
    let [device, inode, modified, changed] = *numbers.as_chunks::<8>().0 else {
        return None;
    };
    let stamp = Stamp {
        device: u64::from_le_bytes(device),
        inode: u64::from_le_bytes(inode),
        size: digest.size(),
        modified: i64::from_le_bytes(modified),
        changed: i64::from_le_bytes(changed),
    };
    Some((stamp, digest))
}

impl FromIterator<(Stamp, Digest)> for Stamps {
    fn from_iter<I: IntoIterator<Item = (Stamp, Digest)>>(stamps: I) -> Stamps {
        Stamps(stamps.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stamp(inode: u64, changed: i64) -> Stamp {
        Stamp {
            device: 1,
            inode,
            size: 1,
            modified: -5,
            changed,
        }
    }

    #[test]
    fn rows_give_stamps_back() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let stamps: Stamps = [(stamp(1, 7), a), (stamp(2, 7), b)].into_iter().collect();
        let same: Stamps = [(stamp(2, 7), b), (stamp(1, 7), a)].into_iter().collect();
        assert_eq!(stamps.to_row(), same.to_row());
        let back = Stamps::from_row(&stamps.to_row());
        assert_eq!(back.get(&stamp(1, 7)), Some(a));
        assert_eq!(back.get(&stamp(2, 7)), Some(b));
        assert_eq!(back.get(&stamp(2, 8)), None);
        assert_eq!(Stamps::from_row(b"torn").to_row(), b"");
    }

    #[test]
    fn what_was_just_changed_is_not_settled() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        assert!(stamp(1, 97_999_999_999).is_settled(now));
        assert!(!stamp(1, 98_000_000_000).is_settled(now));
        assert!(!stamp(1, 200_000_000_000).is_settled(now), "of the future");
    }
}

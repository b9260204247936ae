//! What a file's status says of its contents: a file with a stamp that was seen before need not be read again, and a folder
//! need not be listed again.
//!
//! A file written twice within a tick of the clock may have one stamp for two contents, so a stamp counts only once it
//! is older than any clock's tick when it is taken ("racy git", Documentation/technical/racy-git.txt).

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

/// Longer than a tick of any file system's clock (FAT's are the longest).
const TICK: i64 = 2_000_000_000;

/// Which file it is, how large, and when it was changed, in nanoseconds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: i64,
    modified: i64,
    changed: i64,
}

impl Stamp {
    pub fn of(stat: &Stat) -> Stamp {
        let nanoseconds = |seconds: i64, rest: i64| seconds.wrapping_mul(1_000_000_000) + rest;
        Stamp {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size,
            modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
        }
    }

    /// The stamp, if a change after `now` would give the file another one.
    pub fn settled(self, now: SystemTime) -> Option<Stamp> {
        let now = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        (self.modified.max(self.changed) < now.saturating_sub(TICK)).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_just_changed_is_not_settled() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let is_settled = |changed: i64| {
            let stamp = Stamp {
                device: 1,
                inode: 1,
                size: 1,
                modified: -5,
                changed,
            };
            stamp.settled(now).is_some()
        };
        assert!(is_settled(97_999_999_999));
        assert!(!is_settled(98_000_000_000));
        assert!(!is_settled(200_000_000_000), "of the future");
    }
}

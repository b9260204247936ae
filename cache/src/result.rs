//! What an action left behind.

use std::time::Duration;

use crate::directory::TreeDigest;

/// The result of an action that succeeded; a failure is never kept as a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ActionResult {
    /// The part of the root that the action produced.
    pub tree: TreeDigest,
    /// Wall time.
    pub wall: Duration,
    /// CPU time in user mode, children included.
    pub user: Duration,
    /// CPU time in the kernel, children included.
    pub system: Duration,
    /// The largest resident set of any one process, in bytes.
    pub max_rss: u64,
}

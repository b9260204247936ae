//! How a person wants things realized. None of it enters a key.

use crate::fetch::Places;

/// How to realize.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Actions at once, and tokens for all that `make` runs inside them.
    pub jobs: usize,
    /// Whether the network must not be used.
    pub offline: bool,
    /// Whether to go on with what does not depend on a failure.
    pub keep_going: bool,
    /// Whether to keep what a failed command has written.
    pub keep_failed: bool,
    /// Whether calls of compilers are remembered, and answered from what equal calls came to.
    pub compile_cache: bool,
    /// Where downloads come from.
    pub places: Places,
}

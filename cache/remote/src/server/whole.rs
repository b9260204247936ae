//! Directories that were found whole, with all below them, a moment ago: results share most of what they name, and are asked
//! for by the hundred.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pwb_cache::Name;

/// How long that is believed. What goes in between is not found when it is read.
const BELIEVED: Duration = Duration::from_secs(30);

/// What was found, and when.
#[derive(Debug, Default)]
pub struct Whole(Mutex<HashMap<Name, Instant>>);

impl Whole {
    /// Whether this directory was whole a moment ago.
    pub fn has(&self, directory: &Name) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.get(directory);
        found.is_some_and(|when| when.elapsed() < BELIEVED)
    }

    /// Believes nothing any more: something was asked for, and had gone.
    pub fn clear(&self) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.clear();
    }

    /// Takes directories that have just been found whole.
    pub fn add(&self, directories: impl IntoIterator<Item = Name>) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.retain(|_, when| when.elapsed() < BELIEVED);
        let now = Instant::now();
        found.extend(directories.into_iter().map(|directory| (directory, now)));
    }
}

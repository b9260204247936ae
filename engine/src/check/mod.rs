//! Tests of results: which there are, how each ended, and whether that is as expected.

pub(crate) mod ending;
mod expected;
mod outcome;
mod suite;
mod test;

pub use expected::Expected;
pub use outcome::{Case, CaseEnd, Outcome};
pub use suite::{Ended, Unexpected, check};
pub use test::{Test, listed};

use std::path::{Path, PathBuf};

use pwb_cache::fs;

use crate::error::Result;

/// What is in a folder, in the order of names.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.into_iter();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

//! A test by name, and where names come from.

use std::fmt;
use std::path::Path;

use pwb_cache::fs;

use super::files;
use crate::error::Result;
use crate::recipe::NodeName;

/// A test of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Test {
    /// The check.
    pub check: NodeName,
    /// Its name in the check's list; `None` where the check's command is the one test.
    pub named: Option<String>,
}

impl Test {
    /// Its own name; the check's where it has none.
    pub fn name(&self) -> &str {
        self.named.as_deref().unwrap_or(self.check.name())
    }
}

/// The name of its step: `cpython/suite/test_math`.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.named {
            Some(name) => write!(f, "{}/{name}", self.check),
            None => write!(f, "{}", self.check),
        }
    }
}

/// The names in the files of a folder, one a line, in the order of the files' names.
pub fn listed(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in files(folder)? {
        let text = fs::read(&file)?;
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().map(str::trim);
        names.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(names)
}

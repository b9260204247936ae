//! What of a check is expected to fail, and why. Knows names and patterns, no results.

use globset::Glob;
use serde::{Deserialize, Serialize};

/// Tests that fail, or cases in them that do: `Fails(tests: ["test_ssl"], why: "…")`.
#[derive(Debug, Clone)]
pub struct Fails {
    /// The tests; none: whichever it is.
    pub tests: Vec<String>,
    /// The cases in them that fail; none: the test may fail in any way.
    pub cases: Vec<CasePattern>,
    /// The reason, for reports.
    pub why: String,
}

/// A pattern of the names of cases: `*.TestSSL.*`. Always well-formed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct CasePattern(String);

impl Fails {
    /// Whether it speaks of this test.
    pub fn concerns(&self, test: &str) -> bool {
        self.tests.is_empty() || self.tests.iter().any(|one| one == test)
    }
}

impl CasePattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<CasePattern, String> {
        match Glob::new(text) {
            Ok(_) => Ok(CasePattern(text.to_owned())),
            Err(error) => Err(error.kind().to_string()),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches a case's name.
    pub fn matches(&self, case: &str) -> bool {
        Glob::new(&self.0).is_ok_and(|glob| glob.compile_matcher().is_match(case))
    }
}

//! What is wrong with a recipe, where, and what to do about it. Its text is made in `excerpt`.
//! Never prints; knows nothing of nodes or options.

use std::fmt;

use super::code::Code;
use super::excerpt;
use super::source::Location;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs.
    Error,
    /// Worth a look; everything runs.
    Warning,
}

/// A place, and what to say under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub location: Location,
    /// A few words; may be empty.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of finding it is.
    pub code: Code,
    /// One line that says what is wrong.
    pub message: String,
    /// The place that is meant; none where the cause is no file (a name on the command line).
    pub primary: Option<Label>,
    /// Further places: the other one of two duplicates, the steps of a cycle.
    pub related: Vec<Label>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message)
        }
    }

    /// Adds the place that is meant.
    pub fn at(mut self, location: Location, text: impl Into<String>) -> Diagnostic {
        self.primary = Some(Label {
            location,
            text: text.into(),
        });
        self
    }

    /// Adds a further place.
    pub fn related(mut self, location: Location, text: impl Into<String>) -> Diagnostic {
        self.related.push(Label {
            location,
            text: text.into(),
        });
        self
    }

    /// Adds a line that says what to do. None adds nothing.
    pub fn help(mut self, help: impl Into<Option<String>>) -> Diagnostic {
        self.help.extend(help.into());
        self
    }

    /// The text for a person: message, excerpt with carets, help. No newline at the end.
    pub fn render(&self, color: bool) -> String {
        excerpt::render(self, color)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostic {}

/// All the errors found in a set of recipes. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// How many are rendered: past this a person fixes the first ones and looks again.
    pub const SHOWN: usize = 20;

    /// None where there is no finding.
    pub(super) fn new(all: Vec<Diagnostic>) -> Option<Diagnostics> {
        (!all.is_empty()).then_some(Diagnostics(all))
    }

    /// In the order of files and of places in them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The first [`Diagnostics::SHOWN`] as text, with blank lines between, and how many more there are.
    pub fn render(&self, color: bool) -> String {
        let shown = self.0.iter().take(Diagnostics::SHOWN);
        let mut parts: Vec<String> = shown.map(|one| one.render(color)).collect();
        let rest = self.0.len().saturating_sub(Diagnostics::SHOWN);
        if let Some(hidden) = self.0.get(Diagnostics::SHOWN) {
            let message = format!(
                "{rest} more {} not shown",
                if rest == 1 { "error is" } else { "errors are" }
            );
            parts.push(Diagnostic::error(hidden.code, message).render(color));
        }
        parts.join("\n\n")
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Diagnostics {
        Diagnostics(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

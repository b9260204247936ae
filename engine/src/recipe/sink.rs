//! The files read so far and what was found in them: so that one error hides no other.

use std::sync::Arc;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::item::Condition;
use super::name::{NodeName, OptionName, Reference};
use super::source::{Location, Source, Span, Spanned};

/// Collects findings.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) sources: Vec<Arc<Source>>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) uses: Uses,
}

/// The names that the files use, to be looked up once all are read: also those in nodes that have errors of their own.
#[derive(Default)]
pub(super) struct Uses {
    /// Each with the recipe that has it.
    pub(super) references: Vec<(String, Spanned<Reference>)>,
    /// The checks that targets name, each with its recipe.
    pub(super) checks: Vec<(String, Spanned<NodeName>)>,
    pub(super) conditions: Vec<Condition>,
    /// The options of `Each`.
    pub(super) repeats: Vec<Spanned<OptionName>>,
}

impl Sink {
    /// Adds a file; an error where it is not UTF-8. Returns its index in spans.
    pub(super) fn open(&mut self, path: &str, bytes: &[u8]) -> Result<(usize, Arc<Source>), ()> {
        let file = self.sources.len();
        let (source, bad) = Source::from_bytes(path.to_owned(), bytes);
        let source = Arc::new(source);
        self.sources.push(Arc::clone(&source));
        match bad {
            None => Ok((file, source)),
            Some(range) => {
                let span = Span {
                    file,
                    start: range.start,
                    end: range.end,
                };
                self.error(
                    Code::Syntax,
                    span,
                    format!("`{path}` is not UTF-8"),
                    "the first bytes that are not",
                );
                Err(())
            }
        }
    }

    /// Adds an error.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.errors.push(self.finding(code, span, message, label));
    }

    /// An error to add to, then to give to [`Sink::add`].
    pub(super) fn finding(
        &self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::error(code, message).at(self.location(span), label)
    }

    /// Adds an error made with [`Sink::finding`].
    pub(super) fn add(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    /// The readable form of a span.
    pub(super) fn location(&self, span: Span) -> Location {
        Location::new(Arc::clone(&self.sources[span.file]), span.start..span.end)
    }

    /// The errors, in the order of files and of places in them.
    pub(super) fn into_errors(mut self) -> Vec<Diagnostic> {
        self.errors.sort_by_key(|error| {
            error.primary.as_ref().map(|label| {
                let path = label.location.path();
                (
                    self.sources.iter().position(|source| source.path() == path),
                    label.location.range().start,
                )
            })
        });
        self.errors
    }
}

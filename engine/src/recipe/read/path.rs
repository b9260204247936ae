//! Reads paths, and references to nodes.

use std::collections::BTreeSet;

use pwb_cache::{Filter, Pattern};

use super::super::code::Code;
use super::super::name::{NAME_RULE, NodeName, OptionName, Reference};
use super::super::path::{PathError, RelativePath, SandboxPath};
use super::super::reader::{Raw, Reader};
use super::super::source::{Span, Spanned};
use super::super::syntax::{ExceptSyntax, OnlySyntax};

/// What every sandbox has of its own.
const RESERVED: [&str; 3] = ["/dev", "/proc", "/tmp"];

impl<'a> Reader<'a, '_> {
    pub(super) fn sandbox_path(&mut self, raw: Raw<'a>) -> Option<Spanned<SandboxPath>> {
        let text = self.text(raw)?;
        self.as_sandbox_path(&text)
    }

    pub(super) fn as_sandbox_path(
        &mut self,
        text: &Spanned<String>,
    ) -> Option<Spanned<SandboxPath>> {
        self.clean(text, SandboxPath::parse(text), "an absolute path")
    }

    pub(super) fn relative_path(&mut self, raw: Raw<'a>) -> Option<Spanned<RelativePath>> {
        let text = self.text(raw)?;
        self.clean(&text, RelativePath::parse(&text), "a relative path")
    }

    fn clean<T>(
        &mut self,
        text: &Spanned<String>,
        path: Result<T, PathError>,
        what: &str,
    ) -> Option<Spanned<T>> {
        match path {
            Ok(path) => Some(Spanned::new(path, text.span)),
            Err(error) => {
                let message = format!("`{text}` is not {what} without `.`, `..` and empty parts");
                self.error(Code::BadPath, text.span, message, error.to_string());
                None
            }
        }
    }

    /// A path where something of a recipe's can be: not the root itself, and not in a place of the sandbox's own.
    pub(super) fn place(
        &mut self,
        path: Spanned<SandboxPath>,
        what: &str,
    ) -> Option<Spanned<SandboxPath>> {
        if path.is_root() {
            self.error(
                Code::BadPath,
                path.span,
                format!("{what} cannot be `/` itself"),
                "a directory below it is wanted",
            );
            return None;
        }
        let in_reserved =
            |place: &&&str| SandboxPath::parse(place).is_ok_and(|place| path.starts_with(&place));
        if let Some(reserved) = RESERVED.iter().find(in_reserved) {
            let message = format!("{what} cannot be in `{reserved}`");
            self.error(
                Code::BadPath,
                path.span,
                message,
                "every sandbox has its own",
            );
            return None;
        }
        Some(path)
    }

    /// Errors for all pairs of paths that are the same or one inside the other.
    pub(super) fn disjoint(&mut self, paths: &[Spanned<SandboxPath>], what: &str) {
        for (index, second) in paths.iter().enumerate() {
            for first in &paths[..index] {
                let relation = if first.value == second.value {
                    "the same as"
                } else if second.starts_with(first) {
                    "inside"
                } else if first.starts_with(second) {
                    "around"
                } else {
                    continue;
                };
                let message = format!("{what} collide: `{second}` is {relation} `{first}`");
                let other = self.sink.location(first.span);
                let error = self.sink.finding(
                    Code::Collision,
                    second.span,
                    message,
                    format!("{relation} the other"),
                );
                self.sink.add(error.related(other, "the other"));
            }
        }
    }

    /// `"name"`, `"recipe/name"`, `"name:/path"`, and `Only` or `Except` of one.
    pub(super) fn reference(&mut self, raw: Raw<'a>) -> Option<Spanned<Reference>> {
        match raw.head() {
            "Only" => {
                let OnlySyntax(of, patterns) = self.read(raw)?;
                self.filtered(of, patterns, Filter::Only)
            }
            "Except" => {
                let ExceptSyntax(of, patterns) = self.read(raw)?;
                self.filtered(of, patterns, Filter::Except)
            }
            "" => self.unfiltered(raw),
            _ => {
                self.unknown_kind(raw, "a reference", &["\"node\"", "Only", "Except"]);
                None
            }
        }
    }

    fn filtered(
        &mut self,
        of: Raw<'a>,
        patterns: Raw<'a>,
        filter: fn(BTreeSet<Pattern>) -> Filter,
    ) -> Option<Spanned<Reference>> {
        let reference = self.unfiltered(of);
        let list: Vec<Raw<'a>> = self.read(patterns)?;
        if list.is_empty() {
            let message = "no patterns";
            self.error(
                Code::Empty,
                self.span(patterns),
                message,
                "at least one is wanted here",
            );
        }
        let mut patterns = BTreeSet::new();
        for text in list {
            let text = self.text(text)?;
            match Pattern::parse(&text) {
                Ok(pattern) => drop(patterns.insert(pattern)),
                Err(error) => {
                    let message = format!("`{text}` is not a pattern of paths");
                    self.error(Code::BadPattern, text.span, message, error.why);
                }
            }
        }
        let reference = reference?;
        let span = reference.span;
        let filter = Some(filter(patterns));
        Some(Spanned::new(
            Reference {
                filter,
                ..reference.value
            },
            span,
        ))
    }

    fn unfiltered(&mut self, raw: Raw<'a>) -> Option<Spanned<Reference>> {
        let text = self.text(raw)?;
        let (name, path) = match text.split_once(':') {
            Some((name, path)) => (name, Some(path)),
            None => (text.as_str(), None),
        };
        let node = NodeName::resolve(self.recipe, name);
        if node.is_none() {
            self.bad_name(text.span, name, "a node");
        }
        let path = match path.map(|path| (path, SandboxPath::parse(path))) {
            None => None,
            Some((_, Ok(path))) if !path.is_root() => Some(path),
            Some((path, Ok(_))) => {
                let error = self.sink.finding(
                    Code::BadPath,
                    text.span,
                    format!("`:{path}` selects everything"),
                    "",
                );
                self.sink
                    .add(error.help(format!("for the whole result write `{name}`")));
                return None;
            }
            Some((path, Err(error))) => {
                let message =
                    format!("`{path}` is not an absolute path without `.`, `..` and empty parts");
                self.error(Code::BadPath, text.span, message, error.to_string());
                return None;
            }
        };
        let reference = Spanned::new(
            Reference {
                node: node?,
                path,
                filter: None,
            },
            text.span,
        );
        self.sink
            .uses
            .references
            .push((self.recipe.to_owned(), reference.clone()));
        Some(reference)
    }

    /// `name` or `recipe/name`
    pub(super) fn option_name(&mut self, written: &str, span: Span) -> Option<Spanned<OptionName>> {
        match OptionName::resolve(self.recipe, written) {
            Some(name) => Some(Spanned::new(name, span)),
            None => {
                self.bad_name(span, written, "an option");
                None
            }
        }
    }

    pub(super) fn bad_name(&mut self, span: Span, name: &str, what: &str) {
        let message = format!("`{name}` cannot be the name of {what}");
        let error = self
            .sink
            .finding(Code::BadName, span, message, "")
            .help(NAME_RULE.to_owned());
        self.sink.add(error);
    }
}

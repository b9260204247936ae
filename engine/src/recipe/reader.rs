//! Reads RON piece by piece, keeping the place of every piece.
//!
//! A [`Raw`] is a value's own slice of the file. Shapes (`syntax`) have raw fields, each of which is read by itself: so a
//! bad value hides no other error, and its place is known whatever its type. Knows RON, not recipes.

use std::collections::BTreeMap;
use std::ops::Range;

use ron::extensions::Extensions;
use ron::value::RawValue;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::code::Code;
use super::explain;
use super::sink::Sink;
use super::source::{Span, Spanned};
use super::suggest;

/// A value's slice of the file.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The identifier that it begins with: `When` of `When("x", [])`; empty for a string, a list, a number.
    pub(super) fn head(self) -> &'a str {
        let end = self
            .0
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(self.0.len());
        match self.0[end..].chars().next() {
            Some('"' | '#' | '\'') => "",
            _ if self.0.starts_with(|c: char| c.is_ascii_digit()) => "",
            _ => &self.0[..end],
        }
    }

    /// Whether it is a string, raw or not.
    pub(super) fn is_string(self) -> bool {
        let hashes = self
            .0
            .strip_prefix('r')
            .unwrap_or(self.0)
            .trim_start_matches('#');
        hashes.starts_with('"')
    }

    /// Whether it is a list.
    pub(super) fn is_list(self) -> bool {
        self.0.starts_with('[')
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw<'a>, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Raw(without_comments(raw.get_ron())))
    }
}

/// The value alone, of a text that is a value with white space and comments around it.
fn without_comments(text: &str) -> &str {
    let Ok(mut value) = ron::Deserializer::from_str(text) else {
        return text;
    };
    let start = text.len() - value.remainder().len();
    match IgnoredAny::deserialize(&mut value) {
        Ok(IgnoredAny) => text[start..text.len() - value.remainder().len()].trim_end(),
        Err(_) => &text[start..],
    }
}

/// A map's entries in order, repeated keys and all.
struct Entries<'a>(Vec<(Raw<'a>, Raw<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<'a>, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(Raw<'de>, Raw<'de>)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                std::iter::from_fn(|| map.next_entry().transpose()).collect()
            }
        }

        deserializer.deserialize_map(InOrder).map(Entries)
    }
}

/// Reads the pieces of one file.
pub(super) struct Reader<'a, 's> {
    pub(super) sink: &'s mut Sink,
    /// The path of the recipe, for names without one.
    pub(super) recipe: &'a str,
    /// The whole folder, for values that name a file of it.
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
    file: usize,
    text: &'a str,
}

impl<'a, 's> Reader<'a, 's> {
    pub(super) fn new(
        sink: &'s mut Sink,
        files: &'a BTreeMap<String, Vec<u8>>,
        recipe: &'a str,
        file: usize,
        text: &'a str,
    ) -> Reader<'a, 's> {
        Reader {
            sink,
            recipe,
            files,
            file,
            text,
        }
    }

    /// Whether there is nothing in the file.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The start of the file.
    pub(super) fn start(&self) -> Span {
        Span {
            file: self.file,
            start: 0,
            end: 0,
        }
    }

    /// The word that a piece begins with.
    pub(super) fn word(&self, raw: Raw<'_>) -> Span {
        let span = self.span(raw);
        Span {
            end: span.start + raw.head().len(),
            ..span
        }
    }

    /// The whole file.
    pub(super) fn all(&self) -> Raw<'a> {
        Raw(self.text)
    }

    /// Where a piece is.
    pub(super) fn span(&self, raw: Raw<'_>) -> Span {
        let start = (raw.0.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Span {
            file: self.file,
            start,
            end: start + raw.0.len(),
        }
    }

    /// Adds an error at a piece.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.sink.error(code, span, message, label);
    }

    /// A piece as a type; an error and None where it is not of that type.
    pub(super) fn read<T: Deserialize<'a>>(&mut self, raw: Raw<'a>) -> Option<T> {
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        match options.from_str(raw.0) {
            Ok(value) => Some(value),
            Err(error) => {
                let found = explain::explain(&error, raw.0);
                let start = self.span(raw).start;
                let place = |range: Range<usize>| Span {
                    file: self.file,
                    start: start + range.start,
                    end: start + range.end,
                };
                let (span, related) = (place(found.range), found.related);
                let related = related.map(|(range, label)| (place(range), label));
                let error = self
                    .sink
                    .finding(found.code, span, found.message, found.label);
                let error = match related {
                    Some((span, label)) => error.related(self.sink.location(span), label),
                    None => error,
                };
                self.sink.add(error.help(found.help));
                None
            }
        }
    }

    /// A piece that must be a string, without NUL: no argument, variable or path can have one.
    pub(super) fn text(&mut self, raw: Raw<'a>) -> Option<Spanned<String>> {
        let span = self.span(raw);
        if !raw.is_string() {
            self.error(
                Code::WrongType,
                span,
                "a string is wanted here",
                "not a string",
            );
            return None;
        }
        let text: String = self.read(raw)?;
        if text.contains('\0') {
            self.error(
                Code::BadValue,
                span,
                "a NUL character cannot be in here",
                "",
            );
            return None;
        }
        Some(Spanned::new(text, span))
    }

    /// As [`Reader::text`], and an error where it is empty.
    pub(super) fn filled(&mut self, raw: Raw<'a>, what: &str) -> Option<Spanned<String>> {
        let text = self.text(raw)?;
        if text.is_empty() {
            self.error(Code::Empty, text.span, format!("{what} is empty"), "");
            return None;
        }
        Some(text)
    }

    /// The string, or nothing where the field is absent.
    pub(super) fn text_or_empty(&mut self, raw: Option<Raw<'a>>) -> String {
        raw.and_then(|raw| self.text(raw))
            .map(|text| text.value)
            .unwrap_or_default()
    }

    /// The pieces of a list; none where it is absent.
    pub(super) fn list(&mut self, raw: Option<Raw<'a>>) -> Vec<Raw<'a>> {
        raw.and_then(|raw| self.read(raw)).unwrap_or_default()
    }

    /// As [`Reader::list`], for a list whose errors are already there.
    pub(super) fn list_quietly(&self, raw: Raw<'a>) -> Vec<Raw<'a>> {
        ron::from_str(raw.0).unwrap_or_default()
    }

    /// The strings of a list.
    pub(super) fn texts(&mut self, raw: Option<Raw<'a>>) -> Vec<Spanned<String>> {
        self.list(raw)
            .into_iter()
            .filter_map(|raw| self.text(raw))
            .collect()
    }

    /// The entries of a map, the keys being strings; a key's second use is an error and left out.
    pub(super) fn entries(
        &mut self,
        raw: Option<Raw<'a>>,
        what: &str,
    ) -> Vec<(Spanned<String>, Raw<'a>)> {
        let Some(Entries(entries)) = raw.and_then(|raw| self.read(raw)) else {
            return Vec::new();
        };
        let mut first = BTreeMap::new();
        let mut unique = Vec::new();
        for (key, value) in entries {
            let Some(key) = self.text(key) else { continue };
            match first.get(&key.value) {
                None => {
                    first.insert(key.value.clone(), key.span);
                    unique.push((key, value));
                }
                Some(span) => self.twice(what, &key, *span),
            }
        }
        unique
    }

    /// Adds the error that something is there a second time.
    pub(super) fn twice(&mut self, what: &str, second: &Spanned<String>, first: Span) {
        let first = self.sink.location(first);
        let message = format!("{what} `{second}` is there twice");
        let error = self
            .sink
            .finding(Code::Repeated, second.span, message, "the second time");
        self.sink.add(error.related(first, "the first time"));
    }

    /// Adds the error that a piece begins with none of the known words.
    pub(super) fn unknown_kind(&mut self, raw: Raw<'a>, what: &str, known: &[&str]) {
        let head = raw.head();
        let span = self.span(raw);
        let expected = format!("one of {}", suggest::list(known, "or"));
        if head.is_empty() {
            self.error(
                Code::WrongType,
                span,
                format!("{what} is wanted here"),
                expected,
            );
            return;
        }
        let span = Span {
            end: span.start + head.len(),
            ..span
        };
        let help = suggest::nearest(head, known.iter().copied());
        let error = self.sink.finding(
            Code::UnknownKind,
            span,
            format!("`{head}` is not {what}"),
            expected,
        );
        self.sink
            .add(error.help(help.map(|name| format!("did you mean `{name}`?"))));
    }
}

//! A file's text, and positions in it. Knows nothing of what the text means.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// One file of the recipes folder: its path below that folder, and its text without a byte order mark.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The text of a file; bytes that are not UTF-8 become U+FFFD, and the first such place is returned beside it.
    pub(super) fn from_bytes(path: String, bytes: &[u8]) -> (Source, Option<Range<usize>>) {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let bad = std::str::from_utf8(bytes).err().map(|error| {
            let start = error.valid_up_to();
            start..start + char::REPLACEMENT_CHARACTER.len_utf8()
        });
        let text = String::from_utf8_lossy(bytes).into_owned();
        (Source { path, text }, bad)
    }

    /// The path below the recipes folder.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A range of bytes in one of a library's files. Cheap to keep; [`super::Library::location`] makes it readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A value and the place where it was written.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    pub(super) fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }

    /// Another value of the same place.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned::new(change(self.value), self.span)
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A place in a file that carries the file with it, so that it can be shown without the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    source: Arc<Source>,
    range: Range<usize>,
}

impl Location {
    /// The range is cut to the text and to whole characters.
    pub(super) fn new(source: Arc<Source>, range: Range<usize>) -> Location {
        let start = source.text.floor_char_boundary(range.start);
        let end = source.text.ceil_char_boundary(range.end.max(start));
        Location {
            source,
            range: start..end,
        }
    }

    /// The path below the recipes folder.
    pub fn path(&self) -> &str {
        &self.source.path
    }

    /// The whole text of the file.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The bytes of the text that are meant.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.start().0
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.start().1
    }

    /// Line and column of the first character that is meant, both from 1, columns in characters.
    pub fn start(&self) -> (usize, usize) {
        self.line_and_column(self.range.start)
    }

    /// Line and column after the last character that is meant, as of [`Location::start`].
    pub fn end(&self) -> (usize, usize) {
        self.line_and_column(self.range.end)
    }

    /// How many characters are meant.
    pub fn length(&self) -> usize {
        self.source
            .text
            .get(self.range())
            .unwrap_or_default()
            .chars()
            .count()
    }

    fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let before = self.source.text.get(..byte).unwrap_or_default();
        let last = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, last.chars().count() + 1)
    }
}

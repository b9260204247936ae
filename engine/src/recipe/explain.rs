//! What RON's errors mean in the words of the recipe language, and the place that is meant. Pure.

use std::ops::Range;

use ron::error::{Error, Position, SpannedError};

use super::code::Code;
use super::suggest;

/// An error in words.
pub(super) struct Explained {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    /// Bytes of the text that was read.
    pub(super) range: Range<usize>,
}

/// Explains an error that reading this text gave.
pub(super) fn explain(error: &SpannedError, text: &str) -> Explained {
    let end = offset(text, error.span.end);
    let read = offset(text, error.span.start).min(end)..end;
    let (message, label, help, range) = match &error.code {
        Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => {
            let message = format!("unknown field `{found}`{}", inside(outer));
            let help = suggest::help(found, expected.iter().copied());
            (
                message,
                "no field of this name".to_owned(),
                help,
                last_word(text, read, found),
            )
        }
        Error::DuplicateStructField { field, outer } => {
            let message = format!("field `{field}` is there twice{}", inside(outer));
            (
                message,
                "the second time".to_owned(),
                None,
                last_word(text, read, field),
            )
        }
        Error::MissingStructField { field, outer } => {
            let message = format!("field `{field}` is missing{}", inside(outer));
            (
                message,
                format!("`{field}: …` is wanted in here"),
                None,
                head(text),
            )
        }
        Error::ExpectedDifferentStructName { expected, found } => {
            let message = format!("`{expected}(…)` is wanted here, not `{found}`");
            let help =
                suggest::nearest(found, [*expected]).map(|name| format!("did you mean `{name}`?"));
            (message, String::new(), help, last_word(text, read, found))
        }
        Error::ExpectedNamedStructLike(name) => (
            format!("`{name}(…)` is wanted here"),
            String::new(),
            None,
            next_token(text, end),
        ),
        Error::Eof | Error::ExpectedStringEnd => {
            let message = "the file ends in the middle of a value";
            let help = "a closing quote, `)`, `]` or `}` is missing".to_owned();
            (
                message.to_owned(),
                String::new(),
                Some(help),
                next_token(text, text.trim_end().len()),
            )
        }
        Error::NoSuchExtension(name) => (
            format!("unknown RON extension `{name}`"),
            String::new(),
            None,
            read,
        ),
        Error::ExpectedDifferentLength { expected, .. } => (
            format!("{expected} is wanted here"),
            String::new(),
            None,
            head(text),
        ),
        code => {
            let (message, label) = match code {
                Error::ExpectedComma => ("`,` is missing", "before this"),
                Error::ExpectedMapColon => ("`:` is missing", "before this"),
                Error::ExpectedStructLikeEnd => ("`)` is missing", "before this"),
                Error::ExpectedArray => ("a list `[…]` is wanted here", "not a list"),
                Error::ExpectedMap => ("a map `{…}` is wanted here", "not a map"),
                Error::ExpectedStructLike => ("`(` is missing", "before this"),
                Error::ExpectedInteger => ("a whole number is wanted here", "not a number"),
                Error::IntegerOutOfBounds => ("the number is out of range", ""),
                Error::ExpectedBoolean => ("`true` or `false` is wanted here", ""),
                Error::TrailingCharacters => (
                    "the file goes on after its end",
                    "one value is all that is wanted",
                ),
                Error::ExceededRecursionLimit => ("lists and maps are nested too deep", ""),
                code => (&*lower(&code.to_string()), ""),
            };
            // A value of another type is meant as a whole, a slip of punctuation where it is.
            let whole = matches!(
                code,
                Error::ExpectedArray
                    | Error::ExpectedMap
                    | Error::ExpectedInteger
                    | Error::IntegerOutOfBounds
                    | Error::ExpectedBoolean
            );
            let range = if whole {
                0..text.len()
            } else {
                next_token(text, end)
            };
            (message.to_owned(), label.to_owned(), None, range)
        }
    };
    Explained {
        code: kind(&error.code),
        message,
        label,
        help,
        range,
    }
}

fn kind(error: &Error) -> Code {
    match error {
        Error::NoSuchStructField { .. } => Code::UnknownField,
        Error::DuplicateStructField { .. } => Code::Repeated,
        Error::MissingStructField { .. } => Code::MissingField,
        Error::ExpectedDifferentStructName { .. }
        | Error::ExpectedNamedStructLike(_)
        | Error::ExpectedDifferentLength { .. }
        | Error::ExpectedArray
        | Error::ExpectedMap
        | Error::ExpectedInteger
        | Error::IntegerOutOfBounds
        | Error::ExpectedBoolean => Code::WrongType,
        _ => Code::Syntax,
    }
}

fn inside(outer: &Option<String>) -> String {
    outer
        .as_ref()
        .map(|name| format!(" in `{name}`"))
        .unwrap_or_default()
}

/// RON's messages begin with a capital, ours do not.
fn lower(message: &str) -> String {
    let mut rest = message.chars();
    rest.next()
        .map(|first| first.to_lowercase().chain(rest).collect())
        .unwrap_or_default()
}

/// The last place of a word in the text up to the place where reading stopped.
fn last_word(text: &str, read: Range<usize>, word: &str) -> Range<usize> {
    match text[..read.end].rfind(word) {
        Some(start) => start..start + word.len(),
        None => read,
    }
}

/// The first word of the value, white space and comments aside.
fn head(text: &str) -> Range<usize> {
    let start =
        ron::Deserializer::from_str(text).map_or(0, |value| text.len() - value.remainder().len());
    start..start + word_length(&text[start..])
}

/// What stands where reading stopped: a word, a single character, or nothing at the end.
fn next_token(text: &str, at: usize) -> Range<usize> {
    let start = at + text[at..].len() - text[at..].trim_start().len();
    if start == text.len() {
        return at..at;
    }
    start..start + word_length(&text[start..])
}

/// Of the word that a text begins with, else of its first character.
fn word_length(text: &str) -> usize {
    let word: usize = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .map(char::len_utf8)
        .sum();
    word.max(text.chars().next().map_or(0, char::len_utf8))
}

/// The byte that a line and column, both from 1 and in characters, mean.
fn offset(text: &str, position: Position) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(position.line.saturating_sub(1));
    let start: usize = lines.map(str::len).sum();
    let before = text[start..]
        .chars()
        .take(position.col.saturating_sub(1))
        .map(char::len_utf8);
    start + before.sum::<usize>()
}

//! What RON's errors mean in the words of the recipe language, and the place that is meant. Pure.

use std::ops::Range;

use ron::error::{Error, Position, SpannedError};

use super::brackets::{Unbalanced, unbalanced};
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
    /// A further place, and what to say there.
    pub(super) related: Option<(Range<usize>, String)>,
}

/// Explains an error that reading this text gave.
pub(super) fn explain(error: &SpannedError, text: &str) -> Explained {
    let end = offset(text, error.span.end);
    let read = offset(text, error.span.start).min(end)..end;
    if kind(&error.code) == Code::Syntax
        && let Some(explained) = out_of_balance(&error.code, text, end)
    {
        return explained;
    }
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
        Error::InvalidEscape(_) => {
            let start = text[..read.end].rfind('\\').unwrap_or(read.start);
            let help = "write `\\\\` for a backslash, or the text as it is: `r\"…\"`".to_owned();
            (
                "the backslash escapes nothing".to_owned(),
                "no such escape".to_owned(),
                Some(help),
                start..read.end,
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
                Error::UnexpectedChar(_) => ("this cannot stand here", ""),
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
            let help = habit(&text[range.start..]).map(str::to_owned);
            (message.to_owned(), label.to_owned(), help, range)
        }
    };
    Explained {
        code: kind(&error.code),
        message,
        label,
        help,
        range,
        related: None,
    }
}

/// What a slip means that has its own look.
fn habit(rest: &str) -> Option<&'static str> {
    let merge = ["<<<<<<<", "=======", ">>>>>>>"];
    if merge.iter().any(|mark| rest.starts_with(mark)) {
        return Some("this is the mark of a merge: choose a side of it");
    }
    rest.starts_with('=')
        .then_some("a field is written `name: value`")
}

/// A bracket or quote without its other half, unless reading stopped before it.
fn out_of_balance(error: &Error, text: &str, stopped: usize) -> Option<Explained> {
    let ended = matches!(error, Error::Eof | Error::ExpectedStringEnd);
    let end = text.trim_end().len();
    let (message, range, label, related) = match unbalanced(text)? {
        Unbalanced::Crossed { place, .. } | Unbalanced::Close(_, place)
            if !ended && stopped < place.start =>
        {
            return None;
        }
        Unbalanced::Crossed {
            open,
            at,
            close,
            place,
        } => (
            format!("`{close}` does not close `{open}`"),
            place,
            "",
            Some((at, "opened here".to_owned())),
        ),
        Unbalanced::Close(close, place) => (format!("`{close}` closes nothing"), place, "", None),
        Unbalanced::Open(..) | Unbalanced::Endless(_) if !ended => return None,
        Unbalanced::Open(open, at) => (
            "the file ends in the middle of a value".to_owned(),
            end..end,
            "",
            Some((at, format!("`{open}` is never closed"))),
        ),
        Unbalanced::Endless(at) => (
            "the file ends in the middle of a text".to_owned(),
            at,
            "it begins here; if it should not, a quote is missing before",
            None,
        ),
    };
    Some(Explained {
        code: Code::Syntax,
        message,
        label: label.to_owned(),
        help: None,
        range,
        related,
    })
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

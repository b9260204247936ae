//! RON cut into tokens, comments among them. Takes text that is known to be RON; no token is longer than it has to be.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// `(`, `[`, `{`
    Open,
    /// `)`, `]`, `}`
    Close,
    Comma,
    Colon,
    /// `// …` without the line's end, or `/* … */`.
    Comment,
    /// `#![enable(…)]`
    Attribute,
    /// A word, a number, a string, a character.
    Text,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Token<'a> {
    pub(in super::super) kind: Kind,
    /// Without white space at its end.
    pub(in super::super) text: &'a str,
    /// The byte of the text where it starts.
    pub(in super::super) at: usize,
    /// Lines that end between the token before and this one.
    pub(in super::super) lines: usize,
}

/// All tokens in order; where there is none to be found, the bytes where that is.
pub(in super::super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(skipped) = text[at..].find(|c: char| !is_space(c)) {
        let lines = text[at..at + skipped].matches('\n').count();
        at += skipped;
        let (kind, length) = token(&text[at..]).ok_or(at..text.len())?;
        tokens.push(Token {
            kind,
            text: text[at..at + length].trim_end(),
            at,
            lines,
        });
        at += length;
    }
    Ok(tokens)
}

/// The first token of a text that begins with one, and its length in bytes.
fn token(text: &str) -> Option<(Kind, usize)> {
    let mut chars = text.chars();
    Some(match (chars.next()?, chars.next()) {
        ('(' | '[' | '{', _) => (Kind::Open, 1),
        (')' | ']' | '}', _) => (Kind::Close, 1),
        (',', _) => (Kind::Comma, 1),
        (':', _) => (Kind::Colon, 1),
        ('/', Some('/')) => (Kind::Comment, text.find('\n').unwrap_or(text.len())),
        ('/', Some('*')) => (Kind::Comment, block(text)?),
        ('#', _) => (Kind::Attribute, text.find(']')? + 1),
        ('"', _) => (Kind::Text, quoted(text, '"')?),
        ('\'', _) => (Kind::Text, quoted(text, '\'')?),
        _ => (Kind::Text, prefixed(text).or_else(|| word(text))?),
    })
}

/// A block comment, with those in it.
fn block(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let next = text[at..].find(['/', '*'])? + at;
        let (step, change) = match text.get(next..next + 2) {
            Some("/*") => (2, 1),
            Some("*/") => (2, -1),
            _ => (1, 0),
        };
        depth = depth.checked_add_signed(change)?;
        at = next + step;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// What ends with the quote that it begins with.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let mut chars = text.char_indices().skip(1);
    let (end, _) = chars.find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    })?;
    Some(end + quote.len_utf8())
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `b'…'`
fn prefixed(text: &str) -> Option<usize> {
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r'));
    if let Some(rest) = raw {
        let after = rest.trim_start_matches('#');
        let body = after.strip_prefix('"')?;
        let end = format!("\"{}", &rest[..rest.len() - after.len()]);
        return Some(text.len() - body.len() + body.find(&end)? + end.len());
    }
    let rest = text.strip_prefix('b')?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(1 + quoted(rest, quote)?)
}

fn word(text: &str) -> Option<usize> {
    let ends = |(at, c): (usize, char)| {
        let comment = c == '/' && text[at + 1..].starts_with(['/', '*']);
        is_space(c)
            || comment
            || matches!(
                c,
                '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | '"' | '\''
            )
    };
    let length = text.char_indices().find(|one| ends(*one));
    let length = length.map_or(text.len(), |(at, _)| at);
    (length > 0).then_some(length)
}

/// Rust's white space, as RON has it.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200e}' | '\u{200f}')
}

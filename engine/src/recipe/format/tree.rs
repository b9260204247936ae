//! Tokens as a tree: what is in which brackets, and which comment belongs to what.

use std::iter::Peekable;
use std::ops::Range;
use std::slice::Iter;

use super::token::{Kind, Token};

/// What stands in brackets, or in the whole file.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    /// The brackets; both empty for the whole file.
    pub(super) open: &'a str,
    pub(super) close: &'a str,
    pub(super) entries: Vec<Entry<'a>>,
}

/// An item with its comma, or comments on lines of their own.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Lines that end before it.
    pub(super) lines: usize,
    /// None for comments.
    pub(super) item: Option<Vec<Part<'a>>>,
    /// What follows on its last line; of comments, these themselves.
    pub(super) comments: Vec<&'a str>,
}

/// A part of an item: `"key"`, `:`, `Run`, `(…)`.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Colon,
    Comment(&'a str),
    Group(Group<'a>),
}

type Tokens<'t, 'a> = Peekable<Iter<'t, Token<'a>>>;

/// The whole file. Fails at a bracket that is not closed, or not open.
pub(super) fn tree<'a>(tokens: &[Token<'a>]) -> Result<Group<'a>, Range<usize>> {
    let mut rest = tokens.iter().peekable();
    let all = group(&mut rest, "", 0)?;
    match rest.next() {
        None => Ok(all),
        Some(token) => Err(token.at..token.at + token.text.len()),
    }
}

/// What follows an opening bracket, up to and with the closing one.
fn group<'a>(
    tokens: &mut Tokens<'_, 'a>,
    open: &'a str,
    at: usize,
) -> Result<Group<'a>, Range<usize>> {
    let mut group = Group {
        open,
        ..Group::default()
    };
    loop {
        let Some(token) = tokens.peek() else {
            let end = (open.is_empty()).then_some(group);
            return end.ok_or(at..at + open.len());
        };
        match token.kind {
            Kind::Close if open.is_empty() => return Ok(group),
            Kind::Close => {
                group.close = token.text;
                tokens.next();
                return Ok(group);
            }
            Kind::Comment => {
                let (lines, text) = (token.lines, token.text);
                tokens.next();
                match group.entries.last_mut() {
                    Some(last) if lines == 0 => last.comments.push(text),
                    _ => group.entries.push(Entry {
                        lines,
                        item: None,
                        comments: vec![text],
                    }),
                }
            }
            _ => {
                let entry = item(tokens)?;
                group.entries.push(entry);
            }
        }
    }
}

/// An item and its comma, with the comments before that.
fn item<'a>(tokens: &mut Tokens<'_, 'a>) -> Result<Entry<'a>, Range<usize>> {
    let lines = tokens.peek().map_or(0, |first| first.lines);
    let mut parts = Vec::new();
    let mut comments = Vec::new();
    while let Some(&&token) = tokens.peek() {
        match token.kind {
            Kind::Close => break,
            Kind::Comma => {
                tokens.next();
                break;
            }
            Kind::Comment => {
                let mut ahead = tokens.clone();
                let next = ahead.find(|token| token.kind != Kind::Comment);
                match next.map(|next| next.kind) {
                    // On its own line before the bracket: an entry of the group.
                    Some(Kind::Close) | None if token.lines > 0 => break,
                    Some(Kind::Close | Kind::Comma) | None => comments.push(token.text),
                    Some(_) => parts.push(Part::Comment(token.text)),
                }
                tokens.next();
            }
            Kind::Open => {
                tokens.next();
                parts.push(Part::Group(group(tokens, token.text, token.at)?));
            }
            Kind::Colon => {
                tokens.next();
                parts.push(Part::Colon);
            }
            Kind::Text => {
                tokens.next();
                parts.push(Part::Text(token.text));
            }
            Kind::Attribute => {
                tokens.next();
                parts.push(Part::Text(token.text));
                break;
            }
        }
    }
    Ok(Entry {
        lines,
        item: Some(parts),
        comments,
    })
}

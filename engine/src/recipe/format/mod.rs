//! The one way that recipes are laid out: `text -> tokens -> tree -> text`.
//!
//! Where a line ends is the author's choice as long as it fits; indentation, spaces, commas and blank lines are not. What
//! is said never changes: the tokens are compared before and after. Knows RON, not recipes; `docs/editing.md` has the rules.

mod layout;
pub(super) mod token;
mod tree;

use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::code::Code;
use super::diagnostic::Diagnostic;
use super::explain;
use super::source::{Location, Source};
use token::{Kind, Token};

/// Lays out one file of RON. `path` is for errors: the file is refused where it is no UTF-8 or no RON.
pub fn format(path: &str, bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
    let (source, bad) = Source::from_bytes(path.to_owned(), bytes);
    let source = Arc::new(source);
    let refused = |code, range: Range<usize>, message: String, label: &str| {
        let location = Location::new(Arc::clone(&source), range);
        Box::new(Diagnostic::error(code, message).at(location, label))
    };
    if let Some(range) = bad {
        let message = format!("`{path}` is not UTF-8");
        return Err(refused(
            Code::Syntax,
            range,
            message,
            "the first bytes that are not",
        ));
    }
    let text = source.text();
    if let Err(error) = ron::from_str::<IgnoredAny>(text) {
        let found = explain::explain(&error, text);
        let mut finding = refused(found.code, found.range, found.message, &found.label);
        if let Some((range, label)) = found.related {
            let location = Location::new(Arc::clone(&source), range);
            *finding = finding.related(location, label);
        }
        return Err(Box::new(finding.help(found.help)));
    }
    let unsure = |range| {
        let message = format!("no sure way to lay out `{path}`: it is left as it is");
        refused(Code::Syntax, range, message, "")
    };
    let tokens = token::tokens(text).map_err(unsure)?;
    let laid = layout::lay(&tree::tree(&tokens).map_err(unsure)?);
    match token::tokens(&laid) {
        Ok(after) if said(&after) == said(&tokens) => Ok(laid),
        _ => Err(unsure(0..0)),
    }
}

/// What the tokens say: without commas that nothing follows, and the comments for themselves, which may go past a comma.
fn said<'a>(tokens: &[Token<'a>]) -> (Vec<(Kind, &'a str)>, Vec<&'a str>) {
    let (comments, values): (Vec<&Token<'_>>, Vec<&Token<'_>>) =
        tokens.iter().partition(|token| token.kind == Kind::Comment);
    let ends = |index: usize| {
        values
            .get(index + 1)
            .is_none_or(|next| next.kind == Kind::Close)
    };
    let values = values.iter().enumerate();
    let values = values.filter(|(index, token)| token.kind != Kind::Comma || !ends(*index));
    (
        values.map(|(_, token)| (token.kind, token.text)).collect(),
        comments.iter().map(|comment| comment.text).collect(),
    )
}

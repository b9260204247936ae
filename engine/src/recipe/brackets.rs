//! Which bracket or quote is the one that is missing or too much, in a text that is no RON. Pure.

use std::ops::Range;

use super::format::token::{self, Kind};

/// A bracket or quote without its other half.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unbalanced<'a> {
    /// A string or a comment that goes on to the end.
    Endless(Range<usize>),
    /// A bracket that nothing closes.
    Open(&'a str, Range<usize>),
    /// A bracket that closes nothing.
    Close(&'a str, Range<usize>),
    /// A bracket, and the other kind of bracket that closes it.
    Crossed {
        open: &'a str,
        at: Range<usize>,
        close: &'a str,
        place: Range<usize>,
    },
}

/// The first one, in reading order; of those that nothing closes, the innermost.
pub(super) fn unbalanced(text: &str) -> Option<Unbalanced<'_>> {
    let tokens = match token::tokens(text) {
        Ok(tokens) => tokens,
        Err(rest) => return Some(Unbalanced::Endless(rest.start..rest.start + 1)),
    };
    let mut open = Vec::new();
    for token in tokens {
        let place = token.at..token.at + token.text.len();
        match token.kind {
            Kind::Open => open.push((token.text, place)),
            Kind::Close => match open.pop() {
                None => return Some(Unbalanced::Close(token.text, place)),
                Some((open, _)) if closing(open) == token.text => {}
                Some((open, at)) => {
                    let close = token.text;
                    return Some(Unbalanced::Crossed {
                        open,
                        at,
                        close,
                        place,
                    });
                }
            },
            _ => {}
        }
    }
    open.pop().map(|(open, at)| Unbalanced::Open(open, at))
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_one_that_is_wrong() {
        let crossed = |text| match unbalanced(text) {
            Some(Unbalanced::Crossed { at, place, .. }) => Some((at.start, place.start)),
            _ => None,
        };
        assert_eq!(
            unbalanced("a(b: [\"(\", 'x'], c: {r#\")\"#: ()}) // ("),
            None
        );
        assert_eq!(crossed("a(b: [c)"), Some((5, 7)));
        assert_eq!(unbalanced("a(b: [c]"), Some(Unbalanced::Open("(", 1..2)));
        assert_eq!(unbalanced("a()]"), Some(Unbalanced::Close("]", 3..4)));
        assert_eq!(unbalanced("a(\"b)"), Some(Unbalanced::Endless(2..3)));
    }
}

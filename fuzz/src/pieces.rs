//! One input as several.

/// What stands between two pieces.
const BETWEEN: &[u8] = b"\n====\n";

/// The pieces of `bytes`; at least one.
pub(crate) fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while let Some(at) = find(rest, BETWEEN) {
        pieces.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    pieces.push(rest);
    pieces
}

/// Where `what` begins.
pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

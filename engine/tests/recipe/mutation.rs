//! However a recipe is spoilt, it is read or refused: no panic, and every error has its place in the text.

use proptest::prelude::*;
use pwb_engine::recipe::{Library, format};

const RECIPE: &str = include_str!("everything.ron");

/// Parts that a slip of the hand could put anywhere.
const PARTS: [&str; 20] = [
    "\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "//",
    "/*",
    "\\",
    "r#\"",
    "\0",
    "\r\n",
    "日",
    "When(\"debug\", [\"x\"])",
    "#![enable(unwrap_newtypes)]",
    "99999999999999999999",
    "'a'",
];

fn refused_in_place(text: &[u8]) {
    // What can be laid out, is the same when it is laid out again.
    if let Ok(laid) = format("ports.ron", text) {
        let again = format("ports.ron", laid.as_bytes());
        assert_eq!(again.ok().as_ref(), Some(&laid));
    }
    let files = [
        ("ports.ron".to_owned(), text.to_vec()),
        ("x.lock".to_owned(), text.to_vec()),
    ];
    let Err(errors) = Library::load(files) else {
        return;
    };
    for error in errors.iter() {
        let location = &error
            .primary
            .as_ref()
            .unwrap_or_else(|| panic!("no place: {error}"))
            .location;
        let range = location.range();
        assert!(
            location.text().get(range.clone()).is_some(),
            "{range:?} of {}",
            location.text().len()
        );
        assert!(location.line() <= location.text().matches('\n').count() + 1);
        assert!(error.render(true).len() >= error.render(false).len());
    }
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        refused_in_place(&bytes);
    }

    #[test]
    fn a_piece_replaced(start in 0..RECIPE.len(), length in 0_usize..40, part in proptest::sample::select(&PARTS[..])) {
        let end = (start + length).min(RECIPE.len());
        let text = [&RECIPE.as_bytes()[..start], part.as_bytes(), &RECIPE.as_bytes()[end..]].concat();
        refused_in_place(&text);
    }

    #[test]
    fn two_pieces_exchanged(mut at in proptest::array::uniform4(0..RECIPE.len())) {
        at.sort();
        let bytes = RECIPE.as_bytes();
        let [a, b, c, d] = at;
        refused_in_place(&[&bytes[..a], &bytes[c..d], &bytes[b..c], &bytes[a..b], &bytes[d..]].concat());
    }
}

#[test]
fn the_recipe_itself_is_refused_for_its_lock_file_only() {
    let files = [("ports.ron".to_owned(), RECIPE.as_bytes().to_vec())];
    let errors = Library::load(files).unwrap_err();
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(messages, ["there is no lock file `x.lock`"]);
}

/// Lists nested deep enough to exhaust the stack of a reader that does not count.
#[test]
fn nesting_has_an_end() {
    for (open, close) in [
        ("[", "]"),
        ("When(\"debug\", [", "])"),
        ("(", ")"),
        ("{0:", "}"),
    ] {
        let deep = format!(
            "Recipe(nodes: {{\"a\": Root(layers: [{}{}])}})",
            open.repeat(20_000),
            close.repeat(20_000)
        );
        refused_in_place(deep.as_bytes());
    }
}

//! Recipes: whatever stands in one, it is read or refused in place, and laying it out changes nothing that it says.

use pwb_engine::recipe::{Diagnostics, Library, format};
use pwb_engine::{Graph, Request};
use ron::Value;

use crate::lock::LOCK;

/// `bytes` are a recipe.
pub fn run(bytes: &[u8]) {
    let laid = format("ports.ron", bytes).ok();
    if let Some(laid) = &laid {
        let again = format("ports.ron", laid.as_bytes());
        assert_eq!(again.ok().as_ref(), Some(laid), "laid out twice");
        let text = std::str::from_utf8(bytes).expect("what is laid out is text");
        // A byte order mark goes, which the parser does not know.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let said = |text: &str| ron::from_str(text).ok().map(folded);
        assert_eq!(said(text), said(laid), "laid out, it says something else");
    }
    match load(bytes) {
        Err(errors) => refused_in_place(&errors),
        Ok(library) => {
            let laid = laid.expect("what is a recipe can be laid out");
            let again = load(laid.as_bytes()).expect("laid out, it is a recipe");
            let names = |library: &Library| -> Vec<String> {
                library.nodes().map(|node| node.name.to_string()).collect()
            };
            assert_eq!(names(&library), names(&again));
            plan(&library);
        }
    }
}

fn load(bytes: &[u8]) -> Result<Library, Diagnostics> {
    Library::load([
        ("ports.ron".to_owned(), bytes.to_vec()),
        ("x.lock".to_owned(), LOCK.as_bytes().to_vec()),
        ("file".to_owned(), b"contents".to_vec()),
    ])
}

/// The value with `()` as an empty list, which `( )` is to the parser. To a recipe they are one.
fn folded(value: Value) -> Value {
    match value {
        Value::Unit => Value::Seq(Vec::new()),
        Value::Option(it) => Value::Option(it.map(|it| Box::new(folded(*it)))),
        Value::Seq(items) => Value::Seq(items.into_iter().map(folded).collect()),
        Value::Map(entries) => {
            let both = |(key, value)| (folded(key), folded(value));
            Value::Map(entries.into_iter().map(both).collect())
        }
        Value::Bool(_) | Value::Char(_) | Value::Number(_) | Value::String(_) | Value::Bytes(_) => {
            value
        }
    }
}

fn refused_in_place(errors: &Diagnostics) {
    for error in errors.iter() {
        let location = &error
            .primary
            .as_ref()
            .expect("an error has a place")
            .location;
        assert!(location.text().get(location.range()).is_some());
        assert!(error.render(true).len() >= error.render(false).len());
    }
}

/// All targets with the values that they set: a graph, or errors.
fn plan(library: &Library) {
    for target in library.targets() {
        let wanted = library.wanted(&target.name).expect("a target has its name");
        let Ok(values) = library.values(wanted, &[]) else {
            continue;
        };
        let request = Request {
            reference: wanted.reference(),
            values,
        };
        let _ = Graph::build(library, &[request], &Default::default());
    }
}

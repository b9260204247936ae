//! Recipes larger than anybody writes: generated ones, and hostile ones.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use pwb_engine::recipe::{Diagnostics, Library};
use pwb_engine::{Graph, Request};

/// A chain of nodes, each over the one before; the first over the one of this number.
fn chain(length: usize, first: Option<usize>) -> Result<Library, Diagnostics> {
    let mut text = String::from("Recipe(nodes: {\n");
    for number in 0..length {
        let below = number.checked_sub(1).or(first);
        let layer = below
            .map(|below| format!("\"n{below}\""))
            .unwrap_or_default();
        writeln!(
            text,
            "\"n{number}\": Root(layers: [{layer}], files: {{\"/n{number}\": Text(\"\")}}),"
        )
        .unwrap();
    }
    Library::load([("g.ron".to_owned(), (text + "})").into_bytes())])
}

fn graph(length: usize) -> Graph {
    let library = chain(length, None).unwrap();
    let last = format!("g/n{}", length - 1);
    let wanted = library.wanted(&last).unwrap();
    let request = Request {
        reference: wanted.reference(),
        values: library.values(wanted, &[]).unwrap(),
    };
    Graph::build(&library, &[request], &BTreeMap::new()).unwrap()
}

/// Longer than a thread's stack is deep.
#[test]
fn a_long_chain_of_nodes_is_a_graph() {
    assert_eq!(graph(10_000).steps.node_count(), 10_000);
}

#[test]
fn a_long_cycle_is_an_error_that_a_person_can_read() {
    let errors = chain(10_000, Some(9_999)).unwrap_err();
    assert_eq!(errors.iter().count(), 1);
    let text = errors.render(false);
    assert!(
        text.starts_with("error: nodes need each other: g/n0 -> g/n9999 -> g/n9998"),
        "{text}"
    );
    assert!(text.len() < 10_000, "{} bytes", text.len());
}

/// What 100,000 nodes cost: `cargo test --release -p pwb-engine --test recipe -- --ignored --nocapture`.
#[test]
#[ignore = "for its figures"]
fn a_hundred_thousand_nodes() {
    let begin = Instant::now();
    assert_eq!(graph(100_000).steps.node_count(), 100_000);
    println!("{:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn numbers_and_names_have_no_end_to_break() {
    let load = |text: String| Library::load([("g.ron".to_owned(), text.into_bytes())]);
    for number in [
        "99999999999999999999999999",
        "-1",
        "1e400",
        "0x1_0000_0000",
        "4294967296",
    ] {
        let node = format!("Run(root: \"a\", run: [\"a\"], outputs: [\"/o\"], timeout: {number})");
        let strip = format!(
            "Fetch(from: [Url(\"https://e.org/a\")], sha256: \"{}\", unpack: Tar(strip: {number}))",
            "0".repeat(64)
        );
        for node in [node, strip] {
            // A number may be one that a field can have; it is read then.
            if let Err(errors) = load(format!("Recipe(nodes: {{\"a\": Root(), \"b\": {node}}})")) {
                assert!(errors.render(false).contains("g.ron:1:"), "{number}");
            }
        }
    }
    let long = "n".repeat(1 << 20);
    assert!(load(format!("Recipe(nodes: {{\"{long}\": Root()}})")).is_ok());
    assert!(load(format!("Recipe(about: \"{long}\")")).is_ok());
}

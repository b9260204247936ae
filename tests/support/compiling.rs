//! A script in a compiler's place, and what is said of its calls.

use std::collections::BTreeMap;

use super::{World, listing};

/// Forgets what the test's own nodes came to; what calls came to is kept.
pub fn forget(world: &World) {
    let index = rusqlite::Connection::open(world.path("store/index.sqlite")).unwrap();
    index
        .execute_batch(
            "DELETE FROM results WHERE key IN (SELECT key FROM runs WHERE node LIKE 't/%'); DELETE FROM realizations; DELETE FROM memos",
        )
        .unwrap();
}

/// How many calls were answered, how many ran and were remembered, and what is said of the others.
#[track_caller]
pub fn compiled(said: &str) -> (usize, usize, &str) {
    let line = said.lines().find(|line| line.starts_with("compiled "));
    let line = line.unwrap_or_else(|| panic!("no compiler was called: {said}"));
    let (_, counts) = line.split_once(": ").unwrap();
    let (hits, rest) = counts.split_once(" from the cache, ").unwrap();
    let (misses, others) = rest.split_once(" ran").unwrap();
    (hits.parse().unwrap(), misses.parse().unwrap(), others)
}

/// Puts a script in a compiler's place, `comp`. It has another name too.
pub fn compiler(world: &World, real: &str, script: &str, node: &str) {
    world.recipe(&format!(
        r##"Recipe(nodes: {{
            "text": Root(files: {{"/text": Text(r#"#!/bin/sh
{script}
"#)}}),
            "scripts": Run(root: "tcc/root", inputs: {{"/in": "text"}}, cwd: "/usr/local",
                run: ["sh", "-euc", "for name in real other; do cp /in/text $name; chmod 755 $name; done"],
                outputs: ["/usr/local"]),
            "root": Root(
                layers: ["tcc/root", "scripts"],
                links: {{"/through": "out", "/usr/bin/comp": "real", "/usr/bin/real": "../local/real", "/usr/bin/other": "../local/other"}},
                compilers: {{"/usr/bin/comp": "/usr/bin/{real}"}},
            ),
            "n": Run(root: "root", cwd: "/out", run: ["sh", "-uc", r#"{node}"#], outputs: ["/out"]) }})"##
    ));
}

/// What `n` comes to without the cache.
#[track_caller]
pub fn plain(world: &World) -> BTreeMap<String, String> {
    listing(
        &world
            .well(&["realize", "--no-compile-cache", "t/n"])
            .result(),
    )
}

/// Builds `n` with the cache; it comes to the same. Gives what was counted.
#[track_caller]
pub fn cached(world: &World, plain: &BTreeMap<String, String>) -> (usize, usize, String) {
    forget(world);
    let said = world.well(&["realize", "t/n"]);
    assert_eq!(listing(&said.result()), *plain, "{}", said.err);
    let (hits, misses, others) = compiled(&said.err);
    (hits, misses, others.to_owned())
}

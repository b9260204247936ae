//! The store looked at, mended, and carried to another machine.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pwb_cache::Digest;
use serde_json::Value;
use support::{World, listing, node, read};

fn nodes() -> Vec<String> {
    vec![
        node(
            "a",
            &[],
            "echo a > /out/a; mkdir /out/deep; ln -s ../a /out/deep/link; echo '#!/bin/sh' > /out/tool; chmod +x /out/tool",
        ),
        node(
            "b",
            &[("/in", "a:/out")],
            "cat /in/a > /out/b; echo b >> /out/b",
        ),
    ]
}

/// The object with these bytes.
fn object(world: &World, bytes: &[u8]) -> PathBuf {
    let hex = Digest::of(bytes).hex();
    world.path("store/cas").join(&hex[..2]).join(hex)
}

/// Changes a byte of a file in its place: whoever has a link to it has it too.
fn flip(path: &Path, at: u64) {
    let mode = fs::metadata(path).unwrap().permissions();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    fs::set_permissions(path, mode).unwrap();
}

#[test]
fn what_is_damaged_is_named_and_mended() {
    let world = World::new(&nodes());
    let result = world.realize("t/b");
    let said = world.well(&["store", "verify"]);
    assert!(said.out.ends_with(": all as they should be\n"), "{said:?}");

    flip(&object(&world, b"a\n"), 0);
    fs::remove_file(object(&world, b"a\nb\n")).unwrap();
    fs::write(result.join("out/more"), "").unwrap();
    let said = world.say(&["store", "verify"]);
    assert_eq!(said.code, Some(1));
    let told = world.tidy(&said.out);
    let mut lines: Vec<&str> = told.lines().collect();
    lines.pop();
    lines.sort_unstable();
    insta::assert_snapshot!(format!("{}\n{}", lines.join("\n"), said.err), @"
    altered: [WORLD]/store/trees/[HASH]/a
    altered: [WORLD]/store/trees/[HASH]/out/more
    altered: object [HASH]/2
    incomplete: t/a (tree [HASH]/78)
    incomplete: t/b (tree [HASH]/77)
    missing: object [HASH]/4
    error: the store has 6 faults
     hint: `pwb store repair` forgets what is damaged: it is made or fetched again when it is wanted
    ");
    let json = world.say(&["store", "verify", "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        json["faults"].as_array().unwrap().len(),
        lines.len(),
        "{json}"
    );

    let said = world.well(&["store", "repair"]);
    assert!(said.out.ends_with(" faults mended\n"), "{said:?}");
    assert!(
        world
            .well(&["store", "verify"])
            .out
            .ends_with("all as they should be\n")
    );
    let again = world.well(&["realize", "t/b"]);
    assert_eq!(again.ran(), ["t/a", "t/b"]);
    assert_eq!(read(&again.result().join("out/b")), "a\nb\n");
    assert!(!again.result().join("out/more").exists());
}

#[test]
fn a_damaged_index_is_made_anew_from_what_there_is() {
    let world = World::new(&nodes());
    let result = world.realize("t/b");
    let before = listing(&result);
    let index = world.path("store/index.sqlite");
    let size = fs::metadata(&index).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&index).unwrap();
    // Somewhere in its second half; the first pages say what is where.
    file.write_all_at(&vec![0xAA; 8192], size / 2 / 4096 * 4096)
        .unwrap();
    drop(file);
    let said = world.well(&["store", "repair"]);
    let first = world.tidy(said.out.lines().next().unwrap());
    let first = first.split("made anew").next().unwrap();
    insta::assert_snapshot!(first, @"the index was damaged: ");
    assert!(
        world
            .well(&["store", "verify"])
            .out
            .ends_with("all as they should be\n")
    );
    assert_eq!(listing(&world.realize("t/b")), before);

    // Of what is no database nothing can be read; the files are there all the same.
    fs::write(&index, "not a database, ".repeat(1000)).unwrap();
    let error = world.fails(&["realize", "t/b"]);
    assert!(error.contains("`pwb store repair`"), "{error}");
    let said = world.well(&["store", "repair"]);
    assert!(said.out.contains(" and 0 rows; "), "{said:?}");
    assert_eq!(listing(&world.realize("t/b")), before);
}

#[test]
fn what_takes_the_room_is_told_by_part_and_by_node() {
    let world = World::new(&nodes());
    world.well(&["realize", "t/b", "--out", "link"]);
    let stats: Value =
        serde_json::from_str(&world.well(&["store", "stats", "--json"]).out).unwrap();
    assert_eq!(stats["links"], 1);
    let objects = stats["parts"]["objects"]["count"].as_u64().unwrap();
    let files = listing(&world.path("store/cas"));
    assert_eq!(
        objects as usize,
        files.values().filter(|what| *what != "/").count()
    );
    let said = world.well(&["store", "stats"]);
    let heads: Vec<&str> = said
        .out
        .lines()
        .skip(1)
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    insta::assert_snapshot!(heads[..heads.len() - 1].join("\n"), @"
    results
    objects
    messages
    trees
    logs
    links to results
    ");

    let du: Value = serde_json::from_str(&world.well(&["du", "t/b", "--json"]).out).unwrap();
    let of = |name: &str| {
        let rows = du["nodes"].as_array().unwrap();
        rows.iter().find(|row| row["node"] == name).unwrap().clone()
    };
    // `b` has a file of four bytes; `a`'s files are not in it.
    let b = of("t/b");
    assert_eq!(
        (&b["results"], b["own"].as_u64().unwrap() > 4),
        (&Value::from(1), true),
        "{du}"
    );
    let package = of("busybox/package/busybox-static");
    assert!(
        package["shared"].as_u64().unwrap() > 1_000_000,
        "the root has it too: {package}"
    );
    let said = world.well(&["du"]);
    insta::assert_snapshot!(said.out.lines().next().unwrap(), @"         own      shared     results       last used  node");
    assert!(
        said.out.lines().last().unwrap().ends_with("  all"),
        "{said:?}"
    );
}

#[test]
fn a_file_carries_results_to_a_machine_without_a_network() {
    let (here, there) = (World::new(&nodes()), World::empty(&nodes()));
    let error = here.fails(&["store", "export", "t/b", "-o", "carried"]);
    insta::assert_snapshot!(error, @"
    error: `t/b` is not in the store as a result
     hint: pwb realize t/b
    ");
    let result = here.realize("t/b");
    let said = here.well(&["store", "export", "t/b", "-o", "carried"]);
    assert!(said.out.starts_with("carried: "), "{said:?}");
    let again = here.fails(&["store", "export", "t/b", "-o", "carried"]);
    insta::assert_snapshot!(again, @"
    error: carried is there already
     hint: name another file, or remove it
    ");
    fs::copy(here.path("carried"), there.path("carried")).unwrap();

    there.well(&["store", "import", "carried"]);
    let said = there.well(&["realize", "t/b", "--offline"]);
    assert!(said.ran().is_empty(), "{said:?}");
    assert_eq!(listing(&said.result()), listing(&result));
    assert!(
        there
            .well(&["store", "verify"])
            .out
            .ends_with("all as they should be\n")
    );
    // The root's files are not there, and nobody has them: what would need them cannot run.
    fs::remove_dir_all(there.path("mirror")).unwrap();
    there.nodes(&[nodes(), vec![node("c", &[], "true")]].concat());
    assert_eq!(there.say(&["realize", "t/c", "--offline"]).code, Some(1));
    here.well(&["store", "export", "t/b", "-o", "whole", "--inputs"]);
    fs::copy(here.path("whole"), there.path("whole")).unwrap();
    there.well(&["store", "import", "whole"]);
    assert_eq!(there.well(&["realize", "t/c", "--offline"]).ran(), ["t/c"]);
}

#[test]
fn a_file_that_was_changed_or_cut_is_refused_whole() {
    let here = World::new(&nodes());
    here.realize("t/b");
    here.well(&["store", "export", "t/b", "-o", "carried"]);
    let size = fs::metadata(here.path("carried")).unwrap().len();
    for at in (0..size).step_by((size / 23) as usize) {
        let there = World::empty(&nodes());
        let file = there.path("carried");
        fs::copy(here.path("carried"), &file).unwrap();
        flip(&file, at);
        let said = there.say(&["store", "import", "carried"]);
        if said.code == Some(0) {
            // A bit that means nothing to zstd: all is as it was, or the checksum would say so.
            let made = there.well(&["realize", "t/b", "--offline"]).result();
            assert_eq!(listing(&made), listing(&here.realize("t/b")), "{at}");
            continue;
        }
        let error = said.err;
        assert!(
            error.contains("carried cannot be taken: ")
                && error.contains("nothing of it was taken"),
            "{at}: {error}"
        );
        let stats: Value =
            serde_json::from_str(&there.well(&["store", "stats", "--json"]).out).unwrap();
        assert_eq!(stats["parts"], serde_json::json!({}), "{at}");
    }
    let there = World::empty(&nodes());
    let bytes = fs::read(here.path("carried")).unwrap();
    fs::write(there.path("cut"), &bytes[..bytes.len() / 2]).unwrap();
    assert!(
        there
            .fails(&["store", "import", "cut"])
            .contains("cut cannot be taken: ")
    );
    fs::write(there.path("other"), "something else").unwrap();
    assert!(
        there
            .fails(&["store", "import", "other"])
            .contains("other cannot be taken: ")
    );
}

#[test]
fn where_keys_are_trusted_only_their_results_are_taken() {
    let (here, there) = (World::new(&nodes()), World::empty(&nodes()));
    here.realize("t/b");
    here.well(&["store", "export", "t/b", "-o", "unsigned"]);
    let public = here
        .well(&["key", "generate", "--name", "ci", "ci.key"])
        .out;
    let settings = |world: &World, text: String| {
        fs::create_dir_all(world.path("home/.config/pwb")).unwrap();
        fs::write(world.path("home/.config/pwb/config.ron"), text).unwrap();
    };
    let key = here.path("ci.key");
    settings(&here, format!("(remote: (signing_key_file: {key:?}))"));
    here.well(&["store", "export", "t/b", "-o", "signed"]);
    settings(
        &there,
        format!("(remote: (trusted_keys: [{:?}]))", public.trim()),
    );
    for name in ["signed", "unsigned"] {
        fs::copy(here.path(name), there.path(name)).unwrap();
    }
    let error = there.fails(&["store", "import", "unsigned"]);
    insta::assert_snapshot!(error, @"
    error: unsigned has results that none of the trusted keys has signed
     hint: nothing of it was taken; have it written where signing_key_file is set, or list its key in trusted_keys
    ");
    there.well(&["store", "import", "signed"]);
    assert!(
        there
            .well(&["realize", "t/b", "--offline"])
            .ran()
            .is_empty()
    );
}

//! Local folders: what of them is taken, what an edit runs again, and what is said when they change on the way.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use support::{World, eventually, listing, nap, node, processes, read};

/// A node over a part of another.
fn over_part(name: &str, part: &str) -> String {
    node(name, &[], "cp -r /in /out").replace("inputs: {}", &format!("inputs: {{\"/in\": {part}}}"))
}

fn source(world: &World, name: &str) -> String {
    format!(
        "\"{name}\": Source(path: \"{}\"),",
        world.path(name).display()
    )
}

#[test]
fn a_change_outside_of_a_part_runs_nothing() {
    let world = World::new(&[]);
    world.folder(
        "src",
        &[("lib/a.py", "1"), ("lib/deep/b.py", "2"), ("doc/a", "3")],
    );
    world.nodes(&[
        source(&world, "src"),
        over_part("only", r#"Only("src", ["lib/**"])"#),
        over_part("except", r#"Except("src:/lib", ["deep"])"#),
        node("a", &[("/a", "only")], "cp -r /a/out /out"),
        node("b", &[("/b", "except")], "cp -r /b/out /out"),
    ]);
    let run = || world.well(&["realize", "t/a", "t/b"]);
    let first = run();
    assert_eq!(first.ran(), ["t/a", "t/b", "t/except", "t/only"]);
    let [a, b] = &first.results()[..] else {
        panic!("{first:?}")
    };
    let files = |path| listing(path).into_iter().filter(|(_, what)| what != "/");
    assert_eq!(files(a).count(), 2, "{:?}", listing(a));
    assert_eq!(files(b).count(), 1, "{:?}", listing(b));

    world.folder("src", &[("doc/a", "changed"), ("new/file", "new")]);
    assert!(run().ran().is_empty());
    world.folder("src", &[("lib/deep/b.py", "changed")]);
    assert_eq!(run().ran(), ["t/a", "t/only"]);
    world.folder("src", &[("lib/a.py", "changed")]);
    assert_eq!(run().ran().len(), 4);
}

#[test]
fn a_part_with_nothing_in_it_is_an_error() {
    let world = World::new(&[]);
    world.folder("src", &[("lib/a.py", "1")]);
    let nodes = |of: &str| {
        [
            source(&world, "src"),
            node("copy", &[("/in", "src")], "cp -r /in/lib /out"),
            over_part("part", of),
        ]
    };
    world.nodes(&nodes(r#"Only("src:/lib", ["lib/**"])"#));
    let error = world.fails(&["realize", "t/part"]);
    assert!(
        error.contains("error: t/part: `Only([\"lib/**\"])` selects nothing of `t/src:/lib`\n  hint: patterns are paths from the top of `t/src:/lib`; `pwb realize t/src` shows"),
        "{error}"
    );
    // The same where the tree is known only once something has run.
    world.nodes(&nodes(r#"Except("copy:/out", ["**"])"#));
    let error = world.fails(&["realize", "t/part"]);
    assert!(
        error.contains("t/part: `Except([\"**\"])` selects nothing of `t/copy:/out`"),
        "{error}"
    );
}

#[test]
fn a_target_may_be_a_part() {
    let world = World::new(&[]);
    world.recipe(&format!(
        r#"Recipe(nodes: {{ {} }}, targets: {{"part": Target(node: Only("a:/out", ["*.h"]))}})"#,
        node("a", &[], "echo 1 > /out/a.h; echo 2 > /out/a.c")
    ));
    for _ in 0..2 {
        let result = world.realize("part");
        assert_eq!(listing(&result).len(), 1);
        assert_eq!(read(&result.join("a.h")), "1\n");
    }
}

/// A source, a node that depends on it, and one that does not.
fn edited(world: &World) -> [String; 4] {
    [
        source(world, "src"),
        node("on", &[("/in", "src")], "cp -r /in/. /out"),
        node("off", &[], "echo off > /out/off"),
        node(
            "all",
            &[("/on", "on"), ("/off", "off")],
            "cp -r /on/out /off/out /out",
        ),
    ]
}

#[test]
fn an_edit_runs_what_depends_on_it_and_a_touch_runs_nothing() {
    let world = World::new(&[]);
    let folder = world.folder("src", &[("a", "1"), ("deep/b", "2")]);
    world.nodes(&edited(&world));
    assert_eq!(
        world.well(&["realize", "t/all"]).ran(),
        ["t/all", "t/off", "t/on"]
    );
    let touched = fs::File::options().append(true).open(folder.join("deep/b"));
    touched.unwrap().set_modified(SystemTime::now()).unwrap();
    assert!(world.well(&["realize", "t/all"]).ran().is_empty());
    fs::write(folder.join("deep/b"), "3").unwrap();
    assert_eq!(world.well(&["realize", "t/all"]).ran(), ["t/all", "t/on"]);
    // Only the mode.
    fs::set_permissions(folder.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.well(&["realize", "t/on"]).ran(), ["t/on"]);
}

#[test]
fn what_is_ignored_is_not_there() {
    let world = World::new(&[]);
    let plain = world.folder("plain", &[("a.c", "1"), (".gitignore", "*.c\n")]);
    world.folder(
        "src",
        &[
            ("a.c", "1"),
            (".gitignore", "*.c\n"),
            (".git/HEAD", "ref"),
            ("module/.git", "gitdir: elsewhere"),
            ("build/a.o", "o"),
            (".pwbignore", "/build/\nmodule\n"),
        ],
    );
    world.nodes(&edited(&world));
    let with = |folder: &str| {
        let said = world.well(&["realize", "t/on", "--override", &format!("t/src={folder}")]);
        listing(&said.result().join("out"))
    };
    assert_eq!(with("src"), listing(&plain), "`.gitignore` hides nothing");
    assert_eq!(with("src"), with("plain"));
    // From now on its stamps count; and none in the folder changes with what is left out of it.
    sleep(Duration::from_millis(2100));
    with("src");
    fs::write(world.path("src/.pwbignore"), "module\n").unwrap();
    assert_eq!(with("src")["build/a.o"], "o");
}

#[test]
fn what_changes_during_the_build_is_told() {
    let world = World::new(&[]);
    let folder = world.folder("src", &[("a", "before"), ("gone", "x"), ("same", "s")]);
    // Long enough for a second look.
    let nap = nap(15);
    world.nodes(&[
        source(&world, "src"),
        node(
            "n",
            &[("/in", "src")],
            &format!("sleep {nap}; cp /in/a /out/a"),
        ),
    ]);
    let pwb = world.start(&["realize", "t/n"]);
    eventually("the command runs", || !processes(&nap).is_empty());
    fs::write(folder.join("a"), "after!").unwrap();
    fs::remove_file(folder.join("gone")).unwrap();
    let said = pwb.end();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("warning: t/src changed while it was built from: a, gone\n   hint: "),
        "{}",
        said.err
    );
    // It is right for what was imported, and stays so.
    assert_eq!(read(&said.result().join("out/a")), "before");
    assert_eq!(read(&world.realize("t/n").join("out/a")), "after!");
    world.folder("src", &[("a", "before"), ("gone", "x")]);
    assert!(world.well(&["realize", "t/n"]).ran().is_empty());
}

#[test]
fn what_cannot_be_imported_is_named() {
    let world = World::new(&[]);
    let folder = world.folder("src", &[("deep/a", "1")]);
    world.nodes(&edited(&world));
    let fails = || world.fails(&["realize", "t/on"]);
    let pipe = folder.join("deep/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let error = fails();
    let expected = format!(
        "error: t/src: {} is neither a file, a folder nor a symbolic link, and no tree can hold that\n  hint: rename or remove it, or name it in .pwbignore",
        pipe.display()
    );
    assert!(error.contains(&expected), "{error}");
    world.folder("src", &[(".pwbignore", "pipe")]);
    world.realize("t/on");

    fs::write(folder.join(OsStr::from_bytes(b"\xff")), "").unwrap();
    let error = fails();
    assert!(error.contains("that is not UTF-8"), "{error}");
    fs::remove_dir_all(&folder).unwrap();
    let error = fails();
    let expected = format!(
        "error: t/src: cannot import the folder {}: No such file",
        folder.display()
    );
    assert!(error.contains(&expected), "{error}");
    fs::write(&folder, "").unwrap();
    let error = fails();
    assert!(error.contains("not a directory"), "{error}");
}

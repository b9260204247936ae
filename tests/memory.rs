//! What is remembered of a request makes it quick, and never wrong: a walk of edits, losses and collections, after each of which
//! the answer is what the recipe says.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use support::{Said, World};

/// Three parts of a folder, each without its comments; two of them joined, and all.
const RECIPE: &str = r##"Recipe(
    nodes: {
        "src": Source(path: "src"),
        "a": Run(root: "busybox/root", inputs: {"/in": "src:/a"}, run: ["sh", "-c", "grep -v '#' /in/f > /out/a"], outputs: ["/out"]),
        "b": Run(root: "busybox/root", inputs: {"/in": "src:/b"}, run: ["sh", "-c", "grep -v '#' /in/f > /out/b"], outputs: ["/out"]),
        "c": Run(root: "busybox/root", inputs: {"/in": "src:/c"}, run: ["sh", "-c", "grep -v '#' /in/f > /out/c"], outputs: ["/out"]),
        "ab": Run(root: "busybox/root", inputs: {"/a": "a:/out", "/b": "b:/out"}, run: ["sh", "-c", "cat /a/a /b/b > /out/ab"], outputs: ["/out"]),
        "all": Run(root: "busybox/root", inputs: {"/ab": "ab:/out", "/c": "c:/out"}, run: ["sh", "-c", "cat /ab/ab /c/c > /out/all; echo 0 >> /out/all"], outputs: ["/out"]),
    },
)
"##;

#[derive(Clone, Debug)]
enum Step {
    /// Other contents, or only another comment.
    Edit(usize, u8, u8),
    /// The recipe's last line.
    Recipe(u8),
    /// Folders of results, which are made of what is stored.
    LoseTrees,
    /// What is stored of a part's contents.
    LoseFile(usize),
    /// Everything that nobody has asked for in this moment.
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_usize, 0..3_u8, 0..3_u8).prop_map(|(part, word, comment)| Step::Edit(part, word, comment)),
        1 => (0..2_u8).prop_map(Step::Recipe),
        1 => Just(Step::LoseTrees),
        1 => (0..3_usize).prop_map(Step::LoseFile),
        1 => Just(Step::Collect),
    ]
}

fn write(world: &World, part: usize, word: u8, comment: u8) {
    let folder = world.path("src").join(["a", "b", "c"][part]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("f"), format!("# {comment}\n{word}\n")).unwrap();
}

fn realize(world: &World) -> Said {
    world.well(&["realize", "t/all"])
}

#[test]
fn a_request_that_is_remembered_has_the_right_answer() {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    let (mut words, mut last) = ([0_u8; 3], 0);
    for part in 0..3 {
        write(&world, part, 0, 0);
    }
    let mut runner = TestRunner::deterministic();
    let mut walk = Vec::new();
    for _ in 0..60 {
        let step = step().new_tree(&mut runner).unwrap().current();
        walk.push(step.clone());
        match step {
            Step::Edit(part, word, comment) => {
                write(&world, part, word, comment);
                words[part] = word;
            }
            Step::Recipe(number) => {
                last = number;
                world.recipe(&RECIPE.replace("echo 0", &format!("echo {number}")));
            }
            Step::LoseTrees => fs::remove_dir_all(world.path("store/trees")).unwrap(),
            Step::LoseFile(part) => {
                let hex = blake3::hash(format!("{}\n", words[part]).as_bytes()).to_hex();
                let _ = fs::remove_file(world.path(&format!("store/cas/{}/{hex}", &hex[..2])));
            }
            Step::Collect => drop(world.well(&["gc", "--older-than", "0s"])),
        }
        let said = realize(&world);
        let all = fs::read_to_string(said.result().join("out/all"));
        let [a, b, c] = words;
        let expected = format!("{a}\n{b}\n{c}\n{last}\n");
        assert_eq!(all.unwrap(), expected, "after {walk:?}\n{}", said.err);
    }
}

#[test]
fn only_what_a_change_reaches_is_looked_up() {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    for part in 0..3 {
        write(&world, part, 0, 0);
    }
    realize(&world);
    write(&world, 2, 0, 1);
    assert_eq!(realize(&world).ran(), ["t/c"], "what it makes is the same");
    write(&world, 2, 1, 1);
    assert_eq!(realize(&world).ran(), ["t/all", "t/c"]);
    // An old state of the folder is answered without a look at any step.
    write(&world, 2, 0, 1);
    assert_eq!(realize(&world).err, "");
    // Nothing is remembered of a request that is new, and all is found.
    assert!(world.well(&["realize", "t/ab"]).ran().is_empty());
}

#[test]
fn where_a_link_leads_is_asked_each_time() {
    let world = World::new(&[]);
    world.recipe(RECIPE);
    write(&world, 0, 0, 0);
    for version in 1..3 {
        for part in ["a", "b", "c"] {
            let folder = world.path(&format!("v{version}/{part}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("f"), format!("{version}\n")).unwrap();
        }
    }
    let project = r#"(override: {"t/src": "current"})"#;
    for (project, arguments) in [
        (None, vec!["realize", "t/all", "--override", "src=current"]),
        (Some(project), vec!["realize", "t/all"]),
    ] {
        if let Some(text) = project {
            fs::write(world.path("pwb.ron"), text).unwrap();
        }
        for version in [1, 2, 1] {
            let _ = fs::remove_file(world.path("current"));
            symlink(format!("v{version}"), world.path("current")).unwrap();
            let all = world.well(&arguments).result().join("out/all");
            let expected = format!("{version}\n{version}\n{version}\n0\n");
            assert_eq!(fs::read_to_string(all).unwrap(), expected);
        }
    }
}

#[test]
fn words_that_are_divided_otherwise_are_another_request() {
    let world = World::new(&[]);
    world.recipe(
        r#"Recipe(
            options: {"words": List(default: [])},
            nodes: {"a": Run(root: "busybox/root", run: ["sh", "-c", "for word; do echo $word; done > /out/a", "sh", Each("words")], outputs: ["/out"])},
        )"#,
    );
    for (set, expected) in [
        (r#"["one two"]"#, "one two\n"),
        (r#"["one", "two"]"#, "one\ntwo\n"),
    ] {
        fs::write(
            world.path("pwb.ron"),
            format!(r#"(set: {{"t/words": {set}}})"#),
        )
        .unwrap();
        let a = world.well(&["realize", "t/a"]).result().join("out/a");
        assert_eq!(fs::read_to_string(a).unwrap(), expected);
    }
}

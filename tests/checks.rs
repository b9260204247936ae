//! Checks: every test runs in a sandbox of its own, verdicts that were expected are kept, others are not.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{Said, World, node};

/// Three tests: what each does is in its case of the script.
const SCRIPT: &str = r#"
    say() { echo "<testsuites><testsuite name='t'>$1</testsuite></testsuites>" > /report/junit.xml; }
    cat /in/word
    case $1 in
        good) say "<testcase name='a'/><testcase name='b'><skipped message='not here'/></testcase>" ;;
        half) say "<testcase name='Link.one'><failure message='no links'/></testcase><testcase name='two'/>"; exit 2 ;;
        dead) kill -SEGV $$ ;;
    esac
"#;

fn recipe(word: &str, expected: &str) -> String {
    let making = node("made", &[], &format!("echo {word} > /out/word"));
    let list = node("list", &[], r"printf 'good\nhalf\n\ndead\n' > /out/names");
    format!(
        r##"Recipe(
    options: {{"links": Flag()}},
    nodes: {{
        {making}
        {list}
        "check": Check(
            root: "busybox/root",
            inputs: {{"/in": "made:/out"}},
            run: ["sh", "-c", r#"{SCRIPT}"#, "sh"],
            tests: "list:/out",
            expected: [{expected}],
        ),
        "alone": Check(root: "busybox/root", run: ["sh", "-c", "true"]),
    }},
    targets: {{"t": Target(node: "made", checks: ["check", "alone"]), "none": Target(node: "made")}},
)"##
    )
}

const ALL: &str = r#"
    Fails(tests: ["dead"], why: "it does not live"),
    Unless("links", [Fails(tests: ["half"], cases: ["Link.*"], why: "no links here")]),
"#;

fn world(expected: &str) -> World {
    let world = World::new(&[]);
    world.recipe(&recipe("hello", expected));
    world
}

fn tests_run(said: &Said) -> Vec<&str> {
    let ran = said.ran().into_iter();
    ran.filter(|node| node.starts_with("t/check") || *node == "t/alone")
        .collect()
}

#[test]
fn what_is_as_expected_passes_and_is_remembered() {
    let world = world(ALL);
    let said = world.say(&["test", "t"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.out,
        "expected to fail: dead: it does not live\n\
         expected to fail: half: no links here\n\
         4 tests: 2 passed, 2 failed as expected (4 cases: 2 passed, 1 skipped, 1 failed)\n"
    );
    let again = world.say(&["test", "t"]);
    assert_eq!((again.code, &again.out), (Some(0), &said.out));
    assert_eq!(tests_run(&again), [""; 0]);
    assert_eq!(
        world.say(&["test", "t", "--list"]).out,
        "good\nhalf\ndead\nalone\n"
    );
}

#[test]
fn what_is_not_fails_and_runs_again() {
    let world = world("");
    let said = world.say(&["test", "t"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for line in [
        "failed t/check/half: the command ended with exit code 2",
        "  Link.one: no links",
        "failed t/check/dead: the command was killed by signal 11",
        "4 tests: 2 passed, 2 failed (4 cases: 2 passed, 1 skipped, 1 failed)",
    ] {
        assert!(
            said.out.lines().any(|said| said == line),
            "{line}: {said:?}"
        );
    }
    assert_eq!(
        tests_run(&world.say(&["test", "t"])),
        ["t/check/dead", "t/check/half"]
    );
}

#[test]
fn an_expectation_is_part_of_its_tests_key_alone() {
    let world = world(ALL);
    world.say(&["test", "t"]);
    let said = world.say(&["test", "t", "--set", "links=true"]);
    assert_eq!(
        (said.code, tests_run(&said)),
        (Some(1), vec!["t/check/half"])
    );
    world.recipe(&recipe(
        "hello",
        r#"Fails(tests: ["dead", "good", "half"], why: "all do")"#,
    ));
    let said = world.say(&["test", "t"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out
            .contains("passed good, which the recipe expects to fail: all do"),
        "{said:?}"
    );
    assert_eq!(tests_run(&said), ["t/check/good", "t/check/half"]);
}

#[test]
fn a_change_of_what_is_tested_tests_again() {
    let world = world(ALL);
    world.say(&["test", "t", "--", "good"]);
    world.recipe(&recipe("other", ALL));
    let said = world.say(&["test", "t", "--", "good"]);
    assert_eq!(
        (said.code, tests_run(&said)),
        (Some(0), vec!["t/check/good"])
    );
}

#[test]
fn junit_tells_of_every_case() {
    let world = world(r#"Fails(tests: ["half"], cases: ["Link.*"], why: "no links here")"#);
    let file = world.path("home/junit.xml");
    let said = world.say(&["test", "t", "--junit", file.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let xml = std::fs::read_to_string(file).unwrap();
    for part in [
        r#"<testsuite name="t/check/good" tests="2" skipped="1" errors="0" failures="0">"#,
        r#"<skipped message="expected to fail: no links here">no links</skipped>"#,
        r#"<failure message="the command was killed by signal 11">"#,
        r#"<testcase name="alone"/>"#,
    ] {
        assert!(xml.contains(part), "{part} is not in\n{xml}");
    }
}

#[test]
fn the_report_says_what_works_and_why_the_rest_does_not() {
    let world = world(ALL);
    let file = world.path("home/report.md");
    let said = world.say(&["test", "t", "--report", file.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let page = std::fs::read_to_string(file).unwrap();
    for part in [
        "[\"t/made (run)\"]\n",
        "| t/check | 3 | 1 | 0 | 2 | 0 | 2 | 1 | 1 |\n",
        "- it does not live: dead\n",
        "- no links here: half (1 case)\n",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let world = world(ALL);
    for (arguments, error) in [
        (vec!["test", "none"], "target `none` has no checks"),
        (vec!["test", "t", "--", "godo"], "there is no test `godo`"),
        (vec!["test", "t/made"], "`t/made` is a node"),
        (
            vec!["realize", "t/check"],
            "`t/check` is a check: it has a verdict and no files",
        ),
    ] {
        let said = world.fails(&arguments);
        assert!(said.contains(error), "{arguments:?}: {said}");
    }
}

#[test]
fn without_what_is_tested_there_is_no_verdict() {
    let world = World::new(&[]);
    world.recipe(&recipe("hello", ALL).replace("echo hello", "exit 3; echo hello"));
    let said = world.say(&["test", "t"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(
        said.err
            .contains("t/made: the command ended with exit code 3"),
        "{said:?}"
    );
}

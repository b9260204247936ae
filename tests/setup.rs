//! What fits pwb to a machine: settings, completions, the manual, exit codes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Said, World, node, read};

/// pwb with nothing set that a setting comes from.
fn bare(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.pwb(arguments);
    for variable in ["PWB_STORE", "PWB_RECIPES", "PWB_DEBIAN_MIRROR"] {
        command.env_remove(variable);
    }
    command
}

#[track_caller]
fn well(mut command: Command) -> String {
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out
}

/// What is said, with runs of spaces as one: the width of a column is that of the world's path.
fn squeezed(world: &World, text: &str) -> String {
    let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = text.lines().map(squeeze).collect::<Vec<_>>().join("\n");
    world.tidy(&lines)
}

#[test]
fn the_page_of_settings_has_all_keys_and_defaults() {
    let world = World::empty(&[]);
    let settings: Value = serde_json::from_str(&well(bare(&world, &["config", "--json"]))).unwrap();
    let page = include_str!("../docs/config.md");
    let settings = settings.as_array().unwrap();
    for setting in settings {
        let key = setting["key"].as_str().unwrap();
        assert_eq!(setting["from"], "default", "{setting}");
        let default = match (&setting["value"], key) {
            (_, "jobs") => "the number of cores".to_owned(),
            (Value::Null, _) => "none".to_owned(),
            (Value::String(text), _) => text.replace(&*world.path("home").to_string_lossy(), "~"),
            (value, _) => value.to_string(),
        };
        let variable = setting["variable"].as_str();
        let variable = variable.map_or_else(String::new, |name| format!("`{name}`"));
        let row = format!("\n| `{key}` | {default} | {variable} | ");
        assert!(page.contains(&row), "docs/config.md lacks{row}");
    }
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| `") && line.matches('|').count() == 5);
    assert_eq!(
        rows.count(),
        settings.len(),
        "docs/config.md has keys that pwb does not know"
    );
}

#[test]
fn settings_say_where_they_come_from() {
    let world = World::empty(&[]);
    world.folder(
        "home/.config/pwb",
        &[(
            "config.ron",
            r#"(
                jobs: 3,
                npm_registry: "https://npm.example",
                remote: (url: "grpc://from-the-file", upload: Success, headers: {"x-key": "secret"}),
                gc: (max_size: "50G", keep: "36h"),
            )"#,
        )],
    );
    fs::write(
        world.path("pwb.ron"),
        r#"(set: {"t/words": ["a", "b"]}, override: {"t/src": "mine"})"#,
    )
    .unwrap();
    let mut command = bare(&world, &["config", "--remote-upload=never"]);
    command
        .env("PWB_REMOTE", "grpc://from-outside")
        .env("PWB_REMOTE_TOKEN", "secret")
        .env("PWB_STORE", world.path("store"));
    insta::assert_snapshot!(squeezed(&world, &well(command)), @r#"
    debian_mirror - default
    gc.auto true default
    gc.keep 36h [WORLD]/home/.config/pwb/config.ron
    gc.max_size 50G [WORLD]/home/.config/pwb/config.ron
    gc.older_than - default
    jobs 3 [WORLD]/home/.config/pwb/config.ron
    npm_registry https://npm.example [WORLD]/home/.config/pwb/config.ron
    pypi_index - default
    recipes - default
    remote.ca_file - default
    remote.certificate_file - default
    remote.execute false default
    remote.headers {"x-key":"(hidden)"} [WORLD]/home/.config/pwb/config.ron
    remote.key_file - default
    remote.platform {} default
    remote.queue_seconds 60 default
    remote.signing_key_file - default
    remote.token (hidden) $PWB_REMOTE_TOKEN
    remote.token_file - default
    remote.trusted_keys [] default
    remote.upload Never --remote-upload
    remote.url grpc://from-outside $PWB_REMOTE
    store [WORLD]/store $PWB_STORE
    set.t/words a b [WORLD]/pwb.ron
    override.t/src mine [WORLD]/pwb.ron
    "#);
}

#[test]
fn a_file_of_settings_that_is_wrong_has_its_place() {
    let world = World::empty(&[]);
    let mut all = String::new();
    for text in [
        "(\n    job: 3)",
        "(remote: (ulr: \"grpc://a\"))",
        "(jobs: \"three\")",
        "(gc: (keep: \"soon\"))",
        "(jobs: 3",
    ] {
        world.folder("home/.config/pwb", &[("config.ron", text)]);
        all += &world.tidy(&Said::from(bare(&world, &["config"]).output().unwrap()).err);
    }
    insta::assert_snapshot!(all, @r#"
    error: [WORLD]/home/.config/pwb/config.ron:2:5: Unexpected field named `job` in `Config`, expected one of `debian_mirror`, `npm_registry`, `pypi_index`, `store`, `jobs`, `remote`, or `gc` instead
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    error: [WORLD]/home/.config/pwb/config.ron:1:11: Unexpected field named `ulr` in `Remote`, expected one of `url`, `upload`, `headers`, `token_file`, `ca_file`, `certificate_file`, `key_file`, `trusted_keys`, `signing_key_file`, `execute`, `platform`, or `queue_seconds` instead
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    error: [WORLD]/home/.config/pwb/config.ron:1:7: Expected integer
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    error: [WORLD]/home/.config/pwb/config.ron:1:14: `soon` is no time: it is to be like 14d, 12h, 30m or 0s
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    error: [WORLD]/home/.config/pwb/config.ron:1:8: Expected comma
     hint: it is like (jobs: 4, remote: (url: "grpc://host:8980")); docs/config.md has all keys
    "#);
}

/// What a shell offers where this line ends, as the script of `pwb completions bash` asks for it.
fn offered(world: &World, line: &[&str]) -> Vec<String> {
    let mut command = world.pwb(&["--"]);
    command
        .args(line)
        .env("PWB_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (line.len() - 1).to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true")
        .env("_CLAP_IFS", "\n");
    well(command).lines().map(str::to_owned).collect()
}

#[test]
fn names_are_completed_from_the_recipes() {
    let world = World::empty(&[]);
    world.recipe(
        r#"Recipe(
            nodes: {"greet": Run(root: "busybox/root", run: ["true"], outputs: ["/out"])},
            targets: {"greeting": Target(about: "hello", node: "greet")},
        )"#,
    );
    assert_eq!(offered(&world, &["pwb", "realize", "gr"]), ["greeting"]);
    assert_eq!(offered(&world, &["pwb", "realize", "t/"]), ["t/greet"]);
    assert_eq!(
        offered(&world, &["pwb", "run", ""]).first().unwrap(),
        "greeting"
    );
    assert_eq!(offered(&world, &["pwb", "log", "t"]), ["t/greet"]);
    assert_eq!(offered(&world, &["pwb", "store", "rep"]), ["repair"]);
    assert_eq!(
        offered(&world, &["pwb", "graph", "greeting", "--format", "m"]),
        ["mermaid"]
    );
    // Recipes that the line itself names; none at all where they are broken.
    let other = world.folder(
        "other",
        &[(
            "o.ron",
            r#"Recipe(nodes: {"n": Root(files: {"/a": Text("")})})"#,
        )],
    );
    let other = other.to_str().unwrap();
    assert_eq!(
        offered(&world, &["pwb", "--recipes", other, "log", ""])
            .first()
            .unwrap(),
        "o/n"
    );
    world.recipe("Recipe(");
    assert!(
        !offered(&world, &["pwb", "realize", ""])
            .iter()
            .any(|name| name.contains("greet"))
    );
}

#[test]
fn bash_takes_the_script() {
    let world = World::empty(&[]);
    world.recipe(r#"Recipe(nodes: {"n": Root(files: {"/a": Text("")})}, targets: {"greeting": Target(node: "n")})"#);
    let script = r#"
        eval "$("$PWB" completions bash)"
        COMP_WORDS=(pwb realize gre) COMP_CWORD=2 COMP_TYPE=9
        compopt() { :; }
        "$(complete -p pwb | sed 's/.* -F \([^ ]*\) .*/\1/')" pwb gre realize
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = world.command(Path::new("bash"));
    command
        .args(["-euc", script])
        .env("PWB", env!("CARGO_BIN_EXE_pwb"));
    assert_eq!(well(command), "greeting\n");
}

#[test]
fn every_shell_has_a_script_that_asks_pwb() {
    let world = World::empty(&[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = world.well(&["completions", shell]).out;
        assert!(script.contains("PWB_COMPLETE"), "{shell}: {script}");
    }
    let said = world.say(&["completions", "tcsh"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn the_manual_has_a_page_a_command() {
    let world = World::empty(&[]);
    let first = world.well(&["man"]).out;
    world.well(&["man", "pages"]);
    assert_eq!(read(&world.path("pages/pwb.1")), first);
    assert!(first.contains(".SH \"EXIT STATUS\"\n"), "{first}");
    for name in [
        "pwb-realize",
        "pwb-store-export",
        "pwb-cache-serve",
        "pwb-key-generate",
    ] {
        let page = read(&world.path(&format!("pages/{name}.1")));
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    fs::write(world.path("file"), "").unwrap();
    insta::assert_snapshot!(world.tidy(&world.fails(&["man", "file"])), @r"
    error: cannot write pages into file: File exists (os error 17)
     hint: a folder is wanted where a file is
    ");
}

#[test]
#[ignore = "wants mandoc, zsh and fish"]
fn other_programs_read_manual_and_scripts() {
    let world = World::empty(&[]);
    world.well(&["man", "pages"]);
    let script = r#"
        mandoc -T lint -W error pages/*.1
        "$PWB" completions zsh > zsh
        zsh -n zsh
        "$PWB" completions fish > fish
        fish --no-execute fish
    "#;
    assert_eq!(well(world.shell(script)), "");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let world = World::new(&[
        node("good", &[], "echo 1 > /out/one"),
        node("bad", &[], "exit 3"),
    ]);
    let code = |arguments: &[&str]| world.say(arguments).code;
    assert_eq!(code(&["realize", "t/good"]), Some(0));
    assert_eq!(code(&["realize", "t/bad"]), Some(1));
    assert_eq!(code(&["realize", "t/unknown"]), Some(1));
    assert_eq!(code(&["realize", "--nonsense"]), Some(2));
    // Two that differ, two that do not, one that is not there.
    assert_eq!(code(&["diff", "t/good", "busybox/root"]), Some(1));
    assert_eq!(code(&["diff", "t/good", "t/good"]), Some(0));
    assert_eq!(code(&["diff", "t/good", "t/unknown"]), Some(2));
    // The program's own, and that there was none.
    assert_eq!(
        code(&["shell", "t/good", "--", "sh", "-c", "exit 7"]),
        Some(7)
    );
    assert_eq!(
        code(&["shell", "t/good", "--", "sh", "-c", "kill -9 $$"]),
        Some(137)
    );
    assert_eq!(code(&["shell", "t/unknown", "--", "true"]), Some(125));
    assert_eq!(code(&["run", "t/good"]), Some(125));
}

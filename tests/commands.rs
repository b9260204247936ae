//! What every command says, when all is well and when it is not: each file of `tests/commands` is a session at a shell,
//! which is held again and must read the same. `UPDATE_SESSIONS=1 cargo test --test commands` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use support::{Said, World, read};

/// What stands before a command.
const PROMPT: &str = "$ ";

fn sessions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/commands");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "console")
    });
    files.sort();
    files
}

/// The recipe `t` and the folder that it reads.
fn world() -> World {
    let world = World::new(&[]);
    world.recipe(include_str!("commands/t.ron"));
    world.folder(
        "source",
        &[("word", "hello\n"), ("page.html", "<p>hello</p>\n")],
    );
    world
}

/// Holds the session of a file again: its commands in order, each with what it says now and how it ends if not well.
fn again(session: &str) -> String {
    let world = world();
    let programs = world.path("bin");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pwb"), programs.join("pwb")).unwrap();
    let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", programs.display());
    let mut now = String::new();
    for line in session.lines() {
        let Some(command) = line.strip_prefix(PROMPT) else {
            continue;
        };
        let mut shell = world.shell(&format!("exec 2>&1\n{command}"));
        let said = Said::from(shell.env("PATH", &path).output().unwrap());
        // There is only an estimate where it comes to a second.
        let said_now = world.tidy(&said.out).replace(", about [TIME] s", "");
        now += &format!("{PROMPT}{command}\n{said_now}");
        if !now.ends_with('\n') {
            now.push('\n');
        }
        match said.code {
            Some(0) => {}
            Some(code) => now += &format!("[exit code {code}]\n"),
            None => now += "[ended by a signal]\n",
        }
    }
    now
}

#[test]
fn every_session_reads_as_it_did() {
    let update = std::env::var_os("UPDATE_SESSIONS").is_some();
    let hold = |file: PathBuf| {
        let then = read(&file);
        let now = again(&then);
        if update {
            fs::write(&file, &now).unwrap();
            return String::new();
        }
        let diff = similar::TextDiff::from_lines(&then, &now);
        let mut diff = diff.unified_diff();
        diff.header(&file.display().to_string(), "now").to_string()
    };
    let stale: String = thread::scope(|scope| {
        let held: Vec<_> = sessions()
            .into_iter()
            .map(|file| scope.spawn(|| hold(file)))
            .collect();
        held.into_iter().map(|held| held.join().unwrap()).collect()
    });
    assert!(stale.is_empty(), "\n{stale}");
}

/// The commands, and the commands in them, as `pwb --help` lists them.
fn commands(path: &[&str]) -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_pwb"))
        .args(path)
        .arg("--help")
        .output()
        .unwrap();
    let help = Said::from(help).out;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return BTreeSet::from([path.join(" ")]);
    };
    let names = listed
        .lines()
        .map_while(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.split(' ').next());
    names
        .flat_map(|name| commands(&[path, &[name]].concat()))
        .collect()
}

#[test]
fn every_command_is_in_a_session() {
    let sessions: String = sessions().iter().map(|file| read(file)).collect();
    let held: Vec<&str> = sessions
        .lines()
        .filter_map(|line| line.strip_prefix(PROMPT))
        .collect();
    let missing: Vec<String> = commands(&[])
        .into_iter()
        .filter(|command| {
            !held
                .iter()
                .any(|line| line.contains(&format!("pwb {command}")))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "no session of tests/commands has: {missing:?}"
    );
}

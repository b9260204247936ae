//! Packages of npm and PyPI through the host's own clients. Programs of the test's own stand for them, since what a real one
//! asks, and whom, is its user's matter: here it is seen what they are told, and what is made of what they do.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::{Said, World, read};

const NODES: &str = r#"
    "npm": Fetch(from: [Npm("@a/b/-/b-1.0.0.tgz")], sha256: "SHA"),
    "pypi": Fetch(from: [Pypi("A_b-1.0-cp313-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")], sha256: "SHA"),
    "archive": Fetch(from: [Pypi("a-1.0.tar.gz")], sha256: "SHA"),
"#;

/// Of "the package".
const SHA: &str = "ab326f16dec533ba65139949246581c016b9d4c77d0de0046e65f48e575372a3";

/// A world whose PATH has these programs and no other.
fn run(world: &World, clients: &[(&str, &str)], node: &str) -> Said {
    let bin = world.path("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, script) in clients {
        let program = bin.join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut pwb = world.pwb(&["realize", node]);
    Said::from(pwb.env("PATH", &bin).output().unwrap())
}

fn world() -> World {
    World::empty(&[NODES.replace("SHA", SHA)])
}

#[test]
fn clients_are_told_the_package_and_give_one_file() {
    let world = world();
    let asked = world.path("asked");
    let script = format!(
        "echo \"$0\" \"$@\" >> {}; printf 'the package' > file",
        asked.display()
    );
    let clients = [("npm", script.as_str()), ("python3", &script)];
    for (node, name) in [
        ("t/npm", "b-1.0.0.tgz"),
        (
            "t/pypi",
            "A_b-1.0-cp313-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        ),
    ] {
        let said = run(&world, &clients, node);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(read(&said.result().join(name)), "the package");
    }
    let bin = format!("{}/", world.path("bin").display());
    insta::assert_snapshot!(read(&asked).replace(&bin, ""), @"
    npm pack --loglevel=error --ignore-scripts @a/b@1.0.0
    python3 -m pip download --quiet --no-input --disable-pip-version-check --no-deps --ignore-requires-python --only-binary=:all: --implementation cp --python-version 313 --abi abi3 --platform manylinux2014_x86_64 a-b==1.0
    ");
}

#[test]
fn what_clients_cannot_do_is_told_with_what_to_set() {
    let world = world();
    let no_pip = [("python3", "echo \"$0: No module named pip\" >&2; exit 1")];
    let other = [
        (
            "npm",
            "echo 'npm notice x' >&2; echo 'npm error code E404' >&2; exit 1",
        ),
        ("python3", "printf 'another' > file"),
    ];
    let mut all = String::new();
    for (clients, node) in [
        (&[][..], "t/npm"),
        (&[], "t/pypi"),
        (&[], "t/archive"),
        (&no_pip, "t/pypi"),
        (&other, "t/npm"),
        (&other, "t/pypi"),
    ] {
        let said = run(&world, clients, node);
        assert_eq!((said.code, &*said.out), (Some(1), ""), "{said:?}");
        all += &world.tidy(&said.err);
        all += "\n";
    }
    insta::assert_snapshot!("clients", all);
}

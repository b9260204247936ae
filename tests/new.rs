//! `pwb new`: a project that builds at once.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Said, World, listing, read};

/// pwb in a folder of the world, with no recipes but the project's.
fn pwb(world: &World, folder: &str, arguments: &[&str]) -> Command {
    let mut pwb = world.pwb(arguments);
    pwb.env_remove("PWB_RECIPES")
        .current_dir(world.path(folder));
    pwb
}

#[track_caller]
fn well(mut pwb: Command) -> Said {
    let said = Said::from(pwb.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

#[test]
fn a_new_project_builds_runs_and_is_tested() {
    let world = World::new(&[]);
    let said = well(pwb(&world, ".", &["new", "greeter"]));
    insta::assert_snapshot!(said.out + &said.err, @"
    greeter: 5 files
    next: cd greeter && pwb run greeter
    ");
    let files: Vec<String> = listing(&world.path("greeter")).into_keys().collect();
    insta::assert_snapshot!(files.join("\n"), @"
    .gitignore
    pwb.ron
    recipes
    recipes/main.lock
    recipes/main.ron
    src
    src/greeting
    ");
    let checked = well(pwb(&world, "greeter", &["check"]));
    insta::assert_snapshot!(checked.out + &checked.err, @"2 files: 0 errors, 0 warnings");
    assert_eq!(well(pwb(&world, "greeter", &["fmt", "--check"])).out, "");

    let result = well(pwb(&world, "greeter", &["realize", "greeter"])).result();
    assert!(read(&result.join("bin/hello")).contains("Hello from greeter"));
    // From any folder of the project: paths of its recipes start where pwb.ron is.
    let said = well(pwb(&world, "greeter/src", &["run", "greeter"]));
    assert_eq!(said.out, "Hello from greeter\n");
    let said = well(pwb(
        &world,
        "greeter",
        &["run", "greeter", "--set", "loud=true"],
    ));
    assert_eq!(said.out, "HELLO FROM GREETER\n");
    well(pwb(&world, "greeter", &["test", "greeter"]));
    // An edit counts, and so does what pwb.ron says.
    fs::write(world.path("greeter/src/greeting"), "hello again\n").unwrap();
    fs::write(
        world.path("greeter/pwb.ron"),
        r#"(recipes: "recipes", set: {"main/loud": "true"})"#,
    )
    .unwrap();
    assert_eq!(
        well(pwb(&world, "greeter", &["run", "greeter"])).out,
        "HELLO AGAIN\n"
    );
}

#[test]
fn nothing_is_overwritten() {
    let world = World::empty(&[]);
    fs::create_dir_all(world.path("mine/recipes")).unwrap();
    fs::write(world.path("mine/recipes/main.ron"), "mine").unwrap();
    let said = Said::from(pwb(&world, ".", &["new", "mine"]).output().unwrap());
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.err, @"
    error: mine/recipes/main.ron is there already: nothing is written
     hint: name a folder that is not there yet: pwb new DIR
    ");
    let files: Vec<String> = listing(&world.path("mine")).into_keys().collect();
    assert_eq!(files, ["recipes", "recipes/main.ron"]);
    // A folder that has other things in it will do.
    fs::create_dir(world.path("begun")).unwrap();
    fs::write(world.path("begun/notes"), "").unwrap();
    let said = well(pwb(&world, "begun", &["new"]));
    insta::assert_snapshot!(said.out, @"
    .: 5 files
    next: pwb run begun
    ");
    assert!(world.path("begun/pwb.ron").is_file());
    let said = Said::from(pwb(&world, ".", &["new", "my project"]).output().unwrap());
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(said.err, @"
    error: the folder's name becomes the target's, and `my project` cannot be one
     hint: a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter or a digit
    ");
    assert!(!world.path("my project").exists());
}

/// The other template's packages, a compiler among them, come from the host's own mirror.
#[test]
#[ignore = "downloads gcc"]
fn a_new_project_in_c_builds_too() {
    let world = World::empty(&[]);
    let from_the_host = |arguments: &[&str], folder: &str| {
        let mut pwb = pwb(&world, folder, arguments);
        pwb.env_remove("PWB_DEBIAN_MIRROR");
        if let Some(mirror) = std::env::var_os("PWB_DEBIAN_MIRROR") {
            pwb.env("PWB_DEBIAN_MIRROR", mirror);
        }
        well(pwb)
    };
    from_the_host(&["new", "adder", "--template", "c"], ".");
    assert!(
        well(pwb(&world, "adder", &["check"]))
            .out
            .ends_with(": 0 errors, 0 warnings\n")
    );
    let said = from_the_host(&["run", "adder", "--", "you"], "adder");
    assert_eq!(said.out, "Hello, you!\n", "{said:?}");
    from_the_host(&["test", "adder"], "adder");
    assert!(Path::new(&world.path("adder/.gitignore")).is_file());
}

//! `docs/ci/build.sh`, run as two jobs of a CI on machines that are new.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/peers/mod.rs"]
mod peers;
#[path = "support/serving.rs"]
mod serving;
mod support;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serving::{Serving, TOKEN};
use support::{Said, World, listing, node, read};

fn machine() -> World {
    let world = World::new(&[]);
    world.recipe(&format!(
        r#"Recipe(
            nodes: {{
                {}
                "works": Check(root: "busybox/root", inputs: {{"/app": "app:/out"}}, run: ["grep", "-q", "hello", "/app/greeting"]),
            }},
            targets: {{"app": Target(node: "app:/out", checks: ["works"])}},
        )"#,
        node("app", &[], "echo hello > /out/greeting"),
    ));
    std::fs::create_dir(world.path("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_pwb"), world.path("bin/pwb")).unwrap();
    world
}

/// The script as a job runs it.
fn job(world: &World, cache: &Serving) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci/build.sh");
    let mut command = world.command(&script);
    command
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", world.path("bin").display()),
        )
        .env("PWB_REMOTE", format!("grpc://127.0.0.1:{}", cache.port))
        .env("TARGETS", "app")
        .env("TESTS", "app");
    command
}

#[test]
fn what_one_job_has_built_the_next_one_has() {
    let cache = Serving::with_token();
    let (first, second) = (machine(), machine());
    let built = Said::from(
        job(&first, &cache)
            .env("PWB_REMOTE_TOKEN", TOKEN)
            .output()
            .unwrap(),
    );
    assert_eq!(
        (built.code, built.ran()),
        (Some(0), vec!["t/app", "t/works"]),
        "{built:?}"
    );
    assert!(built.out.contains("1 test: 1 passed"), "{built:?}");
    assert!(read(&first.path("reports/app.xml")).contains("t/works"));

    // As of a pull request from a fork, which has no token.
    let fetched = Said::from(job(&second, &cache).output().unwrap());
    assert_eq!(
        (fetched.code, fetched.ran()),
        (Some(0), vec![]),
        "{fetched:?}"
    );
    let result = listing(&second.path("result-app"));
    assert_eq!(result, listing(&first.path("result-app")));
    assert!(read(&first.path("reports/build.html")).contains("<html"));
    assert!(
        !second.path("reports/build.html").exists(),
        "nothing was built"
    );
}

#[test]
fn a_job_fails_where_its_test_does() {
    let cache = Serving::with_token();
    let world = machine();
    let recipe = read(&world.path("recipes/t.ron"));
    world.recipe(&recipe.replace("\"-q\", \"hello\"", "\"-q\", \"goodbye\""));
    let said = Said::from(job(&world, &cache).output().unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(read(&world.path("reports/app.xml")).contains("failure"));
    assert!(world.path("reports/build.html").exists());
}

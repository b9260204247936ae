//! Threads and processes that the system refuses.

use std::path::Path;
use std::time::Instant;

use crate::support::{Said, World, compiler, listing};
use crate::table::row;

#[test]
fn where_threads_are_refused_nothing_is_lost() {
    let world = World::ordinary_with_compiler();
    for limit in [4, 12] {
        limited(&world, limit);
    }
    world.well(&["store", "verify"]);
}

#[test]
#[ignore = "counts on being the only one: .ci/faults runs it"]
fn however_few_threads_there_may_be_it_is_said_and_nothing_is_lost() {
    let begin = Instant::now();
    let world = World::ordinary_with_compiler();
    // From too few for pwb itself to enough for all that is here.
    let limits = 2..24;
    let told: Vec<String> = limits.filter_map(|limit| limited(&world, limit)).collect();
    world.well(&["store", "verify"]);
    let all = told.concat();
    for refused in [
        "cannot start a thread",
        "the command in the sandbox",
        "launcher",
    ] {
        assert!(all.contains(refused), "{refused}: {all}");
    }
    assert!((5..20).contains(&told.len()), "{all}");
    row(
        "threads refused, with a user's limit of 2 to 23",
        "22 builds",
        &format!("{} said so, the others built; no result wrong", told.len()),
        begin,
    );
}

/// Builds where a user may have no more threads and processes: what is said if that fails. Without the limit it does not.
fn limited(world: &World, limit: u32) -> Option<String> {
    // Two calls at once that nobody has made yet.
    let calls =
        format!("set -e; comp {limit} & comp {limit}b; wait $!; cat {limit} {limit}b > all");
    compiler(world, "real", "echo $1 > $1", &calls);
    let mut prlimit = world.command(Path::new("prlimit"));
    prlimit
        .arg(format!("--nproc={limit}:{limit}"))
        .arg(world.path("pwb"))
        .args(["realize", "t/n"]);
    let said = Said::from(prlimit.output().unwrap());
    let all = &listing(&world.realize("t/n"))["out/all"];
    assert_eq!(*all, format!("{limit}\n{limit}b\n"));
    if said.code == Some(0) {
        return None;
    }
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("error: "), "{said:?}");
    assert!(!said.err.contains("internal error"), "{said:?}");
    Some(said.err)
}

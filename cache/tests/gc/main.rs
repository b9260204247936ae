//! The collection of garbage: what is kept is whole, what is not is gone, whatever came in between.

#![allow(missing_docs, clippy::unwrap_used)]

mod damage;
mod model;
mod verify;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pwb_cache::{Action, CallFile, CallResult, Digest, Part, Policy, Store};
use world::{World, action, key, publish, publish_over};

fn everything() -> Policy {
    Policy {
        older_than: Some(Duration::ZERO),
        ..Policy::default()
    }
}

#[test]
fn what_nothing_keeps_goes_and_a_dry_run_only_says_so() {
    let world = World::new();
    {
        let store = world.open();
        let tree = publish(&store, "a", &["one", "two"]);
        store.materialize(tree).unwrap();
        store.settle().unwrap();
    }
    world.age(24 * 15);
    let store = world.open();
    let would = store.collect(&everything(), true).unwrap();
    assert_eq!((world.files(), world.rows("results")), (2, 1));
    let did = store.collect(&everything(), false).unwrap();
    assert_eq!(would, did);
    assert_eq!((did.freed[&Part::Results].count, did.after), (1, 0));
    assert_eq!(did.freed[&Part::Objects].bytes, 600);
    assert_eq!((world.files(), world.rows("files")), (0, 0));
    for table in ["messages", "results", "trees"] {
        assert_eq!(world.rows(table), 0, "{table}");
    }
    assert_eq!(fs::read_dir(world.path("store/trees")).unwrap().count(), 0);
    assert_eq!(
        store.collect(&everything(), false).unwrap().freed,
        BTreeMap::new()
    );
}

#[test]
fn what_explains_a_run_keeps_no_files_of_it() {
    let world = World::new();
    let input = {
        let store = world.open();
        let input = publish(&store, "input", &["one"]);
        publish_over(&store, "over", input, &["two"]);
        store.materialize(input).unwrap();
        store.settle().unwrap();
        input
    };
    let store = world.open();
    store.collect(&everything(), false).unwrap();
    let explained = Action::load(&store, action("over", input).encode().0);
    assert_eq!(explained.unwrap().unwrap().input_root, input);
    assert!(store.directory(input).is_ok());
    assert_eq!((world.files(), world.rows("trees")), (0, 0));
    assert_eq!(fs::read_dir(world.path("store/trees")).unwrap().count(), 0);
}

#[test]
fn a_link_of_the_users_keeps_what_it_leads_to_for_as_long_as_it_does() {
    let world = World::new();
    let (link, folder) = {
        let store = world.open();
        let tree = publish(&store, "a", &["one"]);
        let folder = store.materialize(tree).unwrap();
        let link = world.path("out");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(store.put_root(&link, tree).unwrap());
        publish(&store, "b", &["two"]);
        store.settle().unwrap();
        (link, folder)
    };
    world.age(24 * 30);
    let store = world.open();
    store.collect(&everything(), false).unwrap();
    assert!(folder.join("one").exists());
    assert!(store.result(key("a")).unwrap().is_some());
    assert!(store.result(key("b")).unwrap().is_none());
    drop(store);
    fs::remove_file(&link).unwrap();
    let store = world.open();
    store.collect(&everything(), false).unwrap();
    assert_eq!((world.files(), world.rows("roots")), (0, 0));
    assert!(!folder.exists());
}

#[test]
fn what_a_living_process_has_looked_up_or_written_stays() {
    let world = World::new();
    {
        let store = world.open();
        publish(&store, "a", &["one"]);
        publish(&store, "c", &["three"]);
    }
    world.age(24 * 30);
    let living = world.open();
    let found = living.result(key("a")).unwrap().unwrap();
    // What is there already need not be written: it is relied upon all the same.
    let batch = living.batch();
    let deduplicated = batch
        .put_file("three".repeat(100).as_bytes(), false)
        .unwrap();
    let written = batch.put_file(b"new", false).unwrap();
    let message = (Digest::of(b"message"), b"message".to_vec());
    batch.put_messages(std::slice::from_ref(&message)).unwrap();

    let collector = world.open();
    let done = collector.collect(&everything(), false).unwrap();
    assert_eq!(done.freed[&Part::Results].count, 1, "{done:?}");
    assert!(living.result(key("a")).unwrap().is_some());
    assert!(living.is_complete(found.tree).unwrap());
    assert_eq!(living.message(message.0).unwrap(), Some(message.1));
    living.publish_files(batch.finish()).unwrap();
    for object in [deduplicated, written] {
        assert!(living.has_published(object, false).unwrap());
    }
    drop(living);
    collector.collect(&everything(), false).unwrap();
    assert_eq!((world.files(), world.rows("messages")), (0, 0));
}

#[test]
fn the_least_recently_used_goes_first_and_only_until_the_rest_fits() {
    let world = World::new();
    for (name, files) in [
        ("old", ["a1", "shared"]),
        ("middle", ["b1", "shared"]),
        ("new", ["c1", "shared"]),
    ] {
        world.age(10);
        publish(&world.open(), name, &files);
    }
    // `old` is older, and used again.
    {
        let store = world.open();
        assert!(store.result(key("old")).unwrap().is_some());
    }
    world.age(10);
    let store = world.open();
    let size = store.collect(&Policy::default(), false).unwrap().after;
    let policy = |max_size, keep| Policy {
        max_size: Some(max_size),
        keep: Duration::from_secs(keep),
        ..Policy::default()
    };
    let kept = store.collect(&policy(1, 40 * 3600), false).unwrap();
    assert!(kept.over && kept.freed.is_empty(), "{kept:?}");
    let done = store.collect(&policy(size - 1, 0), false).unwrap();
    assert_eq!(done.freed[&Part::Results].count, 1);
    assert!(!done.over && done.after < size);
    let left = |name| store.result(key(name)).unwrap().is_some();
    assert_eq!(
        [left("old"), left("middle"), left("new")],
        [true, false, true]
    );
}

#[test]
fn an_answer_that_is_still_asked_for_keeps_what_it_was_found_by() {
    let world = World::new();
    {
        let store = world.open();
        publish(&store, "step", &["one"]);
        let tree = publish(&store, "goal", &["two"]);
        publish(&store, "other", &["three"]);
        store.put_realization(Digest::of(b"request"), tree).unwrap();
        store.put_chain(tree, &[key("step"), key("goal")]).unwrap();
    }
    world.age(24 * 30);
    {
        let store = world.open();
        assert!(store.realization(Digest::of(b"request")).unwrap().is_some());
    }
    let policy = Policy {
        older_than: Some(Duration::from_secs(24 * 3600)),
        ..Policy::default()
    };
    let store = world.open();
    store.collect(&policy, false).unwrap();
    let left = |name| store.result(key(name)).unwrap().is_some();
    assert_eq!(
        [left("step"), left("goal"), left("other")],
        [true, true, false]
    );
}

/// Remembers a call that wrote a file with its name in it.
fn publish_call(store: &Store, name: &str) {
    let batch = store.batch();
    let digest = batch.put_file(name.as_bytes(), false).unwrap();
    let paths = format!("{name} paths").into_bytes();
    let list = (named(name, " paths"), paths);
    batch.put_messages(std::slice::from_ref(&list)).unwrap();
    let file = CallFile {
        path: "x.o".into(),
        digest,
        mode: 0o644,
    };
    let result = CallResult {
        files: vec![file],
        ..CallResult::default()
    };
    let (calls, kinds) = (
        [(named(name, ""), result)],
        [(named(name, " kind"), list.0)],
    );
    let publish = store.publish_calls(batch.finish(), &calls, &kinds, None);
    publish.unwrap();
}

fn named(name: &str, what: &str) -> Digest {
    Digest::of(format!("{name}{what}").as_bytes())
}

#[test]
fn calls_of_compilers_are_kept_by_their_use_too() {
    let world = World::new();
    {
        let store = world.open();
        publish_call(&store, "used");
        publish_call(&store, "unused");
    }
    world.age(50);
    {
        let store = world.open();
        let lists = store.call_paths(named("used", " kind")).unwrap();
        assert_eq!(lists, [named("used", " paths")]);
        assert!(store.call(named("used", "")).unwrap().is_some());
    }
    let store = world.open();
    let policy = Policy {
        older_than: Some(Duration::from_secs(24 * 3600)),
        ..Policy::default()
    };
    let done = store.collect(&policy, false).unwrap();
    assert_eq!(done.freed[&Part::Calls].count, 1);
    let is_there = |name: &str| {
        let call = named(name, "");
        let known = store.call(call).unwrap().is_some();
        assert_eq!(store.contents(call).unwrap().is_some(), known);
        known
    };
    assert_eq!(["used", "unused"].map(is_there), [true, false]);
    assert_eq!((world.rows("call_paths"), world.rows("messages")), (1, 1));
}

#[test]
fn calls_that_a_living_process_has_remembered_stay() {
    let world = World::new();
    let living = world.open();
    publish_call(&living, "mine");
    let collector = world.open();
    collector.collect(&everything(), false).unwrap();
    assert!(living.call(named("mine", "")).unwrap().is_some());
    assert_eq!(world.rows("call_paths"), 1);
    drop(living);
    collector.collect(&everything(), false).unwrap();
    assert_eq!((world.rows("calls"), world.rows("call_paths")), (0, 0));
}

#[test]
fn files_that_were_never_published_and_old_traces_go() {
    let world = World::new();
    let store = world.open();
    let object = world
        .path("store/cas")
        .join(format!("ab/ab{}", "0".repeat(62)));
    fs::write(&object, "torn").unwrap();
    fs::write(world.path("store/cas/ab/what is this"), "").unwrap();
    let log = store.log_path(key("gone"));
    fs::write(&log, "said").unwrap();
    fs::create_dir_all(world.path("store/failed/x")).unwrap();
    fs::write(world.path("store/failed/x/file"), "left").unwrap();
    let done = store.collect(&Policy::default(), false).unwrap();
    assert_eq!(done.freed[&Part::Leftovers].bytes, 4);
    assert!(
        !object.exists() && log.exists(),
        "a log is read for some days"
    );
    let done = store.collect(&everything(), false).unwrap();
    assert_eq!(
        (
            done.freed[&Part::Logs].bytes,
            done.freed[&Part::Failed].bytes
        ),
        (4, 4)
    );
    assert!(!log.exists() && !world.path("store/failed/x").exists());
}

#[test]
fn who_publishes_beside_a_collector_loses_nothing() {
    let world = World::new();
    let end = AtomicBool::new(false);
    thread::scope(|scope| {
        let collecting = scope.spawn(|| {
            let mut rounds = 0;
            while !end.load(Ordering::Relaxed) {
                world.open().collect(&everything(), false).unwrap();
                rounds += 1;
            }
            rounds
        });
        let publishing: Vec<_> = (0..2)
            .map(|thread| {
                let world = &world;
                scope.spawn(move || {
                    for round in 0..12 {
                        let store = world.open();
                        let name = format!("{thread}-{round}");
                        // The files are the same each time: they are there already, or about to go.
                        let tree = publish(&store, &name, &["x", "y", "z"]);
                        let folder = store.materialize(tree).unwrap();
                        thread::sleep(Duration::from_millis(5));
                        assert!(store.is_complete(tree).unwrap());
                        assert!(is_whole(&folder), "{name}");
                        assert!(store.result(key(&name)).unwrap().is_some(), "{name}");
                    }
                })
            })
            .collect();
        let published: Vec<_> = publishing.into_iter().map(|one| one.join()).collect();
        end.store(true, Ordering::Relaxed);
        assert!(published.iter().all(Result::is_ok));
        assert!(collecting.join().unwrap() > 3);
    });
    world.open().collect(&everything(), false).unwrap();
    assert_eq!(world.files(), 0);
}

fn is_whole(folder: &Path) -> bool {
    ["x", "y", "z"].iter().all(|name| {
        fs::read_to_string(folder.join(name)).is_ok_and(|text| text == name.repeat(100))
    })
}

//! The database: locked for long, or damaged in any place.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rusqlite::Connection;

use crate::seed::seeded;
use crate::support::{World, listing, node};
use crate::table::row;

const PAGE: u64 = 4096;

fn nodes() -> Vec<String> {
    let text = "x".repeat(300);
    vec![
        node(
            "a",
            &[],
            &format!(
                "for name in 1 2 3 4 5 6 7 8 9; do mkdir /out/$name; echo $name {text} > /out/$name/{text:.100}; done"
            ),
        ),
        node(
            "b",
            &[("/in", "a:/out")],
            "cat /in/*/* > /out/all; cp -r /in /out/in",
        ),
    ]
}

/// Keeps all others from writing to the index while `during` runs.
fn locked<T>(world: &World, during: impl FnOnce() -> T) -> T {
    let db = Connection::open(world.path("store/index.sqlite")).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let outcome = during();
    db.execute_batch("ROLLBACK").unwrap();
    outcome
}

#[test]
fn an_index_that_others_write_to_is_waited_for() {
    let world = World::new(&nodes());
    let build = locked(&world, || {
        let mut build = world.start(&["realize", "t/b"]);
        thread::sleep(Duration::from_secs(3));
        assert!(build.is_alive());
        build
    });
    let said = build.end();
    assert_eq!(
        (said.code, said.ran()),
        (Some(0), vec!["t/a", "t/b"]),
        "{said:?}"
    );
}

#[test]
#[ignore = "waits for more than a minute: .ci/faults runs it"]
fn an_index_that_is_never_free_is_named() {
    let world = World::new(&nodes());
    let before = world.realize("t/a");
    let begin = Instant::now();
    let error = locked(&world, || world.fails(&["realize", "t/b"]));
    insta::assert_snapshot!(world.tidy(&error), @"
    5 nodes, 4 in the store
    failed t/b
    error: t/b: the index [WORLD]/store/index.sqlite cannot take messages: database is locked
      hint: another process holds it for long: run the command again
    ");
    assert!(
        begin.elapsed() < Duration::from_secs(200),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(world.well(&["realize", "t/b"]).ran(), ["t/b"]);
    assert_eq!(world.realize("t/a"), before);
    row(
        "index locked by another process, for ever",
        "once",
        "waited for a minute, then an error that says so; nothing lost",
        begin,
    );
}

#[test]
fn an_index_that_is_damaged_anywhere_is_told_or_mended() {
    let (mut random, _) = seeded();
    damage(&mut random, 6);
}

#[test]
fn rows_of_another_table_are_a_damage_like_any_other() {
    let world = World::new(&nodes());
    let b = world.realize("t/b");
    let db = Connection::open(world.path("store/index.sqlite")).unwrap();
    // SQLite does not mind what is in a column, and a page of another table may come to lie here.
    db.execute("INSERT INTO action_results (action, result, used_at) SELECT digest, data, 'now' FROM messages", []).unwrap();
    drop(db);
    let error = world.fails(&["gc", "--older-than", "0s"]);
    assert!(error.contains("hint: `pwb store repair`"), "{error}");
    world.well(&["store", "repair"]);
    world.well(&["gc", "--older-than", "0s", "--dry-run"]);
    world.well(&["store", "verify"]);
    assert_eq!(world.well(&["realize", "t/b"]).results(), [b]);
}

#[test]
fn a_directory_that_says_something_else_is_made_again() {
    let world = World::new(&nodes());
    let b = world.realize("t/b");
    let good = listing(&b);
    // One bit, in the name `all`.
    let db = Connection::open(world.path("store/index.sqlite")).unwrap();
    let changed = change_messages(&db, |data| {
        let at = data.windows(5).position(|bytes| bytes == b"\x0a\x03all")?;
        data[at + 4] ^= 1;
        Some(())
    });
    assert_eq!(changed, 1);
    drop(db);
    fs::remove_dir_all(world.path("store/trees")).unwrap();
    assert_eq!(world.realize("t/b"), b);
    assert_eq!(listing(&b), good);
}

#[test]
#[ignore = "takes minutes: .ci/faults runs it"]
fn damages_of_every_page() {
    let (mut random, seed) = seeded();
    let begin = Instant::now();
    let told = damage(&mut random, 250);
    row(
        &format!("index damaged: pages, bits, cut off; seed {seed}"),
        &format!("250 times, {told} runs said so"),
        "no wrong result; `pwb store repair` mended each",
        begin,
    );
}

/// Returns how many messages `change` has changed.
fn change_messages(db: &Connection, mut change: impl FnMut(&mut Vec<u8>) -> Option<()>) -> usize {
    let mut query = db.prepare("SELECT digest, data FROM messages").unwrap();
    let rows = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let rows: Vec<(Vec<u8>, Vec<u8>)> = rows.map(Result::unwrap).collect();
    let changed = rows
        .into_iter()
        .filter_map(|(digest, mut data)| change(&mut data).map(|()| (digest, data)));
    let update = "UPDATE messages SET data = ?2 WHERE digest = ?1";
    changed.map(|row| db.execute(update, row).unwrap()).sum()
}

/// Damages an index so often; returns how often that was told rather than of no consequence.
fn damage(random: &mut Rng, times: u32) -> u32 {
    let world = World::new(&nodes());
    let (a, b) = (world.realize("t/a"), world.realize("t/b"));
    let good = (listing(&a), listing(&b));
    let store = world.path("store");
    let kept = world.path("kept");
    copy(&store, &kept);
    let mut told = 0;
    for number in 0..times {
        fs::remove_dir_all(&store).unwrap();
        copy(&kept, &store);
        // What is known by heart would hide what cannot be read.
        if random.bool() {
            let _ = fs::remove_dir_all(store.join("trees"));
        }
        let how = harm(&store.join("index.sqlite"), random);
        for name in ["t/b", "t/a"] {
            let said = world.say(&["realize", name]);
            match said.code {
                Some(0) => {
                    let (path, expected) = if name == "t/b" {
                        (&b, &good.1)
                    } else {
                        (&a, &good.0)
                    };
                    assert_eq!(&said.result(), path, "{number}, {how}");
                    assert_eq!(&listing(path), expected, "{number}, {how}");
                }
                Some(1) => {
                    assert!(
                        said.err.contains("hint: `pwb store repair`"),
                        "{how}: {said:?}"
                    );
                    told += 1;
                }
                _ => panic!("{how}: {said:?}"),
            }
        }
        let said = world.say(&["store", "repair"]);
        assert_eq!(said.code, Some(0), "{number}, {how}: {said:?}");
        let said = world.say(&["store", "verify"]);
        assert_eq!(said.code, Some(0), "{number}, {how}: {said:?}");
        for (name, path, expected) in [("t/b", &b, &good.1), ("t/a", &a, &good.0)] {
            let said = world.say(&["realize", name]);
            assert_eq!(
                (said.code, said.results()),
                (Some(0), vec![path.clone()]),
                "{number}, {how}: {said:?}"
            );
            assert_eq!(&listing(path), expected, "{number}, {how}");
        }
    }
    told
}

/// Damages the index in one of the ways in which disks and people do; says how.
fn harm(index: &Path, random: &mut Rng) -> String {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(index)
        .unwrap();
    let size = file.metadata().unwrap().len();
    let pages = size / PAGE;
    let page = random.u64(..pages);
    let at = page * PAGE;
    match random.u8(..6) {
        0 => {
            file.write_all_at(&[0; PAGE as usize], at).unwrap();
            format!("page {page} of {pages} zeroed")
        }
        1 => {
            let mut bytes = [0; PAGE as usize];
            random.fill(&mut bytes);
            file.write_all_at(&bytes, at).unwrap();
            format!("page {page} of {pages} random")
        }
        2 => {
            let other = random.u64(..pages);
            let mut bytes = [0; PAGE as usize];
            file.read_exact_at(&mut bytes, other * PAGE).unwrap();
            file.write_all_at(&bytes, at).unwrap();
            format!("page {page} of {pages} as page {other}")
        }
        3 | 4 => {
            let (byte, bit) = (random.u64(..size), random.u8(..8));
            let mut bytes = [0];
            file.read_exact_at(&mut bytes, byte).unwrap();
            file.write_all_at(&[bytes[0] ^ 1 << bit], byte).unwrap();
            format!(
                "bit {bit} of byte {} of page {} of {pages}",
                byte % PAGE,
                byte / PAGE
            )
        }
        _ => {
            let length = random.u64(..size);
            file.set_len(length).unwrap();
            format!("cut off at {length} of {size}")
        }
    }
}

/// Copies a store that nobody uses.
fn copy(from: &Path, to: &Path) {
    crate::host::run("cp", &["-a", from.to_str().unwrap(), to.to_str().unwrap()]);
}

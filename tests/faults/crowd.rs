//! Many processes on one store, and collectors of garbage beside them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::host::settled;
use crate::seed::seeded;
use crate::support::{Said, World, listing, node};
use crate::table::row;

const PROCESSES: usize = 8;
/// How many nodes there are; each needs two of those before it.
const NODES: usize = 24;

#[test]
fn eight_processes_and_a_collector_share_a_store() {
    let (mut random, _) = seeded();
    crowd(&mut random, Duration::from_secs(10));
}

#[test]
#[ignore = "takes ten minutes: .ci/faults runs it"]
fn eight_processes_and_a_collector_for_ten_minutes() {
    let (mut random, seed) = seeded();
    let begin = Instant::now();
    let (builds, collections) = crowd(&mut random, Duration::from_secs(600));
    row(
        &format!("{PROCESSES} processes on one store, and a collector; seed {seed}"),
        &format!("{builds} builds of overlapping graphs, {collections} collections"),
        "all succeeded, with the same bytes; verified",
        begin,
    );
}

/// A graph of which each build wants a part; what a node gives is told by its number alone.
fn nodes() -> Vec<String> {
    let made = |number: usize| {
        let name = |other: usize| format!("n{other}");
        let own = format!(
            "echo {number} > /out/own; dd if=/dev/zero bs=1k count={number} 2>/dev/null > /out/zeros"
        );
        match number {
            0 | 1 => node(&name(number), &[], &own),
            _ => {
                let (one, two) = (name(number / 2), name(number - 1));
                let script =
                    format!("{own}; cat /one/own /two/own > /out/both; cp /two/zeros /out/again");
                let inputs = [
                    ("/one", format!("{one}:/out")),
                    ("/two", format!("{two}:/out")),
                ];
                let inputs: Vec<_> = inputs
                    .iter()
                    .map(|(mount, path)| (*mount, path.as_str()))
                    .collect();
                node(&name(number), &inputs, &script)
            }
        }
    };
    (0..NODES).map(made).collect()
}

/// Has them build and collect for so long; returns how many builds and collections there were.
fn crowd(random: &mut Rng, time: Duration) -> (usize, usize) {
    let world = World::new(&nodes());
    let seen = Mutex::new(BTreeMap::new());
    let end = Instant::now() + time;
    let (builds, collections) = thread::scope(|scope| {
        let builders: Vec<_> = (0..PROCESSES)
            .map(|_| {
                let (mut random, world, seen) = (random.fork(), &world, &seen);
                scope.spawn(move || {
                    let mut count = 0;
                    while Instant::now() < end {
                        let name = format!("t/n{}", random.usize(..NODES));
                        let other = format!("t/n{}", random.usize(..NODES));
                        let said = world.say(&["realize", &name, &other]);
                        agrees(&said, &[name, other], seen);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut collections = 0;
        while Instant::now() < end {
            // All that nobody holds just now, or the half of it.
            let policy = match random.bool() {
                true => ["--older-than", "0s"],
                false => ["--max-size", "100K"],
            };
            let said = world.say(&["gc", policy[0], policy[1], "--keep", "0s"]);
            assert_eq!(said.code, Some(0), "{said:?}");
            collections += 1;
            thread::sleep(Duration::from_millis(random.u64(..2000)));
        }
        let counts = builders.into_iter().map(|builder| builder.join().unwrap());
        (counts.sum(), collections)
    });
    let said = world.well(&["store", "verify"]);
    assert!(said.out.ends_with("all as they should be\n"), "{said:?}");
    // Whatever is asked for now is there, or is made.
    let last = world.realize(&format!("t/n{}", NODES - 1));
    assert_eq!(
        listing(&last)["out/both"],
        format!("{}\n{}\n", (NODES - 1) / 2, NODES - 2)
    );
    settled(&world.path("store"));
    (builds, collections)
}

/// A node is the same for everybody, every time.
#[track_caller]
fn agrees(said: &Said, names: &[String], seen: &Mutex<BTreeMap<String, String>>) {
    assert_eq!(said.code, Some(0), "{said:?}");
    for (name, path) in names.iter().zip(said.results()) {
        let digest = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut seen = seen.lock().unwrap();
        let known = seen.entry(name.clone()).or_insert_with(|| digest.clone());
        assert_eq!(*known, digest, "{name}");
    }
}

//! Clocks that jump by years, back and forth: files of the future and of the distant past, and a pwb that is told the wrong time.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;

use crate::project::Project;
use crate::seed::seeded;
use crate::support::{World, node, read};
use crate::table::row;

const YEAR: u64 = 365 * 24 * 3600;
/// Of the package libfaketime.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[test]
fn a_source_is_read_again_whatever_its_time_says() {
    let world = World::new(&[
        r#""src": Source(path: "src"),"#.to_owned(),
        node("copy", &[("/src", "src")], "cat /src/file > /out/file"),
    ]);
    let now = SystemTime::now();
    let years = |count: u64| Duration::from_secs(count * YEAR);
    let times = [
        now + years(60),
        SystemTime::UNIX_EPOCH,
        now - years(10),
        now + years(10),
        now,
    ];
    for (number, time) in times.into_iter().enumerate() {
        for turn in 0..2 {
            // The same length and the same time, other bytes.
            let text = format!("{number} {turn}\n");
            let folder = world.folder("src", &[("file", &text)]);
            let file = File::options()
                .write(true)
                .open(folder.join("file"))
                .unwrap();
            file.set_modified(time).unwrap();
            assert_eq!(read(&world.realize("t/copy").join("out/file")), text);
            // And what nobody has touched is not made again.
            assert!(world.well(&["realize", "t/copy"]).ran().is_empty());
        }
    }
}

#[test]
#[ignore = "wants the package libfaketime: .ci/faults runs it"]
fn a_clock_that_jumps_changes_no_result() {
    let (mut random, seed) = seeded();
    assert!(
        Path::new(LIBRARY).exists(),
        "the package libfaketime is missing"
    );
    let mut project = Project::new();
    let time = project.world.path("time");
    let (begin, rounds) = (Instant::now(), 30);
    for version in 1..=rounds {
        project.turn_to(version);
        jump(&time, &mut random);
        let mut pwb = project.command();
        pwb.env("LD_PRELOAD", LIBRARY)
            .env("FAKETIME_TIMESTAMP_FILE", &time)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        let mut pwb = pwb
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while pwb.try_wait().unwrap().is_none() {
            jump(&time, &mut random);
            thread::sleep(Duration::from_millis(50));
        }
        assert!(pwb.wait().unwrap().success());
        project.learn();
        project.tick(version);
        project.is_whole();
        // A collection that is told any time, of what was used at any time.
        let mut gc = project
            .world
            .pwb(&["gc", "--older-than", "3650d", "--dry-run"]);
        gc.env("LD_PRELOAD", LIBRARY)
            .env("FAKETIME_TIMESTAMP_FILE", &time);
        let said = gc.output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }
    row(
        &format!("clock jumping by up to 30 years, 20 times a second, seed {seed}"),
        &format!("{rounds} builds"),
        "same results, nothing lost",
        begin,
    );
}

/// Sets the clock that pwb sees.
fn jump(file: &Path, random: &mut Rng) {
    let offset = random.i64(-30 * 365..=30 * 365);
    let temporary = file.with_extension("new");
    fs::write(&temporary, format!("{offset:+}d\n")).unwrap();
    fs::rename(temporary, file).unwrap();
}

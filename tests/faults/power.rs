//! Loss of power: all that reaches the disk under the store is recorded, and the disk put back to what it was at any moment of
//! it, less some of what it had not been told to keep.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use fastrand::Rng;
use rusqlite::Connection;

use crate::disk::{Disk, Write, replay, replay_some};
use crate::host::{Mount, is_root, run};
use crate::project::{BUILD, Project, Told};
use crate::seed::seeded;
use crate::support::World;
use crate::table::row;

/// What was told while the disk was written to: from that place of the log to this one it holds.
struct Claim {
    from: usize,
    until: usize,
    told: Told,
}

/// All that a store's life has written, and told.
struct Record {
    log: Vec<Write>,
    claims: Vec<Claim>,
}

#[test]
fn a_loss_of_power_loses_nothing_that_was_told() {
    if !is_root("/dev/fuse and loop devices") {
        return;
    }
    let (mut random, _) = seeded();
    campaign(&mut random, Some(4), 4);
}

#[test]
fn a_folder_of_an_earlier_boot_that_was_not_synced_is_made_again() {
    let mut project = Project::on_busybox(World::new(&[]));
    project.is_whole();
    let store = project.world.path("store");
    let app = project.run().results().remove(0);
    let db = Connection::open(store.join("index.sqlite")).unwrap();
    db.execute("UPDATE trees SET boot = 'earlier'", []).unwrap();
    // What a loss of power leaves of a file that was not synced.
    let torn = app.join("app/app");
    fs::remove_file(&torn).unwrap();
    fs::write(&torn, "").unwrap();
    project.tick(1);
    project.world.well(&["store", "verify"]);
    project.is_whole();
    assert_ne!(fs::metadata(&torn).unwrap().len(), 0);
}

#[test]
#[ignore = "takes long, and wants root and /dev/fuse: .ci/faults runs it"]
fn power_lost_at_every_flush_and_between() {
    let (mut random, seed) = seeded();
    let begin = Instant::now();
    let (writes, flushes, between, claims) = campaign(&mut random, None, 300);
    row(
        &format!("loss of power, ext4, seed {seed}"),
        &format!(
            "{writes} writes recorded: after each of {flushes} flushes, and at {between} moments between, less half of the blocks not flushed"
        ),
        &format!("{claims} results told before: none lost, none wrong"),
        begin,
    );
}

/// Returns how many writes there were, how many flushes and moments between were looked at, and how many claims.
fn campaign(
    random: &mut Rng,
    flushes: Option<usize>,
    between: usize,
) -> (usize, usize, usize, usize) {
    let mut project = Project::on_busybox(World::empty(&[]));
    let store = project.world.path("store");
    fs::create_dir_all(&store).unwrap();
    let blank = project.world.path("blank");
    File::create(&blank).unwrap().set_len(96 << 20).unwrap();
    run("mkfs.ext4", &["-q", blank.to_str().unwrap()]);
    let record = live(&mut project, &blank);
    let writes = record.log.len();

    let is_flush = |place: &usize| matches!(record.log[*place], Write::Flush);
    let mut points: Vec<(usize, bool)> = (0..writes)
        .filter(is_flush)
        .map(|place| (place, false))
        .collect();
    if let Some(few) = flushes {
        random.shuffle(&mut points);
        points.truncate(few);
    }
    let flushes = points.len();
    points.extend((0..between).map(|_| (random.usize(..=writes), true)));
    points.sort_unstable();

    let mut claims = 0;
    let stable = File::options().write(true).open(&blank).unwrap();
    let mut written = 0;
    for (number, (place, torn)) in points.into_iter().enumerate() {
        // Another file each time: who has copied the machine's mounts meanwhile, as other sandboxes do, may still write to the last.
        let image = project.world.path(&format!("image{number}"));
        let flushed = (0..place).rev().find(is_flush).unwrap_or(0).max(written);
        let safe = if torn { flushed } else { place };
        replay(&stable, &record.log[written..safe]);
        written = safe;
        run(
            "cp",
            &[
                "--sparse=always",
                blank.to_str().unwrap(),
                image.to_str().unwrap(),
            ],
        );
        if torn {
            let image = File::options().write(true).open(&image).unwrap();
            replay_some(&image, &record.log[safe..place], random);
        }
        let holds = |claim: &&Claim| claim.from <= place && place < claim.until;
        let told: Vec<&Claim> = record.claims.iter().filter(holds).collect();
        claims += told.len();
        let disk = Mount::image(&image, &store);
        boots(&store);
        goes_on(
            &mut project,
            told.into_iter().map(|claim| claim.told.clone()),
        );
        drop(disk);
        fs::remove_file(&image).unwrap();
    }
    (writes, flushes, between, claims)
}

/// Lets a store live on a disk that is recorded: from nothing, with an edit, a collection of garbage, and another edit.
fn live(project: &mut Project, blank: &Path) -> Record {
    let folder = project.world.path("disk");
    fs::create_dir(&folder).unwrap();
    let disk = Disk::new(blank);
    let _session = disk.attach(&folder);
    let mount = Mount::image(&folder.join("disk"), &project.world.path("store"));
    let mut claims = Vec::new();
    for version in 1..=4 {
        project.turn_to(version);
        build(project, &disk, &mut claims);
        if version == 2 {
            let now = disk.place();
            claims.iter_mut().for_each(|claim| claim.until = now);
            project.world.well(&["gc", "--older-than", "0s"]);
        }
    }
    drop(mount);
    Record {
        log: disk.log(),
        claims,
    }
}

/// Builds; what is told holds from the moment that it is heard.
fn build(project: &Project, disk: &Disk, claims: &mut Vec<Claim>) {
    let arguments = BUILD.map(|word| if word == "events" { "-" } else { word });
    let mut pwb = project.world.pwb(&arguments);
    let mut pwb = pwb
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut steps = Vec::new();
    for line in BufReader::new(pwb.stdout.take().unwrap()).lines() {
        let told = project.hear(&line.unwrap(), &mut steps);
        let from = disk.place();
        claims.extend(told.into_iter().map(|told| Claim {
            from,
            until: usize::MAX,
            told,
        }));
    }
    assert!(pwb.wait().unwrap().success());
}

/// What the machine has forgotten by going down: folders that were made and not synced are of an earlier boot.
fn boots(store: &Path) {
    let index = store.join("index.sqlite");
    if !index.exists() {
        return;
    }
    let db = Connection::open(index).unwrap();
    // There is no such table before the first build.
    let _ = db.execute(
        "UPDATE trees SET boot = 'earlier' WHERE boot IS NOT NULL",
        [],
    );
}

/// All that was told is there and whole, and the store is of use.
#[track_caller]
fn goes_on(project: &mut Project, told: impl Iterator<Item = Told>) {
    let verdict = project.world.say(&["store", "verify"]);
    assert_eq!(verdict.code, Some(0), "{verdict:?}");
    project.forget();
    let mut versions = vec![1];
    for told in told {
        versions.push(told.version);
        project.remember(told);
    }
    versions.sort_unstable();
    versions.dedup();
    for version in versions {
        project.turn_to(version);
        // Something to do, so that it sweeps.
        project.tick(version);
        project.is_whole();
    }
}

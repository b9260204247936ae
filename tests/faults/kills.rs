//! `kill -9` at any instant: of pwb, of the nursery, of a sandbox's first process, of what runs inside.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::family::{VICTIMS, Victim, candidates, family, kill_now, survivors};
use crate::project::Project;
use crate::seed::seeded;
use crate::support::{Running, Said, World, eventually, mounts_below, nap, node, processes};
use crate::table::{detail, row};

/// Longer than any of these builds takes, even on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was seen in a campaign.
#[derive(Default)]
struct Tally {
    kills: BTreeMap<Victim, u32>,
    /// How pwb ended, told by its code and the words it said.
    ends: BTreeMap<String, u32>,
}

#[test]
fn a_death_at_any_instant_loses_nothing_and_leaves_nothing() {
    let (mut random, _) = seeded();
    let tally = campaign(&mut random, 4);
    assert_eq!(tally.kills.values().sum::<u32>(), 4);
}

#[test]
fn without_the_nursery_a_command_ends_at_once_and_that_is_told() {
    for victim in [Victim::Nursery, Victim::Init] {
        let nap = nap(9_876_500);
        let world = World::new(&[node("slow", &[], &format!("sleep {nap}"))]);
        let build = world.start(&["realize", "t/slow"]);
        let asleep = |process: &String| process.contains(" sleep ");
        eventually("it sleeps", || processes(&nap).iter().any(asleep));
        let family = family(build.id());
        assert!(candidates(victim, build.id()).into_iter().all(kill_now));
        let error = world.tidy(&ends(build).err);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error.lines().skip(2).collect::<Vec<_>>().join("\n"), @"
            failed t/slow
            error: t/slow: the sandbox was killed from outside
              hint: the kernel's out-of-memory killer leaves a line in `dmesg`
            ");
        }
        eventually("all its processes are gone", || {
            survivors(&family, &world.path("")).is_empty()
        });
    }
}

#[test]
#[ignore = "takes half an hour: .ci/faults runs it"]
fn three_hundred_deaths() {
    let (mut random, seed) = seeded();
    let begin = Instant::now();
    let tally = campaign(&mut random, 300);
    let kills: Vec<String> = tally
        .kills
        .iter()
        .map(|(victim, count)| format!("{count} {victim:?}"))
        .collect();
    row(
        &format!("`kill -9`, seed {seed}"),
        &format!(
            "{}: {}",
            tally.kills.values().sum::<u32>(),
            kills.join(", ")
        ),
        "each next run finished; nothing lost, nothing left",
        begin,
    );
    detail(&tally.ends);
}

fn campaign(random: &mut Rng, kills: u32) -> Tally {
    let mut tally = Tally::default();
    let mut project = Project::new();
    let begin = Instant::now();
    finish(&mut project);
    let usual = begin.elapsed();
    let mut version = 1;
    for number in 0..kills {
        version += 1;
        project.turn_to(version);
        if number % 10 == 9 {
            // Downloads, archives and roots too.
            fs::remove_dir_all(project.world.path("store")).unwrap();
            project.forget();
        }
        let victim = VICTIMS[usize::try_from(number).unwrap() % VICTIMS.len()];
        let said = strike(&mut project, random, victim, usual);
        *tally.kills.entry(victim).or_default() += 1;
        *tally.ends.entry(how(victim, &said)).or_default() += 1;
        project.learn();
        project.tick(number + 1);
        finish(&mut project);
        if random.u8(..4) == 0 {
            // What earlier versions had is still there.
            project.turn_to(random.u32(1..=version));
            finish(&mut project);
        }
    }
    tally
}

/// Starts builds until a victim of this kind was there to be killed, at a random time of the build; waits for pwb's end and that of
/// all it had.
fn strike(project: &mut Project, random: &mut Rng, victim: Victim, usual: Duration) -> Said {
    loop {
        let build = project.start();
        thread::sleep(usual.mul_f64(random.f64()));
        let Some((build, family)) = kill_one(build, random, victim) else {
            // It had ended by then.
            project.learn();
            project.turn_to(project.version() + 1_000_000);
            continue;
        };
        let said = ends(build);
        let folder = project.world.path("");
        eventually("all its processes are gone", || {
            survivors(&family, &folder).is_empty()
        });
        assert_eq!(mounts_below(&folder), Vec::<String>::new());
        return said;
    }
}

fn kill_one(
    mut build: Running,
    random: &mut Rng,
    victim: Victim,
) -> Option<(Running, std::collections::BTreeSet<i32>)> {
    while build.is_alive() {
        let all = candidates(victim, build.id());
        if let Some(id) = random.choice(&all) {
            let family = family(build.id());
            if kill_now(*id) {
                return Some((build, family));
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    None
}

/// What pwb says until its end, which must come.
#[track_caller]
fn ends(mut build: Running) -> Said {
    let begin = Instant::now();
    while build.is_alive() {
        assert!(begin.elapsed() < PATIENCE, "pwb hangs");
        thread::sleep(Duration::from_millis(5));
    }
    build.end()
}

/// How a pwb ended whose victim was killed; otherwise than it may is a failure of the test.
#[track_caller]
fn how(victim: Victim, said: &Said) -> String {
    let clear = [
        "the sandbox was killed from outside",
        "the command ended with exit code 137",
        "the command was killed by signal 9",
    ];
    match said.code {
        None => {
            assert_eq!(victim, Victim::Pwb, "{said:?}");
            "killed".to_owned()
        }
        Some(0) => "finished all the same".to_owned(),
        Some(1) => {
            let found = clear.iter().find(|words| said.err.contains(**words));
            (*found.unwrap_or_else(|| panic!("{victim:?}: no clear error: {said:?}"))).to_owned()
        }
        other => panic!("{victim:?}: {other:?}: {said:?}"),
    }
}

/// Builds to the end, which must come.
#[track_caller]
fn finish(project: &mut Project) {
    project.is_whole_after(|project| ends(project.start()));
}

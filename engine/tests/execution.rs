//! Random graphs realized, beside a model that says what has to run, what cannot, and what the results hold.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;
use pwb_engine::fetch::Places;
use pwb_engine::recipe::Library;
use pwb_engine::{Error, Event, Graph, Happening, Request, Settings, Store, realize};

/// Step by number: what it needs, all of lower numbers, and whether it fails.
#[derive(Clone, Debug)]
struct Plan {
    needs: Vec<BTreeSet<usize>>,
    fails: BTreeSet<usize>,
}

impl Plan {
    /// A step and all that it needs, and what that needs.
    fn closure(&self, step: usize) -> BTreeSet<usize> {
        let below = self.needs[step].iter().flat_map(|need| self.closure(*need));
        below.chain([step]).collect()
    }

    /// Steps that would run, were everything before them good.
    fn runs(&self, step: usize) -> bool {
        let mut before = self.closure(step);
        before.remove(&step);
        before.is_disjoint(&self.fails)
    }

    /// A root a step: its own file over all that it needs. One that fails has two layers that claim a path.
    fn recipe(&self) -> String {
        let mut text = String::from("Recipe(nodes: {\n");
        for side in ["left", "right"] {
            let files = format!("files: {{\"/clash\": Text(\"{side}\")}}");
            writeln!(text, "\"{side}\": Root({files}),").unwrap();
        }
        for (step, needs) in self.needs.iter().enumerate() {
            let mut layers: Vec<String> = needs.iter().map(|need| format!("\"n{need}\"")).collect();
            if self.fails.contains(&step) {
                layers.extend(["\"left\"", "\"right\""].map(str::to_owned));
            }
            let (layers, files) = (layers.join(", "), format!("\"/n{step}\": Text(\"{step}\")"));
            writeln!(
                text,
                "\"n{step}\": Root(layers: [{layers}], files: {{{files}}}),"
            )
            .unwrap();
        }
        text + "})\n"
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    (1_usize..16).prop_flat_map(|count| {
        let needs = prop::collection::vec(prop::collection::btree_set(0..count, 0..4), count);
        let fails = prop::collection::btree_set(0..count, 0..3);
        (needs, fails).prop_map(|(mut needs, fails)| {
            for (step, needs) in needs.iter_mut().enumerate() {
                needs.retain(|need| *need < step);
            }
            Plan { needs, fails }
        })
    })
}

/// What happened to steps, by their numbers.
#[derive(Debug, Default)]
struct Seen {
    started: Vec<usize>,
    built: BTreeSet<usize>,
    failed: BTreeSet<usize>,
}

/// What came of it: files of the goals by goal, or the names of what failed.
type Outcome = Result<BTreeMap<usize, BTreeSet<String>>, BTreeSet<String>>;

fn run(
    store: &Store,
    plan: &Plan,
    goals: &BTreeSet<usize>,
    jobs: usize,
    keep_going: bool,
) -> (Outcome, Seen) {
    let library = Library::load([("g.ron".to_owned(), plan.recipe().into_bytes())]).unwrap();
    let request = |goal: &usize| {
        let wanted = format!("g/n{goal}");
        let wanted = library.wanted(&wanted).unwrap();
        Request {
            reference: wanted.reference(),
            values: library.values(wanted, &[]).unwrap(),
        }
    };
    let requests: Vec<Request> = goals.iter().map(request).collect();
    let graph = Graph::build(&library, &requests, &BTreeMap::new()).unwrap();
    let seen = Mutex::new(Seen::default());
    let observe = |event: Event| {
        let Event::Step(step, what) = event else {
            return;
        };
        let name = graph.steps[step].name.strip_prefix("g/n").map(str::parse);
        let Some(Ok(number)) = name else { return };
        let mut seen = seen.lock().unwrap();
        match what {
            Happening::Started { .. } => seen.started.push(number),
            Happening::Built { .. } => drop(seen.built.insert(number)),
            Happening::Failed { .. } => drop(seen.failed.insert(number)),
            Happening::Cached { .. } => panic!("n{number} was there and the plan did not know"),
            _ => {}
        }
    };
    let settings = Settings {
        jobs,
        offline: true,
        keep_going,
        keep_failed: false,
        compile_cache: false,
        places: Places::default(),
    };
    let outcome = match realize(store, &graph, None, &settings, &observe) {
        Ok(results) => Ok(goals
            .iter()
            .copied()
            .zip(results.iter().map(|it| names(&it.path)))
            .collect()),
        Err(Error::Failed(failures)) => Err(failures.into_iter().map(|it| it.node).collect()),
        Err(other) => panic!("{other}"),
    };
    (outcome, seen.into_inner().unwrap())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Few cases a day, and as many as PROPTEST_CASES says.
fn cases(few: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig {
            cases: few,
            ..config
        },
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn what_has_to_run_runs_once_and_what_cannot_does_not(
        plan in plans(),
        goals in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        before in any::<prop::sample::Index>(),
        jobs in 1_usize..5,
        keep_going: bool,
    ) {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let count = plan.needs.len();
        // One goal was asked for before; what was good of it is there.
        let first = before.index(count);
        let _ = run(&store, &plan, &BTreeSet::from([first]), jobs, true);
        let there: BTreeSet<usize> = plan.closure(first).into_iter().filter(|it| plan.runs(*it) && !plan.fails.contains(it)).collect();

        let goals: BTreeSet<usize> = goals.into_iter().map(|goal| goal.index(count)).collect();
        let needed: BTreeSet<usize> = goals.iter().flat_map(|goal| plan.closure(*goal)).collect();
        // What is below a result that is there is not looked at, and is there too.
        let runs: BTreeSet<usize> = needed.iter().copied().filter(|it| plan.runs(*it) && !there.contains(it)).collect();
        let fails: BTreeSet<usize> = runs.intersection(&plan.fails).copied().collect();
        let good: BTreeSet<usize> = runs.difference(&plan.fails).copied().collect();

        let (outcome, seen) = run(&store, &plan, &goals, jobs, keep_going);
        let started: BTreeSet<usize> = seen.started.iter().copied().collect();
        prop_assert_eq!(started.len(), seen.started.len(), "twice: {:?}", &seen.started);
        for (at, step) in seen.started.iter().enumerate() {
            for need in &plan.needs[*step] {
                let ready = there.contains(need) || seen.started[..at].contains(need);
                prop_assert!(ready, "n{} before n{}", step, need);
            }
        }
        match outcome {
            Ok(results) => {
                prop_assert!(fails.is_empty());
                prop_assert_eq!(&seen.built, &runs);
                for (goal, files) in results {
                    let expected = plan.closure(goal).into_iter().map(|step| format!("n{step}"));
                    prop_assert_eq!(files, expected.collect::<BTreeSet<_>>());
                }
            }
            Err(failed) if keep_going => {
                let expected = fails.iter().map(|step| format!("g/n{step}"));
                prop_assert_eq!(failed, expected.collect::<BTreeSet<_>>());
                prop_assert_eq!((&seen.failed, &seen.built, &started), (&fails, &good, &runs));
            }
            Err(failed) => {
                prop_assert!(!failed.is_empty() && seen.failed.is_subset(&fails), "{:?}", seen);
                prop_assert!(seen.built.is_subset(&good) && started.is_subset(&runs), "{:?}", seen);
            }
        }
        // What was good is there now, and whole.
        let (_, again) = run(&store, &plan, &goals, jobs, true);
        prop_assert!(again.built.is_disjoint(&seen.built), "{:?} again", again);
        prop_assert_eq!(again.failed, fails);
        prop_assert!(store.verify().unwrap().faults.is_empty());
    }
}

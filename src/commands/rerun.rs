//! `pwb realize --check`: commands run again over results that are there, and what comes out is compared with those.

use std::process::ExitCode;

use pwb_cache::Again;
use pwb_engine::{Error, Graph, Reran, Settings, StepId, Store, Work};
use serde_json::{Value, json};

use super::say;
use crate::cli::Realize;
use crate::comparison::{Compared, compare, summary};
use crate::exit;
use crate::explain::{LIMIT, indented};
use crate::making::Making;
use crate::progress::seconds;
use crate::report::{Failure, note};
use crate::units::many;

pub fn run(making: &Making<'_>, arguments: &Realize) -> Result<ExitCode, Failure> {
    let graph = making.graph(&arguments.names)?;
    let steps = steps(&graph, &arguments.rerunning.only)?;
    making.realize_graph(&arguments.names, &graph, None)?;
    let settings = making.settings();
    let jobs = match arguments.building.jobs {
        Some(_) => settings.jobs,
        None => other_number(settings.jobs),
    };
    let settings = Settings {
        jobs,
        compile_cache: false,
        ..settings
    };
    let number = many(steps.len() as u64, "command");
    note(format_args!("{number} to run again, with -j{jobs}"));
    let reran = making
        .shown(|observe| pwb_engine::rerun(&making.store, &graph, &steps, &settings, observe))?;
    let differences = reran.iter().map(|one| differences(&making.store, one));
    let differences: Vec<Vec<Compared>> = differences.collect::<Result<_, _>>()?;
    if arguments.rerunning.json {
        let all = reran.iter().zip(&differences);
        say(Value::Array(
            all.map(|(one, found)| to_json(one, found)).collect(),
        ));
    } else {
        let all = reran.iter().zip(&differences);
        all.flat_map(|(one, found)| lines(one, found)).for_each(say);
        say(verdict(&reran));
    }
    let same = |one: &Reran| one.rerun.again == Again::Same;
    Ok(match reran.iter().all(same) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(exit::DIFFERENT),
    })
}

/// The commands that are to run again: these nodes', or all.
fn steps(graph: &Graph, only: &[String]) -> Result<Vec<StepId>, Failure> {
    let is_command = |step: &StepId| matches!(graph.steps[*step].work, Work::Run { .. });
    if only.is_empty() {
        return Ok(graph.steps.node_indices().filter(is_command).collect());
    }
    let mut steps = Vec::new();
    for name in only {
        let named = graph.named(name);
        if named.is_empty() {
            return Err(Failure::new(
                format!("`{name}` is no node of what is realized"),
                "`pwb query deps` lists them",
            ));
        }
        if !named.iter().all(is_command) {
            return Err(Error::NoCommand(name.clone()).into());
        }
        steps.extend(named);
    }
    steps.sort_unstable();
    steps.dedup();
    Ok(steps)
}

/// Of jobs, so that what depends on it shows.
fn other_number(jobs: usize) -> usize {
    match jobs {
        1 => 2,
        more => more - 1,
    }
}

fn differences(store: &Store, one: &Reran) -> Result<Vec<Compared>, Failure> {
    match one.rerun.again {
        Again::Differs(tree) => {
            store.bring_directories(&[one.kept])?;
            compare(store, store.changes(one.kept, tree)?, true)
        }
        Again::Same | Again::Failed => Ok(Vec::new()),
    }
}

/// What is to be said of a command that came out otherwise.
fn lines(one: &Reran, differences: &[Compared]) -> Vec<String> {
    let node = &one.rerun.node;
    match one.rerun.again {
        Again::Same => Vec::new(),
        Again::Failed => vec![format!(
            "{node} failed, after {}: {}",
            seconds(one.rerun.wall),
            one.log.display()
        )],
        Again::Differs(tree) => {
            let (old, new) = (one.kept.digest().hex(), tree.digest().hex());
            let mut text = vec![format!("{node}: {}", summary(differences))];
            let shown = differences.iter().take(LIMIT);
            text.extend(indented(shown.flat_map(Compared::lines).collect()));
            let more = differences.len().saturating_sub(LIMIT);
            let more = (more > 0).then(|| format!("and {more} more paths"));
            let look = format!("pwb diff {} {}", &old[..16], &new[..16]);
            text.extend(indented(more.into_iter().chain([look]).collect()));
            text
        }
    }
}

/// `3 commands ran again: 2 came out the same, 1 differs`
fn verdict(reran: &[Reran]) -> String {
    let number = |is: fn(Again) -> bool| reran.iter().filter(|one| is(one.rerun.again)).count();
    let differ = number(|again| matches!(again, Again::Differs(_)));
    let verb = if differ == 1 { "differs" } else { "differ" };
    let parts = [
        (
            number(|again| again == Again::Same),
            "came out the same".to_owned(),
        ),
        (differ, verb.to_owned()),
        (
            number(|again| again == Again::Failed),
            "failed this time".to_owned(),
        ),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let all = many(reran.len() as u64, "command");
    match &*parts.join(", ") {
        "" => format!("{all} ran again"),
        parts => format!("{all} ran again: {parts}"),
    }
}

fn to_json(one: &Reran, differences: &[Compared]) -> Value {
    let other = match one.rerun.again {
        Again::Differs(tree) => Some(tree.digest().hex()),
        Again::Same | Again::Failed => None,
    };
    json!({
        "node": one.rerun.node,
        "key": one.rerun.key.hex(),
        "again": one.rerun.again.word(),
        "wall": one.rerun.wall.as_secs_f64(),
        "result": one.kept.digest().hex(),
        "other": other,
        "differences": differences.iter().map(Compared::to_json).collect::<Vec<_>>(),
        "log": one.log,
    })
}

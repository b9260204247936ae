//! `pwb why`: why a node would run, or why it ran.

use std::process::ExitCode;
use std::sync::Arc;

use console::style;
use pwb_engine::why::{Explanation, Finding, Standing, explain, explain_run};
use pwb_engine::{Graph, Plan, StepId};

use super::say;
use crate::cli::{Cli, Why};
use crate::context::Context;
use crate::explain::{Explainer, LIMIT, headline, roots, when};
use crate::history;
use crate::progress::Progress;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Why) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let store = context.shared_store(&arguments.sharing, &Arc::new(Progress::new()))?;
    let library = context.library()?;
    let request = context.request(&library, &arguments.name, &arguments.options)?;
    let node = request.reference.node.to_string();
    let runs = store.runs(&node)?;
    if arguments.list {
        print(history::lines(&runs));
        return Ok(ExitCode::SUCCESS);
    }
    let named = |run: &String| history::find(&node, &runs, run);
    let against = arguments.against.as_ref().map(named).transpose()?;
    let explainer = Explainer {
        store: &store,
        all: arguments.all,
    };
    if let Some(run) = &arguments.of {
        let explanation = explain_run(&store, &runs, named(run)?, against)?;
        tell(&explainer, &node, &explanation)?;
        return Ok(ExitCode::SUCCESS);
    }
    let names = std::slice::from_ref(&arguments.name);
    let graph = context.graph(&library, names, &arguments.options)?;
    let plan = pwb_engine::plan(&store, &graph)?;
    for goal in &graph.goals {
        let explanation = explain(&store, &graph, &plan, goal.step, against)?;
        tell(&explainer, graph.name(goal.step), &explanation)?;
        if let Standing::Waits { first, between, .. } = &explanation.standing {
            say("");
            waits(&explainer, &graph, &plan, first, between)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The nodes that have to run before inputs are known, each explained.
fn waits(
    explainer: &Explainer<'_>,
    graph: &Graph,
    plan: &Plan,
    first: &[StepId],
    between: &[StepId],
) -> Result<(), Failure> {
    let shown = if explainer.all { first.len() } else { LIMIT };
    for &step in first.iter().take(shown) {
        let explanation = explain(explainer.store, graph, plan, step, None)?;
        tell(explainer, graph.name(step), &explanation)?;
    }
    if first.len() > shown {
        say(format_args!("and {} more nodes", first.len() - shown));
    }
    if !between.is_empty() {
        let names: Vec<&str> = between.iter().map(|&step| graph.name(step)).collect();
        say(format_args!(
            "then, unless these come out as before: {}",
            names.join(", ")
        ));
    }
    Ok(())
}

fn tell(explainer: &Explainer<'_>, node: &str, explanation: &Explanation) -> Result<(), Failure> {
    let name = style(node).bold();
    let reason = explanation.reason.as_ref();
    let since = match &explanation.standing {
        Standing::Folder => {
            say(format_args!(
                "{name} is a local folder: it is read each time"
            ));
            return Ok(());
        }
        Standing::UpToDate { made, spared } => {
            match made {
                Some(past) => say(format_args!("{name} is up to date: made {}", when(past))),
                None => say(format_args!(
                    "{name} is up to date; the history has no run of it"
                )),
            }
            if !spared.is_empty() {
                say("it did not run again, although these ran: its inputs came out as before");
            }
            for reason in spared {
                print(explainer.because(reason)?);
            }
            "it ran: since the"
        }
        Standing::WouldRun => {
            say(format_args!("{name} would run"));
            "since its"
        }
        Standing::Lost(past) => {
            say(format_args!(
                "{name} would run: its result is gone from the store"
            ));
            say(format_args!("the same action was made {}", when(past)));
            return Ok(());
        }
        Standing::Failed(past) => {
            say(format_args!(
                "{name} would run: it failed, and nothing changed since"
            ));
            say(format_args!("the same action ran {}", when(past)));
            say(format_args!("its output: pwb log {node}"));
            "it ran: since the"
        }
        Standing::Waits { .. } if explanation.is_certain() => {
            say(format_args!(
                "{name} would run, however its inputs come out"
            ));
            "since its"
        }
        Standing::Waits { ran: true, .. } => {
            say(format_args!(
                "{name} follows these, unless its inputs come out as before:"
            ));
            return Ok(());
        }
        Standing::Waits { .. } => {
            say(format_args!("{name} never ran; it follows these:"));
            return Ok(());
        }
        Standing::Past(past) => {
            say(format_args!("{name} ran {}", when(past)));
            "since the"
        }
    };
    let Some(reason) = reason else {
        print(novelty(explainer, explanation));
        return Ok(());
    };
    if let Some(earlier) = &reason.earlier {
        let variant = match &reason.finding {
            Finding::Different(difference) if !difference.options.is_empty() => {
                ", of another variant"
            }
            _ => "",
        };
        say(format_args!("{since} run {}{variant}:", when(earlier)));
    }
    print(explainer.reason(reason)?);
    if !reason.because.is_empty() {
        let label = style("root cause:").green();
        let roots = explainer.cut(roots(reason));
        roots
            .iter()
            .for_each(|root| say(format_args!("{label} {root}")));
    }
    Ok(())
}

/// What is known of an action that nothing can be compared with.
fn novelty(explainer: &Explainer<'_>, explanation: &Explanation) -> Vec<String> {
    let Some(manifest) = &explanation.manifest else {
        return vec!["what it was made of is no longer in the store".to_owned()];
    };
    let head = match explanation.standing {
        Standing::UpToDate { .. } | Standing::Past(_) => "no run before that is known",
        _ => "it never ran in this store",
    };
    let lineage = &manifest.lineage;
    let options = lineage.options.iter();
    let options = options.map(|(name, value)| format!("  option {name}={value}"));
    let feeds = lineage.feeds.iter();
    let feeds = feeds.map(|feed| format!("  made from {}", feed.node));
    let parts = explainer.cut(options.chain(feeds).collect());
    let head = std::iter::once(head.to_owned());
    head.chain(parts).collect()
}

fn print(lines: Vec<String>) {
    lines.iter().for_each(say);
}

/// The short form of an explanation, for a list of nodes.
pub fn in_short(explanation: &Explanation) -> String {
    match (&explanation.standing, &explanation.reason) {
        (Standing::Lost(_), _) => "its result is gone from the store".to_owned(),
        (Standing::Failed(_), _) => "it failed, and nothing changed since".to_owned(),
        (_, Some(reason)) => headline(reason),
        (_, None) => "it never ran".to_owned(),
    }
}

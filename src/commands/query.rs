//! `pwb query`: who needs whom. Names, one a line, or a drawing of what was found.

use std::process::ExitCode;

use pwb_engine::recipe::{Library, Wanted};
use pwb_engine::{Error, Graph, StepId};
use serde_json::json;

use super::{graph, say};
use crate::cli::{Asking, Cli, Format, Query, Question, Ways};
use crate::context::Context;
use crate::drawing::{Drawing, uses};
use crate::report::{Failure, note};

pub fn run(cli: &Cli, arguments: &Query) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let library = context.library()?;
    let about = |names: &[String], asking| Asked::new(&context, &library, names, asking);
    match &arguments.question {
        Question::Deps {
            name,
            depth,
            asking,
        } => {
            let asked = about(std::slice::from_ref(name), asking)?;
            let goals = asked.goals();
            asked.answer(asked.graph.deps(&goals, depth.depth), &goals)?;
        }
        Question::Rdeps {
            node,
            of,
            depth,
            asking,
        } => {
            let targets = library.targets().map(|target| target.name.clone());
            let all: Vec<String> = targets.collect();
            let of = if of.is_empty() { &all } else { of };
            let asked = about(of, asking)?;
            let used = asked.steps(node)?;
            if used.is_empty() {
                note(format_args!("nothing of that is made from `{node}`"));
            }
            asked.users(of, asked.graph.rdeps(&used, depth.depth), &used)?;
        }
        Question::Somepath(Ways { from, to, asking }) => {
            let asked = about(std::slice::from_ref(from), asking)?;
            let path = asked.graph.some_path(&asked.goals(), &asked.steps(to)?);
            asked.path(&path, from, to)?;
        }
        Question::Allpaths(Ways { from, to, asking }) => {
            let asked = about(std::slice::from_ref(from), asking)?;
            let ends = asked.steps(to)?;
            let found = asked.graph.all_paths(&asked.goals(), &ends);
            if found.is_empty() {
                unneeded(from, to);
            }
            asked.answer(found, &ends)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The graph that is asked about.
struct Asked<'a> {
    context: &'a Context,
    library: &'a Library,
    graph: Graph,
    asking: &'a Asking,
}

impl<'a> Asked<'a> {
    fn new(
        context: &'a Context,
        library: &'a Library,
        names: &[String],
        asking: &'a Asking,
    ) -> Result<Asked<'a>, Failure> {
        Ok(Asked {
            graph: context.graph(library, names, &asking.options)?,
            context,
            library,
            asking,
        })
    }

    fn goals(&self) -> Vec<StepId> {
        self.graph.goals.iter().map(|goal| goal.step).collect()
    }

    /// The steps of a node's or target's name, or of a package's; none if it is known, and not part of this graph.
    fn steps(&self, name: &str) -> Result<Vec<StepId>, Failure> {
        let named = self.graph.named(name);
        if !named.is_empty() {
            return Ok(named);
        }
        let wanted = self.library.wanted(name).map_err(Error::Recipe)?;
        Ok(self.graph.named(wanted.reference().node.as_str()))
    }

    fn format(&self) -> Option<Format> {
        match self.asking.json {
            true => Some(Format::Json),
            false => self.asking.format,
        }
    }

    /// What of this is named: not packages, unless they were asked for.
    fn named(&self, mut found: Vec<StepId>, asked: &[StepId]) -> Vec<StepId> {
        let is_package = |step: &StepId| self.graph.steps[*step].is_package();
        let packages = self.asking.packages;
        found.retain(|step| packages || asked.contains(step) || !is_package(step));
        found
    }

    fn answer(&self, found: Vec<StepId>, asked: &[StepId]) -> Result<(), Failure> {
        let found = self.named(found, asked);
        match self.format() {
            Some(format) => {
                let drawing = Drawing::of(&self.graph, found);
                graph::print(self.context, &self.graph, &drawing, format)
            }
            None => {
                self.names(&found).iter().for_each(say);
                Ok(())
            }
        }
    }

    /// Variants of a node have one name.
    fn names(&self, steps: &[StepId]) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in steps.iter().map(|step| self.graph.name(*step)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What needs something, and which of these names are targets that do.
    fn users(&self, of: &[String], found: Vec<StepId>, asked: &[StepId]) -> Result<(), Failure> {
        let targets = of.iter().zip(&self.graph.goals);
        let targets = targets.filter(|(_, goal)| found.contains(&goal.step));
        let is_target = |name: &str| matches!(self.library.wanted(name), Ok(Wanted::Target(_)));
        let targets: Vec<&String> = targets
            .map(|(name, _)| name)
            .filter(|name| is_target(name))
            .collect();
        match self.format() {
            Some(Format::Json) => {
                let drawing = Drawing::of(&self.graph, self.named(found, asked));
                let mut answer = drawing.json();
                answer["targets"] = json!(targets);
                say(answer);
            }
            format => {
                self.answer(found, asked)?;
                if format.is_none() {
                    targets.into_iter().for_each(say);
                }
            }
        }
        Ok(())
    }

    /// A way, each but the first with what the one above uses it as.
    fn path(&self, path: &[StepId], from: &str, to: &str) -> Result<(), Failure> {
        if path.is_empty() {
            unneeded(from, to);
        }
        if self.format().is_some() {
            return self.answer(path.to_vec(), path);
        }
        let names = path.iter().map(|step| self.graph.name(*step));
        let width = names.clone().map(str::len).max().unwrap_or(0);
        for (place, name) in names.enumerate() {
            let usage = match place {
                0 => String::new(),
                place => uses(&self.graph, path[place - 1], path[place]).join(", "),
            };
            say(format!("{name:width$}  {usage}").trim_end());
        }
        Ok(())
    }
}

fn unneeded(from: &str, to: &str) {
    note(format_args!("`{from}` does not need `{to}`"));
}

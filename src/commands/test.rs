//! `pwb test`: runs the checks of a target. The verdicts are on standard output, what happens meanwhile on standard error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use pwb_engine::check::{self, Test};
use pwb_engine::recipe::{Check, Library, NodeKind, NodeName, Target, Values, Wanted};
use pwb_engine::{Error, Graph, Request, Settings, Store, Suite};

use super::say;
use crate::cli::{self, Cli};
use crate::context::Context;
use crate::junit;
use crate::markdown;
use crate::progress::Progress;
use crate::report::Failure;
use crate::verdict::{Verdict, summary};

pub fn run(cli: &Cli, arguments: &cli::Test) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let progress = Arc::new(Progress::new());
    let library = context.library()?;
    let request = context.request(&library, &arguments.target, &arguments.options)?;
    let requests = [request];
    let overrides = context.overrides(&library, &requests, &arguments.options)?;
    let [Request { values, .. }] = &requests;
    let job = Job {
        library: &library,
        values: values.clone(),
        checks: checks(&library, &arguments.target)?,
        store: context.shared_store(&arguments.building.sharing(), &progress)?,
        settings: Settings {
            keep_going: true,
            ..context.settings(&arguments.building)
        },
        overrides,
        progress,
    };
    let tests = chosen(job.tests()?, &arguments.tests)?;
    if arguments.list {
        tests.iter().for_each(|test| say(test.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let verdicts = job.run(tests)?;
    if let Some(path) = &arguments.junit {
        junit::write(path, &arguments.target, &verdicts)?;
    }
    if let Some(path) = &arguments.report {
        let target = library.target(&arguments.target).map_err(Error::Recipe)?;
        let graph = Graph::build(&library, &requests, &job.overrides)?;
        let page = markdown::page(target, &graph, &verdicts);
        std::fs::write(path, page).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::Message(message, None)
        })?;
    }
    for line in summary(&verdicts) {
        say(line);
    }
    Ok(match verdicts.iter().any(Verdict::is_bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// The checks of a target.
fn checks(library: &Library, name: &str) -> Result<Vec<NodeName>, Failure> {
    let Wanted::Target(Target { checks, .. }) = library.wanted(name).map_err(Error::Recipe)? else {
        return Err(Failure::new(
            format!("`{name}` is a node, and checks are targets'"),
            "`pwb list` lists the targets",
        ));
    };
    if checks.is_empty() {
        return Err(Failure::new(
            format!("target `{name}` has no checks"),
            "its recipe may name some in `checks: […]`",
        ));
    }
    Ok(checks.iter().map(|check| check.value.clone()).collect())
}

/// What was asked for of these tests.
fn chosen(mut tests: Vec<Test>, names: &[String]) -> Result<Vec<Test>, Failure> {
    let unknown = |name: &&String| !tests.iter().any(|test| test.name() == **name);
    if let Some(name) = names.iter().find(unknown) {
        return Err(Failure::new(
            format!("there is no test `{name}`"),
            "`--list` lists them",
        ));
    }
    if !names.is_empty() {
        tests.retain(|test| names.iter().any(|name| name == test.name()));
    }
    Ok(tests)
}

/// Checks, and all that it takes to run them.
struct Job<'a> {
    checks: Vec<NodeName>,
    library: &'a Library,
    values: Values,
    overrides: BTreeMap<NodeName, PathBuf>,
    store: Store,
    settings: Settings,
    progress: Arc<Progress>,
}

impl Job<'_> {
    fn check(&self, name: &NodeName) -> Result<&Check, Failure> {
        match self.library.node(name).map(|node| &node.kind) {
            Some(NodeKind::Check(check)) => Ok(check),
            _ => Err(Error::IsNoCheck(name.to_string()).into()),
        }
    }

    /// All tests of the checks; realizes the lists that they are in.
    fn tests(&self) -> Result<Vec<Test>, Failure> {
        let mut tests = Vec::new();
        for name in &self.checks {
            let check = name.clone();
            let Some(list) = &self.check(name)?.tests else {
                tests.push(Test { check, named: None });
                continue;
            };
            let request = Request {
                reference: list.value.clone(),
                values: self.values.clone(),
            };
            let graph = Graph::build(self.library, &[request], &self.overrides)?;
            let tell = |event| self.progress.tell(event);
            let list = pwb_engine::realize(&self.store, &graph, &self.settings, &tell);
            self.progress.finish();
            for folder in list? {
                let names = check::listed(&folder.path)?.into_iter();
                tests.extend(names.map(|test| Test {
                    check: check.clone(),
                    named: Some(test),
                }));
            }
        }
        Ok(tests)
    }

    fn run(&self, tests: Vec<Test>) -> Result<Vec<Verdict>, Failure> {
        let suite = Suite {
            tests,
            values: self.values.clone(),
        };
        let suites = [suite];
        let graph = Graph::of_tests(self.library, &suites, &self.overrides)?;
        let tell = |event| self.progress.tell(event);
        let outcomes = check::check(&self.store, &graph, &self.settings, &tell);
        self.progress.finish();
        let [suite] = suites;
        let ended = suite.tests.into_iter().zip(outcomes?);
        ended
            .map(|(test, ended)| {
                let expected = self.check(&test.check)?.expected.selected(&self.values);
                Ok(Verdict::of(test, ended, &expected))
            })
            .collect()
    }
}

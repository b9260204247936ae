//! `pwb test`: runs the checks of a target. The verdicts are on standard output, what happens meanwhile on standard error.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use pwb_engine::check::{self, Test};
use pwb_engine::recipe::{Check, NodeKind, NodeName, Target, Values};
use pwb_engine::{Error, Graph, Request, Settings, Suite};

use super::say;
use crate::cli::{self, Cli};
use crate::junit;
use crate::making::Making;
use crate::markdown;
use crate::report::Failure;
use crate::verdict::{Verdict, summary};

pub fn run(cli: &Cli, arguments: &cli::Test) -> Result<ExitCode, Failure> {
    let making = Making::begin(cli, &arguments.options, &arguments.building)?;
    let request = making.request(&arguments.target)?;
    let target = making.target(&arguments.target)?;
    let target = target.ok_or_else(|| {
        Failure::new(
            format!("`{}` is a node, and checks are targets'", arguments.target),
            "`pwb list` lists the targets",
        )
    })?;
    let requests = [request];
    let overrides = making.overrides(&requests)?;
    let testing = Testing {
        making: &making,
        target,
        values: requests[0].values.clone(),
        overrides,
    };
    let tests = chosen(testing.tests()?, &arguments.tests)?;
    if arguments.list {
        tests.iter().for_each(|test| say(test.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let verdicts = testing.run(tests)?;
    if let Some(path) = &arguments.junit {
        junit::write(path, &target.name, &verdicts)?;
    }
    if let Some(path) = &arguments.report {
        let graph = Graph::build(making.library()?, &requests, &testing.overrides)?;
        let page = markdown::page(target, &graph, &verdicts);
        std::fs::write(path, page).map_err(|error| Failure::io("write", path, &error))?;
    }
    for line in summary(&verdicts) {
        say(line);
    }
    Ok(match verdicts.iter().any(Verdict::is_bad) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
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

/// The checks of a target under some options.
struct Testing<'a> {
    making: &'a Making<'a>,
    target: &'a Target,
    values: Values,
    overrides: BTreeMap<NodeName, PathBuf>,
}

impl Testing<'_> {
    fn check(&self, name: &NodeName) -> Result<&Check, Failure> {
        match self.making.library()?.node(name).map(|node| &node.kind) {
            Some(NodeKind::Check(check)) => Ok(check),
            _ => Err(Error::IsNoCheck(name.to_string()).into()),
        }
    }

    /// All tests; realizes the lists that they are in.
    fn tests(&self) -> Result<Vec<Test>, Failure> {
        if self.target.checks.is_empty() {
            return Err(Failure::new(
                format!("target `{}` has no checks", self.target.name),
                "its recipe may name some in `checks: […]`",
            ));
        }
        let mut tests = Vec::new();
        for name in &self.target.checks {
            let check = name.value.clone();
            let Some(list) = &self.check(name)?.tests else {
                tests.push(Test { check, named: None });
                continue;
            };
            let request = Request {
                reference: list.value.clone(),
                values: self.values.clone(),
            };
            let [folder] = self.making.realize([request])?;
            let names = check::listed(&folder.path)?.into_iter();
            tests.extend(names.map(|test| Test {
                check: check.clone(),
                named: Some(test),
            }));
        }
        Ok(tests)
    }

    fn run(&self, tests: Vec<Test>) -> Result<Vec<Verdict>, Failure> {
        let suite = Suite {
            tests,
            values: self.values.clone(),
        };
        let making = self.making;
        let graph = Graph::of_tests(making.library()?, &suite, &self.overrides)?;
        let settings = Settings {
            keep_going: true,
            ..making.settings()
        };
        let outcomes =
            making.shown(|observe| check::check(&making.store, &graph, &settings, observe))?;
        let ended = suite.tests.into_iter().zip(outcomes);
        ended
            .map(|(test, ended)| {
                let expected = self.check(&test.check)?.expected.selected(&self.values);
                Ok(Verdict::of(test, ended, &expected))
            })
            .collect()
    }
}

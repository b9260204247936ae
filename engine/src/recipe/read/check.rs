//! Reads a `Check` node: a command whose end is a verdict, and what of it is expected to fail.

use super::super::code::Code;
use super::super::fails::{CasePattern, Fails};
use super::super::item::Items;
use super::super::name::NodeName;
use super::super::node::Check;
use super::super::path::SandboxPath;
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::syntax::{CheckSyntax, FailsSyntax};
use super::run::Parts;

impl<'a> Reader<'a, '_> {
    pub(super) fn check(&mut self, raw: Raw<'a>) -> Option<Check> {
        let shape: CheckSyntax<'a> = self.read(raw)?;
        let tests = shape.tests.map(|tests| self.reference(tests));
        let expected = match shape.expected {
            Some(expected) => self.items(expected, &mut |reader, item| reader.fails(item)),
            None => Items::default(),
        };
        let parts = Parts {
            root: shape.root,
            inputs: shape.inputs,
            cwd: shape.cwd,
            env: shape.env,
            run: shape.run,
            timeout: shape.timeout,
        };
        let report = Spanned::new(SandboxPath::report(), self.span(raw));
        let command = self.run_of(parts, vec![report]);
        Some(Check {
            command: command?,
            tests: match tests {
                Some(tests) => Some(tests?),
                None => None,
            },
            expected,
        })
    }

    fn fails(&mut self, raw: Raw<'a>) -> Option<Fails> {
        if raw.head() != "Fails" {
            self.unknown_kind(raw, "an expectation", &["Fails", "When", "Unless"]);
            return None;
        }
        let shape: FailsSyntax<'a> = self.read(raw)?;
        if shape.tests.is_none() && shape.cases.is_none() {
            self.error(
                Code::MissingField,
                self.span(raw),
                "this expects everything to fail",
                "`tests: […]` or `cases: […]` is wanted in here",
            );
        }
        let tests = self.texts(shape.tests).into_iter().map(|test| test.value);
        let tests = tests.collect();
        let mut cases = Vec::new();
        for case in self.texts(shape.cases) {
            match CasePattern::parse(&case) {
                Ok(pattern) => cases.push(pattern),
                Err(why) => {
                    let message = format!("`{case}` is not a pattern of names");
                    self.error(Code::BadPattern, case.span, message, why);
                }
            }
        }
        let why = self.filled(shape.why, "the reason")?;
        Some(Fails {
            tests,
            cases,
            why: why.value,
        })
    }

    /// The name of a check, in a target.
    pub(super) fn check_name(&mut self, raw: Raw<'a>) -> Option<Spanned<NodeName>> {
        let text = self.text(raw)?;
        let Some(name) = NodeName::resolve(self.recipe, &text) else {
            self.bad_name(text.span, &text, "a check");
            return None;
        };
        let name = Spanned::new(name, text.span);
        let recipe = self.recipe.to_owned();
        self.sink.uses.checks.push((recipe, name.clone()));
        Some(name)
    }
}

//! Which failures of a test are good ones. Part of the test's key: a result stands for an end that was as expected.

use pwb_sandbox::Status;
use serde::{Deserialize, Serialize};

use super::outcome::{CaseEnd, Outcome};
use crate::recipe::{CasePattern, Fails};

/// What of one test may fail.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Expected {
    /// All of it: it may crash and hang.
    whole: bool,
    /// Cases in it.
    cases: Vec<CasePattern>,
}

impl Expected {
    /// What these expectations say of a test.
    pub(crate) fn of(fails: &[&Fails], test: &str) -> Expected {
        let of_it = || fails.iter().filter(|fails| fails.concerns(test));
        let mut cases: Vec<_> = of_it().flat_map(|fails| fails.cases.clone()).collect();
        cases.sort();
        cases.dedup();
        Expected {
            whole: of_it().any(|fails| fails.cases.is_empty()),
            cases,
        }
    }

    /// Whether this end is success, or failure in nothing but what may fail.
    pub fn allows(&self, outcome: &Outcome) -> bool {
        let failed = || {
            outcome
                .cases
                .iter()
                .filter(|case| case.end == CaseEnd::Failed)
        };
        match outcome.status {
            Status::Code(0) => true,
            _ if self.whole => true,
            Status::Code(_) => {
                let expected = |name: &str| self.cases.iter().any(|one| one.matches(name));
                failed().count() > 0 && failed().all(|case| expected(&case.name))
            }
            Status::Signal(_) | Status::TimedOut => false,
        }
    }

    /// As text, for the key.
    pub(crate) fn key(&self) -> String {
        let whole = self.whole.then_some("whole").into_iter();
        let cases = self.cases.iter().map(CasePattern::as_str);
        whole.chain(cases).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::outcome::Case;
    use super::*;

    fn fails(tests: &[&str], cases: &[&str]) -> Fails {
        Fails {
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            cases: cases
                .iter()
                .filter_map(|case| CasePattern::parse(case).ok())
                .collect(),
            why: "so it is".into(),
        }
    }

    fn outcome(status: Status, failed: &[&str]) -> Outcome {
        let case = |name: &&str| Case {
            name: (*name).to_owned(),
            end: CaseEnd::Failed,
            message: String::new(),
            wall: Duration::ZERO,
        };
        Outcome {
            status,
            cases: failed.iter().map(case).collect(),
        }
    }

    #[test]
    fn success_needs_no_expectation() {
        assert!(Expected::default().allows(&outcome(Status::Code(0), &[])));
        assert!(!Expected::default().allows(&outcome(Status::Code(2), &["a"])));
    }

    #[test]
    fn only_the_expected_cases_may_fail() {
        let all = [fails(&["os"], &["*.Link.*"]), fails(&["io"], &["x"])];
        let all: Vec<&Fails> = all.iter().collect();
        let os = Expected::of(&all, "os");
        assert!(os.allows(&outcome(Status::Code(2), &["test.Link.hard"])));
        assert!(!os.allows(&outcome(Status::Code(2), &["test.Link.hard", "x"])));
        assert!(
            !os.allows(&outcome(Status::Code(2), &[])),
            "it says nothing of what failed"
        );
        assert!(
            !os.allows(&outcome(Status::Signal(11), &["test.Link.hard"])),
            "a crash"
        );
        assert_ne!(os.key(), Expected::of(&all, "io").key());
    }

    #[test]
    fn a_test_that_is_expected_to_fail_may_crash_and_hang() {
        let all = [fails(&["socket"], &[])];
        let all: Vec<&Fails> = all.iter().collect();
        let socket = Expected::of(&all, "socket");
        for status in [Status::Code(1), Status::Signal(6), Status::TimedOut] {
            assert!(socket.allows(&outcome(status, &[])));
            assert!(!Expected::of(&all, "ssl").allows(&outcome(status, &[])));
        }
    }
}

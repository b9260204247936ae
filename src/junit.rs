//! Verdicts as JUnit XML: a suite a test. What failed as expected is told as skipped, with the reason.

use std::path::Path;

use pwb_engine::check::{Case, CaseEnd};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::report::Failure;
use crate::verdict::{End, Verdict};

/// Writes the file.
pub fn write(path: &Path, target: &str, verdicts: &[Verdict]) -> Result<(), Failure> {
    let mut report = Report::new(target);
    for verdict in verdicts {
        report.add_test_suite(suite(verdict));
    }
    let text = report.to_string().map_err(|error| {
        Failure::Message(format!("cannot write {}: {error}", path.display()), None)
    })?;
    std::fs::write(path, text).map_err(|error| Failure::io("write", path, &error))
}

fn suite(verdict: &Verdict) -> TestSuite {
    let test = verdict.test.to_string();
    let mut suite = TestSuite::new(test.as_str());
    let mut failures = verdict.failures();
    for case in &verdict.outcome.cases {
        let reason = match case.end {
            CaseEnd::Failed => failures.next().and_then(|(_, reason)| reason),
            _ => None,
        };
        let mut entry = TestCase::new(case.name.as_str(), status(case, reason));
        entry.set_time(case.wall);
        suite.add_test_case(entry);
    }
    // What no report tells of.
    let whole = match &verdict.end {
        End::Failed(how) if verdict.outcome.count(CaseEnd::Failed) == 0 => {
            Some(non_success(&how.status, None))
        }
        End::Expected if verdict.outcome.count(CaseEnd::Failed) == 0 => {
            Some(non_success("", verdict.whole.as_deref()))
        }
        _ if verdict.outcome.cases.is_empty() => Some(TestCaseStatus::success()),
        _ => None,
    };
    if let Some(status) = whole {
        suite.add_test_case(TestCase::new(verdict.test.name(), status));
    }
    suite
}

fn status(case: &Case, reason: Option<&str>) -> TestCaseStatus {
    match case.end {
        CaseEnd::Passed => TestCaseStatus::success(),
        CaseEnd::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(case.message.as_str());
            status
        }
        CaseEnd::Failed => non_success(&case.message, reason),
    }
}

fn non_success(message: &str, reason: Option<&str>) -> TestCaseStatus {
    let mut status = match reason {
        Some(_) => TestCaseStatus::skipped(),
        None => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    match reason {
        Some(reason) => status.set_message(format!("expected to fail: {reason}")),
        None => status.set_message(message.lines().next_back().unwrap_or_default()),
    };
    status.set_description(message);
    status
}

//! What became of a test, in words: whether it is as expected, and why it is expected.

use std::collections::BTreeMap;

use console::style;
use pwb_engine::check::{Case, CaseEnd, Ended, Outcome, Test, Unexpected};
use pwb_engine::recipe::Fails;

use crate::units::many;

/// How many failed cases of a test are shown.
const CASES: usize = 10;

/// A test, how it ended, and what that means.
pub struct Verdict {
    pub test: Test,
    pub outcome: Outcome,
    pub end: End,
    /// Why the test as a whole is expected to fail.
    pub whole: Option<String>,
    /// Why cases are expected to, by their places.
    cases: BTreeMap<usize, String>,
}

/// What the end of a test means.
pub enum End {
    Passed,
    Skipped,
    /// It failed, as expected.
    Expected,
    /// It passed, although it is expected to fail as a whole.
    Surprise,
    /// It failed otherwise.
    Failed(Unexpected),
}

impl Verdict {
    pub fn of(test: Test, ended: Ended, expected: &[&Fails]) -> Verdict {
        let Ended {
            outcome,
            unexpected,
        } = ended;
        let of_it: Vec<&&Fails> = expected
            .iter()
            .filter(|fails| fails.concerns(test.name()))
            .collect();
        let whole = of_it.iter().find(|fails| fails.cases.is_empty());
        let whole = whole.map(|fails| fails.why.clone());
        let succeeded = outcome.succeeded();
        let mut cases = BTreeMap::new();
        for (place, case) in outcome.cases.iter().enumerate() {
            let matching = |fails: &&&&Fails| fails.cases.iter().any(|one| one.matches(&case.name));
            if case.end == CaseEnd::Failed
                && let Some(fails) = of_it.iter().find(matching)
            {
                cases.insert(place, fails.why.clone());
            }
        }
        let end = match unexpected {
            Some(unexpected) => End::Failed(unexpected),
            None if succeeded && whole.is_some() && !outcome.is_skipped() => End::Surprise,
            None if outcome.is_skipped() => End::Skipped,
            None if succeeded => End::Passed,
            None => End::Expected,
        };
        Verdict {
            test,
            outcome,
            end,
            whole,
            cases,
        }
    }

    /// Whether somebody has to look at it.
    pub fn is_bad(&self) -> bool {
        matches!(self.end, End::Failed(_))
    }

    /// The failed cases with the reasons why they are expected to.
    pub fn failures(&self) -> impl Iterator<Item = (&Case, Option<&str>)> {
        let Verdict { whole, cases, .. } = self;
        let failed = self.outcome.cases.iter().enumerate();
        failed
            .filter(|(_, case)| case.end == CaseEnd::Failed)
            .map(move |(place, case)| {
                let reason = cases.get(&place).or(whole.as_ref());
                (case, reason.map(String::as_str))
            })
    }

    fn reason(&self) -> String {
        let Verdict { whole, cases, .. } = self;
        let mut reasons: Vec<&str> = cases.values().map(String::as_str).collect();
        reasons.sort_unstable();
        reasons.dedup();
        match reasons.is_empty() {
            false => reasons.join("; "),
            true => whole.clone().unwrap_or_default(),
        }
    }
}

/// The verdicts in lines: what is as expected in short, what is not at the end, then the sum.
pub fn summary(verdicts: &[Verdict]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut expected: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for verdict in verdicts {
        let name = verdict.test.name();
        match &verdict.end {
            End::Expected => expected.entry(verdict.reason()).or_default().push(name),
            End::Surprise => lines.push(format!(
                "{} {name}, which the recipe expects to fail: {}",
                style("passed").green(),
                verdict.reason()
            )),
            _ => {}
        }
    }
    for (reason, names) in expected {
        lines.push(format!("expected to fail: {}: {reason}", names.join(", ")));
    }
    for verdict in verdicts {
        if let End::Failed(how) = &verdict.end {
            let status = &how.status;
            lines.push(format!(
                "{} {}: {status}",
                style("failed").red(),
                verdict.test
            ));
            lines.push(format!("  log:   {}", how.log.display()));
            let kept = how.kept.iter();
            lines.extend(kept.map(|kept| format!("  files: {}", kept.display())));
            let unexpected = || verdict.failures().filter(|(_, why)| why.is_none());
            for (case, _) in unexpected().take(CASES) {
                let message = case.message.lines().next_back().unwrap_or_default();
                lines.push(format!("  {}: {message}", case.name));
            }
            match unexpected().count().saturating_sub(CASES) {
                0 => {}
                more => lines.push(format!("  and {more} more")),
            }
        }
    }
    lines.push(sum(verdicts));
    lines
}

/// `3 tests: 1 passed, 2 failed (17 cases: 12 passed, 3 skipped, 2 failed)`
fn sum(verdicts: &[Verdict]) -> String {
    let count = |is: fn(&End) -> bool| verdicts.iter().filter(|one| is(&one.end)).count();
    let parts = [
        (
            count(|end| matches!(end, End::Passed | End::Surprise)),
            "passed",
        ),
        (count(|end| matches!(end, End::Skipped)), "skipped"),
        (
            count(|end| matches!(end, End::Expected)),
            "failed as expected",
        ),
        (count(|end| matches!(end, End::Failed(_))), "failed"),
    ];
    let cases = |end| verdicts.iter().map(|one| one.outcome.count(end)).sum();
    let of_cases: [(usize, &str); 3] = [
        (cases(CaseEnd::Passed), "passed"),
        (cases(CaseEnd::Skipped), "skipped"),
        (cases(CaseEnd::Failed), "failed"),
    ];
    let total: usize = of_cases.iter().map(|(count, _)| count).sum();
    let tests = many(verdicts.len() as u64, "test");
    let cases = many(total as u64, "case");
    match total {
        0 => format!("{tests}: {}", joined(&parts)),
        _ => format!(
            "{tests}: {} ({cases}: {})",
            joined(&parts),
            joined(&of_cases)
        ),
    }
}

fn joined(parts: &[(usize, &str)]) -> String {
    let some = parts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = some
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(", "),
    }
}

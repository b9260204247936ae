//! What a target is made of and what works in it, as a page of Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use pwb_engine::Graph;
use pwb_engine::check::CaseEnd;
use pwb_engine::recipe::Target;

use crate::drawing::Drawing;
use crate::verdict::{End, Verdict};

/// The page.
pub fn page(target: &Target, graph: &Graph, verdicts: &[Verdict]) -> String {
    let mut text = format!("## {}\n\n{}.\n", target.name, target.about);
    let set = target.set.iter();
    let set: Vec<String> = set
        .map(|(option, value)| format!("`{}={value}`", option.value))
        .collect();
    if !set.is_empty() {
        add(
            &mut text,
            format_args!("\nIts options: {}.\n", set.join(", ")),
        );
    }
    let drawing = Drawing::new(graph, false).mermaid();
    add(&mut text, format_args!("\n```mermaid\n{drawing}\n```\n"));
    let mut checks: BTreeMap<&str, Vec<&Verdict>> = BTreeMap::new();
    for verdict in verdicts {
        checks
            .entry(verdict.test.check.as_str())
            .or_default()
            .push(verdict);
    }
    text += "\n| check | tests | passed | skipped | failed as expected | failed | cases passed | skipped | failed |\n";
    text += "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for (check, verdicts) in &checks {
        let tests = |is: fn(&End) -> bool| verdicts.iter().filter(|one| is(&one.end)).count();
        let cases = |end| -> usize { verdicts.iter().map(|one| one.outcome.count(end)).sum() };
        add(
            &mut text,
            format_args!(
                "| {check} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                verdicts.len(),
                tests(|end| matches!(end, End::Passed | End::Surprise)),
                tests(|end| matches!(end, End::Skipped)),
                tests(|end| matches!(end, End::Expected)),
                tests(|end| matches!(end, End::Failed(_))),
                cases(CaseEnd::Passed),
                cases(CaseEnd::Skipped),
                cases(CaseEnd::Failed),
            ),
        );
    }
    for (check, verdicts) in &checks {
        failures(&mut text, check, verdicts);
        skips(&mut text, check, verdicts);
    }
    text
}

/// What fails, by reason: a test's cases behind its name, where the check has several tests.
fn failures(text: &mut String, check: &str, verdicts: &[&Verdict]) {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for verdict in verdicts {
        let test = verdict.test.named.as_deref();
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (case, reason) in verdict.failures() {
            let reason = reason.unwrap_or("not expected");
            by_reason.entry(reason).or_default().push(&case.name);
        }
        if by_reason.is_empty() && matches!(verdict.end, End::Expected | End::Failed(_)) {
            let reason = verdict.whole.as_deref().unwrap_or("not expected");
            by_reason.insert(reason, Vec::new());
        }
        for (reason, cases) in by_reason {
            let entry = match (test, cases.len()) {
                (None, _) => cases.join(", "),
                (Some(test), 0) => test.to_owned(),
                (Some(test), 1) => format!("{test} (1 case)"),
                (Some(test), count) => format!("{test} ({count} cases)"),
            };
            reasons.entry(reason).or_default().push(entry);
        }
    }
    if reasons.is_empty() {
        return;
    }
    add(text, format_args!("\nWhat fails of {check}, and why:\n\n"));
    for (reason, tests) in reasons {
        add(text, format_args!("- {reason}: {}\n", tests.join(", ")));
    }
}

/// Tests that are skipped as a whole, by reason.
fn skips(text: &mut String, check: &str, verdicts: &[&Verdict]) {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for verdict in verdicts {
        if let (End::Skipped, Some(case)) = (&verdict.end, verdict.outcome.cases.first()) {
            let reason = case.message.lines().next().unwrap_or_default();
            reasons.entry(reason).or_default().push(verdict.test.name());
        }
    }
    if reasons.is_empty() {
        return;
    }
    add(
        text,
        format_args!("\nWhat is skipped of {check}, and why:\n\n"),
    );
    for (reason, tests) in reasons {
        add(text, format_args!("- {reason}: {}\n", tests.join(", ")));
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // A String takes all that is written.
    let _ = text.write_fmt(more);
}

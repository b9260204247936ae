//! How a test ended: its command's status, and the cases that its JUnit reports tell of.

use std::path::Path;
use std::time::Duration;

use pwb_cache::fs;
use pwb_sandbox::Status;
use roxmltree::{Document, Node, ParsingOptions};

use super::{ending, files};
use crate::error::{Error, Result};
use crate::recipe::SandboxPath;

/// How a test ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// How its command did.
    pub status: Status,
    /// What its reports tell, in their order; empty where it wrote none.
    pub cases: Vec<Case>,
}

/// A case of a test.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Case {
    /// Its name, with its class before it where the report has one.
    pub name: String,
    /// How it ended.
    pub end: CaseEnd,
    /// Why it failed or was skipped; may be empty.
    pub message: String,
    /// How long it took, as far as the report says.
    pub wall: Duration,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CaseEnd {
    /// It passed.
    Passed,
    /// It was not run.
    Skipped,
    /// It failed, or broke off.
    Failed,
}

impl Outcome {
    /// Reads the reports that a command has left, once it has ended.
    pub(crate) fn of(status: Status, reports: &Path) -> Result<Outcome> {
        let mut cases = Vec::new();
        for file in files(reports)? {
            if file.extension().is_none_or(|extension| extension != "xml") {
                continue;
            }
            let bytes = fs::read(&file)?;
            // One that was cut off tells nothing; the status does.
            if let Some(read) = read(&String::from_utf8_lossy(&bytes)) {
                cases.extend(read);
            }
        }
        Ok(Outcome { status, cases })
    }

    /// Reads a test's result.
    pub(super) fn read(result: &Path) -> Result<Outcome> {
        let file = result.join(ending::FILE);
        let text = fs::read(&file)?;
        let status = ending::read(&String::from_utf8_lossy(&text)).ok_or_else(|| Error::Path {
            what: "verdict",
            path: file.display().to_string(),
            why: "it says nothing of how the test ended".into(),
        })?;
        Outcome::of(status, &result.join(SandboxPath::report().relative()))
    }

    /// Whether its command succeeded.
    pub fn succeeded(&self) -> bool {
        self.status == Status::Code(0)
    }

    /// How many cases ended so.
    pub fn count(&self, end: CaseEnd) -> usize {
        self.cases.iter().filter(|case| case.end == end).count()
    }

    /// Whether nothing in it ran: it has a report, and no case of it passed or failed.
    pub fn is_skipped(&self) -> bool {
        let skipped = self.count(CaseEnd::Skipped);
        self.succeeded() && skipped > 0 && skipped == self.cases.len()
    }
}

fn read(text: &str) -> Option<Vec<Case>> {
    // Writers of reports are seldom careful with what programs have said.
    let text: String = text.chars().filter(|c| is_xml(*c)).collect();
    let options = ParsingOptions {
        allow_dtd: false,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options).ok()?;
    let cases = document.descendants();
    Some(
        cases
            .filter(|node| node.has_tag_name("testcase"))
            .map(case)
            .collect(),
    )
}

/// Whether XML 1.0 can hold a character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn case(node: Node<'_, '_>) -> Case {
    let name = node.attribute("name").unwrap_or_default();
    let name = match node.attribute("classname") {
        Some(class) if !class.is_empty() => format!("{class}.{name}"),
        _ => name.to_owned(),
    };
    let child = |tags: &[&str]| {
        node.children()
            .find(|child| tags.contains(&child.tag_name().name()))
    };
    let (end, of) = match (child(&["failure", "error"]), child(&["skipped"])) {
        (Some(of), _) => (CaseEnd::Failed, Some(of)),
        (None, Some(of)) => (CaseEnd::Skipped, Some(of)),
        (None, None) => (CaseEnd::Passed, None),
    };
    let message = |of: Node<'_, '_>| {
        let said = of.attribute("message").or(of.text()).unwrap_or_default();
        said.trim().to_owned()
    };
    let seconds = node.attribute("time").and_then(|time| time.parse().ok());
    Case {
        name,
        end,
        message: of.map(message).unwrap_or_default(),
        wall: seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let reports = tempfile::tempdir()?;
        let text = r#"<?xml version="1.0"?><testsuites><testsuite>
            <testcase name="test.test_a.A.one" time="0.25"/>
            <testcase classname="B" name="two"><skipped>no threads</skipped></testcase>
            <testcase name="three"><failure message="1 != 2">ESCAPE</failure></testcase>
            <testcase name="four"><error>broken</error></testcase>
        </testsuite></testsuites>"#;
        let text = text.replace("ESCAPE", "\u{1b}[31m");
        std::fs::write(reports.path().join("a.xml"), text)?;
        std::fs::write(reports.path().join("b.xml"), "<testsuites><tests")?;
        std::fs::write(reports.path().join("notes.txt"), "<testcase name='no'/>")?;
        let outcome = Outcome::of(Status::Code(2), reports.path())?;
        let seen: Vec<_> = outcome
            .cases
            .iter()
            .map(|case| (case.name.as_str(), case.end, case.message.as_str()))
            .collect();
        let expected = [
            ("test.test_a.A.one", CaseEnd::Passed, ""),
            ("B.two", CaseEnd::Skipped, "no threads"),
            ("three", CaseEnd::Failed, "1 != 2"),
            ("four", CaseEnd::Failed, "broken"),
        ];
        assert_eq!(seen, expected);
        assert_eq!(outcome.cases[0].wall, Duration::from_millis(250));
        assert!(!outcome.is_skipped());
        Ok(())
    }
}

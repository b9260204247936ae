//! How errors look: what happened, why, what to do next; the cause of a failed build last on the screen.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use console::style;
use pwb_engine::Error;
use pwb_engine::recipe::Diagnostics;

use crate::cli::MessageFormat;
use crate::diagnostics;

/// An error that a command ends with.
#[derive(Debug)]
pub enum Failure {
    /// What happened and why, and what to do next.
    Message(String, Option<String>),
    /// What is wrong with recipes, and the folder that they are in, if they are not those built in.
    Diagnostics(Diagnostics, Option<PathBuf>),
}

impl Failure {
    /// An error with what to do next.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::Message(message.into(), Some(hint.into()))
    }

    /// A file that cannot be had: `verb` is what was tried, as in `write`.
    pub fn io(verb: &str, path: &Path, error: &io::Error) -> Failure {
        let hint = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some disk",
            ErrorKind::PermissionDenied => "check who owns it, and its folder",
            ErrorKind::NotFound => "is the path right, and its folder there?",
            ErrorKind::IsADirectory => "name a file in it",
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                "a folder is wanted where a file is"
            }
            ErrorKind::ReadOnlyFilesystem => "name a place that can be written to",
            _ => "",
        };
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Failure::Message(format!("cannot {verb} {}: {error}", path.display()), hint)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Recipe(diagnostics) => Failure::Diagnostics(diagnostics, None),
            Error::Failed(failures) => {
                let parts: Vec<String> = failures.iter().map(node).collect();
                Failure::Message(parts.join("\n\n"), None)
            }
            other => Failure::Message(with_causes(&other), other.hint()),
        }
    }
}

impl From<pwb_cache::Error> for Failure {
    fn from(error: pwb_cache::Error) -> Failure {
        Error::from(error).into()
    }
}

impl From<pwb_remote::server::Error> for Failure {
    fn from(error: pwb_remote::server::Error) -> Failure {
        let hint = error.hint();
        Failure::Message(with_causes(&error), hint)
    }
}

impl From<pwb_remote::Error> for Failure {
    fn from(error: pwb_remote::Error) -> Failure {
        let hint = error.hint();
        Failure::Message(with_causes(&error), hint)
    }
}

/// A line on standard error, beside the answer. A reader that has gone away changes nothing.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says what is wrong and stops nothing.
pub fn warn(what: &str) {
    note(warning(what));
}

/// A line for what is wrong and stops nothing.
pub fn warning(what: &str) -> String {
    let word = style("warning:").for_stderr().yellow().bold();
    format!("{word} {what}")
}

/// Prints the error.
pub fn failure(failure: &Failure, format: MessageFormat) {
    match (failure, format) {
        (Failure::Diagnostics(all, _), MessageFormat::Human) => {
            note(all.render(console::colors_enabled_stderr()));
        }
        (Failure::Diagnostics(all, folder), MessageFormat::Json) => all
            .iter()
            .for_each(|one| note(diagnostics::json(one, folder.as_deref()))),
        (Failure::Message(message, hint), MessageFormat::Json) => {
            note(diagnostics::message(message, hint.as_deref()));
        }
        (Failure::Message(message, hint), MessageFormat::Human) => {
            note(format_args!(
                "{} {message}",
                style("error:").for_stderr().red().bold()
            ));
            if let Some(hint) = hint {
                note(format_args!(
                    "{} {hint}",
                    style(" hint:").for_stderr().cyan()
                ));
            }
        }
    }
}

/// A failed node: its name and cause, the end of its log, and where to look further.
fn node(failure: &pwb_engine::Failure) -> String {
    let name = style(&failure.node).for_stderr().bold();
    match &failure.error {
        Error::Command {
            status,
            tail,
            log,
            kept,
        } => {
            let lines: Vec<&str> = tail.lines().collect();
            let shown = &lines[lines.len().saturating_sub(20)..];
            let bar = style("|").for_stderr().dim();
            let mut text = format!("{name}: {status}\n");
            for line in shown {
                text += &format!("  {bar} {line}\n");
            }
            text += &format!("  log:   {}\n", log.display());
            if let Some(kept) = kept {
                text += &format!("  files: {}\n", kept.display());
            }
            let node = &failure.node;
            let failed = if kept.is_some() { " --failed" } else { "" };
            text + &format!("  next:  pwb log {node}, pwb shell {node}{failed}")
        }
        error => {
            let hint = error
                .hint()
                .map(|hint| format!("\n  hint: {hint}"))
                .unwrap_or_default();
            format!("{name}: {}{hint}", with_causes(error))
        }
    }
}

/// The message with those of its causes that say something new.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        let said = cause_text
            .rsplit(": ")
            .next()
            .is_some_and(|end| text.ends_with(end));
        if !said {
            text += &format!(": {cause_text}");
        }
        cause = error.source();
    }
    text
}

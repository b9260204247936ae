//! `pwb check`: everything that is wrong with recipes, at once.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pwb_engine::recipe::{Diagnostic, Library, Severity, Wanted};

use super::say;
use crate::cli::{Check, Cli, MessageFormat};
use crate::diagnostics;
use crate::project::Project;
use crate::recipes::{self, Files};
use crate::report::{Failure, note};
use crate::units::many;

pub fn run(cli: &Cli, arguments: &Check) -> Result<ExitCode, Failure> {
    let format = match arguments.json {
        true => MessageFormat::Json,
        false => cli.message_format,
    };
    let mut tally = Tally::default();
    for Scope { folder, file } in scopes(cli, &arguments.paths)? {
        let files = recipes::read(folder.as_deref())?;
        let (found, library) = findings(&files);
        for finding in found.iter().filter(|one| concerns(one, file.as_deref())) {
            tally.count(finding);
            tell(finding, folder.as_deref(), format);
        }
        tally.files += match &file {
            Some(_) => 1,
            None => files.iter().filter(|(path, _)| is_recipe(path)).count() as u64,
        };
        if let (true, Some(library)) = (arguments.paths.is_empty(), library) {
            project(&library)?;
        }
    }
    if format == MessageFormat::Human {
        say(tally.text());
    }
    Ok(match tally.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// A folder of recipes, none being those in the binary; and the path in it of the file that is asked about, if it is one.
struct Scope {
    folder: Option<PathBuf>,
    file: Option<String>,
}

fn scopes(cli: &Cli, paths: &[PathBuf]) -> Result<Vec<Scope>, Failure> {
    let usual = recipes::folder(cli, &Project::find()?);
    if paths.is_empty() {
        let (folder, file) = (usual, None);
        return Ok(vec![Scope { folder, file }]);
    }
    let scope = |path: &PathBuf| {
        if path.is_dir() {
            let (folder, file) = (Some(path.clone()), None);
            return Ok(Scope { folder, file });
        }
        let (folder, file) = recipes::place(usual.as_deref(), path)?;
        let (folder, file) = (Some(folder), Some(file));
        Ok(Scope { folder, file })
    };
    paths.iter().map(scope).collect()
}

/// All errors; where there are none, all warnings, and the library.
fn findings(files: &Files) -> (Vec<Diagnostic>, Option<Library>) {
    match Library::load(files.clone()) {
        Err(errors) => (errors.into_iter().collect(), None),
        Ok(library) => {
            let mut found = library.warnings().to_vec();
            found.extend(library.unused(files.clone()));
            (found, Some(library))
        }
    }
}

/// Whether it is about the file that is asked about.
fn concerns(finding: &Diagnostic, file: Option<&str>) -> bool {
    let mut labels = finding.primary.iter().chain(&finding.related);
    file.is_none_or(|file| labels.any(|label| label.location.path() == file))
}

fn tell(finding: &Diagnostic, folder: Option<&Path>, format: MessageFormat) {
    match format {
        MessageFormat::Json => say(diagnostics::json(finding, folder)),
        MessageFormat::Human => {
            note(finding.render(console::colors_enabled_stderr()));
            note("");
        }
    }
}

/// What `pwb.ron` names is there.
fn project(library: &Library) -> Result<(), Failure> {
    let project = Project::find()?;
    project.overrides(library)?;
    let wanted = library.nodes().next().map(Wanted::Node);
    wanted.map_or(Ok(()), |wanted| project.check(library, wanted))
}

fn is_recipe(path: &str) -> bool {
    path.ends_with(".ron") || path.ends_with(".lock")
}

#[derive(Default)]
struct Tally {
    files: u64,
    errors: u64,
    warnings: u64,
}

impl Tally {
    fn count(&mut self, finding: &Diagnostic) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
    }

    fn text(&self) -> String {
        format!(
            "{}: {}, {}",
            many(self.files, "file"),
            many(self.errors, "error"),
            many(self.warnings, "warning")
        )
    }
}

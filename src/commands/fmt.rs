//! `pwb fmt`: recipes as they are laid out.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pwb_engine::recipe::{self, Diagnostic};

use super::say;
use crate::cli::{Cli, Fmt};
use crate::edit;
use crate::project::Project;
use crate::recipes;
use crate::report::{self, Failure};

pub fn run(cli: &Cli, arguments: &Fmt) -> Result<ExitCode, Failure> {
    if arguments.paths == [Path::new("-")] {
        return filter(arguments.check);
    }
    let (mut bad, mut changed) = (0, 0);
    for path in files(cli, &arguments.paths)? {
        let bytes = std::fs::read(&path).map_err(|error| failed(&path, &error))?;
        match recipe::format(&path.display().to_string(), &bytes) {
            // One that is no RON stays as it is, and the others are laid out.
            Err(finding) => {
                report::failure(&refused(*finding), cli.message_format);
                bad += 1;
            }
            Ok(laid) if laid.as_bytes() == bytes => {}
            Ok(laid) => {
                changed += 1;
                if !arguments.check {
                    edit::replace(&path, &laid)?;
                }
                say(path.display());
            }
        }
    }
    Ok(match bad > 0 || (arguments.check && changed > 0) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// Standard input to standard output, as editors want it.
fn filter(check: bool) -> Result<ExitCode, Failure> {
    let name = Path::new("standard input");
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|error| failed(name, &error))?;
    let laid = recipe::format("-", &bytes).map_err(|finding| refused(*finding))?;
    if check {
        return Ok(match laid.as_bytes() == bytes {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        });
    }
    let written = std::io::stdout().write_all(laid.as_bytes());
    written.map_err(|error| failed(Path::new("standard output"), &error))?;
    Ok(ExitCode::SUCCESS)
}

/// The files that are asked for, with those of folders.
fn files(cli: &Cli, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut places = paths.to_vec();
    if paths.is_empty() {
        let project = Project::find()?;
        places.extend(recipes::folder(cli, &project));
        if places.is_empty() {
            return Err(Failure::new(
                "the recipes are those built in: there is no file to lay out",
                "name files or folders, or the folder of recipes: --recipes DIR",
            ));
        }
        places.extend(project.path().map(Path::to_owned));
    }
    let mut files = Vec::new();
    for place in places {
        if !place.is_dir() {
            files.push(place);
            continue;
        }
        let below = recipes::read(Some(&place))?;
        let recipes = below.into_iter().filter(|(path, _)| path.ends_with(".ron"));
        files.extend(recipes.map(|(path, _)| place.join(path)));
    }
    Ok(files)
}

fn refused(finding: Diagnostic) -> Failure {
    Failure::Diagnostics(finding.into(), None)
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Message(format!("{}: {error}", path.display()), None)
}

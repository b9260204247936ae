//! `pwb report`: a build of the past as a page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;

use super::say;
use crate::cli::{Cli, Report};
use crate::context::Context;
use crate::journal::{End, Kept};
use crate::page::page;
use crate::progress::seconds;
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Report) -> Result<ExitCode, Failure> {
    let kept = Kept::new(Context::new(cli)?.builds());
    let mut journals = kept.all()?;
    journals.reverse();
    if arguments.list {
        for (place, path) in journals.iter().enumerate() {
            say(line(place, path)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let path = match &arguments.journal {
        Some(path) => path.clone(),
        None => chosen(&journals, arguments.build)?,
    };
    let page = page(&Kept::read(&path)?);
    let written = std::fs::write(&arguments.output, page);
    written.map_err(|error| Failure::io("write", &arguments.output, &error))?;
    say(arguments.output.display());
    Ok(ExitCode::SUCCESS)
}

fn chosen(journals: &[PathBuf], build: usize) -> Result<PathBuf, Failure> {
    let place = build.saturating_sub(1);
    journals
        .get(place)
        .cloned()
        .ok_or_else(|| match journals.len() {
            0 => Failure::new(
                "nothing has been built in this store that was written down",
                "builds that ran something are: `pwb realize TARGET`",
            ),
            count => Failure::new(
                format!("there is no build {build}: {count} are kept"),
                "`pwb report --list` lists them",
            ),
        })
}

/// `1  2026-11-21T17:03:12Z  failed  12.3 s  3 built  pwb realize t`
fn line(place: usize, path: &std::path::Path) -> Result<String, Failure> {
    let build = Kept::read(path)?;
    let built = build.steps.iter().filter(|step| step.end == End::Built);
    Ok(format!(
        "{:>3}  {}  {:11}  {:>9}  {:>4} built  pwb {}",
        place + 1,
        format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(build.time)),
        build.ending(),
        seconds(Duration::from_secs_f64(build.wall)),
        built.count(),
        build.arguments.join(" ")
    ))
}

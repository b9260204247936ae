//! `pwb report`: a build of the past as a page.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use humantime::format_rfc3339_seconds;
use pwb_cache::Entry;
use pwb_engine::Store;

use super::say;
use crate::cli::{Cli, Report};
use crate::context::Context;
use crate::journal::{End, Kept};
use crate::page::page;
use crate::progress::seconds;
use crate::report::Failure;
use crate::units::many;

pub fn run(cli: &Cli, arguments: &Report) -> Result<ExitCode, Failure> {
    let context = Context::new(cli)?;
    let kept = Kept::new(context.builds());
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
    let store = context.store()?;
    let page = page(&Kept::read(&path)?, |digest| size(&store, digest));
    let written = std::fs::write(&arguments.output, page);
    written.map_err(|error| Failure::io("write", &arguments.output, &error))?;
    say(arguments.output.display());
    Ok(ExitCode::SUCCESS)
}

/// The size of all files in the result with this digest, in bytes.
fn size(store: &Store, digest: &str) -> Option<u64> {
    let (hash, _) = digest.split_once('/')?;
    let found = store.beginning_with(hash).ok()?;
    let tree = found.iter().find_map(|entry| match entry {
        Entry::Directory(tree) => Some(*tree),
        _ => None,
    })?;
    let entries = store.entries(tree).ok()?;
    let files = entries.values().filter_map(|entry| match entry {
        Entry::File { digest, .. } => Some(digest.size()),
        _ => None,
    });
    Some(files.sum())
}

fn chosen(journals: &[PathBuf], build: usize) -> Result<PathBuf, Failure> {
    let place = build.saturating_sub(1);
    journals
        .get(place)
        .cloned()
        .ok_or_else(|| match journals.len() as u64 {
            0 => Failure::new(
                "nothing has been built in this store that was written down",
                "builds that ran something are: `pwb realize TARGET`",
            ),
            count => Failure::new(
                format!(
                    "there is no build {build}: the store has {}",
                    many(count, "build")
                ),
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

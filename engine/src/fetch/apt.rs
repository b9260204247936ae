//! Running the host's apt: its sources, and its transports for downloads. Knows nothing of pins or of lock files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tempfile::{NamedTempFile, TempPath};

use super::error::{Error, Result};
use super::failure::Cause;
use super::mirror::Source;

const HELPER: &str = "/usr/lib/apt/apt-helper";
/// The wait between two looks at the growing files: short at first, for small files, then longer.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);
const SOURCE_FORMAT: &str = "$(REPO_URI)\t$(COMPONENT)\t$(RELEASE)\t$(ORIGIN)\t$(LABEL)";

/// Whether this host has apt with its helper.
pub(super) fn is_here() -> bool {
    Path::new(HELPER).exists()
}

/// A program of apt's, speaking plain English.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").env_remove("LANGUAGE").stdin(Stdio::null());
    command
}

/// Runs to the end; what it wrote to standard output.
pub(super) fn run(command: &mut Command, doing: &str) -> Result<String> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(Error::io("run", &program))?;
    if !output.status.success() {
        let log = [output.stdout, output.stderr].concat();
        return Err(Error::Apt { doing: doing.to_owned(), log: complaints(&String::from_utf8_lossy(&log)) });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The sources of the host's apt, in its order; with what the release files say of them, or without those.
pub(super) fn sources(with_release_info: bool) -> Result<Vec<Source>> {
    let mut command = command("apt-get");
    command.args(["indextargets", "--format", SOURCE_FORMAT]);
    if !with_release_info {
        command.arg("--no-release-info");
    }
    command.arg("Created-By: Packages");
    let answer = run(&mut command, "list its sources")?;
    Ok(answer.lines().map(source).collect())
}

fn source(line: &str) -> Source {
    // A field that apt has no value for stays as it stood in the format.
    let mut fields = line.split('\t').map(|field| if field.starts_with("$(") { "" } else { field }.to_owned());
    let mut next = || fields.next().unwrap_or_default();
    Source { uri: next(), component: next(), release: next(), origin: next(), label: next() }
}

/// Downloads every URI with one apt process. `watch` is told the bytes so far, and ends it all by answering false.
/// The outer error is of this machine; the inner ones are the sources', in the order of `uris`.
pub(super) fn download(
    uris: &[String],
    scratch: &Path,
    watch: &mut dyn FnMut(u64) -> bool,
) -> Result<Vec<std::result::Result<TempPath, Cause>>> {
    let folder = tempfile::Builder::new().prefix("apt-").tempdir_in(scratch).map_err(Error::io("write in", scratch))?;
    let files: Vec<PathBuf> = (0..uris.len()).map(|index| folder.path().join(index.to_string())).collect();
    let mut log = tempfile::tempfile_in(scratch).map_err(Error::io("write in", scratch))?;
    let mut command = command(HELPER);
    // Files are taken over by their digests alone, so apt need not drop to a user that cannot write here.
    command.args(["-qq", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=2", "download-file"]);
    for (uri, file) in uris.iter().zip(&files) {
        command.arg(uri).arg(file).arg("");
    }
    command.stdout(Stdio::null()).stderr(log.try_clone().map_err(Error::io("write in", scratch))?);
    let child = command.spawn().map_err(Error::io("run", Path::new(HELPER)))?;
    let ended = wait(child, &files, watch)?;
    let answers = read_log(&mut log).map_err(Error::io("read apt's messages in", scratch))?;
    let complaints = failures(&answers);
    let taken = uris.iter().zip(&files).map(|(uri, file)| match complaints.get(uri) {
        None if ended && file.exists() => take(file, scratch).map_err(Cause::from),
        None => Err(Cause::Apt(self::complaints(&answers))),
        Some(answer) if answer.starts_with("404") => Err(Cause::Gone { answer: answer.clone() }),
        Some(answer) => Err(Cause::Apt(answer.clone())),
    });
    Ok(taken.collect())
}

/// Waits for the child; false when `watch` has ended it.
fn wait(mut child: Child, files: &[PathBuf], watch: &mut dyn FnMut(u64) -> bool) -> Result<bool> {
    let helper = Path::new(HELPER);
    let mut pause = SHORTEST;
    loop {
        let ended = child.try_wait().map_err(Error::io("wait for", helper))?.is_some();
        let sizes = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len());
        if !watch(sizes.sum()) && !ended {
            child.kill().map_err(Error::io("end", helper))?;
            child.wait().map_err(Error::io("wait for", helper))?;
            return Ok(false);
        }
        if ended {
            return Ok(true);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

/// Moves a file out of its folder, which is about to go.
fn take(file: &Path, scratch: &Path) -> Result<TempPath> {
    let place = NamedTempFile::with_prefix_in("download-", scratch).map_err(Error::io("create a file in", scratch))?;
    let place = place.into_temp_path();
    fs::rename(file, &place).map_err(Error::io("rename", file))?;
    Ok(place)
}

fn read_log(log: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    log.seek(SeekFrom::Start(0))?;
    log.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// By URI, what apt says of the files it did not get: `E: Failed to fetch URI  404  Not Found [IP: …]`.
fn failures(log: &str) -> HashMap<String, String> {
    let lines = log.lines().filter_map(|line| line.strip_prefix("E: Failed to fetch "));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs
        .map(|(uri, answer)| (percent_decode_str(uri).decode_utf8_lossy().into_owned(), answer.trim().to_owned()))
        .collect()
}

/// The lines of apt's errors, or the last lines where it calls nothing an error.
pub(super) fn complaints(log: &str) -> String {
    const MOST: usize = 12;
    let errors: Vec<&str> = log.lines().filter(|line| line.starts_with("E:") || line.starts_with("Err:")).collect();
    let lines = if errors.is_empty() { log.lines().filter(|line| !line.trim().is_empty()).collect() } else { errors };
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_by_uri() {
        let log =
            "E: Failed to fetch http://m/pool/a%2bb%7e1.deb  404  Not Found [IP: 192.0.2.1 80]\nE: Download Failed\n";
        let answers = failures(log);
        assert_eq!(answers["http://m/pool/a+b~1.deb"], "404  Not Found [IP: 192.0.2.1 80]");
        assert_eq!(answers.len(), 1);
    }

    #[test]
    fn a_field_without_value_is_empty() {
        let source = source("http://m/debian/\tmain\tx\t$(ORIGIN)\t$(LABEL)");
        assert_eq!((source.uri.as_str(), source.origin.as_str(), source.label.as_str()), ("http://m/debian/", "", ""));
    }
}

//! Running the host's apt: its sources, and its transports for downloads. Knows nothing of pins or of lock files.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::{NamedTempFile, TempPath};

use super::error::{Error, Result};
use super::failure::{Cause, complaints};
use super::mirror::Source;

const HELPER: &str = "/usr/lib/apt/apt-helper";
/// The wait between two looks at the growing file: short at first, for a small one, then longer.
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
    command
        .env("LC_ALL", "C")
        .env_remove("LANGUAGE")
        .stdin(Stdio::null());
    command
}

/// Runs to the end; what it wrote to standard output.
pub(super) fn run(command: &mut Command, doing: &str) -> Result<String> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(Error::io("run", &program))?;
    if !output.status.success() {
        let log = [output.stdout, output.stderr].concat();
        return Err(Error::Apt {
            doing: doing.to_owned(),
            log: complaints(&String::from_utf8_lossy(&log)),
        });
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
    let mut fields = line
        .split('\t')
        .map(|field| if field.starts_with("$(") { "" } else { field }.to_owned());
    let mut next = || fields.next().unwrap_or_default();
    Source {
        uri: next(),
        component: next(),
        release: next(),
        origin: next(),
        label: next(),
    }
}

/// Downloads `uri` with a process of apt's. `watch` is told the bytes so far.
pub(super) fn download(
    uri: &str,
    scratch: &Path,
    watch: &mut dyn FnMut(u64),
) -> std::result::Result<TempPath, Cause> {
    let folder = tempfile::Builder::new()
        .prefix("apt-")
        .tempdir_in(scratch)
        .map_err(Error::io("write in", scratch))?;
    let file = folder.path().join("file");
    let mut log = tempfile::tempfile_in(scratch).map_err(Error::io("write in", scratch))?;
    let mut command = command(HELPER);
    // The file is taken over by its digest alone, so apt need not drop to a user that cannot write here.
    command.args([
        "-qq",
        "-o",
        "APT::Sandbox::User=",
        "-o",
        "Acquire::Retries=2",
        "download-file",
        uri,
    ]);
    command.arg(&file).arg("");
    command
        .stdout(Stdio::null())
        .stderr(log.try_clone().map_err(Error::io("write in", scratch))?);
    let child = command
        .spawn()
        .map_err(Error::io("run", Path::new(HELPER)))?;
    let status = wait(child, &file, watch)?;
    if status.success() && file.exists() {
        return Ok(take(&file, scratch)?);
    }
    let failed = |words| Cause::Client {
        client: "apt",
        words,
    };
    let log = read_log(&mut log).map_err(Error::io("read apt's messages in", scratch))?;
    Err(match refusal(&log) {
        Some(answer) if answer.starts_with("404") => Cause::Gone {
            answer: answer.to_owned(),
        },
        Some(answer) => failed(answer.to_owned()),
        None => failed(complaints(&log)),
    })
}

/// Waits for the child, and watches its file grow.
fn wait(mut child: Child, file: &Path, watch: &mut dyn FnMut(u64)) -> Result<ExitStatus> {
    let mut pause = SHORTEST;
    loop {
        let status = child
            .try_wait()
            .map_err(Error::io("wait for", Path::new(HELPER)))?;
        watch(fs::metadata(file).map_or(0, |file| file.len()));
        if let Some(status) = status {
            return Ok(status);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}

/// Moves a file out of its folder, which is about to go.
pub(super) fn take(file: &Path, scratch: &Path) -> Result<TempPath> {
    let place = NamedTempFile::with_prefix_in("download-", scratch)
        .map_err(Error::io("create a file in", scratch))?;
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

/// What apt says of the file that it did not get: `E: Failed to fetch URI  404  Not Found [IP: …]`.
fn refusal(log: &str) -> Option<&str> {
    let line = log
        .lines()
        .find_map(|line| line.strip_prefix("E: Failed to fetch "))?;
    line.split_once(' ').map(|(_uri, answer)| answer.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_told_without_the_uri() {
        let log = "E: Failed to fetch http://m/pool/a%2bb%7e1.deb  404  Not Found [IP: 192.0.2.1 80]\nE: Download Failed\n";
        assert_eq!(refusal(log), Some("404  Not Found [IP: 192.0.2.1 80]"));
        assert_eq!(refusal("E: Download Failed\n"), None);
    }

    #[test]
    fn a_field_without_value_is_empty() {
        let source = source("http://m/debian/\tmain\tx\t$(ORIGIN)\t$(LABEL)");
        assert_eq!(
            (
                source.uri.as_str(),
                source.origin.as_str(),
                source.label.as_str()
            ),
            ("http://m/debian/", "", "")
        );
    }
}

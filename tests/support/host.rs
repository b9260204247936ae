//! What a test looks for on the machine: processes, mounts, and a pwb that is still running.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Said;

/// A pwb that was started; killed if the test forgets it.
pub struct Running(Option<Child>);

impl Running {
    pub(super) fn start(mut command: Command) -> Running {
        Running(Some(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        ))
    }

    /// Starts it with all that it says in a file.
    pub(super) fn start_into(mut command: Command, file: &Path) -> Running {
        let out = fs::File::create(file).unwrap();
        let err = out.try_clone().unwrap();
        Running(Some(command.stdout(out).stderr(err).spawn().unwrap()))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id()), signal).unwrap();
    }

    /// The number of its process.
    pub fn id(&self) -> i32 {
        i32::try_from(self.0.as_ref().unwrap().id()).unwrap()
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Said {
        Said::from(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The processes of this machine that have `word` in their command line.
pub fn processes(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // A process may end while it is looked at.
        let Ok(command) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(word) {
            found.push(format!("{} {command}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

/// The lines of this machine's mount table that name something below `folder`.
pub fn mounts_below(folder: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let folder = folder.to_string_lossy();
    table
        .lines()
        .filter(|line| line.contains(&*folder))
        .map(str::to_owned)
        .collect()
}

/// Waits, ten seconds at most, until it holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "waited in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! A process with a log, which does not outlive what started it. Knows nothing of servers.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

const LONGEST_START: Duration = Duration::from_secs(60);
const LONGEST_END: Duration = Duration::from_secs(5);

/// Killed when it is dropped, with all of its process group; and when the thread that started it ends.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// What it is asked to stop with, before it is killed.
    farewell: Option<Signal>,
}

impl Process {
    /// Starts it. All that it says goes into the file.
    pub fn start(command: &Command, log: &Path) -> Process {
        let out = File::create(log).unwrap();
        let mut leashed = Command::new("setpriv");
        leashed.args(["--pdeathsig", "KILL"]);
        leashed.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => leashed.env(name, value),
                None => leashed.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            leashed.current_dir(folder);
        }
        leashed
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .process_group(0);
        Process {
            child: leashed.spawn().unwrap(),
            log: log.to_owned(),
            farewell: None,
        }
    }

    /// The same, asked to stop by this signal.
    pub fn stopped_by(mut self, signal: Signal) -> Process {
        self.farewell = Some(signal);
        self
    }

    /// Waits until it holds; false if the process ends before.
    #[track_caller]
    pub fn is_up(&mut self, mut holds: impl FnMut(&Process) -> bool) -> bool {
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if holds(self) {
                return true;
            }
            let log = self.log();
            assert!(begin.elapsed() < LONGEST_START, "it never answers:\n{log}");
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn id(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(signal) = self.farewell {
            let begin = Instant::now();
            let _ = kill(self.id(), signal);
            while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < LONGEST_END {
                thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = killpg(self.id(), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A port of 127.0.0.1 that nobody uses now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

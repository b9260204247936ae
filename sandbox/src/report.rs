//! What the nursery and init tell the caller, one JSON line each over the control socket.
//!
//! Knows neither how the steps are done nor how a failure is worded for the user.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::spec::{Status, Usage};

/// One line from inside.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The sandbox could not be set up; nothing was run.
    Failed(Failure),
    /// The sandbox stood, the command could not be executed.
    Unrunnable(Unrunnable),
    /// The command ended.
    Ended(Status),
    /// Sent last, by the nursery, after all in the sandbox is dead.
    Used(Usage),
}

/// A step of the set-up that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub step: Step,
    pub path: Option<PathBuf>,
    pub errno: i32,
}

/// A command that `execve` refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unrunnable {
    pub command: String,
    /// The file that was tried, where there is one.
    pub file: Option<PathBuf>,
    /// `PATH` inside.
    pub searched: String,
    pub errno: i32,
}

/// The steps of the set-up, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    /// Receiving the spec.
    Receive,
    /// `unshare(2)`.
    Unshare,
    /// `/proc/self/uid_map` and its like.
    MapIds,
    /// Record lock and death signal between nursery and init.
    Lifeline,
    /// The tmpfs that the root is assembled on.
    Skeleton,
    /// A directory or file to mount on.
    MountPoint,
    /// The file tree that becomes `/`.
    Root,
    /// A read-only or writable mount.
    Bind,
    /// An overlay mount.
    Overlay,
    /// `/dev` and what is in it.
    Dev,
    /// `/tmp`.
    Tmp,
    /// `/proc`.
    Proc,
    /// `pivot_root(2)` and leaving the host's tree.
    Pivot,
    /// The working directory.
    Cwd,
    /// Host name and resource limits.
    Identity,
    /// Dropping capabilities.
    Privileges,
    /// The system call filter.
    Seccomp,
    /// Starting and awaiting the command.
    Start,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receive => "receive the spec",
            Self::Unshare => "create namespaces",
            Self::MapIds => "map the user and group id",
            Self::Lifeline => "tie the sandbox to its caller's life",
            Self::Skeleton => "mount the tmpfs to assemble the root on",
            Self::MountPoint => "make a mount point",
            Self::Root => "mount the root",
            Self::Bind => "bind a mount",
            Self::Overlay => "mount an overlay",
            Self::Dev => "set up /dev",
            Self::Tmp => "set up /tmp",
            Self::Proc => "mount /proc",
            Self::Pivot => "enter the new root",
            Self::Cwd => "enter the working directory",
            Self::Identity => "set host name and limits",
            Self::Privileges => "drop privileges",
            Self::Seccomp => "install the system call filter",
            Self::Start => "start the command",
        })
    }
}

/// Turns a failed system call into a [`Failure`] that says where.
pub(crate) trait Blame<T> {
    /// For a step without a path.
    fn blame(self, step: Step) -> Result<T, Failure>;
    /// For a step on a path.
    fn blame_at(self, step: Step, path: &Path) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Blame<T> for Result<T, E> {
    fn blame(self, step: Step) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            step,
            path: None,
            errno: errno(error),
        })
    }

    fn blame_at(self, step: Step, path: &Path) -> Result<T, Failure> {
        self.map_err(|error| Failure {
            step,
            path: Some(path.to_owned()),
            errno: errno(error),
        })
    }
}

fn errno(error: impl Into<io::Error>) -> i32 {
    error.into().raw_os_error().unwrap_or(nix::libc::EINVAL)
}

/// Sends a message. There is nobody left to tell when this fails: the caller is dead, or sees the socket's end.
pub(crate) fn send(mut control: &UnixStream, message: &Message) {
    if let Ok(mut line) = serde_json::to_vec(message) {
        line.push(b'\n');
        let _ = control.write_all(&line);
    }
}

/// Reads back what [`send`] wrote; a line cut short by a death is left out.
pub(crate) fn parse(received: &[u8]) -> Vec<Message> {
    received
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn messages_survive_the_socket() {
        let (sender, mut receiver) = UnixStream::pair().unwrap();
        let failed = Message::Failed(Failure {
            step: Step::Proc,
            path: Some("/proc".into()),
            errno: 1,
        });
        send(&sender, &failed);
        send(&sender, &Message::Ended(Status::Signal(9)));
        drop(sender);
        let mut received = Vec::new();
        receiver.read_to_end(&mut received).unwrap();
        received.extend_from_slice(b"{\"Used\":{\"us");
        assert_eq!(
            parse(&received),
            [failed, Message::Ended(Status::Signal(9))]
        );
    }
}

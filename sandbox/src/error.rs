//! What can go wrong before the command has an exit status, and what to do about it.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::advice;
use crate::report::{Failure, Step, Unrunnable};

/// A run that did not get as far as an exit status of the command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec contradicts itself.
    #[error("invalid sandbox: {0}")]
    Invalid(String),
    /// The process' `main` did not begin with [`crate::enter_if_asked`].
    #[error("this program cannot start a sandbox: its main does not begin with enter_if_asked")]
    NotArmed,
    /// The sandbox could not be begun or talked to.
    #[error("cannot {action} the sandbox: {source}")]
    Helper {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The sandbox could not be set up; nothing was run.
    #[error("cannot {step}{}: {}", at(path), Errno::from_raw(*errno).desc())]
    Setup {
        /// What was tried.
        step: Step,
        /// On which file of the host or path inside.
        path: Option<PathBuf>,
        /// The system's error number.
        errno: i32,
        /// What to change.
        hint: Option<String>,
    },
    /// No file for the command's first word.
    #[error("command not found: {command}")]
    CommandNotFound {
        /// The first word.
        command: String,
        /// `PATH` inside.
        searched: String,
    },
    /// There is a file, the kernel does not run it.
    #[error("cannot execute {}: {reason}", file.display())]
    NotExecutable {
        /// Path inside.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It died without a word.
    #[error("the sandbox was killed from outside")]
    Lost,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whoever wrote the command, mounts and environment.
    Recipe,
    /// Whoever runs the machine.
    Environment,
    /// The program that uses this crate.
    Internal,
}

impl Error {
    /// Who can mend it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) | Self::NotArmed => Kind::Internal,
            Self::CommandNotFound { .. } | Self::NotExecutable { .. } => Kind::Recipe,
            Self::Setup {
                step: Step::MountPoint | Step::Cwd,
                ..
            } => Kind::Recipe,
            Self::Helper { .. } | Self::Setup { .. } | Self::Lost => Kind::Environment,
        }
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Setup { hint, .. } => hint.clone(),
            Self::CommandNotFound { command, .. } if command.contains('/') => Some(
                "the path is looked up inside the sandbox: is it in the root or in a mount?".into(),
            ),
            Self::CommandNotFound { searched, .. } => {
                Some(format!("PATH inside the sandbox is {searched:?}"))
            }
            Self::Lost => Some("the kernel's out-of-memory killer leaves a line in `dmesg`".into()),
            Self::Helper { .. } => Some(advice::limits()),
            Self::Invalid(_) | Self::NotArmed | Self::NotExecutable { .. } => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(Failure { step, path, errno }: Failure) -> Self {
        let hint = advice::after(step, path.as_deref(), errno);
        Self::Setup {
            step,
            path,
            errno,
            hint,
        }
    }
}

impl From<Unrunnable> for Error {
    fn from(
        Unrunnable {
            command,
            file,
            searched,
            errno,
        }: Unrunnable,
    ) -> Self {
        let Some(file) = file else {
            return Self::CommandNotFound { command, searched };
        };
        let reason = match Errno::from_raw(errno) {
            Errno::EAGAIN | Errno::ENOMEM => {
                return Self::Helper {
                    action: "start the command in",
                    source: io::Error::from_raw_os_error(errno),
                };
            }
            Errno::ENOENT => {
                "the interpreter it names (ELF loader or #! line) does not exist in the sandbox"
                    .into()
            }
            Errno::ENOEXEC => {
                "it is neither a program for this machine nor a script with a #! line".into()
            }
            Errno::EACCES => "it is a directory, or lacks the executable bit".into(),
            Errno::E2BIG => "its arguments and environment are too long for the kernel".into(),
            other => other.desc().to_owned(),
        };
        Self::NotExecutable { file, reason }
    }
}

fn at(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(String::new, |path| format!(" ({})", path.display()))
}

//! What to run and what came of it: plain data, no system calls.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// One process in isolation. All paths on the host are absolute and UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The file tree that becomes `/`, read-only. It is never written, and mount points need not exist in it.
    pub root: PathBuf,
    /// What else the process sees. A mount may lie inside another one.
    pub mounts: Vec<Mount>,
    /// Programs of the root that ask before they run.
    pub calling: Option<Calling>,
    /// The command; a first word without a slash is looked up in `PATH` of [`Spec::env`], inside the sandbox.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// The working directory inside; created where it does not exist and can be.
    pub cwd: PathBuf,
    /// Where standard input and output go.
    pub stdio: Stdio,
    /// Whether the host's network is visible. Without it there is one loopback interface, which is down.
    pub network: bool,
    /// Wall time after which everything in the sandbox is killed.
    pub timeout: Option<Duration>,
    /// An existing directory of the host, private to this run. The one thing made in it is `assembly`, an empty directory:
    /// the new root is assembled on a mount there, which no other process of the host sees. Sources may lie in it.
    pub scratch: PathBuf,
}

/// Where standard input and output go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stdio {
    /// Input is `/dev/null`, output and errors are one stream to the caller, in a session without a terminal.
    Captured,
    /// The caller's own three streams and its terminal.
    Inherited,
}

/// Something mounted over the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path inside. Symbolic links of the root on the way are followed, inside the root.
    pub target: PathBuf,
    /// What is to be seen there.
    pub source: Source,
}

/// Programs in whose place the launcher stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The socket of [`crate::Calls`].
    pub socket: PathBuf,
    /// Paths inside; a path that the root does not have, or that a mount hides, is left alone.
    pub programs: Vec<PathBuf>,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A directory or file of the host that cannot be written. What goes into a fifo is no change to it.
    ReadOnly(PathBuf),
    /// A directory or file of the host. What the process writes lands in it.
    Writable(PathBuf),
    /// A directory that starts with the content of `lower`; what changes lands in `upper`.
    /// `upper` and `work` are on one file system, and `work` is empty: a second run needs a new one.
    Overlay {
        /// Never changed.
        lower: PathBuf,
        /// Receives changed files whole, and overlayfs' marks for removed ones (`user.overlay.*`, 0/0 devices).
        upper: PathBuf,
        /// overlayfs' own; to be deleted with [`crate::remove_tree`].
        work: PathBuf,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The command's end.
    pub status: Status,
    /// What the command and its descendants used, the sandbox' own set-up (a few ms) included.
    pub usage: Usage,
    /// From the call of [`crate::run`] to its return.
    pub wall: Duration,
}

/// The command's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It exited by itself.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
    /// [`Spec::timeout`] passed, and all was killed.
    TimedOut,
}

/// Resources used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// Peak resident memory of the largest process.
    pub max_rss_bytes: u64,
}

impl Spec {
    /// Refuses what could never run, before anything is started.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let invalid = |why: String| Err(Error::Invalid(why));
        if self.argv.first().is_none_or(String::is_empty) {
            return invalid("the command is empty".into());
        }
        let words = self
            .argv
            .iter()
            .chain(self.env.iter().flat_map(|(name, value)| [name, value]));
        if let Some(word) = words.into_iter().find(|word| word.contains('\0')) {
            return invalid(format!("{word:?} contains a NUL byte"));
        }
        if let Some((name, _)) = self
            .env
            .iter()
            .find(|(name, _)| name.is_empty() || name.contains('='))
        {
            return invalid(format!(
                "{name:?} is not a name for an environment variable"
            ));
        }
        let sources = self.mounts.iter().flat_map(|mount| mount.source.paths());
        let socket = self.calling.iter().map(|calling| &*calling.socket);
        for path in sources.chain(socket).chain([&*self.root, &*self.scratch]) {
            if !path.is_absolute() || path.to_str().is_none() {
                return invalid(format!(
                    "host path {} is not absolute UTF-8",
                    path.display()
                ));
            }
        }
        for path in self
            .mounts
            .iter()
            .map(|mount| &*mount.target)
            .chain(
                self.calling
                    .iter()
                    .flat_map(|calling| &calling.programs)
                    .map(|path| &**path),
            )
            .chain([&*self.cwd])
        {
            let plain =
                |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
            if !path.is_absolute() || !path.components().all(plain) || path.to_str().is_none() {
                return invalid(format!(
                    "path {} in the sandbox is not absolute, plain UTF-8",
                    path.display()
                ));
            }
        }
        for (index, mount) in self.mounts.iter().enumerate() {
            let target = &mount.target;
            if target == Path::new("/") || target.starts_with("/proc") {
                return invalid(format!("{} cannot be a mount's target", target.display()));
            }
            if self.mounts[..index]
                .iter()
                .any(|earlier| earlier.target == *target)
            {
                return invalid(format!("{} is the target of two mounts", target.display()));
            }
        }
        Ok(())
    }
}

impl Source {
    /// Every host path that the source names.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::ReadOnly(path) | Self::Writable(path) => vec![path],
            Self::Overlay { lower, upper, work } => vec![lower, upper, work],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec {
            root: "/root".into(),
            mounts: vec![],
            calling: None,
            argv: vec!["true".into()],
            env: vec![],
            cwd: "/".into(),
            stdio: Stdio::Captured,
            network: false,
            timeout: None,
            scratch: "/scratch".into(),
        }
    }

    fn mount(target: &str) -> Mount {
        Mount {
            target: target.into(),
            source: Source::ReadOnly("/source".into()),
        }
    }

    #[test]
    fn accepts_the_plain_case() {
        let spec = Spec {
            mounts: vec![mount("/a/b"), mount("/a")],
            ..spec()
        };
        assert!(spec.check().is_ok());
    }

    #[test]
    fn refuses_what_cannot_run() {
        let wrong = [
            Spec {
                argv: vec![],
                ..spec()
            },
            Spec {
                argv: vec!["a\0b".into()],
                ..spec()
            },
            Spec {
                env: vec![("A=B".into(), String::new())],
                ..spec()
            },
            Spec {
                root: "relative".into(),
                ..spec()
            },
            Spec {
                cwd: "/a/../b".into(),
                ..spec()
            },
            Spec {
                mounts: vec![mount("/")],
                ..spec()
            },
            Spec {
                mounts: vec![mount("/proc/self")],
                ..spec()
            },
            Spec {
                mounts: vec![mount("a")],
                ..spec()
            },
            Spec {
                mounts: vec![mount("/a"), mount("/a/")],
                ..spec()
            },
        ];
        for spec in wrong {
            assert!(matches!(spec.check(), Err(Error::Invalid(_))), "{spec:?}");
        }
    }
}

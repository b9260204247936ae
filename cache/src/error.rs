//! Everything that can go wrong in the store, with who can mend it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rustix::io::Errno;

use crate::digest::Digest;
use crate::filter::PatternError;
use crate::index::is_damage;
use crate::path::TreePathError;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who can mend an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The command line or the files it names.
    User,
    /// The recipe.
    Recipe,
    /// This machine: disk, permissions, network, kernel settings.
    Environment,
    /// pwb itself.
    Internal,
}

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file-system call failed.
    #[error("cannot {verb} {}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `rename`.
        verb: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The system refused a thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// SQLite refused a statement.
    #[error("the index {} cannot {verb}", path.display())]
    Index {
        /// What was tried, as a verb phrase.
        verb: &'static str,
        /// The database file.
        path: PathBuf,
        /// SQLite's answer.
        source: rusqlite::Error,
    },
    /// The store was written by a newer pwb.
    #[error("the store {} has schema version {found}, this pwb knows versions up to {known}", path.display())]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// The version found in it.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The disk has lost something that this process wrote, and nothing says what.
    #[error(
        "the disk of the store {} has failed to write, so nothing more is taken into the store",
        .0.display()
    )]
    Unsafe(PathBuf),
    /// Other processes use a store that nobody may use just now.
    #[error("another pwb uses the store {}", .0.display())]
    InUse(PathBuf),
    /// An object that something refers to is not in the store, or not whole.
    #[error("object {0} is missing from the store")]
    Missing(Digest),
    /// Bytes that should be a message are not one.
    #[error("object {digest} is not a well-formed {what}: {why}")]
    Malformed {
        /// The object.
        digest: Digest,
        /// The message expected.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A path that cannot stand in a tree.
    #[error(transparent)]
    Path(#[from] TreePathError),
    /// A text that is no pattern of paths.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A file that a tree cannot hold: a device, a socket, a fifo, a name that is not UTF-8.
    #[error("{} {why}, and no tree can hold that", path.display())]
    Unholdable {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// A file that is written to, or removed, while it is imported.
    #[error("{} changes while it is imported", .0.display())]
    Changing(PathBuf),
    /// A path that leads through a file or a link.
    #[error("`/{path}` leads through something that is not a directory")]
    NotADirectory {
        /// The path.
        path: String,
    },
    /// Two trees claim a path with different contents, and nobody has said who wins.
    #[error("two trees claim `{path}`")]
    Conflict {
        /// The path.
        path: String,
    },
    /// A path inside a tree that is not there.
    #[error("there is no `{path}` in tree {tree}")]
    NoSuchPath {
        /// The path looked for.
        path: String,
        /// The tree it was looked for in.
        tree: Digest,
    },
}

impl Error {
    /// Who can mend it.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io { .. }
            | Error::Thread(_)
            | Error::Index { .. }
            | Error::NewerSchema { .. }
            | Error::Unsafe(_)
            | Error::InUse(_) => Kind::Environment,
            Error::Path(_)
            | Error::Pattern(_)
            | Error::Unholdable { .. }
            | Error::NotADirectory { .. } => Kind::Recipe,
            Error::Conflict { .. } | Error::NoSuchPath { .. } => Kind::Recipe,
            Error::Changing(_) => Kind::User,
            Error::Missing(_) | Error::Malformed { .. } => Kind::Internal,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::NewerSchema { .. } => {
                Some("use that newer pwb, or another store (PWB_STORE=DIR)".into())
            }
            Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                Some("free some disk, or move the store with PWB_STORE=DIR".into())
            }
            Error::Io { source, path, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(format!("check who owns {}, and its folder", path.display()))
            }
            Error::Io { source, .. } if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Some("use another store: PWB_STORE=DIR".into())
            }
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                Some("a folder is wanted where a file is".into())
            }
            Error::Thread(_) => Some(
                "`ulimit -u`, and the limit of pids of a container, say how many there may be"
                    .into(),
            ),
            Error::Index { path, source, .. } if is_damage(source) => Some(format!(
                "`pwb store repair` saves what it can; or remove {}: all is found or built again",
                path.display()
            )),
            Error::Index { source, .. } => match source.sqlite_error_code()? {
                ErrorCode::ReadOnly => Some(
                    "check who may write to the store, or use another one: PWB_STORE=DIR".into(),
                ),
                // SQLite does not say why.
                ErrorCode::CannotOpen | ErrorCode::SystemIoFailure => Some(
                    "check who may write to the store, and whether its disk has room (`df`, `df -i`) and is well (`dmesg`)"
                        .into(),
                ),
                ErrorCode::DiskFull => {
                    Some("free some disk, or move the store with PWB_STORE=DIR".into())
                }
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                    Some("another process holds it for long: run the command again".into())
                }
                _ => None,
            },
            Error::Malformed { .. } => Some("`pwb store repair` forgets what is damaged".into()),
            Error::Unsafe(_) => Some(
                "see whether the disk is well (`dmesg`) and has room (`df`), then start pwb again"
                    .into(),
            ),
            Error::InUse(_) => Some("run the command again once it has ended".into()),
            Error::Changing(_) => Some("run the command again once nothing writes to it".into()),
            Error::Missing(_) => {
                Some("realize it: what is missing is built or fetched anew".into())
            }
            _ => None,
        }
    }

    /// Whether the disk does not give back what was written to it.
    pub(crate) fn is_unreadable(&self) -> bool {
        let bad = [Errno::IO, Errno::UCLEAN, Errno::BADMSG].map(|errno| errno.raw_os_error());
        matches!(self, Error::Io { source, .. } if source.raw_os_error().is_some_and(|code| bad.contains(&code)))
    }

    /// The path of a file, and the system's answer; another error as it is.
    pub(crate) fn told(&self) -> String {
        match self {
            Error::Io { path, source, .. } => format!("{}: {source}", path.display()),
            other => other.to_string(),
        }
    }

    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { verb, path, source }
    }
}

//! Everything that can go wrong between a request and its result, with who can mend it.

use std::path::PathBuf;

use pwb_cache::Kind;

use crate::check::{Outcome, Unexpected};
use crate::fetch;
use crate::recipe::Diagnostics;
use crate::work::IGNORE_FILE;

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recipes, or what was asked of them, do not hold together.
    #[error("{}", .0.render(false))]
    Recipe(Diagnostics),
    /// The store.
    #[error(transparent)]
    Store(#[from] pwb_cache::Error),
    /// The sandbox could not be set up.
    #[error(transparent)]
    Sandbox(#[from] pwb_sandbox::Error),
    /// A download or an archive.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// A command ended with failure.
    #[error("{status}")]
    Command {
        /// How it ended, as a sentence.
        status: String,
        /// The end of its output.
        tail: String,
        /// All of its output.
        log: PathBuf,
        /// Where its files were kept, if that was asked for.
        kept: Option<PathBuf>,
    },
    /// A test ended otherwise than expected.
    #[error("{}", unexpected.status)]
    Test {
        /// How it ended, with its cases.
        outcome: Outcome,
        /// Where to look further.
        unexpected: Unexpected,
    },
    /// A check was asked for its files.
    #[error("`{0}` is a check: it has a verdict and no files")]
    IsCheck(String),
    /// Something else was asked for its verdict.
    #[error("`{0}` is not a check")]
    IsNoCheck(String),
    /// Two layers of a root claim one path.
    #[error("`{path}` is in `{first}` and, with other contents, in `{second}`")]
    Collision {
        /// The path.
        path: String,
        /// The layer that has it first.
        first: String,
        /// The layer that claims it too.
        second: String,
    },
    /// A reference's path, a mount point or an output is not what it must be.
    #[error("{what} `{path}`: {why}")]
    Path {
        /// `input`, `output`.
        what: &'static str,
        /// The path.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// A local folder is not there.
    #[error("cannot import the folder {}", path.display())]
    Folder {
        /// The folder, absolute.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Something in a local folder cannot be imported.
    #[error(transparent)]
    Import(pwb_cache::Error),
    /// A filter leaves nothing of an input.
    #[error("`{filter}` selects nothing of `{path}`")]
    NothingSelected {
        /// The input, as a reference.
        path: String,
        /// The filter.
        filter: String,
    },
    /// `--override` names nothing, or something that cannot be overridden.
    #[error("cannot override `{node}`: {why}")]
    Override {
        /// As it was given.
        node: String,
        /// What is wrong.
        why: String,
    },
    /// A result could not be published, for a reason that is reported for itself.
    #[error("its result could not be published")]
    Unpublished,
    /// A thread panicked: a defect of pwb.
    #[error("internal error: a thread panicked")]
    Panicked,
    /// Some nodes failed.
    #[error("{}", failed(.0))]
    Failed(Vec<Failure>),
    /// Objects go missing faster than they are made again.
    #[error("the store {} loses objects while it is used", .0.display())]
    Losing(PathBuf),
    /// The target says nothing of how to run it.
    #[error("nothing says how to run `{0}`")]
    NotRunnable(String),
    /// The node is no command.
    #[error("`{0}` runs no command")]
    NoCommand(String),
    /// The target does not say that it is a site.
    #[error("target `{0}` is not a site")]
    NotASite(String),
    /// The jobserver's fifo cannot be made.
    #[error("cannot make the jobserver {}", path.display())]
    Jobserver {
        /// The fifo.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// A node that failed.
#[derive(Debug)]
pub struct Failure {
    /// Its name.
    pub node: String,
    /// Why.
    pub error: Error,
}

impl Error {
    /// The same as the failure of this node; that an object is gone is nobody's.
    pub(crate) fn of(self, node: &str) -> Error {
        if self.is_lost() {
            return self;
        }
        let node = node.to_owned();
        Error::Failed(vec![Failure { node, error: self }])
    }

    /// A thread that the system refused.
    pub(crate) fn thread(refused: std::io::Error) -> Error {
        Error::Store(pwb_cache::Error::Thread(refused))
    }

    /// Whether an object was found missing, so that planning anew may mend it.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(
            self,
            Error::Store(pwb_cache::Error::Missing(_))
                | Error::Import(pwb_cache::Error::Missing(_))
        )
    }

    /// Who can mend it.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Recipe(_)
            | Error::Collision { .. }
            | Error::Path { .. }
            | Error::NothingSelected { .. }
            | Error::IsNoCheck(_)
            | Error::NotRunnable(_)
            | Error::NoCommand(_)
            | Error::NotASite(_) => Kind::Recipe,
            Error::Folder { .. }
            | Error::Import(pwb_cache::Error::Unholdable { .. })
            | Error::Command { .. }
            | Error::Test { .. }
            | Error::IsCheck(_)
            | Error::Override { .. } => Kind::User,
            Error::Store(error) | Error::Import(error) => error.kind(),
            Error::Fetch(error) => error.kind(),
            Error::Sandbox(error) => match error.kind() {
                pwb_sandbox::Kind::Recipe => Kind::Recipe,
                pwb_sandbox::Kind::Environment => Kind::Environment,
                pwb_sandbox::Kind::Internal => Kind::Internal,
            },
            Error::Failed(failures) => failures
                .first()
                .map_or(Kind::Internal, |failure| failure.error.kind()),
            Error::Losing(_) | Error::Jobserver { .. } | Error::Unpublished => Kind::Environment,
            Error::Panicked => Kind::Internal,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Folder { .. } => {
                Some("a path in a recipe is absolute, or relative to where pwb is run".into())
            }
            Error::Import(pwb_cache::Error::Unholdable { .. }) => Some(format!(
                "rename or remove it, or name it in {IGNORE_FILE} at the top of the folder"
            )),
            Error::Import(pwb_cache::Error::Io { source, path, .. })
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Some(format!(
                    "make {} readable, or name it in {IGNORE_FILE} at the top of the folder",
                    path.display()
                ))
            }
            Error::Store(error) | Error::Import(error) => error.hint(),
            Error::Sandbox(error) => error.hint(),
            Error::Fetch(error) => error.hint(),
            Error::Collision {
                path,
                first,
                second,
            } => Some(format!(
                "say who has it: wins: {{\"{path}\": \"{first}\"}} or \"{second}\""
            )),
            Error::NothingSelected { path, .. } => {
                let node = path.split(':').next().unwrap_or(path);
                Some(format!(
                    "patterns are paths from the top of `{path}`; `pwb realize {node}` shows what is there"
                ))
            }
            Error::IsCheck(_) => Some("`pwb test TARGET` runs a target's checks".into()),
            Error::NoCommand(_) => {
                Some("`pwb list --nodes` lists the nodes, `pwb show` says what they do".into())
            }
            Error::NotRunnable(_) => Some(
                "a target of a recipe may say it: run: Exec(root: …, mount: …, command: […])"
                    .into(),
            ),
            Error::NotASite(_) => {
                Some("if it is one, say so in its recipe: site: Site(index: \"index.html\")".into())
            }
            Error::Losing(_) => {
                Some("check the disk, and that nothing else removes files there".into())
            }
            Error::IsNoCheck(_) => {
                Some("`checks` of a target names nodes that are a Check(…)".into())
            }
            Error::Override { .. } => Some(
                "--override NODE=PATH: `pwb list --nodes` lists the nodes, and PATH is a folder"
                    .into(),
            ),
            Error::Path {
                what: "input",
                path,
                ..
            } => {
                let node = path.split(':').next().unwrap_or(path);
                Some(format!("`pwb ls {node}` shows what is there"))
            }
            Error::Jobserver { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some disk, or move the store with PWB_STORE=DIR".into())
            }
            Error::Jobserver { .. } => {
                Some("put the store on a file system that has fifos: PWB_STORE=DIR".into())
            }
            Error::Panicked => {
                Some("this is a defect of pwb: report it, with what stands above".into())
            }
            _ => None,
        }
    }
}

fn failed(failures: &[Failure]) -> String {
    let names: Vec<&str> = failures
        .iter()
        .map(|failure| failure.node.as_str())
        .collect();
    format!("failed: {}", names.join(", "))
}

//! Everything that can go wrong between a pinned name and its unpacked files, with who can mend it.

use std::io;
use std::path::{Path, PathBuf};

use pwb_cache::Kind;

use super::failure::{Cause, Failure};
use super::places::Place;

/// The module's result.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of downloading, unpacking or resolving packages.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file-system call failed.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `rename`.
        verb: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A download is needed, and the caller forbade connections.
    #[error("{what} has to be downloaded, and this is an offline run")]
    Offline {
        /// What is needed.
        what: String,
    },
    /// No source gave the bytes.
    #[error("cannot download {what}{}", lines(failures))]
    Sources {
        /// What is needed.
        what: String,
        /// What each source answered, in the order tried.
        failures: Vec<Failure>,
    },
    /// Nobody says where a kind of packages comes from.
    #[error("no {place} is known: none is set, and {why}")]
    NoPlace {
        /// What is not known.
        place: Place,
        /// Why the host's own client does not know it either.
        why: String,
    },
    /// A setting is no URL.
    #[error("the {place} `{setting}` is not a URL that begins with http://, https:// or file:///")]
    BadPlace {
        /// What is set.
        place: Place,
        /// To what.
        setting: String,
    },
    /// A closure is wanted on a host without apt.
    #[error("package closures are computed by apt, and this host has no `{0}`")]
    NoApt(&'static str),
    /// apt ended with failure.
    #[error("apt cannot {doing}:\n{log}")]
    Apt {
        /// What it was to do.
        doing: String,
        /// The end of what it wrote.
        log: String,
    },
    /// apt's answer is not of the form that its manual gives.
    #[error("apt's answer makes no sense: {0}")]
    AptAnswer(String),
    /// The suite has no such package, or the wanted packages exclude each other.
    #[error("suite {suite} cannot satisfy the packages wanted:\n{log}")]
    Unsatisfiable {
        /// The suite.
        suite: String,
        /// apt's words.
        log: String,
    },
    /// An archive cannot be decoded.
    #[error("{} is not a whole {format}: {why}", archive.display())]
    Damaged {
        /// The archive.
        archive: PathBuf,
        /// What it should have been.
        format: &'static str,
        /// What the decoder says.
        why: String,
    },
    /// An archive holds something that must not enter a tree.
    #[error("{} holds `{entry}`, which is refused: {why}", archive.display())]
    Refused {
        /// The archive.
        archive: PathBuf,
        /// The entry's name as the archive has it.
        entry: String,
        /// Why.
        why: String,
    },
    /// The consumer of an archive's entries wants no more of them. Never leaves this module.
    #[error("unpacking was stopped")]
    Stopped,
}

impl Error {
    /// Who can mend it.
    pub fn kind(&self) -> Kind {
        match self {
            Error::Io { .. } | Error::Offline { .. } | Error::NoPlace { .. } => Kind::Environment,
            Error::NoApt(_) | Error::Apt { .. } | Error::AptAnswer(_) => Kind::Environment,
            Error::Sources { failures, .. }
                if failures.iter().any(|one| one.cause.is_mismatch()) =>
            {
                Kind::Recipe
            }
            Error::Sources { .. } => Kind::Environment,
            Error::BadPlace { .. } => Kind::User,
            Error::Unsatisfiable { .. } | Error::Damaged { .. } | Error::Refused { .. } => {
                Kind::Recipe
            }
            Error::Stopped => Kind::Internal,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Offline { .. } => "run it once without --offline".into(),
            Error::Sources { failures, .. } => return sources_hint(failures),
            Error::NoPlace { place, .. } | Error::BadPlace { place, .. } => place.advice(),
            Error::NoApt(_) => {
                "run `pwb lock` on Debian or a derivative; the lock file it writes serves every host".into()
            }
            Error::Unsatisfiable { .. } => "correct the `want` list, or the suite".into(),
            Error::Damaged { .. } => {
                "check that `unpack` names the file's true format, and that the digest is right".into()
            }
            Error::Refused { .. } => {
                "pin an archive without it, or leave out `unpack` and unpack it in a Run".into()
            }
            Error::Apt { .. } | Error::AptAnswer(_) => {
                "see that `apt-get update` works on this host, or set PWB_DEBIAN_MIRROR".into()
            }
            Error::Io { source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                "free some disk, or move the store with PWB_STORE=DIR".into()
            }
            _ => return None,
        })
    }

    pub(super) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { verb, path, source }
    }
}

fn lines(failures: &[Failure]) -> String {
    failures
        .iter()
        .map(|failure| format!("\n  {failure}"))
        .collect()
}

fn sources_hint(failures: &[Failure]) -> Option<String> {
    let any = |test: fn(&Cause) -> bool| failures.iter().any(|failure| test(&failure.cause));
    if let Some(Cause::Mismatch { got, .. }) = failures
        .iter()
        .map(|one| &one.cause)
        .find(|cause| cause.is_mismatch())
    {
        return Some(format!(
            "if upstream changed the file, and you trust the change, pin {got}"
        ));
    }
    if let Some(Cause::Mirror(error)) = failures
        .iter()
        .map(|one| &one.cause)
        .find(|one| matches!(one, Cause::Mirror(_)))
    {
        return error.hint();
    }
    if any(|cause| matches!(cause, Cause::Gone { .. })) {
        return Some(
            "the mirror has newer packages than the lock file: run `pwb lock` for this root".into(),
        );
    }
    if any(|cause| matches!(cause, Cause::Unreachable(_))) {
        return Some(
            "check the network, http_proxy and https_proxy, or add a source that this host reaches"
                .into(),
        );
    }
    if any(|cause| matches!(cause, Cause::Status(_))) {
        return Some(
            "if it has moved, write into the recipe where it is now; the digest of a file stays the same"
                .into(),
        );
    }
    if any(|cause| matches!(cause, Cause::Client { .. })) {
        return Some("see that this client works by itself on this host".into());
    }
    any(|cause| cause.is_transient()).then(|| "run it again; what has arrived is kept".into())
}

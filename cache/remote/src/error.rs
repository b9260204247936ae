//! What can go wrong before a shared cache is talked to. What goes wrong after that costs a warning, and is no error.

use std::path::PathBuf;

use pwb_cache::Kind;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A text that is no address.
    #[error("`{url}` is no address of a shared cache: {why}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A header that cannot be sent.
    #[error("the header `{name}`: {why}")]
    Header {
        /// Its name. The value may be a secret.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A text that is no key.
    #[error("{what} is no key: {why}")]
    Key {
        /// Where it stands.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Certificates that cannot be used.
    #[error("cannot speak TLS with {url}: {why}")]
    Tls {
        /// The server.
        url: String,
        /// Why not.
        why: String,
    },
    /// An archive of results that is none, or is damaged.
    #[error("{} cannot be taken: {why}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An archive with results that nobody who is trusted has signed.
    #[error("{} has results that none of the trusted keys has signed", path.display())]
    Unsigned {
        /// The file.
        path: PathBuf,
    },
    /// The store's own errors.
    #[error(transparent)]
    Store(#[from] pwb_cache::Error),
    /// The system refuses threads or random numbers.
    #[error("cannot {verb}")]
    System {
        /// What was tried.
        verb: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// Who can mend it.
    pub fn kind(&self) -> Kind {
        match self {
            Error::System { .. } => Kind::Environment,
            Error::Store(error) => error.kind(),
            _ => Kind::User,
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Url { .. } => {
                Some("write grpc://HOST:PORT[/INSTANCE], or grpcs:// for TLS".into())
            }
            Error::Key { .. } => Some("`pwb key generate` makes keys".into()),
            Error::Archive { .. } => {
                Some("nothing of it was taken; get it again, or write it anew with `pwb store export`".into())
            }
            Error::Unsigned { .. } => Some(
                "nothing of it was taken; have it written where signing_key_file is set, or list its key in trusted_keys".into(),
            ),
            Error::Store(error) => error.hint(),
            Error::Tls { .. } => Some("check the PEM files that the settings name".into()),
            _ => None,
        }
    }
}

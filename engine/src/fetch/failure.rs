//! What one source answered instead of the bytes, and whether to ask it again.

use std::fmt;

use super::error::Error;

/// A source that did not give the bytes.
#[derive(Debug)]
pub struct Failure {
    /// The URL, or the path below the mirror.
    pub origin: String,
    /// What was wrong.
    pub cause: Cause,
}

/// Why a source did not give the bytes.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection: no such host, no route, nobody answers.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The connection was refused or broke.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// Nothing came for too long.
    #[error("nothing came for {0} seconds")]
    Stalled(u64),
    /// An HTTP status that is no success.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The body ended early.
    #[error("the file ends after {got} of {expected} bytes")]
    Truncated {
        /// Bytes that came.
        got: u64,
        /// Bytes announced.
        expected: u64,
    },
    /// Other bytes than those pinned.
    #[error("it is another file: {size} bytes with {got}, not {expected}")]
    Mismatch {
        /// The pinned digest.
        expected: String,
        /// The digest of what came.
        got: String,
        /// The size of what came.
        size: u64,
    },
    /// A Debian mirror does not have the file.
    #[error("the mirror does not have it: {answer}")]
    Gone {
        /// Its answer.
        answer: String,
    },
    /// The host's own client could not download it.
    #[error("{client} says: {words}")]
    Client {
        /// `apt`, `npm` or `pip`.
        client: &'static str,
        /// What it says.
        words: String,
    },
    /// There is no mirror, registry or index to ask.
    #[error("{0}")]
    Mirror(Box<Error>),
    /// Anything that asking again will not mend: a bad URL, TLS, a redirect loop, a missing local file.
    #[error("{0}")]
    Other(String),
    /// This machine failed, not the source; no other source is tried.
    #[error("{0}")]
    Local(Box<Error>),
}

impl Cause {
    /// Whether the same source may answer otherwise in a moment.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Cause::Broken(_) | Cause::Stalled(_) | Cause::Truncated { .. } => true,
            Cause::Status(status) => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    pub(super) fn is_mismatch(&self) -> bool {
        matches!(self, Cause::Mismatch { .. })
    }
}

impl From<Error> for Cause {
    fn from(error: Error) -> Cause {
        Cause::Local(Box::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.cause)
    }
}

/// The lines of a client's errors, or its last lines where it calls nothing an error.
pub(super) fn complaints(log: &str) -> String {
    const MOST: usize = 12;
    const ERRORS: [&str; 4] = ["E:", "Err:", "ERROR:", "npm error"];
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| ERRORS.iter().any(|error| line.starts_with(error)))
        .collect();
    let lines = if errors.is_empty() {
        log.lines().filter(|line| !line.trim().is_empty()).collect()
    } else {
        errors
    };
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}

//! The key of an action. What it is a digest of is [`Action`](crate::Action)'s business.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The digest of an encoded [`Action`](crate::Action). It names a result in the index.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub struct ActionKey(Digest);

impl ActionKey {
    /// The digest of the `Action` message.
    pub fn digest(&self) -> Digest {
        self.0
    }

    /// The key that is this digest; whether it is one, only a result can tell.
    pub fn from_digest(digest: Digest) -> ActionKey {
        ActionKey(digest)
    }

    /// The hash in hexadecimal; names of locks and logs are made of it.
    pub fn hex(&self) -> String {
        self.0.hex()
    }
}

impl fmt::Display for ActionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

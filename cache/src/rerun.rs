//! Runs of actions whose results were there, to see whether they come out the same. They publish no result.

use std::time::{Duration, SystemTime};

use crate::directory::TreeDigest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::store::Store;

/// How such a run came out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Again {
    /// The same bytes.
    Same,
    /// This tree. It is in the store until it is collected as garbage.
    Differs(TreeDigest),
    /// The command failed, which had succeeded before.
    Failed,
}

/// One run of an action whose result was there, for the history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rerun {
    /// The node's name, for people.
    pub node: String,
    /// The action.
    pub key: ActionKey,
    /// Wall time.
    pub wall: Duration,
    /// How it came out.
    pub again: Again,
}

/// A rerun as the history has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PastRerun {
    /// The rerun.
    pub rerun: Rerun,
    /// When it ended, to the second.
    pub finished: SystemTime,
}

impl Again {
    /// In a word: `same`, `differs`, `broke`.
    pub fn word(self) -> &'static str {
        match self {
            Again::Same => "same",
            Again::Differs(_) => "differs",
            Again::Failed => "broke",
        }
    }
}

impl Store {
    /// Adds to the history.
    pub fn record_rerun(&self, rerun: &Rerun) -> Result<()> {
        self.index.record_rerun(rerun)
    }

    /// The latest reruns of a node, or of all nodes; at most so many, the latest first.
    pub fn reruns(&self, node: Option<&str>, limit: usize) -> Result<Vec<PastRerun>> {
        self.index.reruns(node, limit)
    }
}

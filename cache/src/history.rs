//! What ran when, and from what: the words of the history. Where it is kept is the index's business.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::digest::Digest;
use crate::key::ActionKey;
use crate::reapi;

/// How a run of an action ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It succeeded and its result was published.
    Built,
    /// It failed; only its log is kept.
    Failed,
}

/// One run of an action, for the history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    /// The node's name, for people.
    pub node: String,
    /// The action.
    pub key: ActionKey,
    /// Wall time.
    pub wall: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the action came from.
    pub lineage: Lineage,
}

/// A run as the history has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PastRun {
    /// The run. Its lineage is empty if an older pwb recorded it.
    pub run: Run,
    /// When it ended, to the second.
    pub finished: SystemTime,
}

/// What an action does not say of itself: it knows trees, and no names.
#[derive(Clone, Eq, PartialEq, prost::Message)]
pub struct Lineage {
    /// The options that the node or what it is made from uses, by full name, with their values.
    #[prost(btree_map = "string, string", tag = "1")]
    pub options: BTreeMap<String, String>,
    /// What was fed into its input root, in the order of the node's inputs.
    #[prost(message, repeated, tag = "2")]
    pub feeds: Vec<Feed>,
}

/// A part of an input root, and the node that made it.
#[derive(Clone, Eq, Hash, PartialEq, prost::Message)]
pub struct Feed {
    /// Where it lies in the input root; empty for the root itself.
    #[prost(string, tag = "1")]
    pub mount: String,
    /// The node.
    #[prost(string, tag = "2")]
    pub node: String,
    /// The directory in the node's result; empty for all of it.
    #[prost(string, tag = "3")]
    pub path: String,
    #[prost(message, optional, tag = "4")]
    key: Option<reapi::Digest>,
}

/// All that the history has of one node.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NodeStatistics {
    /// The node.
    pub node: String,
    /// How often it ran, and failed or not.
    pub runs: u64,
    /// How many of the runs failed.
    pub failed: u64,
    /// How often its result was there.
    pub hits: u64,
    /// The wall time of all runs.
    pub spent: Duration,
    /// The wall time that hits did not take: each what its result had taken to make.
    pub saved: Duration,
    /// The wall time of the latest successful run.
    pub last_wall: Option<Duration>,
}

/// How many calls of compilers in a node's commands went one way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallCount {
    /// The node.
    pub node: String,
    /// [`CallCount::HIT`], [`CallCount::MISS`], or why such a call is not remembered.
    pub outcome: String,
    /// How many.
    pub count: u64,
    /// The wall time that hits did not take.
    pub saved: Duration,
}

impl CallCount {
    /// Answered from the cache.
    pub const HIT: &str = "hit";
    /// Ran, and remembered.
    pub const MISS: &str = "miss";
}

impl Feed {
    /// A part of an input root. A local folder has no key.
    pub fn new(mount: &str, node: &str, path: &str, key: Option<ActionKey>) -> Feed {
        Feed {
            mount: mount.to_owned(),
            node: node.to_owned(),
            path: path.to_owned(),
            key: key.map(|key| key.digest().to_message()),
        }
    }

    /// The key of the action that made it; a local folder has none.
    pub fn key(&self) -> Option<ActionKey> {
        let digest = self.key.as_ref().and_then(Digest::from_message)?;
        Some(ActionKey::from_digest(digest))
    }
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Built => "built",
            Outcome::Failed => "failed",
        }
    }

    pub(crate) fn from_row(text: &str) -> Outcome {
        match text {
            "built" => Outcome::Built,
            _ => Outcome::Failed,
        }
    }
}

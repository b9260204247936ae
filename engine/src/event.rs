//! What happens while a graph is realized: the one source of the progress display, the journal, and whatever else wants to know.

use std::path::PathBuf;
use std::time::Duration;

use pwb_cache::{Again, TreeDigest};

use crate::compile::Tally;
use crate::graph::StepId;
use crate::planned::Planned;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The graph has been compared with the store. What happens to its steps from now on is told by their places here.
    Planned(Vec<Planned>),
    /// Something happened to a step.
    Step(StepId, Happening),
    /// Objects were found missing; what made them runs again. The graph will be planned anew.
    Repairing {
        /// The nodes.
        nodes: Vec<String>,
    },
}

/// What can happen to a step.
#[derive(Clone, Debug)]
pub enum Happening {
    /// Its action has started.
    Started {
        /// Where its output goes, if it is a command.
        log: Option<PathBuf>,
    },
    /// Another pwb runs the same action; this one waits for its result.
    Waiting,
    /// Its command has written something: these bytes, cut anywhere.
    Output(Vec<u8>),
    /// Bytes have arrived.
    Fetched {
        /// How many so far.
        bytes: u64,
        /// Of how many, if that is known.
        total: Option<u64>,
    },
    /// Something was wrong, and it goes on: a source did not answer, and the next one is tried.
    Warning(String),
    /// Its result was in the store after all, once its inputs were known or another pwb had made it.
    Cached {
        /// The result.
        tree: TreeDigest,
    },
    /// Its command has ended, and calls of compilers in it were attended to.
    Compiled(Tally),
    /// Its result is durable in the store.
    Built {
        /// The result.
        tree: TreeDigest,
        /// Wall time.
        wall: Duration,
        /// User time of its command.
        user: Duration,
        /// System time of its command.
        system: Duration,
        /// The most memory that one of its processes had, in bytes.
        max_rss: u64,
    },
    /// Its command ran again, over a result that stays as it is.
    Reran {
        /// Wall time.
        wall: Duration,
        /// How it came out.
        again: Again,
    },
    /// It has failed.
    Failed {
        /// What went wrong, in a line.
        why: String,
    },
    /// It is a local folder, and not any more what was imported: what was built is of its files as they were. These
    /// paths differ.
    Moved(Vec<String>),
}

/// Takes events, from any thread.
pub type Observer<'a> = dyn Fn(Event) + Sync + 'a;

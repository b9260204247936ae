//! What happens while a graph is realized: the one source of the progress display, and of whatever else wants to know.

use std::path::PathBuf;
use std::time::Duration;

use crate::compile::Tally;

/// Something that happened. Names are nodes'.
#[derive(Clone, Debug)]
pub enum Event {
    /// The graph has been compared with the store.
    Planned {
        /// Nodes in the graph.
        nodes: usize,
        /// Those whose result is there.
        cached: usize,
    },
    /// A node's action has started.
    Started {
        /// The node.
        node: String,
        /// Where its output goes, if it is a command.
        log: Option<PathBuf>,
        /// How long it took the last time.
        expected: Option<Duration>,
    },
    /// Another pwb runs the same action; this one waits for its result.
    Waiting {
        /// The node.
        node: String,
    },
    /// A command has written something.
    Output {
        /// The node.
        node: String,
        /// The bytes, cut anywhere.
        bytes: Vec<u8>,
    },
    /// Bytes have arrived.
    Fetched {
        /// The node.
        node: String,
        /// How many, of how many if that is known.
        bytes: u64,
        /// The whole size.
        total: Option<u64>,
    },
    /// A source did not answer; the next one is tried.
    Warning {
        /// The node.
        node: String,
        /// What was wrong.
        message: String,
    },
    /// A node's result was in the store after all, once its inputs were known or another pwb had made it.
    Cached {
        /// The node.
        node: String,
    },
    /// A command has ended in which calls of compilers were attended to.
    Compiled {
        /// The node.
        node: String,
        /// How many were answered, and how many ran.
        tally: Tally,
    },
    /// A node's result is durable in the store.
    Built {
        /// The node.
        node: String,
        /// Wall time.
        wall: Duration,
    },
    /// A node has failed.
    Failed {
        /// The node.
        node: String,
    },
    /// A local folder is not any more what was imported: what was built is of its files as they were.
    Moved {
        /// The node.
        node: String,
        /// The paths that differ.
        changed: Vec<String>,
    },
    /// Objects were found missing; what made them runs again.
    Repairing {
        /// The nodes.
        nodes: Vec<String>,
    },
}

/// Takes events, from any thread.
pub type Observer<'a> = dyn Fn(Event) + Sync + 'a;

//! What a journal is written in: JSON, a line an event. `docs/events.md` describes it for others.
//!
//! Times are seconds, sizes bytes. A step is named by its place among the nodes of all `planned` lines since `begin`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of the format. Lines and fields may be added within one; a reader passes over those that it does not know.
pub const VERSION: u32 = 1;

/// Something that happened, and when.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Line {
    /// Since the beginning.
    pub at: f64,
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The first line of a build.
    Begin {
        /// [`VERSION`].
        version: u32,
        /// The version of pwb.
        pwb: String,
        /// The command line, without the program.
        arguments: Vec<String>,
        /// When it was, since 1970.
        time: u64,
        /// Actions at once.
        jobs: usize,
    },
    /// The graph has been compared with the store.
    Planned { nodes: Vec<Node> },
    /// A step's action has started; a command's output goes to the file.
    Started { step: usize, log: Option<PathBuf> },
    /// Another pwb runs the same action.
    Waiting { step: usize },
    /// Bytes have arrived. Not each time: once a second, and at the end.
    Fetched {
        step: usize,
        bytes: u64,
        total: Option<u64>,
    },
    /// Something was wrong, and it went on; without a step it was the shared cache.
    Warning {
        step: Option<usize>,
        message: String,
    },
    /// The result was in the store after all.
    Cached {
        step: usize,
        /// The digest of the result's root directory, as `HASH/SIZE`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// Calls of compilers in the step's command.
    Compiled {
        step: usize,
        hits: u64,
        misses: u64,
        /// Those that are not remembered, by the reason.
        uncached: BTreeMap<String, u64>,
    },
    /// The result is in the store.
    Built {
        step: usize,
        /// The digest of the result's root directory, as `HASH/SIZE`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
        wall: f64,
        user: f64,
        system: f64,
        max_rss: u64,
    },
    /// Its command ran again, over a result that stays: `same`, `differs`, `broke`.
    Reran {
        step: usize,
        wall: f64,
        again: String,
    },
    /// There is no result.
    Failed { step: usize, why: String },
    /// A local folder was changed while it was built from.
    Moved { step: usize, changed: Vec<String> },
    /// Objects were gone; these nodes run again, after another `planned`.
    Repairing { nodes: Vec<String> },
    /// What a shared cache has sent and received, in all.
    Shared { received: u64, sent: u64 },
    /// What was asked for, and where it is.
    Result { name: String, path: PathBuf },
    /// The last line of a build.
    End { outcome: Outcome },
}

/// A step of the graph.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Node {
    /// Its node's name.
    pub name: String,
    /// The options in which it differs from others of that name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variant: BTreeMap<String, String>,
    /// `fetch`, `source`, `root` or `run`.
    pub kind: String,
    /// The steps that it needs.
    pub needs: Vec<usize>,
    /// Whether its result was there.
    pub cached: bool,
    /// The digest of that result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How long it took the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
}

/// How a build ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All that was asked for is there.
    Succeeded,
    /// It is not.
    Failed,
    /// A signal ended it.
    Interrupted,
}

impl Node {
    /// The name, with what tells it from its namesakes: `cpython/make-host (pthreads=true)`.
    pub fn title(&self) -> String {
        title(&self.name, &self.variant)
    }
}

/// A node's name, with what tells it from its namesakes. Options of its own recipe go by their bare names.
pub fn title(name: &str, variant: &BTreeMap<String, String>) -> String {
    if variant.is_empty() {
        return name.to_owned();
    }
    let recipe = name.rsplit_once('/').map_or("", |(recipe, _)| recipe);
    let bare = |option: &str| {
        let rest = option.strip_prefix(recipe)?.strip_prefix('/')?;
        Some(rest.to_owned())
    };
    let set = variant.iter().map(|(option, value)| {
        let option = bare(option).unwrap_or_else(|| option.clone());
        format!("{option}={value}")
    });
    format!("{name} ({})", set.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_tells_namesakes_apart() {
        let variant = BTreeMap::from([
            ("cpython/pthreads".into(), "true".into()),
            ("toolchain/sdk".into(), "emsdk".into()),
        ]);
        assert_eq!(
            title("cpython/make-host", &variant),
            "cpython/make-host (pthreads=true, toolchain/sdk=emsdk)"
        );
        assert_eq!(title("cpython/python", &BTreeMap::new()), "cpython/python");
    }

    #[test]
    fn a_line_reads_as_it_was_written() {
        let line = Line {
            at: 1.5,
            what: What::Failed {
                step: 3,
                why: "no".into(),
            },
        };
        let text = serde_json::to_string(&line).unwrap_or_default();
        assert_eq!(text, r#"{"at":1.5,"event":"failed","step":3,"why":"no"}"#);
        assert_eq!(serde_json::from_str::<Line>(&text).ok(), Some(line));
    }
}

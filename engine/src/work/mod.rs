//! What each kind of step does once it has to run. A step's work turns trees into a tree and knows no graph.

mod away;
mod command;
mod download;
mod import;
mod log;
mod root;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pwb_cache::{New, TreeDigest};

use crate::compile::Compiles;
use crate::error::Result;
use crate::fetch::Fetcher;
use crate::graph::{Step, Work};
use crate::jobserver::Jobserver;
use crate::prepare::Prepared;
use crate::settings::Settings;
use crate::{Event, Input, Observer, Store};

pub use import::Ignored;
pub(crate) use import::{IGNORE_FILE, import};

/// What work needs besides its step.
pub(crate) struct Context<'a> {
    pub store: &'a Store,
    pub settings: &'a Settings,
    pub jobserver: &'a Jobserver,
    pub fetcher: &'a Fetcher,
    pub compiles: &'a Compiles,
    pub observe: &'a Observer<'a>,
    /// The trees that the inputs stand for.
    pub inputs: &'a HashMap<Input, TreeDigest>,
    pub step: &'a Step,
    pub prepared: &'a Prepared,
    /// The wall time of the step's latest run.
    pub expected: Option<Duration>,
    /// Whether it was told that the step has started.
    pub announced: AtomicBool,
}

/// What work has made.
pub(crate) struct Made {
    pub tree: TreeDigest,
    /// The files that are not published yet.
    pub new: New,
    /// User and system time, where a command was run.
    pub user: Duration,
    pub system: Duration,
    pub max_rss: u64,
}

impl Context<'_> {
    /// Does the step's work.
    pub fn make(&self) -> Result<Made> {
        match &self.step.work {
            Work::Fetch {
                from,
                pin,
                size,
                unpack,
            } => self.download(from, *pin, *size, unpack),
            Work::Source { path, ignore } => Ok(Made::plain(
                import(self.store, path, ignore)?,
                New::default(),
            )),
            Work::Root {
                layers,
                links,
                files,
                wins,
                drop,
            } => self.compose(layers, links, files, wins, drop),
            Work::Run {
                root,
                inputs,
                outputs,
                compilers,
                expected,
                ..
            } => self.command(root, inputs, outputs, compilers, expected.as_ref()),
        }
    }

    fn tell(&self, event: Event) {
        (self.observe)(event);
    }

    fn started(&self, log: Option<std::path::PathBuf>) {
        if self.announced.swap(true, Ordering::Relaxed) {
            return;
        }
        self.tell(Event::Started {
            node: self.step.name.clone(),
            log,
            expected: self.expected,
        });
    }
}

impl Made {
    fn plain(tree: TreeDigest, new: New) -> Made {
        Made {
            tree,
            new,
            user: Duration::ZERO,
            system: Duration::ZERO,
            max_rss: 0,
        }
    }
}

//! What each kind of step does once it has to run. A step's work turns trees into a tree and knows no graph.

mod away;
mod command;
mod download;
mod import;
mod kept;
mod log;
mod root;
mod stage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pwb_cache::{New, TreeDigest};

use crate::compile::Compiles;
use crate::error::Result;
use crate::event::Happening;
use crate::fetch::Fetcher;
use crate::graph::{Step, StepId, Work};
use crate::jobserver::Jobserver;
use crate::prepare::Prepared;
use crate::settings::Settings;
use crate::{Event, Input, Observer, Store};

pub use import::Ignored;
pub(crate) use import::{IGNORE_FILE, import};
pub(crate) use stage::{Scenery, Stage};

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
    pub id: StepId,
    pub step: &'a Step,
    pub prepared: &'a Prepared,
    /// Where the output of a command goes.
    pub log: PathBuf,
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

    fn tell(&self, what: Happening) {
        (self.observe)(Event::Step(self.id, what));
    }

    fn started(&self, log: Option<PathBuf>) {
        if self.announced.swap(true, Ordering::Relaxed) {
            return;
        }
        self.tell(Happening::Started { log });
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

//! Results become durable, many at a time, while the build goes on.
//!
//! One thread syncs the file system and then commits what had been finished before the sync. A row therefore never
//! names a file that a loss of power could still tear. The action's lock is held until its row is there.

use std::iter;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::batch::New;
use crate::call::CallResult;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::history::Run;
use crate::index::{Durability, Index};
use crate::lock::Lock;
use crate::materialize::Unsettled;
use crate::origin::Origin;
use crate::result::ActionResult;
use crate::store::Store;

/// How long a result may wait for others to be synced with it.
const MOMENT: Duration = Duration::from_millis(20);

/// A result that is to become durable.
#[derive(Debug)]
pub struct Publication {
    /// The result.
    pub result: ActionResult,
    /// The run that made it; its key is the result's.
    pub run: Run,
    /// What the caller knows it by.
    pub ticket: usize,
    /// The files it needs.
    pub new: New,
    /// The action's lock.
    pub lock: Lock,
}

/// Publishes in the background.
#[derive(Debug)]
pub struct Publisher<'scope> {
    sender: Sender<Publication>,
    thread: ScopedJoinHandle<'scope, Result<()>>,
}

impl Store {
    /// Publishes files that belong to no result, and returns once they are durable.
    pub fn publish_files(&self, new: New) -> Result<()> {
        if new.0.is_empty() {
            return Ok(());
        }
        self.sync()?;
        self.index.publish(&new.0, &[], &[])?;
        self.are_not_fresh(&new.0);
        Ok(())
    }

    /// Publishes what calls came to, here or elsewhere, with the lists of paths that calls of a kind look at, and returns once it is durable.
    pub fn publish_calls(
        &self,
        new: New,
        calls: &[(Digest, CallResult)],
        paths: &[(Digest, Digest)],
        origin: Option<Origin>,
    ) -> Result<()> {
        self.sync()?;
        let calls: Vec<_> = calls
            .iter()
            .map(|(key, call)| (*key, call.to_row(*key)))
            .collect();
        self.index.publish_calls(&new.0, &calls, paths, origin)
    }

    /// Makes the trees that this process has materialized good for the next boot too, with the files that it has copied for
    /// them.
    pub fn settle(&self) -> Result<()> {
        self.tell_uses()?;
        let Unsettled { trees, files } = std::mem::take(&mut *self.unsettled());
        if trees.is_empty() && files.is_empty() {
            return Ok(());
        }
        self.sync()?;
        self.index.publish(&files, &[], &trees)?;
        self.are_not_fresh(&files);
        Ok(())
    }

    /// A process that never ends would remember all it ever took.
    fn are_not_fresh(&self, files: &[(Digest, bool)]) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for file in files {
            fresh.remove(file);
        }
    }

    /// Starts to publish in the background; `durable` is called for each result that can no longer be lost, with its ticket.
    pub fn publisher<'scope, 'env>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        durable: impl Fn(usize, ActionResult) + Send + 'scope,
    ) -> Result<Publisher<'scope>> {
        let (sender, receiver) = channel();
        let index = Index::open(&self.root().join("index.sqlite"), Durability::Power)?;
        let work = move || self.publish(&receiver, &index, durable);
        let thread = Builder::new().spawn_scoped(scope, work);
        let thread = thread.map_err(Error::Thread)?;
        Ok(Publisher { sender, thread })
    }

    fn publish(
        &self,
        receiver: &Receiver<Publication>,
        index: &Index,
        durable: impl Fn(usize, ActionResult),
    ) -> Result<()> {
        while let Ok(first) = receiver.recv() {
            let batch = gather(first, receiver);
            self.sync()?;
            let files: Vec<_> = batch
                .iter()
                .flat_map(|one| one.new.0.iter().copied())
                .collect();
            let results: Vec<_> = batch
                .iter()
                .map(|one| (one.result, one.run.clone()))
                .collect();
            // What this process has made stays for as long as it lives.
            let trees: Vec<_> = results.iter().map(|(result, _)| result.tree).collect();
            self.pin_trees(&trees)?;
            index.publish(&files, &results, &[])?;
            for one in batch {
                drop(one.lock);
                durable(one.ticket, one.result);
            }
        }
        Ok(())
    }

    /// Returns once nothing that was written to the store before can be lost, rows included.
    pub(crate) fn sync(&self) -> Result<()> {
        self.disk.sync()
    }
}

/// What is handed over within a moment of the first. Once nobody can hand anything over there is no waiting.
fn gather(first: Publication, receiver: &Receiver<Publication>) -> Vec<Publication> {
    let end = Instant::now() + MOMENT;
    let more = iter::from_fn(|| {
        receiver
            .recv_timeout(end.saturating_duration_since(Instant::now()))
            .ok()
    });
    iter::once(first).chain(more).collect()
}

impl Publisher<'_> {
    /// Hands a result over. False once publishing has failed; [`Publisher::finish`] says why.
    #[must_use]
    pub fn submit(&self, publication: Publication) -> bool {
        self.sender.send(publication).is_ok()
    }

    /// Waits until all that was handed over is durable.
    pub fn finish(self) -> Result<()> {
        drop(self.sender);
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

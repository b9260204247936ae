//! Machines that run actions for this one, as the store sees them.

use std::fmt::Debug;
use std::sync::Arc;

use crate::action::Action;
use crate::batch::New;
use crate::directory::TreeDigest;
use crate::error::Result;
use crate::store::Store;

/// What an action came to on another machine.
#[derive(Debug)]
pub struct Executed {
    /// The command's exit code.
    pub exit_code: i32,
    /// What it wrote to its standard error.
    pub errors: Vec<u8>,
    /// The one output directory; `None` if it is not there.
    pub output: Option<TreeDigest>,
    /// The output's files, which are not published yet.
    pub new: New,
}

/// Machines that run actions. Like an [`Upstream`](crate::Upstream) they are never in the way: what they cannot run runs here,
/// and they tell the user by themselves. The only errors are this store's own.
pub trait Workers: Debug + Send + Sync {
    /// Runs an action, one of whose directories is asked for. Its input root need not be here whole. Standard output comes as it
    /// is written, where that can be had. `None`: it has not been run.
    fn execute(
        &self,
        store: &Store,
        action: &Action,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Option<Executed>>;

    /// Is told that they cannot run what is sent, and why: nothing more will be.
    fn dismiss(&self, why: &str);
}

impl Store {
    /// The same store with machines that run actions.
    pub fn with_workers(mut self, workers: Arc<dyn Workers>) -> Store {
        self.workers = Some(workers);
        self
    }

    /// Machines that run actions, if there are any.
    pub fn workers(&self) -> Option<&dyn Workers> {
        self.workers.as_deref()
    }
}

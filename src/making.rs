//! What commands begin with that go on with a target's result: to run it, to serve it, to export it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pwb_engine::recipe::{Library, NodeName, Target, Wanted};
use pwb_engine::{Error, Graph, Observer, Realized, Request, Settings, Store};

use crate::cli::{Building, Cli, Options};
use crate::context::Context;
use crate::progress::Progress;
use crate::report::Failure;

/// Store, recipes, and how to build.
pub struct Making<'a> {
    pub context: Context,
    pub store: Store,
    pub library: Library,
    options: &'a Options,
    building: &'a Building,
    progress: Arc<Progress>,
}

impl<'a> Making<'a> {
    pub fn begin(
        cli: &Cli,
        options: &'a Options,
        building: &'a Building,
    ) -> Result<Making<'a>, Failure> {
        let context = Context::new(cli)?;
        let progress = Arc::new(Progress::new());
        Ok(Making {
            store: context.shared_store(&building.sharing(), &progress)?,
            library: context.library()?,
            context,
            options,
            building,
            progress,
        })
    }

    /// The target of this name, if it is not a node's.
    pub fn target(&self, name: &str) -> Result<Option<&Target>, Failure> {
        match self.library.wanted(name).map_err(Error::Recipe)? {
            Wanted::Target(target) => Ok(Some(target)),
            Wanted::Node(_) => Ok(None),
        }
    }

    /// What a name stands for, with its options.
    pub fn request(&self, name: &str) -> Result<Request, Failure> {
        self.context.request(&self.library, name, self.options)
    }

    /// The results of requests, in their order.
    pub fn realize<const N: usize>(
        &self,
        requests: [Request; N],
    ) -> Result<[Realized; N], Failure> {
        let graph = Graph::build(&self.library, &requests, &self.overrides(&requests)?)?;
        let outcome = self
            .shown(|observe| pwb_engine::realize(&self.store, &graph, &self.settings(), observe));
        let results = <[Realized; N]>::try_from(outcome?);
        results.map_err(|_| Failure::Message("a request has no result".into(), None))
    }

    /// The local folders to use in place of nodes.
    pub fn overrides(&self, requests: &[Request]) -> Result<BTreeMap<NodeName, PathBuf>, Failure> {
        self.context
            .overrides(&self.library, requests, self.options)
    }

    pub fn settings(&self) -> Settings {
        self.context.settings(self.building)
    }

    /// Does some work of the engine and shows what happens meanwhile.
    pub fn shown<T>(&self, work: impl FnOnce(&Observer<'_>) -> T) -> T {
        let outcome = work(&|event| self.progress.tell(event));
        self.progress.finish();
        outcome
    }
}

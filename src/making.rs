//! What commands begin with that go on with a target's result: to run it, to serve it, to export it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pwb_engine::recipe::{Library, NodeName, Target, Wanted};
use pwb_engine::{
    Error, Event, Graph, Happening, Memory, Observer, Realized, Request, Settings, Store,
};

use crate::cli::{Building, Cli, Options};
use crate::context::Context;
use crate::journal::Journal;
use crate::progress::Progress;
use crate::report::Failure;

/// Store, recipes, and how to build.
pub struct Making<'a> {
    pub context: Context,
    pub store: Store,
    library: OnceCell<Library>,
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
        let journal = Journal::open(context.builds(), &building.wanted())?;
        let progress = Arc::new(Progress::new());
        progress.keep(journal);
        Making::of(context, progress, options, building)
    }

    /// One whose builds go to the same screen and journal as those of another.
    pub fn again(&self, cli: &Cli) -> Result<Making<'a>, Failure> {
        let context = Context::new(cli)?;
        Making::of(context, self.progress.clone(), self.options, self.building)
    }

    fn of(
        context: Context,
        progress: Arc<Progress>,
        options: &'a Options,
        building: &'a Building,
    ) -> Result<Making<'a>, Failure> {
        Ok(Making {
            store: context.shared_store(&building.sharing(), &progress)?,
            library: OnceCell::new(),
            context,
            options,
            building,
            progress,
        })
    }

    /// The recipes, read once they are needed.
    pub fn library(&self) -> Result<&Library, Failure> {
        if let Some(library) = self.library.get() {
            return Ok(library);
        }
        let library = self.context.library()?;
        Ok(self.library.get_or_init(|| library))
    }

    /// The target of this name, if it is not a node's.
    pub fn target(&self, name: &str) -> Result<Option<&Target>, Failure> {
        match self.library()?.wanted(name).map_err(Error::Recipe)? {
            Wanted::Target(target) => Ok(Some(target)),
            Wanted::Node(_) => Ok(None),
        }
    }

    /// What a name stands for, with its options.
    pub fn request(&self, name: &str) -> Result<Request, Failure> {
        self.context.request(self.library()?, name, self.options)
    }

    /// The results of requests, in their order.
    pub fn realize<const N: usize>(
        &self,
        requests: [Request; N],
    ) -> Result<[Realized; N], Failure> {
        let graph = Graph::build(self.library()?, &requests, &self.overrides(&requests)?)?;
        let results = <[Realized; N]>::try_from(self.realize_graph(&[], &graph, None)?);
        results.map_err(|_| Failure::Message("a request has no result".into(), None))
    }

    /// The graph of some names.
    pub fn graph(&self, names: &[String]) -> Result<Graph, Failure> {
        self.context.graph(self.library()?, names, self.options)
    }

    /// The results of a graph; those that were asked for by these names are written down, and what they came to is kept in
    /// the memory of the request.
    pub fn realize_graph(
        &self,
        names: &[String],
        graph: &Graph,
        memory: Option<&Memory>,
    ) -> Result<Vec<Realized>, Failure> {
        let settings = self.settings();
        self.shown(|observe| {
            let results = pwb_engine::realize(&self.store, graph, memory, &settings, observe)?;
            for (name, result) in names.iter().zip(&results) {
                self.progress.result(name, &result.path);
            }
            Ok::<_, Error>(results)
        })
    }

    /// The local folders to use in place of nodes.
    pub fn overrides(&self, requests: &[Request]) -> Result<BTreeMap<NodeName, PathBuf>, Failure> {
        self.context
            .overrides(self.library()?, requests, self.options)
    }

    pub fn settings(&self) -> Settings {
        self.context.settings(self.building)
    }

    /// Does some work of the engine; what happens meanwhile is shown and written down.
    pub fn shown<T>(
        &self,
        work: impl FnOnce(&Observer<'_>) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let built = AtomicBool::new(false);
        let outcome = self.progress.build(self.settings().jobs, |observe| {
            work(&|event| {
                if let Event::Step(_, Happening::Built { .. }) = event {
                    built.store(true, Ordering::Relaxed);
                }
                observe(event);
            })
        })?;
        if built.into_inner() {
            self.context.config.gc.after_build(&self.store);
        }
        Ok(outcome)
    }
}

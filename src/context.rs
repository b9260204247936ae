//! What most commands begin with: settings, store, `pwb.ron`, recipes, and the graph of what was asked for.

use std::collections::BTreeMap;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use pwb_cache::Digest;
use pwb_engine::recipe::{Diagnostics, Library, NodeName};
use pwb_engine::{Error, Graph, Request, Settings, Store};
use serde_json::json;

use crate::cli::{Building, Cli, Options, Sharing};
use crate::config::{self, Config};
use crate::interrupt;
use crate::progress::Progress;
use crate::project::Project;
use crate::recipes::{self, Files};
use crate::report::Failure;

/// Settings and the recipes' text.
pub struct Context {
    pub config: Config,
    pub files: Files,
    pub project: Project,
    /// The folder of the recipes, unless they are those built in.
    pub recipes: Option<PathBuf>,
    store: PathBuf,
}

impl Context {
    pub fn new(cli: &Cli) -> Result<Context, Failure> {
        let config = config::read()?;
        let store = config.store(cli.store.as_deref())?;
        let project = Project::find()?;
        let recipes = recipes::folder(cli, &project);
        Ok(Context {
            store,
            config,
            files: recipes::read(recipes.as_deref())?,
            recipes,
            project,
        })
    }

    pub fn store(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.store)?)
    }

    /// The store with the shared cache behind it, if one is to be used.
    pub fn shared_store(
        &self,
        sharing: &Sharing,
        progress: &Arc<Progress>,
    ) -> Result<Store, Failure> {
        let store = self.store()?;
        let progress = progress.clone();
        let tell = move |notice| progress.notice(notice);
        let (remote, flags) = (&self.config.remote, sharing);
        let Some(client) = remote.client(flags, tell)? else {
            return Ok(store);
        };
        let client = Arc::new(client);
        let store = store.with_upstream(client.clone());
        if !remote.executes(flags) {
            return Ok(store);
        }
        let workers = client.clone();
        interrupt::first(move || workers.cancel())?;
        Ok(store.with_workers(client))
    }

    /// The folder of the journals of builds.
    pub fn builds(&self) -> PathBuf {
        self.store.join("builds")
    }

    pub fn store_path(&self) -> &Path {
        &self.store
    }

    /// The recipes, checked.
    pub fn library(&self) -> Result<Library, Failure> {
        let library = Library::load(self.files.clone()).map_err(|errors| self.refused(errors))?;
        Ok(match self.base() {
            Some(folder) => library.below(folder),
            None => library,
        })
    }

    /// Where the local folders of the recipes begin, if not in the working directory.
    fn base(&self) -> Option<&Path> {
        let folder = self.project.folder()?;
        (self.recipes == self.project.recipes()).then_some(folder)
    }

    /// The failure that recipes have errors.
    pub fn refused(&self, errors: Diagnostics) -> Failure {
        Failure::Diagnostics(errors, self.recipes.clone())
    }

    pub fn settings(&self, building: &Building) -> Settings {
        Settings {
            jobs: building
                .jobs
                .or(self.config.jobs)
                .map_or_else(config::cores, usize::from),
            offline: building.offline,
            keep_going: building.keep_going,
            keep_failed: building.keep_failed,
            compile_cache: !building.no_compile_cache,
            places: self.config.places(),
        }
    }

    /// Stands for all that the answer to a request depends on but the contents of local folders.
    pub fn identity(&self, names: &[String], options: &Options) -> Digest {
        let has_overrides = !options.overrides.is_empty() || self.project.has_overrides();
        // Relative paths of local folders begin here; those that are built in have none.
        let places = (self.recipes.is_some() || has_overrides)
            .then(|| (env::current_dir().ok(), self.project.path(), self.base()));
        let files = self.files.iter();
        let files = files.map(|(path, bytes)| (path, Digest::of(bytes).to_string()));
        let said = json!({
            "made with": pwb_engine::fingerprint(),
            "names": names,
            "recipes": files.collect::<Vec<_>>(),
            "project": self.project.text(),
            "options": options.sets,
            "overrides": options.overrides,
            "places": places,
            // Whom one trusts says which results count.
            "trusted": self.config.remote.trusted_keys,
        });
        Digest::of(said.to_string().as_bytes())
    }

    /// The request for one name.
    pub fn request(
        &self,
        library: &Library,
        name: &str,
        options: &Options,
    ) -> Result<Request, Failure> {
        let wanted = library.wanted(name).map_err(Error::Recipe)?;
        self.project.check(library, wanted)?;
        let values = library
            .values(wanted, &[&self.project.sets(), &options.sets])
            .map_err(Error::Recipe)?;
        Ok(Request {
            reference: wanted.reference(),
            values,
        })
    }

    /// The graph of some names.
    pub fn graph(
        &self,
        library: &Library,
        names: &[String],
        options: &Options,
    ) -> Result<Graph, Failure> {
        let requests: Vec<Request> = names
            .iter()
            .map(|name| self.request(library, name, options))
            .collect::<Result<_, _>>()?;
        Ok(Graph::build(
            library,
            &requests,
            &self.overrides(library, &requests, options)?,
        )?)
    }

    /// The local folders to use in place of nodes; a bare name is looked up in the recipes of what was asked for.
    pub fn overrides(
        &self,
        library: &Library,
        requests: &[Request],
        options: &Options,
    ) -> Result<BTreeMap<NodeName, PathBuf>, Failure> {
        let mut overrides = self.project.overrides(library)?;
        for (written, path) in &options.overrides {
            let of = |Request { reference, .. }: &Request| {
                format!("{}/{written}", reference.node.recipe())
            };
            let full: Vec<String> = match written.contains('/') {
                true => vec![written.clone()],
                false => requests.iter().map(of).collect(),
            };
            let known =
                |name: &String| NodeName::parse(name).filter(|name| library.node(name).is_some());
            let Some(node) = full.iter().find_map(known) else {
                // The library says it with the nearest name.
                let name = full.first().unwrap_or(written);
                library.wanted(name).map_err(Error::Recipe)?;
                let why = "it is no node".into();
                return Err(Error::Override {
                    node: written.clone(),
                    why,
                }
                .into());
            };
            // Where links lead is asked at each import: the graph is remembered.
            let path = fs::metadata(path)
                .and_then(|_| path::absolute(path))
                .map_err(|error| Error::Override {
                    node: written.clone(),
                    why: format!("{path}: {error}"),
                })?;
            overrides.insert(node, path);
        }
        Ok(overrides)
    }
}

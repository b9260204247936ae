//! What went into a result from outside: the one source of what `pwb provenance` and `pwb sbom` say, and the forms they say it in.

mod cyclonedx;
mod envelope;
mod identity;
mod ingredient;
mod spdx;
mod statement;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pwb_cache::{MTIME, TreeDigest};
use pwb_engine::recipe::{Library, NodeKind, NodeName, Use};
use pwb_engine::{Goal, Graph, Plan, StepId, Store};
use serde_json::Value;
use sha2::Digest;

use crate::artifact;
use crate::cli::{Cli, Options, Sharing};
use crate::context::Context;
use crate::progress::Progress;
use crate::report::Failure;

/// What the digest of a tree is called: BLAKE3 of its root directory, in the Remote Execution API's canonical encoding.
const TREE: &str = "reapiDirectoryBlake3";

pub use cyclonedx::cyclonedx;
pub use envelope::Envelope;
pub use ingredient::{Hash, Ingredient, Kind, Role};
pub use spdx::spdx;
pub use statement::{statement, subjects};

/// A result that is there, and the graph that it is a result of.
pub struct Supply {
    /// As it was asked for.
    pub name: String,
    pub context: Context,
    pub library: Library,
    pub store: Store,
    pub graph: Graph,
    pub plan: Plan,
    pub goal: Goal,
    /// The result.
    pub tree: TreeDigest,
}

impl Supply {
    /// Looks a result up as it would be realized now; nothing runs.
    pub fn find(
        cli: &Cli,
        name: &str,
        options: &Options,
        sharing: &Sharing,
    ) -> Result<Supply, Failure> {
        let context = Context::new(cli)?;
        let library = context.library()?;
        let graph = context.graph(&library, &[name.to_owned()], options)?;
        let goal = graph.goals.first().cloned();
        let goal = goal.ok_or_else(|| Failure::Message(format!("`{name}` has no goal"), None))?;
        let store = context.shared_store(sharing, &Arc::new(Progress::new()))?;
        let plan = pwb_engine::plan(&store, &graph)?;
        if plan.tree(goal.step).is_none() {
            return Err(artifact::not_there(name, ""));
        }
        Ok(Supply {
            tree: plan.input(&store, &graph, &goal)?,
            name: name.to_owned(),
            context,
            library,
            store,
            graph,
            plan,
            goal,
        })
    }

    /// All that came from outside, by node; what several nodes bring is there once, as the most that it is to any of them.
    pub fn ingredients(&self) -> Result<Vec<Ingredient>, Failure> {
        let mut found: BTreeMap<(String, Hash), Ingredient> = BTreeMap::new();
        for (step, role) in self.roles() {
            for one in ingredient::of(&self.library, &self.graph, &self.plan, step, role)? {
                let key = (one.identity.purl.clone(), one.hash.clone());
                match found.entry(key) {
                    Entry::Vacant(free) => drop(free.insert(one)),
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        known.role = known.role.max(one.role);
                        known.nodes.extend(one.nodes);
                    }
                }
            }
        }
        let mut found: Vec<Ingredient> = found.into_values().collect();
        found.sort_by(|one, other| one.nodes.cmp(&other.nodes));
        Ok(found)
    }

    /// The steps that the goal is made from, and what each is to it.
    fn roles(&self) -> BTreeMap<StepId, Role> {
        let mut roles = BTreeMap::from([(self.goal.step, Role::Contained)]);
        // A step comes after all that it needs, so that going down each has met all that needs it.
        for step in self.graph.deps(&[self.goal.step], None).into_iter().rev() {
            let Some(&role) = roles.get(&step) else {
                continue;
            };
            for (usage, input) in self.graph.steps[step].uses() {
                let role = match usage {
                    Use::Layer => role,
                    Use::Input(_) => role.min(Role::Source),
                    Use::Root => Role::Tool,
                };
                let known = roles.entry(input.step).or_insert(role);
                *known = role.max(*known);
            }
        }
        roles
    }

    /// The text that the graph was made from: recipes and lock files, by their paths below the recipes folder.
    pub fn recipes(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut wanted = BTreeSet::new();
        for step in self.graph.deps(&[self.goal.step], None) {
            let Some(name) = NodeName::parse(self.graph.name(step)) else {
                continue;
            };
            wanted.insert(format!("{}.ron", name.recipe()));
            if let Some(NodeKind::Root(root)) = self.library.node(&name).map(|node| &node.kind) {
                let lock = root.debian.as_ref().map(|debian| &debian.lock_path.value);
                wanted.extend(lock.map(|path| path.as_str().to_owned()));
            }
        }
        let files = self.context.files.iter();
        files
            .filter(move |(path, _)| wanted.contains(path))
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }
}

/// The time that documents bear: `SOURCE_DATE_EPOCH`, else that of all files in results. The same result has the same documents.
pub fn epoch() -> Result<SystemTime, Failure> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else {
        return Ok(UNIX_EPOCH + Duration::from_secs(MTIME.unsigned_abs()));
    };
    let text = text.to_string_lossy();
    let seconds = text.parse::<u32>().map_err(|_| {
        Failure::new(
            format!("SOURCE_DATE_EPOCH is `{text}`"),
            "it is to be a number of seconds since 1970, or not set",
        )
    })?;
    Ok(UNIX_EPOCH + Duration::from_secs(seconds.into()))
}

/// A name that stands for just this document.
fn urn(document: &Value) -> String {
    let hash: [u8; 32] = sha2::Sha256::digest(document.to_string()).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    let name = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    name.urn().to_string()
}

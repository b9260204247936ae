//! What `ls`, `cat` and `diff` look into: a result of now or of the past, or a tree by its digest, and a path in it. It is
//! found in the store, and no file is made of it.

use std::path::Path;
use std::sync::Arc;

use pwb_cache::{Blob, Digest, Entry, Outcome, TreeDigest, TreePath};
use pwb_engine::{Goal, Graph, Store};

use crate::cli::{Cli, Options, Sharing};
use crate::context::Context;
use crate::history;
use crate::progress::Progress;
use crate::report::Failure;

/// So many digits of a hash name it, if one only begins so.
const DIGITS: usize = 6;

/// Where artifacts are looked up.
pub struct Artifacts<'a> {
    context: Context,
    pub store: Store,
    options: &'a Options,
}

impl<'a> Artifacts<'a> {
    pub fn begin(
        cli: &Cli,
        options: &'a Options,
        sharing: &Sharing,
    ) -> Result<Artifacts<'a>, Failure> {
        let context = Context::new(cli)?;
        let store = context.shared_store(sharing, &Arc::new(Progress::new()))?;
        Ok(Artifacts {
            context,
            store,
            options,
        })
    }

    /// What `NAME[@RUN][:PATH]` or `DIGEST[:PATH]` names.
    pub fn find(&self, text: &str) -> Result<Entry, Failure> {
        let (name, path) = text.split_once(':').unwrap_or((text, ""));
        // `lib/` is what shells complete to.
        let path = TreePath::parse(path.strip_suffix('/').unwrap_or(path));
        let path = path.map_err(|error| Failure::Message(format!("`{text}`: {error}"), None))?;
        if let Some(tree) = self.materialized(name)? {
            return self.at(name, tree, &path);
        }
        if let Some((node, run)) = name.split_once('@') {
            return self.at(name, self.past(node, run)?, &path);
        }
        match self.by_digest(name)? {
            Some(Entry::Directory(tree)) => self.at(name, tree, &path),
            Some(file) if path.is_root() => Ok(file),
            Some(_) => {
                let message = format!("`{name}` is a file, and has no `{path}`");
                Err(Failure::Message(message, None))
            }
            None => self.at(name, self.present(name)?, &path),
        }
    }

    /// A file's contents, as they lie in the store.
    pub fn blob(&self, digest: Digest, executable: bool) -> Result<Blob, Failure> {
        self.store.bring_files(&[(digest, executable)])?;
        let found = self.store.blob(digest)?;
        Ok(found.ok_or(pwb_cache::Error::Missing(digest))?)
    }

    /// The tree of a path that `pwb realize` has printed, or of a link to it.
    fn materialized(&self, name: &str) -> Result<Option<TreeDigest>, Failure> {
        if !name.starts_with(['/', '.']) {
            return Ok(None);
        }
        let trees = self.store.root().join("trees");
        let found = Path::new(name).canonicalize().ok();
        let digits = found
            .as_deref()
            .and_then(|path| path.strip_prefix(trees).ok());
        match digits.map(|digits| self.by_digest(&digits.to_string_lossy())) {
            Some(Ok(Some(Entry::Directory(tree)))) => Ok(Some(tree)),
            Some(Err(failure)) => Err(failure),
            _ => {
                let message = format!("`{name}` is no result in {}", self.store.root().display());
                let hint = "name a target or node: `pwb list --nodes` lists them";
                Err(Failure::new(message, hint))
            }
        }
    }

    /// The tree or file whose hash is or begins so.
    fn by_digest(&self, name: &str) -> Result<Option<Entry>, Failure> {
        if !may_be_hash(name) {
            return Ok(None);
        }
        let mut found = self.store.beginning_with(&name.to_ascii_lowercase())?;
        if found.len() > 1 {
            let hashes: Vec<String> = found.iter().map(named).collect();
            let message = format!("several objects begin with `{name}`");
            return Err(Failure::new(message, hashes.join("\n       ")));
        }
        Ok(found.pop())
    }

    /// The result as it would be realized now.
    fn present(&self, name: &str) -> Result<TreeDigest, Failure> {
        let (graph, goal) = self.goal(name)?;
        let plan = pwb_engine::plan(&self.store, &graph)?;
        if plan.tree(goal.step).is_none() {
            return Err(not_there(
                name,
                &format!(
                    "; or look at an earlier one: {name}@-1, as `pwb history {name}` lists them"
                ),
            ));
        }
        Ok(plan.input(&self.store, &graph, &goal)?)
    }

    /// The result of a run of the past.
    fn past(&self, name: &str, run: &str) -> Result<TreeDigest, Failure> {
        let (node, runs) = history::of(&self.context, &self.store, name)?;
        let past = history::find(&node, &runs, run)?;
        let key = past.run.key;
        let result = match self.store.result(key)? {
            None => self.store.ask(&[key])?.pop().flatten(),
            found => found,
        };
        let Some(result) = result else {
            return Err(match past.run.outcome {
                Outcome::Failed => Failure::new(
                    format!("that run of `{node}` failed: it has no result"),
                    format!("pwb log {node}"),
                ),
                Outcome::Built => Failure::new(
                    format!("the result of that run of `{node}` is gone from the store"),
                    format!("pwb history {node}"),
                ),
            });
        };
        if node == name {
            return Ok(result.tree);
        }
        // A target may be a part of its node's result.
        let (graph, goal) = self.goal(name)?;
        Ok(pwb_engine::part(&self.store, &graph, &goal, result.tree)?)
    }

    fn goal(&self, name: &str) -> Result<(Graph, Goal), Failure> {
        let library = self.context.library()?;
        if may_be_hash(name) && library.wanted(name).is_err() {
            let message =
                format!("no target has the name `{name}`, and nothing in the store begins so");
            return Err(Failure::new(message, "`pwb list` lists the targets"));
        }
        let names = [name.to_owned()];
        let graph = self.context.graph(&library, &names, self.options)?;
        let goal = graph.goals.first().cloned();
        let goal = goal.ok_or_else(|| Failure::Message(format!("`{name}` has no goal"), None))?;
        Ok((graph, goal))
    }

    /// What is at a path of a tree.
    fn at(&self, name: &str, tree: TreeDigest, path: &TreePath) -> Result<Entry, Failure> {
        let mut here = Entry::Directory(tree);
        for (depth, part) in path.components().enumerate() {
            let found = match &here {
                Entry::Directory(tree) => self.store.directory(*tree)?.entries.remove(part),
                _ => None,
            };
            here = found.ok_or_else(|| absent(name, path, depth, &here))?;
        }
        Ok(here)
    }
}

/// That a result has not been made, and what to do, or what else.
pub fn not_there(name: &str, else_do: &str) -> Failure {
    let message = format!("the result of `{name}` is not in the store");
    Failure::new(message, format!("pwb realize {name}{else_do}"))
}

/// Whether a name can be a hash, or the beginning of one.
fn may_be_hash(name: &str) -> bool {
    name.len() >= DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// That a path leads nowhere: its first parts lead here.
fn absent(name: &str, path: &TreePath, parts: usize, here: &Entry) -> Failure {
    let above: Vec<&str> = path.components().take(parts).collect();
    let above = match &*above.join("/") {
        "" => name.to_owned(),
        above => format!("{name}:{above}"),
    };
    let is = match here {
        Entry::Directory(_) => None,
        Entry::File { .. } => Some("a file".to_owned()),
        Entry::Symlink(target) => Some(format!("a link to `{target}`, and links are not followed")),
    };
    let is = is.map(|is| format!(": `{above}` is {is}"));
    let message = format!("`{name}` has no `{path}`{}", is.unwrap_or_default());
    Failure::new(message, format!("pwb ls {above}"))
}

/// What to type for an object.
fn named(entry: &Entry) -> String {
    match entry {
        Entry::Directory(tree) => format!("{}  a tree", tree.digest().hex()),
        Entry::File { digest, .. } => format!("{}  a file", digest.hex()),
        Entry::Symlink(target) => target.clone(),
    }
}

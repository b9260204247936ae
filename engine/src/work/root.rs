//! Composes a root: a union of trees, with links and small files on top. No file is copied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pwb_cache::{Conflict, Tree, TreeNode};

use super::{Context, Made};
use crate::error::{Error, Result};
use crate::graph::Input;
use crate::prepare::in_tree;
use crate::recipe::SandboxPath;

impl Context<'_> {
    pub(super) fn compose(
        &self,
        layers: &[(String, Input)],
        links: &BTreeMap<SandboxPath, String>,
        files: &BTreeMap<SandboxPath, Arc<[u8]>>,
        wins: &BTreeMap<SandboxPath, String>,
        drop: &BTreeSet<SandboxPath>,
    ) -> Result<Made> {
        self.started(None);
        let store = self.store;
        let trees: Vec<_> = self.inputs.values().copied().collect();
        store.bring_directories(&trees)?;
        let batch = store.batch();
        let mut root = Tree::default();
        let mut laid: Vec<(&str, Tree)> = Vec::new();
        for (name, input) in layers {
            let mut layer = Tree::load(store, self.inputs[input])?;
            for path in drop {
                layer.remove(store, &in_tree(path)?)?;
            }
            let result = root.overlay(store, layer.clone(), &mut |path| match SandboxPath::parse(
                path,
            )
            .ok()
            .and_then(|path| wins.get(&path))
            {
                Some(winner) if winner == name => Ok(Conflict::Replace),
                Some(_) => Ok(Conflict::Keep),
                None => Err(pwb_cache::Error::Conflict {
                    path: path.to_owned(),
                }),
            });
            match result {
                Err(pwb_cache::Error::Conflict { path }) => {
                    return self.collision(&laid, path, name);
                }
                other => other?,
            }
            laid.push((name, layer));
        }
        let mut top: Vec<(&SandboxPath, TreeNode)> = Vec::new();
        for (path, target) in links {
            top.push((path, TreeNode::Symlink(target.clone())));
        }
        for (path, bytes) in files {
            let executable = bytes.starts_with(b"#!");
            let digest = batch.put_file(bytes, executable)?;
            top.push((path, TreeNode::File { digest, executable }));
        }
        for (path, node) in top {
            let found = root.get(store, &in_tree(path)?)?;
            if found.is_some_and(|found| {
                found.is_directory() || found != node && !wins.contains_key(path)
            }) {
                return self.collision(&laid, path.to_string(), "the recipe's own links and files");
            }
            root.put(store, &in_tree(path)?, node)?;
        }
        let tree = root.save(&batch)?;
        Ok(Made::plain(tree, batch.finish()))
    }

    fn collision(&self, laid: &[(&str, Tree)], path: String, second: &str) -> Result<Made> {
        let at = in_tree(&SandboxPath::parse(&path).unwrap_or_else(|_| SandboxPath::root()))?;
        let mut first = "another layer";
        for (name, layer) in laid {
            if layer.get(self.store, &at)?.is_some() {
                first = name;
            }
        }
        Err(Error::Collision {
            path,
            first: first.to_owned(),
            second: second.to_owned(),
        })
    }
}

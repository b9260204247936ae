//! What a command sees, laid out on this machine: its root, what is mounted in it, and where what it writes goes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use pwb_cache::{Store, Tree, TreeDigest, TreeNode, TreePath, fs};
use pwb_sandbox::{Mount, Source};

use crate::error::Result;
use crate::graph::Input;
use crate::prepare::in_tree;
use crate::recipe::SandboxPath;

/// A command's file system, as the recipe says it and as trees.
pub(crate) struct Scenery<'a> {
    pub store: &'a Store,
    pub root: &'a Input,
    pub inputs: &'a BTreeMap<SandboxPath, Input>,
    pub outputs: &'a BTreeSet<SandboxPath>,
    /// The trees that the inputs stand for.
    pub trees: &'a HashMap<Input, TreeDigest>,
    /// All of it in one.
    pub input_root: TreeDigest,
}

/// The same as folders.
pub(crate) struct Stage {
    pub root: PathBuf,
    pub mounts: Vec<Mount>,
    pub outputs: Vec<Output>,
}

/// What an output starts from, and where the command's own files for it are.
pub(crate) struct Output {
    pub path: TreePath,
    pub base: Option<TreeDigest>,
    pub layer: PathBuf,
}

impl Stage {
    /// Lays it out; what the command writes goes into `scratch`, where what an earlier one has written may lie.
    pub fn set(scenery: &Scenery<'_>, scratch: &Path) -> Result<Stage> {
        let Scenery { store, trees, .. } = scenery;
        let root = store.materialize(trees[scenery.root])?;
        let mut folders = BTreeMap::new();
        for (mount, input) in scenery.inputs {
            folders.insert(mount, store.materialize(trees[input])?);
        }
        let mut mounts: Vec<Mount> = folders
            .iter()
            .map(|(path, folder)| mount(path, Source::ReadOnly(folder.clone())))
            .collect();
        let mut outputs = Vec::new();
        for (place, path) in scenery.outputs.iter().enumerate() {
            let scratch = scratch.join(place.to_string());
            let (output, source) = scenery.output(path, &root, &folders, &scratch)?;
            mounts.retain(|mount| mount.target != Path::new(path.as_str()));
            mounts.push(mount(path, source));
            outputs.push(output);
        }
        Ok(Stage {
            root,
            mounts,
            outputs,
        })
    }
}

impl Scenery<'_> {
    /// An output over something that the command sees starts with it; any other starts empty.
    fn output(
        &self,
        path: &SandboxPath,
        root: &Path,
        inputs: &BTreeMap<&SandboxPath, PathBuf>,
        scratch: &Path,
    ) -> Result<(Output, Source)> {
        let at = in_tree(path)?;
        let lower = locate(path, root, inputs);
        // Where there is nothing on this machine, what the input root has is the working directory, which the sandbox makes.
        let base = base(self.store, self.input_root, &at)?.filter(|_| lower.is_dir());
        let (layer, work) = (scratch.join("layer"), scratch.join("work"));
        fs::create_dir_all(&layer)?;
        let source = match base {
            None => Source::Writable(layer.clone()),
            Some(_) => {
                fs::create_dir_all(&work)?;
                Source::Overlay {
                    lower,
                    upper: layer.clone(),
                    work,
                }
            }
        };
        let output = Output {
            path: at,
            base,
            layer,
        };
        Ok((output, source))
    }
}

/// What a command sees where an output is, if there is anything.
pub(crate) fn base(
    store: &Store,
    input_root: TreeDigest,
    output: &TreePath,
) -> Result<Option<TreeDigest>> {
    let root = Tree::load(store, input_root)?;
    Ok(match root.get(store, output)? {
        Some(TreeNode::Stored(base)) if !store.directory(base)?.entries.is_empty() => Some(base),
        _ => None,
    })
}

/// Where on the host the command's `path` is: in the input mounted above it, or in the root.
fn locate(path: &SandboxPath, root: &Path, inputs: &BTreeMap<&SandboxPath, PathBuf>) -> PathBuf {
    let above = inputs.iter().find(|(mount, _)| path.starts_with(mount));
    let (folder, below) = match above {
        Some((mount, folder)) => (folder.as_path(), &path.as_str()[mount.as_str().len()..]),
        None => (root, path.as_str()),
    };
    match below.trim_start_matches('/') {
        "" => folder.to_owned(),
        below => folder.join(below),
    }
}

fn mount(target: &SandboxPath, source: Source) -> Mount {
    Mount {
        target: target.as_str().into(),
        source,
    }
}

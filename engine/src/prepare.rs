//! A step whose inputs are known becomes an action, and so gets its key.
//!
//! Commands are actions as the Remote Execution API has them. Downloads and roots, which pwb does itself, are written
//! down in the same form, so that there is one kind of key and one way to explain it.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::ARCH;
use std::time::Duration;

use pwb_cache::{Action, ActionKey, Digest, Store, Tree, TreeDigest, TreeNode, TreePath};

use crate::error::{Error, Result};
use crate::graph::{Input, Step, Work};
use crate::recipe::{Origin, SandboxPath, Unpack};

/// Changes whenever a command would see something else for the same key, and so makes every key a new one.
const SANDBOX: &str = "linux-2";
/// The same for what pwb does itself.
const BUILTIN: &str = "1";

/// What a test's action has, with the failures that are expected of it.
const CHECK: &str = "pwb-check";

/// What every command has in its environment unless its recipe says otherwise.
const ENVIRONMENT: [(&str, &str); 7] = [
    ("HOME", "/tmp"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"),
    ("PYTHONHASHSEED", "0"),
    ("SOURCE_DATE_EPOCH", "1749600000"),
    ("TMPDIR", "/tmp"),
    ("TZ", "UTC0"),
];

/// Stands for all that keys are made with besides what the recipes say: with another one, the same request may have
/// another answer.
pub fn fingerprint() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("pwb {version} {ARCH} {SANDBOX} {BUILTIN} {ENVIRONMENT:?}")
}

/// An action that is ready to run.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its key.
    pub key: ActionKey,
    /// The action.
    pub action: Action,
    /// What the key was hashed from; saved when the action runs.
    pub messages: Vec<(Digest, Vec<u8>)>,
}

/// The action of a step whose inputs are these trees.
pub fn prepare(
    store: &Store,
    step: &Step,
    tree_of: impl Fn(&Input) -> Result<TreeDigest>,
) -> Result<Prepared> {
    let mut messages = Vec::new();
    let action = match &step.work {
        Work::Fetch {
            from, pin, unpack, ..
        } => {
            let from = from.iter().map(Origin::to_string);
            let unpack = match unpack {
                Unpack::File(name) => format!("file {name}"),
                Unpack::Tar { strip } => format!("tar strip={strip}"),
                Unpack::Zip { strip } => format!("zip strip={strip}"),
                Unpack::Deb => "deb".to_owned(),
            };
            let arguments = ["pwb:fetch".to_owned(), pin.to_string(), unpack]
                .into_iter()
                .chain(from)
                .collect();
            builtin(arguments, Tree::default().encode(&mut messages))
        }
        // A plan imports local folders before anything else: their trees are known, and no key stands for them.
        Work::Source { path, .. } => {
            return Err(Error::Path {
                what: "folder",
                path: path.display().to_string(),
                why: "it was not imported".into(),
            });
        }
        Work::Root {
            layers,
            links,
            files,
            wins,
            drop,
        } => {
            let mut trees = Tree::default();
            let mut arguments = vec!["pwb:root".to_owned()];
            for (place, (_, input)) in layers.iter().enumerate() {
                let name = TreePath::parse(&layer_mount(place)).map_err(pwb_cache::Error::from)?;
                trees.put(store, &name, TreeNode::Stored(tree_of(input)?))?;
            }
            arguments.extend(
                links
                    .iter()
                    .map(|(path, target)| format!("link {path}\n{target}")),
            );
            arguments.extend(
                files
                    .iter()
                    .map(|(path, bytes)| format!("file {path} {}", Digest::of(bytes))),
            );
            arguments.extend(drop.iter().map(|path| format!("drop {path}")));
            arguments.extend(wins.iter().map(|(path, name)| {
                let place = layers
                    .iter()
                    .position(|(layer, _)| layer == name)
                    .unwrap_or(layers.len());
                format!("wins {path} {}", layer_mount(place))
            }));
            builtin(arguments, trees.encode(&mut messages))
        }
        Work::Run {
            arguments,
            environment,
            cwd,
            root,
            inputs,
            outputs,
            timeout,
            expected,
            compilers: _,
        } => {
            let mut tree = Tree::load(store, tree_of(root)?)?;
            for (mount, input) in inputs {
                plain(store, &tree, "mount point", mount)?;
                tree.put(store, &in_tree(mount)?, TreeNode::Stored(tree_of(input)?))?;
            }
            for output in outputs {
                plain(store, &tree, "output", output)?;
            }
            plain(store, &tree, "working directory", cwd)?;
            if tree.get(store, &in_tree(cwd)?)?.is_none() {
                tree.put(store, &in_tree(cwd)?, TreeNode::Directory(Tree::default()))?;
            }
            let defaults = ENVIRONMENT
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()));
            let mut platform = platform("pwb-sandbox", SANDBOX);
            platform.extend(
                expected
                    .as_ref()
                    .map(|expected| (CHECK.to_owned(), expected.key())),
            );
            Action {
                arguments: arguments.clone(),
                environment: defaults.chain(environment.clone()).collect(),
                working_directory: in_tree(cwd)?,
                outputs: outputs.iter().map(in_tree).collect::<Result<_>>()?,
                platform,
                timeout: *timeout,
                input_root: tree.encode(&mut messages),
            }
        }
    };
    let (key, manifest) = action.encode();
    messages.extend(manifest);
    Ok(Prepared {
        key,
        action,
        messages,
    })
}

/// Where a root's layer lies in its action's input root.
pub(crate) fn layer_mount(place: usize) -> String {
    format!("{place:04}")
}

/// The same path inside a tree.
pub fn in_tree(path: &SandboxPath) -> Result<TreePath> {
    Ok(TreePath::parse(path.as_str()).map_err(pwb_cache::Error::from)?)
}

/// Refuses a path that leads through a link or a file: the sandbox would follow the link, and the tree would not.
fn plain(store: &Store, tree: &Tree, what: &'static str, path: &SandboxPath) -> Result<()> {
    let mut at = String::new();
    for part in path.parts() {
        at = format!("{at}/{part}");
        let node = tree.get(
            store,
            &TreePath::parse(&at).map_err(pwb_cache::Error::from)?,
        )?;
        if node.is_some_and(|node| !node.is_directory()) {
            return Err(Error::Path {
                what,
                path: path.to_string(),
                why: format!("{at} is a file or a symbolic link; name the directory itself"),
            });
        }
    }
    Ok(())
}

fn builtin(arguments: Vec<String>, input_root: TreeDigest) -> Action {
    Action {
        arguments,
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::new(),
        platform: BTreeMap::from([("pwb-builtin".to_owned(), BUILTIN.to_owned())]),
        timeout: None::<Duration>,
        input_root,
    }
}

fn platform(name: &str, value: &str) -> BTreeMap<String, String> {
    let machine = [
        ("ISA", ARCH),
        ("OSFamily", std::env::consts::OS),
        (name, value),
    ];
    machine
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

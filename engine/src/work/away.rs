//! Runs a command on another machine. What travels is a folder: the command's input root by digest, and the program that enters
//! it and makes the sandbox there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pwb_cache::{Action, Digest, Executed, MTIME, Tree, TreeDigest, TreeNode, TreePath};
use pwb_sandbox::errand::{ENTER, Errand, MOUNT_POINTS, ORDER, OUTPUTS, ROOT, Report};
use pwb_sandbox::{Status, Usage};

use super::stage::base;
use super::{Context, Made};
use crate::error::Result;
use crate::event::Happening;
use crate::prepare::in_tree;
use crate::recipe::SandboxPath;

/// The program's name in the folder.
const PROGRAM: &str = "enter";
/// What a worker has for its own work besides the command's time.
const SLACK: Duration = Duration::from_secs(300);

impl Context<'_> {
    /// Runs the command on another machine, where there is one that does. `None`: it has to run here.
    pub(super) fn away(&self, outputs: &BTreeSet<SandboxPath>) -> Result<Option<Made>> {
        let Some(workers) = self.store.workers() else {
            return Ok(None);
        };
        let outputs: Vec<TreePath> = outputs.iter().map(in_tree).collect::<Result<_>>()?;
        let action = self.wrap(&outputs)?;
        let mut log = self.open_log()?;
        let executed = workers.execute(self.store, &action, &mut |bytes| log.take(bytes))?;
        log.finish()?;
        let Some(executed) = executed else {
            return Ok(None);
        };
        match Report::read(&executed.errors) {
            Some(Report::Ended(Status::Code(0), usage)) => self.take(executed, usage, &outputs),
            Some(Report::Ended(status, _)) => Err(self.failed(status, None)?),
            Some(Report::Declined(why)) => {
                self.here(&why);
                Ok(None)
            }
            Some(Report::Refused(why)) => {
                workers.dismiss(&format!("a worker cannot isolate commands: {why}"));
                Ok(None)
            }
            None => {
                let errors = String::from_utf8_lossy(&executed.errors);
                let said = errors.lines().rfind(|line| !line.trim().is_empty());
                let said = said.map_or(String::new(), |line| format!(": {line}"));
                let code = executed.exit_code;
                workers.dismiss(&format!(
                    "a worker has not run what it was sent (exit code {code}{said})"
                ));
                Ok(None)
            }
        }
    }

    /// The action that a worker is sent in the place of the command's own.
    fn wrap(&self, outputs: &[TreePath]) -> Result<Action> {
        let own = &self.prepared.action;
        let mut root = Tree::load(self.store, own.input_root)?;
        let points = MOUNT_POINTS.iter().map(|name| tree_path(name));
        let points: Vec<TreePath> = points.collect::<Result<_>>()?;
        for point in points.iter().chain(outputs) {
            if root.get(self.store, point)?.is_none() {
                root.put(self.store, point, TreeNode::Directory(Tree::default()))?;
            }
        }
        let over = |output: &TreePath| {
            Ok((
                output.to_string(),
                base(self.store, own.input_root, output)?.is_some(),
            ))
        };
        let cores = [("MAKEFLAGS".to_owned(), "-j".to_owned())];
        let errand = Errand {
            argv: own.arguments.clone(),
            env: own.environment.clone().into_iter().collect(),
            cores: cores
                .into_iter()
                .filter(|(name, _)| !own.environment.contains_key(name))
                .collect(),
            cwd: own.working_directory.to_string(),
            outputs: outputs.iter().map(over).collect::<Result<_>>()?,
            mtime: MTIME,
            timeout: own.timeout,
        };
        let mut messages = Vec::new();
        let mut folder = Tree::default();
        let files = [
            (PROGRAM, ENTER.to_vec(), true),
            (ORDER, errand.order()?, false),
        ];
        for (name, bytes, executable) in files {
            let digest = Digest::of(&bytes);
            messages.push((digest, bytes));
            self.put(&mut folder, name, TreeNode::File { digest, executable })?;
        }
        self.put(&mut folder, ROOT, TreeNode::Directory(root))?;
        let input_root = folder.encode(&mut messages);
        // No result names these files: they need not outlive a loss of power, as published ones do.
        self.store.batch().put_messages(&messages)?;
        let output = tree_path(OUTPUTS)?;
        Ok(Action {
            arguments: vec![format!("./{PROGRAM}")],
            environment: BTreeMap::new(),
            working_directory: TreePath::default(),
            outputs: BTreeSet::from([output]),
            platform: BTreeMap::new(),
            timeout: own.timeout.map(|timeout| timeout + SLACK),
            input_root,
        })
    }

    fn put(&self, folder: &mut Tree, name: &str, node: TreeNode) -> Result<()> {
        Ok(folder.put(self.store, &tree_path(name)?, node)?)
    }

    /// The outputs, if they are all there.
    fn take(&self, executed: Executed, usage: Usage, outputs: &[TreePath]) -> Result<Option<Made>> {
        let found = match executed.output {
            Some(found) => Tree::load(self.store, found)?,
            None => Tree::default(),
        };
        let mut tree = Tree::default();
        for output in outputs {
            match found.get(self.store, output)? {
                Some(node) if node.is_directory() => tree.put(self.store, output, node)?,
                _ => {
                    self.here(&format!("a worker has not brought its output /{output}"));
                    return Ok(None);
                }
            }
        }
        let tree: TreeDigest = tree.save(&self.store.batch())?;
        Ok(Some(Made {
            tree,
            new: executed.new,
            user: usage.user,
            system: usage.system,
            max_rss: usage.max_rss_bytes,
        }))
    }

    fn here(&self, why: &str) {
        self.tell(Happening::Warning(format!("{why}; it runs here")));
    }
}

fn tree_path(text: &str) -> Result<TreePath> {
    Ok(TreePath::parse(text).map_err(pwb_cache::Error::from)?)
}

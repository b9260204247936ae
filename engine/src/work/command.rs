//! Runs a command: trees become mounts, what it writes becomes a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::thread::{self, Builder};

use pwb_cache::{ActionKey, Tree, TreeNode, TreePath, fs};
use pwb_sandbox::{Calling, Calls, Exit, Mount, Source, Spec, Status, Stdio};

use super::stage::{Output, Scenery, Stage};
use super::{Context, Made};
use crate::check::{Expected, Outcome, Unexpected, ending};
use crate::compile::Scene;
use crate::error::{Error, Result};
use crate::event::Happening;
use crate::graph::Input;
use crate::jobserver::MOUNT;
use crate::recipe::SandboxPath;
use crate::shell::kept;

/// How much of a failed command's output is shown.
const TAIL: usize = 4096;

impl Context<'_> {
    pub(super) fn command(
        &self,
        root: &Input,
        inputs: &BTreeMap<SandboxPath, Input>,
        outputs: &BTreeSet<SandboxPath>,
        compilers: &BTreeMap<SandboxPath, SandboxPath>,
        expected: Option<&Expected>,
    ) -> Result<Made> {
        // A worker says nothing of a command that failed but that it did, and a test's reports are wanted all the same.
        if expected.is_none()
            && let Some(made) = self.away(outputs)?
        {
            return Ok(made);
        }
        let scene = self.scene(root, inputs, outputs, compilers);
        let scratch = self.store.session()?.folder("run")?;
        let scenery = Scenery {
            store: self.store,
            root,
            inputs,
            outputs,
            trees: self.inputs,
            input_root: self.prepared.action.input_root,
        };
        let Stage {
            root,
            mounts,
            outputs,
        } = Stage::set(&scenery, &scratch)?;
        let token = self.jobserver.token()?;
        let exit = self.run(root, mounts, scratch.clone(), &scene);
        drop(token);
        let Exit { status, usage, .. } = match exit {
            Ok(exit) => exit,
            Err(error) => {
                fs::remove_tree(&scratch)?;
                return Err(error);
            }
        };
        if let Some(expected) = expected {
            // Its one output is the folder of its reports.
            let reports = outputs.first().map(|output| output.layer.as_path());
            let outcome = Outcome::of(status, reports.unwrap_or(&scratch))?;
            if !expected.allows(&outcome) {
                return Err(Error::Test {
                    outcome,
                    unexpected: Unexpected {
                        status: sentence(status),
                        log: self.log.clone(),
                        kept: self.keep(&scratch)?,
                    },
                });
            }
        } else if status != Status::Code(0) {
            let kept = self.keep(&scratch)?;
            return Err(self.failed(status, kept)?);
        }
        let batch = self.store.batch();
        let mut tree = Tree::default();
        for Output { path, base, layer } in outputs {
            let taken = batch
                .take_layer(&layer, base)
                .map_err(|error| as_inside(error, &path))?;
            tree.put(self.store, &path, TreeNode::Stored(taken))?;
        }
        if expected.is_some() {
            let digest = batch.put_file(ending::write(status).as_bytes(), false)?;
            let file = TreePath::parse(ending::FILE).map_err(pwb_cache::Error::from)?;
            let executable = false;
            tree.put(self.store, &file, TreeNode::File { digest, executable })?;
        }
        let tree = tree.save(&batch)?;
        fs::remove_tree(&scratch)?;
        Ok(Made {
            tree,
            new: batch.finish(),
            user: usage.user,
            system: usage.system,
            max_rss: usage.max_rss_bytes,
        })
    }

    /// What the compilers in the command see, if it has any.
    fn scene(
        &self,
        root: &Input,
        inputs: &BTreeMap<SandboxPath, Input>,
        outputs: &BTreeSet<SandboxPath>,
        compilers: &BTreeMap<SandboxPath, SandboxPath>,
    ) -> Option<Scene> {
        let at = |path: &SandboxPath| PathBuf::from(path.as_str());
        let written = outputs
            .iter()
            .map(at)
            .chain(["/dev", "/tmp"].map(PathBuf::from));
        let mounts: BTreeSet<PathBuf> = inputs.keys().map(at).chain(written).collect();
        (self.settings.compile_cache && !compilers.is_empty()).then(|| Scene {
            root: self.inputs[root],
            mounts: mounts.into_iter().collect(),
            programs: compilers
                .iter()
                .map(|(path, real)| (at(path), at(real)))
                .collect(),
        })
    }

    fn run(
        &self,
        root: PathBuf,
        mut mounts: Vec<Mount>,
        scratch: PathBuf,
        scene: &Option<Scene>,
    ) -> Result<Exit> {
        let action = &self.prepared.action;
        mounts.push(Mount {
            target: MOUNT.into(),
            // One can write to it; its mode, which others rely on, stays.
            source: Source::ReadOnly(self.jobserver.path().to_owned()),
        });
        let mut env = action.environment.clone();
        env.entry("MAKEFLAGS".into())
            .or_insert_with(|| self.jobserver.makeflags());
        let calls = match scene {
            Some(_) => Some(
                Calls::listen(&scratch).map_err(|source| pwb_cache::Error::Io {
                    verb: "listen in",
                    path: scratch.clone(),
                    source,
                })?,
            ),
            None => None,
        };
        let calling = |(calls, scene): (&Calls, &Scene)| Calling {
            socket: calls.path().to_owned(),
            programs: scene.programs.keys().cloned().collect(),
        };
        let spec = Spec {
            root,
            mounts,
            calling: calls.as_ref().zip(scene.as_ref()).map(calling),
            argv: action.arguments.clone(),
            env: env.into_iter().collect(),
            cwd: format!("/{}", action.working_directory).into(),
            stdio: Stdio::Captured,
            network: false,
            timeout: action.timeout,
            scratch,
        };
        let mut log = self.open_log()?;
        let run = || {
            let exit = pwb_sandbox::run(&spec, &mut |bytes| log.take(bytes))?;
            log.finish()?;
            Ok(exit)
        };
        match calls.as_ref().zip(scene.as_ref()) {
            Some((calls, scene)) => self.attended(scene, calls, run),
            None => run(),
        }
    }

    /// Runs with somebody to take the calls of compilers. What they came to is kept even where the command fails.
    fn attended(
        &self,
        scene: &Scene,
        calls: &Calls,
        run: impl FnOnce() -> Result<Exit>,
    ) -> Result<Exit> {
        let command = self.over_root(scene);
        self.store.ask_calls(command)?;
        let (exit, served) = thread::scope(|scope| -> Result<_> {
            let serve = || self.compiles.serve(self.store, scene, calls);
            let server = Builder::new().spawn_scoped(scope, serve);
            let server = server.map_err(Error::thread)?;
            let closing = Closing(calls);
            let exit = run();
            drop(closing);
            Ok((exit, server.join()))
        })?;
        let (tally, known) = served.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.compiles.publish(self.store)?;
        if tally.calls() > 0 {
            self.store.count_calls(&tally.rows(&self.step.name))?;
            self.tell(Happening::Compiled(tally));
        }
        let succeeded = |exit: &Exit| exit.status == Status::Code(0);
        if exit.as_ref().is_ok_and(succeeded) {
            self.compiles.note(command, known);
        }
        exit
    }

    /// The same command over the root alone: whatever its inputs are, most calls of compilers in it will be the same.
    fn over_root(&self, scene: &Scene) -> ActionKey {
        let mut command = self.prepared.action.clone();
        command.input_root = scene.root;
        command
            .platform
            .insert("pwb-note".to_owned(), "calls-1".to_owned());
        command.encode().0
    }

    /// Keeps what a failed command has written, if that is wanted; else it goes.
    fn keep(&self, scratch: &Path) -> Result<Option<PathBuf>> {
        if !self.settings.keep_failed {
            fs::remove_tree(scratch)?;
            return Ok(None);
        }
        let kept = kept(self.store, self.prepared.key);
        fs::remove_tree(&kept)?;
        fs::create_dir_all(kept.parent().unwrap_or(&kept))?;
        fs::rename(scratch, &kept)?;
        Ok(Some(kept))
    }

    /// The error that a command's end is.
    pub(super) fn failed(&self, status: Status, kept: Option<PathBuf>) -> Result<Error> {
        let log = self.log.clone();
        let bytes = fs::read(&log)?;
        let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).into_owned();
        Ok(Error::Command {
            status: sentence(status),
            tail,
            log,
            kept,
        })
    }
}

fn sentence(status: Status) -> String {
    match status {
        Status::Code(code) => format!("the command ended with exit code {code}"),
        // Nobody but the kernel, short of memory, sends it here.
        Status::Signal(9) => {
            "the command was killed by signal 9: if memory ran out, `dmesg` says so".to_owned()
        }
        Status::Signal(25) => {
            "the command was killed by signal 25: a file of its grew larger than 256 GiB".to_owned()
        }
        Status::Signal(signal) => format!("the command was killed by signal {signal}"),
        Status::TimedOut => {
            "the command ran longer than its timeout: if it needs more, its recipe can give it"
                .to_owned()
        }
    }
}

/// Lets the thread that takes calls end, however the command did.
struct Closing<'a>(&'a Calls);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        // A socket that cannot be shut is shut.
        let _ = self.0.close();
    }
}

/// Names the file as the command knew it.
fn as_inside(error: pwb_cache::Error, output: &TreePath) -> Error {
    match error {
        pwb_cache::Error::Unholdable { path, why } => pwb_cache::Error::Unholdable {
            path: Path::new("/").join(output.as_str()).join(path),
            why,
        }
        .into(),
        other => other.into(),
    }
}

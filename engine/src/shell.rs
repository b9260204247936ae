//! A person in a command's place: the same sandbox over the same inputs, with the terminal in it. What is written there is
//! nobody's result.

use std::collections::HashMap;
use std::path::PathBuf;

use pwb_cache::{ActionKey, Store, TreeDigest, fs};
use pwb_sandbox::{Exit, Spec, Stdio};

use crate::error::{Error, Result};
use crate::graph::{Graph, Input, StepId, Work};
use crate::plan::Plan;
use crate::prepare::{Prepared, prepare};
use crate::work::{Scenery, Stage};

/// Where what a failed command has written is kept.
pub(crate) fn kept(store: &Store, key: ActionKey) -> PathBuf {
    store.root().join("failed").join(&key.hex()[..16])
}

/// A command that is ready to be entered.
pub struct Shell<'a> {
    store: &'a Store,
    graph: &'a Graph,
    step: StepId,
    trees: HashMap<Input, TreeDigest>,
    prepared: Prepared,
}

impl<'a> Shell<'a> {
    /// The shell of a step whose inputs have results.
    ///
    /// # Errors
    /// [`Error::NoCommand`] if the step is no command.
    pub fn new(store: &'a Store, graph: &'a Graph, plan: &Plan, step: StepId) -> Result<Shell<'a>> {
        let it = &graph.steps[step];
        if !matches!(it.work, Work::Run { .. }) {
            return Err(Error::NoCommand(it.name.clone()));
        }
        let tree = |input: &Input| Ok((input.clone(), plan.input(store, graph, input)?));
        let trees: HashMap<Input, TreeDigest> =
            it.inputs().into_iter().map(tree).collect::<Result<_>>()?;
        let prepared = prepare(store, it, |input| Ok(trees[input]))?;
        store.batch().put_messages(&prepared.messages)?;
        Ok(Shell {
            store,
            graph,
            step,
            trees,
            prepared,
        })
    }

    /// What a failed run of just this action has written, if it was kept.
    pub fn kept(&self) -> Option<PathBuf> {
        Some(kept(self.store, self.prepared.key)).filter(|kept| kept.is_dir())
    }

    /// The command.
    pub fn command(&self) -> &[String] {
        &self.prepared.action.arguments
    }

    /// Runs something in the command's place: `argv`, or an interactive shell of the root's. With `kept`, what a failed run has
    /// written there lies where it was written, and is changed; else what is written goes when it ends.
    pub fn enter(
        &self,
        argv: Option<Vec<String>>,
        environment: Vec<(String, String)>,
        kept: Option<PathBuf>,
    ) -> Result<Exit> {
        let Work::Run {
            root,
            inputs,
            outputs,
            ..
        } = &self.graph.steps[self.step].work
        else {
            return Err(Error::NoCommand(self.graph.name(self.step).to_owned()));
        };
        let action = &self.prepared.action;
        let scratch = self.store.session()?.folder("shell")?;
        let written = kept.as_deref().unwrap_or(&scratch);
        let scenery = Scenery {
            store: self.store,
            root,
            inputs,
            outputs,
            trees: &self.trees,
            input_root: action.input_root,
        };
        let Stage { root, mounts, .. } = Stage::set(&scenery, written)?;
        let shells = ["bin/bash", "usr/bin/bash"];
        let bash = shells.iter().find(|shell| root.join(shell).exists());
        let shell = bash.map_or("/bin/sh".to_owned(), |bash| format!("/{bash}"));
        let mut env = action.environment.clone();
        env.extend(environment);
        let exit = pwb_sandbox::run(
            &Spec {
                root,
                mounts,
                calling: None,
                argv: argv.unwrap_or_else(|| vec![shell, "-i".to_owned()]),
                env: env.into_iter().collect(),
                cwd: format!("/{}", action.working_directory).into(),
                stdio: Stdio::Inherited,
                network: false,
                timeout: None,
                scratch: scratch.clone(),
            },
            &mut |_| {},
        )?;
        fs::remove_tree(&scratch)?;
        Ok(exit)
    }
}

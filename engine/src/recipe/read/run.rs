//! Reads a `Run` node, and checks its mount points against each other.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::code::Code;
use super::super::item::{Items, Word};
use super::super::name::Reference;
use super::super::node::Run;
use super::super::path::SandboxPath;
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::syntax::RunSyntax;

/// What all that runs in a sandbox is made of.
pub(super) struct Parts<'a> {
    pub(super) root: Raw<'a>,
    pub(super) inputs: Option<Raw<'a>>,
    pub(super) cwd: Option<Raw<'a>>,
    pub(super) env: Option<Raw<'a>>,
    pub(super) run: Raw<'a>,
    pub(super) timeout: Option<Raw<'a>>,
}

impl<'a> Reader<'a, '_> {
    pub(super) fn run(&mut self, raw: Raw<'a>) -> Option<Run> {
        let shape: RunSyntax<'a> = self.read(raw)?;
        let outputs = self.outputs(shape.outputs);
        let parts = Parts {
            root: shape.root,
            inputs: shape.inputs,
            cwd: shape.cwd,
            env: shape.env,
            run: shape.run,
            timeout: shape.timeout,
        };
        self.run_of(parts, outputs)
    }

    /// A command with these outputs.
    pub(super) fn run_of(
        &mut self,
        shape: Parts<'a>,
        outputs: Vec<Spanned<SandboxPath>>,
    ) -> Option<Run> {
        let root = self.reference(shape.root);
        let (mounts, inputs) = self.inputs(shape.inputs);
        let cwd = match shape.cwd {
            Some(cwd) => self.sandbox_path(cwd).map(|cwd| cwd.value),
            None => Some(SandboxPath::root()),
        };
        let env = self.env(shape.env);
        let run = self.command(shape.run);
        let timeout = shape.timeout.and_then(|timeout| self.timeout(timeout));
        self.disjoint(&mounts, "inputs");
        self.disjoint(&outputs, "outputs");
        self.inputs_in_outputs(&mounts, &outputs);
        let outputs = outputs.into_iter().map(|output| output.value).collect();
        Some(Run {
            root: root?,
            inputs,
            cwd: cwd?,
            env,
            run: run?,
            outputs,
            timeout,
        })
    }

    fn inputs(
        &mut self,
        raw: Option<Raw<'a>>,
    ) -> (
        Vec<Spanned<SandboxPath>>,
        BTreeMap<SandboxPath, Spanned<Reference>>,
    ) {
        let mut mounts = Vec::new();
        let mut inputs = BTreeMap::new();
        for (key, value) in self.entries(raw, "mount point") {
            let reference = self.reference(value);
            let mount = self
                .as_sandbox_path(&key)
                .and_then(|mount| self.place(mount, "an input"));
            if let (Some(mount), Some(reference)) = (mount, reference) {
                inputs.insert(mount.value.clone(), reference);
                mounts.push(mount);
            }
        }
        (mounts, inputs)
    }

    fn env(&mut self, raw: Option<Raw<'a>>) -> BTreeMap<String, Items<Word>> {
        let mut env = BTreeMap::new();
        for (key, value) in self.entries(raw, "variable") {
            let value = self.variable(value);
            if key.is_empty() || key.contains(['=', '\0']) {
                self.error(
                    Code::BadName,
                    key.span,
                    format!("`{key}` cannot be the name of a variable"),
                    "",
                );
                continue;
            }
            env.extend(value.map(|value| (key.value, value)));
        }
        env
    }

    fn outputs(&mut self, raw: Raw<'a>) -> Vec<Spanned<SandboxPath>> {
        let list: Option<Vec<Raw<'a>>> = self.read(raw);
        if list.as_ref().is_some_and(Vec::is_empty) {
            self.error(
                Code::Empty,
                self.span(raw),
                "nothing comes of this",
                "at least one directory is wanted here",
            );
        }
        let mut outputs = Vec::new();
        for output in list.unwrap_or_default() {
            let path = self.sandbox_path(output);
            outputs.extend(path.and_then(|path| self.place(path, "an output")));
        }
        outputs
    }

    fn timeout(&mut self, raw: Raw<'a>) -> Option<Duration> {
        let seconds: u32 = self.read(raw)?;
        if seconds == 0 {
            self.error(
                Code::BadValue,
                self.span(raw),
                "a timeout of 0 seconds",
                "leave it out for no limit",
            );
            return None;
        }
        Some(Duration::from_secs(seconds.into()))
    }

    /// An input may be where an output is (the output starts with it), or around one; not inside one.
    fn inputs_in_outputs(
        &mut self,
        mounts: &[Spanned<SandboxPath>],
        outputs: &[Spanned<SandboxPath>],
    ) {
        for mount in mounts {
            for output in outputs {
                if mount.starts_with(output) && mount.value != output.value {
                    let other = self.sink.location(output.span);
                    let message = format!("input `{mount}` is inside output `{output}`");
                    let error = self.sink.finding(
                        Code::Collision,
                        mount.span,
                        message,
                        "mounted inside the output",
                    );
                    let help = "an input may be at the output itself (which then starts with it), around it or beside it";
                    self.sink
                        .add(error.related(other, "the output").help(help.to_owned()));
                }
            }
        }
    }
}

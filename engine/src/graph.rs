//! The graph of what is to be realized: recipes with their options filled in, each distinct step once.
//!
//! Equal steps are one: two targets whose option values make no difference to a node share it. The graph knows no keys and no results.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use petgraph::graph::{DiGraph, NodeIndex};
use pwb_cache::Filter;
use serde::{Deserialize, Serialize};

use crate::check::{Expected, Test};
use crate::error::{Error, Result};
use crate::recipe::{
    Check, Fetch, Library, Node, NodeKind, NodeName, Origin, Pin, Reference, Root, Run,
    SandboxPath, SourceFolder, Unpack, Use, Values, Winner,
};

/// A step's place in a [`Graph`].
pub type StepId = NodeIndex;

/// One thing to do, with its options filled in.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Step {
    /// The node's full name; a package's is its root's with the package's behind it.
    pub name: String,
    /// What to do.
    pub work: Work,
}

/// What a step does.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub enum Work {
    /// Downloads and unpacks.
    Fetch {
        /// Where from, in order.
        from: Vec<Origin>,
        /// What the bytes must be.
        pin: Pin,
        /// How many they are, where the recipe knows.
        size: Option<u64>,
        /// What to do with them.
        unpack: Unpack,
    },
    /// Imports a local folder.
    Source {
        /// The folder.
        path: PathBuf,
        /// Patterns of what to leave out.
        ignore: Vec<String>,
    },
    /// Composes a root.
    Root {
        /// What is laid over what, each with the name that `wins` and messages give it.
        layers: Vec<(String, Input)>,
        /// Symbolic links.
        links: BTreeMap<SandboxPath, String>,
        /// Small files.
        files: BTreeMap<SandboxPath, Arc<[u8]>>,
        /// Who has a path that several claim, by the layer's name.
        wins: BTreeMap<SandboxPath, String>,
        /// What is left out.
        drop: BTreeSet<SandboxPath>,
    },
    /// Runs a command.
    Run {
        /// argv.
        arguments: Vec<String>,
        /// What the recipe sets of the environment.
        environment: BTreeMap<String, String>,
        /// Where it starts.
        cwd: SandboxPath,
        /// What it starts from.
        root: Input,
        /// What is mounted in it.
        inputs: BTreeMap<SandboxPath, Input>,
        /// What it is asked for.
        outputs: BTreeSet<SandboxPath>,
        /// Programs of the root whose calls are remembered: where they are called, and where they really are. What a
        /// command makes does not depend on it, and so its key does not.
        compilers: BTreeMap<SandboxPath, SandboxPath>,
        /// How long it may take.
        timeout: Option<Duration>,
        /// A test's: it ends with a verdict, and these failures are good ones. A test that fails otherwise has no result.
        expected: Option<Expected>,
    },
}

/// A directory in another step's result, or a part of it.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
pub struct Input {
    /// The step.
    pub step: StepId,
    /// The directory in its result; the root is all of it.
    pub path: SandboxPath,
    /// What of it; `None` is all.
    pub filter: Option<Filter>,
}

/// A result to realize, with its options' values.
#[derive(Clone, Debug)]
pub struct Request {
    /// The node, or a part of its result.
    pub reference: Reference,
    /// The options' values.
    pub values: Values,
}

/// Tests of one variant.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The tests.
    pub tests: Vec<Test>,
    /// The options' values.
    pub values: Values,
}

/// What a request came to.
pub type Goal = Input;

/// Steps, with an edge from each to every step that needs its result.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Graph {
    /// The steps.
    pub steps: DiGraph<Step, ()>,
    /// The goals, one a request, in the requests' order.
    pub goals: Vec<Goal>,
    /// By step: the options that it or what it is made from uses.
    options: Vec<Options>,
}

/// Options by full name, with their values.
pub type Options = BTreeMap<String, String>;

impl Graph {
    /// The graph of these requests. `overrides` has local folders to use in place of nodes.
    pub fn build(
        library: &Library,
        requests: &[Request],
        overrides: &BTreeMap<NodeName, PathBuf>,
    ) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut known = HashMap::new();
        for Request { reference, values } in requests {
            let mut builder = Builder::new(library, values, overrides, &mut graph, &mut known);
            builder.add(&reference.node)?;
            let goal = builder.input(reference)?;
            graph.goals.push(goal);
        }
        Ok(graph)
    }

    /// Whether local folders are part of it.
    pub fn has_folders(&self) -> bool {
        let is_folder = |step: &Step| matches!(step.work, Work::Source { .. });
        self.steps.node_weights().any(is_folder)
    }

    /// The graph of these tests.
    pub fn of_tests(
        library: &Library,
        Suite { tests, values }: &Suite,
        overrides: &BTreeMap<NodeName, PathBuf>,
    ) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut known = HashMap::new();
        let mut builder = Builder::new(library, values, overrides, &mut graph, &mut known);
        for test in tests {
            let node = library.node(&test.check);
            let node = node.ok_or_else(|| unknown(&test.check))?;
            let NodeKind::Check(check) = &node.kind else {
                return Err(Error::IsNoCheck(test.check.to_string()));
            };
            for (_, reference) in node.needs(values) {
                builder.add(&reference.value.node)?;
            }
            let goal = builder.test(node, check, test)?;
            builder.graph.goals.push(goal);
        }
        Ok(graph)
    }

    /// The name of a step.
    pub fn name(&self, step: StepId) -> &str {
        &self.steps[step].name
    }

    /// The options that the step or what it is made from uses: with the same values it is the same variant of its node.
    pub fn options(&self, step: StepId) -> &Options {
        &self.options[step.index()]
    }
}

impl Step {
    /// The inputs of the step.
    pub fn inputs(&self) -> Vec<&Input> {
        self.uses().into_iter().map(|(_, input)| input).collect()
    }

    /// The inputs of the step, each with what it is used as.
    pub fn uses(&self) -> Vec<(Use<'_>, &Input)> {
        match &self.work {
            Work::Fetch { .. } | Work::Source { .. } => Vec::new(),
            Work::Root { layers, .. } => {
                let layers = layers.iter();
                layers.map(|(_, input)| (Use::Layer, input)).collect()
            }
            Work::Run { root, inputs, .. } => {
                let inputs = inputs.iter();
                let inputs = inputs.map(|(mount, input)| (Use::Input(mount), input));
                std::iter::once((Use::Root, root)).chain(inputs).collect()
            }
        }
    }

    /// Whether it fetches a package of a root.
    pub fn is_package(&self) -> bool {
        matches!(self.work, Work::Fetch { size: Some(_), .. })
    }
}

impl Work {
    /// What it does, in a word: `fetch`, `source`, `root` or `run`.
    pub fn kind(&self) -> &'static str {
        match self {
            Work::Fetch { .. } => "fetch",
            Work::Source { .. } => "source",
            Work::Root { .. } => "root",
            Work::Run { .. } => "run",
        }
    }
}

struct Builder<'a> {
    library: &'a Library,
    values: &'a Values,
    overrides: &'a BTreeMap<NodeName, PathBuf>,
    graph: &'a mut Graph,
    /// Every distinct step of the graph.
    known: &'a mut HashMap<Step, StepId>,
    /// The steps that nodes have become under this request's values.
    built: HashMap<NodeName, StepId>,
}

impl<'a> Builder<'a> {
    fn new(
        library: &'a Library,
        values: &'a Values,
        overrides: &'a BTreeMap<NodeName, PathBuf>,
        graph: &'a mut Graph,
        known: &'a mut HashMap<Step, StepId>,
    ) -> Builder<'a> {
        Builder {
            library,
            values,
            overrides,
            graph,
            known,
            built: HashMap::new(),
        }
    }

    /// Adds a node after all that it needs; a stack of its own, since a chain of nodes may be longer than the thread's.
    fn add(&mut self, goal: &NodeName) -> Result<()> {
        let mut stack = vec![(goal.clone(), false)];
        while let Some((name, needs_are_built)) = stack.pop() {
            if self.built.contains_key(&name) {
                continue;
            }
            if let Some(path) = self.overrides.get(&name) {
                let work = Work::Source {
                    path: path.clone(),
                    ignore: Vec::new(),
                };
                let id = self.intern(name.to_string(), work, Options::new());
                self.built.insert(name, id);
                continue;
            }
            // A checked library has every node that its nodes name.
            let node = self.library.node(&name).ok_or_else(|| unknown(&name))?;
            if needs_are_built {
                let id = self.step(node)?;
                self.built.insert(name, id);
            } else {
                stack.push((name, true));
                let needs = node.needs(self.values);
                stack.extend(
                    needs
                        .into_iter()
                        .map(|(_, reference)| (reference.value.node.clone(), false)),
                );
            }
        }
        Ok(())
    }

    fn step(&mut self, node: &Node) -> Result<StepId> {
        let work = match &node.kind {
            NodeKind::Fetch(Fetch {
                from, pin, unpack, ..
            }) => Work::Fetch {
                from: from.clone(),
                pin: *pin,
                size: None,
                unpack: unpack.clone(),
            },
            NodeKind::Source(SourceFolder { path, ignore }) => Work::Source {
                path: PathBuf::from(path),
                ignore: ignore.iter().map(|pattern| pattern.value.clone()).collect(),
            },
            NodeKind::Root(root) => self.root(node, root)?,
            NodeKind::Run(run) => self.run(node, run)?,
            NodeKind::Check(_) => return Err(Error::IsCheck(node.name.to_string())),
        };
        let own = self.own(node);
        Ok(self.intern(node.name.to_string(), work, own))
    }

    /// The options that a node itself uses.
    fn own(&self, node: &Node) -> Options {
        let own = node.options().into_iter();
        own.filter_map(|name| Some((name.to_string(), self.values.get(name)?.to_string())))
            .collect()
    }

    /// The step of one test.
    fn test(&mut self, node: &Node, check: &Check, test: &Test) -> Result<Goal> {
        let mut work = self.run(node, &check.command)?;
        if let Work::Run {
            arguments,
            expected,
            ..
        } = &mut work
        {
            arguments.extend(test.named.clone());
            let fails = check.expected.selected(self.values);
            *expected = Some(Expected::of(&fails, test.name()));
        }
        let own = self.own(node);
        Ok(Input {
            step: self.intern(test.to_string(), work, own),
            path: SandboxPath::root(),
            filter: None,
        })
    }

    fn root(&mut self, node: &Node, root: &Root) -> Result<Work> {
        let mut layers = Vec::new();
        for package in root.debian.iter().flat_map(|debian| &debian.lock.packages) {
            let work = Work::Fetch {
                from: vec![Origin::Debian(package.path.clone())],
                pin: Pin::Sha256(package.sha256),
                size: Some(package.size),
                unpack: Unpack::Deb,
            };
            let name = format!("{}/{}", node.name, package.name);
            let step = self.intern(name, work, Options::new());
            layers.push((
                package.name.clone(),
                Input {
                    step,
                    path: SandboxPath::root(),
                    filter: None,
                },
            ));
        }
        for (_, reference) in node.needs(self.values) {
            layers.push((reference.value.to_string(), self.input(&reference.value)?));
        }
        let wins = root.wins.iter().map(|(path, winner)| {
            let name = match winner {
                Winner::Layer(reference) => reference.to_string(),
                Winner::Package(name) => name.clone(),
            };
            (path.clone(), name)
        });
        Ok(Work::Root {
            layers,
            links: root.links.clone(),
            files: root.files.clone(),
            wins: wins.collect(),
            drop: root.drop.clone(),
        })
    }

    fn run(&mut self, node: &Node, run: &Run) -> Result<Work> {
        let mut inputs = BTreeMap::new();
        for (usage, reference) in node.needs(self.values) {
            if let Use::Input(mount) = usage {
                inputs.insert(mount.clone(), self.input(&reference.value)?);
            }
        }
        let compilers = match self
            .library
            .node(&run.root.value.node)
            .map(|node| &node.kind)
        {
            Some(NodeKind::Root(root)) => root.compilers.clone(),
            _ => BTreeMap::new(),
        };
        Ok(Work::Run {
            compilers,
            arguments: run.run.expand(self.values),
            environment: run
                .env
                .iter()
                .map(|(name, words)| (name.clone(), words.join(self.values)))
                .collect(),
            cwd: run.cwd.clone(),
            root: self.input(&run.root.value)?,
            inputs,
            outputs: run.outputs.clone(),
            timeout: run.timeout,
            expected: None,
        })
    }

    fn input(&self, reference: &Reference) -> Result<Input> {
        let step = *self
            .built
            .get(&reference.node)
            .ok_or_else(|| unknown(&reference.node))?;
        Ok(Input {
            step,
            path: reference.path.clone().unwrap_or_else(SandboxPath::root),
            filter: reference.filter.clone(),
        })
    }

    /// The place of a step, a new one's with its own options and its inputs'.
    fn intern(&mut self, name: String, work: Work, own: Options) -> StepId {
        let step = Step { name, work };
        if let Some(id) = self.known.get(&step) {
            return *id;
        }
        let id = self.graph.steps.add_node(step.clone());
        let mut options = own;
        for input in step.inputs() {
            self.graph.steps.update_edge(input.step, id, ());
            options.extend(self.graph.options(input.step).clone());
        }
        self.graph.options.push(options);
        self.known.insert(step, id);
        id
    }
}

fn unknown(name: &NodeName) -> Error {
    Error::Path {
        what: "node",
        path: name.to_string(),
        why: "no recipe has it".into(),
    }
}

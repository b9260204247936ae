//! All recipes of a folder, checked, and the questions that the rest of the engine asks of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::code::Code;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::name::{NodeName, OptionName, Reference};
use super::node::{Node, NodeKind};
use super::option::{OptionSpec, Value, Values};
use super::read::{self, Draft, Files};
use super::sink::Sink;
use super::source::{Location, Source, Span};
use super::suggest;
use super::target::Target;
use super::{check, cycle, locks, unused};

/// What to do with lock files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// Read and check them.
    Check,
    /// Take every lock as empty: for the command that is about to write them.
    Ignore,
}

/// What a recipe file says of itself.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its path below the recipes folder without `.ron`.
    pub name: String,
    /// One line; may be empty.
    pub about: String,
}

/// All recipes of a folder, checked.
#[derive(Debug, Clone)]
pub struct Library {
    pub(super) sources: Vec<Arc<Source>>,
    pub(super) recipes: BTreeMap<String, Recipe>,
    pub(super) options: BTreeMap<OptionName, OptionSpec>,
    pub(super) nodes: BTreeMap<NodeName, Node>,
    pub(super) targets: BTreeMap<String, Target>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// What a name on the command line means.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// A target.
    Target(&'a Target),
    /// A node by its full name.
    Node(&'a Node),
}

impl Library {
    /// Reads and checks all files of a recipes folder, given as paths below it and contents.
    pub fn load(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Library, Diagnostics> {
        Library::load_with(files, Locks::Check)
    }

    /// As [`Library::load`], with a say in what to do with lock files.
    pub fn load_with(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        locks: Locks,
    ) -> Result<Library, Diagnostics> {
        let files: Files = files.into_iter().collect();
        let mut sink = Sink::default();
        let mut draft = read::read(&files, &mut sink);
        if locks == Locks::Check {
            locks::attach(&mut draft, &files, &mut sink);
        }
        check::check(&draft, &mut sink);
        cycle::check(&draft.nodes, &mut sink);
        let warnings = check::unused_options(&draft, &sink);
        let sources = sink.sources.clone();
        if let Some(errors) = Diagnostics::new(sink.into_errors()) {
            return Err(errors);
        }
        let Draft {
            recipes,
            options,
            nodes,
            targets,
            ..
        } = draft;
        Ok(Library {
            sources,
            recipes,
            options,
            nodes,
            targets,
            warnings,
        })
    }

    /// What was found that stops nothing.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Nodes and lock files that no target needs, whatever its options: worth a look, and no more. `files` are those that
    /// the library was loaded from.
    pub fn unused(&self, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<Diagnostic> {
        unused::unused(self, &files.into_iter().collect())
    }

    /// The same, with relative paths of local folders starting in this folder.
    pub fn below(mut self, folder: &Path) -> Library {
        for node in self.nodes.values_mut() {
            if let NodeKind::Source(source) = &mut node.kind {
                source.path = folder.join(&source.path).display().to_string();
            }
        }
        self
    }

    /// By name.
    pub fn recipes(&self) -> impl Iterator<Item = &Recipe> {
        self.recipes.values()
    }

    /// By full name.
    pub fn options(&self) -> impl Iterator<Item = &OptionSpec> {
        self.options.values()
    }

    /// By full name.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// By name.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.targets.values()
    }

    /// The node of this name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The option of this name.
    pub fn option(&self, name: &OptionName) -> Option<&OptionSpec> {
        self.options.get(name)
    }

    /// The target of this name; an error names the nearest.
    pub fn target(&self, name: &str) -> Result<&Target, Diagnostics> {
        self.targets.get(name).ok_or_else(|| {
            let known = self.targets.keys().map(String::as_str);
            Diagnostic::error(Code::UnknownTarget, format!("unknown target `{name}`"))
                .help(suggest::help(name, known))
                .into()
        })
    }

    /// The target of this name, or else the node of this full name; an error names the nearest.
    pub fn wanted(&self, name: &str) -> Result<Wanted<'_>, Diagnostics> {
        if !name.contains('/') {
            return self.target(name).map(Wanted::Target);
        }
        let node = NodeName::parse(name).and_then(|name| self.nodes.get(&name));
        node.map(Wanted::Node).ok_or_else(|| {
            let known = self.nodes.keys().map(NodeName::as_str);
            Diagnostic::error(Code::UnknownNode, format!("unknown node `{name}`"))
                .help(suggest::help(name, known))
                .into()
        })
    }

    /// The values of all options: defaults, then the target's, then these layers of settings (`--set name=value`).
    ///
    /// A setting replaces what the target and earlier layers say; repeated in its layer, it adds to a list. An empty
    /// text is the empty list.
    pub fn values(
        &self,
        wanted: Wanted<'_>,
        layers: &[&[(String, String)]],
    ) -> Result<Values, Diagnostics> {
        let mut values = Values(
            self.options
                .values()
                .map(|spec| (spec.name.clone(), spec.kind.default()))
                .collect(),
        );
        if let Wanted::Target(target) = wanted {
            values.0.extend(
                target
                    .set
                    .iter()
                    .map(|(option, value)| (option.value.clone(), value.clone())),
            );
        }
        let mut errors = Vec::new();
        for sets in layers {
            let mut seen = BTreeSet::new();
            for (written, text) in *sets {
                match self.setting(wanted.recipe(), written, text) {
                    Ok((name, value)) => {
                        let repeated = !seen.insert(name);
                        values.set(name, value, repeated);
                    }
                    Err(error) => errors.extend(error),
                }
            }
        }
        Diagnostics::new(errors).map_or(Ok(values), Err)
    }

    fn setting(
        &self,
        recipe: &str,
        written: &str,
        text: &str,
    ) -> Result<(&OptionName, Value), Diagnostics> {
        let spec = OptionName::resolve(recipe, written).and_then(|name| self.options.get(&name));
        let Some(spec) = spec else {
            let own = self
                .options
                .keys()
                .filter(|name| name.recipe() == recipe)
                .map(OptionName::name);
            let known = own.chain(self.options.keys().map(OptionName::as_str));
            let nearest =
                suggest::nearest(written, known).map(|name| format!("did you mean `{name}`?"));
            let all: Vec<_> = self.options.keys().map(OptionName::as_str).collect();
            let error =
                Diagnostic::error(Code::UnknownOption, format!("unknown option `{written}`"));
            let error = error.help(nearest).help(suggest::known_names(&all));
            return Err(error.into());
        };
        let value = spec
            .kind
            .read(text)
            .ok_or_else(|| check::bad_value(spec, text))?;
        Ok((&spec.name, value))
    }

    /// The readable form of a place in one of the files.
    pub fn location(&self, span: Span) -> Location {
        Location::new(Arc::clone(&self.sources[span.file]), span.start..span.end)
    }
}

impl Wanted<'_> {
    /// The result that is wanted.
    pub fn reference(&self) -> Reference {
        match self {
            Wanted::Target(target) => target.node.value.clone(),
            Wanted::Node(node) => Reference {
                node: node.name.clone(),
                path: None,
                filter: None,
            },
        }
    }

    /// The path of the recipe where bare names of options are looked up.
    pub fn recipe(&self) -> &str {
        match self {
            Wanted::Target(target) => &target.recipe,
            Wanted::Node(node) => node.name.recipe(),
        }
    }
}

//! Reads all files of a recipes folder into a draft of a library: well-formed, names not yet looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::code::Code;
use super::super::library::Recipe;
use super::super::name::{NAME_RULE, NodeName, OptionName, is_name};
use super::super::node::{Node, NodeKind};
use super::super::option::OptionSpec;
use super::super::reader::{Raw, Reader};
use super::super::sink::Sink;
use super::super::source::{Source, Spanned};
use super::super::syntax::RecipeSyntax;
use super::super::target::Target;

/// The folder: contents by path.
pub(in super::super) type Files = BTreeMap<String, Vec<u8>>;

/// What the files say.
#[derive(Default)]
pub(in super::super) struct Draft {
    pub(in super::super) recipes: BTreeMap<String, Recipe>,
    /// Recipes that could not be read: what they declare is not known.
    pub(in super::super) unread: BTreeSet<String>,
    pub(in super::super) options: BTreeMap<OptionName, OptionSpec>,
    pub(in super::super) nodes: BTreeMap<NodeName, Node>,
    /// Names of options and nodes that are there, but could not be read.
    pub(in super::super) bad_options: BTreeSet<OptionName>,
    pub(in super::super) bad_nodes: BTreeSet<NodeName>,
    pub(in super::super) targets: BTreeMap<String, Target>,
}

/// A recipe file that was opened.
struct Opened {
    name: String,
    file: usize,
    source: Arc<Source>,
}

/// Reads all recipes.
pub(in super::super) fn read(files: &Files, sink: &mut Sink) -> Draft {
    let mut draft = Draft::default();
    let mut opened = Vec::new();
    for (path, bytes) in files {
        let Some(name) = path.strip_suffix(".ron") else {
            continue;
        };
        match sink.open(path, bytes) {
            Ok((file, source)) => opened.push(Opened {
                name: name.to_owned(),
                file,
                source,
            }),
            Err(()) => drop(draft.unread.insert(name.to_owned())),
        }
    }
    let mut parsed = Vec::new();
    for recipe in &opened {
        match reader(recipe, files, sink).shape(&mut draft) {
            Some(shape) => parsed.push((recipe, shape)),
            None => drop(draft.unread.insert(recipe.name.clone())),
        }
    }
    // Options first: conditions and targets are read against them, whichever recipe declares them.
    for (recipe, shape) in &parsed {
        reader(recipe, files, sink).options(shape.options, &mut draft);
    }
    for (recipe, shape) in &parsed {
        let mut reader = reader(recipe, files, sink);
        reader.nodes(shape.nodes, &mut draft);
        reader.targets(shape.targets, &mut draft);
    }
    draft
}

fn reader<'a, 's>(recipe: &'a Opened, files: &'a Files, sink: &'s mut Sink) -> Reader<'a, 's> {
    Reader::new(sink, files, &recipe.name, recipe.file, recipe.source.text())
}

impl<'a> Reader<'a, '_> {
    fn shape(&mut self, draft: &mut Draft) -> Option<RecipeSyntax<'a>> {
        let all = self.all();
        if !self.recipe.split('/').all(is_name) {
            let message = format!("`{}` cannot be the name of a recipe", self.recipe);
            let error = self
                .sink
                .finding(Code::BadName, self.start(), message, "")
                .help(NAME_RULE.to_owned());
            self.sink.add(error);
            return None;
        }
        if self.is_blank() {
            let error = self.sink.finding(
                Code::Empty,
                self.start(),
                "the recipe is empty",
                "`Recipe(…)` is wanted here",
            );
            self.sink.add(error);
            return None;
        }
        let shape: RecipeSyntax<'a> = self.read(all)?;
        let about = self.text_or_empty(shape.about);
        let name = self.recipe.to_owned();
        draft.recipes.insert(name.clone(), Recipe { name, about });
        Some(shape)
    }

    fn options(&mut self, raw: Option<Raw<'a>>, draft: &mut Draft) {
        for (key, value) in self.entries(raw, "option") {
            let Some(name) = self
                .own_name(&key, "an option")
                .and_then(|_| OptionName::resolve(self.recipe, &key))
            else {
                continue;
            };
            match self.option(value) {
                Some((kind, help)) => {
                    let spec = OptionSpec {
                        name: name.clone(),
                        kind,
                        help,
                        span: key.span,
                    };
                    draft.options.insert(name, spec);
                }
                None => drop(draft.bad_options.insert(name)),
            }
        }
    }

    fn nodes(&mut self, raw: Option<Raw<'a>>, draft: &mut Draft) {
        for (key, value) in self.entries(raw, "node") {
            let Some(name) = self
                .own_name(&key, "a node")
                .and_then(|_| NodeName::resolve(self.recipe, &key))
            else {
                continue;
            };
            match self.node_kind(value) {
                Some(kind) => drop(draft.nodes.insert(
                    name.clone(),
                    Node {
                        name,
                        span: key.span,
                        kind,
                    },
                )),
                None => drop(draft.bad_nodes.insert(name)),
            }
        }
    }

    fn node_kind(&mut self, raw: Raw<'a>) -> Option<NodeKind> {
        match raw.head() {
            "Fetch" => self.fetch(raw).map(NodeKind::Fetch),
            "Source" => self.source_folder(raw).map(NodeKind::Source),
            "Root" => self.root(raw).map(NodeKind::Root),
            "Run" => self.run(raw).map(NodeKind::Run),
            "Check" => self.check(raw).map(NodeKind::Check),
            _ => {
                let known = ["Fetch", "Source", "Root", "Run", "Check"];
                self.unknown_kind(raw, "a node", &known);
                None
            }
        }
    }

    fn targets(&mut self, raw: Option<Raw<'a>>, draft: &mut Draft) {
        for (key, value) in self.entries(raw, "target") {
            if self.own_name(&key, "a target").is_none() {
                continue;
            }
            if let Some(first) = draft.targets.get(&key.value) {
                self.twice("target", &key, first.span);
                continue;
            }
            if let Some(target) = self.target(&key, value, draft) {
                draft.targets.insert(key.value, target);
            }
        }
    }

    /// The key of an option, a node or a target, where it can be one.
    fn own_name(&mut self, key: &Spanned<String>, what: &str) -> Option<()> {
        if is_name(key) {
            return Some(());
        }
        let message = format!("`{key}` cannot be the name of {what}");
        let error = self
            .sink
            .finding(Code::BadName, key.span, message, "")
            .help(NAME_RULE.to_owned());
        self.sink.add(error);
        None
    }
}

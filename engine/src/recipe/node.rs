//! A node of the graph as its recipe says it: what to fetch, import, compose or run.
//! Every value in here is well-formed; nothing in here does anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::digest::Pin;
use super::fails::Fails;
use super::item::{Item, Items, Word};
use super::lock::Lock;
use super::name::{NodeName, OptionName, Reference};
use super::option::Values;
use super::path::{RelativePath, SandboxPath};
use super::registry::{NpmFile, PypiFile};
use super::source::{Span, Spanned};
use super::updates::Updates;

/// A named node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its full name.
    pub name: NodeName,
    /// Where its name is written.
    pub span: Span,
    /// What it does.
    pub kind: NodeKind,
}

/// What a node does.
#[derive(Debug, Clone)]
pub enum NodeKind {
    /// Downloads.
    Fetch(Fetch),
    /// Imports a local folder.
    Source(SourceFolder),
    /// Composes a root file system.
    Root(Root),
    /// Runs a command.
    Run(Run),
    /// Runs tests.
    Check(Check),
}

/// A download, the same bytes for ever.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Where the bytes may be, in the order to try. Never empty.
    pub from: Vec<Origin>,
    /// What their digest must be.
    pub pin: Pin,
    /// What to do with them.
    pub unpack: Unpack,
    /// Where newer versions are told of.
    pub updates: Option<Updates>,
    /// Where this is written.
    pub written: Written,
}

/// The places in a recipe that another version of a download would change.
#[derive(Debug, Clone)]
pub struct Written {
    /// Of the text of each of `from`, in their order.
    pub from: Vec<Span>,
    /// Of the digest.
    pub pin: Span,
}

/// A place to download from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Origin {
    /// A URL: http, https or file.
    Url(String),
    /// A path below the Debian mirror.
    Debian(RelativePath),
    /// A package of npm.
    Npm(NpmFile),
    /// A file of a PyPI project.
    Pypi(PypiFile),
}

/// What to do with the downloaded bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Unpack {
    /// Keep them as one file of this name.
    File(String),
    /// A tar archive, compressed or not.
    Tar {
        /// How many leading parts of each path to leave out.
        strip: u32,
    },
    /// A zip archive.
    Zip {
        /// How many leading parts of each path to leave out.
        strip: u32,
    },
    /// The data archive of a Debian package.
    Deb,
}

/// A local folder.
#[derive(Debug, Clone)]
pub struct SourceFolder {
    /// Absolute, or relative to where the caller says. Never empty.
    pub path: String,
    /// Patterns of names to leave out.
    pub ignore: Vec<Spanned<String>>,
}

/// A root file system: a union of packages and layers, with links and files on top.
#[derive(Debug, Clone)]
pub struct Root {
    /// The packages at the bottom.
    pub debian: Option<Debian>,
    /// Results of other nodes, above the packages.
    pub layers: Items<Spanned<Reference>>,
    /// Symbolic links, by path, with their targets.
    pub links: BTreeMap<SandboxPath, String>,
    /// Small files, by path, with their contents.
    pub files: BTreeMap<SandboxPath, Arc<[u8]>>,
    /// Which layer or package has a path that several claim.
    pub wins: BTreeMap<SandboxPath, Winner>,
    /// Where each winner is written.
    pub(super) wins_at: BTreeMap<SandboxPath, Span>,
    /// Paths left out of the union, with all below them.
    pub drop: BTreeSet<SandboxPath>,
    /// Programs whose calls are remembered: where they are called, and where they really are.
    pub compilers: BTreeMap<SandboxPath, SandboxPath>,
}

/// Debian packages of one suite.
#[derive(Debug, Clone)]
pub struct Debian {
    /// `trixie`
    pub suite: Spanned<String>,
    /// `amd64`
    pub architecture: Spanned<String>,
    /// The packages asked for; the lock has their closure.
    pub want: Vec<Spanned<String>>,
    /// The lock file's path below the recipes folder.
    pub lock_path: Spanned<RelativePath>,
    /// The lock file; empty when the library was loaded with [`super::Locks::Ignore`].
    pub lock: Arc<Lock>,
}

/// Who has a path that several claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Winner {
    /// A layer.
    Layer(Reference),
    /// A package of the lock file.
    Package(String),
}

/// A command.
#[derive(Debug, Clone)]
pub struct Run {
    /// The root file system it runs in.
    pub root: Spanned<Reference>,
    /// What is mounted in it, by mount point. None lies in another.
    pub inputs: BTreeMap<SandboxPath, Spanned<Reference>>,
    /// The working directory.
    pub cwd: SandboxPath,
    /// Variables; a list's texts are joined by spaces ([`Items::join`]).
    pub env: BTreeMap<String, Items<Word>>,
    /// The command and its arguments. The first is always a text, so that it expands to one at least.
    pub run: Items<Word>,
    /// The directories that are its result. Never empty; none lies in another. One that equals an input's mount
    /// point, or lies in an input or the root, starts with what is there.
    pub outputs: BTreeSet<SandboxPath>,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

/// Tests: a command whose end, whatever it is, is a verdict.
#[derive(Debug, Clone)]
pub struct Check {
    /// The command; its one output is [`SandboxPath::report`], where it may write JUnit XML. The test's name follows its arguments.
    pub command: Run,
    /// A result whose files have the names of the tests, one a line. Absent: the command is the one test.
    pub tests: Option<Spanned<Reference>>,
    /// What is expected to fail.
    pub expected: Items<Fails>,
}

/// Why a node needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use<'a> {
    /// As a layer of a root.
    Layer,
    /// As the root it runs in.
    Root,
    /// As an input, mounted here.
    Input(&'a SandboxPath),
}

/// As keys and people name it: a URL, or what `debian`, `npm` or `pypi` has by this name.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Url(url) => f.write_str(url),
            Origin::Debian(path) => write!(f, "debian:{path}"),
            Origin::Npm(file) => write!(f, "npm:{file}"),
            Origin::Pypi(file) => write!(f, "pypi:{file}"),
        }
    }
}

impl Node {
    /// The results that this node needs under these values: layers in order; the root, then inputs by mount point.
    pub fn needs(&self, values: &Values) -> Vec<(Use<'_>, &Spanned<Reference>)> {
        self.needs_of(|layers| layers.selected(values))
    }

    /// The results that this node needs under some values.
    pub fn may_need(&self) -> Vec<(Use<'_>, &Spanned<Reference>)> {
        self.needs_of(Items::all)
    }

    fn needs_of<'a>(
        &'a self,
        layers: impl Fn(&'a Items<Spanned<Reference>>) -> Vec<&'a Spanned<Reference>>,
    ) -> Vec<(Use<'a>, &'a Spanned<Reference>)> {
        match &self.kind {
            NodeKind::Fetch(_) | NodeKind::Source(_) => Vec::new(),
            NodeKind::Root(root) => layers(&root.layers)
                .into_iter()
                .map(|layer| (Use::Layer, layer))
                .collect(),
            NodeKind::Run(run) | NodeKind::Check(Check { command: run, .. }) => {
                let inputs = run
                    .inputs
                    .iter()
                    .map(|(mount, input)| (Use::Input(mount), input));
                std::iter::once((Use::Root, &run.root))
                    .chain(inputs)
                    .collect()
            }
        }
    }

    /// The options that this node itself depends on.
    pub fn options(&self) -> BTreeSet<&OptionName> {
        self.option_uses()
            .into_iter()
            .map(|option| &option.value)
            .collect()
    }

    pub(super) fn option_uses(&self) -> Vec<&Spanned<OptionName>> {
        match &self.kind {
            NodeKind::Fetch(_) | NodeKind::Source(_) => Vec::new(),
            NodeKind::Root(root) => root
                .layers
                .conditions()
                .into_iter()
                .map(|one| &one.option)
                .collect(),
            NodeKind::Run(_) | NodeKind::Check(_) => {
                let words = self.words();
                let conditions = words.iter().flat_map(|items| items.conditions());
                let expected = match &self.kind {
                    NodeKind::Check(check) => check.expected.conditions(),
                    _ => Vec::new(),
                };
                conditions
                    .chain(expected)
                    .map(|one| &one.option)
                    .chain(words.iter().flat_map(|items| items.repeated()))
                    .collect()
            }
        }
    }

    /// The lists of words in it.
    pub(super) fn words(&self) -> Vec<&Items<Word>> {
        match &self.kind {
            NodeKind::Run(run) | NodeKind::Check(Check { command: run, .. }) => {
                run.env.values().chain([&run.run]).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl<T> Items<T> {
    /// Whether there is no item under any values.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|item| match item {
            Item::One(_) => false,
            Item::If(_, items) => items.is_empty(),
        })
    }
}

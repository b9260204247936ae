//! A target: a node, option values, and what the result is good for: to be run, to be looked at in a browser. What `pwb realize NAME` names.

use super::item::{Items, Word};
use super::name::{NodeName, OptionName, Reference};
use super::option::Value;
use super::path::SandboxPath;
use super::source::{Span, Spanned};

/// A named target. Names of targets are one space across all recipes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Where its name is written.
    pub span: Span,
    /// The path of its recipe: where bare names of options are looked up.
    pub recipe: String,
    /// The result it stands for.
    pub node: Spanned<Reference>,
    /// One line for `pwb list`; may be empty.
    pub about: String,
    /// Option values that differ from their defaults.
    pub set: Vec<(Spanned<OptionName>, Value)>,
    /// How to run it.
    pub run: Option<Exec>,
    /// The checks that say whether it works.
    pub checks: Vec<Spanned<NodeName>>,
    /// That it is a web site.
    pub site: Option<Site>,
}

/// How `pwb run` runs a target's result.
#[derive(Debug, Clone)]
pub struct Exec {
    /// The root file system to run in.
    pub root: Spanned<Reference>,
    /// Where the result is mounted in it.
    pub mount: SandboxPath,
    /// The command and its first arguments; the user's follow. The first is always a text.
    pub command: Items<Word>,
}

/// That a target's result is a web site, and its way in.
#[derive(Debug, Clone)]
pub struct Site {
    /// The page that `/` shows: the name of a file at the top of the result, so that links in it lead to the same places.
    pub index: String,
}

//! The language as a JSON Schema: what may stand where, with what `syntax` says of it. Only described here; what reads
//! recipes is `reader`.
//!
//! RON has names that JSON has not: `Run(root: "a")` is `{"Run": {"root": "a"}}` in it, `When("debug", [])` is
//! `{"When": ["debug", []]}`, as serde writes such types.
#![allow(dead_code, reason = "these types describe, and have no values")]

use schemars::{JsonSchema, Schema, schema_for};

use super::syntax::{
    CheckSyntax, ChoiceSyntax, FailsSyntax, FetchSyntax, FlagSyntax, ListSyntax, LockSyntax,
    PageSyntax, RecipeSyntax, RootSyntax, RunSyntax, SourceSyntax, TarSyntax, ZipSyntax,
};

/// Of recipes.
pub fn recipe_schema() -> Schema {
    schema_for!(RecipeSyntax<'static>)
}

/// Of lock files.
pub fn lock_schema() -> Schema {
    schema_for!(LockSyntax<'static>)
}

/// An option.
#[derive(JsonSchema)]
#[schemars(rename = "Option")]
pub(super) enum OptionSchema {
    Flag(FlagSyntax<'static>),
    Choice(ChoiceSyntax<'static>),
    List(ListSyntax<'static>),
}

/// A node.
#[derive(JsonSchema)]
#[schemars(rename = "Node")]
pub(super) enum NodeSchema {
    Fetch(FetchSyntax<'static>),
    Source(SourceSyntax<'static>),
    Root(RootSyntax<'static>),
    Run(RunSyntax<'static>),
    Check(CheckSyntax<'static>),
}

/// A place to fetch from.
#[derive(JsonSchema)]
#[schemars(rename = "Place")]
pub(super) enum PlaceSchema {
    /// Begins with `https://`, `http://` or `file:///`.
    Url(String),
    /// A path below a Debian mirror.
    Debian(String),
    /// A path below an npm registry.
    Npm(String),
    /// A file of a PyPI project.
    Pypi(String),
}

/// What to do with a download.
#[derive(JsonSchema)]
#[schemars(rename = "Unpack")]
pub(super) enum UnpackSchema {
    Tar(TarSyntax<'static>),
    Zip(ZipSyntax<'static>),
    /// The files of a Debian package.
    Deb,
}

/// Where newer versions are told of.
#[derive(JsonSchema)]
#[schemars(rename = "Updates")]
pub(super) enum UpdatesSchema {
    Page(PageSyntax<'static>),
}

/// A node's result, or a part of it.
#[derive(JsonSchema)]
#[schemars(rename = "Reference")]
pub(super) enum ReferenceSchema {
    /// What some of the patterns match.
    Only(String, Vec<String>),
    /// What none of the patterns matches.
    Except(String, Vec<String>),
    /// `name`, `recipe/name`, `name:/path`
    #[schemars(untagged)]
    Node(String),
}

/// A layer of a root.
#[derive(JsonSchema)]
#[schemars(rename = "Layer")]
pub(super) enum LayerSchema {
    /// The layers, where the option is so.
    When(String, Vec<LayerSchema>),
    /// The layers, where the option is not so.
    Unless(String, Vec<LayerSchema>),
    /// As of a reference.
    #[schemars(untagged)]
    Node(ReferenceSchema),
}

/// An item of a command or a variable.
#[derive(JsonSchema)]
#[schemars(rename = "Item")]
pub(super) enum WordSchema {
    /// The items, where the option is so.
    When(String, Vec<WordSchema>),
    /// The items, where the option is not so.
    Unless(String, Vec<WordSchema>),
    /// All texts of a list option.
    Each(String),
    /// Itself.
    #[schemars(untagged)]
    Text(String),
}

/// The value of a variable.
#[derive(JsonSchema)]
#[schemars(rename = "Variable", untagged)]
pub(super) enum VariableSchema {
    /// The value.
    Text(String),
    /// Joined by spaces.
    Items(Vec<WordSchema>),
}

/// A file's content.
#[derive(JsonSchema)]
#[schemars(rename = "Content")]
pub(super) enum ContentSchema {
    /// The content itself.
    Text(String),
    /// A file of the recipes folder.
    File(String),
}

/// What of a check is expected.
#[derive(JsonSchema)]
#[schemars(rename = "Expected")]
pub(super) enum ExpectedSchema {
    Fails(FailsSyntax<'static>),
    /// What is expected where the option is so.
    When(String, Vec<ExpectedSchema>),
    /// What is expected where the option is not so.
    Unless(String, Vec<ExpectedSchema>),
}

/// The value of an option.
#[derive(JsonSchema)]
#[schemars(rename = "Setting", untagged)]
pub(super) enum SettingSchema {
    /// Of a flag or a choice, or one text of a list.
    Text(String),
    /// Of a list.
    Texts(Vec<String>),
}

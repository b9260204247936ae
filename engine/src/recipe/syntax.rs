//! The shapes of the language: which fields each thing has. Their values are read one by one (`reader`).
//!
//! What is said of them here goes into the schema (`schema`) and the reference, `docs/recipes.md`, whose sections the links name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::reader::Raw;
use super::schema::{
    ContentSchema, ExpectedSchema, LayerSchema, NodeSchema, OptionSchema, PlaceSchema,
    ReferenceSchema, SettingSchema, UnpackSchema, UpdatesSchema, VariableSchema, WordSchema,
};

/// A recipe: what a file says.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Recipe", deny_unknown_fields)]
pub(super) struct RecipeSyntax<'a> {
    /// One line.
    #[serde(borrow)]
    #[schemars(with = "String", default)]
    pub(super) about: Option<Raw<'a>>,
    /// Map: [options](#options) by name.
    #[schemars(with = "BTreeMap<String, OptionSchema>", default)]
    pub(super) options: Option<Raw<'a>>,
    /// Map: [nodes](#nodes) by name.
    #[schemars(with = "BTreeMap<String, NodeSchema>", default)]
    pub(super) nodes: Option<Raw<'a>>,
    /// Map: [targets](#targets) by name.
    #[schemars(with = "BTreeMap<String, TargetSyntax<'static>>", default)]
    pub(super) targets: Option<Raw<'a>>,
}

/// An option that is on or off.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Flag", deny_unknown_fields)]
pub(super) struct FlagSyntax<'a> {
    /// One line.
    #[serde(borrow)]
    #[schemars(with = "String", default)]
    pub(super) help: Option<Raw<'a>>,
    /// The value when nobody sets it; `false` where it is left out.
    #[schemars(with = "bool", default)]
    pub(super) default: Option<Raw<'a>>,
}

/// An option with a value of several.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Choice", deny_unknown_fields)]
pub(super) struct ChoiceSyntax<'a> {
    /// The values; no two alike.
    #[serde(borrow)]
    #[schemars(with = "Vec<String>")]
    pub(super) values: Raw<'a>,
    /// The value when nobody sets it: one of `values`.
    #[schemars(with = "String")]
    pub(super) default: Raw<'a>,
    /// One line.
    #[schemars(with = "String", default)]
    pub(super) help: Option<Raw<'a>>,
}

/// An option that is a list of texts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "List", deny_unknown_fields)]
pub(super) struct ListSyntax<'a> {
    /// One line.
    #[serde(borrow)]
    #[schemars(with = "String", default)]
    pub(super) help: Option<Raw<'a>>,
    /// The texts when nobody sets it; none where it is left out.
    #[schemars(with = "Vec<String>", default)]
    pub(super) default: Option<Raw<'a>>,
}

/// A download, the same bytes for ever.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Fetch", deny_unknown_fields)]
pub(super) struct FetchSyntax<'a> {
    /// List of [places](#places), tried in order.
    #[serde(borrow)]
    #[schemars(with = "Vec<PlaceSchema>")]
    pub(super) from: Raw<'a>,
    /// What the download must be: 64 lower-case hexadecimal digits. Either this or `blake3`.
    #[schemars(with = "String", default)]
    pub(super) sha256: Option<Raw<'a>>,
    /// The same with another digest.
    #[schemars(with = "String", default)]
    pub(super) blake3: Option<Raw<'a>>,
    /// `Tar(strip: 1)` (plain, gz, xz, bz2 or zst), `Zip(strip: 0)`, `Deb`; `strip` is 0 where it is left out. Without `unpack`: one file, named as the last part of the first place.
    #[schemars(with = "UnpackSchema", default)]
    pub(super) unpack: Option<Raw<'a>>,
    /// Where `pwb update` [looks for newer versions](editing.md#pwb-update): `Page(url: "…", find: "zlib-{version}.tar.gz")`.
    #[schemars(with = "UpdatesSchema", default)]
    pub(super) updates: Option<Raw<'a>>,
}

/// A page that tells of versions.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Page", deny_unknown_fields)]
pub(super) struct PageSyntax<'a> {
    /// The page: `https://…`, `http://…` or `file:///…`.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) url: Raw<'a>,
    /// What is around a version, on the page and in a `Url` of the node alike; `{version}` stands for it.
    #[schemars(with = "String")]
    pub(super) find: Raw<'a>,
    /// Only versions that are this or begin with it: `3.13`.
    #[schemars(with = "String", default)]
    pub(super) within: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Url")]
pub(super) struct UrlSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Debian")]
pub(super) struct DebianPathSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Npm")]
pub(super) struct NpmSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Pypi")]
pub(super) struct PypiSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

/// A tar archive, compressed or not.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Tar", deny_unknown_fields)]
pub(super) struct TarSyntax<'a> {
    /// How many leading parts of each path to leave out; 0.
    #[serde(borrow)]
    #[schemars(with = "u32", default)]
    pub(super) strip: Option<Raw<'a>>,
}

/// A zip archive.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Zip", deny_unknown_fields)]
pub(super) struct ZipSyntax<'a> {
    /// How many leading parts of each path to leave out; 0.
    #[serde(borrow)]
    #[schemars(with = "u32", default)]
    pub(super) strip: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Deb")]
pub(super) struct DebSyntax;

/// A local folder.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Source", deny_unknown_fields)]
pub(super) struct SourceSyntax<'a> {
    /// The folder, absolute or relative to where `pwb` is run; with recipes that `pwb.ron` names, to the folder of that file.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) path: Raw<'a>,
    /// What to leave out: lines as of a [gitignore(5)](https://git-scm.com/docs/gitignore), from the folder's top.
    #[schemars(with = "Vec<String>", default)]
    pub(super) ignore: Option<Raw<'a>>,
}

/// A root file system.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Root", deny_unknown_fields)]
pub(super) struct RootSyntax<'a> {
    /// The packages at the bottom.
    #[serde(borrow)]
    #[schemars(with = "DebianSyntax<'static>", default)]
    pub(super) debian: Option<Raw<'a>>,
    /// List of [references](#references), `When` and `Unless`.
    #[schemars(with = "Vec<LayerSchema>", default)]
    pub(super) layers: Option<Raw<'a>>,
    /// Symbolic links: path to target.
    #[schemars(with = "BTreeMap<String, String>", default)]
    pub(super) links: Option<Raw<'a>>,
    /// Small files: path to `Text("…")` or `File("path in the recipes folder")`.
    #[schemars(with = "BTreeMap<String, ContentSchema>", default)]
    pub(super) files: Option<Raw<'a>>,
    /// Who has a path that several claim: a layer, as it is written in `layers`, or a package. Without it, such a path is an error.
    #[schemars(with = "BTreeMap<String, String>", default)]
    pub(super) wins: Option<Raw<'a>>,
    /// Paths left out, with all below them.
    #[schemars(with = "Vec<String>", default)]
    pub(super) drop: Option<Raw<'a>>,
    /// Programs whose calls are [remembered](incremental.md#the-compile-cache): where they are called, to where they really are.
    #[schemars(with = "BTreeMap<String, String>", default)]
    pub(super) compilers: Option<Raw<'a>>,
}

/// Debian packages of one suite.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Debian", deny_unknown_fields)]
pub(super) struct DebianSyntax<'a> {
    /// As in `trixie`.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) suite: Raw<'a>,
    /// As in `amd64`.
    #[schemars(with = "String")]
    pub(super) architecture: Raw<'a>,
    /// The packages; what they depend on comes with them.
    #[schemars(with = "Vec<String>")]
    pub(super) want: Raw<'a>,
    /// The [lock file](#lock-files) that has them all, by its path in the recipes folder.
    #[schemars(with = "String")]
    pub(super) lock: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Text")]
pub(super) struct TextSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "File")]
pub(super) struct FileSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

/// A command in a sandbox.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Run", deny_unknown_fields)]
pub(super) struct RunSyntax<'a> {
    /// [Reference](#references): the root file system.
    #[serde(borrow)]
    #[schemars(with = "ReferenceSchema")]
    pub(super) root: Raw<'a>,
    /// Mount point to reference. No input lies in another.
    #[schemars(with = "BTreeMap<String, ReferenceSchema>", default)]
    pub(super) inputs: Option<Raw<'a>>,
    /// Working directory, created where it is missing; `/`.
    #[schemars(with = "String", default)]
    pub(super) cwd: Option<Raw<'a>>,
    /// Variable to text, or to a list of items, which are joined by spaces.
    #[schemars(with = "BTreeMap<String, VariableSchema>", default)]
    pub(super) env: Option<Raw<'a>>,
    /// The command: a list of items, of which the first is a text.
    #[schemars(with = "Vec<WordSchema>")]
    pub(super) run: Raw<'a>,
    /// The directories that are the result. None lies in another.
    #[schemars(with = "Vec<String>")]
    pub(super) outputs: Raw<'a>,
    /// Seconds.
    #[schemars(with = "u32", default)]
    pub(super) timeout: Option<Raw<'a>>,
}

/// Tests.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Check", deny_unknown_fields)]
pub(super) struct CheckSyntax<'a> {
    /// As of a [Run](#run).
    #[serde(borrow)]
    #[schemars(with = "ReferenceSchema")]
    pub(super) root: Raw<'a>,
    /// As of a [Run](#run).
    #[schemars(with = "BTreeMap<String, ReferenceSchema>", default)]
    pub(super) inputs: Option<Raw<'a>>,
    /// As of a [Run](#run).
    #[schemars(with = "String", default)]
    pub(super) cwd: Option<Raw<'a>>,
    /// As of a [Run](#run).
    #[schemars(with = "BTreeMap<String, VariableSchema>", default)]
    pub(super) env: Option<Raw<'a>>,
    /// As of a [Run](#run).
    #[schemars(with = "Vec<WordSchema>")]
    pub(super) run: Raw<'a>,
    /// As of a [Run](#run).
    #[schemars(with = "u32", default)]
    pub(super) timeout: Option<Raw<'a>>,
    /// [Reference](#references) to a folder; the lines of its files are the names of the tests. A test's name follows the arguments of `run`. Without `tests` the command is the one test.
    #[schemars(with = "ReferenceSchema", default)]
    pub(super) tests: Option<Raw<'a>>,
    /// List of `Fails(…)`, `When` and `Unless`.
    #[schemars(with = "Vec<ExpectedSchema>", default)]
    pub(super) expected: Option<Raw<'a>>,
}

/// What of a check is expected to fail: `tests`, `cases`, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Fails", deny_unknown_fields)]
pub(super) struct FailsSyntax<'a> {
    /// Names of tests; without it, any test.
    #[serde(borrow)]
    #[schemars(with = "Vec<String>", default)]
    pub(super) tests: Option<Raw<'a>>,
    /// Patterns of the names of failing cases (`*`, `?`, `[ab]`, `{a,b}`); without it, the tests may fail in any way, also crash or run out of time.
    #[schemars(with = "Vec<String>", default)]
    pub(super) cases: Option<Raw<'a>>,
    /// The reason, which reports repeat.
    #[schemars(with = "String")]
    pub(super) why: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Only", expecting = "`Only(node, […])`")]
pub(super) struct OnlySyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>, pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Except", expecting = "`Except(node, […])`")]
pub(super) struct ExceptSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>, pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "When", expecting = "`When(option, […])`")]
pub(super) struct WhenSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>, pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Unless", expecting = "`Unless(option, […])`")]
pub(super) struct UnlessSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>, pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Each")]
pub(super) struct EachSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

/// What `pwb realize NAME` makes.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Target", deny_unknown_fields)]
pub(super) struct TargetSyntax<'a> {
    /// [Reference](#references) to the result.
    #[serde(borrow)]
    #[schemars(with = "ReferenceSchema")]
    pub(super) node: Raw<'a>,
    /// One line for `pwb list`.
    #[schemars(with = "String", default)]
    pub(super) about: Option<Raw<'a>>,
    /// Option to value; a list option takes a list.
    #[schemars(with = "BTreeMap<String, SettingSchema>", default)]
    pub(super) set: Option<Raw<'a>>,
    /// How `pwb run` runs it: `Exec(root: …, mount: …, command: […])`.
    #[schemars(with = "ExecSyntax<'static>", default)]
    pub(super) run: Option<Raw<'a>>,
    /// The [checks](#check) that `pwb test` runs.
    #[schemars(with = "Vec<String>", default)]
    pub(super) checks: Option<Raw<'a>>,
    /// That the result is a web site, which `pwb serve` can show: `Site(index: "python.html")`.
    #[schemars(with = "SiteSyntax<'static>", default)]
    pub(super) site: Option<Raw<'a>>,
}

/// A web site.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Site", deny_unknown_fields)]
pub(super) struct SiteSyntax<'a> {
    /// The page that `/` shows: a file at the top of the result.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) index: Raw<'a>,
}

/// How a result is run.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Exec", deny_unknown_fields)]
pub(super) struct ExecSyntax<'a> {
    /// [Reference](#references): the root file system to run in.
    #[serde(borrow)]
    #[schemars(with = "ReferenceSchema")]
    pub(super) root: Raw<'a>,
    /// Where the result is mounted in it.
    #[schemars(with = "String")]
    pub(super) mount: Raw<'a>,
    /// The command: a list of items; the user's arguments follow.
    #[schemars(with = "Vec<WordSchema>")]
    pub(super) command: Raw<'a>,
}

/// A lock file.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Lock", deny_unknown_fields)]
pub(super) struct LockSyntax<'a> {
    /// That of the root.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) suite: Raw<'a>,
    /// That of the root.
    #[schemars(with = "String")]
    pub(super) architecture: Raw<'a>,
    /// All packages; every one of `want` is among them.
    #[schemars(with = "Vec<PackageSyntax<'static>>")]
    pub(super) packages: Raw<'a>,
}

/// One package, exactly.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "Package", deny_unknown_fields)]
pub(super) struct PackageSyntax<'a> {
    /// As in `make`.
    #[serde(borrow)]
    #[schemars(with = "String")]
    pub(super) name: Raw<'a>,
    /// As in `4.4.1-2`.
    #[schemars(with = "String")]
    pub(super) version: Raw<'a>,
    /// Of the `.deb` file.
    #[schemars(with = "String")]
    pub(super) sha256: Raw<'a>,
    /// Of the `.deb` file, in bytes.
    #[schemars(with = "u64")]
    pub(super) size: Raw<'a>,
    /// Of the `.deb` file, below the mirror.
    #[schemars(with = "String")]
    pub(super) path: Raw<'a>,
}

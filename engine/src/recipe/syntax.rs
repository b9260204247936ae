//! The shapes of the language: which fields each thing has. Their values are read one by one (`reader`).

use serde::Deserialize;

use super::reader::Raw;

#[derive(Deserialize)]
#[serde(rename = "Recipe", deny_unknown_fields)]
pub(super) struct RecipeSyntax<'a> {
    #[serde(borrow)]
    pub(super) about: Option<Raw<'a>>,
    pub(super) options: Option<Raw<'a>>,
    pub(super) nodes: Option<Raw<'a>>,
    pub(super) targets: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Flag", deny_unknown_fields)]
pub(super) struct FlagSyntax<'a> {
    #[serde(borrow)]
    pub(super) help: Option<Raw<'a>>,
    pub(super) default: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Choice", deny_unknown_fields)]
pub(super) struct ChoiceSyntax<'a> {
    #[serde(borrow)]
    pub(super) values: Raw<'a>,
    pub(super) default: Raw<'a>,
    pub(super) help: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "List", deny_unknown_fields)]
pub(super) struct ListSyntax<'a> {
    #[serde(borrow)]
    pub(super) help: Option<Raw<'a>>,
    pub(super) default: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Fetch", deny_unknown_fields)]
pub(super) struct FetchSyntax<'a> {
    #[serde(borrow)]
    pub(super) from: Raw<'a>,
    pub(super) sha256: Option<Raw<'a>>,
    pub(super) blake3: Option<Raw<'a>>,
    pub(super) unpack: Option<Raw<'a>>,
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

#[derive(Deserialize)]
#[serde(rename = "Tar", deny_unknown_fields)]
pub(super) struct TarSyntax<'a> {
    #[serde(borrow)]
    pub(super) strip: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Zip", deny_unknown_fields)]
pub(super) struct ZipSyntax<'a> {
    #[serde(borrow)]
    pub(super) strip: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Deb")]
pub(super) struct DebSyntax;

#[derive(Deserialize)]
#[serde(rename = "Source", deny_unknown_fields)]
pub(super) struct SourceSyntax<'a> {
    #[serde(borrow)]
    pub(super) path: Raw<'a>,
    pub(super) ignore: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Root", deny_unknown_fields)]
pub(super) struct RootSyntax<'a> {
    #[serde(borrow)]
    pub(super) debian: Option<Raw<'a>>,
    pub(super) layers: Option<Raw<'a>>,
    pub(super) links: Option<Raw<'a>>,
    pub(super) files: Option<Raw<'a>>,
    pub(super) wins: Option<Raw<'a>>,
    pub(super) drop: Option<Raw<'a>>,
    pub(super) compilers: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Debian", deny_unknown_fields)]
pub(super) struct DebianSyntax<'a> {
    #[serde(borrow)]
    pub(super) suite: Raw<'a>,
    pub(super) architecture: Raw<'a>,
    pub(super) want: Raw<'a>,
    pub(super) lock: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Text")]
pub(super) struct TextSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "File")]
pub(super) struct FileSyntax<'a>(#[serde(borrow)] pub(super) Raw<'a>);

#[derive(Deserialize)]
#[serde(rename = "Run", deny_unknown_fields)]
pub(super) struct RunSyntax<'a> {
    #[serde(borrow)]
    pub(super) root: Raw<'a>,
    pub(super) inputs: Option<Raw<'a>>,
    pub(super) cwd: Option<Raw<'a>>,
    pub(super) env: Option<Raw<'a>>,
    pub(super) run: Raw<'a>,
    pub(super) outputs: Raw<'a>,
    pub(super) timeout: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Check", deny_unknown_fields)]
pub(super) struct CheckSyntax<'a> {
    #[serde(borrow)]
    pub(super) root: Raw<'a>,
    pub(super) inputs: Option<Raw<'a>>,
    pub(super) cwd: Option<Raw<'a>>,
    pub(super) env: Option<Raw<'a>>,
    pub(super) run: Raw<'a>,
    pub(super) timeout: Option<Raw<'a>>,
    pub(super) tests: Option<Raw<'a>>,
    pub(super) expected: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Fails", deny_unknown_fields)]
pub(super) struct FailsSyntax<'a> {
    #[serde(borrow)]
    pub(super) tests: Option<Raw<'a>>,
    pub(super) cases: Option<Raw<'a>>,
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

#[derive(Deserialize)]
#[serde(rename = "Target", deny_unknown_fields)]
pub(super) struct TargetSyntax<'a> {
    #[serde(borrow)]
    pub(super) node: Raw<'a>,
    pub(super) about: Option<Raw<'a>>,
    pub(super) set: Option<Raw<'a>>,
    pub(super) run: Option<Raw<'a>>,
    pub(super) checks: Option<Raw<'a>>,
    pub(super) site: Option<Raw<'a>>,
}

#[derive(Deserialize)]
#[serde(rename = "Site", deny_unknown_fields)]
pub(super) struct SiteSyntax<'a> {
    #[serde(borrow)]
    pub(super) index: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Exec", deny_unknown_fields)]
pub(super) struct ExecSyntax<'a> {
    #[serde(borrow)]
    pub(super) root: Raw<'a>,
    pub(super) mount: Raw<'a>,
    pub(super) command: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Lock", deny_unknown_fields)]
pub(super) struct LockSyntax<'a> {
    #[serde(borrow)]
    pub(super) suite: Raw<'a>,
    pub(super) architecture: Raw<'a>,
    pub(super) packages: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename = "Package", deny_unknown_fields)]
pub(super) struct PackageSyntax<'a> {
    #[serde(borrow)]
    pub(super) name: Raw<'a>,
    pub(super) version: Raw<'a>,
    pub(super) sha256: Raw<'a>,
    pub(super) size: Raw<'a>,
    pub(super) path: Raw<'a>,
}

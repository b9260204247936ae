//! One thing from outside that went into a result: a download, a package, a local folder, a file of a recipe's own. Knows no
//! form in which it is told.

use std::collections::BTreeSet;

use packageurl::PackageUrl;
use pwb_cache::Sha256;
use pwb_engine::recipe::{Library, NodeKind, NodeName, Origin, Pin, Unpack};
use pwb_engine::{Graph, Plan, StepId, Work};

use crate::report::Failure;

/// What went in.
#[derive(Clone, Debug)]
pub struct Ingredient {
    /// The nodes that bring it, by their full names; a root's own file has its path behind the node's name.
    pub nodes: BTreeSet<String>,
    /// What others call it.
    pub name: String,
    /// As far as its file's name or a lock file says.
    pub version: Option<String>,
    /// Its package URL.
    pub purl: String,
    pub hash: Hash,
    /// Where it was published, if the recipe says that: the first place.
    pub url: Option<String>,
    pub role: Role,
    pub kind: Kind,
}

/// What it is to the result, the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// A command ran in it: a toolchain. Libraries that a linker finds there are part of it too, and of what was linked.
    Tool,
    /// A command has made something of it.
    Source,
    /// A part of the result, as it came.
    Contained,
}

impl Role {
    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            Role::Tool => "tool",
            Role::Source => "source",
            Role::Contained => "contained",
        }
    }
}

/// What it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A package of a distribution or registry.
    Package,
    /// A download of upstream's.
    Archive,
    /// A local folder.
    Folder,
    /// A file of a recipe's own: a patch, a setting.
    File,
}

/// A digest in hexadecimal.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Hash {
    Sha256(String),
    Blake3(String),
    /// BLAKE3 of a directory's canonical encoding.
    Tree(String),
}

impl Hash {
    /// The hexadecimal digits.
    pub fn hex(&self) -> &str {
        match self {
            Hash::Sha256(hex) | Hash::Blake3(hex) | Hash::Tree(hex) => hex,
        }
    }
}

impl From<Pin> for Hash {
    fn from(pin: Pin) -> Hash {
        match pin {
            Pin::Sha256(digest) => Hash::Sha256(digest.to_string()),
            Pin::Blake3(digest) => Hash::Blake3(digest.to_string()),
        }
    }
}

/// What a step brings from outside. A command brings nothing.
pub fn of(
    library: &Library,
    graph: &Graph,
    plan: &Plan,
    step: StepId,
    role: Role,
) -> Result<Vec<Ingredient>, Failure> {
    let node = graph.name(step);
    Ok(match &graph.steps[step].work {
        Work::Run { .. } => Vec::new(),
        Work::Fetch {
            from, pin, unpack, ..
        } => vec![download(library, node, from, *pin, unpack, role)?],
        Work::Source { .. } => {
            // Its step was planned, and so it was imported.
            let tree = plan.tree(step).map(|tree| tree.digest().hex());
            let name = node.rsplit('/').next().unwrap_or(node).to_owned();
            vec![Ingredient {
                nodes: BTreeSet::from([node.to_owned()]),
                purl: purl("generic", None, &name, None, &[])?,
                name,
                version: None,
                hash: Hash::Tree(tree.unwrap_or_default()),
                url: None,
                role,
                kind: Kind::Folder,
            }]
        }
        Work::Root { files, .. } => {
            let file = |(path, bytes): (&pwb_engine::recipe::SandboxPath, &_)| {
                let bytes: &std::sync::Arc<[u8]> = bytes;
                let hex = Sha256::of(bytes).hex();
                let name = path.parts().next_back().unwrap_or_default().to_owned();
                let checksum = format!("sha256:{hex}");
                Ok(Ingredient {
                    nodes: BTreeSet::from([format!("{node}:{path}")]),
                    purl: purl("generic", None, &name, None, &[("checksum", &checksum)])?,
                    name,
                    version: None,
                    hash: Hash::Sha256(hex),
                    url: None,
                    role,
                    kind: Kind::File,
                })
            };
            files.iter().map(file).collect::<Result<_, Failure>>()?
        }
    })
}

fn download(
    library: &Library,
    node: &str,
    from: &[Origin],
    pin: Pin,
    unpack: &Unpack,
    role: Role,
) -> Result<Ingredient, Failure> {
    let url = from.iter().find_map(|origin| match origin {
        // A path of this machine says nothing to others.
        Origin::Url(url) if !url.starts_with("file:") => Some(url.clone()),
        _ => None,
    });
    let checksum = pin.to_string();
    let (name, version, purl, kind) = match (from.first(), unpack) {
        (Some(Origin::Npm(file)), _) => {
            let (scope, name) = match file.package.rsplit_once('/') {
                Some((scope, name)) => (Some(scope), name),
                None => (None, file.package.as_str()),
            };
            let purl = purl("npm", scope, name, Some(&file.version), &[])?;
            (
                file.package.clone(),
                Some(file.version.clone()),
                purl,
                Kind::Package,
            )
        }
        (Some(Origin::Pypi(file)), _) => {
            let more = [("file_name", file.name())];
            let purl = purl("pypi", None, &file.project, Some(&file.version), &more)?;
            (
                file.project.clone(),
                Some(file.version.clone()),
                purl,
                Kind::Package,
            )
        }
        (Some(Origin::Debian(path)), Unpack::Deb) => {
            let package = Deb::of(library, node, path.file_name());
            let mut more = vec![("arch", package.architecture.as_str())];
            more.extend(package.suite.as_deref().map(|suite| ("distro", suite)));
            let version = Some(package.version);
            let purl = purl(
                "deb",
                Some("debian"),
                &package.name,
                version.as_deref(),
                &more,
            )?;
            (package.name, version, purl, Kind::Package)
        }
        (first, _) => {
            let file = match (&url, first) {
                (Some(url), _) => url.split(['?', '#']).next().unwrap_or(url),
                (None, Some(Origin::Debian(path))) => path.as_str(),
                (None, Some(Origin::Url(url))) => url,
                _ => node,
            };
            let file = file.rsplit('/').next().unwrap_or(file);
            let (mut name, version) = name_and_version(file);
            if name.is_empty() {
                name = node.rsplit('/').next().unwrap_or(node).to_owned();
            }
            let mut more = vec![("checksum", checksum.as_str())];
            match &url {
                Some(url) => more.push(("download_url", url)),
                None => more.push(("file_name", file)),
            }
            let purl = purl("generic", None, &name, version.as_deref(), &more)?;
            (name, version, purl, Kind::Archive)
        }
    };
    Ok(Ingredient {
        nodes: BTreeSet::from([node.to_owned()]),
        name,
        version,
        purl,
        hash: pin.into(),
        url,
        role,
        kind,
    })
}

/// What a Debian package is called.
struct Deb {
    name: String,
    version: String,
    architecture: String,
    suite: Option<String>,
}

impl Deb {
    /// As the root's lock file has it; the file's name leaves out a version's epoch, and is all there is of other fetches.
    fn of(library: &Library, node: &str, file: &str) -> Deb {
        let mut parts = file.strip_suffix(".deb").unwrap_or(file).splitn(3, '_');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (name, version, architecture) = (part(), part(), part());
        let root = node.rsplit_once('/');
        let root = root.and_then(|(root, package)| Some((NodeName::parse(root)?, package)));
        let locked = root.and_then(|(root, package)| match &library.node(&root)?.kind {
            NodeKind::Root(root) => {
                let debian = root.debian.as_ref()?;
                Some((debian.lock.package(package)?, debian.suite.value.clone()))
            }
            _ => None,
        });
        match locked {
            Some((package, suite)) => Deb {
                name: package.name.clone(),
                version: package.version.clone(),
                architecture,
                suite: Some(suite),
            },
            None => Deb {
                name,
                version,
                architecture,
                suite: None,
            },
        }
    }
}

fn purl(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: Option<&str>,
    qualifiers: &[(&str, &str)],
) -> Result<String, Failure> {
    let build = || {
        let mut purl = PackageUrl::new(kind.to_owned(), name.to_owned())?;
        if let Some(namespace) = namespace {
            purl.with_namespace(namespace.to_owned())?;
        }
        if let Some(version) = version {
            purl.with_version(version.to_owned())?;
        }
        for (key, value) in qualifiers {
            purl.add_qualifier((*key).to_owned(), (*value).to_owned())?;
        }
        Ok(purl.to_string())
    };
    build().map_err(|error: packageurl::Error| {
        Failure::Message(format!("`{name}` has no package URL: {error}"), None)
    })
}

/// `Python-3.13.5.tar.xz`, `zlib_1.3.orig.tar.gz`: what upstream calls it, and the version behind it.
fn name_and_version(file: &str) -> (String, Option<String>) {
    const ENDS: [&str; 8] = [
        ".gz", ".xz", ".bz2", ".zst", ".tar", ".tgz", ".zip", ".orig",
    ];
    let mut stem = file;
    while let Some(shorter) = ENDS.iter().find_map(|end| stem.strip_suffix(end)) {
        stem = shorter;
    }
    let begins = |at: &usize| {
        let rest = stem[at + 1..].trim_start_matches('v');
        *at > 0 && rest.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut signs = stem.match_indices(['-', '_']).map(|(at, _)| at);
    match signs.find(begins) {
        Some(at) => (stem[..at].to_owned(), Some(stem[at + 1..].to_owned())),
        None => (stem.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_names_and_versions() {
        for (file, name, version) in [
            ("Python-3.13.5.tar.xz", "Python", Some("3.13.5")),
            (
                "zlib_1.3.dfsg+really1.3.1.orig.tar.gz",
                "zlib",
                Some("1.3.dfsg+really1.3.1"),
            ),
            (
                "sqlite-autoconf-3460100.tar.gz",
                "sqlite-autoconf",
                Some("3460100"),
            ),
            ("lua-v5.4.zip", "lua", Some("v5.4")),
            ("config.guess", "config.guess", None),
            ("2024-data.tar", "2024-data", None),
            ("é_1.tgz", "é", Some("1")),
            (".tar.gz", "", None),
        ] {
            let version = version.map(str::to_owned);
            assert_eq!(name_and_version(file), (name.to_owned(), version), "{file}");
        }
    }

    #[test]
    fn the_least_role_gives_way() {
        assert!(Role::Tool < Role::Source && Role::Source < Role::Contained);
    }
}

//! One thing from outside that went into a result: a download, a package, a local folder, a file of a recipe's own. Knows no
//! form in which it is told.

use std::collections::BTreeSet;

use pwb_cache::Sha256;
use pwb_engine::recipe::{Library, Origin, Pin, SandboxPath, Unpack};
use pwb_engine::{Graph, Plan, StepId, Work};

use super::identity::Identity;
use crate::report::Failure;

/// What went in.
#[derive(Clone, Debug)]
pub struct Ingredient {
    /// The nodes that bring it, by their full names; a root's own file has its path behind the node's name.
    pub nodes: BTreeSet<String>,
    pub identity: Identity,
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
    match &graph.steps[step].work {
        Work::Run { .. } => Ok(Vec::new()),
        Work::Fetch {
            from, pin, unpack, ..
        } => {
            let url = url(from);
            let (identity, kind) = match (from.first(), unpack) {
                (Some(Origin::Npm(file)), _) => (Identity::npm(file)?, Kind::Package),
                (Some(Origin::Pypi(file)), _) => (Identity::pypi(file)?, Kind::Package),
                (Some(Origin::Debian(path)), Unpack::Deb) => {
                    let identity = Identity::debian(library, node, path.file_name())?;
                    (identity, Kind::Package)
                }
                (first, _) => {
                    let file = match first {
                        Some(Origin::Url(url)) => url,
                        Some(Origin::Debian(path)) => path.as_str(),
                        _ => node,
                    };
                    let identity = Identity::archive(file, url, &pin.to_string())?;
                    (identity, Kind::Archive)
                }
            };
            Ok(vec![Ingredient {
                nodes: BTreeSet::from([node.to_owned()]),
                identity,
                hash: (*pin).into(),
                url: url.map(str::to_owned),
                role,
                kind,
            }])
        }
        Work::Source { .. } => {
            // Its step was planned, and so it was imported.
            let tree = plan.tree(step).map(|tree| tree.digest().hex());
            let name = node.rsplit('/').next().unwrap_or(node);
            Ok(vec![Ingredient {
                nodes: BTreeSet::from([node.to_owned()]),
                identity: Identity::own(name, None)?,
                hash: Hash::Tree(tree.unwrap_or_default()),
                url: None,
                role,
                kind: Kind::Folder,
            }])
        }
        Work::Root { files, .. } => {
            let file = |(path, bytes): (&SandboxPath, &[u8])| {
                let hex = Sha256::of(bytes).hex();
                let name = path.parts().next_back().unwrap_or_default();
                Ok(Ingredient {
                    nodes: BTreeSet::from([format!("{node}:{path}")]),
                    identity: Identity::own(name, Some(&format!("sha256:{hex}")))?,
                    hash: Hash::Sha256(hex),
                    url: None,
                    role,
                    kind: Kind::File,
                })
            };
            files
                .iter()
                .map(|(path, bytes)| file((path, bytes)))
                .collect()
        }
    }
}

/// Where it was published. A path of this machine says nothing to others.
fn url(from: &[Origin]) -> Option<&str> {
    from.iter().find_map(|origin| match origin {
        Origin::Url(url) if !url.starts_with("file:") => Some(url.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_role_gives_way() {
        assert!(Role::Tool < Role::Source && Role::Source < Role::Contained);
    }
}

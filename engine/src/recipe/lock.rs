//! A lock file: the exact packages that a root is made of. Its text form, both ways.
//! Knows nothing of how a closure is computed.

use std::fmt;

use super::digest::Sha256;
use super::path::RelativePath;

/// The packages of a root, exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// `trixie`
    pub suite: String,
    /// `amd64`
    pub architecture: String,
    /// By name; no two of one name.
    pub packages: Vec<Package>,
}

/// One package, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `make`
    pub name: String,
    /// `4.4.1-2`
    pub version: String,
    /// Of the `.deb` file.
    pub sha256: Sha256,
    /// Of the `.deb` file, in bytes.
    pub size: u64,
    /// Below the mirror: `pool/main/…deb`.
    pub path: RelativePath,
}

impl Lock {
    /// The package of this name.
    pub fn package(&self, name: &str) -> Option<&Package> {
        let index = self
            .packages
            .binary_search_by(|package| package.name.as_str().cmp(name))
            .ok()?;
        self.packages.get(index)
    }
}

/// The file's text: one package a line.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Lock(")?;
        writeln!(f, "    suite: {:?},", self.suite)?;
        writeln!(f, "    architecture: {:?},", self.architecture)?;
        writeln!(f, "    packages: [")?;
        for Package {
            name,
            version,
            sha256,
            size,
            path,
        } in &self.packages
        {
            let path = path.as_str();
            writeln!(
                f,
                "        Package(name: {name:?}, version: {version:?}, sha256: \"{sha256}\", size: {size}, path: {path:?}),"
            )?;
        }
        writeln!(f, "    ],\n)")
    }
}

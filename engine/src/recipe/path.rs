//! Paths that are clean by construction: no `.`, no `..`, no empty part. Knows nothing of what lies at them.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathError {
    /// Relative where the whole path is wanted.
    #[error("it does not begin with `/`")]
    Relative,
    /// Absolute where a path below something is wanted.
    #[error("it begins with `/`")]
    Absolute,
    /// A part is `.` or `..`.
    #[error("it has a part `.` or `..`")]
    Dots,
    /// Two `/` in a row, one at the end, or nothing at all.
    #[error("it has an empty part")]
    Empty,
    /// A NUL byte.
    #[error("it has a NUL character")]
    Nul,
}

/// An absolute path inside the sandbox, `/` or `/a/b`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct SandboxPath(String);

impl SandboxPath {
    /// Takes clean absolute paths only.
    pub fn parse(text: &str) -> Result<SandboxPath, PathError> {
        let rest = text.strip_prefix('/').ok_or(PathError::Relative)?;
        if !rest.is_empty() {
            check_parts(rest)?;
        }
        Ok(SandboxPath(text.to_owned()))
    }

    /// `/`
    pub fn root() -> SandboxPath {
        SandboxPath("/".to_owned())
    }

    /// `/report`, where a check's command may leave JUnit XML.
    pub fn report() -> SandboxPath {
        SandboxPath("/report".to_owned())
    }

    /// Whether it is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The path with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading `/`; empty for the root.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }

    /// The parts from the root down; none for the root itself.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.relative().split('/').filter(|part| !part.is_empty())
    }

    /// Whether this is `other` or lies below it. Whole parts count: `/ab` is not below `/a`.
    pub fn starts_with(&self, other: &SandboxPath) -> bool {
        match self.relative().strip_prefix(other.relative()) {
            Some(rest) => other.is_root() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl fmt::Display for SandboxPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path below something: a mirror's root, the recipes folder. At least one part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct RelativePath(String);

impl RelativePath {
    /// Takes clean relative paths only.
    pub fn parse(text: &str) -> Result<RelativePath, PathError> {
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        check_parts(text)?;
        Ok(RelativePath(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_parts(text: &str) -> Result<(), PathError> {
    if text.contains('\0') {
        return Err(PathError::Nul);
    }
    text.split('/').try_for_each(|part| match part {
        "" => Err(PathError::Empty),
        "." | ".." => Err(PathError::Dots),
        _ => Ok(()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn clean_absolute_paths_only() {
        for good in ["/", "/a", "/a/b", "/a/...", "/ä ö"] {
            assert_eq!(SandboxPath::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(SandboxPath::parse(""), Err(PathError::Relative));
        assert_eq!(SandboxPath::parse("a"), Err(PathError::Relative));
        assert_eq!(SandboxPath::parse("//a"), Err(PathError::Empty));
        assert_eq!(SandboxPath::parse("/a/"), Err(PathError::Empty));
        assert_eq!(SandboxPath::parse("/a/../b"), Err(PathError::Dots));
        assert_eq!(SandboxPath::parse("/a\0"), Err(PathError::Nul));
    }

    #[test]
    fn starts_with_counts_whole_parts() {
        let path = |text| SandboxPath::parse(text).unwrap();
        assert!(path("/a/b").starts_with(&path("/a")));
        assert!(path("/a").starts_with(&path("/a")));
        assert!(path("/a").starts_with(&path("/")));
        assert!(path("/").starts_with(&path("/")));
        assert!(!path("/ab").starts_with(&path("/a")));
        assert!(!path("/").starts_with(&path("/a")));
    }

    #[test]
    fn relative_paths() {
        assert_eq!(
            RelativePath::parse("pool/a_1.deb").unwrap().file_name(),
            "a_1.deb"
        );
        assert_eq!(RelativePath::parse(""), Err(PathError::Empty));
        assert_eq!(RelativePath::parse("../a"), Err(PathError::Dots));
        assert_eq!(RelativePath::parse("/a"), Err(PathError::Absolute));
    }
}

//! A path inside a tree: relative, without `.`, `..` or empty components, so that joining it can never leave the tree.

use std::fmt;

/// Of a path, in bytes: Linux takes no longer ones (PATH_MAX).
const LONGEST: usize = 4095;
/// Directories of a tree in each other: whoever walks down one has a stack that ends.
pub const DEEPEST: usize = 128;

/// A clean relative path; the empty one is the tree's root.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TreePath(String);

/// Why a text is no [`TreePath`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` cannot stand in a tree: {why}")]
pub struct TreePathError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl TreePath {
    /// Parses `usr/lib`. A leading `/`, the sandbox's notation, is accepted.
    pub fn parse(text: &str) -> Result<TreePath, TreePathError> {
        let relative = text.strip_prefix('/').unwrap_or(text);
        if relative.is_empty() {
            return Ok(TreePath::default());
        }
        let refused = |why| TreePathError {
            text: relative.chars().take(60).collect::<String>() + "…",
            why,
        };
        if relative.len() > LONGEST {
            return Err(refused("a path has at most 4095 bytes"));
        }
        if relative.split('/').count() > DEEPEST {
            return Err(refused("a path has at most 128 names"));
        }
        relative.split('/').try_for_each(check_name)?;
        Ok(TreePath(relative.to_owned()))
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text, `/` between the components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses what is not one path component.
pub(crate) fn check_name(name: &str) -> Result<(), TreePathError> {
    let why = match name {
        "" => "an empty name",
        "." | ".." => "`.` and `..` are not names",
        _ if name.contains('/') => "a name has no `/`",
        _ if name.contains('\0') => "a name has no NUL",
        _ if name.len() > 255 => "a name has at most 255 bytes",
        _ => return Ok(()),
    };
    Err(TreePathError {
        text: name.to_owned(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_paths_parse() {
        for good in ["", "/", "usr", "/usr/lib", "a/..b/c."] {
            assert!(TreePath::parse(good).is_ok(), "{good}");
        }
        for bad in ["..", "a/../b", "a//b", "a/", "./a", "a\0"] {
            assert!(TreePath::parse(bad).is_err(), "{bad}");
        }
        for (longest, more) in [
            ("a/".repeat(DEEPEST - 1) + "a", "/a"),
            (
                format!("{}/", "a".repeat(255)).repeat(15) + &"a".repeat(255),
                "a",
            ),
        ] {
            assert!(TreePath::parse(&longest).is_ok());
            assert!(TreePath::parse(&(longest + more)).is_err());
        }
    }
}

//! A part of a tree, chosen by patterns of paths. It is made of the directories alone: no file is looked at, and only
//! the directories in which a pattern may match are loaded.

use std::collections::BTreeSet;
use std::fmt;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::directory::TreeDigest;
use crate::error::Result;
use crate::store::Store;
use crate::tree::{Tree, TreeNode};

/// What to take of a tree.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub enum Filter {
    /// What some pattern matches.
    Only(BTreeSet<Pattern>),
    /// What no pattern matches.
    Except(BTreeSet<Pattern>),
}

/// A pattern of paths from the tree's top. `*` and `?` stand for characters of one name, `**` for any directories.
///
/// It matches files and links. One that ends in `/**`, or in a name without wildcards, also stands for a directory with
/// all that is in it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Deserialize, Serialize)]
pub struct Pattern(String);

/// Why a text is no [`Pattern`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not a pattern of paths: {why}")]
pub struct PatternError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Pattern {
    /// Parses `Lib/**/*.py`.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let why = if text.is_empty() {
            "it is empty"
        } else if text.starts_with('/') {
            "it starts with `/`; paths are from the tree's top"
        } else if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            "it has a part that is empty, `.` or `..`"
        } else {
            return glob(text).map(|_| Pattern(text.to_owned()));
        };
        Err(PatternError {
            text: text.to_owned(),
            why: why.to_owned(),
        })
    }

    /// The pattern of the directories that it takes with all that is in them.
    fn directories(&self) -> Option<&str> {
        let text = self.0.as_str();
        let (above, last) = text.rsplit_once('/').unwrap_or(("", text));
        match last {
            "**" if above.is_empty() => Some(text),
            "**" => Some(above),
            _ if last.contains(['*', '?', '[', '{', '\\']) => None,
            _ => Some(text),
        }
    }

    /// Patterns of all directories below which it may match.
    fn ways(&self) -> Vec<String> {
        let mut ways = Vec::new();
        let mut way = String::new();
        let mut parts = self.0.split('/').peekable();
        while let Some(part) = parts.next() {
            // From here on a part of the pattern need not be a part of the path.
            if part.contains("**") || part.contains(['[', '{', '\\']) {
                ways.push(format!("{way}**"));
                break;
            }
            way += part;
            if parts.peek().is_some() {
                ways.push(way.clone());
                way += "/";
            }
        }
        ways
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, patterns) = match self {
            Filter::Only(patterns) => ("Only", patterns),
            Filter::Except(patterns) => ("Except", patterns),
        };
        let patterns: Vec<String> = patterns.iter().map(|one| format!("\"{one}\"")).collect();
        write!(f, "{name}([{}])", patterns.join(", "))
    }
}

impl Store {
    /// What a filter leaves of a tree. Directories that it leaves empty are gone, those that were empty before are not.
    pub fn filter(&self, tree: TreeDigest, filter: &Filter) -> Result<Tree> {
        self.bring_directories(&[tree])?;
        let all = Tree::load(self, tree)?;
        Sieve::new(filter)?.sift(self, &all, "")
    }
}

/// A filter's patterns, compiled.
struct Sieve {
    only: bool,
    files: GlobSet,
    directories: GlobSet,
    ways: GlobSet,
}

impl Sieve {
    fn new(filter: &Filter) -> Result<Sieve, PatternError> {
        let (only, patterns) = match filter {
            Filter::Only(patterns) => (true, patterns),
            Filter::Except(patterns) => (false, patterns),
        };
        let ways: Vec<String> = patterns.iter().flat_map(Pattern::ways).collect();
        Ok(Sieve {
            only,
            files: set(patterns.iter().map(|pattern| pattern.0.as_str()))?,
            directories: set(patterns.iter().filter_map(Pattern::directories))?,
            ways: set(ways.iter().map(String::as_str))?,
        })
    }

    fn sift(&self, store: &Store, all: &Tree, at: &str) -> Result<Tree> {
        let mut left = Tree::default();
        for (name, node) in all.entries() {
            let path = format!("{at}{name}");
            let node = match *node {
                TreeNode::Stored(below) => self.below(store, below, path)?,
                _ => (self.files.is_match(&path) == self.only).then(|| node.clone()),
            };
            if let Some(node) = node {
                left.set(name, node);
            }
        }
        Ok(left)
    }

    /// What is left of a directory, if anything is.
    fn below(&self, store: &Store, below: TreeDigest, path: String) -> Result<Option<TreeNode>> {
        if self.directories.is_match(&path) {
            return Ok(self.only.then_some(TreeNode::Stored(below)));
        }
        if !self.ways.is_match(&path) {
            return Ok((!self.only).then_some(TreeNode::Stored(below)));
        }
        let all = Tree::load(store, below)?;
        let left = self.sift(store, &all, &format!("{path}/"))?;
        Ok(match left.entries().is_empty() {
            true if self.only || left != all => None,
            _ if left == all => Some(TreeNode::Stored(below)),
            _ => Some(TreeNode::Directory(left)),
        })
    }
}

fn glob(text: &str) -> Result<Glob, PatternError> {
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    glob.map_err(|error| refused(text, &error))
}

fn set<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<GlobSet, PatternError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern)?);
    }
    set.build()
        .map_err(|error| refused(error.glob().unwrap_or_default(), &error))
}

fn refused(text: &str, error: &globset::Error) -> PatternError {
    PatternError {
        text: text.to_owned(),
        why: error.kind().to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::digest::Digest;
    use crate::path::TreePath;

    fn patterns(texts: &[&str]) -> BTreeSet<Pattern> {
        texts
            .iter()
            .map(|text| Pattern::parse(text).unwrap())
            .collect()
    }

    /// A tree of these files and, where they end in `/`, empty directories.
    fn tree(store: &Store, paths: &[&str]) -> TreeDigest {
        let mut tree = Tree::default();
        for path in paths {
            let node = match path.strip_suffix('/') {
                Some(_) => TreeNode::Directory(Tree::default()),
                None => TreeNode::File {
                    digest: Digest::of(path.as_bytes()),
                    executable: false,
                },
            };
            let path = TreePath::parse(path.trim_end_matches('/')).unwrap();
            tree.put(store, &path, node).unwrap();
        }
        tree.save(&store.batch()).unwrap()
    }

    fn paths(store: &Store, tree: &Tree, at: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (name, node) in tree.entries() {
            let path = format!("{at}{name}");
            let below = match node {
                TreeNode::Stored(below) => Tree::load(store, *below).unwrap(),
                TreeNode::Directory(below) => below.clone(),
                _ => {
                    found.push(path);
                    continue;
                }
            };
            match below.entries().is_empty() {
                true => found.push(format!("{path}/")),
                false => found.extend(paths(store, &below, &format!("{path}/"))),
            }
        }
        found
    }

    #[test]
    fn what_is_left() {
        let folder = tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let tree = tree(
            &store,
            &[
                "Doc/a.rst",
                "Lib/a.py",
                "Lib/test/a.py",
                "Lib/test/data/",
                "Modules/Setup",
                "Modules/Setup.in",
                "Modules/_x/Setup.py",
                "configure",
            ],
        );
        let left = |filter: Filter| paths(&store, &store.filter(tree, &filter).unwrap(), "");
        let only = |texts: &[&str]| left(Filter::Only(patterns(texts)));
        let except = |texts: &[&str]| left(Filter::Except(patterns(texts)));
        assert_eq!(
            only(&["configure", "Modules/Setup*", "Lib/**"]),
            [
                "Lib/a.py",
                "Lib/test/a.py",
                "Lib/test/data/",
                "Modules/Setup",
                "Modules/Setup.in",
                "configure"
            ]
        );
        assert_eq!(
            only(&["Lib/test"]),
            ["Lib/test/a.py", "Lib/test/data/"],
            "a plain name"
        );
        assert_eq!(
            only(&["*"]),
            ["configure"],
            "a wildcard stands for no directory"
        );
        assert_eq!(only(&["**/test/*.py"]), ["Lib/test/a.py"]);
        assert_eq!(only(&["**/Setup.{in,py}"]).len(), 2);
        assert_eq!(only(&["**"]).len(), 8);
        assert!(only(&["nothing", "Lib/*.c"]).is_empty());
        assert_eq!(
            except(&["Doc/**", "**/test", "Modules/*"]),
            ["Lib/a.py", "Modules/_x/Setup.py", "configure"]
        );
        assert_eq!(
            except(&["Modules/_x/*.py", "**/*.rst"]).len(),
            6,
            "what was empty stays, what was emptied goes"
        );
        assert!(except(&["**"]).is_empty());
    }

    #[test]
    fn what_no_pattern_can_reach_is_not_loaded() {
        let folder = tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut top = Tree::default();
        let absent =
            |text: &str| TreeNode::Stored(TreeDigest::from_digest(Digest::of(text.as_bytes())));
        top.set("Lib", absent("one"));
        top.set("Doc", absent("two"));
        let top = top.save(&store.batch()).unwrap();
        for filter in [Filter::Only, Filter::Except] {
            let filter = filter(patterns(&["Lib/**", "Modules/*.c"]));
            assert_eq!(store.filter(top, &filter).unwrap().entries().len(), 1);
        }
        assert!(
            store
                .filter(top, &Filter::Only(patterns(&["Lib/*.py"])))
                .is_err()
        );
    }

    #[test]
    fn bad_patterns_are_refused() {
        for bad in ["", "/a", "a//b", "../a", "a/", "./a", "a[", "{a", "a\\"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    /// One for all cases: to make a store takes longer than to filter.
    static STORE: LazyLock<(TempDir, Store)> = LazyLock::new(|| {
        let folder = tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        (folder, store)
    });

    proptest! {
        /// Skipping directories makes no difference to which files are left.
        #[test]
        fn laziness_shows_nowhere(
            files in prop::collection::btree_set("[ab]{1,2}x(/[ab]{1,2}x){0,2}/[ab]y", 1..9),
            texts in prop::collection::btree_set("(\\*\\*/|[ab*?]{1,2}x/|\\{ax,bx/ax\\}/){0,3}([ab*]y|\\*\\*)", 1..4),
        ) {
            let store = &STORE.1;
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let tree = tree(store, &files);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let globs = set(texts.iter().copied()).unwrap();
            for (filter, matching) in [(Filter::Only(patterns(&texts)), true), (Filter::Except(patterns(&texts)), false)] {
                let expected: BTreeSet<_> = files.iter().filter(|path| globs.is_match(path) == matching).map(|path| (*path).to_owned()).collect();
                let left: BTreeSet<_> = paths(store, &store.filter(tree, &filter).unwrap(), "").into_iter().collect();
                prop_assert_eq!(left, expected);
            }
        }
    }
}

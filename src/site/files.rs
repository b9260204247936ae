//! The files of a site by the paths of URLs. Paths are looked up in the result's tree and not on the disk: no path leads out of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pwb_cache::{Digest, Entry, TreePath};
use pwb_engine::{Realized, Store};

use crate::report::Failure;

/// Links that may be followed on the way to one file, as Linux has it.
const MAX_LINKS: usize = 40;

/// The files of a site.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    entries: BTreeMap<String, Entry>,
    index: String,
}

/// A file of a site.
#[derive(Debug, Eq, PartialEq)]
pub struct File {
    /// Where it is on the disk.
    pub path: PathBuf,
    /// Its contents.
    pub digest: Digest,
}

impl Files {
    /// Those of a result, which must have its index.
    pub fn of(store: &Store, result: &Realized, index: &str) -> Result<Files, Failure> {
        let files = Files {
            folder: result.path.clone(),
            entries: store.entries(result.tree)?,
            index: index.to_owned(),
        };
        match files.find("/") {
            Some(_) => Ok(files),
            None => Err(Failure::new(
                format!("the site has no file `{index}`, which its recipe names as the index"),
                format!("see what is there: ls {}", result.path.display()),
            )),
        }
    }

    /// The file that the path of a URL, decoded, stands for.
    pub fn find(&self, path: &str) -> Option<File> {
        let path = TreePath::parse(path).ok()?;
        let path = if path.is_root() {
            &self.index
        } else {
            path.as_str()
        };
        let mut ahead: Vec<&str> = path.rsplit('/').collect();
        let mut here: Vec<&str> = Vec::new();
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            match name {
                "" | "." => continue,
                // Only links say that.
                ".." => {
                    here.pop()?;
                    continue;
                }
                _ => here.push(name),
            }
            let path = here.join("/");
            match self.entries.get(&path)? {
                Entry::Directory(_) => {}
                Entry::File { digest, .. } if ahead.is_empty() => {
                    return Some(File {
                        path: self.folder.join(path),
                        digest: *digest,
                    });
                }
                Entry::Symlink(target) if !target.starts_with('/') && links < MAX_LINKS => {
                    links += 1;
                    here.pop();
                    ahead.extend(target.rsplit('/'));
                }
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pwb_cache::TreeDigest;

    use super::*;

    fn files() -> Files {
        let digest = Digest::of(b"x");
        let file = || Entry::File {
            digest,
            executable: false,
        };
        let link = |target: &str| Entry::Symlink(target.to_owned());
        let folder = || Entry::Directory(TreeDigest::from_digest(digest));
        let entries = [
            ("index.html", file()),
            ("lib", folder()),
            ("lib/a.js", file()),
            ("lib/up", link("../index.html")),
            ("lib/out", link("../../index.html")),
            ("lib/absolute", link("/index.html")),
            ("library", link("./lib")),
            ("loop", link("loop")),
            ("nowhere", link("gone")),
        ];
        Files {
            folder: "/site".into(),
            entries: entries.map(|(path, entry)| (path.into(), entry)).into(),
            index: "index.html".into(),
        }
    }

    #[test]
    fn paths_lead_to_files_and_nowhere_else() {
        let found = |path| {
            files()
                .find(path)
                .map(|file| file.path.to_str().unwrap().to_owned())
        };
        for (path, file) in [
            ("/", "/site/index.html"),
            ("/index.html", "/site/index.html"),
            ("/lib/a.js", "/site/lib/a.js"),
            ("/lib/up", "/site/index.html"),
            ("/library/a.js", "/site/lib/a.js"),
            ("/library/up", "/site/index.html"),
        ] {
            assert_eq!(found(path).as_deref(), Some(file), "{path}");
        }
        for path in [
            "/lib",
            "/lib/",
            "/lib/a.js/",
            "/lib/a.js/b",
            "//index.html",
            "/lib/../index.html",
            "/../etc/passwd",
            "/lib/out",
            "/lib/absolute",
            "/loop",
            "/nowhere",
            "/a\0",
            "/INDEX.html",
        ] {
            assert_eq!(found(path), None, "{path:?}");
        }
    }
}

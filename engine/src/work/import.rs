//! Imports a local folder, without what is ignored.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use pwb_cache::{Digest, Store, TreeDigest};

use crate::error::{Error, Result};

/// The file in a folder's top with more patterns of what to leave out.
pub const IGNORE_FILE: &str = ".pwbignore";

/// What of a local folder is not imported: version control's own, `.pwbignore`, and what it and the recipe's patterns
/// (gitignore(5)) name.
pub struct Ignored {
    rules: Gitignore,
    /// The folder's own patterns, as they are written.
    own: String,
}

impl Ignored {
    /// Reads the folder's own patterns. The recipe's come first: of several that match, the last decides.
    pub fn of(folder: &Path, patterns: &[String]) -> Result<Ignored> {
        let mut builder = GitignoreBuilder::new("");
        let own = folder.join(IGNORE_FILE);
        let failed = |error: ignore::Error| Error::Path {
            what: "patterns of",
            path: own.display().to_string(),
            why: error.to_string(),
        };
        for pattern in patterns {
            builder.add_line(None, pattern).map_err(failed)?;
        }
        let text = match std::fs::read_to_string(&own) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|error| failed(error.into()))?,
        };
        for line in text.lines() {
            builder.add_line(Some(own.clone()), line).map_err(failed)?;
        }
        Ok(Ignored {
            rules: builder.build().map_err(failed)?,
            own: text,
        })
    }

    /// Whether a change of this path makes no difference, since it or a folder above it is left out.
    pub fn hides(&self, path: &Path, is_folder: bool) -> bool {
        let above = path.ancestors().skip(1);
        let above = above.filter(|above| !above.as_os_str().is_empty());
        let hidden = |above| self.contains(above, true);
        path != Path::new(IGNORE_FILE)
            && !path.as_os_str().is_empty()
            && (self.contains(path, is_folder) || above.into_iter().any(hidden))
    }

    /// Whether this path, relative to the folder, is left out. What is below a folder that is left out is not asked for.
    pub fn contains(&self, path: &Path, is_folder: bool) -> bool {
        path.file_name() == Some(OsStr::new(".git"))
            || path == Path::new(IGNORE_FILE)
            || self.rules.matched(path, is_folder).is_ignore()
    }
}

/// The tree of a local folder, without what the patterns and its `.pwbignore` name.
pub fn import(store: &Store, folder: &Path, patterns: &[String]) -> Result<TreeDigest> {
    let failed = |source| Error::Folder {
        path: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
        source,
    };
    let folder = folder.canonicalize().map_err(failed)?;
    if !folder.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let ignored = Ignored::of(&folder, patterns)?;
    let mut name = folder.as_os_str().as_bytes().to_vec();
    for part in patterns.iter().chain([&ignored.own]) {
        name.push(0);
        name.extend(part.as_bytes());
    }
    let ignore = |path: &Path, is_folder| ignored.contains(path, is_folder);
    store
        .import(&folder, Digest::of(&name), &ignore)
        .map_err(Error::Import)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_gits() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(IGNORE_FILE),
            "# built\n\n/build/\n!kept.o\n",
        )
        .unwrap();
        let ignored = Ignored::of(folder.path(), &["*.o".into(), "a/*.c".into()]).unwrap();
        let file = |path: &str| ignored.contains(Path::new(path), false);
        let directory = |path: &str| ignored.contains(Path::new(path), true);
        assert!(file("x.o") && file("deep/x.o") && !file("deep/kept.o"));
        assert!(file("a/x.c") && !file("x.c") && !file("b/a/x.c"));
        assert!(directory("build") && !file("build") && !directory("deep/build"));
        assert!(directory(".git") && file("deep/.git"), "a submodule's too");
        assert!(file(IGNORE_FILE) && !file("deep/.pwbignore"));
    }
}

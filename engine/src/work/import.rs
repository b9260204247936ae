//! Imports a local folder.

use std::path::Path;

use pwb_cache::{Store, TreeDigest};

use crate::error::{Error, Result};

/// The tree of a local folder, without what the patterns name. A pattern without `/` is a name at any depth, one with
/// `/` a path from the folder; `*` stands for any characters but `/`.
pub fn import(store: &Store, folder: &Path, ignore: &[String]) -> Result<TreeDigest> {
    if !folder.is_dir() {
        return Err(Error::Path {
            what: "folder",
            path: folder.display().to_string(),
            why: "there is no such folder".into(),
        });
    }
    let ignored = |path: &Path| {
        let path = path.to_string_lossy();
        let name = path.rsplit_once('/').map_or(&*path, |(_, name)| name);
        ignore
            .iter()
            .any(|pattern| match pattern.trim_matches('/') {
                whole if whole.contains('/') => matches(whole, &path),
                one => matches(one, name),
            })
    };
    let batch = store.batch();
    let tree = batch.ingest(folder, &ignored)?;
    store.publish_files(batch.finish())?;
    Ok(tree)
}

/// Whether `text` is what `pattern` describes.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    let within = rest.find('/').unwrap_or(rest.len());
    let ends = (0..=within).filter(|&end| rest.is_char_boundary(end));
    ends.into_iter().any(|end| matches(after, &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stays_within_a_name() {
        assert!(matches("*.o", "a.o"));
        assert!(matches("build*", "build"));
        assert!(matches("a*/*.c", "ab/x.c"));
        assert!(!matches("*.o", "a/b.o"));
        assert!(!matches("*.o", "a.oo"));
    }
}

//! Objects by the beginning of their hash, as people write digests.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::Result;
use crate::store::Store;

impl Store {
    /// The trees and files whose hash begins with these hexadecimal digits; some of them, where they are many.
    pub fn beginning_with(&self, digits: &str) -> Result<Vec<Entry>> {
        let fill = |digit: char| {
            let mut text = digits.to_owned();
            text.extend(std::iter::repeat_n(
                digit,
                64_usize.saturating_sub(text.len()),
            ));
            blake3::Hash::from_hex(text).ok()
        };
        let (Some(first), Some(last)) = (fill('0'), fill('f')) else {
            return Ok(Vec::new());
        };
        let between = (Digest::new(first, 0), Digest::new(last, u64::MAX));
        let mut found = BTreeMap::new();
        for (digest, executable) in self.index.files_between(between)? {
            found.insert(digest, Entry::File { digest, executable });
        }
        for digest in self.index.messages_between(between)? {
            let Some(bytes) = self.message(digest)? else {
                continue;
            };
            // Actions and commands are messages too.
            if Directory::decode(digest, &bytes).is_ok() {
                found.insert(digest, Entry::Directory(TreeDigest::from_digest(digest)));
            }
        }
        Ok(found.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;

    #[test]
    fn trees_and_files_are_found_by_any_beginning_and_other_messages_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let batch = store.batch();
        let file = batch.put_file(b"contents", true).unwrap();
        let mut directory = Directory::default();
        let entry = Entry::File {
            digest: file,
            executable: true,
        };
        directory.entries.insert("file".into(), entry.clone());
        let bytes = directory.encode();
        let tree = Digest::of(&bytes);
        let action = Action {
            arguments: vec!["true".into()],
            environment: BTreeMap::new(),
            working_directory: Default::default(),
            outputs: Default::default(),
            platform: BTreeMap::new(),
            timeout: None,
            input_root: TreeDigest::from_digest(tree),
        };
        let (key, messages) = action.encode();
        batch.put_messages(&[(tree, bytes)]).unwrap();
        batch.put_messages(&messages).unwrap();
        store.publish_files(batch.finish()).unwrap();

        let tree_entry = Entry::Directory(TreeDigest::from_digest(tree));
        for length in [1, 7, 8, 64] {
            let found = store.beginning_with(&tree.hex()[..length]).unwrap();
            assert!(found.contains(&tree_entry), "{length}");
            let found = store.beginning_with(&file.hex()[..length]).unwrap();
            assert!(found.contains(&entry), "{length}");
        }
        assert_eq!(store.beginning_with(&tree.hex()).unwrap(), [tree_entry]);
        let nothing = [&*key.hex(), &*messages[0].0.hex(), "xyz", &"0".repeat(65)];
        for nothing in nothing {
            assert_eq!(store.beginning_with(nothing).unwrap(), [], "{nothing}");
        }
    }
}

//! Trees as deep as they may be, on a thread whose stack is as small as threads' stacks are.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use pwb_cache::{DEEPEST, Digest, Error, Store, Tree, TreeNode, TreePath};
use tempfile::{TempDir, tempdir};

fn store() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

/// Folders in each other below `top`, the last one of them.
fn folders(top: &Path, count: usize) -> PathBuf {
    let mut path = top.to_owned();
    path.extend(std::iter::repeat_n("a", count));
    fs::create_dir_all(&path).unwrap();
    path
}

#[test]
fn the_deepest_tree_is_saved_materialized_compared_verified_and_collected() {
    let (folder, store) = store();
    let batch = store.batch();
    let digest = batch.put_file(b"deep", false).unwrap();
    let path = TreePath::parse(&("a/".repeat(DEEPEST - 1) + "file")).unwrap();
    let node = TreeNode::File {
        digest,
        executable: false,
    };
    let mut tree = Tree::default();
    tree.put(&store, &path, node).unwrap();
    let tree = tree.save(&batch).unwrap();
    let nothing = Tree::default().save(&batch).unwrap();
    store.publish_files(batch.finish()).unwrap();
    let there = store.materialize(tree).unwrap();
    assert_eq!(fs::read(there.join(path.as_str())).unwrap(), b"deep");
    assert_eq!(store.changes(nothing, tree).unwrap().len(), 1);
    assert_eq!(
        store.local_directories(tree).unwrap().unwrap().len(),
        DEEPEST
    );
    let again = store.import(&there, Digest::of(b"again"), &|_, _| false);
    assert_eq!(again.unwrap(), tree);
    assert!(store.verify().unwrap().faults.is_empty());
    drop((store, folder));
}

#[test]
fn what_is_deeper_is_no_tree() {
    let (folder, store) = store();
    let top = folder.path().join("top");
    fs::write(folders(&top, DEEPEST).join("file"), "x").unwrap();
    let batch = store.batch();
    assert!(batch.ingest(&top, &|_, _| false).is_ok());
    assert!(batch.take_layer(&top, None).is_ok());
    folders(&top, DEEPEST + 1);
    let taken = batch.ingest(&top, &|_, _| false);
    assert!(matches!(taken, Err(Error::Unholdable { .. })), "{taken:?}");
    let taken = batch.take_layer(&top, None);
    assert!(matches!(taken, Err(Error::Unholdable { .. })), "{taken:?}");
}

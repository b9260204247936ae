//! A folder that was imported before comes to the same tree as one that was never seen, whatever happened to it in between.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use pwb_cache::{Digest, Store, TreeDigest};

/// Something that happens in a folder. Places are few, so that they meet.
#[derive(Clone, Debug)]
enum Change {
    Write(PathBuf, u8),
    Link(PathBuf, u8),
    Folder(PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Mode(PathBuf, bool),
    Touch(PathBuf),
}

fn place() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
        .prop_map(|parts| parts.iter().collect())
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (place(), 0_u8..4).prop_map(|(at, what)| Change::Write(at, what)),
        1 => (place(), 0_u8..4).prop_map(|(at, what)| Change::Link(at, what)),
        2 => place().prop_map(Change::Folder),
        1 => place().prop_map(Change::Remove),
        2 => (place(), place()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (place(), any::<bool>()).prop_map(|(at, executable)| Change::Mode(at, executable)),
        1 => place().prop_map(Change::Touch),
    ]
}

/// Does it as far as it can be done.
fn apply(folder: &Path, change: &Change) {
    let at = |path: &Path| folder.join(path);
    let _ = match change {
        // Of one size, so that only times tell them apart.
        Change::Write(path, what) => fs::write(at(path), [*what]),
        Change::Link(path, what) => symlink(what.to_string(), at(path)),
        Change::Folder(path) => fs::create_dir_all(at(path)),
        Change::Remove(path) => fs::remove_file(at(path)).or_else(|_| fs::remove_dir_all(at(path))),
        Change::Rename(from, to) => fs::rename(at(from), at(to)),
        Change::Mode(path, executable) => {
            let mode = if *executable { 0o755 } else { 0o644 };
            match at(path).symlink_metadata() {
                Ok(found) if found.is_file() => {
                    fs::set_permissions(at(path), fs::Permissions::from_mode(mode))
                }
                _ => Ok(()),
            }
        }
        Change::Touch(path) => fs::File::open(at(path))
            .and_then(|file| file.set_modified(std::time::SystemTime::now())),
    };
}

fn import(store: &Store, folder: &Path) -> TreeDigest {
    let name = Digest::of(folder.as_os_str().as_encoded_bytes());
    store.import(folder, name, &|_, _| false).unwrap()
}

/// The tree of a folder that nothing is known of.
fn anew(store: &Store, folder: &Path) -> TreeDigest {
    store.batch().ingest(folder, &|_, _| false).unwrap()
}

#[test]
fn what_is_known_of_a_folder_hides_no_change() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(&place.path().join("store")).unwrap();
    let mut runner = TestRunner::deterministic();
    let walks = prop::collection::vec(change(), 1..12);
    let mut draw = || walks.new_tree(&mut runner).unwrap().current();
    let folders: Vec<PathBuf> = (0..300)
        .map(|number| place.path().join(number.to_string()))
        .collect();
    for folder in &folders {
        fs::create_dir(folder).unwrap();
        draw().iter().for_each(|change| apply(folder, change));
    }
    // From now on stamps count.
    sleep(Duration::from_millis(2100));
    for folder in &folders {
        assert_eq!(import(&store, folder), anew(&store, folder));
    }
    for folder in &folders {
        for _ in 0..3 {
            let walk = draw();
            walk.iter().for_each(|change| apply(folder, change));
            assert_eq!(import(&store, folder), anew(&store, folder), "{walk:?}");
            assert!(store.is_complete(import(&store, folder)).unwrap());
        }
    }
}

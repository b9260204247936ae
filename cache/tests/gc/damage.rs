//! Objects that go, and bytes that change, under a store that is read and opened again meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use pwb_cache::{Error, Store};

use crate::world::{World, cases, key, publish};

/// Something that happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Publish(u8, BTreeSet<u8>),
    Read(u8),
    Forget(u8),
    /// The object of a file goes, or is overwritten.
    Lose(u8),
    Alter(u8),
    Repair,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let (name, file) = (0..5_u8, 0..6_u8);
    prop_oneof![
        4 => (name.clone(), prop::collection::btree_set(file.clone(), 1..4)).prop_map(|(name, files)| Step::Publish(name, files)),
        3 => name.clone().prop_map(Step::Read),
        1 => name.prop_map(Step::Forget),
        1 => file.clone().prop_map(Step::Lose),
        1 => file.prop_map(Step::Alter),
        1 => Just(Step::Repair),
        1 => Just(Step::Reopen),
    ]
}

/// What a simple store would know: names with their files, and which files' objects are not what they were.
#[derive(Debug, Default)]
struct Model {
    results: BTreeMap<u8, BTreeSet<u8>>,
    published: BTreeSet<u8>,
    lost: BTreeSet<u8>,
    altered: BTreeSet<u8>,
}

impl Model {
    /// Results of these very files are one tree, and go together.
    fn forget(&mut self, files: &BTreeSet<u8>) {
        self.results.retain(|_, other| other != files);
    }

    fn repair(&mut self) {
        let bad: BTreeSet<u8> = self.lost.union(&self.altered).copied().collect();
        self.results.retain(|_, files| files.is_disjoint(&bad));
        self.published.retain(|file| !bad.contains(file));
        self.lost.clear();
        self.altered.clear();
    }
}

fn contents(file: u8) -> String {
    format!("f{file}").repeat(100)
}

/// The object of a file, if it is there.
fn object(world: &World, file: u8) -> Option<std::path::PathBuf> {
    let digest = pwb_cache::Digest::of(contents(file).as_bytes()).hex();
    let path = world.path("store/cas").join(&digest[..2]).join(&digest);
    path.exists().then_some(path)
}

fn repair(store: &Store) {
    let found = store.verify().unwrap();
    let busy = store.repair(&found.faults).unwrap();
    assert!(busy.is_empty(), "{busy:?}");
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn what_is_read_is_what_was_published_or_it_is_missing(steps in prop::collection::vec(step(), 1..30)) {
        let world = World::new();
        let mut model = Model::default();
        let mut store = world.open();
        for step in steps {
            match step {
                Step::Publish(name, files) => {
                    // Whoever makes a thing again that is damaged and not known to be, gives the damaged one.
                    if !files.is_disjoint(&model.altered) { continue }
                    let names: Vec<String> = files.iter().map(|file| format!("f{file}")).collect();
                    publish(&store, &format!("n{name}"), &names.iter().map(String::as_str).collect::<Vec<_>>());
                    model.lost.retain(|file| !files.contains(file));
                    model.published.extend(&files);
                    model.results.insert(name, files);
                }
                Step::Read(name) => {
                    let found = store.result(key(&format!("n{name}"))).unwrap();
                    prop_assert_eq!(found.is_some(), model.results.contains_key(&name));
                    let Some(found) = found else { continue };
                    let files = model.results[&name].clone();
                    if !files.is_disjoint(&model.altered) { continue }
                    let known = store.materialized(found.tree).unwrap().is_some();
                    match store.materialize(found.tree) {
                        Ok(folder) => {
                            prop_assert!(known || files.is_disjoint(&model.lost));
                            for file in &files {
                                let read = fs::read_to_string(folder.join(format!("f{file}"))).unwrap();
                                prop_assert_eq!(read, contents(*file));
                            }
                        }
                        Err(Error::Missing(_)) => {
                            prop_assert!(!files.is_disjoint(&model.lost));
                            store.forget_results(found.tree).unwrap();
                            model.forget(&files);
                        }
                        Err(other) => prop_assert!(false, "{}", other),
                    }
                    store.settle().unwrap();
                }
                Step::Forget(name) => {
                    if let Some(found) = store.result(key(&format!("n{name}"))).unwrap() {
                        store.forget_results(found.tree).unwrap();
                        let files = model.results[&name].clone();
                        model.forget(&files);
                    }
                }
                Step::Lose(file) => {
                    if let Some(path) = object(&world, file) {
                        // If it was altered, it still is in folders that it was linked into.
                        fs::remove_file(path).unwrap();
                        model.lost.insert(file);
                    }
                }
                Step::Alter(file) => {
                    if let Some(path) = object(&world, file) {
                        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
                        fs::write(&path, "altered").unwrap();
                        model.altered.insert(file);
                    }
                }
                Step::Repair => {
                    // Folders that a living process uses stay as they are.
                    drop(store);
                    store = world.open();
                    repair(&store);
                    model.repair();
                    prop_assert!(store.verify().unwrap().faults.is_empty());
                }
                Step::Reopen => {
                    drop(store);
                    store = world.open();
                }
            }
            let whole = model.results.values().all(|files| files.is_disjoint(&model.lost) && files.is_disjoint(&model.altered));
            let faults = store.verify().unwrap().faults;
            prop_assert!(whole || !faults.is_empty(), "damage that is not seen");
        }
        drop(store);
        let last = world.open();
        repair(&last);
        model.repair();
        for name in 0..5 {
            prop_assert_eq!(world.has(&format!("n{name}")), model.results.contains_key(&name));
        }
    }
}

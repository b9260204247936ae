//! A simple store that does what the real one is to do, and random things that happen to both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use pwb_cache::Policy;

use crate::world::{World, cases, key, publish};

/// Something that happens to a store.
#[derive(Clone, Debug)]
enum Step {
    Publish(u8, Vec<u8>),
    Use(u8),
    Link(u8),
    Unlink(u8),
    Age,
    Collect { keep: Option<u64>, share: u64 },
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..6_u8;
    prop_oneof![
        3 => (name.clone(), prop::collection::vec(0..8_u8, 1..4)).prop_map(|(name, files)| Step::Publish(name, files)),
        1 => name.clone().prop_map(Step::Use),
        1 => name.clone().prop_map(Step::Link),
        1 => name.prop_map(Step::Unlink),
        2 => Just(Step::Age),
        3 => (prop::option::of(0..9_u64), 0..100_u64).prop_map(|(keep, share)| Step::Collect { keep, share }),
        1 => Just(Step::Kill),
    ]
}

/// What a simple store would do: names with their files, when each was used, and which of them are linked to or held.
#[derive(Clone, Debug, Default)]
struct Model {
    results: BTreeMap<u8, (BTreeSet<u8>, i64)>,
    links: BTreeMap<u8, BTreeSet<u8>>,
    held: BTreeSet<BTreeSet<u8>>,
    held_files: BTreeSet<u8>,
    now: i64,
}

impl Model {
    fn files(&self) -> BTreeSet<u8> {
        let results = self.results.values().map(|(files, _)| files);
        let kept = results.chain(self.links.values()).chain(&self.held);
        kept.flatten().chain(&self.held_files).copied().collect()
    }
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn a_store_keeps_what_its_model_keeps(steps in prop::collection::vec(step(), 1..25)) {
        let world = World::new();
        let mut model = Model::default();
        let mut living = world.open();
        for step in steps {
            match step {
                Step::Publish(name, files) => {
                    let files: BTreeSet<u8> = files.into_iter().collect();
                    let names: Vec<String> = files.iter().map(|file| format!("f{file}")).collect();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    publish(&living, &format!("n{name}"), &names);
                    model.held_files.extend(&files);
                    model.held.insert(files.clone());
                    model.results.insert(name, (files, model.now));
                }
                Step::Use(name) => {
                    let found = living.result(key(&format!("n{name}"))).unwrap();
                    living.settle().unwrap();
                    prop_assert_eq!(found.is_some(), model.results.contains_key(&name));
                    if let Some((files, used)) = model.results.get_mut(&name) {
                        model.held.insert(files.clone());
                        *used = model.now;
                    }
                }
                Step::Link(name) => {
                    let Some(found) = living.result(key(&format!("n{name}"))).unwrap() else { continue };
                    let folder = living.materialize(found.tree).unwrap();
                    living.settle().unwrap();
                    let link = world.path(&format!("link{name}"));
                    let _ = fs::remove_file(&link);
                    std::os::unix::fs::symlink(folder, &link).unwrap();
                    prop_assert!(living.put_root(&link, found.tree).unwrap());
                    let (files, used) = model.results.get_mut(&name).unwrap();
                    *used = model.now;
                    model.held.insert(files.clone());
                    model.links.insert(name, files.clone());
                }
                Step::Unlink(name) => {
                    let _ = fs::remove_file(world.path(&format!("link{name}")));
                    model.links.remove(&name);
                }
                Step::Age => {
                    world.age(3);
                    model.now += 3;
                }
                Step::Collect { keep, share } => {
                    let collector = world.open();
                    let whole = collector.collect(&Policy::default(), true).unwrap().after;
                    let policy = Policy {
                        max_size: Some(whole * share / 100),
                        older_than: None,
                        keep: Duration::from_secs(keep.unwrap_or(0) * 3600),
                    };
                    let would = collector.collect(&policy, true).unwrap();
                    let done = collector.collect(&policy, false).unwrap();
                    prop_assert_eq!(&would, &done);
                    prop_assert!(done.over || done.after <= whole * share / 100);
                    // Which of those may go do go is for the store to say; that it is the oldest, and no more than needed, is not.
                    let protected = |files: &BTreeSet<u8>, used: i64| {
                        let recent = keep.unwrap_or(0) > 0 && (model.now - used) < i64::try_from(keep.unwrap()).unwrap() + 1;
                        recent || model.held.contains(files) || model.links.values().any(|linked| linked == files)
                    };
                    let mut gone = Vec::new();
                    let mut kept = Vec::new();
                    for (name, (files, used)) in &model.results {
                        if !world.has(&format!("n{name}")) {
                            prop_assert!(!protected(files, *used), "n{} went", name);
                            gone.push((*used, *name));
                        } else if !protected(files, *used) {
                            kept.push(*used);
                        }
                    }
                    let newest_gone = gone.iter().map(|(used, _)| *used).max();
                    let oldest_kept = kept.iter().min().copied();
                    if let (Some(gone), Some(kept)) = (newest_gone, oldest_kept) {
                        prop_assert!(gone <= kept, "one of {} went and one of {} stayed", gone, kept);
                    }
                    if done.over {
                        prop_assert!(kept.is_empty());
                    }
                    for (_, name) in gone {
                        model.results.remove(&name);
                    }
                }
                Step::Kill => {
                    drop(living);
                    living = world.open();
                    model.held.clear();
                    model.held_files.clear();
                }
            }
            // Whatever was done: what is kept is whole.
            prop_assert!(living.verify().unwrap().faults.is_empty());
        }
        drop(living);
        model.held.clear();
        model.held_files.clear();
        let last = world.open();
        last.collect(&Policy::default(), false).unwrap();
        prop_assert_eq!(world.files(), model.files().len());
        prop_assert!(last.verify().unwrap().faults.is_empty());
        for link in model.links.keys() {
            let link = world.path(&format!("link{link}"));
            prop_assert!(link.is_dir());
        }
    }
}

//! Outputs that are trees like no program makes them.

use prost::Message;
use pwb_cache::{DEEPEST, Sha256, reapi};

use crate::{ended, ended_with, run};

/// A chain of directories, each with the next one below it under all these names.
fn chain(length: usize, names: &[&str]) -> reapi::Tree {
    let mut children = vec![reapi::Directory::default()];
    for _ in 0..length {
        let below = children.last().map(Message::encode_to_vec).unwrap();
        let digest = Some(Sha256::of(&below).to_message());
        let node = |name: &&str| reapi::DirectoryNode {
            name: (*name).to_owned(),
            digest: digest.clone(),
        };
        children.push(reapi::Directory {
            directories: names.iter().map(node).collect(),
            ..Default::default()
        });
    }
    reapi::Tree {
        root: children.pop(),
        children,
    }
}

/// 64 directories that stand for 2^64 paths.
#[test]
fn what_stands_in_it_many_times_is_read_once() {
    let done = run(|server, _, _| {
        vec![Some(Ok(ended(&ended_with(
            server,
            &chain(64, &["a", "b"]),
        ))))]
    });
    assert!(done.executed.unwrap().output.is_some());
    assert_eq!(done.warnings, [""; 0]);
}

#[test]
fn a_tree_has_an_end_below() {
    let done = run(|server, _, _| {
        vec![Some(Ok(ended(&ended_with(
            server,
            &chain(DEEPEST, &["a"]),
        ))))]
    });
    assert!(done.executed.unwrap().output.is_some());
    let done = run(|server, _, _| {
        vec![Some(Ok(ended(&ended_with(
            server,
            &chain(DEEPEST + 1, &["a"]),
        ))))]
    });
    assert!(done.executed.is_none());
    assert!(
        done.warnings[0].contains("is not whole"),
        "{:?}",
        done.warnings
    );
}

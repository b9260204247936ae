//! Answers of the Remote Execution API's servers, through the real client: whatever comes, what is kept is what its digest
//! says, and it ends.

mod said;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pwb_cache::{Action, Digest, Sha256, Store, Tree, TreeDigest, TreePath, Upstream, Workers};
use pwb_remote::{Client, Settings, Url};

use crate::pieces::pieces;
use crate::scratch;
use said::Said;

/// A byte of flags, then pieces: `ServerCapabilities`, an `ExecuteResponse` or an `ActionResult`, `ExecuteOperationMetadata`,
/// and blobs. A digest whose hash is `@N` is that of blob N.
pub fn run(bytes: &[u8]) {
    let Some((flags, rest)) = bytes.split_first() else {
        return;
    };
    let said = Said::new(*flags, &pieces(rest));
    let folder = scratch::folder();
    let store = Store::open(folder.path()).unwrap();
    let settings = Settings {
        url: Url::parse(server::says(said.clone())).unwrap(),
        upload: true,
        queue: Duration::from_millis(20),
        ..Settings::default()
    };
    let client = Client::new(settings, |_| ()).unwrap();
    match flags >> 6 {
        0 => execute(&client, &store),
        1 => bring(&client, &store, &said.blobs),
        2 => look_up(&client, &store, &said.blobs),
        _ => give(&client, &store),
    }
    let verified = store.verify().unwrap();
    assert!(verified.faults.is_empty(), "{:?}", verified.faults);
}

fn execute(client: &Client, store: &Store) {
    let action = action(store);
    let executed = client.execute(store, &action, &mut |_| ()).unwrap();
    let output = executed.and_then(|executed| {
        store.publish_files(executed.new).unwrap();
        executed.output
    });
    if let Some(tree) = output {
        Tree::load(store, tree).expect("an output is whole");
    }
}

fn action(store: &Store) -> Action {
    let batch = store.batch();
    let input_root = Tree::default().save(&batch).unwrap();
    store.publish_files(batch.finish()).unwrap();
    Action {
        arguments: vec!["run".into()],
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::from([TreePath::parse("out").unwrap()]),
        platform: BTreeMap::new(),
        timeout: None,
        input_root,
    }
}

/// Asks for all blobs as directories, as trees and as files.
fn bring(client: &Client, store: &Store, blobs: &[Vec<u8>]) {
    let digests: Vec<Digest> = blobs.iter().map(|blob| Digest::of(blob)).collect();
    let names: Vec<Sha256> = blobs.iter().map(|blob| Sha256::of(blob)).collect();
    let trees: Vec<TreeDigest> = digests
        .iter()
        .map(|it| TreeDigest::from_digest(*it))
        .collect();
    let twins: Vec<_> = trees.iter().copied().zip(names.iter().copied()).collect();
    let heard: Vec<_> = digests.iter().copied().zip(names).collect();
    store.put_twins(&twins).unwrap();
    store.put_heard(&heard).unwrap();
    client.trees(store, &trees).unwrap();
    client.directories(store, &trees).unwrap();
    client.has_files(store, &digests).unwrap();
    let files: Vec<_> = digests.iter().map(|it| (*it, false)).collect();
    client.files(store, &files).unwrap();
}

/// Asks for the result of an action, for what it names, and for a note.
fn look_up(client: &Client, store: &Store, blobs: &[Vec<u8>]) {
    let key = action(store).encode().0;
    for (result, _) in client.results(store, &[key]).unwrap().into_iter().flatten() {
        client.trees(store, &[result.tree]).unwrap();
        client.directories(store, &[result.tree]).unwrap();
    }
    client.note(store, key).unwrap();
    bring(client, store, &blobs[..blobs.len().min(1)]);
}

fn give(client: &Client, store: &Store) {
    let action = action(store);
    let (key, messages) = action.encode();
    let batch = store.batch();
    batch.put_messages(&messages).unwrap();
    let file = batch.put_file(b"contents", true).unwrap();
    store.publish_files(batch.finish()).unwrap();
    let result = pwb_cache::ActionResult {
        tree: action.input_root,
        wall: Duration::ZERO,
        user: Duration::ZERO,
        system: Duration::ZERO,
        max_rss: 0,
    };
    client.share(store, &[(key, result)]);
    client.put_note(store, key, b"note", &[file]);
}

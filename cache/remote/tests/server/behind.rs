//! Stores with this server behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pwb_cache::{
    Action, ActionKey, ActionResult, Digest, Lineage, Outcome, Publication, Run, Store, Tree,
    TreeDigest, TreeNode, TreePath,
};
use pwb_remote::{Client, Settings, Url};

use crate::served::{Served, TOKEN};

/// Publishes that the one action has come to a file with these contents.
fn publish(store: &Store, contents: &str) -> (ActionKey, ActionResult) {
    let batch = store.batch();
    let digest = batch.put_file(contents.as_bytes(), false).unwrap();
    let node = TreeNode::File {
        digest,
        executable: false,
    };
    let mut tree = Tree::default();
    tree.put(store, &TreePath::parse("out").unwrap(), node)
        .unwrap();
    let input_root = Tree::default().save(&batch).unwrap();
    let result = ActionResult {
        tree: tree.save(&batch).unwrap(),
        wall: Duration::ZERO,
        user: Duration::ZERO,
        system: Duration::ZERO,
        max_rss: 0,
    };
    let (key, messages) = action(input_root).encode();
    batch.put_messages(&messages).unwrap();
    let publication = Publication {
        result,
        run: Run {
            node: "node".into(),
            key,
            wall: Duration::ZERO,
            outcome: Outcome::Built,
            lineage: Lineage::default(),
        },
        ticket: 0,
        new: batch.finish(),
        lock: store.lock(key).unwrap(),
    };
    thread::scope(|scope| {
        let publisher = store.publisher(scope, |_, _| {}).unwrap();
        assert!(publisher.submit(publication));
        publisher.finish().unwrap();
    });
    (key, result)
}

fn action(input_root: TreeDigest) -> Action {
    Action {
        arguments: vec!["make".into()],
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::new(),
        platform: BTreeMap::new(),
        timeout: None,
        input_root,
    }
}

#[tokio::test]
async fn a_result_that_was_made_here_meanwhile_is_the_answer() {
    let served = Served::start().await;
    let url = format!("grpc://{}", served.address);
    let ask = move || {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let mut settings = Settings {
                url: Url::parse(&url).unwrap(),
                upload: true,
                ..Settings::default()
            };
            settings.headers.bearer(TOKEN).unwrap();
            let client = Client::new(settings, |_| {}).unwrap();
            let store = Store::open(&folder.path().join(name)).unwrap();
            store.with_upstream(Arc::new(client))
        };
        let asked = |store: &Store, key| store.ask(&[key]).unwrap()[0].unwrap().tree;
        let (theirs, ours, nobodys) = (open("theirs"), open("ours"), open("nobodys"));
        let (key, their) = publish(&theirs, "theirs");
        theirs.share(&[(key, their)]);
        assert_eq!(asked(&nobodys, key), their.tree);
        assert!(nobodys.own_result(key).unwrap().is_none());

        let (_, our) = publish(&ours, "ours");
        assert_ne!(our.tree, their.tree);
        assert_eq!(asked(&ours, key), our.tree);
        assert_eq!(ours.own_result(key).unwrap().unwrap().tree, our.tree);
        assert!(ours.file(Digest::of(b"ours")).unwrap().is_some());
    };
    tokio::task::spawn_blocking(ask).await.unwrap();
}

//! The store as the engine uses it: trees in, trees out, and nothing believed that was not published.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use pwb_cache::{
    Action, ActionResult, Conflict, Digest, Error, Feed, Lineage, Outcome, Publication, Run, Store,
    Tree, TreeDigest, TreeNode, TreePath,
};
use tempfile::{TempDir, tempdir};

fn store() -> (TempDir, Store) {
    let folder = tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

fn ingest(store: &Store, folder: &Path) -> TreeDigest {
    let batch = store.batch();
    let tree = batch.ingest(folder, &|_, _| false).unwrap();
    store.publish_files(batch.finish()).unwrap();
    tree
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn action(tree: TreeDigest, argument: &str) -> Action {
    Action {
        arguments: vec![argument.to_owned()],
        environment: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
        working_directory: path("build"),
        outputs: BTreeSet::from([path("build")]),
        platform: BTreeMap::new(),
        timeout: Some(Duration::from_millis(1500)),
        input_root: tree,
    }
}

/// A sample with everything a tree can hold.
fn sample(folder: &Path) {
    fs::create_dir_all(folder.join("bin/empty")).unwrap();
    fs::write(folder.join("bin/tool"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(folder.join("bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("data"), "#!/bin/sh\n").unwrap();
    symlink("bin/tool", folder.join("link")).unwrap();
}

#[test]
fn a_tree_comes_out_as_it_went_in_and_keeps_nothing_of_the_host() {
    let (folder, store) = store();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    sample(&one);
    thread::sleep(Duration::from_millis(20));
    sample(&two);
    let tree = ingest(&store, &one);
    assert_eq!(
        tree,
        ingest(&store, &two),
        "times and places leave no trace"
    );

    let made = store.materialize(tree).unwrap();
    assert_eq!(
        fs::metadata(made.join("bin/tool")).unwrap().mode() & 0o777,
        0o555
    );
    assert_eq!(
        fs::metadata(made.join("data")).unwrap().mode() & 0o777,
        0o444,
        "one content, two modes"
    );
    assert_eq!(
        fs::read_link(made.join("link")).unwrap(),
        Path::new("bin/tool")
    );
    assert_eq!(
        fs::metadata(made.join("data")).unwrap().mtime(),
        1_749_600_000
    );
    assert!(made.join("bin/empty").is_dir());
    assert_eq!(ingest(&store, &made), tree);
}

#[test]
fn what_was_never_published_is_written_again() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "whole contents").unwrap();
    // A crash after the rename and before the row: the file is there by name, and torn.
    store.batch().ingest(&source, &|_, _| false).unwrap();
    let object = store
        .root()
        .join(format!("cas/{}", &hex_path(b"whole contents")));
    fs::set_permissions(&object, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&object, "").unwrap();

    let tree = ingest(&store, &source);
    let made = store.materialize(tree).unwrap();
    assert_eq!(
        fs::read_to_string(made.join("file")).unwrap(),
        "whole contents"
    );
}

#[test]
fn a_missing_or_torn_object_is_named_and_counts_as_absent() {
    for damage in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(path, "x").unwrap();
        },
    ] {
        let (folder, store) = store();
        let source = folder.path().join("source");
        sample(&source);
        fs::write(source.join("victim"), "victim").unwrap();
        let tree = ingest(&store, &source);
        assert!(store.is_complete(tree).unwrap());
        damage(&store.root().join(format!("cas/{}", hex_path(b"victim"))));
        assert!(!store.is_complete(tree).unwrap());
        match store.materialize(tree) {
            Err(Error::Missing(digest)) => assert_eq!(digest, Digest::of(b"victim")),
            other => panic!("{other:?}"),
        }
        assert_eq!(ingest(&store, &source), tree);
        assert!(store.materialize(tree).is_ok());
    }
}

fn hex_path(contents: &[u8]) -> String {
    let hex = Digest::of(contents).hex();
    format!("{}/{hex}", &hex[..2])
}

#[test]
fn grafting_loads_only_the_way_and_refuses_to_go_through_a_link() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    sample(&source);
    let inner = ingest(&store, &source);
    let mut tree = Tree::load(&store, inner).unwrap();
    tree.put(&store, &path("opt/a/b"), TreeNode::Stored(inner))
        .unwrap();
    assert!(matches!(
        tree.put(&store, &path("link/x"), TreeNode::Stored(inner)),
        Err(Error::NotADirectory { .. })
    ));
    let batch = store.batch();
    let grafted = tree.save(&batch).unwrap();
    assert_eq!(store.subtree(grafted, &path("opt/a/b")).unwrap(), inner);
    assert_eq!(
        store.subtree(grafted, &path("opt/a/b/bin")).unwrap(),
        store.subtree(inner, &path("bin")).unwrap()
    );
    assert!(matches!(
        store.subtree(grafted, &path("opt/c")),
        Err(Error::NoSuchPath { .. })
    ));
}

#[test]
fn overlaying_merges_directories_and_asks_where_contents_differ() {
    let (folder, store) = store();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for (folder, text) in [(&one, "1"), (&two, "2")] {
        fs::create_dir_all(folder.join("usr/share")).unwrap();
        fs::write(folder.join("usr/share/same"), "same").unwrap();
        fs::write(folder.join("usr/share/other"), text).unwrap();
        fs::write(folder.join(format!("usr/{text}")), "").unwrap();
    }
    let (one, two) = (ingest(&store, &one), ingest(&store, &two));
    let union = |answer| {
        let mut asked = Vec::new();
        let mut tree = Tree::load(&store, one).unwrap();
        tree.overlay(&store, Tree::load(&store, two).unwrap(), &mut |path| {
            asked.push(path.to_owned());
            Ok(answer)
        })
        .unwrap();
        assert_eq!(asked, ["/usr/share/other"]);
        let batch = store.batch();
        let folder = store.materialize(tree.save(&batch).unwrap()).unwrap();
        assert!(folder.join("usr/1").exists() && folder.join("usr/2").exists());
        fs::read_to_string(folder.join("usr/share/other")).unwrap()
    };
    assert_eq!(union(Conflict::Keep), "1");
    assert_eq!(union(Conflict::Replace), "2");
}

#[test]
fn a_layer_changes_and_adds_and_removes() {
    let (folder, store) = store();
    let base = folder.path().join("base");
    sample(&base);
    fs::create_dir(base.join("hidden")).unwrap();
    fs::write(base.join("hidden/old"), "old").unwrap();
    let base = ingest(&store, &base);
    let upper = store.session().unwrap().folder("upper").unwrap();
    fs::create_dir_all(upper.join("bin/new")).unwrap();
    fs::write(upper.join("bin/new/file"), "new").unwrap();
    fs::write(upper.join("data"), "changed").unwrap();
    fs::create_dir(upper.join("link")).unwrap();
    fs::create_dir(upper.join("hidden")).unwrap();
    fs::write(upper.join("hidden/new"), "new").unwrap();
    rustix::fs::lsetxattr(
        upper.join("hidden"),
        "user.overlay.opaque",
        b"y",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();

    let batch = store.batch();
    let tree = batch.take_layer(&upper, Some(base)).unwrap();
    store.publish_files(batch.finish()).unwrap();
    let made = store.materialize(tree).unwrap();
    assert_eq!(fs::read_to_string(made.join("data")).unwrap(), "changed");
    assert_eq!(
        fs::read_to_string(made.join("bin/new/file")).unwrap(),
        "new"
    );
    assert!(
        made.join("bin/tool").exists(),
        "what the layer does not touch stays"
    );
    assert!(made.join("link").is_dir(), "a directory replaces a link");
    assert!(
        !made.join("hidden/old").exists() && made.join("hidden/new").exists(),
        "opaque"
    );
}

#[test]
fn a_layers_attributes_stay_out_of_the_store() {
    let (_folder, store) = store();
    let upper = store.session().unwrap().folder("upper").unwrap();
    let file = upper.join("file");
    fs::write(&file, "text").unwrap();
    let long = format!("user.{}", "x".repeat(200));
    let names = (0..10).map(|number| format!("{long}{number}"));
    for name in names.chain(["user.overlay.whiteout".into()]) {
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::lsetxattr(&file, &*name, b"y", flags).unwrap();
    }
    fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
    let batch = store.batch();
    let tree = batch.take_layer(&upper, None).unwrap();
    store.publish_files(batch.finish()).unwrap();
    let made = store.materialize(tree).unwrap().join("file");
    assert_eq!(fs::read_to_string(&made).unwrap(), "text");
    assert_eq!(rustix::fs::llistxattr(&made, &mut [0_u8; 64]), Ok(0));
    assert_eq!(
        fs::metadata(&made).unwrap().permissions().mode() & 0o777,
        0o444
    );
}

#[test]
fn a_layer_has_a_depth_that_a_tree_can_have() {
    let (_folder, store) = store();
    let upper = store.session().unwrap().folder("upper").unwrap();
    let mut at = upper.clone();
    for _ in 0..128 {
        at.push("d");
    }
    fs::create_dir_all(&at).unwrap();
    let batch = store.batch();
    let tree = batch.take_layer(&upper, None).unwrap();
    store.publish_files(batch.finish()).unwrap();
    assert!(
        store
            .materialize(tree)
            .unwrap()
            .join(at.strip_prefix(&upper).unwrap())
            .is_dir()
    );
    fs::create_dir(at.join("d")).unwrap();
    let error = store
        .batch()
        .take_layer(&upper, None)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("d/d/d/… is in more than 128 folders"),
        "{error}"
    );
}

#[test]
fn a_published_result_is_found_by_every_process_and_its_lock_is_free() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    sample(&source);
    let durable = Mutex::new(Vec::new());
    let (key, tree) = thread::scope(|scope| {
        let publisher = store
            .publisher(scope, |ticket, result| {
                durable.lock().unwrap().push((ticket, result.tree));
            })
            .unwrap();
        let batch = store.batch();
        let tree = batch.ingest(&source, &|_, _| false).unwrap();
        let (key, messages) = action(tree, "make").encode();
        batch.put_messages(&messages).unwrap();
        let lock = store.lock(key).unwrap();
        let result = ActionResult {
            tree,
            wall: Duration::from_secs(2),
            user: Duration::ZERO,
            system: Duration::ZERO,
            max_rss: 7,
        };
        let run = Run {
            node: "a/b".into(),
            key,
            wall: result.wall,
            outcome: Outcome::Built,
            lineage: Lineage {
                options: [("a/debug".into(), "true".into())].into(),
                feeds: vec![Feed::new("in", "a/source", "", None)],
            },
        };
        let taken = publisher.submit(Publication {
            result,
            run,
            ticket: 7,
            new: batch.finish(),
            lock,
        });
        assert!(taken);
        publisher.finish().unwrap();
        (key, tree)
    });
    let other = Store::open(store.root()).unwrap();
    assert_eq!(other.result(key).unwrap().unwrap().tree, tree);
    assert!(other.try_lock(key).unwrap().is_some());
    let runs = other.runs("a/b").unwrap();
    assert_eq!((runs.len(), runs[0].run.wall), (1, Duration::from_secs(2)));
    assert_eq!(runs[0].run.lineage.options["a/debug"], "true");
    assert_eq!(runs[0].run.lineage.feeds[0].node, "a/source");
    assert_eq!(other.run_of(key).unwrap().as_ref(), runs.first());
    assert_eq!(*durable.lock().unwrap(), [(7, tree)]);
    assert_eq!(
        Action::load(&other, key).unwrap().unwrap(),
        action(tree, "make"),
        "the manifest explains the key"
    );
    other.forget_results(tree).unwrap();
    assert!(store.result(key).unwrap().is_none());
}

#[test]
fn an_empty_file_and_an_empty_folder_have_one_digest_and_are_two_things() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("empty")).unwrap();
    fs::write(source.join("file"), "").unwrap();
    let tree = ingest(&store, &source);
    let made = store.materialize(tree).unwrap();
    assert!(made.join("empty").is_dir() && made.join("file").is_file());
    assert_eq!(ingest(&store, &made), tree);
}

#[test]
fn one_holder_a_lock() {
    let (_folder, store) = store();
    let (key, _) = action(TreeDigest::from_digest(Digest::of(b"")), "x").encode();
    let inside = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let own = Store::open(store.root()).unwrap();
                for _ in 0..50 {
                    let _lock = own.lock(key).unwrap();
                    let _only_one = inside.try_lock().expect("two holders");
                }
            });
        }
    });
}

#[test]
fn a_dead_session_is_swept_and_a_living_one_is_not() {
    let (_folder, store) = store();
    let dead = store.root().join("tmp/1-dead");
    fs::create_dir_all(dead.join("work/work")).unwrap();
    fs::set_permissions(dead.join("work/work"), fs::Permissions::from_mode(0o000)).unwrap();
    let living = store.session().unwrap().folder("living").unwrap();
    let other = Store::open(store.root()).unwrap();
    other.session().unwrap();
    assert!(!dead.exists());
    assert!(living.exists());
}

#[test]
fn a_store_of_a_newer_pwb_is_left_alone() {
    let (_folder, store) = store();
    let root = store.root().to_owned();
    drop(store);
    rusqlite::Connection::open(root.join("index.sqlite"))
        .unwrap()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    assert!(matches!(
        Store::open(&root),
        Err(Error::NewerSchema { found: 999, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_change_of_an_action_changes_its_key(argument in "[a-z]{1,8}", name in "[A-Z]{1,4}", value in "[a-z]{0,4}") {
        let tree = TreeDigest::from_digest(Digest::of(b""));
        let first = action(tree, "make");
        let mut changed = vec![
            Action { arguments: vec!["make".into(), argument], ..first.clone() },
            Action { working_directory: path("other"), ..first.clone() },
            Action { timeout: None, ..first.clone() },
            Action { input_root: TreeDigest::from_digest(Digest::of(b"1")), ..first.clone() },
            Action { outputs: BTreeSet::new(), ..first.clone() },
        ];
        let mut environment = first.environment.clone();
        environment.insert(format!("B{name}"), value);
        changed.push(Action { environment, ..first.clone() });
        let mut keys: HashSet<_> = changed.iter().map(|action| action.encode().0).collect();
        keys.insert(first.encode().0);
        prop_assert_eq!(keys.len(), 7);
    }
}

fn import(store: &Store, folder: &Path) -> TreeDigest {
    store
        .import(folder, Digest::of(b"name"), &|_, _| false)
        .unwrap()
}

#[test]
fn a_file_written_twice_in_a_tick_is_read_twice() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let mut trees = HashSet::new();
    for contents in 0..40 {
        fs::write(source.join("file"), format!("{contents:02}")).unwrap();
        let tree = import(&store, &source);
        assert_eq!(tree, import(&store, &source));
        assert!(trees.insert(tree), "{contents} was not seen");
    }
}

/// Only the reading of a file would find that its object is gone.
#[test]
fn a_settled_file_is_not_read_again_until_its_object_is_missed() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    sample(&source);
    fs::write(source.join("victim"), "victim").unwrap();
    let tree = import(&store, &source);
    thread::sleep(Duration::from_millis(2100));
    assert_eq!(import(&store, &source), tree);
    fs::remove_file(store.root().join(format!("cas/{}", hex_path(b"victim")))).unwrap();
    assert_eq!(import(&store, &source), tree);
    assert!(!store.is_complete(tree).unwrap());

    store.forget_results(tree).unwrap();
    assert_eq!(import(&store, &source), tree);
    assert!(store.is_complete(tree).unwrap());

    fs::write(source.join("victim"), "edited").unwrap();
    let edited = import(&store, &source);
    let changed = |now| {
        let changes = store.changes(tree, now).unwrap().into_iter();
        changes.map(|change| change.path).collect::<Vec<_>>()
    };
    assert_eq!(changed(edited), ["victim"]);
    fs::remove_dir_all(source.join("bin")).unwrap();
    let removed = import(&store, &source);
    assert_eq!(changed(removed), ["bin", "victim"]);
}

//! Every way in which two actions can differ.

use std::time::Duration;

use pwb_cache::{Action, Lineage, Tree, TreeDigest, TreeNode, TreePath};

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// A saved tree with these files, each with its text.
fn tree(store: &Store, files: &[(&str, &str)]) -> TreeDigest {
    let mut tree = Tree::default();
    for (name, text) in files {
        let node = TreeNode::File {
            digest: Digest::of(text.as_bytes()),
            executable: false,
        };
        tree.put(store, &path(name), node).unwrap();
    }
    tree.save(&store.batch()).unwrap()
}

/// A command with two inputs, fed by a folder and a node.
fn command(store: &Store, files: &[(&str, &str)]) -> Manifest {
    let action = Action {
        arguments: vec!["make".into()],
        environment: BTreeMap::from([("LANG".into(), "C".into())]),
        working_directory: path("/build"),
        outputs: BTreeSet::from([path("/build")]),
        platform: BTreeMap::new(),
        timeout: None,
        input_root: tree(store, files),
    };
    let feeds = vec![
        Feed::new("", "t/root", "", None),
        Feed::new("src/deep", "t/src", "", None),
        Feed::new("lib", "t/lib", "out", None),
    ];
    manifest(action, feeds)
}

fn manifest(action: Action, feeds: Vec<Feed>) -> Manifest {
    let options = BTreeMap::from([("t/debug".to_owned(), "false".to_owned())]);
    Manifest {
        node: "t/node".into(),
        key: action.encode().0,
        action,
        lineage: Lineage { options, feeds },
    }
}

fn between(store: &Store, old: &Manifest, new: &Manifest) -> Difference {
    Difference::between(store, old, new, &[]).unwrap()
}

/// The paths that differ, by place.
fn paths(difference: &Difference) -> Vec<(&Place, Vec<&str>)> {
    difference
        .inputs
        .iter()
        .map(|input| match &input.fed {
            Fed::Paths(paths) => (&input.place, paths.iter().map(|one| &*one.path).collect()),
            other => panic!("{other:?}"),
        })
        .collect()
}

const FILES: [(&str, &str); 4] = [
    ("bin/sh", "1"),
    ("src/deep/a/b.c", "1"),
    ("src/deep/same/c.c", "1"),
    ("lib/l.a", "1"),
];

#[test]
fn an_action_does_not_differ_from_itself() {
    let (_folder, store) = store();
    let one = command(&store, &FILES);
    assert!(between(&store, &one, &one).is_empty());
    assert_eq!(between(&store, &one, &one), Difference::default());
}

#[test]
fn every_field_of_an_action_has_its_place() {
    let (_folder, store) = store();
    let old = command(&store, &FILES);
    let mut new = old.clone();
    new.action.arguments.push("all".into());
    new.action.environment.insert("CC".into(), "gcc".into());
    new.action.environment.insert("LANG".into(), "de".into());
    new.action.working_directory = path("/src");
    new.action.outputs.insert(path("/out"));
    new.action.platform.insert("ISA".into(), "x".into());
    new.action.timeout = Some(Duration::from_secs(3));
    new.lineage.options.insert("t/debug".into(), "true".into());
    let found = between(&store, &old, &new);
    let names = |map: &BTreeMap<String, Change>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(found.arguments.as_ref().unwrap().1, ["make", "all"]);
    assert_eq!(names(&found.environment), ["CC", "LANG"]);
    assert_eq!(
        names(&found.settings),
        [
            "output /out",
            "platform ISA",
            "timeout",
            "working directory"
        ]
    );
    assert_eq!(found.options["t/debug"].new.as_deref(), Some("true"));
    assert!(found.inputs.is_empty() && !found.is_empty());
}

#[test]
fn a_path_belongs_to_the_input_that_it_lies_in() {
    let (_folder, store) = store();
    let old = command(&store, &FILES);
    let new = [
        ("bin/sh", "2"),
        ("bin/ls", "1"),
        ("src/deep/a/b.c", "2"),
        ("src/deep/same/c.c", "1"),
        ("src/deep/new/d.c", "1"),
        ("lib/l.so", "1"),
    ];
    let new = command(&store, &new);
    assert_eq!(
        paths(&between(&store, &old, &new)),
        [
            (&Place::Root, vec!["bin/ls", "bin/sh"]),
            (&Place::Mount("lib".into()), vec!["l.a", "l.so"]),
            // A folder that is new as a whole is one change.
            (&Place::Mount("src/deep".into()), vec!["a/b.c", "new"]),
        ]
    );
}

#[test]
fn an_input_that_came_or_went_is_no_change_of_the_root() {
    let (_folder, store) = store();
    let old = command(&store, &FILES);
    let mut new = command(
        &store,
        &[("bin/sh", "1"), ("src/deep/a/b.c", "1"), ("opt/x/y", "1")],
    );
    new.lineage.feeds[1] = Feed::new("opt/x", "t/opt", "", None);
    new.lineage.feeds[2] = Feed::new("src/deep", "t/src", "", None);
    let found = between(&store, &old, &new);
    let fed = |mount: &str| {
        let at = Place::Mount(mount.into());
        found
            .inputs
            .iter()
            .find(|input| input.place == at)
            .map(|input| &input.fed)
    };
    assert_eq!(fed("lib"), Some(&Fed::Removed));
    assert_eq!(fed("opt/x"), Some(&Fed::Added));
    assert!(matches!(fed("src/deep"), Some(Fed::Paths(paths)) if paths.len() == 1));
    assert_eq!(found.inputs.len(), 3, "{found:?}");
}

#[test]
fn an_input_made_anew_and_the_same_makes_no_other_key() {
    let (_folder, store) = store();
    let (mut old, mut new) = (command(&store, &FILES), command(&store, &FILES));
    let other = command(&store, &FILES[..1]).key;
    old.lineage.feeds[2] = Feed::new("lib", "t/lib", "out", Some(other));
    new.lineage.feeds[2] = Feed::new("lib", "t/lib", "out", Some(new.key));
    let found = between(&store, &old, &new);
    assert_eq!(found.inputs.len(), 1);
    assert_eq!(found.inputs[0].fed, Fed::Same);
    assert!(found.is_empty());
}

#[test]
fn directories_that_are_gone_are_said_to_be() {
    let (_folder, store) = store();
    let old = command(&store, &FILES);
    let mut new = old.clone();
    let mut messages = Vec::new();
    let unsaved = Tree::default().encode(&mut messages);
    new.action.input_root = unsaved;
    let found = Difference::between(&store, &new, &old, &[]).unwrap();
    assert!(
        found.inputs.iter().all(|input| input.fed == Fed::Forgotten),
        "{found:?}"
    );
    let found = Difference::between(&store, &new, &old, &messages).unwrap();
    assert!(matches!(found.inputs[0].fed, Fed::Paths(_)), "{found:?}");
}

/// A root of layers; what it wins and links is among its arguments.
fn root(store: &Store, layers: &[&str], arguments: &[&str]) -> Manifest {
    let names: Vec<String> = (0..layers.len())
        .map(|place| format!("{place:04}/file"))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(layers)
        .map(|(name, layer)| (&**name, *layer))
        .collect();
    let feed = |place, layer: &&str| Feed::new(&format!("{place:04}"), layer, "", None);
    let feeds = layers
        .iter()
        .enumerate()
        .map(|(place, layer)| feed(place, layer))
        .collect();
    let mut one = command(store, &files);
    one.action.working_directory = TreePath::default();
    one.action.arguments = std::iter::once("pwb:root")
        .chain(arguments.iter().copied())
        .map(str::to_owned)
        .collect();
    manifest(one.action, feeds)
}

#[test]
fn a_layer_is_who_it_is_and_not_where() {
    let (_folder, store) = store();
    let old = root(&store, &["a", "b"], &["link /bin\nusr/bin", "wins /x 0001"]);
    let new = root(
        &store,
        &["new", "a", "b"],
        &["link /bin\nbin2", "wins /x 0002"],
    );
    let found = between(&store, &old, &new);
    let [layer] = &found.inputs[..] else {
        panic!("{found:?}")
    };
    assert_eq!((&layer.place, &layer.fed), (&Place::Layer, &Fed::Added));
    assert_eq!(found.settings.keys().collect::<Vec<_>>(), ["link /bin"]);

    let turned = root(&store, &["b", "a"], &["link /bin\nusr/bin", "wins /x 0000"]);
    let found = between(&store, &old, &turned);
    assert_eq!(found.settings["layers"].new.as_deref(), Some("b, a"));
    assert!(found.inputs.is_empty());
}

#[test]
fn a_download_is_pin_places_and_unpacking() {
    let (_folder, store) = store();
    let fetch = |pin: &str| {
        let mut one = root(&store, &[], &[]);
        one.action.arguments = ["pwb:fetch", pin, "deb", "https://a", "https://b"]
            .map(str::to_owned)
            .to_vec();
        one
    };
    let found = between(&store, &fetch("sha256:1"), &fetch("sha256:2"));
    assert_eq!(found.settings.keys().collect::<Vec<_>>(), ["pin"]);
    assert!(found.arguments.is_none());
}

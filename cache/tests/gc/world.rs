//! A store of a test's own, what is put into it, and a look at its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use proptest::prelude::ProptestConfig;
use pwb_cache::{
    Action, ActionKey, ActionResult, Digest, Lineage, Outcome, Publication, Run, Store, TreeDigest,
    TreePath,
};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

const HOUR: i64 = 3600;

/// Few cases a day, and as many as PROPTEST_CASES says.
pub fn cases(few: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig {
            cases: few,
            ..config
        },
    }
}

pub struct World {
    folder: TempDir,
}

impl World {
    /// In memory where that can be had: each result is synced.
    pub fn new() -> World {
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempdir());
        let world = World {
            folder: folder.unwrap(),
        };
        drop(world.open());
        world
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn open(&self) -> Store {
        Store::open(&self.path("store")).unwrap()
    }

    pub fn sql(&self) -> Connection {
        Connection::open(self.path("store/index.sqlite")).unwrap()
    }

    /// Makes everything so many hours older.
    pub fn age(&self, hours: i64) {
        let db = self.sql();
        for table in [
            "results",
            "calls",
            "call_paths",
            "imports",
            "realizations",
            "action_results",
        ] {
            let sql = format!("UPDATE {table} SET used_at = used_at - {}", hours * HOUR);
            db.execute(&sql, []).unwrap();
        }
        let sql = format!(
            "UPDATE runs SET finished_at = finished_at - {}",
            hours * HOUR
        );
        db.execute(&sql, []).unwrap();
    }

    pub fn files(&self) -> usize {
        let shards = fs::read_dir(self.path("store/cas")).unwrap();
        shards
            .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
            .sum()
    }

    /// Whether there is a result of this name; it is not used by that.
    pub fn has(&self, name: &str) -> bool {
        let digest = key(name).digest();
        let row = [hex(&digest.hex()), digest.size().to_be_bytes().to_vec()].concat();
        let sql = "SELECT count(*) FROM results WHERE key = ?1";
        let count: i64 = self.sql().query_row(sql, [row], |row| row.get(0)).unwrap();
        count == 1
    }

    pub fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.sql().query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

pub fn key(name: &str) -> ActionKey {
    action(name, nothing()).encode().0
}

fn nothing() -> TreeDigest {
    TreeDigest::from_digest(Digest::of(b""))
}

pub fn action(name: &str, input_root: TreeDigest) -> Action {
    Action {
        arguments: vec![name.to_owned()],
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::new(),
        platform: BTreeMap::new(),
        timeout: None,
        input_root,
    }
}

/// Publishes a result with these files, each with its own name for contents.
pub fn publish(store: &Store, name: &str, files: &[&str]) -> TreeDigest {
    publish_over(store, name, nothing(), files)
}

/// The same of an action that sees a tree.
pub fn publish_over(
    store: &Store,
    name: &str,
    input_root: TreeDigest,
    files: &[&str],
) -> TreeDigest {
    let source = store.session().unwrap().folder("source").unwrap();
    for file in files {
        fs::write(source.join(file), file.repeat(100)).unwrap();
    }
    let batch = store.batch();
    let (key, messages) = action(name, input_root).encode();
    batch.put_messages(&messages).unwrap();
    let tree = batch.ingest(&source, &|_, _| false).unwrap();
    let new = batch.finish();
    let lock = store.lock(key).unwrap();
    thread::scope(|scope| {
        let publisher = store.publisher(scope, |_, _| {}).unwrap();
        let submitted = publisher.submit(Publication {
            result: ActionResult {
                tree,
                wall: Duration::ZERO,
                user: Duration::ZERO,
                system: Duration::ZERO,
                max_rss: 0,
            },
            run: Run {
                node: name.to_owned(),
                key,
                wall: Duration::ZERO,
                outcome: Outcome::Built,
                lineage: Lineage::default(),
            },
            ticket: 0,
            new,
            lock,
        });
        assert!(submitted);
        publisher.finish().unwrap();
    });
    tree
}

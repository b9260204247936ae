//! A damaged index that is made anew, with what comes in between.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

use pwb_cache::{Digest, Error, Store, TreeDigest, rebuild};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

const PAGE: usize = 4096;

/// A store in which a request was answered with a tree.
struct World {
    folder: TempDir,
    tree: TreeDigest,
}

impl World {
    fn new() -> World {
        let folder = tempdir().unwrap();
        let (root, source) = (folder.path().join("store"), folder.path().join("source"));
        fs::create_dir(&source).unwrap();
        fs::write(source.join("file"), "text").unwrap();
        fs::write(source.join("other"), "other").unwrap();
        let store = Store::open(&root).unwrap();
        let batch = store.batch();
        let tree = batch.ingest(&source, &|_, _| false).unwrap();
        store.publish_files(batch.finish()).unwrap();
        store.put_realization(Digest::of(b"request"), tree).unwrap();
        World { folder, tree }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Overwrites the first page of the table of files, which is made anew from the files themselves.
    fn damage(&self) {
        let index = self.path("index.sqlite");
        let db = Connection::open(&index).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'files'";
        let page: u32 = db.query_row(sql, [], |row| row.get(0)).unwrap();
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(db);
        let file = OpenOptions::new().write(true).open(&index).unwrap();
        let at = u64::from(page - 1) * PAGE as u64;
        file.write_all_at(&[0xAA; PAGE], at).unwrap();
    }

    /// Adds an answer that is in the log alone, as a killed process leaves it; returns its request.
    fn log_an_answer(&self) -> Digest {
        let (index, log) = (self.path("index.sqlite"), self.path("index.sqlite-wal"));
        let db = Connection::open(&index).unwrap();
        let request = Digest::of(b"other request");
        let hash = *blake3::hash(b"other request").as_bytes();
        let row = [hash.as_slice(), &request.size().to_be_bytes()].concat();
        let sql = "INSERT INTO realizations SELECT ?1, tree, used_at FROM realizations";
        db.execute(sql, [row]).unwrap();
        let (kept, kept_log) = (fs::read(&index).unwrap(), fs::read(&log).unwrap());
        drop(db);
        fs::write(&index, kept).unwrap();
        fs::write(&log, kept_log).unwrap();
        request
    }

    fn is_whole(&self) -> bool {
        let store = Store::open(&self.root()).unwrap();
        let found = store.realization(Digest::of(b"request")).unwrap();
        found == Some(self.tree) && store.is_complete(self.tree).unwrap()
    }

    fn object(&self, text: &str) -> PathBuf {
        let hex = Digest::of(text.as_bytes()).hex();
        self.path("cas").join(&hex[..2]).join(hex)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with("index")).collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn an_index_that_could_not_be_made_anew_is_there_to_be_made_anew_again() {
    let world = World::new();
    world.damage();
    let damaged = fs::read(world.path("index.sqlite")).unwrap();
    // A folder has no bytes to hash, and that is no damage of a disk.
    let object = world.object("text");
    let aside = world.path("aside");
    fs::rename(&object, &aside).unwrap();
    fs::create_dir(&object).unwrap();
    for _ in 0..2 {
        let error = rebuild(&world.root()).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(fs::read(world.path("index.sqlite")).unwrap() == damaged);
        assert_eq!(world.names(), ["index.sqlite"]);
    }
    fs::remove_dir(&object).unwrap();
    fs::rename(&aside, &object).unwrap();
    // And what a killed one leaves is no part of the next.
    fs::write(world.path("index.sqlite.new"), "torn").unwrap();
    fs::write(world.path("index.sqlite.new-wal"), "torn").unwrap();
    let rebuilt = rebuild(&world.root()).unwrap().unwrap();
    assert_eq!((rebuilt.files, rebuilt.unreadable), (2, vec![]));
    assert_eq!(world.names(), ["index.sqlite", "index.sqlite.damaged"]);
    assert!(fs::read(rebuilt.old).unwrap() == damaged);
    assert!(world.is_whole());
    assert_eq!(rebuild(&world.root()).unwrap(), None);
}

#[test]
fn a_log_that_was_put_aside_in_vain_is_taken_back() {
    let world = World::new();
    let (index, log) = (world.path("index.sqlite"), world.path("index.sqlite-wal"));
    world.damage();
    let other = world.log_an_answer();
    let old = world.path("index.sqlite.damaged");
    fs::hard_link(&index, &old).unwrap();
    fs::rename(&log, world.path("index.sqlite.damaged-wal")).unwrap();
    rebuild(&world.root()).unwrap().unwrap();
    assert!(world.is_whole());
    let store = Store::open(&world.root()).unwrap();
    assert_eq!(store.realization(other).unwrap(), Some(world.tree));
}

#[test]
fn an_index_that_is_cut_off_beside_its_log_is_made_anew() {
    for tenth in 1..10 {
        let world = World::new();
        {
            // SQLite reads what is long in another way, and finds another error.
            let long = vec![7; 50 * PAGE];
            let store = Store::open(&world.root()).unwrap();
            let messages = [(Digest::of(&long), long)];
            store.batch().put_messages(&messages).unwrap();
        }
        world.log_an_answer();
        let index = world.path("index.sqlite");
        let file = OpenOptions::new().write(true).open(index).unwrap();
        file.set_len(file.metadata().unwrap().len() * tenth / 10)
            .unwrap();
        assert!(rebuild(&world.root()).unwrap().is_some(), "{tenth}");
        let store = Store::open(&world.root()).unwrap();
        store.repair(&store.verify().unwrap().faults).unwrap();
        assert_eq!(store.verify().unwrap().faults, [], "{tenth}");
        assert_eq!(store.verify().unwrap().objects.count, 2, "{tenth}");
    }
}

#[test]
fn a_file_that_the_disk_does_not_give_back_costs_what_needs_it_alone() {
    let world = World::new();
    world.damage();
    let object = world.object("text");
    fs::remove_file(&object).unwrap();
    // Nothing is mapped where this begins: EIO.
    symlink(Path::new("/proc/self/mem"), &object).unwrap();
    let rebuilt = rebuild(&world.root()).unwrap().unwrap();
    let told = format!("{}: Input/output error (os error 5)", object.display());
    assert_eq!((rebuilt.files, rebuilt.unreadable), (1, vec![told]));
    let store = Store::open(&world.root()).unwrap();
    assert!(store.has_published(Digest::of(b"other"), false).unwrap());
    assert!(!store.is_complete(world.tree).unwrap());
}

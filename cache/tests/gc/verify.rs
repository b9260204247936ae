//! Stores that are verified and repaired while others use them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::thread;

use pwb_cache::{Digest, Fault};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::everything;
use crate::world::{World, publish};

fn digest(file: &str) -> Digest {
    Digest::of(file.repeat(100).as_bytes())
}

fn object(world: &World, file: &str) -> PathBuf {
    let hex = digest(file).hex();
    world.path("store/cas").join(&hex[..2]).join(hex)
}

#[test]
fn what_is_published_while_a_store_is_verified_is_no_fault_and_nobody_collects_meanwhile() {
    let world = World::new();
    publish(&world.open(), "old", &["one"]);
    // Whoever hashes this object waits for its bytes.
    let slow = object(&world, "one");
    fs::remove_file(&slow).unwrap();
    mknodat(CWD, &slow, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let other = world.open();
    let verified = thread::scope(|scope| {
        let verifying = scope.spawn(|| world.open().verify().unwrap());
        let mut bytes = OpenOptions::new().write(true).open(&slow).unwrap();
        let tree = publish(&other, "new", &["two"]);
        other.materialize(tree).unwrap();
        other.settle().unwrap();
        assert!(other.collect_if_due(&everything()).unwrap().is_none());
        let lock = File::open(world.path("store/locks/gc")).unwrap();
        assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        bytes.write_all("one".repeat(100).as_bytes()).unwrap();
        drop(bytes);
        verifying.join().unwrap()
    });
    assert_eq!(verified.faults, []);
    assert_eq!((verified.objects.count, verified.trees), (1, 1));
    assert!(other.collect_if_due(&everything()).unwrap().is_some());
}

#[test]
fn what_others_have_mended_before_it_is_repaired_stays() {
    let world = World::new();
    let folder = {
        let store = world.open();
        let tree = publish(&store, "a", &["one"]);
        let folder = store.materialize(tree).unwrap();
        store.settle().unwrap();
        folder
    };
    let (object, aside, more) = (
        object(&world, "one"),
        world.path("aside"),
        folder.join("more"),
    );
    fs::rename(&object, &aside).unwrap();
    fs::write(&more, "").unwrap();
    let store = world.open();
    let faults = store.verify().unwrap().faults;
    assert_eq!(faults.len(), 3, "{faults:?}");
    fs::rename(&aside, &object).unwrap();
    fs::remove_file(&more).unwrap();
    assert_eq!(store.repair(&faults).unwrap(), []);
    assert!(world.has("a") && object.exists() && folder.exists());
    assert_eq!(store.verify().unwrap().faults, []);
}

#[test]
fn an_object_that_the_disk_does_not_give_back_is_a_damage_like_any_other() {
    let world = World::new();
    publish(&world.open(), "a", &["one"]);
    publish(&world.open(), "b", &["two"]);
    let object = object(&world, "one");
    fs::remove_file(&object).unwrap();
    // Nothing is mapped where this begins: EIO.
    symlink("/proc/self/mem", &object).unwrap();
    let store = world.open();
    let faults = store.verify().unwrap().faults;
    let [Fault::Unreadable(of, false, told), Fault::Unwhole(..)] = &faults[..] else {
        panic!("{faults:?}");
    };
    assert_eq!(*of, digest("one"));
    let expected = format!("{}: Input/output error (os error 5)", object.display());
    assert_eq!(*told, expected);
    assert_eq!(store.repair(&faults).unwrap(), []);
    assert!(!world.has("a") && world.has("b") && !object.is_symlink());
    assert_eq!(store.verify().unwrap().faults, []);
}

//! A damaged, full or foreign store: it mends itself where it can, and says what is wrong where it cannot.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{Said, World, listing, node, read, walk};

fn nodes() -> Vec<String> {
    vec![
        node(
            "a",
            &[],
            "echo a > /out/a; mkdir /out/deep; echo b > /out/deep/b; cp /usr/bin/busybox /out/busybox-tool",
        ),
        node("b", &[("/in", "a:/out")], "cat /in/a /in/deep/b > /out/ab"),
    ]
}

fn objects(world: &World) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&world.path("store/cas"), &mut |path, metadata| {
        if metadata.is_file() {
            found.push(path.to_owned());
        }
    });
    found
}

/// In place of the object a new file of half its size, as a loss of power can leave it.
fn tear(object: &Path) {
    let bytes = fs::read(object).unwrap();
    fs::remove_file(object).unwrap();
    fs::write(object, &bytes[..bytes.len() / 2]).unwrap();
}

fn remove(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn whatever_is_damaged_the_next_realization_mends() {
    type Damage = fn(&World, &Path);
    let damages: [(&str, Damage); 8] = [
        ("objects removed", |world, _| {
            objects(world)
                .iter()
                .for_each(|object| fs::remove_file(object).unwrap())
        }),
        ("objects torn", |world, _| {
            objects(world).iter().for_each(|object| tear(object))
        }),
        ("the result's folder removed", |_, result| remove(result)),
        ("all folders removed", |world, _| {
            remove(&world.path("store/trees"));
            fs::create_dir(world.path("store/trees")).unwrap();
        }),
        ("objects and folders removed", |world, _| {
            objects(world)
                .iter()
                .for_each(|object| fs::remove_file(object).unwrap());
            for entry in fs::read_dir(world.path("store/trees")).unwrap() {
                remove(&entry.unwrap().path());
            }
        }),
        ("objects torn, folders removed", |world, _| {
            objects(world).iter().for_each(|object| tear(object));
            for entry in fs::read_dir(world.path("store/trees")).unwrap() {
                remove(&entry.unwrap().path());
            }
        }),
        (
            "one object removed, and the folders it is in",
            |world, result| {
                let object = objects(world)
                    .into_iter()
                    .find(|object| read_if_text(object) == Some("a\nb\n".into()))
                    .unwrap();
                fs::remove_file(object).unwrap();
                remove(result);
            },
        ),
        ("the index removed", |world, _| {
            fs::remove_file(world.path("store/index.sqlite")).unwrap()
        }),
    ];
    for (what, damage) in damages {
        let world = World::new(&nodes());
        let result = world.realize("t/b");
        let (good, tool) = (listing(&result), listing(&world.realize("t/a")));
        damage(&world, &result);
        for name in ["t/b", "t/a", "t/b"] {
            let said = world.say(&["realize", name]);
            assert_eq!(said.code, Some(0), "{what}: {said:?}");
            let (path, expected) = if name == "t/b" {
                (&result, &good)
            } else {
                (&said.result(), &tool)
            };
            assert_eq!(&said.result(), path, "{what}");
            assert_eq!(&listing(path), expected, "{what}");
        }
        // And what is built anew on top of it.
        let mut more = nodes();
        more.push(node(
            "c",
            &[("/in", "a:/out"), ("/b", "b:/out")],
            "cp -r /in/. /b/ab /out; /in/busybox-tool true",
        ));
        world.nodes(&more);
        let said = world.say(&["realize", "t/c"]);
        assert_eq!(said.code, Some(0), "{what}: {said:?}");
        assert_eq!(read(&said.result().join("out/ab")), "a\nb\n", "{what}");
    }
}

fn read_if_text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn mending_says_what_it_does() {
    let world = World::new(&nodes());
    let result = world.realize("t/b");
    let object = objects(&world)
        .into_iter()
        .find(|object| read_if_text(object) == Some("a\nb\n".into()))
        .unwrap();
    fs::remove_file(object).unwrap();
    remove(&result);
    let said = world.well(&["realize", "t/b"]);
    insta::assert_snapshot!("mending", world.tidy(&said.err));
    assert!(world.well(&["realize", "t/b"]).err.is_empty());
}

#[test]
fn a_folder_of_the_store_that_is_gone_is_made_again() {
    for folder in ["tmp", "locks", "logs", "trees", "cas"] {
        let world = World::new(&nodes());
        world.realize("t/a");
        remove(&world.path("store").join(folder));
        let said = world.say(&["realize", "t/b"]);
        assert_eq!(said.code, Some(0), "{folder}: {said:?}");
        assert_eq!(read(&said.result().join("out/ab")), "a\nb\n");
    }
}

#[test]
fn an_index_that_is_none_is_named() {
    let world = World::new(&nodes());
    fs::write(
        world.path("store/index.sqlite"),
        "not a database, ".repeat(1000),
    )
    .unwrap();
    insta::assert_snapshot!("garbage", world.tidy(&world.fails(&["realize", "t/b"])));
}

#[test]
fn a_newer_store_is_left_alone() {
    const USER_VERSION: usize = 60;
    let world = World::new(&nodes());
    let index = world.path("store/index.sqlite");
    let mut bytes = fs::read(&index).unwrap();
    bytes[USER_VERSION..USER_VERSION + 4].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&index, &bytes).unwrap();
    let error = world.fails(&["realize", "t/b"]);
    let expected = format!(
        "error: the store {} has schema version 99, this pwb knows versions up to ",
        index.display()
    );
    assert!(
        error.starts_with(&expected)
            && error.contains("hint: use that newer pwb, or another store"),
        "{error}"
    );
    assert_eq!(fs::read(&index).unwrap(), bytes);
}

#[test]
fn a_store_where_none_can_be_is_named() {
    let world = World::new(&nodes());
    fs::write(world.path("file"), "").unwrap();
    let error = world.fails(&["realize", "t/b", "--store", "file"]);
    let below = world.fails(&["realize", "t/b", "--store", "file/below"]);
    insta::assert_snapshot!("no-store", world.tidy(&format!("{error}{below}")));
}

#[test]
fn a_store_that_cannot_be_written_is_named_and_keeps_what_it_has() {
    let world = World::ordinary(&nodes());
    let before = world.realize("t/a");
    let set = |write: bool| {
        let mode = |mode: u32| if write { mode | 0o200 } else { mode & !0o222 };
        let change = |path: &Path, metadata: &fs::Metadata| {
            let database = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("index.sqlite"));
            if metadata.is_dir() || database {
                let mode = mode(metadata.permissions().mode());
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
        };
        let store = world.path("store");
        change(&store, &fs::metadata(&store).unwrap());
        walk(&store, &mut |path, metadata| change(path, metadata));
    };
    set(false);
    let said = world.say(&["realize", "t/b"]);
    set(true);
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    insta::assert_snapshot!("read-only", world.tidy(&said.err));
    assert_eq!(world.realize("t/a"), before);
    assert_eq!(world.well(&["realize", "t/b"]).ran(), ["t/b"]);
}

#[test]
fn a_disk_that_is_full_or_read_only_is_named_and_costs_nothing() {
    let mut nodes = nodes();
    nodes.push(node(
        "large",
        &[],
        "dd if=/dev/urandom of=/out/large bs=1M count=64",
    ));
    nodes.push(node("copy", &[("/in", "a")], "cp -r /in/out/. /out"));
    let world = World::new(&nodes);
    world.folder(
        "large/out",
        &[("a", &"0123456789abcdef".repeat(4 << 20)), ("deep/b", "")],
    );
    // A mount that ends with the script, in which the superuser may mount.
    let script = "mount -t tmpfs -o size=32m,mode=755 none $PWB_STORE.full; export PWB_STORE=$PWB_STORE.full
        one=$($PWB realize t/b 2>/dev/null); cp -r $one/. ./before
        echo == command; $PWB realize t/large 2>&1 || echo code $?
        echo == import; $PWB realize t/b --override a=large 2>&1 || echo code $?
        test \"$($PWB realize t/b)\" = $one; diff -r $one ./before
        $PWB realize t/copy > /dev/null 2>&1; ls $PWB_STORE/tmp
        echo == read-only; mount -o remount,bind,ro $PWB_STORE; $PWB realize t/large 2>&1 || echo code $?
        mount -o remount,bind,rw $PWB_STORE; test \"$($PWB realize t/b)\" = $one; echo == end";
    fs::create_dir(world.path("store.full")).unwrap();
    fs::create_dir(world.path("before")).unwrap();
    let mut unshare = world.command(Path::new("unshare"));
    let user = if world.is_root() { "-m" } else { "-Urm" };
    unshare
        .args([user, "sh", "-euc", script])
        .env("PWB", env!("CARGO_BIN_EXE_pwb"));
    let said = Said::from(unshare.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    insta::assert_snapshot!("disk", world.tidy(&said.out));
}

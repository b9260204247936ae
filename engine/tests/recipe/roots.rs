//! Roots, and lock files.

use insta::assert_snapshot;
use pwb_engine::recipe::{Library, Lock, Locks, NodeKind, NodeName};

use crate::{load, refused, refused_nodes};

const ROOT: &str = r#"Recipe(nodes: {
    "debian": Root(
        debian: Debian(suite: "trixie", architecture: "amd64", want: ["make", "gawk"], lock: "toolchain.lock"),
        wins: {"/usr/share/x": "make"},
    ),
})"#;

const LOCK: &str = r#"Lock(
    suite: "trixie",
    architecture: "amd64",
    packages: [
        Package(name: "gawk", version: "1:5.2.1-2+b1", sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640", size: 1, path: "pool/main/g/gawk/gawk.deb"),
        Package(name: "make", version: "4.4.1-2", sha256: "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76", size: 463416, path: "pool/main/m/make/make.deb"),
    ],
)
"#;

fn locked(lock: &str) -> String {
    refused(&[("toolchain.ron", ROOT), ("toolchain.lock", lock)])
}

fn lock_of(library: &Library) -> Lock {
    let node = library
        .node(&NodeName::parse("toolchain/debian").unwrap())
        .unwrap();
    match &node.kind {
        NodeKind::Root(root) => (*root.debian.as_ref().unwrap().lock).clone(),
        _ => panic!("not a root"),
    }
}

#[test]
fn lock_file_is_read_and_written_alike() {
    let library = load(&[("toolchain.ron", ROOT), ("toolchain.lock", LOCK)]).unwrap();
    let lock = lock_of(&library);
    assert_eq!(lock.to_string(), LOCK);
    assert_eq!(lock.package("make").unwrap().version, "4.4.1-2");
    assert_eq!(lock.package("mak"), None);
}

#[test]
fn lock_file_missing() {
    assert_snapshot!(refused(&[("toolchain.ron", ROOT)]), @r#"
    error: there is no lock file `toolchain.lock`
     --> toolchain.ron:3:94
      |
    3 |         debian: Debian(suite: "trixie", architecture: "amd64", want: ["make", "gawk"], lock: "toolchain.lock"),
      |                                                                                              ^^^^^^^^^^^^^^^^ no such file in the recipes folder
      = help: `pwb lock toolchain/debian` writes it
    "#);
    let files = [("toolchain.ron".to_owned(), ROOT.as_bytes().to_vec())];
    let library = Library::load_with(files, Locks::Ignore).unwrap();
    assert!(lock_of(&library).packages.is_empty());
}

#[test]
fn lock_file_malformed() {
    assert_snapshot!(locked(""), @"
    error: the lock file is empty
     --> toolchain.lock:1:1
      |
    1 |
      | ^ `Lock(…)` is wanted here
      = help: `pwb lock toolchain/debian` writes it again
    ");
    assert_snapshot!(locked("Lock(suite: \"trixie\", packages: [])"), @r#"
    error: field `architecture` is missing in `Lock`
     --> toolchain.lock:1:1
      |
    1 | Lock(suite: "trixie", packages: [])
      | ^^^^ `architecture: …` is wanted in here
      = help: `pwb lock toolchain/debian` writes it again
    "#);
    let bad = LOCK
        .replace("93e583", "")
        .replace("463416", "-1")
        .replace("pool/main/m", "/pool");
    assert_snapshot!(locked(&bad), @r#"
    error: not a digest
     --> toolchain.lock:5:64
      |
    5 | ...gawk", version: "1:5.2.1-2+b1", sha256: "f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640", size: 1, path: ...
      |                                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it has 58 characters, not 64
      = help: `pwb lock toolchain/debian` writes it again

    error: the number is out of range
     --> toolchain.lock:6:133
      |
    6 | ...84059a13c4aab6d148aa208deea4a76", size: -1, path: "/pool/make/make.deb"),
      |                                            ^^
      = help: `pwb lock toolchain/debian` writes it again

    error: `/pool/make/make.deb` is not a relative path without `.`, `..` and empty parts
     --> toolchain.lock:6:143
      |
    6 | ...aab6d148aa208deea4a76", size: -1, path: "/pool/make/make.deb"),
      |                                            ^^^^^^^^^^^^^^^^^^^^^ it begins with `/`
      = help: `pwb lock toolchain/debian` writes it again
    "#);
}

#[test]
fn lock_file_of_another_root() {
    let other = LOCK
        .replace("trixie", "sid")
        .replace("\"make\"", "\"nmake\"");
    assert_snapshot!(locked(&other), @r#"
    error: `toolchain.lock` is locked for suite `sid`, not `trixie`
     --> toolchain.ron:3:31
      |
    3 |         debian: Debian(suite: "trixie", architecture: "amd64", want: ["make", "gawk"], lock: "toolchain.lock"),
      |                               ^^^^^^^^ `sid` in the lock file
      = help: `pwb lock toolchain/debian` writes `toolchain.lock` again

    error: package `make` is not in `toolchain.lock`
     --> toolchain.ron:3:71
      |
    3 |         debian: Debian(suite: "trixie", architecture: "amd64", want: ["make", "gawk"], lock: "toolchain.lock"),
      |                                                                       ^^^^^^ not in the lock file
      = help: did you mean `nmake`?
      = help: `pwb lock toolchain/debian` writes `toolchain.lock` again

    error: `make` is neither a layer nor a package of this root
     --> toolchain.ron:4:32
      |
    4 |         wins: {"/usr/share/x": "make"},
      |                                ^^^^^^ cannot win
      = help: did you mean `nmake`?
    "#);
}

#[test]
fn lock_file_with_a_package_twice() {
    assert_snapshot!(locked(&LOCK.replace("gawk\", version", "make\", version")), @r#"
    error: package `make` is there twice
     --> toolchain.lock:6:23
      |
    6 |         Package(name: "make", version: "4.4.1-2", sha256: "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4...
      |                       ^^^^^^ the second time
     ::: toolchain.lock:5:23
      |
    5 |         Package(name: "make", version: "1:5.2.1-2+b1", sha256: "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb9680...
      |                       ------ the first time
      = help: `pwb lock toolchain/debian` writes it again
    "#);
}

#[test]
fn a_shared_lock_file_is_blamed_once() {
    let two = r#"Recipe(nodes: {
        "a": Root(debian: Debian(suite: "trixie", architecture: "amd64", want: [], lock: "x.lock")),
        "b": Root(debian: Debian(suite: "trixie", architecture: "amd64", want: [], lock: "x.lock")),
    })"#;
    assert_snapshot!(refused(&[("toolchain.ron", two), ("x.lock", "Lock")]), @"
    error: `Lock(…)` is wanted here
     --> x.lock:1:5
      |
    1 | Lock
      |     ^
      = help: `pwb lock toolchain/a` writes it again
    ");
}

#[test]
fn files() {
    let nodes = r#"        "a": Root(files: {"/fix.patch": File("patches/fxi.patch"), "/x": File("../x")}),"#;
    let recipe = format!("{}{nodes}}})", "Recipe(nodes: {\n");
    assert_snapshot!(refused(&[("ports.ron", &recipe), ("patches/fix.patch", "")]), @r#"
    error: there is no file `patches/fxi.patch` in the recipes folder
     --> ports.ron:2:46
      |
    2 |         "a": Root(files: {"/fix.patch": File("patches/fxi.patch"), "/x": File("../x")}),})
      |                                              ^^^^^^^^^^^^^^^^^^^ no such file
      = help: did you mean `patches/fix.patch`?

    error: `../x` is not a relative path without `.`, `..` and empty parts
     --> ports.ron:2:79
      |
    2 |         "a": Root(files: {"/fix.patch": File("patches/fxi.patch"), "/x": File("../x")}),})
      |                                                                               ^^^^^^ it has a part `.` or `..`
    "#);
}

#[test]
fn links_and_files_that_collide() {
    let nodes = r#"
        "a": Root(links: {"/bin": "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: `/` itself cannot be named here
     --> ports.ron:7:46
      |
    7 | ...   "a": Root(links: {"/bin": "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text(""...
      |                                            ^^^ a path below it is wanted

    error: `lib` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:56
      |
    7 | ...ot(links: {"/bin": "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ...
      |                                            ^^^^^ it does not begin with `/`

    error: the link's target is empty
     --> ports.ron:7:74
      |
    7 | ... "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", ...
      |                                            ^^

    error: links and files collide: `/bin/sh` is inside `/bin`
     --> ports.ron:7:87
      |
    7 | .../": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            ^^^^^^^^^ inside the other
     ::: ports.ron:7:27
      |
    7 |         "a": Root(links: {"/bin": "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text(...
      |                           ------ the other

    error: links and files collide: `/bin` is the same as `/bin`
     --> ports.ron:7:108
      |
    7 | ..."/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            ^^^^^^ the same as the other
     ::: ports.ron:7:27
      |
    7 |         "a": Root(links: {"/bin": "usr/bin", "/": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text(...
      |                           ------ the other

    error: links and files collide: `/bin` is around `/bin/sh`
     --> ports.ron:7:108
      |
    7 | ..."/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            ^^^^^^ around the other
     ::: ports.ron:7:87
      |
    7 | .../": "x", "lib": "y", "/n": ""}, files: {"/bin/sh": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            --------- the other

    error: `/usr/../share` is not an absolute path without `.`, `..` and empty parts
     --> ports.ron:7:134
      |
    7 | ...h": Text(""), "/bin": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            ^^^^^^^^^^^^^^^ it has a part `.` or `..`

    error: `/` itself cannot be named here
     --> ports.ron:7:151
      |
    7 | ...in": Text("")}, drop: ["/usr/../share", "/"]),
      |                                            ^^^ a path below it is wanted
    "#);
}

#[test]
fn winners() {
    let nodes = r#"
        "a": Root(layers: ["zlib", "all:/out"], wins: {"/a": "zlib", "/b": "all:/out", "/c": "all", "/d": "zlibb"}),
"#;
    assert_snapshot!(refused_nodes(nodes), @r#"
    error: `all` is neither a layer nor a package of this root
     --> ports.ron:7:94
      |
    7 |         "a": Root(layers: ["zlib", "all:/out"], wins: {"/a": "zlib", "/b": "all:/out", "/c": "all", "/d": "zlibb"}),
      |                                                                                              ^^^^^ cannot win
      = help: there are `zlib` and `all:/out`

    error: `zlibb` is neither a layer nor a package of this root
     --> ports.ron:7:107
      |
    7 |         "a": Root(layers: ["zlib", "all:/out"], wins: {"/a": "zlib", "/b": "all:/out", "/c": "all", "/d": "zlibb"}),
      |                                                                                                           ^^^^^^^ cannot win
      = help: did you mean `zlib`?
    "#);
}

#[test]
fn wants() {
    let root = ROOT.replace("\"gawk\"", "\"gwak\", \"\", \"make\"");
    assert_snapshot!(refused(&[("toolchain.ron", &root), ("toolchain.lock", LOCK)]), @r#"
    error: package `gwak` is not in `toolchain.lock`
     --> toolchain.ron:3:79
      |
    3 | ..., architecture: "amd64", want: ["make", "gwak", "", "make"], lock: "toolchain.lock"),
      |                                            ^^^^^^ not in the lock file
      = help: did you mean `gawk`?
      = help: `pwb lock toolchain/debian` writes `toolchain.lock` again

    error: the package's name is empty
     --> toolchain.ron:3:87
      |
    3 | ...ecture: "amd64", want: ["make", "gwak", "", "make"], lock: "toolchain.lock"),
      |                                            ^^

    error: package `make` is there twice
     --> toolchain.ron:3:91
      |
    3 | ...re: "amd64", want: ["make", "gwak", "", "make"], lock: "toolchain.lock"),
      |                                            ^^^^^^ the second time
     ::: toolchain.ron:3:71
      |
    3 | ..."trixie", architecture: "amd64", want: ["make", "gwak", "", "make"], lock: "toolchain.lock"),
      |                                            ------ the first time
    "#);
}

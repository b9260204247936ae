//! What a command writes becomes a result: over an input, beside it, and what no result can hold.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use support::{World, listing, node, read};

/// A run over the result of `base`, at `/out`.
fn over(name: &str, script: &str) -> String {
    node(name, &[("/out", "base:/out")], script)
}

fn files(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected
        .iter()
        .map(|&(path, what)| (path.to_owned(), what.to_owned()))
        .collect()
}

#[test]
fn an_output_over_an_input_is_its_final_state() {
    let base = "cd /out; mkdir d e f g g/deep; for name in changed removed d/x e/x f/x g/x g/deep/y kept; do echo 1 > $name; done
        echo '#!' > tool; chmod +x tool; ln -s kept link; ln -s nowhere gone";
    let change = "cd /out; rm removed gone; echo 2 > changed.new; mv changed.new changed; echo 2 > added
        rm -r d; echo file > d; rm -r e; mkdir e; echo 2 > e/new; rm -r f; ln -s kept f
        rm kept; mkdir kept; echo 2 > kept/x; rm link; ln -s tool link; mv g moved; mkdir -p new/deep; : > new/deep/empty";
    let world = World::new(&[node("base", &[], base), over("a", change)]);
    let before = listing(&world.realize("t/base"));
    let result = world.realize("t/a");
    let expected = [
        ("added", "2\n"),
        ("changed", "2\n"),
        ("d", "file\n"),
        ("e", "/"),
        ("e/new", "2\n"),
        ("f", "-> kept"),
        ("kept", "/"),
        ("kept/x", "2\n"),
        ("link", "-> tool"),
        ("moved", "/"),
        ("moved/deep", "/"),
        ("moved/deep/y", "1\n"),
        ("moved/x", "1\n"),
        ("new", "/"),
        ("new/deep", "/"),
        ("new/deep/empty", ""),
        ("tool", "#!\n"),
    ];
    assert_eq!(listing(&result.join("out")), files(&expected));
    assert_eq!(listing(&world.realize("t/base")), before);
}

#[test]
fn every_kind_of_change_alone_gives_what_a_fresh_output_would() {
    let base = "cd /out; mkdir d; echo x > d/x; echo y > y; ln -s y l";
    let changes = [
        ("nothing", ":"),
        ("all", "rm -r d y l"),
        ("mode", "chmod +x y"),
        ("unmode", "chmod +x y; chmod a-x y"),
        ("append", "chmod u+w y; echo more >> y"),
        ("deep", "echo z > d/z"),
        ("opaque", "rm -r d; mkdir d"),
        ("dir-to-link", "rm -r d; ln -s y d"),
        ("link-to-dir", "rm l; mkdir l; echo z > l/z"),
        ("touch", "touch y d"),
        ("rename", "mv d e"),
        ("same", "cp y z; mv z y"),
    ];
    let mut nodes = vec![node("base", &[], base)];
    for (name, change) in changes {
        nodes.push(over(name, &format!("cd /out; {change}")));
        nodes.push(node(
            &format!("fresh-{name}"),
            &[],
            &format!("{base}; {change}"),
        ));
    }
    let world = World::new(&nodes);
    let names: Vec<String> = changes
        .iter()
        .flat_map(|(name, _)| [format!("t/{name}"), format!("t/fresh-{name}")])
        .collect();
    let mut arguments = vec!["realize"];
    arguments.extend(names.iter().map(String::as_str));
    let results = world.well(&arguments).results();
    for (pair, (name, _)) in results.chunks(2).zip(changes) {
        assert_eq!(
            pair[0],
            pair[1],
            "{name}: {:?} {:?}",
            listing(&pair[0]),
            listing(&pair[1])
        );
    }
    let unchanged = world.realize("t/base");
    for same in ["t/nothing", "t/unmode", "t/touch", "t/same"] {
        assert_eq!(world.realize(same), unchanged, "{same}");
    }
}

#[test]
fn several_outputs_are_one_result_and_an_empty_one_is_there() {
    let world = World::new(&[
        r#""a": Run(root: "busybox/root", run: ["sh", "-euc", "echo 1 > /out/a; echo 2 > /opt/deep/b"], outputs: ["/out", "/opt/deep", "/empty"]),"#.into(),
        node("b", &[("/x", "a:/opt"), ("/y", "a:/empty"), ("/z", "a")], "cd /; cp -r x y z /out"),
    ]);
    let result = world.realize("t/a");
    let expected = [
        ("empty", "/"),
        ("opt", "/"),
        ("opt/deep", "/"),
        ("opt/deep/b", "2\n"),
        ("out", "/"),
        ("out/a", "1\n"),
    ];
    assert_eq!(listing(&result), files(&expected));
    let parts = listing(&world.realize("t/b").join("out"));
    assert_eq!(parts["x/deep/b"], "2\n");
    assert_eq!(parts["y"], "/");
    assert_eq!(parts["z/out/a"], "1\n");
}

#[test]
fn a_part_that_a_result_does_not_have_is_named() {
    let world = World::new(&[
        node("a", &[], "echo 1 > /out/a"),
        node("b", &[("/in", "a:/out/nope")], ":"),
    ]);
    let error = world.fails(&["realize", "t/b"]);
    assert!(
        error.contains(
            "error: t/b: input `t/a:/out/nope`: there is no such directory in the node's result"
        ),
        "{error}"
    );
}

#[test]
fn an_output_over_a_file_or_through_a_link_is_refused() {
    let wrong = [
        ("/usr/bin/busybox", "/usr/bin/busybox"),
        ("/bin/new", "/bin"),
    ];
    for (output, obstacle) in wrong {
        let world = World::new(&[format!(
            r#""a": Run(root: "busybox/root", run: ["sh", "-c", ":"], outputs: ["{output}"]),"#
        )]);
        let error = world.fails(&["realize", "t/a"]);
        let why = format!("output `{output}`: {obstacle} is a file or a symbolic link");
        assert!(error.contains(&why), "{error}");
    }
}

#[test]
fn a_results_files_have_one_mode_and_one_time_whatever_the_command_did() {
    let script = "cd /out; mkdir closed; echo 1 > closed/x; chmod 000 closed/x closed; echo 2 > secret; chmod 000 secret
        echo 3 > tool; chmod 711 tool; touch -d 2001-01-01 old; mkdir -m 1777 sticky; echo 4 > one; ln one two
        printf 'odd' > \"$(printf 'a b\\tc\\nd\\\\e')\"; echo ü > ü; dd if=/dev/zero of=large bs=1M count=3 2>/dev/null";
    for world in World::each(&[node("a", &[], script)]) {
        let out = world.realize("t/a").join("out");
        support::walk(&out, &mut |path, metadata| {
            let mode = metadata.permissions().mode() & 0o7777;
            let executable = path.ends_with("tool");
            if metadata.is_file() {
                assert_eq!(
                    mode,
                    if executable { 0o555 } else { 0o444 },
                    "{}",
                    path.display()
                );
            } else {
                assert_eq!(mode & !0o755, 0, "{}", path.display());
            }
            assert_eq!(metadata.mtime(), 1_749_600_000, "{}", path.display());
        });
        assert_eq!(read(&out.join("closed/x")), "1\n");
        assert_eq!(read(&out.join("secret")), "2\n");
        assert_eq!(
            (read(&out.join("one")), read(&out.join("two"))),
            ("4\n".into(), "4\n".into())
        );
        assert_eq!(read(&out.join("a b\tc\nd\\e")), "odd");
        assert_eq!(read(&out.join("ü")), "ü\n");
        assert_eq!(fs::metadata(out.join("large")).unwrap().len(), 3 << 20);
    }
}

#[test]
fn a_link_that_points_outside_stays_a_link() {
    let script =
        "ln -s /etc/passwd /out/file; ln -s / /out/all; ln -s ../../../../../.. /out/up; ln -s /proc/1 /out/process
        mkdir /out/d; rm -r /out/d; ln -s /etc /out/d";
    for world in World::each(&[
        node("a", &[], script),
        node("b", &[("/out", "a:/out")], "cat /out/file > /out/read"),
    ]) {
        let out = world.realize("t/a").join("out");
        let expected = [
            ("all", "-> /"),
            ("d", "-> /etc"),
            ("file", "-> /etc/passwd"),
            ("process", "-> /proc/1"),
            ("up", "-> ../../../../../.."),
        ];
        assert_eq!(listing(&out), files(&expected));
        // Inside it means the sandbox's own file, and never the host's.
        let inside = read(&world.realize("t/b").join("out/read"));
        assert_eq!(inside, "pwb:x:1000:1000::/tmp:/bin/sh\n");
    }
}

#[test]
fn an_output_cannot_be_moved_away() {
    let script = "mv /out /tmp/out 2>&1 && echo moved; rm -r /out 2>&1 && echo removed; ln -s /etc /out/x; echo kept > /out/kept";
    let world = World::new(&[node("a", &[], script)]);
    let out = world.realize("t/a").join("out");
    assert_eq!(
        listing(&out),
        files(&[("kept", "kept\n"), ("x", "-> /etc")])
    );
    let log = world.well(&["log", "t/a"]).out;
    assert!(!log.contains("moved") || log.contains("can't"), "{log}");
}

#[test]
fn what_no_tree_can_hold_is_refused_by_its_name() {
    let refused = [
        (
            "fifo",
            "mkfifo /out/deep/f; echo made",
            "/out/deep/f is neither a file, a folder nor a symbolic link",
        ),
        ("name", "touch /out/deep/$(printf 'n\\377')", "/out/deep/n"),
        (
            "target",
            "ln -s $(printf 'n\\377') /out/deep/l",
            "/out/deep/l",
        ),
    ];
    let nodes =
        refused.map(|(name, script, _)| node(name, &[], &format!("mkdir /out/deep; {script}")));
    for world in World::each(&nodes) {
        for (name, _, message) in refused {
            let error = world.fails(&["realize", &format!("t/{name}")]);
            assert!(
                error.contains(&format!("error: t/{name}: ")) && error.contains(message),
                "{name}: {error}"
            );
        }
        // What it printed is not lost.
        assert_eq!(world.well(&["log", "t/fifo"]).out, "made\n");
    }
}

#[test]
fn a_device_cannot_even_be_made() {
    // A device 0/0 is overlayfs's mark for a removed file, which the kernel lets anybody make; it stands for nothing.
    let script = "mknod /out/null c 1 3 && exit 9; mknod /out/sda b 8 0 && exit 9; mknod /out/mark c 0 0; echo 1 > /out/kept";
    for world in World::each(&[node("a", &[], script)]) {
        assert_eq!(
            listing(&world.realize("t/a").join("out")),
            files(&[("kept", "1\n")])
        );
    }
}

#[test]
fn a_working_directory_may_be_in_an_output_that_starts_empty() {
    let inside = |name: &str, script: &str| {
        node(name, &[], script).replace("outputs:", r#"cwd: "/made/deep/w", outputs:"#)
    };
    let there = inside("there", "pwd > here").replace(r#"["/out"]"#, r#"["/made"]"#);
    let gone = inside("gone", "cd /made; rm -r deep; echo 1 > only")
        .replace(r#"["/out"]"#, r#"["/made"]"#);
    for world in World::each(&[there, gone]) {
        let made = world.realize("t/there").join("made");
        let expected = [
            ("deep", "/"),
            ("deep/w", "/"),
            ("deep/w/here", "/made/deep/w\n"),
        ];
        assert_eq!(listing(&made), files(&expected));
        let made = world.realize("t/gone").join("made");
        assert_eq!(listing(&made), files(&[("only", "1\n")]));
    }
}

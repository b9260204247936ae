//! What a command may write, and where it lands.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use pwb_sandbox::Source;
use support::Sandbox;

#[test]
fn an_overlay_starts_with_its_lower_and_leaves_it_unchanged() {
    for mut sandbox in Sandbox::each() {
        let overlay = sandbox.overlay("build");
        sandbox.make("build/lower/kept");
        for (file, text) in [("changed", "old"), ("removed", "old"), ("kept/file", "old")] {
            sandbox.write(&format!("build/lower/{file}"), text);
        }
        sandbox.mount("/build", overlay.clone());
        let script = "cd /build; cat changed removed kept/file; echo -n new > changed; rm removed; echo -n x > added
            rm -r kept; mkdir kept; echo -n y > kept/other; ls -R . ";
        assert_eq!(
            sandbox.sh(script).text(),
            "oldoldold.:\nadded\nchanged\nkept\n\n./kept:\nother"
        );
        let Source::Overlay { lower, upper, .. } = overlay else {
            unreachable!()
        };
        let read = |file: &str| fs::read_to_string(lower.join(file)).unwrap();
        assert_eq!(
            (read("changed"), read("removed"), read("kept/file")),
            ("old".into(), "old".into(), "old".into())
        );
        assert!(!lower.join("added").exists());
        assert_eq!(fs::read_to_string(upper.join("changed")).unwrap(), "new");
        assert!(
            fs::symlink_metadata(upper.join("removed"))
                .unwrap()
                .file_type()
                .is_char_device()
        );
        assert!(upper.join("kept/other").exists() && !upper.join("kept/file").exists());
    }
}

#[test]
fn overlayfs_residue_can_be_removed() {
    for mut sandbox in Sandbox::each() {
        let overlay = sandbox.overlay("build");
        sandbox.mount("/build", overlay);
        sandbox.sh("touch /build/x").text();
        let build = sandbox.folder.path().join("build");
        assert!(
            build.join("work/work").exists(),
            "there is residue to remove"
        );
        let removed = sandbox
            .probe(&["remove", build.to_str().unwrap()])
            .status()
            .unwrap();
        assert!(removed.success() && !build.exists());
        // Read-only trees of an ordinary user go as well.
        sandbox.make("tree/a");
        sandbox.write("tree/a/file", "");
        let tree = sandbox.folder.path().join("tree");
        for folder in [tree.join("a"), tree.clone()] {
            fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o500))
                .unwrap();
        }
        assert!(
            sandbox
                .probe(&["remove", tree.to_str().unwrap()])
                .status()
                .unwrap()
                .success()
                && !tree.exists()
        );
    }
}

#[test]
fn writable_mounts_are_seen_outside() {
    for mut sandbox in Sandbox::each() {
        let (out, file) = (sandbox.make("out"), sandbox.write("file", "old"));
        sandbox.mount("/some/deep/out", Source::Writable(out.clone()));
        sandbox.mount("/some/file", Source::Writable(file.clone()));
        sandbox.sh("echo -n 1 > /some/deep/out/new; echo -n 2 > /some/file; mkdir -p /some/deep/out/a/b").text();
        assert_eq!(fs::read_to_string(out.join("new")).unwrap(), "1");
        assert_eq!(fs::read_to_string(file).unwrap(), "2");
        assert!(out.join("a/b").is_dir());
        assert!(
            !sandbox.root().join("some").exists(),
            "a mount point was made in the root"
        );
    }
}

#[test]
fn mounts_nest_in_any_order() {
    for mut sandbox in Sandbox::each() {
        let (input, out) = (sandbox.make("input"), sandbox.make("out"));
        sandbox.write("input/file", "input");
        let (build, second) = (sandbox.overlay("build"), sandbox.overlay("second"));
        sandbox.write("build/lower/file", "build");
        sandbox.mount("/src/a/b/out", Source::Writable(out.clone()));
        sandbox.mount("/src/a", build.clone());
        sandbox.mount("/src", Source::ReadOnly(input.clone()));
        sandbox.mount("/src/a/b/out/inner", Source::ReadOnly(input.clone()));
        sandbox.mount("/tmp/kept", second);
        sandbox.mount("/dev/extra", Source::ReadOnly(input.clone()));
        let script = "cat /src/file /src/a/file /src/a/b/out/inner/file /dev/extra/file; touch /src/a/x /src/a/b/out/y /tmp/kept/z /tmp/w";
        assert_eq!(sandbox.sh(script).text(), "inputbuildinputinput");
        let Source::Overlay { upper, .. } = build else {
            unreachable!()
        };
        assert!(upper.join("x").exists() && !upper.join("b").exists() && out.join("y").exists());
        assert!(sandbox.folder.path().join("second/upper/z").exists());
        assert_eq!(fs::read_dir(input).unwrap().count(), 1);
    }
}

#[test]
fn targets_follow_the_links_of_the_root() {
    for mut sandbox in Sandbox::each() {
        let input = sandbox.make("input");
        sandbox.write("input/file", "x");
        sandbox.mount("/bin/extra", Source::ReadOnly(input.clone()));
        assert_eq!(
            sandbox
                .sh("cat /usr/bin/extra/file /bin/extra/file; readlink /bin")
                .text(),
            "xxusr/bin"
        );
        // A link of an input that leads to the host leads into the root instead.
        symlink("/usr", input.join("link")).unwrap();
        sandbox.mount("/in", Source::ReadOnly(input.clone()));
        sandbox.mount("/in/link/more", Source::ReadOnly(input));
        assert_eq!(sandbox.sh("cat /usr/more/file").text(), "x");
    }
}

#[test]
fn a_mount_can_replace_tmp() {
    for mut sandbox in Sandbox::each() {
        let out = sandbox.make("out");
        sandbox.mount("/tmp", Source::Writable(out.clone()));
        sandbox.sh("echo > /tmp/x").text();
        assert!(out.join("x").exists());
    }
}

#[test]
fn a_fifo_in_dev_carries_bytes() {
    for mut sandbox in Sandbox::each() {
        let fifo = sandbox.folder.path().join("jobserver");
        mkfifo(&fifo, Mode::from_bits_truncate(0o666)).unwrap();
        fs::set_permissions(&fifo, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        let mut ends = fs::OpenOptions::new();
        let mut host = ends.read(true).write(true).open(&fifo).unwrap();
        std::io::Write::write_all(&mut host, b"+\n").unwrap();
        sandbox.mount("/dev/pwb-jobserver", Source::ReadOnly(fifo));
        assert_eq!(
            sandbox
                .sh(
                    "read -r token < /dev/pwb-jobserver; echo $token; stat -c %F /dev/pwb-jobserver
                    chmod 000 /dev/pwb-jobserver 2>/dev/null || echo kept; echo x > /dev/pwb-jobserver"
                )
                .text(),
            "+\nfifo\nkept"
        );
    }
}

#[test]
fn the_scratch_folder_is_hidden_where_a_source_holds_it() {
    for mut sandbox in Sandbox::each() {
        let all = sandbox.folder.path().to_owned();
        sandbox.mount("/all", Source::Writable(all.clone()));
        assert_eq!(
            sandbox
                .sh("ls -a /all/scratch/assembly | cat; echo x > /all/seen")
                .text(),
            ".\n.."
        );
        assert!(all.join("seen").exists());
    }
}

#[test]
fn the_working_directory_is_made() {
    for mut sandbox in Sandbox::each() {
        sandbox.cwd = "/new/dir".into();
        assert_eq!(sandbox.sh("pwd").text(), "/new/dir");
        let out = sandbox.make("out");
        sandbox.mount("/out", Source::Writable(out));
        sandbox.cwd = "/out/sub/dir".into();
        assert_eq!(sandbox.sh("pwd; touch x").text(), "/out/sub/dir");
        sandbox.cwd = "/in-root".into();
        // What is a file in the root is a directory where one is asked for.
        assert_eq!(sandbox.sh("pwd").text(), "/in-root");
    }
}

#[test]
fn a_missing_source_is_named() {
    for mut sandbox in Sandbox::each() {
        let missing = sandbox.folder.path().join("missing");
        sandbox.mount("/x", Source::ReadOnly(missing.clone()));
        let outcome = sandbox.run(&["true"]);
        let expected = format!(
            "cannot bind a mount ({}): No such file or directory",
            missing.display()
        );
        assert_eq!(outcome.error, expected);
        assert!(outcome.exit.is_none());
    }
}

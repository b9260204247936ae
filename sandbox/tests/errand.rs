//! The program that other machines are given: its sandbox is the local one, and leaves the outputs and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pwb_sandbox::errand::{ENTER, Errand, MOUNT_POINTS, ORDER, OUTPUTS, ROOT, Report};
use pwb_sandbox::{Mount, Source, Status};
use support::Sandbox;

const MTIME: i64 = 1_700_000_000;

/// What came of an errand.
#[derive(Debug)]
struct Done {
    folder: PathBuf,
    output: String,
    report: Option<Report>,
    code: Option<i32>,
}

impl Done {
    #[track_caller]
    fn text(&self) -> &str {
        assert_eq!((self.status(), self.code), (Status::Code(0), Some(0)));
        self.output.trim_end()
    }

    #[track_caller]
    fn status(&self) -> Status {
        match self.report {
            Some(Report::Ended(status, _)) => status,
            _ => panic!("did not run: {self:?}"),
        }
    }

    fn read(&self, output: &str) -> String {
        fs::read_to_string(self.folder.join(OUTPUTS).join(output)).unwrap()
    }
}

/// A folder as a worker would make it.
fn staged(sandbox: &Sandbox, prepare: impl Fn(&Path)) -> PathBuf {
    let folder = sandbox.make("job");
    let root = folder.join(ROOT);
    let copied = Command::new("cp")
        .arg("-rP")
        .args([sandbox.root(), &root])
        .status();
    assert!(copied.unwrap().success());
    for name in MOUNT_POINTS.iter().chain(&["fresh", "over/deep"]) {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(root.join("over/given"), "given\n").unwrap();
    fs::write(root.join("over/gone"), "gone\n").unwrap();
    fs::write(root.join("over/deep/kept"), "kept\n").unwrap();
    prepare(&root);
    folder
}

fn errand(script: &str) -> Errand {
    Errand {
        argv: ["sh", "-euc", script].map(String::from).to_vec(),
        env: vec![("PATH".into(), "/none:/bin".into())],
        cores: vec![],
        cwd: "fresh".into(),
        outputs: vec![("fresh".into(), false), ("over".into(), true)],
        mtime: MTIME,
        timeout: None,
    }
}

fn run_in(sandbox: &Sandbox, folder: PathBuf, errand: &Errand) -> Done {
    fs::write(folder.join(ORDER), errand.order().unwrap()).unwrap();
    let enter = folder.join("enter");
    fs::write(&enter, ENTER).unwrap();
    fs::set_permissions(&enter, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("./enter");
    command.current_dir(&folder);
    if let Some(user) = sandbox.user {
        let owner = format!("{user}:{user}");
        let given = Command::new("chown")
            .args(["-Rh", &owner])
            .arg(&folder)
            .status();
        assert!(given.unwrap().success());
        command.uid(user).gid(user);
    }
    // Another test may have been about to start a program when this one was written.
    let output = loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
            other => break other.unwrap(),
        }
    };
    Done {
        folder,
        output: String::from_utf8(output.stdout).unwrap(),
        report: Report::read(&output.stderr),
        code: output.status.code(),
    }
}

fn run(sandbox: &Sandbox, errand: &Errand) -> Done {
    run_in(sandbox, staged(sandbox, |_| {}), errand)
}

#[test]
fn it_looks_as_it_does_here() {
    let script = "id; uname -a; umask; pwd; env; ulimit -c; ulimit -s; ulimit -n; cat /proc/self/personality; echo out >&2; ls -a / /dev /tmp /dev/pts /dev/shm
        stat -c '%A %u %g %n' / /* /bin/* /dev/* /over/* .; stat -c '%Y %n' / /bin/* /over/*; readlink /proc/self/fd/0
        while read -r name rest; do case $name in
            Cap*|NoNewPrivs:|Seccomp:|Seccomp_filters:|Umask:|SigBlk:|NSpid:) echo $name $rest;;
            SigIgn:) case $rest in *[08]0000000) echo none;; *) echo ignored $rest;; esac;;
        esac; done < /proc/self/status
        while read -r name rest; do echo $name; done < /proc/net/dev
        for path in / /bin/sh /bin/new /proc/x /proc/sys/kernel/hostname; do (echo > $path) 2>/dev/null || echo no $path; done
        for path in /dev/null /dev/new /tmp/new /over/new /fresh/new; do (echo > $path) && echo yes $path; done";
    for mut sandbox in Sandbox::each() {
        let folder = staged(&sandbox, |_| {});
        let away = run_in(&sandbox, folder.clone(), &errand(script));
        // The same root, settled by now, with the same outputs.
        fs::remove_file(folder.join(ORDER)).unwrap();
        let fresh = sandbox.make("fresh");
        sandbox.mounts = vec![Mount {
            target: "/fresh".into(),
            source: Source::Writable(fresh),
        }];
        sandbox.mounts.push(Mount {
            target: "/over".into(),
            source: Source::Overlay {
                lower: folder.join(ROOT).join("over"),
                upper: sandbox.make("upper"),
                work: sandbox.make("work"),
            },
        });
        sandbox.cwd = "/fresh".into();
        let mut spec = sandbox.spec(&["sh", "-euc", script]);
        spec.root = folder.join(ROOT);
        assert!(sandbox.start(&spec).wait().unwrap().success());
        assert_eq!(away.text(), sandbox.outcome().text());
        assert!(away.text().contains("no /bin/sh"), "{away:?}");
    }
}

#[test]
fn outputs_are_gathered_and_all_else_is_gone() {
    let script = "cat given > /over/x 2>/dev/null || true
        echo new > a; mkdir -p d/e; echo '#!' > d/e/tool; chmod +x d/e/tool; ln -s ../d d/link; ln -s /nowhere abs
        echo closed > closed; chmod 0 closed; mkdir shut; echo in > shut/in; chmod 0 shut
        cd /over; rm gone; echo changed > given.new; mv given.new given; chmod +x deep/kept; mkdir more; echo > more/empty";
    for sandbox in Sandbox::each() {
        let done = run(&sandbox, &errand(script));
        assert_eq!(done.text(), "");
        assert_eq!(
            done.read("fresh/a") + &done.read("fresh/closed") + &done.read("fresh/shut/in"),
            "new\nclosed\nin\n"
        );
        let out = done.folder.join(OUTPUTS);
        let mode = |path: &str| fs::metadata(out.join(path)).unwrap().mode() & 0o7777;
        assert_eq!(
            (
                mode("fresh/d/e/tool"),
                mode("fresh/a"),
                mode("over/deep/kept")
            ),
            (0o755, 0o644, 0o555)
        );
        assert_eq!(
            fs::read_link(out.join("fresh/abs")).unwrap(),
            Path::new("/nowhere")
        );
        assert_eq!(
            (done.read("over/given"), done.read("over/deep/kept")),
            ("changed\n".into(), "kept\n".into())
        );
        assert!(!out.join("over/gone").exists() && out.join("over/more/empty").exists());
        assert!(!done.folder.join("work").exists());
    }
}

#[test]
fn every_file_has_the_one_time_and_nothing_of_others_is_changed() {
    let script = "stat -c '%Y %a %n' /over/* /over/deep/* /bin/sh /linked /linked/file / /over/..";
    for sandbox in Sandbox::each() {
        let cache = sandbox.write("cached", "cached\n");
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o664)).unwrap();
        let before = fs::metadata(&cache).unwrap();
        let folder = staged(&sandbox, |root| {
            fs::create_dir(root.join("linked")).unwrap();
            fs::hard_link(&cache, root.join("linked/file")).unwrap();
        });
        let done = run_in(&sandbox, folder, &errand(script));
        for line in done.text().lines() {
            assert!(line.starts_with("1700000000 "), "{line}");
        }
        assert!(done.text().contains("1700000000 444 /linked/file"));
        let after = fs::metadata(&cache).unwrap();
        assert_eq!(
            (before.mtime(), before.mode()),
            (after.mtime(), after.mode())
        );
    }
}

#[test]
fn every_end_is_told() {
    for sandbox in Sandbox::each() {
        let sandbox = &sandbox;
        let done = run(sandbox, &errand("echo said; exit 3"));
        assert_eq!((done.status(), done.code), (Status::Code(3), Some(3)));
        assert_eq!(done.output, "said\n");
        assert!(!done.folder.join(OUTPUTS).exists());
        let cores = Errand {
            cores: vec![("CORES".into(), "-j".into())],
            ..errand("echo $CORES")
        };
        let number = run(sandbox, &cores)
            .text()
            .strip_prefix("-j")
            .map(str::parse::<u32>);
        assert!(matches!(number, Some(Ok(1..))));
        let done = run(sandbox, &errand("kill -9 $$"));
        assert_eq!((done.status(), done.code), (Status::Signal(9), Some(137)));
        let limited = Errand {
            timeout: Some(Duration::from_millis(300)),
            ..errand("sleep 1000 & sleep 1000")
        };
        assert_eq!(run(sandbox, &limited).status(), Status::TimedOut);
        let absent = Errand {
            argv: vec!["absent".into()],
            ..errand("")
        };
        let odd = |done: Done| match done.report {
            Some(Report::Declined(why)) => why,
            _ => panic!("{done:?}"),
        };
        let why = odd(run(sandbox, &absent));
        assert!(why.contains("cannot run absent"), "{why}");
        let folder = staged(sandbox, |root| {
            fs::remove_dir(root.join("tmp")).unwrap();
            std::os::unix::fs::symlink("/var", root.join("tmp")).unwrap();
        });
        let why = odd(run_in(sandbox, folder, &errand("true")));
        assert!(why.contains("/tmp leads through"), "{why}");
    }
}

/// Only root can mount a file system that takes no marks of overlayfs.
#[test]
fn memory_helps_where_the_folder_cannot_hold_an_overlay() {
    let mut all = Sandbox::each().into_iter();
    let Some(sandbox) = all.find(|sandbox| sandbox.user.is_none()) else {
        return;
    };
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let errand = errand("cd /over; rm -r deep; mkdir deep; echo new > deep/new; mv given moved");
    let folder = run(&sandbox, &errand).folder;
    let script = "mkdir mem; mount -t ramfs ramfs mem; cp -a root order enter mem; cd mem; ./enter 2>/dev/null
        cd out; cat over/moved over/deep/new; ls over over/deep; test ! -e ../work";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-euc", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let expected = "given\nnew\nover:\ndeep\ngone\nmoved\n\nover/deep:\nnew\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

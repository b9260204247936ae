//! What a hostile or careless command tries, through the binary, as root and as an ordinary user.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Said, World, eventually, listing, nap, node, processes, read};

#[test]
fn there_is_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "cat /proc/net/dev > /out/devices; nc -w 2 127.0.0.1 {port} < /dev/null > /out/said 2>&1 && echo reached >> /out/said
        ip address > /out/addresses 2>&1 || :"
    );
    for world in World::each(&[node("a", &[], &script)]) {
        let out = world.realize("t/a").join("out");
        let devices = read(&out.join("devices"));
        let names: Vec<&str> = devices
            .lines()
            .skip(2)
            .filter_map(|line| line.split(':').next())
            .map(str::trim)
            .collect();
        assert_eq!(names, ["lo"]);
        assert_eq!(
            read(&out.join("said")),
            "nc: can't connect to remote host (127.0.0.1): Network is unreachable\n"
        );
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    // The server does answer those who reach it.
    let _here = TcpStream::connect(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(false).unwrap();
    listener.accept().unwrap();
}

#[test]
fn the_hosts_files_are_not_there() {
    for world in World::each(&[]) {
        let secret = world.path("home/secret");
        fs::write(&secret, "secret").unwrap();
        let paths = [
            &secret,
            &world.path("store"),
            &world.path("store/index.sqlite"),
            Path::new("/etc/hostname"),
        ];
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let script = format!(
            "echo $(ls -a /) > /out/top; echo $(ls -a /tmp /dev/shm) > /out/tmp
            for path in {} /proc/1/root/etc /proc/1/cwd/etc /sys/kernel /bin/sh; do if ls $path; then echo seen $path; fi; done",
            names.join(" ")
        );
        world.nodes(&[node("a", &[], &script)]);
        let out = world.realize("t/a").join("out");
        assert_eq!(
            read(&out.join("top")),
            ". .. bin dev etc out proc tmp usr\n"
        );
        assert_eq!(read(&out.join("tmp")), "/dev/shm: . .. /tmp: . ..\n");
        let log = world.well(&["log", "t/a"]).out;
        let seen: Vec<&str> = log
            .lines()
            .filter(|line| line.starts_with("seen"))
            .collect();
        assert_eq!(seen, ["seen /bin/sh"], "{log}");
    }
}

#[test]
fn nothing_of_a_run_is_left_for_the_next_one() {
    let leave = "echo 1 > /tmp/left; echo 1 > /dev/shm/left; echo 1 > /out/a";
    let look = "ls -A /tmp /dev/shm > /tmp/found; cp /tmp/found /out";
    for world in World::each(&[node("a", &[], leave), node("b", &[("/in", "a")], look)]) {
        assert_eq!(
            read(&world.realize("t/b").join("out/found")),
            "/dev/shm:\n\n/tmp:\nfound\n"
        );
        assert!(!Path::new("/tmp/left").exists() && !Path::new("/dev/shm/left").exists());
    }
}

#[test]
fn other_processes_are_not_there() {
    let nap = nap(987_650);
    let mut victim = Command::new("sleep")
        .arg(&nap)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let script = format!(
        "cd /proc; echo [0-9]* > /out/all; kill -9 {} && echo killed > /out/killed; (kill -9 -1); kill -9 1; echo 1 > /out/alive",
        victim.id()
    );
    for world in World::each(&[node("a", &[], &script)]) {
        // A command may kill all that it sees, itself too.
        let said = world.say(&["realize", "t/a"]);
        assert!(
            said.code == Some(0) || said.err.contains("killed by signal 9"),
            "{said:?}"
        );
        assert!(victim.try_wait().unwrap().is_none());
        world.nodes(&[node("b", &[], "cd /proc; echo [0-9]* > /out/all")]);
        assert_eq!(read(&world.realize("t/b").join("out/all")), "1 2\n");
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
}

#[test]
fn root_and_inputs_cannot_be_written() {
    let script = "for path in /out/new /new /usr/new /usr/bin/busybox /etc/passwd /in/new /in/a /in/deep/b /proc/sys/kernel/hostname; do
            if (echo broken > $path) 2>/dev/null; then echo wrote $path; fi; done
        for path in /in/a /in/deep /usr/bin/busybox; do
            if rm -rf $path 2>/dev/null || chmod 777 $path 2>/dev/null || mv $path /in/moved 2>/dev/null || ln $path /out/hard 2>/dev/null; then echo changed $path; fi; done
        for way in 'mount -o remount,rw /in' 'mount -o remount,rw /' 'umount /in' 'mount -t tmpfs none /in' 'umount -l /proc'; do
            if $way 2>/dev/null; then echo did $way; fi; done";
    let nodes = [
        node(
            "base",
            &[],
            "mkdir /out/deep; echo 1 > /out/a; echo 2 > /out/deep/b",
        ),
        node("a", &[("/in", "base:/out")], script),
    ];
    for world in World::each(&nodes) {
        let (base, root) = (world.realize("t/base"), world.realize("busybox/root"));
        let before = (
            listing(&base),
            fs::read(root.join("usr/bin/busybox")).unwrap(),
        );
        world.realize("t/a");
        assert_eq!(world.well(&["log", "t/a"]).out, "wrote /out/new\n");
        assert_eq!(
            (
                listing(&base),
                fs::read(root.join("usr/bin/busybox")).unwrap()
            ),
            before
        );
    }
}

#[test]
fn a_daemon_dies_with_its_command() {
    let nap = nap(987_650);
    let script = format!(
        "(setsid sleep {nap} < /dev/null > /dev/null 2>&1 &); (trap '' HUP TERM; exec sleep {nap}) & sleep 0.3; pidof sleep > /out/pids"
    );
    for world in World::each(&[node("a", &[], &script)]) {
        let pids = read(&world.realize("t/a").join("out/pids"));
        assert_eq!(pids.split_whitespace().count(), 2, "{pids}");
        eventually("the daemons are gone", || processes(&nap).is_empty());
    }
}

#[test]
fn a_set_uid_bit_cannot_be_had() {
    let script = "cp /usr/bin/busybox /out/busybox.su; for mode in 4755 2755 u+s; do if chmod $mode /out/busybox.su; then echo $mode; fi; done > /out/set 2>/dev/null
        chmod 755 /out/busybox.su; id > /out/id; cat /proc/self/status | grep -E 'Cap|NoNewPrivs' > /out/privileges";
    let nodes = [
        node("a", &[], script),
        node(
            "b",
            &[("/in", "a:/out")],
            "cp /in/busybox.su /tmp/id; /tmp/id > /out/id; /in/busybox.su id -u >> /out/id",
        ),
    ];
    for world in World::each(&nodes) {
        let out = world.realize("t/a").join("out");
        assert_eq!(
            fs::metadata(out.join("busybox.su"))
                .unwrap()
                .permissions()
                .mode()
                & 0o7777,
            0o555
        );
        assert_eq!(read(&out.join("set")), "");
        assert_eq!(read(&out.join("id")), "uid=1000(pwb) gid=1000\n");
        for line in read(&out.join("privileges")).lines() {
            let expected = if line.starts_with("NoNewPrivs") {
                "1"
            } else {
                "0000000000000000"
            };
            assert_eq!(line.split_whitespace().last(), Some(expected), "{line}");
        }
        assert_eq!(
            read(&world.realize("t/b").join("out/id")),
            "uid=1000(pwb) gid=1000\n1000\n"
        );
    }
}

#[test]
fn nothing_of_the_callers_surroundings_leaks() {
    let script = "{ env | sort; id; hostname; umask; date +%Z; pwd; ulimit -c; ulimit -s; ulimit -n; echo $(ls /proc/self/fd); cat; } > /out/seen 2>&1";
    let nodes = [node("a", &[], script).replace(
        "outputs:",
        r#"cwd: "/some/place", env: {"HOME": "/home", "MINE": "1"}, outputs:"#,
    )];
    for world in World::each(&nodes) {
        let mut pwb =
            world.shell("umask 077; ulimit -c unlimited || :; ulimit -S -s 6000; ulimit -S -n 900; exec 7< /etc/passwd; echo typed | $PWB realize t/a -j 2");
        let leaks = [
            ("FOO", "leak"),
            ("TZ", "Asia/Tokyo"),
            ("LANG", "de_DE"),
            ("LC_ALL", "C"),
            ("MAKEFLAGS", "-j99"),
            ("LD_PRELOAD", ""),
        ];
        let said = Said::from(pwb.envs(leaks).output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        let seen = read(&said.result().join("out/seen"));
        insta::assert_snapshot!("surroundings", seen);
    }
}

#[test]
fn a_flood_of_output_fills_no_disk() {
    let script = "echo first; yes 0123456789abcdef | head -c 79999994; echo last";
    let world = World::new(&[node("a", &[], &format!("{script}; echo 1 > /out/a"))]);
    world.realize("t/a");
    let log = world.well(&["log", "t/a"]).out;
    let ends = (&log[..23], &log[log.len() - 15..]);
    assert_eq!(ends, ("first\n0123456789abcdef\n", "789abcdef\nlast\n"));
    assert!((65 << 20..67 << 20).contains(&log.len()), "{}", log.len());
    let (_, after) = log.split_once("\n[pwb: ").unwrap();
    assert!(after.contains(" bytes are left out here]\n"));
}

#[test]
fn the_pool_of_cores_cannot_be_jammed() {
    // Filled to the brim, and closed to others; then all that was in it is taken.
    let fill = "if chmod 000 /dev/pwb-jobserver; then echo closed > /out/closed; fi; timeout 1 cat /dev/zero > /dev/pwb-jobserver || echo 1 > /out/a";
    let take = "timeout 1 cat /dev/pwb-jobserver > /dev/null || head -c 1 /in/a > /out/b";
    let nodes = [
        node("a", &[], fill),
        node("b", &[("/in", "a:/out")], take),
        node("c", &[("/in", "b:/out")], "ls /in > /out/c"),
    ];
    for world in World::each(&nodes) {
        let out = world.realize("t/c").join("out");
        assert_eq!(read(&out.join("c")), "b\n");
        assert!(!world.realize("t/a").join("out/closed").exists());
    }
}

#[test]
fn folders_without_end_are_refused_and_removed() {
    let script = "cd /out; i=0; while [ $i -lt 400 ]; do mkdir d; cd d; i=$((i+1)); done; cd /; chmod 000 /out/d/d";
    for world in World::each(&[node("a", &[], script)]) {
        let said = world.say(&["realize", "t/a"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err
                .contains("/out/d/d/d/… is in more than 128 folders"),
            "{said:?}"
        );
        // The next one clears away what is left, and has no trouble with it.
        world.nodes(&[node("b", &[], "echo 1 > /out/b")]);
        world.realize("t/b");
        let left: Vec<_> = fs::read_dir(world.path("store/tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

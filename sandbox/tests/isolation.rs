//! What a command must not be able to see or do, as root and as an ordinary user.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::errno::Errno;
use pwb_sandbox::Source;
use support::Sandbox;

const EPERM: i32 = Errno::EPERM as i32;

#[test]
fn there_is_no_network() {
    for mut sandbox in Sandbox::each() {
        let devices = sandbox.run(&["cat", "/proc/net/dev"]);
        let names: Vec<_> = devices
            .text()
            .lines()
            .skip(2)
            .filter_map(|line| line.split(':').next())
            .map(str::trim)
            .collect();
        assert_eq!(names, ["lo"]);
        let unreachable = [Errno::ENETUNREACH as i32];
        assert!(unreachable.contains(&sandbox.attempt("connect")));
        assert!(unreachable.contains(&sandbox.attempt("send")));
        assert_eq!(sandbox.attempt("inet"), 0);
        assert_eq!(sandbox.attempt("vsock"), EPERM);
        // The same look with the network on sees the host's interfaces, so the look is a real one.
        sandbox.network = true;
        let host = fs::read_to_string("/proc/net/dev").unwrap();
        assert_eq!(
            sandbox
                .run(&["cat", "/proc/net/dev"])
                .text()
                .lines()
                .count(),
            host.trim_end().lines().count()
        );
    }
}

#[test]
fn host_files_are_invisible() {
    for sandbox in Sandbox::each() {
        let secret = sandbox.write("secret", "x");
        assert_eq!(
            sandbox.sh("echo $(ls -a /)").text(),
            ". .. bin dev in-root lib lib64 proc tmp usr".replace("lib lib64", &libs(&sandbox))
        );
        assert_ne!(
            sandbox.run(&["cat", secret.to_str().unwrap()]).status(),
            pwb_sandbox::Status::Code(0)
        );
        assert_eq!(
            sandbox.sh("echo $(ls -a /tmp /dev/shm)").text(),
            "/dev/shm: . .. /tmp: . .."
        );
        assert_eq!(
            sandbox
                .sh("cd ..; cd ../..; ls /proc/1/cwd/ 2>/dev/null || echo closed")
                .text(),
            "closed"
        );
        let mounts = sandbox.run(&["cat", "/proc/self/mountinfo"]);
        for line in mounts.text().lines() {
            let target = line.split(' ').nth(4).unwrap();
            assert!(
                ["/", "/dev", "/tmp", "/proc"].contains(&target) || target.starts_with("/dev/"),
                "{line}"
            );
        }
    }
}

/// The library folders of this machine's own tools, as they are named below `/`.
fn libs(sandbox: &Sandbox) -> String {
    let names = fs::read_dir(sandbox.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("lib")).collect();
    names.sort();
    names.join(" ")
}

#[test]
fn other_processes_are_invisible() {
    for sandbox in Sandbox::each() {
        let pids = sandbox.sh("cd /proc; echo [0-9]*");
        assert_eq!(pids.text(), "1 2", "init and the shell only");
        assert_eq!(sandbox.sh("kill -9 1; echo alive").text(), "alive");
    }
}

#[test]
fn root_and_inputs_cannot_be_written() {
    for mut sandbox in Sandbox::each() {
        let input = sandbox.make("input");
        let file = sandbox.write("input/file", "kept");
        sandbox.mount("/input", Source::ReadOnly(input.clone()));
        sandbox.mount("/one", Source::ReadOnly(file.clone()));
        sandbox.mount("/input/nested", Source::ReadOnly(input.clone()));
        let everywhere = "for path in /new /in-root /usr/new /bin/sh /input/new /input/file /one /input/nested/file; do
            if (echo broken > $path) 2>/dev/null; then echo wrote $path; fi; done; (echo x > /input/file) 2>&1 || true";
        let said = sandbox.sh(everywhere);
        assert!(
            said.text().contains("Read-only file system") && !said.text().contains("wrote"),
            "{said:?}"
        );
        assert_eq!(
            sandbox.sh("cat /one /input/file /input/nested/file").text(),
            "keptkeptkept"
        );
        assert_eq!(
            sandbox
                .sh("rm -f /input/file 2>&1 || echo $?")
                .text()
                .lines()
                .last(),
            Some("1")
        );
        assert_eq!(fs::read_to_string(file).unwrap(), "kept");
        assert!(
            !input.join("nested").exists(),
            "a mount point was made in an input"
        );
    }
}

#[test]
fn kernel_settings_cannot_be_written() {
    for sandbox in Sandbox::each() {
        assert_eq!(sandbox.attempt("sysctl"), Errno::EROFS as i32);
    }
}

#[test]
fn mounts_and_namespaces_are_refused() {
    for sandbox in Sandbox::each() {
        for what in [
            "mount", "remount", "umount", "unshare", "chroot", "hostname",
        ] {
            assert_eq!(sandbox.attempt(what), EPERM, "{what}");
        }
        assert_eq!(
            sandbox.attempt("unshare-fs"),
            0,
            "the attempt itself works where it is harmless"
        );
    }
}

#[test]
fn set_id_bits_and_devices_cannot_be_made() {
    for mut sandbox in Sandbox::each() {
        let out = sandbox.make("out");
        sandbox.mount("/out", Source::Writable(out.clone()));
        for mode in ["u+s", "g+s", "4755", "2755"] {
            let tried = sandbox.sh(&format!(
                "touch /out/file; chmod 755 /out/file; chmod {mode} /out/file 2>&1 || echo refused"
            ));
            assert!(tried.text().ends_with("refused"), "{mode}: {tried:?}");
        }
        for what in ["suid-open", "suid-mknod", "device"] {
            assert_eq!(sandbox.attempt(what), EPERM, "{what}");
        }
        assert_eq!(
            fs::metadata(out.join("file")).unwrap().mode() & 0o7777,
            0o755
        );
        // One that comes in with an input has no effect: the mounts are nosuid, and no privilege can be gained.
        fs::copy("/bin/cat", out.join("cat")).unwrap();
        fs::set_permissions(out.join("cat"), fs::Permissions::from_mode(0o6755)).unwrap();
        let status = sandbox.run(&["/out/cat", "/proc/self/status"]);
        let line = |name: &str| {
            status
                .text()
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        assert_eq!(line("Uid:"), "1000\t1000\t1000\t1000");
        assert_eq!(line("NoNewPrivs:"), "1");
        assert_eq!(line("Seccomp:"), "2");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(line(set), "0000000000000000", "{set}");
        }
    }
}

#[test]
fn every_mount_is_sealed() {
    for mut sandbox in Sandbox::each() {
        let (input, out) = (sandbox.make("input"), sandbox.make("out"));
        sandbox.mount("/input", Source::ReadOnly(input));
        sandbox.mount("/out", Source::Writable(out));
        let overlay = sandbox.overlay("build");
        sandbox.mount("/build", overlay);
        let mounts = sandbox.run(&["cat", "/proc/self/mountinfo"]);
        for line in mounts.text().lines() {
            let fields: Vec<_> = line.split(' ').collect();
            let (target, options) = (fields[4], fields[5]);
            let device = target.starts_with("/dev/") && target != "/dev/pts";
            assert!(device || options.contains("nosuid"), "{line}");
            assert!(
                device || target == "/dev/pts" || options.contains("nodev"),
                "{line}"
            );
            assert_eq!(
                options.starts_with("ro"),
                device || ["/", "/input", "/proc"].contains(&target),
                "{line}"
            );
            assert!(
                !line.contains("shared:") && !line.contains("master:"),
                "{line}"
            );
        }
    }
}

#[test]
fn identity_is_fixed() {
    for mut sandbox in Sandbox::each() {
        sandbox.env.push(("ONLY".into(), "this".into()));
        assert_eq!(
            sandbox
                .sh("id -u; id -g; uname -nm; umask; ulimit -c; ulimit -s; ulimit -n; cat /proc/self/personality; pwd")
                .text(),
            format!(
                "1000\n1000\npwb {}\n0022\n0\n8192\n1024\n00040000\n/",
                std::env::consts::ARCH
            )
        );
        assert_eq!(sandbox.run(&["env"]).text(), "PATH=/none:/bin\nONLY=this");
        // Descriptors, signals and the session are fresh.
        assert_eq!(
            sandbox.sh("echo $(ls /proc/self/fd)").text(),
            "0 1 2 3",
            "3 is ls' own"
        );
        assert_eq!(sandbox.sh("readlink /proc/self/fd/0").text(), "/dev/null");
        let status = sandbox.run(&["cat", "/proc/self/status"]);
        // 32 and 33 are the C library's own.
        for signals in ["SigBlk:", "SigIgn:", "SigCgt:"] {
            let line = status
                .text()
                .lines()
                .find_map(|line| line.strip_prefix(signals))
                .unwrap();
            assert_eq!(
                u64::from_str_radix(line.trim(), 16).unwrap() & !0x1_8000_0000,
                0,
                "{signals} {line}"
            );
        }
        let session = sandbox.run(&["cat", "/proc/self/stat"]);
        assert!(
            session.text().starts_with("2 (cat) R 1 2 2 0 "),
            "{session:?}"
        );
    }
}

#[test]
fn devices_work() {
    for sandbox in Sandbox::each() {
        let script = "echo x > /dev/null; (echo x > /dev/full) 2>/dev/null || echo full
            echo out > /dev/stdout; echo err > /dev/stderr; ls /dev; ls /dev/pts; touch /dev/shm/x /tmp/y; ls /dev/shm /tmp
            (cat /dev/tty) 2>&1 || true";
        let said = sandbox.sh(script);
        let devices =
            "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero";
        let rest = "ptmx\n/dev/shm:\nx\n\n/tmp:\ny\ncat: /dev/tty: No such device or address";
        assert_eq!(said.text(), format!("full\nout\nerr\n{devices}\n{rest}"));
    }
}

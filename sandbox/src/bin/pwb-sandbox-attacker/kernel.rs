//! Mounts and namespaces, the machine as a whole, what `/proc` offers to write, and privileges.

use nix::Result;
use nix::libc::{self, c_long};

use crate::raw::{call, numbers, text, zeros};
use crate::{Attempt, attempt};

fn plain<const N: usize>(name: &str, number: c_long, arguments: [usize; N]) -> Attempt {
    attempt(name, move || call(number, arguments))
}

/// A descriptor of a file, or -1.
fn open(path: &str, flags: i32) -> Result<i64> {
    call(
        libc::SYS_openat,
        [libc::AT_FDCWD as usize, text(path), flags as usize],
    )
}

pub fn mounts() -> Vec<Attempt> {
    const HERE: usize = libc::AT_FDCWD as usize;
    const REMOUNT: usize = (libc::MS_REMOUNT | libc::MS_BIND) as usize;
    const BIND: usize = libc::MS_BIND as usize;
    let mut all = vec![
        plain(
            "mount",
            libc::SYS_mount,
            [text("none"), text("/tmp"), text("tmpfs"), 0, 0],
        ),
        plain("remount", libc::SYS_mount, [0, text("/"), 0, REMOUNT, 0]),
        plain(
            "bind over /proc",
            libc::SYS_mount,
            [text("/tmp"), text("/proc"), 0, BIND, 0],
        ),
        plain(
            "umount",
            libc::SYS_umount2,
            [text("/proc"), libc::MNT_DETACH as usize],
        ),
        plain(
            "pivot_root",
            libc::SYS_pivot_root,
            [text("/tmp"), text("/tmp")],
        ),
        plain("chroot", libc::SYS_chroot, [text("/tmp")]),
        plain("open_tree", libc::SYS_open_tree, [HERE, text("/"), 1]),
        plain("open_tree_attr", 467, [HERE, text("/"), 1, zeros(32), 32]),
        plain(
            "move_mount",
            libc::SYS_move_mount,
            [HERE, text("/proc"), HERE, text("/tmp"), 0],
        ),
        plain("fsopen", libc::SYS_fsopen, [text("tmpfs"), 0]),
        plain("fsconfig", libc::SYS_fsconfig, [0, 6]),
        plain("fsmount", libc::SYS_fsmount, [0, 0, 0]),
        plain("fspick", libc::SYS_fspick, [HERE, text("/"), 0]),
        plain(
            "mount_setattr",
            libc::SYS_mount_setattr,
            [HERE, text("/"), 0, zeros(32), 32],
        ),
        plain(
            "open_by_handle_at",
            libc::SYS_open_by_handle_at,
            [HERE, zeros(64), 0],
        ),
        plain("clone3", libc::SYS_clone3, [zeros(88), 88]),
        plain(
            "openat2",
            libc::SYS_openat2,
            [HERE, text("/"), zeros(24), 24],
        ),
    ];
    for (name, flag) in [
        ("user", libc::CLONE_NEWUSER),
        ("mnt", libc::CLONE_NEWNS),
        ("pid", libc::CLONE_NEWPID),
        ("net", libc::CLONE_NEWNET),
        ("ipc", libc::CLONE_NEWIPC),
        ("uts", libc::CLONE_NEWUTS),
        ("cgroup", libc::CLONE_NEWCGROUP),
        ("time", 0x80),
    ] {
        all.push(plain(
            &format!("unshare {name}"),
            libc::SYS_unshare,
            [flag as usize],
        ));
        if name != "time" {
            let flags = (flag | libc::SIGCHLD) as usize;
            all.push(attempt(&format!("clone {name}"), move || {
                let child = call(libc::SYS_clone, [flags, 0, 0, 0, 0])?;
                if child == 0 {
                    call(libc::SYS_exit, [0])
                } else {
                    Ok(child)
                }
            }));
        }
        let own = format!("/proc/self/ns/{name}");
        all.push(attempt(&format!("setns {name}"), move || {
            call(libc::SYS_setns, [open(&own, libc::O_RDONLY)? as usize, 0])
        }));
    }
    all
}

pub fn machine() -> Vec<Attempt> {
    let time = numbers(&[0, 0]);
    let mut all = vec![
        // Wrong magic numbers: where it is permitted, it is invalid.
        plain("reboot", libc::SYS_reboot, [0, 0, 0, 0]),
        plain("kexec_load", libc::SYS_kexec_load, [0, 0, 0, usize::MAX]),
        plain(
            "kexec_file_load",
            libc::SYS_kexec_file_load,
            [usize::MAX, usize::MAX, 0, 0, usize::MAX],
        ),
        plain("init_module", libc::SYS_init_module, [0, 0, 0]),
        plain("finit_module", libc::SYS_finit_module, [usize::MAX, 0, 0]),
        plain(
            "delete_module",
            libc::SYS_delete_module,
            [text("pwb-none"), 0],
        ),
        plain("swapon", libc::SYS_swapon, [text("/none"), 0]),
        plain("swapoff", libc::SYS_swapoff, [text("/none")]),
        plain("acct", libc::SYS_acct, [text("/none")]),
        plain("quotactl", libc::SYS_quotactl, [0, text("/none"), 0, 0]),
        plain("quotactl_fd", libc::SYS_quotactl_fd, [0, 0, 0, 0]),
        plain(
            "settimeofday",
            libc::SYS_settimeofday,
            [numbers(&[u64::MAX, 0]), 0],
        ),
        plain(
            "clock_settime",
            libc::SYS_clock_settime,
            [0, numbers(&[u64::MAX, 0])],
        ),
        // Offset mode, from a struct timex that says to set nothing else.
        plain(
            "adjtimex",
            libc::SYS_adjtimex,
            [numbers(&[[1].as_slice(), &[0; 25]].concat())],
        ),
        plain(
            "clock_adjtime",
            libc::SYS_clock_adjtime,
            [0, numbers(&[[1].as_slice(), &[0; 25]].concat())],
        ),
        plain("sethostname", libc::SYS_sethostname, [text("other"), 5]),
        plain("setdomainname", libc::SYS_setdomainname, [text("other"), 5]),
        plain("syslog", libc::SYS_syslog, [3, zeros(64), 64]),
        plain("vhangup", libc::SYS_vhangup, []),
        plain("bpf", libc::SYS_bpf, [0, zeros(128), 128]),
        plain(
            "perf_event_open",
            libc::SYS_perf_event_open,
            [zeros(128), 0, usize::MAX, usize::MAX, 0],
        ),
        plain("userfaultfd", libc::SYS_userfaultfd, [1]),
        plain("io_uring_setup", libc::SYS_io_uring_setup, [1, zeros(120)]),
        plain("io_uring_enter", libc::SYS_io_uring_enter, [0, 0, 0, 0, 0]),
        plain(
            "io_uring_register",
            libc::SYS_io_uring_register,
            [0, 0, 0, 0],
        ),
        plain(
            "add_key",
            libc::SYS_add_key,
            [text("user"), text("pwb"), text("x"), 1, usize::MAX - 2],
        ),
        plain(
            "request_key",
            libc::SYS_request_key,
            [text("user"), text("pwb"), 0, 0],
        ),
        plain("keyctl", libc::SYS_keyctl, [0, usize::MAX - 2, 0]),
        plain("fanotify with permissions", libc::SYS_fanotify_init, [4, 0]),
        attempt("type into a terminal", || {
            let terminal = open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY)?;
            call(
                libc::SYS_ioctl,
                [terminal as usize, libc::TIOCSTI as usize, text("x")],
            )
        }),
        attempt("the same with the upper half of the request set", || {
            let terminal = open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY)?;
            let request = libc::TIOCSTI as usize | 1 << 40;
            call(libc::SYS_ioctl, [terminal as usize, request, text("x")])
        }),
        attempt("write to the terminal's screen memory", || {
            let terminal = open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY)?;
            call(
                libc::SYS_ioctl,
                [terminal as usize, libc::TIOCLINUX as usize, text("\u{2}")],
            )
        }),
        // ... and that the calendar above was only read.
        plain("read the clock", libc::SYS_clock_gettime, [0, time]),
    ];
    #[cfg(target_arch = "x86_64")]
    {
        const X32: c_long = 0x4000_0000;
        all.extend([
            plain("iopl", libc::SYS_iopl, [3]),
            plain("ioperm", libc::SYS_ioperm, [0x80, 1, 1]),
            plain("getpid by an x32 number", X32 | libc::SYS_getpid, []),
            plain(
                "unshare by an x32 number",
                X32 | libc::SYS_unshare,
                [libc::CLONE_NEWUSER as usize],
            ),
            // 20: getpid
            attempt("getpid by int 0x80", || crate::raw::old_gate(20)),
        ]);
    }
    all
}

pub fn proc() -> Vec<Attempt> {
    let write = [
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/pid_max",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/user/max_user_namespaces",
        "/proc/self/oom_score_adj",
        "/proc/self/uid_map",
        "/proc/self/setgroups",
        "/proc/self/mem",
        "/proc/self/attr/current",
        "/proc/self/coredump_filter",
    ];
    let read = [
        "/proc/kcore",
        "/proc/kmsg",
        "/proc/1/mem",
        "/proc/1/environ",
        "/proc/1/maps",
        "/proc/1/fd/0",
        "/proc/1/root/usr",
    ];
    let absent = [
        "/sys",
        "/sys/kernel/uevent_helper",
        "/dev/mem",
        "/dev/kmem",
        "/dev/port",
        "/dev/kmsg",
        "/dev/fuse",
        "/dev/kvm",
        "/dev/vda",
        "/dev/sda",
        "/dev/loop-control",
        "/dev/net/tun",
        "/dev/mqueue",
        "/dev/console",
        "/run",
        "/var/run",
    ];
    let mut all = Vec::new();
    for path in write {
        all.push(attempt(&format!("write {path}"), move || {
            open(path, libc::O_WRONLY)
        }));
    }
    for path in read {
        all.push(attempt(&format!("read {path}"), move || {
            open(path, libc::O_RDONLY)
        }));
    }
    for path in absent {
        all.push(attempt(&format!("find {path}"), move || {
            open(path, libc::O_PATH)
        }));
    }
    all
}

pub fn privileges() -> Vec<Attempt> {
    const LAST_CAPABILITY: usize = 40;
    let header = || numbers(&[0x2008_0522]);
    vec![
        plain(
            "capset",
            libc::SYS_capset,
            [header(), numbers(&[u64::MAX, u64::MAX, u64::MAX])],
        ),
        plain("setuid", libc::SYS_setuid, [0]),
        plain("setresuid", libc::SYS_setresuid, [0, 0, 0]),
        plain("setgid", libc::SYS_setgid, [0]),
        plain("setgroups", libc::SYS_setgroups, [0, 0]),
        plain(
            "new privileges",
            libc::SYS_prctl,
            [libc::PR_SET_NO_NEW_PRIVS as usize, 0, 0, 0, 0],
        ),
        plain(
            "secure bits",
            libc::SYS_prctl,
            [libc::PR_SET_SECUREBITS as usize, 0],
        ),
        plain(
            "ambient",
            libc::SYS_prctl,
            [libc::PR_CAP_AMBIENT as usize, 2, LAST_CAPABILITY, 0, 0],
        ),
        plain(
            "another exe",
            libc::SYS_prctl,
            [libc::PR_SET_MM as usize, 13, 0, 0, 0],
        ),
        plain(
            "less seccomp",
            libc::SYS_prctl,
            [libc::PR_SET_SECCOMP as usize, 0, 0],
        ),
        plain("nicer", libc::SYS_setpriority, [0, 0, (-20_i64) as usize]),
        plain(
            "real time",
            libc::SYS_sched_setscheduler,
            [0, libc::SCHED_FIFO as usize, numbers(&[50])],
        ),
        plain("real-time I/O", libc::SYS_ioprio_set, [1, 0, 1 << 13]),
        attempt("a core file", || {
            call(
                libc::SYS_prlimit64,
                [
                    0,
                    libc::RLIMIT_CORE as usize,
                    numbers(&[1 << 20, 1 << 20]),
                    0,
                ],
            )
        }),
        plain(
            "mknod char",
            libc::SYS_mknodat,
            [libc::AT_FDCWD as usize, text("/tmp/c"), 0o20_666, 0x103],
        ),
        plain(
            "mknod block",
            libc::SYS_mknodat,
            [libc::AT_FDCWD as usize, text("/tmp/b"), 0o60_666, 0xfe00],
        ),
        plain(
            "set-uid open",
            libc::SYS_openat,
            [
                libc::AT_FDCWD as usize,
                text("/tmp/s"),
                libc::O_CREAT as usize,
                0o4755,
            ],
        ),
        plain(
            "set-uid nameless",
            libc::SYS_openat,
            [
                libc::AT_FDCWD as usize,
                text("/tmp"),
                (libc::O_TMPFILE | libc::O_RDWR) as usize,
                0o4755,
            ],
        ),
        plain(
            "set-uid mknod",
            libc::SYS_mknodat,
            [libc::AT_FDCWD as usize, text("/tmp/s"), 0o104_755, 0],
        ),
        plain(
            "set-uid fchmodat",
            libc::SYS_fchmodat,
            [libc::AT_FDCWD as usize, text("/tmp"), 0o4755],
        ),
        plain(
            "set-gid fchmodat2",
            libc::SYS_fchmodat2,
            [libc::AT_FDCWD as usize, text("/tmp"), 0o2755, 0],
        ),
        attempt("set-uid fchmod", || {
            let file = call(
                libc::SYS_openat,
                [
                    libc::AT_FDCWD as usize,
                    text("/tmp/f"),
                    (libc::O_CREAT | libc::O_WRONLY) as usize,
                    0o755,
                ],
            )?;
            call(libc::SYS_fchmod, [file as usize, 0o4755])
        }),
        attempt("file capabilities", || {
            let file = call(
                libc::SYS_openat,
                [
                    libc::AT_FDCWD as usize,
                    text("/tmp/g"),
                    (libc::O_CREAT | libc::O_WRONLY) as usize,
                    0o755,
                ],
            )?;
            let value = numbers(&[0x0200_0001_u64 | 0xffff_ffff << 32, u64::MAX, 0]);
            call(
                libc::SYS_fsetxattr,
                [file as usize, text("security.capability"), value, 20, 0],
            )
        }),
        attempt("trusted attributes", || {
            let file = call(
                libc::SYS_openat,
                [
                    libc::AT_FDCWD as usize,
                    text("/tmp/h"),
                    (libc::O_CREAT | libc::O_WRONLY) as usize,
                    0o755,
                ],
            )?;
            call(
                libc::SYS_fsetxattr,
                [
                    file as usize,
                    text("trusted.overlay.opaque"),
                    text("y"),
                    1,
                    0,
                ],
            )
        }),
        attempt("give a file away", || {
            call(
                libc::SYS_openat,
                [
                    libc::AT_FDCWD as usize,
                    text("/tmp/i"),
                    libc::O_CREAT as usize,
                    0o755,
                ],
            )?;
            call(
                libc::SYS_fchownat,
                [libc::AT_FDCWD as usize, text("/tmp/i"), 0, 0, 0],
            )
        }),
    ]
}

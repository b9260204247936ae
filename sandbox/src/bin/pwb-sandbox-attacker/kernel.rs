//! The machine as a whole, and what `/proc` offers.

use nix::libc::{self, c_long};

use crate::raw::{call, numbers, open, text, zeros};
use crate::{Attempt, attempt, plain};

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
        plain("memfd_secret", libc::SYS_memfd_secret, [0]),
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
        // file_setattr, and one that there is not yet.
        plain("file_setattr", 469, [0, text("/tmp"), zeros(32), 32, 0]),
        plain("a call of the future", 1000, []),
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

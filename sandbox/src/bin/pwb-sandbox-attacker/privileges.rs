//! Capabilities, users, priorities, set-id bits.

use nix::libc;

use crate::raw::{call, numbers, text};
use crate::{Attempt, attempt, plain};

pub fn all() -> Vec<Attempt> {
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
            let file = create("/tmp/f")?;
            call(libc::SYS_fchmod, [file as usize, 0o4755])
        }),
        attempt("file capabilities", || {
            let file = create("/tmp/g")?;
            let value = numbers(&[0x0200_0001_u64 | 0xffff_ffff << 32, u64::MAX, 0]);
            call(
                libc::SYS_fsetxattr,
                [file as usize, text("security.capability"), value, 20, 0],
            )
        }),
        attempt("trusted attributes", || {
            let file = create("/tmp/h")?;
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

/// A new file, open for writing.
fn create(path: &str) -> nix::Result<i64> {
    let flags = (libc::O_CREAT | libc::O_WRONLY) as usize;
    call(
        libc::SYS_openat,
        [libc::AT_FDCWD as usize, text(path), flags, 0o755],
    )
}

//! Files that are not the command's own: the host's devices, and what is mounted read-only.

use std::process::ExitCode;

use nix::Result;
use nix::libc;

use crate::raw::{call, numbers, text, zeros};
use crate::{Attempt, attempt};

const HERE: usize = libc::AT_FDCWD as usize;

fn open(path: &str, flags: i32) -> Result<usize> {
    call(libc::SYS_openat, [HERE, text(path), flags as usize, 0o666]).map(|number| number as usize)
}

/// What is tried changes nothing, where it works, but the time of the last change.
pub fn devices() -> Vec<Attempt> {
    let mut all = Vec::new();
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let path = format!("/dev/{name}");
        let of = |what: &str| format!("{what} {name}");
        let (place, from) = (text(&path), path.clone());
        all.extend([
            attempt(&of("chmod"), move || {
                call(libc::SYS_fchmodat, [HERE, place, 0o666])
            }),
            attempt(&of("touch"), move || {
                call(
                    libc::SYS_utimensat,
                    [
                        HERE,
                        place,
                        numbers(&[0, (1 << 30) - 1, 0, (1 << 30) - 1]),
                        0,
                    ],
                )
            }),
            attempt(&of("mark"), move || {
                call(
                    libc::SYS_setxattr,
                    [place, text("security.pwb"), text("x"), 1, 0],
                )
            }),
            attempt(&of("remove"), move || {
                call(libc::SYS_unlinkat, [HERE, place, 0])
            }),
            attempt(&of("chmod the open"), move || {
                call(libc::SYS_fchmod, [open(&from, libc::O_RDONLY)?, 0o666])
            }),
        ]);
    }
    for (name, number) in [("input", 0), ("output", 1)] {
        all.push(attempt(&format!("chmod the {name}"), move || {
            call(libc::SYS_fchmod, [number, 0o666])
        }));
    }
    // RNDADDTOENTCNT, RNDCLEARPOOL, RNDRESEEDCRNG
    for (name, request) in [
        ("credit", 0x4004_5201),
        ("clear", 0x5206),
        ("reseed", 0x5207),
    ] {
        all.push(attempt(&format!("{name} the pool"), move || {
            call(
                libc::SYS_ioctl,
                [open("/dev/urandom", libc::O_RDWR)?, request, numbers(&[0])],
            )
        }));
    }
    all
}

/// Makes a file that is a hole.
pub fn sparse(path: &str) -> ExitCode {
    let made = open(path, libc::O_CREAT | libc::O_RDWR)
        .and_then(|file| call(libc::SYS_ftruncate, [file, 1 << 40]));
    ExitCode::from(u8::from(made.is_err()))
}

/// Every way to change a file, by its name and by a descriptor that is open for reading.
pub fn damage(path: &str) -> Vec<Attempt> {
    let place = text(path);
    let named =
        |name: &str, number, arguments: [usize; 5]| attempt(name, move || call(number, arguments));
    let path = path.to_owned();
    let opened = |name: &str, what: fn(usize, &str) -> Result<i64>| {
        let path = path.clone();
        attempt(name, move || what(open(&path, libc::O_RDONLY)?, &path))
    };
    let folder =
        text(path.rsplit_once('/').map_or(
            "/",
            |(folder, _)| if folder.is_empty() { "/" } else { folder },
        ));
    let moved = text(&format!("{path}.moved"));
    let now = (1 << 30) - 1;
    let mut all = vec![
        named(
            "open to write",
            libc::SYS_openat,
            [HERE, place, libc::O_WRONLY as usize, 0, 0],
        ),
        named(
            "open to do both",
            libc::SYS_openat,
            [HERE, place, libc::O_RDWR as usize, 0, 0],
        ),
        named(
            "open and cut",
            libc::SYS_openat,
            [HERE, place, libc::O_TRUNC as usize, 0, 0],
        ),
        named(
            "open nameless",
            libc::SYS_openat,
            [
                HERE,
                folder,
                (libc::O_TMPFILE | libc::O_RDWR) as usize,
                0o600,
                0,
            ],
        ),
        named("cut", libc::SYS_truncate, [place, 0, 0, 0, 0]),
        named("chmod", libc::SYS_fchmodat, [HERE, place, 0o777, 0, 0]),
        named("chown", libc::SYS_fchownat, [HERE, place, 1000, 1000, 0]),
        named(
            "touch",
            libc::SYS_utimensat,
            [HERE, place, numbers(&[0, now, 0, now]), 0, 0],
        ),
        named(
            "mark",
            libc::SYS_setxattr,
            [place, text("user.pwb"), text("x"), 1, 0],
        ),
        named(
            "give rights",
            libc::SYS_setxattr,
            [place, text("system.posix_acl_access"), numbers(&[2]), 4, 0],
        ),
        named("remove", libc::SYS_unlinkat, [HERE, place, 0, 0, 0]),
        named("rename", libc::SYS_renameat2, [HERE, place, HERE, moved, 0]),
        named(
            "exchange",
            libc::SYS_renameat2,
            [HERE, place, HERE, moved, 2],
        ),
        named(
            "link beside",
            libc::SYS_linkat,
            [HERE, place, HERE, moved, 0],
        ),
        named(
            "link where one may write",
            libc::SYS_linkat,
            [HERE, place, HERE, text("/out/link"), 0],
        ),
        named(
            "link to it",
            libc::SYS_symlinkat,
            [text("x"), HERE, moved, 0, 0],
        ),
        opened("chmod the open", |file, _| {
            call(libc::SYS_fchmod, [file, 0o777])
        }),
        opened("chown the open", |file, _| {
            call(libc::SYS_fchown, [file, 1000, 1000])
        }),
        opened("touch the open", |file, _| {
            call(libc::SYS_utimensat, [file, 0, 0, 0])
        }),
        opened("mark the open", |file, _| {
            call(
                libc::SYS_fsetxattr,
                [file, text("user.pwb"), text("x"), 1, 0],
            )
        }),
        opened("cut the open", |file, _| {
            call(libc::SYS_ftruncate, [file, 0])
        }),
        opened("punch the open", |file, _| {
            call(libc::SYS_fallocate, [file, 3, 0, 1])
        }),
        opened("write the open", |file, _| {
            call(libc::SYS_pwrite64, [file, text("x"), 1, 0])
        }),
        opened("copy into the open", |file, _| {
            call(
                libc::SYS_copy_file_range,
                [open("/in-root", libc::O_RDONLY)?, 0, file, 0, 1, 0],
            )
        }),
        opened("clone into the open", |file, _| {
            call(
                libc::SYS_ioctl,
                [
                    file,
                    libc::FICLONE as usize,
                    open("/in-root", libc::O_RDONLY)?,
                ],
            )
        }),
        opened("map the open to write", |file, _| {
            call(
                libc::SYS_mmap,
                [0, 4096, 3, libc::MAP_SHARED as usize, file, 0],
            )
        }),
        opened("map it to read, then write", |file, _| {
            let map = call(
                libc::SYS_mmap,
                [0, 4096, 1, libc::MAP_SHARED as usize, file, 0],
            )?;
            call(libc::SYS_mprotect, [map as usize, 4096, 3])
        }),
        opened("open the open again", |file, _| {
            open(&format!("/proc/self/fd/{file}"), libc::O_RDWR).map(|_| 0)
        }),
        opened("link the open", |file, _| {
            let by = text(&format!("/proc/self/fd/{file}"));
            call(
                libc::SYS_linkat,
                [
                    HERE,
                    by,
                    HERE,
                    text("/out/link"),
                    libc::AT_SYMLINK_FOLLOW as usize,
                ],
            )
        }),
        opened("name the open", |file, _| {
            call(
                libc::SYS_linkat,
                [
                    file,
                    text(""),
                    HERE,
                    text("/out/link"),
                    libc::AT_EMPTY_PATH as usize,
                ],
            )
        }),
        opened("lease", |file, _| {
            call(
                libc::SYS_fcntl,
                [file, libc::F_SETLEASE as usize, libc::F_WRLCK as usize],
            )
        }),
        opened("share-lease", |file, _| {
            call(
                libc::SYS_fcntl,
                [file, libc::F_SETLEASE as usize, libc::F_RDLCK as usize],
            )
        }),
        opened("seal", |file, _| {
            call(libc::SYS_fcntl, [file, libc::F_ADD_SEALS as usize, 1])
        }),
        opened("by its handle", |file, path| {
            let handle = numbers(&[128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            // A file system without handles has none to open.
            let _ = call(
                libc::SYS_name_to_handle_at,
                [HERE, text(path), handle, zeros(4), 0],
            );
            call(
                libc::SYS_open_by_handle_at,
                [file, handle, libc::O_RDWR as usize],
            )
        }),
    ];
    // FS_IOC_SETFLAGS (append-only), FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY, FS_IOC_SET_ENCRYPTION_POLICY, FS_IOC_SETVERSION,
    // EXT4_IOC_MIGRATE, EXT4_IOC_MOVE_EXT, FIFREEZE, FITRIM
    for (name, request) in [
        ("flags", 0x4008_6602),
        ("project", 0x401c_5820),
        ("verity", 0x4080_6685),
        ("encryption", 0x800c_6613),
        ("version", 0x4008_7602),
        ("migrate", 0x6609),
        ("extents", 0xc028_660f),
        ("freeze", 0xc004_5877),
        ("trim", 0xc018_5879),
    ] {
        let path = path.clone();
        all.push(attempt(&format!("ioctl {name}"), move || {
            let argument = numbers(&[0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            call(
                libc::SYS_ioctl,
                [open(&path, libc::O_RDONLY)?, request, argument],
            )
        }));
    }
    all
}

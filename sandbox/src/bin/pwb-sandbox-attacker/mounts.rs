//! Mounts, roots and namespaces.

use nix::libc;

use crate::raw::{call, open, text, zeros};
use crate::{Attempt, attempt, plain};

pub fn all() -> Vec<Attempt> {
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

//! What to change on a host that refuses a step of the set-up: reads the kernel's own switches and names them.

use std::fs;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::statfs::{NFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, statfs};

use crate::report::Step;

/// The advice for a failed step, if there is one to give.
pub(crate) fn after(step: Step, path: Option<&Path>, errno: i32) -> Option<String> {
    let refused = [Errno::EPERM, Errno::EACCES].contains(&Errno::from_raw(errno));
    match (step, Errno::from_raw(errno)) {
        (Step::Unshare, Errno::EPERM | Errno::ENOSPC | Errno::EINVAL | Errno::ENOSYS) => {
            Some(namespaces())
        }
        (Step::Proc, _) if refused => Some(proc()),
        (Step::MapIds, _) if refused => Some(switch_off().unwrap_or_else(namespaces)),
        (Step::Skeleton | Step::Root | Step::Bind | Step::Dev | Step::Tmp | Step::Pivot, _)
            if refused =>
        {
            switch_off()
        }
        (Step::Overlay, Errno::EPERM) => Some(switch_off().unwrap_or_else(old_kernel)),
        (Step::Overlay, Errno::ENODEV) => {
            Some("load the kernel module: sudo modprobe overlay".into())
        }
        (Step::Overlay, Errno::EINVAL) => Some(upper(path)),
        (Step::Root | Step::Bind, Errno::ENODEV) => {
            Some("load the kernel module: sudo modprobe overlay".into())
        }
        (Step::Bind | Step::Root | Step::Dev, Errno::ENOSYS) => Some(old_kernel()),
        (Step::Pivot, Errno::EINVAL) => Some(
            "the host's root is an initramfs; start from a root on a file system (switch_root)"
                .into(),
        ),
        (_, Errno::EAGAIN) => Some(limits()),
        (Step::Seccomp, _) => Some("the kernel needs CONFIG_SECCOMP_FILTER".into()),
        _ => None,
    }
}

/// The advice where the system has no room for a process.
pub(crate) fn limits() -> String {
    "`pwb doctor` tries all that a sandbox needs; `ulimit -a` shows limits".into()
}

/// The first switch that is set against user namespaces.
fn switch_off() -> Option<String> {
    const SWITCHES: [(&str, &str, &str); 3] = [
        (
            "kernel/unprivileged_userns_clone",
            "0",
            "kernel.unprivileged_userns_clone=1",
        ),
        (
            "user/max_user_namespaces",
            "0",
            "user.max_user_namespaces=15000",
        ),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ];
    let (_, _, setting) = SWITCHES
        .iter()
        .find(|(file, bad, _)| read(&format!("/proc/sys/{file}")) == *bad)?;
    let profile = if setting.contains("apparmor") {
        ", or give pwb an AppArmor profile with the `userns` permission"
    } else {
        ""
    };
    Some(format!(
        "the host forbids user namespaces: sudo sysctl -w {setting} (keep it in /etc/sysctl.d/){profile}"
    ))
}

fn namespaces() -> String {
    if let Some(advice) = switch_off() {
        return advice;
    }
    if in_container() {
        return "the container forbids namespaces: start it with --security-opt seccomp=unconfined \
                --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
            .into();
    }
    if !Path::new("/proc/self/ns/user").exists() {
        return "the kernel needs CONFIG_USER_NS".into();
    }
    "a limit of the host is reached or forbids namespaces: compare /proc/sys/user/max_*_namespaces, \
     and do not start pwb inside a chroot"
        .into()
}

fn proc() -> String {
    let container = "start it with --security-opt systempaths=unconfined (docker) or --security-opt unmask=ALL (podman)";
    match switch_off() {
        Some(advice) => advice,
        None if in_container() => format!("the container hides parts of /proc: {container}"),
        None => format!(
            "parts of the host's /proc are hidden by mounts: unmount them; in a container, {container}"
        ),
    }
}

fn upper(upper: Option<&Path>) -> String {
    let on = match upper
        .and_then(|path| statfs(path).ok())
        .map(|found| found.filesystem_type())
    {
        Some(OVERLAYFS_SUPER_MAGIC) => {
            "it is on overlayfs itself (a container's own layer): use a volume"
        }
        Some(NFS_SUPER_MAGIC) => "it is on NFS: use a local disk",
        _ => {
            "use ext4, xfs, btrfs or tmpfs, the same one for upper and work, and an empty work directory"
        }
    };
    format!("the file system cannot hold an overlay's upper layer; {on}")
}

fn old_kernel() -> String {
    format!(
        "Linux 5.12 or newer is needed; this is {}",
        read("/proc/sys/kernel/osrelease")
    )
}

fn in_container() -> bool {
    Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists()
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

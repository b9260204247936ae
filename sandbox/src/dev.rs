//! `/dev`: the few nodes that are safe, borrowed from the host, and terminals of the sandbox' own.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::libc::MOUNT_ATTR_RDONLY;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, mknod};

use crate::devices::{DEVICES, LINKS};
use crate::report::{Blame, Failure, Step};
use crate::sys;

/// Makes links, directories and the files that devices are mounted on, in a directory of a tmpfs.
pub(crate) fn fill(folder: &Path) -> Result<(), Failure> {
    for name in DEVICES {
        let file = folder.join(name);
        // One call where creating and closing would be two.
        mknod(&file, SFlag::S_IFREG, Mode::empty(), 0).blame_at(Step::Dev, &file)?;
    }
    for (name, target) in LINKS {
        let link = folder.join(name);
        symlink(target, &link).blame_at(Step::Dev, &link)?;
    }
    let (pts, shm) = (folder.join("pts"), folder.join("shm"));
    fs::create_dir(&pts).blame_at(Step::Dev, &pts)?;
    fs::create_dir(&shm).blame_at(Step::Dev, &shm)?;
    fs::set_permissions(&shm, Permissions::from_mode(0o1777)).blame_at(Step::Dev, &shm)
}

/// Mounts the devices over what [`fill`] made, once that is in place.
pub(crate) fn mount_devices(dev: &Path) -> Result<(), Failure> {
    for name in DEVICES {
        let (device, target) = (Path::new("/dev").join(name), dev.join(name));
        mount(
            Some(&device),
            &target,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .blame_at(Step::Dev, &device)?;
        // They can be written to all the same; but where the caller is root, their modes are the command's to change.
        sys::add_mount_attributes(&target, MOUNT_ATTR_RDONLY).blame_at(Step::Dev, &device)?;
    }
    let pts = dev.join("pts");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=620");
    mount(Some("devpts"), &pts, Some("devpts"), flags, options).blame_at(Step::Dev, &pts)
}

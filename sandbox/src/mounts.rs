//! Builds the command's file system and enters it: the root, the mounts of the spec, `/dev`, `/proc`, `/tmp`.
//!
//! Everything is assembled on one tmpfs, mounted in the scratch directory, in a mount namespace that no other process
//! sees, so nothing has to be undone: the kernel drops it with the last process.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use crate::layout::{Layer, Layout};
use crate::report::{Blame, Failure, Step};
use crate::spec::{Source, Spec};
use crate::sys;

/// The directory in `scratch` that the tmpfs is mounted on.
const ASSEMBLY: &str = "assembly";
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Builds the file system that `spec` describes and makes it this process' root.
pub(crate) fn build(spec: &Spec) -> Result<(), Failure> {
    // No mount event may pass to the host or come from it.
    attach(None, Path::new("/"), None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None, Step::Skeleton)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let assembly = spec.scratch.join(ASSEMBLY);
    fs::create_dir_all(&assembly).blame_at(Step::Skeleton, &assembly)?;
    attach(Some("tmpfs"), &assembly, Some("tmpfs"), flags, Some("mode=755"), Step::Skeleton)?;
    let plan = Plan::new(spec, &assembly)?;
    for (layer, content) in plan.layout.layers.iter().zip(&plan.contents) {
        plan.show(layer, content)?;
    }
    enter(&plan.new_root).blame_at(Step::Pivot, &plan.new_root)
}

/// What a layer is made of.
enum Content<'a> {
    Root(&'a Path),
    Dev,
    Tmp,
    Proc,
    Given(&'a Source),
}

/// All layers in the order in which they are mounted, outer before inner; each with its mount point made.
struct Plan<'a> {
    layout: Layout,
    contents: Vec<Content<'a>>,
    assembly: &'a Path,
    new_root: PathBuf,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Spec, assembly: &'a Path) -> Result<Self, Failure> {
        let new_root = assembly.join("root");
        make_directory(&new_root)?;
        let mut plan = Self { layout: Layout::default(), contents: vec![], assembly, new_root };
        plan.add(Path::new("/"), Content::Root(&spec.root))?;
        let mut wanted: Vec<_> = spec.mounts.iter().map(|mount| (&*mount.target, Content::Given(&mount.source))).collect();
        for (target, content) in [("/dev", Content::Dev), ("/tmp", Content::Tmp), ("/proc", Content::Proc)] {
            if wanted.iter().all(|(given, _)| *given != Path::new(target)) {
                wanted.push((Path::new(target), content));
            }
        }
        let root_only = &plan.layout;
        let depth = |target| Ok(root_only.resolve(target)?.components().count());
        let mut ordered = wanted
            .into_iter()
            .map(|(target, content)| Ok((depth(target)?, target, content)))
            .collect::<Result<Vec<_>, Failure>>()?;
        ordered.sort_by_key(|(depth, ..)| *depth);
        for (_, target, content) in ordered {
            plan.add(target, content)?;
        }
        let cwd = plan.layout.resolve(&spec.cwd)?;
        plan.layout.ensure(&cwd, true)?;
        Ok(plan)
    }

    fn add(&mut self, target: &Path, content: Content<'a>) -> Result<(), Failure> {
        let at = self.layout.resolve(target)?;
        let number = self.layout.layers.len();
        let mut fresh = self.assembly.join(number.to_string());
        let mut shows = vec![];
        let mut directory = true;
        match content {
            Content::Root(tree) => shows.push(tree.to_owned()),
            Content::Given(Source::Overlay { lower, upper, .. }) => shows.extend([upper.clone(), lower.clone()]),
            Content::Given(Source::ReadOnly(source)) => {
                directory = is_directory(source)?;
                shows.push(source.clone());
            }
            Content::Given(Source::Writable(source)) => {
                directory = is_directory(source)?;
                fresh.clone_from(source);
            }
            Content::Dev | Content::Tmp | Content::Proc => {}
        }
        if !fresh.exists() {
            make_directory(&fresh)?;
        }
        match content {
            Content::Dev => fill_dev(&fresh)?,
            Content::Tmp => open_to_all(&fresh, Step::Tmp)?,
            _ => {}
        }
        if number > 0 {
            self.layout.ensure(&at, directory)?;
        }
        self.layout.layers.push(Layer { at, shows, fresh, grown: false });
        self.contents.push(content);
        Ok(())
    }

    fn show(&self, layer: &Layer, content: &Content<'_>) -> Result<(), Failure> {
        let target = self.outside(&layer.at);
        let sealed = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        let read_only = MOUNT_ATTR_RDONLY | sealed;
        match content {
            Content::Root(tree) => self.show_read_only(layer, tree, &target, Step::Root, read_only),
            Content::Given(Source::ReadOnly(source)) => self.show_read_only(layer, source, &target, Step::Bind, read_only),
            Content::Given(Source::Writable(source)) => self.bind(source, &target, Step::Bind, sealed),
            Content::Given(Source::Overlay { lower, upper, work }) => {
                let lowers = if layer.grown { vec![&*layer.fresh, lower] } else { vec![&**lower] };
                overlay(&lowers, Some((upper, work)), &target, Step::Overlay)
            }
            Content::Tmp => self.bind(&layer.fresh, &target, Step::Tmp, sealed),
            Content::Dev => self.show_dev(&layer.fresh, &target, sealed),
            Content::Proc => {
                // Read-only as a whole: where the caller is root, /proc/sys and others obey the command's user id.
                let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
                attach(Some("proc"), &target, Some("proc"), flags, None, Step::Proc)
            }
        }
    }

    /// A plain bind where the tree has all mount points; else the missing ones are laid over it.
    fn show_read_only(&self, layer: &Layer, tree: &Path, at: &Path, step: Step, attributes: u64) -> Result<(), Failure> {
        if layer.grown {
            return overlay(&[&layer.fresh, tree], None, at, step);
        }
        self.bind(tree, at, step, attributes)
    }

    /// Binds with the mounts below: an ordinary user may not leave them out. `attributes` come on top of the mount's own.
    fn bind(&self, source: &Path, target: &Path, step: Step, attributes: u64) -> Result<(), Failure> {
        mount(Some(source), target, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).blame_at(step, source)?;
        if let Ok(inner) = self.assembly.strip_prefix(source)
            && step == Step::Bind
        {
            // The half-built root is not to be seen in a folder that happens to hold it.
            umount2(&target.join(inner), MntFlags::MNT_DETACH).blame_at(step, source)?;
        }
        sys::add_mount_attributes(target, attributes).blame_at(step, target)
    }

    fn show_dev(&self, fresh: &Path, target: &Path, sealed: u64) -> Result<(), Failure> {
        self.bind(fresh, target, Step::Dev, sealed)?;
        for name in DEVICES {
            let device = Path::new("/dev").join(name);
            attach(device.to_str(), &target.join(name), None, MsFlags::MS_BIND, None, Step::Dev)?;
        }
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        attach(Some("devpts"), &target.join("pts"), Some("devpts"), flags, Some("newinstance,ptmxmode=0666,mode=620"), Step::Dev)
    }

    /// Where a path inside is found before the pivot.
    fn outside(&self, at: &Path) -> PathBuf {
        self.new_root.join(at.strip_prefix("/").unwrap_or(at))
    }
}

/// Mounts the union of `lowers` (upper ones first), writable if there is an upper and a work directory.
fn overlay(lowers: &[&Path], writable: Option<(&Path, &Path)>, target: &Path, step: Step) -> Result<(), Failure> {
    let lowers: Vec<_> = lowers.iter().map(|path| escape(path)).collect();
    let mut options = format!("lowerdir={},userxattr,index=off,xino=auto", lowers.join(":"));
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if let Some((upper, work)) = writable {
        // volatile: else the end of every action writes back all dirty pages of the whole file system.
        options += &format!(",upperdir={},workdir={},volatile", escape(upper), escape(work));
    } else {
        flags |= MsFlags::MS_RDONLY;
    }
    mount(Some("overlay"), target, Some("overlay"), flags, Some(&*options)).blame_at(step, writable.map_or(target, |(upper, _)| upper))
}

/// overlayfs splits its options at commas, and lower directories at colons.
fn escape(path: &Path) -> String {
    path.to_string_lossy().replace('\\', r"\\").replace(':', r"\:").replace(',', r"\,")
}

fn enter(new_root: &Path) -> nix::Result<()> {
    chdir(new_root)?;
    // The old root lands on top of the new one, and goes.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")
}

fn fill_dev(dev: &Path) -> Result<(), Failure> {
    for name in DEVICES {
        File::create(dev.join(name)).blame_at(Step::Dev, &dev.join(name))?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, dev.join(name)).blame_at(Step::Dev, &dev.join(name))?;
    }
    make_directory(&dev.join("pts"))?;
    make_directory(&dev.join("shm"))?;
    open_to_all(&dev.join("shm"), Step::Dev)
}

fn open_to_all(directory: &Path, step: Step) -> Result<(), Failure> {
    fs::set_permissions(directory, Permissions::from_mode(0o1777)).blame_at(step, directory)
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir(path).blame_at(Step::Skeleton, path)
}

fn is_directory(source: &Path) -> Result<bool, Failure> {
    Ok(fs::metadata(source).blame_at(Step::Bind, source)?.is_dir())
}

fn attach(source: Option<&str>, at: &Path, kind: Option<&str>, flags: MsFlags, data: Option<&str>, step: Step) -> Result<(), Failure> {
    mount(source, at, kind, flags, data).blame_at(step, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlay_options_survive_odd_names() {
        assert_eq!(escape(Path::new(r"/a:b,c\d")), r"/a\:b\,c\\d");
    }
}

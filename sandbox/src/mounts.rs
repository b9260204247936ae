//! Builds the command's file system and enters it: the root, the mounts of the spec, `/dev`, `/proc`, `/tmp`.
//!
//! Everything is assembled on one tmpfs, mounted in the scratch directory, in a mount namespace that no other process
//! sees, so nothing has to be undone: the kernel drops it with the last process.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use crate::call::{LAUNCHER, SOCKET};
use crate::layout::{Layer, Layout};
use crate::overlay::mount_union;
use crate::report::{Blame, Failure, Step};
use crate::spec::{Source, Spec};
use crate::{dev, sys};

/// The directory in `scratch` that the tmpfs is mounted on.
const ASSEMBLY: &str = "assembly";
const SEALED: u64 = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
const NOTHING: Option<&str> = None;

/// Builds the file system that `spec` describes and makes it this process' root.
pub(crate) fn build(spec: &Spec) -> Result<(), Failure> {
    let root = Path::new("/");
    // No mount event may pass to the host or come from it.
    mount(
        NOTHING,
        root,
        NOTHING,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        NOTHING,
    )
    .blame_at(Step::Skeleton, root)?;
    let assembly = spec.scratch.join(ASSEMBLY);
    fs::create_dir_all(&assembly).blame_at(Step::Skeleton, &assembly)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some("tmpfs"),
        &assembly,
        Some("tmpfs"),
        flags,
        Some("mode=755"),
    )
    .blame_at(Step::Skeleton, &assembly)?;
    let plan = Plan::new(spec, &assembly)?;
    for (layer, content) in plan.layout.layers.iter().zip(&plan.contents) {
        plan.show(layer, content)?;
    }
    enter(&plan.new_root).blame_at(Step::Pivot, &plan.new_root)
}

fn enter(new_root: &Path) -> nix::Result<()> {
    chdir(new_root)?;
    // The old root lands on top of the new one, and goes.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")
}

/// What a layer is made of.
enum Content<'a> {
    Root(&'a Path),
    Dev,
    Tmp,
    Proc,
    Given(&'a Source),
    /// The socket that the launcher calls.
    Calls(&'a Path),
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
        fs::create_dir(&new_root).blame_at(Step::Skeleton, &new_root)?;
        let mut plan = Self {
            layout: Layout::default(),
            contents: vec![],
            assembly,
            new_root,
        };
        plan.add("/".into(), Content::Root(&spec.root))?;
        let given = spec.mounts.iter();
        let mut wanted: Vec<_> = given
            .map(|mount| (&*mount.target, Content::Given(&mount.source)))
            .collect();
        if let Some(calling) = &spec.calling {
            wanted.push((Path::new(SOCKET), Content::Calls(&calling.socket)));
        }
        for (target, content) in [
            ("/dev", Content::Dev),
            ("/tmp", Content::Tmp),
            ("/proc", Content::Proc),
        ] {
            if wanted.iter().all(|(given, _)| *given != Path::new(target)) {
                wanted.push((Path::new(target), content));
            }
        }
        let in_root = |(target, content)| Ok((plan.layout.resolve(target)?, target, content));
        let mut ordered = wanted
            .into_iter()
            .map(in_root)
            .collect::<Result<Vec<_>, Failure>>()?;
        ordered.sort_by_key(|(at, ..)| at.components().count());
        for (at, target, content) in ordered {
            // The root's view holds unless it followed links, or another mount lies over it.
            let plain = at == target && plan.layout.covering(&at) == Some(0);
            let at = if plain {
                at
            } else {
                plan.layout.resolve(target)?
            };
            plan.add(at, content)?;
        }
        if let Some(calling) = &spec.calling {
            plan.stand_in(&calling.programs)?;
        }
        let cwd = plan.layout.resolve(&spec.cwd)?;
        plan.layout.ensure(&cwd, true)?;
        Ok(plan)
    }

    /// Puts the launcher in the programs' places.
    fn stand_in(&mut self, programs: &[PathBuf]) -> Result<(), Failure> {
        let launcher = self.assembly.join("launcher");
        fs::write(&launcher, LAUNCHER).blame_at(Step::Skeleton, &launcher)?;
        fs::set_permissions(&launcher, Permissions::from_mode(0o755))
            .blame_at(Step::Skeleton, &launcher)?;
        for program in programs {
            self.layout.replace(program, &launcher)?;
        }
        Ok(())
    }

    fn add(&mut self, at: PathBuf, content: Content<'a>) -> Result<(), Failure> {
        let mut fresh = self.assembly.join(self.layout.layers.len().to_string());
        let mut shows = vec![];
        let mut directory = true;
        match content {
            Content::Root(tree) => shows.push(tree.to_owned()),
            Content::Given(Source::Overlay { lower, upper, .. }) => {
                shows.extend([upper.clone(), lower.clone()]);
            }
            Content::Given(Source::ReadOnly(source)) => {
                directory = is_directory(source)?;
                shows.push(source.clone());
            }
            Content::Given(Source::Writable(source)) => {
                directory = is_directory(source)?;
                fresh.clone_from(source);
                shows.push(source.clone());
            }
            Content::Dev | Content::Tmp => {
                fs::create_dir(&fresh).blame_at(Step::Skeleton, &fresh)?;
                shows.push(fresh.clone());
            }
            Content::Calls(socket) => {
                directory = false;
                shows.push(socket.to_owned());
            }
            Content::Proc => {}
        }
        match content {
            Content::Dev => dev::fill(&fresh)?,
            Content::Tmp => fs::set_permissions(&fresh, Permissions::from_mode(0o1777))
                .blame_at(Step::Tmp, &fresh)?,
            _ => {}
        }
        // The root's own point is the directory that it is assembled on.
        if !matches!(content, Content::Root(_)) {
            self.layout.ensure(&at, directory)?;
        }
        self.layout.layers.push(Layer {
            at,
            shows,
            fresh,
            grown: false,
        });
        self.contents.push(content);
        Ok(())
    }

    fn show(&self, layer: &Layer, content: &Content<'_>) -> Result<(), Failure> {
        let target = self
            .new_root
            .join(layer.at.strip_prefix("/").unwrap_or(&layer.at));
        match content {
            Content::Root(tree) => self.show_read_only(layer, tree, &target, Step::Root),
            Content::Given(Source::ReadOnly(source)) => {
                self.show_read_only(layer, source, &target, Step::Bind)
            }
            Content::Given(Source::Writable(source)) => {
                self.bind(source, &target, Step::Bind, SEALED)
            }
            // Read-only ones can be connected to.
            Content::Calls(socket) => {
                self.bind(socket, &target, Step::Bind, MOUNT_ATTR_RDONLY | SEALED)
            }
            Content::Given(Source::Overlay { lower, upper, work }) => {
                let lowers = [&*layer.fresh, lower];
                let lowers = if layer.grown {
                    age(&layer.fresh, lower).blame_at(Step::MountPoint, &layer.at)?;
                    &lowers[..]
                } else {
                    &lowers[1..]
                };
                mount_union(lowers, Some((upper, work)), &target).blame_at(Step::Overlay, upper)
            }
            Content::Tmp => self.bind(&layer.fresh, &target, Step::Tmp, SEALED),
            Content::Dev => {
                self.bind(&layer.fresh, &target, Step::Dev, SEALED)?;
                dev::mount_devices(&target)
            }
            Content::Proc => {
                // Read-only as a whole: where the caller is root, /proc/sys and others obey the command's user id.
                let flags = MsFlags::MS_NOSUID
                    | MsFlags::MS_NODEV
                    | MsFlags::MS_NOEXEC
                    | MsFlags::MS_RDONLY;
                mount(Some("proc"), &target, Some("proc"), flags, NOTHING)
                    .blame_at(Step::Proc, Path::new("/proc"))
            }
        }
    }

    /// A plain bind where the tree has all mount points; else the missing ones are laid over it.
    fn show_read_only(
        &self,
        layer: &Layer,
        tree: &Path,
        target: &Path,
        step: Step,
    ) -> Result<(), Failure> {
        if layer.grown {
            age(&layer.fresh, tree).blame_at(Step::MountPoint, &layer.at)?;
            return mount_union(&[&layer.fresh, tree], None, target).blame_at(step, tree);
        }
        self.bind(tree, target, step, MOUNT_ATTR_RDONLY | SEALED)
    }

    /// Binds with the mounts below: an ordinary user may not leave them out. `attributes` come on top of the mount's own.
    fn bind(
        &self,
        source: &Path,
        target: &Path,
        step: Step,
        attributes: u64,
    ) -> Result<(), Failure> {
        mount(
            Some(source),
            target,
            NOTHING,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            NOTHING,
        )
        .blame_at(step, source)?;
        if let Ok(inner) = self.assembly.strip_prefix(source) {
            // The half-built root is not to be seen in a folder that happens to hold it.
            umount2(&target.join(inner), MntFlags::MNT_DETACH).blame_at(step, source)?;
        }
        sys::add_mount_attributes(target, attributes).blame_at(step, source)
    }
}

/// Gives the mount points in `fresh` the modification time of the tree that they are laid over: what a command finds does
/// not tell when it was started.
fn age(fresh: &Path, tree: &Path) -> io::Result<()> {
    let times = FileTimes::new().set_modified(fs::metadata(tree)?.modified()?);
    let mut made = vec![fresh.to_owned()];
    // Setting a time does not change the folder above, so the order is all one.
    while let Some(path) = made.pop() {
        File::open(&path)?.set_times(times)?;
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                made.push(entry?.path());
            }
        }
    }
    Ok(())
}

fn is_directory(source: &Path) -> Result<bool, Failure> {
    Ok(fs::metadata(source).blame_at(Step::Bind, source)?.is_dir())
}

//! The folders that the sandbox is made of: what the command sees, and where its outputs go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::order::Order;
use crate::settle::settle;
use crate::{Trouble, sys, trouble};

/// All of it, in `work`.
pub struct Rooms {
    /// Where the worker has put us.
    folder: PathBuf,
    /// The root's folders, the upper ones first.
    pub roots: Vec<PathBuf>,
    pub outputs: Vec<Room>,
    /// Where the command's root is put together.
    pub assembly: PathBuf,
}

/// An output.
pub struct Room {
    /// What the command has written itself.
    pub layer: PathBuf,
    /// What it sees: the layer, or the layer over the root's folder.
    pub shown: PathBuf,
}

impl Rooms {
    pub fn make(order: &Order) -> Result<Rooms, Trouble> {
        let folder = std::env::current_dir().map_err(|error| trouble("find", ".", &error))?;
        let work = folder.join("work");
        make(&work)?;
        let shadow = work.join("shadow");
        make(&shadow)?;
        let root = folder.join("root");
        let mut roots = vec![root.clone()];
        if settle(&root, &shadow, order.mtime)? {
            roots.insert(0, shadow);
        }
        let mut rooms = Rooms {
            folder,
            roots,
            outputs: Vec::new(),
            assembly: work.join("assembly"),
        };
        make(&rooms.assembly)?;
        for (place, output) in order.outputs.iter().enumerate() {
            let at = work.join(place.to_string());
            let room = rooms.room(&at, &output.path, output.over).or_else(|_| {
                // Not every file system can hold an overlay's upper layer. Memory can.
                make(&at)?;
                sys::mount_at(
                    None,
                    &at,
                    Some(c"tmpfs"),
                    sys::MS_NOSUID | sys::MS_NODEV,
                    None,
                )
                .map_err(|error| trouble("mount memory on", &at, &error))?;
                rooms.room(&at, &output.path, output.over)
            })?;
            rooms.outputs.push(room);
        }
        Ok(rooms)
    }

    fn room(&self, at: &Path, path: &Path, over: bool) -> Result<Room, Trouble> {
        let layer = at.join("layer");
        make(&layer)?;
        if !over {
            return Ok(Room {
                shown: layer.clone(),
                layer,
            });
        }
        // Without them it can be mounted, and fails when a folder is removed.
        sys::takes_marks(&layer).map_err(|error| trouble("leave a mark on", &layer, &error))?;
        let (work, shown) = (at.join("work"), at.join("shown"));
        make(&work)?;
        make(&shown)?;
        let lowers = self.below(path);
        let written = Some((&*layer, &*work));
        union(&lowers, written, &shown)
            .map_err(|error| trouble("lay an overlay over", path, &error))?;
        Ok(Room { layer, shown })
    }

    /// What the root has at a path, the upper folders first.
    pub fn below(&self, path: &Path) -> Vec<PathBuf> {
        let below = self.roots.iter().map(|root| root.join(path));
        below.filter(|folder| folder.is_dir()).collect()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves nothing that the worker would have to remove and may not.
    pub fn clear(self) {
        for room in &self.outputs {
            // Those that are no mounts say so.
            let _ = sys::unmount(&room.shown);
            let _ = room.layer.parent().map(sys::unmount);
        }
        let work = self.folder.join("work");
        open_up(&work);
        // What is left is the worker's to remove.
        let _ = fs::remove_dir_all(work);
    }
}

/// Mounts the union of folders, the upper ones first; read-only where nothing is said of what is written.
pub fn union(lowers: &[PathBuf], written: Option<(&Path, &Path)>, target: &Path) -> io::Result<()> {
    let lowers: Vec<String> = lowers.iter().map(|path| escape(path)).collect();
    let mut options = format!(
        "lowerdir={},userxattr,index=off,xino=auto",
        lowers.join(":")
    );
    let mut flags = sys::MS_NOSUID | sys::MS_NODEV;
    match written {
        Some((upper, work)) => {
            let (upper, work) = (escape(upper), escape(work));
            options += &format!(",upperdir={upper},workdir={work},volatile");
        }
        None => flags |= sys::MS_RDONLY,
    }
    sys::mount_at(
        Some("overlay".as_ref()),
        target,
        Some(c"overlay"),
        flags,
        Some(&options),
    )
}

/// overlayfs splits its options at commas, and lower directories at colons.
fn escape(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', r"\\");
    text.replace(':', r"\:").replace(',', r"\,")
}

pub fn make(folder: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(folder).map_err(|error| trouble("make", folder, &error))
}

/// Folders that a command, or overlayfs, has closed to everybody.
fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

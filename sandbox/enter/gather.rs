//! Brings the outputs to `out`, with modes that any worker can read.
//!
//! What the command has written is moved. What it was given is linked, where it can be: the worker knows it already.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::order::Order;
use crate::rooms::{Rooms, make};
use crate::{Trouble, trouble};

/// Fills `out`.
pub fn outputs(order: &Order, rooms: &Rooms) -> Result<(), Trouble> {
    make(&rooms.folder().join("out"))?;
    for (output, room) in order.outputs.iter().zip(&rooms.outputs) {
        let to = rooms.folder().join("out").join(&output.path);
        if let Some(above) = to.parent() {
            make(above)?;
        }
        // An output that began empty is its layer, and goes there as it is.
        if output.over || fs::rename(&room.layer, &to).is_err() {
            let mut sources = vec![room.layer.clone()];
            sources.extend(rooms.below(&output.path));
            folder(&room.shown, &sources, &to)?;
        }
        tidy(&to, &to)?;
    }
    Ok(())
}

/// Fills a folder with all that is shown in another, whose files are in one of the sources.
fn folder(shown: &Path, sources: &[PathBuf], to: &Path) -> Result<(), Trouble> {
    make(to)?;
    open(shown)?;
    for entry in fs::read_dir(shown).map_err(|error| trouble("list", shown, &error))? {
        let entry = entry.map_err(|error| trouble("list", shown, &error))?;
        let (name, path) = (entry.file_name(), entry.path());
        let data = entry
            .metadata()
            .map_err(|error| trouble("stat", &path, &error))?;
        let sources: Vec<PathBuf> = sources.iter().map(|source| source.join(&name)).collect();
        let to = to.join(&name);
        if data.is_dir() {
            folder(&path, &sources, &to)?;
        } else {
            file(&path, &data, &sources, &to).map_err(|error| trouble("take", &path, &error))?;
        }
    }
    Ok(())
}

fn file(shown: &Path, data: &Metadata, sources: &[PathBuf], to: &Path) -> io::Result<()> {
    let [layer, given @ ..] = sources else {
        return Ok(());
    };
    if fs::rename(layer, to).is_ok() {
        return Ok(());
    }
    if fs::symlink_metadata(layer).is_err() {
        for source in given
            .iter()
            .filter(|source| fs::symlink_metadata(source).is_ok())
        {
            if fs::hard_link(source, to).is_ok() {
                return Ok(());
            }
        }
    }
    if data.is_symlink() {
        return symlink(fs::read_link(shown)?, to);
    }
    fs::set_permissions(shown, Permissions::from_mode(data.mode_bits() | 0o400))?;
    fs::copy(shown, to)?;
    fs::set_permissions(to, Permissions::from_mode(data.mode_bits()))
}

/// Gives folders and files plain modes, and refuses what no tree can hold.
fn tidy(path: &Path, output: &Path) -> Result<(), Trouble> {
    open(path)?;
    for entry in fs::read_dir(path).map_err(|error| trouble("list", path, &error))? {
        let entry = entry.map_err(|error| trouble("list", path, &error))?;
        let path = entry.path();
        let data = entry
            .metadata()
            .map_err(|error| trouble("stat", &path, &error))?;
        if data.is_dir() {
            tidy(&path, output)?;
        } else if data.is_file() {
            let mode = if data.mode_bits() & 0o100 != 0 {
                0o755
            } else {
                0o644
            };
            if ![mode, mode & 0o555].contains(&data.mode_bits()) {
                fs::set_permissions(&path, Permissions::from_mode(mode))
                    .map_err(|error| trouble("open", &path, &error))?;
            }
        } else if !data.is_symlink() {
            let inside = path.strip_prefix(output).unwrap_or(&path);
            let what = format!("{} is neither a file, a folder nor a link", inside.display());
            return Err(Trouble::Declined(what));
        }
    }
    Ok(())
}

/// Opens a folder that its owner may not enter.
fn open(folder: &Path) -> Result<(), Trouble> {
    fs::metadata(folder)
        .and_then(|data| match data.mode_bits() {
            0o755 => Ok(()),
            _ => fs::set_permissions(folder, Permissions::from_mode(0o755)),
        })
        .map_err(|error| trouble("open", folder, &error))
}

trait ModeBits {
    fn mode_bits(&self) -> u32;
}

impl ModeBits for Metadata {
    fn mode_bits(&self) -> u32 {
        self.permissions().mode() & 0o7777
    }
}

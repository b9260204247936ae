//! Puts what a call came to in place, as if it had run.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use pwb_cache::{CallResult, Digest, Store};
use rustix::fs::{
    AtFlags, Mode, OFlags, ResolveFlags, chmodat, fchmod, mkdirat, openat, openat2, renameat,
    statat, symlinkat, unlinkat,
};

use crate::error::Result;

/// What a call wrote to its outputs.
pub(crate) struct Said {
    pub output: Vec<u8>,
    pub errors: Vec<u8>,
}

/// Writes the files of a call under `root`, its folders with this mode. `None`, with nothing written, where the store no
/// longer has all of them, or where a file has a second name that the compiler would have written to as well.
pub(crate) fn replay(
    store: &Store,
    root: &File,
    result: &CallResult,
    folders: Mode,
) -> Result<Option<Said>> {
    let read = |digest: Option<Digest>| match digest {
        Some(digest) => store.contents(digest),
        None => Ok(Some(Vec::new())),
    };
    let (Some(output), Some(errors)) = (read(result.output)?, read(result.errors)?) else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for file in &result.files {
        if has_other_names(root, &file.path) {
            return Ok(None);
        }
        match store.contents(file.digest)? {
            Some(bytes) => files.push((file, bytes)),
            None => return Ok(None),
        }
    }
    let written = || -> io::Result<()> {
        for folder in &result.folders {
            let (above, name) = above(root, folder)?;
            mkdirat(&above, name, folders)?;
            chmodat(&above, name, folders, AtFlags::empty())?;
        }
        for (path, target) in &result.links {
            let (above, name) = above(root, path)?;
            symlinkat(target, &above, name)?;
        }
        for (file, bytes) in &files {
            let (above, name) = above(root, &file.path)?;
            put(&above, name, bytes, file.mode)?;
        }
        Ok(())
    };
    written().map_err(|source| {
        let path = root_name();
        pwb_cache::Error::Io {
            verb: "write in",
            path,
            source,
        }
    })?;
    Ok(Some(Said { output, errors }))
}

/// Replaces a file whole: nobody sees half of it.
fn put(above: &File, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = format!(".{name}.pwb");
    // What lies there already might be a fifo that nobody reads.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mut file = File::from(openat(above, &*temporary, flags, Mode::from(0o600))?);
    let written = file
        .write_all(bytes)
        .and_then(|()| Ok(fchmod(&file, Mode::from(mode))?))
        .and_then(|()| Ok(renameat(above, &*temporary, above, name)?));
    if written.is_err() {
        // It would be taken for an output.
        let _ = unlinkat(above, &*temporary, AtFlags::empty());
    }
    written
}

fn has_other_names(root: &File, path: &str) -> bool {
    above(root, path)
        .and_then(|(above, name)| Ok(statat(&above, name, AtFlags::SYMLINK_NOFOLLOW)?))
        .is_ok_and(|stat| stat.st_nlink > 1)
}

/// The folder above a path, and the name in it.
fn above<'p>(root: &File, path: &'p str) -> io::Result<(File, &'p str)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = if folder.is_empty() { "/" } else { folder };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    Ok((
        File::from(openat2(root, folder, flags, Mode::empty(), resolve)?),
        name,
    ))
}

fn root_name() -> std::path::PathBuf {
    Path::new("/").to_owned()
}

//! The gate between an archive's entries and a tree: names, kinds and sizes are checked here, whatever the format.
//! Owners, times, and all of the mode but one bit end here. Knows no format and keeps nothing.

use std::io::Read;
use std::path::Path;

use pwb_cache::TreePath;

use super::error::{Error, Result};

/// How much an archive may hold. What is beyond is taken for an attack or a damage.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Entries of all kinds.
    pub entries: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes after decompression.
    pub total: u64,
    /// Bytes after decompression for each byte of the archive; but `free` of them whatever its size.
    pub ratio: u64,
    /// See `ratio`.
    pub free: u64,
    /// Bytes of contents that wait to be stored; one larger file waits alone.
    pub in_flight: u64,
    /// Threads that decompress, and as many that store.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Limits {
            entries: 2_000_000,
            file: 2 << 30,
            total: 64 << 30,
            ratio: 1000,
            free: 1 << 30,
            in_flight: 128 << 20,
            threads,
        }
    }
}

/// An entry on its way to a tree.
pub(super) struct Member {
    pub(super) path: TreePath,
    pub(super) entry: Entry,
}

pub(super) enum Entry {
    Directory,
    File { executable: bool, contents: Vec<u8> },
    Symlink { target: String },
    HardLink { to: TreePath },
}

/// Takes the consumer's entries; false ends the reading.
pub(super) type Sink<'a> = dyn FnMut(Member) -> bool + 'a;

pub(super) struct Intake<'a> {
    archive: &'a Path,
    strip: u32,
    limits: &'a Limits,
    entries: u64,
    bytes: u64,
    sink: &'a mut Sink<'a>,
}

impl<'a> Intake<'a> {
    /// Of `archive`; `strip` leading components of every path are left out.
    pub(super) fn new(
        archive: &'a Path,
        strip: u32,
        limits: &'a Limits,
        sink: &'a mut Sink<'a>,
    ) -> Intake<'a> {
        Intake {
            archive,
            strip,
            limits,
            entries: 0,
            bytes: 0,
            sink,
        }
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    pub(super) fn archive(&self) -> &'a Path {
        self.archive
    }

    pub(super) fn directory(&mut self, name: &[u8]) -> Result<()> {
        match self.path(name)? {
            Some(path) => self.give(path, Entry::Directory),
            None => Ok(()),
        }
    }

    /// A file of `size` bytes, which `body` has.
    pub(super) fn file(
        &mut self,
        name: &[u8],
        executable: bool,
        size: u64,
        body: &mut dyn Read,
    ) -> Result<()> {
        let Some(path) = self.path(name)? else {
            return Ok(());
        };
        if size > self.limits.file {
            return Err(self.refused(
                name,
                format!(
                    "it has {size} bytes; {} are the most for a file",
                    self.limits.file
                ),
            ));
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.total {
            return Err(self.too_much(name));
        }
        let contents = self.read(name, size, body)?;
        self.give(
            path,
            Entry::File {
                executable,
                contents,
            },
        )
    }

    pub(super) fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<()> {
        let Some(path) = self.path(name)? else {
            return Ok(());
        };
        let target = std::str::from_utf8(target)
            .map_err(|_| self.refused(name, "its target is not UTF-8".into()))?;
        if target.is_empty() || target.contains('\0') {
            return Err(self.refused(name, "its target is not a path".into()));
        }
        self.give(
            path,
            Entry::Symlink {
                target: target.to_owned(),
            },
        )
    }

    pub(super) fn hard_link(&mut self, name: &[u8], to: &[u8]) -> Result<()> {
        let Some(path) = self.path(name)? else {
            return Ok(());
        };
        match self.clean(to)? {
            Some(to) => self.give(path, Entry::HardLink { to }),
            None => Err(self.refused(name, "it is a link to something that is left out".into())),
        }
    }

    pub(super) fn refused(&self, name: &[u8], why: String) -> Error {
        let entry = String::from_utf8_lossy(name).escape_default().to_string();
        Error::Refused {
            archive: self.archive.to_owned(),
            entry,
            why,
        }
    }

    pub(super) fn too_much(&self, name: &[u8]) -> Error {
        self.refused(
            name,
            format!("all in all there are more than {} bytes", self.limits.total),
        )
    }

    /// Counts an entry; its path, `None` for the root and for what `strip` leaves nothing of.
    fn path(&mut self, name: &[u8]) -> Result<Option<TreePath>> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.refused(
                name,
                format!("there are more than {} entries", self.limits.entries),
            ));
        }
        self.clean(name)
    }

    fn clean(&self, name: &[u8]) -> Result<Option<TreePath>> {
        let text = std::str::from_utf8(name)
            .map_err(|_| self.refused(name, "its name is not UTF-8".into()))?;
        if text.starts_with('/') {
            return Err(self.refused(name, "its path is absolute".into()));
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        // TreePath refuses these too; here the parts are seen that `strip` leaves out.
        if parts.contains(&"..") {
            return Err(self.refused(name, "its path has a `..`".into()));
        }
        let kept = parts.get(self.strip as usize..).unwrap_or_default();
        if kept.is_empty() {
            return Ok(None);
        }
        let path = TreePath::parse(&kept.join("/"))
            .map_err(|error| self.refused(name, error.why.to_owned()))?;
        Ok(Some(path))
    }

    fn read(&self, name: &[u8], size: u64, body: &mut dyn Read) -> Result<Vec<u8>> {
        // A header may lie about the size: room is made for large files only as they come.
        const ROOM: u64 = 32 << 20;
        let mut contents = Vec::with_capacity(size.min(ROOM) as usize);
        let damaged = |why: String| Error::Damaged {
            archive: self.archive.to_owned(),
            format: "archive",
            why,
        };
        let entry = || String::from_utf8_lossy(name);
        // To the end, where the archive's own check sum is compared.
        body.take(size.saturating_add(1))
            .read_to_end(&mut contents)
            .map_err(|error| damaged(format!("in `{}`: {error}", entry())))?;
        match contents.len() as u64 {
            got if got < size => Err(damaged(format!(
                "`{}` ends after {got} of {size} bytes",
                entry()
            ))),
            got if got > size => Err(damaged(format!(
                "`{}` goes on after its {size} bytes",
                entry()
            ))),
            _ => Ok(contents),
        }
    }

    fn give(&mut self, path: TreePath, entry: Entry) -> Result<()> {
        match (self.sink)(Member { path, entry }) {
            true => Ok(()),
            false => Err(Error::Stopped),
        }
    }
}

//! Tar archives: sorted, everything root's, all of one time.

use std::io::{self, Read, Write};
use std::path::Path;

use pwb_cache::{Entry, MTIME};
use tar::{Builder, EntryType, Header};

use super::contents::Contents;

/// An archive under construction.
pub struct Tar<W: Write>(Builder<W>);

impl<W: Write> Tar<W> {
    pub fn new(out: W) -> Tar<W> {
        Tar(Builder::new(out))
    }

    /// Adds contents below a folder, which is there already, or at the top.
    pub fn contents(&mut self, below: &str, contents: &Contents) -> io::Result<()> {
        for (name, entry) in &contents.entries {
            let path = match below {
                "" => name.clone(),
                below => format!("{below}/{name}"),
            };
            match entry {
                Entry::Directory(_) => self.directory(&path, 0o755)?,
                Entry::Symlink(target) => self.link(&path, target)?,
                Entry::File { digest, executable } => {
                    let mode = if *executable { 0o755 } else { 0o644 };
                    self.file(&path, mode, digest.size(), contents.open(name)?)?;
                }
            }
        }
        Ok(())
    }

    pub fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        let mut header = header(EntryType::Directory, mode, 0);
        self.0
            .append_data(&mut header, format!("{path}/"), io::empty())
    }

    pub fn file(&mut self, path: &str, mode: u32, size: u64, bytes: impl Read) -> io::Result<()> {
        let mut header = header(EntryType::Regular, mode, size);
        self.0.append_data(&mut header, path, bytes)
    }

    fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, Path::new(target))
    }

    /// Ends the archive.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner()
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MTIME.unsigned_abs());
    header
}

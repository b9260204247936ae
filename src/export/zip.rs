//! Zip archives: sorted, all of zip's first day.

use std::io::{self, Seek, Write};

use pwb_cache::Entry;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::contents::Contents;

/// Writes contents below a folder.
pub fn write(contents: &Contents, below: &str, out: impl Write + Seek) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let options = |mode: u32, size: u64| {
        SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(mode)
            .large_file(size > u32::MAX.into())
    };
    zip.add_directory(below, options(0o755, 0))?;
    for (name, entry) in &contents.entries {
        let path = format!("{below}/{name}");
        match entry {
            Entry::Directory(_) => zip.add_directory(path, options(0o755, 0))?,
            Entry::Symlink(target) => zip.add_symlink(path, target, options(0o777, 0))?,
            Entry::File { digest, executable } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                zip.start_file(path, options(mode, digest.size()))?;
                io::copy(&mut contents.open(name)?, &mut zip)?;
            }
        }
    }
    zip.finish()?.flush()
}

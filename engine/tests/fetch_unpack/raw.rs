//! Tar archives of raw headers.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A tar archive of raw headers, which the tar crate itself would not write.
#[derive(Default)]
pub struct Raw(pub Vec<u8>);

impl Raw {
    pub fn add(mut self, kind: u8, name: &[u8], link: &[u8], contents: &[u8]) -> Raw {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self.0.extend(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: &str, contents: &[u8]) -> Raw {
        self.add(b'0', name.as_bytes(), b"", contents)
    }

    pub fn write(mut self, folder: &TempDir) -> PathBuf {
        self.0.resize(self.0.len() + 1024, 0);
        let path = folder.path().join("raw.tar");
        fs::write(&path, self.0).unwrap();
        path
    }
}

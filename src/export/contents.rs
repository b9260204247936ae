//! What is exported: a tree, and the folder of the store where its files are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use pwb_cache::Entry;
use pwb_engine::{Realized, Store};

use crate::report::Failure;

/// A result's contents.
#[derive(Debug)]
pub struct Contents {
    /// By path; a directory comes before what is in it.
    pub entries: BTreeMap<String, Entry>,
    folder: PathBuf,
}

impl Contents {
    pub fn of(store: &Store, result: &Realized) -> Result<Contents, Failure> {
        Ok(Contents {
            entries: store.entries(result.tree)?,
            folder: result.path.clone(),
        })
    }

    /// Where a file is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// A file, to be read.
    pub fn open(&self, path: &str) -> io::Result<File> {
        let path = self.path(path);
        File::open(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

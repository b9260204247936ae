//! What a command says, wherever it runs: into its log, and to whoever watches.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use pwb_cache::fs;

use super::Context;
use super::kept::Kept;
use crate::error::Result;
use crate::event::Happening;

/// What is kept of a log that grows without end, in bytes: of its beginning, and of its end.
const BEGINNING: usize = 64 << 20;
const END: usize = 1 << 20;

/// A command's log, open for writing.
pub(super) struct Log<'a> {
    context: &'a Context<'a>,
    path: PathBuf,
    file: Kept<File>,
    written: io::Result<()>,
}

impl Context<'_> {
    /// Starts the log of the step's command, and says that it has started.
    pub(super) fn open_log(&self) -> Result<Log<'_>> {
        let path = self.log.clone();
        let file = Kept::new(fs::create(&path)?, BEGINNING, END);
        self.started(Some(path.clone()));
        Ok(Log {
            context: self,
            path,
            file,
            written: Ok(()),
        })
    }
}

impl Log<'_> {
    /// Takes what the command says. A log that cannot be written to does not stop it.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.written.is_ok() {
            self.written = self.file.take(bytes);
        }
        self.context.tell(Happening::Output(bytes.to_vec()));
    }

    /// Ends it; an error if not all was written.
    pub fn finish(self) -> Result<()> {
        let path = self.path;
        let (verb, file) = ("write", self.file);
        Ok(self
            .written
            .and_then(|()| file.finish())
            .map_err(|source| pwb_cache::Error::Io { verb, path, source })?)
    }
}

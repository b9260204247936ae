//! A file that a person has written, replaced by a changed one: whole or not at all.

use std::io::Write;
use std::path::Path;

use crate::report::Failure;

/// Puts `text` in the file's place. Its permissions stay, and a link to it stays one.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        let path = path.canonicalize()?;
        let permissions = path.metadata()?.permissions();
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::Builder::new()
            .prefix(".pwb-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| {
        Failure::Message(format!("cannot write {}: {error}", path.display()), None)
    })
}

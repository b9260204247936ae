//! `pwb cat`: a file of a result, as it lies in the store.

use std::fs::File;
use std::io::{ErrorKind, Write, copy, stdout};
use std::process::ExitCode;

use pwb_cache::{Blob, Entry};

use crate::artifact::Artifacts;
use crate::cli::{Cat, Cli};
use crate::report::Failure;

pub fn run(cli: &Cli, arguments: &Cat) -> Result<ExitCode, Failure> {
    let artifacts = Artifacts::begin(cli, &arguments.options, &arguments.sharing)?;
    let text = &arguments.artifact;
    let (digest, executable) = match artifacts.find(text)? {
        Entry::File { digest, executable } => (digest, executable),
        Entry::Directory(_) => {
            let message = format!("`{text}` is a folder");
            return Err(Failure::new(message, format!("pwb ls {text}")));
        }
        Entry::Symlink(target) => {
            let message = format!("`{text}` is a link to `{target}`");
            return Err(Failure::new(message, "name the path that it leads to"));
        }
    };
    let copied = match artifacts.blob(digest, executable)? {
        Blob::Bytes(bytes) => stdout().write_all(&bytes),
        Blob::File(path) => {
            File::open(path).and_then(|mut file| copy(&mut file, &mut stdout()).map(drop))
        }
    };
    match copied {
        // A reader that has gone away has seen what it wanted.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot print `{text}`: {error}");
            Err(Failure::Message(message, None))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

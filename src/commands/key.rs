//! `pwb key`: keys that results are signed with.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use pwb_remote::SecretKey;

use super::say;
use crate::cli::{Key, KeyCommand};
use crate::report::Failure;

pub fn run(arguments: &Key) -> Result<ExitCode, Failure> {
    let KeyCommand::Generate { name, file } = &arguments.command;
    let secret = SecretKey::generate(name)?;
    write(file, &secret.reveal()).map_err(|error| {
        Failure::new(
            format!("cannot write {}: {error}", file.display()),
            "name a file that is not there yet, in a folder that you may write to",
        )
    })?;
    say(secret.public());
    Ok(ExitCode::SUCCESS)
}

/// A key that is there already is not replaced, and nobody else may read the new one.
fn write(file: &Path, secret: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

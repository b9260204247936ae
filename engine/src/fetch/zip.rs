//! Zip archives, by their central directory. What may enter a tree is the intake's matter.

use std::io::{BufRead, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::error::{Error, Result};
use super::intake::Intake;

const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Reads all entries of the archive in `reader`.
pub(super) fn read(reader: impl BufRead + Seek, intake: &mut Intake<'_>) -> Result<()> {
    let path = intake.archive().to_owned();
    let damaged = |error: ZipError| Error::Damaged {
        archive: path.clone(),
        format: "zip archive",
        why: error.to_string(),
    };
    let mut archive = ZipArchive::new(reader).map_err(damaged)?;
    if archive.has_duplicate_names() {
        return Err(intake.refused(b"", "two entries have one name".into()));
    }
    if archive.has_overlapping_files().map_err(damaged)? {
        return Err(intake.refused(b"", "entries share their bytes".into()));
    }
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(damaged)?;
        let name = file.name_raw().to_owned();
        // Made on a system without such modes: all is plain files and folders.
        let mode = file.unix_mode().unwrap_or(0);
        let (size, executable) = (file.size(), mode & 0o100 != 0);
        match mode & KIND {
            _ if file.is_dir() => intake.directory(&name)?,
            FOLDER => intake.directory(&name)?,
            0 | REGULAR => intake.file(&name, executable, size, &mut file)?,
            LINK => {
                const LONGEST: u64 = 4096;
                let mut target = Vec::new();
                file.take(LONGEST)
                    .read_to_end(&mut target)
                    .map_err(|error| damaged(error.into()))?;
                intake.symlink(&name, &target)?;
            }
            _ => {
                let why = "it is neither a file, a folder nor a link";
                return Err(intake.refused(&name, why.into()));
            }
        }
    }
    Ok(())
}

//! Tar archives: ustar, GNU's long names, pax records. Compression is the codec's matter, what may enter a tree the intake's.

use std::io::{self, BufRead, ErrorKind, Read};

use tar::{Archive, EntryType};

use super::codec;
use super::error::{Error, Result};
use super::intake::Intake;

/// The size of a decoder's pieces: larger than a header, so that not every header is a call.
const BUFFER: usize = 256 << 10;

/// Reads all entries of the archive in `reader`, and then to its end, for its check sums.
pub(super) fn read(reader: impl BufRead, intake: &mut Intake<'_>) -> Result<()> {
    let path = intake.archive().to_owned();
    let damaged = |error: io::Error| match error.kind() {
        ErrorKind::OutOfMemory => Error::io("unpack", &path)(error),
        _ => Error::Damaged {
            archive: path.clone(),
            format: "tar archive",
            why: error.to_string(),
        },
    };
    let decoder = codec::decode(reader, intake.limits().threads).map_err(damaged)?;
    let mut bytes = io::BufReader::with_capacity(BUFFER, decoder).take(intake.limits().total);
    let outcome = entries(&mut bytes, intake, &damaged).and_then(|()| {
        io::copy(&mut bytes, &mut io::sink())
            .map(drop)
            .map_err(damaged)
    });
    match outcome {
        // The decoder was cut off, or would have been.
        Err(Error::Damaged { .. }) | Ok(()) if bytes.limit() == 0 => Err(intake.too_much(b"")),
        outcome => outcome,
    }
}

fn entries(
    bytes: &mut impl Read,
    intake: &mut Intake<'_>,
    damaged: &dyn Fn(io::Error) -> Error,
) -> Result<()> {
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                refuse_pax_sparse(&mut entry, &name, intake, damaged)?;
                // Before POSIX a directory was a file whose name ends so.
                if name.ends_with(b"/") {
                    intake.directory(&name)?;
                    continue;
                }
                let executable = entry.header().mode().map_err(damaged)? & 0o100 != 0;
                let size = entry.size();
                intake.file(&name, executable, size, &mut entry)?;
            }
            EntryType::Directory => intake.directory(&name)?,
            EntryType::Symlink => {
                intake.symlink(&name, &entry.link_name_bytes().unwrap_or_default())?
            }
            EntryType::Link => {
                intake.hard_link(&name, &entry.link_name_bytes().unwrap_or_default())?
            }
            EntryType::XGlobalHeader => {}
            EntryType::Char | EntryType::Block => {
                return Err(intake.refused(&name, "it is a device".into()));
            }
            EntryType::Fifo => return Err(intake.refused(&name, "it is a fifo".into())),
            other => {
                let code = char::from(other.as_byte()).escape_default();
                return Err(intake.refused(&name, format!("it is of the unknown kind `{code}`")));
            }
        }
    }
    Ok(())
}

/// The tar crate knows GNU's old form of sparse files only, and would take the newer one's map for contents.
fn refuse_pax_sparse<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    name: &[u8],
    intake: &Intake<'_>,
    damaged: &dyn Fn(io::Error) -> Error,
) -> Result<()> {
    let Some(records) = entry.pax_extensions().map_err(damaged)? else {
        return Ok(());
    };
    for record in records {
        if record
            .map_err(damaged)?
            .key_bytes()
            .starts_with(b"GNU.sparse.")
        {
            return Err(intake.refused(name, "it is a sparse file".into()));
        }
    }
    Ok(())
}

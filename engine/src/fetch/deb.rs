//! Debian packages (deb(5)): an `ar` archive whose `data.tar` member has the files. The maintainer scripts, in another
//! member, are not looked at.

use std::io::{BufRead, Read};
use std::path::Path;

use super::error::{Error, Result};

const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Name 16, time 12, owner 6, group 6, mode 8, size 10, end 2.
const HEADER: usize = 60;

/// The `data.tar` member, still compressed, of the package in `reader`.
pub(super) fn data<R: BufRead>(mut reader: R, archive: &Path) -> Result<impl BufRead + use<R>> {
    let damaged = |why: &str| Error::Damaged {
        archive: archive.to_owned(),
        format: "Debian package",
        why: why.to_owned(),
    };
    let ended = |_| damaged("it ends before its files");
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).map_err(ended)?;
    if &magic != MAGIC {
        return Err(damaged("it is not an ar archive"));
    }
    loop {
        let mut header = [0; HEADER];
        reader.read_exact(&mut header).map_err(ended)?;
        let (name, size) =
            member(&header).ok_or_else(|| damaged("a member's header is malformed"))?;
        if name.starts_with("data.tar") {
            return Ok(reader.take(size));
        }
        // Members begin at even offsets.
        let skip = size + size % 2;
        let skipped = std::io::copy(&mut reader.by_ref().take(skip), &mut std::io::sink())
            .map_err(Error::io("read", archive))?;
        if skipped < skip {
            return Err(damaged("it ends before its files"));
        }
    }
}

/// A member's name and size.
fn member(header: &[u8; HEADER]) -> Option<(&str, u64)> {
    let text = std::str::from_utf8(header)
        .ok()
        .filter(|text| text.is_ascii() && text.ends_with("`\n"))?;
    // GNU ar ends a name with a slash.
    let name = text[..16].trim_end().trim_end_matches('/');
    Some((name, text[48..58].trim_end().parse().ok()?))
}

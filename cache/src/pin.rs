//! What a living process relies on. It is written into the process's folder before it is looked for, so that whoever
//! collects garbage spares it; with the process it is forgotten.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::fs;
use crate::gate::Passage;

/// Something that is to stay.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Pin {
    /// A file or a message.
    Object(Digest),
    /// A tree with all that it names.
    Tree(TreeDigest),
}

/// How long a server relies on what its clients have asked for: as long as they do at least.
const HOURS: Duration = Duration::from_secs(3 * 3600);

/// A kind, then a digest's row.
const RECORD: usize = 41;

/// The pins of one process.
#[derive(Debug)]
pub(crate) struct Pins {
    folder: PathBuf,
    file: Option<File>,
    /// How long the file is, in bytes: whole records, whatever a write that failed has left behind them.
    length: u64,
    written: HashSet<Pin>,
    begun: Instant,
}

impl Pins {
    /// None yet, in a process's folder.
    pub fn new(folder: &Path) -> Pins {
        Pins {
            folder: folder.to_owned(),
            file: None,
            length: 0,
            written: HashSet::new(),
            begun: Instant::now(),
        }
    }

    /// Whether all of these were written, and lately enough.
    pub fn has(&self, pins: &[Pin], serving: bool) -> bool {
        !self.are_old(serving) && pins.iter().all(|pin| self.written.contains(pin))
    }

    /// Adds pins, in the gate.
    pub fn add(&mut self, _in: &Passage<'_>, pins: &[Pin], serving: bool) -> Result<()> {
        if self.are_old(serving) {
            self.turn_over()?;
        }
        let mut new: Vec<Pin> = pins.to_vec();
        new.retain(|pin| !self.written.contains(pin));
        if new.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(new.len() * RECORD);
        for pin in &new {
            let (kind, digest) = match pin {
                Pin::Object(digest) => (0, *digest),
                Pin::Tree(tree) => (1, tree.digest()),
            };
            records.push(kind);
            records.extend(digest.to_row());
        }
        let path = self.folder.join(PINS);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&path)?),
        };
        // What was torn is written over by the next record, and so the parser never gets out of step.
        file.write_all_at(&records, self.length)
            .map_err(Error::io("write", &path))?;
        self.length += records.len() as u64;
        self.written.extend(new);
        Ok(())
    }

    fn are_old(&self, serving: bool) -> bool {
        serving && self.begun.elapsed() > HOURS
    }

    /// A process that never ends forgets what it has not relied on for long.
    fn turn_over(&mut self) -> Result<()> {
        let path = self.folder.join(PINS);
        if self.file.is_some() {
            fs::rename(&path, &self.folder.join(OLDER))?;
            self.file = None;
            self.length = 0;
        }
        self.written.clear();
        self.begun = Instant::now();
        Ok(())
    }
}

const PINS: &str = "pins";
const OLDER: &str = "pins.older";

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    file.map_err(Error::io("create", path))
}

/// What all processes rely on that have folders in `tmp`. It is all there is while the gate is closed.
pub(crate) fn read_all(tmp: &Path) -> Result<HashSet<Pin>> {
    let mut all = HashSet::new();
    for entry in fs::read_dir(tmp)? {
        for name in [PINS, OLDER] {
            let path = entry.path().join(name);
            match std::fs::read(&path) {
                Ok(bytes) => all.extend(parse(&bytes)),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => return Err(Error::io("read", &path)(error)),
            }
        }
    }
    Ok(all)
}

fn parse(bytes: &[u8]) -> impl Iterator<Item = Pin> {
    let (records, _) = bytes.as_chunks::<RECORD>();
    records.iter().filter_map(|record| {
        let (kind, digest) = record.split_first()?;
        let digest = Digest::from_row(*digest.first_chunk()?);
        Some(match kind {
            0 => Pin::Object(digest),
            _ => Pin::Tree(TreeDigest::from_digest(digest)),
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::gate::Gate;

    #[test]
    fn what_a_write_on_a_full_disk_has_left_hides_no_later_pin() {
        let tmp = tempfile::tempdir().unwrap();
        let (gate, folder) = (Gate::new(tmp.path()), tmp.path().join("1-0"));
        fs::create_dir(&folder).unwrap();
        let pin = |text: &str| Pin::Object(Digest::of(text.as_bytes()));
        let mut pins = Pins::new(&folder);
        let passage = gate.pass().unwrap();
        let mut expected = HashSet::new();
        for (name, torn) in [("a", 0), ("b", 20), ("c", RECORD + 20), ("d", 1)] {
            let path = folder.join(PINS);
            let mut file = OpenOptions::new().create(true).append(true).open(path);
            file.as_mut().unwrap().write_all(&vec![0; torn]).unwrap();
            pins.add(&passage, &[pin(name)], false).unwrap();
            expected.insert(pin(name));
            let found = read_all(tmp.path()).unwrap();
            assert!(found.is_superset(&expected), "{name}: {found:?}");
        }
    }

    #[test]
    fn pins_are_read_back_and_a_server_forgets_the_old_ones() {
        let tmp = tempfile::tempdir().unwrap();
        let (gate, folder) = (Gate::new(tmp.path()), tmp.path().join("1-0"));
        fs::create_dir(&folder).unwrap();
        fs::write(&tmp.path().join("1-0.lock"), b"").unwrap();
        let pin = |text: &str| Pin::Object(Digest::of(text.as_bytes()));
        let tree = Pin::Tree(TreeDigest::from_digest(Digest::of(b"tree")));
        let mut pins = Pins::new(&folder);
        let passage = gate.pass().unwrap();
        assert!(!pins.has(&[pin("a")], true));
        pins.add(&passage, &[pin("a"), tree], true).unwrap();
        assert!(pins.has(&[pin("a"), tree], true));
        assert_eq!(read_all(tmp.path()).unwrap(), [pin("a"), tree].into());
        for (name, expected) in [
            ("b", [pin("a"), tree, pin("b")].as_slice()),
            ("c", &[pin("b"), pin("c")]),
        ] {
            pins.turn_over().unwrap();
            pins.add(&passage, &[pin(name)], true).unwrap();
            let expected: HashSet<Pin> = expected.iter().copied().collect();
            assert_eq!(read_all(tmp.path()).unwrap(), expected);
        }
    }
}

//! What is at a path inside a sandbox, looked at from outside through the sandbox' root directory.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pwb_cache::Digest;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2, readlinkat};
use rustix::io::Errno;

/// A file that changed more recently may change again without a trace: clocks of file systems tick in steps.
const TICK: Duration = Duration::from_millis(50);

/// Files that are larger, in bytes, are not read: they would have to be held in memory.
const LARGEST: u64 = 1 << 30;

/// What the kernel reads of a script to find its interpreter.
const LONGEST_LINE: u64 = 256;

/// What is at a path.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum State {
    Absent,
    /// Its contents, and its permission bits.
    File(Digest, u32),
    Link(PathBuf),
    Folder,
    /// A fifo or a socket: what comes out of it is another's word.
    Stream,
    /// A device; or a link on the way.
    Other,
}

/// A file as the kernel tells it from others, and from itself before a change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents {
    pub digest: Digest,
    pub mentions: Mentions,
}

/// What of the C preprocessor's clocks a file names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mentions {
    /// `__DATE__` or `__TIME__`.
    pub date: bool,
    /// `__TIMESTAMP__`.
    pub timestamp: bool,
}

/// Contents of files that have been read, by identity.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<HashMap<Identity, Contents>>);

/// The files of a sandbox.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    root: &'a File,
    memo: &'a Memo,
}

impl<'a> View<'a> {
    pub fn new(root: &'a File, memo: &'a Memo) -> View<'a> {
        View { root, memo }
    }

    /// What is at a path; a link at its end is not followed, and one on the way makes it [`State::Other`].
    pub fn state(&self, path: &Path) -> io::Result<State> {
        let Some((file, stat)) = self.find(path)? else {
            return Ok(State::Absent);
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {
                State::File(self.contents_of(path, &stat)?.digest, stat.st_mode & 0o777)
            }
            FileType::Directory => State::Folder,
            FileType::Symlink if stat.st_size >= 0 => {
                let target = readlinkat(&file, "", Vec::new())?;
                State::Link(PathBuf::from(OsString::from_vec(target.into_bytes())))
            }
            FileType::Fifo | FileType::Socket => State::Stream,
            _ => State::Other,
        })
    }

    /// The same without reading a file: its identity stands for it.
    pub fn glance(&self, path: &Path) -> io::Result<Glance> {
        let Some((file, stat)) = self.find(path)? else {
            return Ok(Glance::Absent);
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Glance::File(Identity::of(&stat)),
            FileType::Directory => Glance::Folder,
            FileType::Symlink if stat.st_size >= 0 => {
                let target = readlinkat(&file, "", Vec::new())?;
                Glance::Link(PathBuf::from(OsString::from_vec(target.into_bytes())))
            }
            FileType::Fifo | FileType::Socket => Glance::Stream,
            _ => Glance::Other,
        })
    }

    /// The names in a directory, as a digest; `None` where there is none.
    pub fn listing(&self, path: &Path) -> io::Result<Option<Digest>> {
        let names = self.names(path)?;
        Ok(names.map(|names| Digest::of(&names.join(&0))))
    }

    /// The names in a directory, in order, with `.` and `..`; `None` where there is none.
    pub fn names(&self, path: &Path) -> io::Result<Option<Vec<Vec<u8>>>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match self.open(path, flags) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut names = Vec::new();
        for entry in Dir::new(folder)? {
            names.push(entry?.file_name().to_bytes().to_vec());
        }
        names.sort();
        Ok(Some(names))
    }

    /// The contents of the regular file at a path.
    pub fn contents(&self, path: &Path) -> io::Result<Contents> {
        let (_, stat) = self
            .find(path)?
            .ok_or_else(|| io::Error::from(Errno::NOENT))?;
        self.contents_of(path, &stat)
    }

    /// What runs the script at a path; `None` for anything else.
    pub fn interpreter(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        let Ok((file, _)) = self.regular(path) else {
            return Ok(None);
        };
        let mut line = Vec::new();
        file.take(LONGEST_LINE).read_to_end(&mut line)?;
        let Some(line) = line.strip_prefix(b"#!") else {
            return Ok(None);
        };
        let mut words = line
            .split(|byte| b" \t\n\0".contains(byte))
            .filter(|word| !word.is_empty());
        Ok(words
            .next()
            .map(|word| PathBuf::from(OsString::from_vec(word.to_vec()))))
    }

    /// The bytes and permission bits of the regular file at a path.
    pub fn read(&self, path: &Path) -> io::Result<(Vec<u8>, u32)> {
        let (file, stat) = self.regular(path)?;
        let mut bytes = Vec::new();
        if file.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok((bytes, stat.st_mode & 0o777))
    }

    /// The regular file at a path, open. What has taken its place meanwhile (a fifo, say) is not waited for.
    fn regular(&self, path: &Path) -> io::Result<(File, Stat)> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = self.open(path, flags)?;
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
            || stat.st_size.cast_unsigned() > LARGEST
        {
            return Err(io::Error::other("no file to read"));
        }
        Ok((file.into(), stat))
    }

    fn contents_of(&self, path: &Path, stat: &Stat) -> io::Result<Contents> {
        let identity = Identity::of(stat);
        let memo = || self.memo.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contents) = memo().get(&identity) {
            return Ok(*contents);
        }
        // Asked before it is read: what is written to it from here on shows.
        let settled = identity.is_settled();
        let (bytes, _) = self.read(path)?;
        let contents = Contents {
            digest: Digest::of(&bytes),
            mentions: Mentions::of(&bytes),
        };
        if settled {
            memo().insert(identity, contents);
        }
        Ok(contents)
    }

    /// What is at a path, open for nothing but questions.
    fn find(&self, path: &Path) -> io::Result<Option<(rustix::fd::OwnedFd, Stat)>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match self.open(path, flags) {
            Ok(file) => {
                let stat = fstat(&file)?;
                Ok(Some((file, stat)))
            }
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(Errno::LOOP) => {
                // A link on the way: nothing of its own is here.
                let file = self.open(Path::new("/"), OFlags::PATH | OFlags::CLOEXEC)?;
                let mut stat = fstat(&file)?;
                (stat.st_mode, stat.st_size) = (0o120_000, -1);
                Ok(Some((file, stat)))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn open(&self, path: &Path, flags: OFlags) -> rustix::io::Result<rustix::fd::OwnedFd> {
        let resolve =
            ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(self.root, path, flags, Mode::empty(), resolve)
    }
}

/// What is at a path, a file by its identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Glance {
    Absent,
    File(Identity),
    Link(PathBuf),
    Folder,
    Stream,
    Other,
}

impl Identity {
    fn of(stat: &Stat) -> Identity {
        Identity {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size.cast_unsigned(),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether a later change would show.
    fn is_settled(&self) -> bool {
        let changed = Duration::new(self.changed.0.unsigned_abs(), self.changed.1 as u32);
        SystemTime::now()
            .duration_since(UNIX_EPOCH + changed)
            .is_ok_and(|age| age > TICK)
    }
}

impl Mentions {
    pub fn of(bytes: &[u8]) -> Mentions {
        let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
        Mentions {
            date: has("__DATE__") || has("__TIME__"),
            timestamp: has("__TIMESTAMP__"),
        }
    }
}

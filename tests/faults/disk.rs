//! A disk that remembers the order of all that was written to it, and so can be had as a loss of power would have left it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use fastrand::Rng;
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation,
    INodeNo, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyWrite,
    Request, WriteFlags,
};

/// What is written whole, or not at all.
const BLOCK: usize = 4096;
const NAME: &str = "disk";
const FILE: INodeNo = INodeNo(2);

/// What reached the disk.
pub enum Write {
    /// Bytes, in its cache so far.
    Bytes { at: u64, bytes: Vec<u8> },
    /// All before this is safe.
    Flush,
}

struct Contents {
    now: Vec<u8>,
    log: Vec<Write>,
}

/// The disk; the file `disk` in a folder as long as it is attached.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Contents>>);

impl Disk {
    /// One that holds what the image has.
    pub fn new(image: &Path) -> Disk {
        let now = fs::read(image).unwrap();
        Disk(Arc::new(Mutex::new(Contents {
            now,
            log: Vec::new(),
        })))
    }

    /// Puts it into a folder, until the session is dropped.
    pub fn attach(&self, folder: &Path) -> BackgroundSession {
        fuser::spawn_mount(self.clone(), folder, &Config::default()).unwrap()
    }

    /// How much was written so far, as a place in the log.
    pub fn place(&self) -> usize {
        self.contents().log.len()
    }

    /// All that was written.
    pub fn log(&self) -> Vec<Write> {
        std::mem::take(&mut self.contents().log)
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }
}

/// Writes all of these.
pub fn replay(image: &File, log: &[Write]) {
    for write in log {
        if let Write::Bytes { at, bytes } = write {
            image.write_all_at(bytes, *at).unwrap();
        }
    }
}

/// Writes blocks of these as they come out of a disk's cache, each or not, until there is no power.
pub fn replay_some(image: &File, log: &[Write], random: &mut Rng) {
    for write in log {
        let Write::Bytes { at, bytes } = write else {
            continue;
        };
        for (number, block) in bytes.chunks(BLOCK).enumerate() {
            if random.bool() {
                let at = at + u64::try_from(number * BLOCK).unwrap();
                image.write_all_at(block, at).unwrap();
            }
        }
    }
}

impl Disk {
    fn attributes(&self, inode: INodeNo) -> FileAttr {
        let root = inode == INodeNo::ROOT;
        FileAttr {
            ino: inode,
            size: if root {
                0
            } else {
                self.contents().now.len() as u64
            },
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if root {
                FileType::Directory
            } else {
                FileType::RegularFile
            },
            perm: if root { 0o755 } else { 0o600 },
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            flags: 0,
            blksize: 4096,
        }
    }
}

/// How long the kernel may remember that the file is there.
const LONG: Duration = Duration::from_secs(3600);

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == NAME {
            reply.entry(&LONG, &self.attributes(FILE), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&LONG, &self.attributes(inode));
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let contents = self.contents();
        let begin = usize::try_from(offset).unwrap().min(contents.now.len());
        let end = (begin + size as usize).min(contents.now.len());
        reply.data(&contents.now[begin..end]);
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut contents = self.contents();
        let begin = usize::try_from(offset).unwrap();
        let Some(place) = contents.now.get_mut(begin..begin + data.len()) else {
            return reply.error(Errno::ENOSPC);
        };
        place.copy_from_slice(data);
        contents.log.push(Write::Bytes {
            at: offset,
            bytes: data.to_vec(),
        });
        reply.written(u32::try_from(data.len()).unwrap());
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.contents().log.push(Write::Flush);
        reply.ok();
    }
}

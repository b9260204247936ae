//! A program's output, as somebody else writes to it: for no longer than that one is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};

use crate::sys;

/// Whether it is a file, a pipe, a socket or `/dev/null`: who writes to something else, as an event counter or a terminal, may
/// never come back.
pub(crate) fn is_plain(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    let null = kind.is_char_device() && metadata.rdev() == fs::metadata("/dev/null")?.rdev();
    Ok(kind.is_file() || kind.is_fifo() || kind.is_socket() || null)
}

/// Writes all of it to a plain output, waiting for whoever reads. Once `caller` is closed that is an error: nobody may read any
/// more, and the output be open all the same.
pub(crate) fn write(file: &File, mut bytes: &[u8], caller: &UnixStream) -> io::Result<()> {
    if !is_plain(file)? {
        return Err(ErrorKind::Unsupported.into());
    }
    let kind = file.metadata()?.file_type();
    if bytes.is_empty() {
        return Ok(());
    }
    if !kind.is_fifo() && !kind.is_socket() {
        return (&*file).write_all(bytes);
    }
    // Opened anew, a pipe need not be waited for, and its other writers notice nothing.
    let pipe = kind.is_fifo().then(|| open_unwaiting(file)).transpose()?;
    while !bytes.is_empty() {
        wait(file, caller)?;
        let written = match &pipe {
            Some(pipe) => (&*pipe).write(bytes),
            None => {
                let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
                send(sys::raw(file), bytes, flags).map_err(io::Error::from)
            }
        };
        match written {
            Ok(count) => bytes = &bytes[count..],
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open_unwaiting(pipe: &File) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NONBLOCK);
    let opened = options.open(sys::by_descriptor(pipe));
    opened.map_err(|error| match error.raw_os_error() {
        // What the kernel says of a pipe that nobody reads.
        Some(libc::ENXIO) => ErrorKind::BrokenPipe.into(),
        _ => error,
    })
}

/// Waits until something can be written.
fn wait(file: &File, caller: &UnixStream) -> io::Result<()> {
    let mut both = [
        PollFd::new(file.as_fd(), PollFlags::POLLOUT),
        PollFd::new(caller.as_fd(), sys::HUNG_UP),
    ];
    match poll(&mut both, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    match both[1].any() {
        Some(false) => Ok(()),
        _ => Err(ErrorKind::ConnectionAborted.into()),
    }
}

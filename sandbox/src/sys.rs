//! The system calls that need `unsafe`, each behind a safe function: the only unsafe code of the project.
//!
//! Knows nothing of sandboxes; every function says what it does to this process and no more.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::PollFlags;
use nix::sched::CloneFlags;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::{ForkResult, Pid};

use crate::spec::Usage;

/// Whoever has the other end of a socket has said its last word: a flag that nix lacks, so that what is polled for it comes
/// out as unknown.
pub(crate) const HUNG_UP: PollFlags = PollFlags::from_bits_retain(libc::POLLRDHUP);

/// Forks a process that must have one thread only, into new namespaces.
pub(crate) fn fork_into(namespaces: CloneFlags) -> nix::Result<ForkResult> {
    let flags = libc::c_long::from(namespaces.bits() | libc::SIGCHLD);
    // SAFETY: without a stack the child goes on with a copy of this one, as after fork(2). The nursery never starts a thread,
    // so no lock can be held by a thread that the child lacks.
    let child = Errno::result(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    Ok(match i32::try_from(child).unwrap_or_default() {
        0 => ForkResult::Child,
        child => ForkResult::Parent {
            child: Pid::from_raw(child),
        },
    })
}

/// Waits for a child; what it and all that it has waited for have used.
pub(crate) fn reap(child: Pid) -> nix::Result<Usage> {
    // SAFETY: all zero is a value of this plain struct, and the call writes it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        Errno::result(libc::wait4(
            child.as_raw(),
            std::ptr::null_mut(),
            0,
            &raw mut used,
        ))?;
        used
    };
    let part = |number: libc::c_long| u64::try_from(number).unwrap_or(0);
    let duration = |time: libc::timeval| {
        Duration::from_secs(part(time.tv_sec)) + Duration::from_micros(part(time.tv_usec))
    };
    Ok(Usage {
        user: duration(used.ru_utime),
        system: duration(used.ru_stime),
        max_rss_bytes: part(used.ru_maxrss) * 1024,
    })
}

/// Moves descriptor 0 to 3, close-on-exec, and closes everything above it.
pub(crate) fn take_control() -> nix::Result<OwnedFd> {
    const CONTROL: i32 = 3;
    // SAFETY: called first thing in the nursery, when nothing in this process owns a descriptor above 2.
    unsafe {
        Errno::result(libc::dup3(0, CONTROL, libc::O_CLOEXEC))?;
        // By number: old C libraries have no wrapper.
        Errno::result(libc::syscall(
            libc::SYS_close_range,
            CONTROL + 1,
            libc::c_uint::MAX,
            0,
        ))?;
        Ok(OwnedFd::from_raw_fd(CONTROL))
    }
}

/// Owns a descriptor that came over a socket.
pub(crate) fn received(descriptor: i32) -> OwnedFd {
    // SAFETY: the kernel made this descriptor for us on receipt, and the one caller passes each number once.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// The caller's standard input, without taking it away.
pub(crate) fn stdin() -> BorrowedFd<'static> {
    // SAFETY: descriptor 0 is never closed in a process that runs sandboxes; were it, its use would be an EBADF.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// Adds attributes (`MOUNT_ATTR_*`) to a mount and all mounts below it, keeping those it has.
pub(crate) fn add_mount_attributes(target: &Path, attributes: u64) -> nix::Result<()> {
    /// `struct mount_attr` of linux/mount.h, first version.
    #[repr(C)]
    struct MountAttr {
        set: u64,
        clear: u64,
        propagation: u64,
        userns: u64,
    }
    let attr = MountAttr {
        set: attributes,
        clear: 0,
        propagation: 0,
        userns: 0,
    };
    let target = c_path(target)?;
    // SAFETY: both pointers are to live values of the layout and size that the call states.
    let result = unsafe {
        let size = size_of::<MountAttr>();
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attr,
            size,
        )
    };
    Errno::result(result).map(drop)
}

/// Empties the bounding, ambient, inheritable, permitted and effective capability sets.
pub(crate) fn drop_capabilities() -> nix::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3`
    const VERSION: u32 = 0x2008_0522;
    let header = [VERSION, 0];
    let none = [0_u32; 6];
    // SAFETY: the prctl calls take plain numbers; capset reads the 8 bytes of the header and 24 of the sets.
    unsafe {
        for capability in 0..64 {
            match Errno::result(libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0)) {
                Ok(_) => {}
                Err(Errno::EINVAL) if capability > 0 => break, // past the kernel's last capability
                Err(error) => return Err(error),
            }
        }
        Errno::result(libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        ))?;
        Errno::result(libc::syscall(
            libc::SYS_capset,
            header.as_ptr(),
            none.as_ptr(),
        ))
        .map(drop)
    }
}

/// Sets the NIS domain name, which `uname` shows.
pub(crate) fn set_domain_name(name: &str) -> nix::Result<()> {
    // SAFETY: pointer and length are of one live string.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Gives a signal its default action.
pub(crate) fn reset_signal(signal: Signal) -> nix::Result<()> {
    restore(
        signal,
        &SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty()),
    )
}

/// Ignores a signal; gives back what was done with it before.
pub(crate) fn ignore(signal: Signal) -> nix::Result<SigAction> {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: ignoring runs no code of ours.
    unsafe { sigaction(signal, &ignore) }
}

/// Undoes [`ignore`].
pub(crate) fn restore(signal: Signal, before: &SigAction) -> nix::Result<()> {
    // SAFETY: the action is the default one, or was this process' own and valid before.
    unsafe { sigaction(signal, before) }.map(drop)
}

/// Sets an extended attribute: tells whether overlayfs can keep its marks on that file system.
pub(crate) fn set_attribute(path: &Path, name: &str, value: &[u8]) -> io::Result<()> {
    let (path, name) = (c_path(path)?, CString::new(name)?);
    // SAFETY: two NUL-terminated strings, and a pointer with its length.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    Ok(Errno::result(result).map(drop)?)
}

/// A name for what a descriptor of this process is open on.
pub(crate) fn by_descriptor(descriptor: &impl AsRawFd) -> PathBuf {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd()).into()
}

/// A descriptor of a process, which can be read from once that has ended.
pub(crate) fn open_process(process: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: the kernel makes the descriptor for us.
    unsafe {
        let process = libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0);
        Ok(OwnedFd::from_raw_fd(Errno::result(process)? as i32))
    }
}

/// Another process' descriptor, as our own.
pub(crate) fn descriptor_of(process: &OwnedFd, number: i32) -> io::Result<OwnedFd> {
    // SAFETY: the kernel makes the descriptor for us.
    unsafe {
        let theirs = libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0);
        Ok(OwnedFd::from_raw_fd(Errno::result(theirs)? as i32))
    }
}

/// A system call that stopped until it was seen.
pub(crate) struct Notice {
    id: u64,
    /// The thread that makes it, by the number that it has here.
    pub process: u32,
    pub call: libc::c_long,
    pub arguments: [u64; 6],
}

/// Lets a listener wake up on the processor that gives it notice: it has nothing else to do there until it is answered. A
/// kernel before 6.6 does not know how, and is slower.
pub(crate) fn wake_in_place(listener: &OwnedFd) {
    /// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP` of linux/seccomp.h.
    const SYNC_WAKE_UP: u64 = 1;
    // SAFETY: the call takes a number.
    unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS,
            SYNC_WAKE_UP,
        );
    }
}

/// Takes the next notice of a seccomp listener. ENOENT: the process has died.
pub(crate) fn next_notice(listener: &OwnedFd) -> nix::Result<Notice> {
    // SAFETY: all zero is a value of this plain struct, and what the kernel asks for.
    let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes the struct that it is named after.
    Errno::result(unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_RECV,
            &raw mut notice,
        )
    })?;
    Ok(Notice {
        id: notice.id,
        process: notice.pid,
        call: notice.data.nr.into(),
        arguments: notice.data.args,
    })
}

/// Lets a call that stopped happen. ENOENT: the process has died.
pub(crate) fn let_go_on(listener: &OwnedFd, notice: &Notice) -> nix::Result<()> {
    let answer = libc::seccomp_notif_resp {
        id: notice.id,
        val: 0,
        error: 0,
        flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
    };
    // SAFETY: the call reads the struct that it is named after.
    Errno::result(unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SEND,
            &raw const answer,
        )
    })
    .map(drop)
}

/// The text at an address of another process, up to its NUL; `None` for a null pointer.
pub(crate) fn text_of(process: u32, address: u64) -> io::Result<Option<Vec<u8>>> {
    /// The longest path, and a multiple of every page size that a read must not run across the end of.
    const LONGEST: usize = 4096;
    if address == 0 {
        return Ok(None);
    }
    let mut base = usize::try_from(address).map_err(io::Error::other)?;
    let mut text = Vec::new();
    while text.len() <= LONGEST {
        let mut part = vec![0; LONGEST - base % LONGEST];
        let remote = [RemoteIoVec {
            base,
            len: part.len(),
        }];
        let read = process_vm_readv(
            Pid::from_raw(process.cast_signed()),
            &mut [IoSliceMut::new(&mut part)],
            &remote,
        )?;
        part.truncate(read);
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            text.extend(&part[..end]);
            return Ok(Some(text));
        }
        text.extend(part);
        base += read;
    }
    Err(Errno::ENAMETOOLONG.into())
}

/// The raw number, for calls of nix that still take it.
pub(crate) fn raw(descriptor: &impl AsRawFd) -> i32 {
    descriptor.as_raw_fd()
}

fn c_path(path: &Path) -> nix::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)
}

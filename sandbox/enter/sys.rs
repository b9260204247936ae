//! The system calls, each behind a function that says what it does to this process.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::fs::{self, File};
use std::io::{self, Error};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

pub const MS_NOSUID: c_ulong = 2;
pub const MS_NODEV: c_ulong = 4;
pub const MS_NOEXEC: c_ulong = 8;
pub const MS_RDONLY: c_ulong = 1;
pub const MS_BIND: c_ulong = 4096;
pub const MS_REC: c_ulong = 16384;
pub const MS_PRIVATE: c_ulong = 1 << 18;

const CLONE_NEWNS: c_int = 0x0002_0000;
const NAMESPACES: c_int = CLONE_NEWNS
    | 0x0200_0000 // cgroup
    | 0x0400_0000 // uts
    | 0x0800_0000 // ipc
    | 0x1000_0000 // user
    | 0x2000_0000 // pid
    | 0x4000_0000; // net
const MNT_DETACH: c_int = 2;
const SYS_MOUNT_SETATTR: c_long = 442;
const SYS_CLOSE_RANGE: c_long = 436;
/// By number: not every C library has functions for them.
#[cfg(target_arch = "x86_64")]
mod numbers {
    pub const PIVOT_ROOT: super::c_long = 155;
    pub const CAPSET: super::c_long = 126;
    pub const SECCOMP: super::c_long = 317;
}
#[cfg(target_arch = "aarch64")]
mod numbers {
    pub const PIVOT_ROOT: super::c_long = 41;
    pub const CAPSET: super::c_long = 91;
    pub const SECCOMP: super::c_long = 277;
}
const AT_FDCWD: c_int = -100;
const AT_RECURSIVE: c_uint = 0x8000;
const AT_SYMLINK_NOFOLLOW: c_int = 0x100;
/// Read-only, nosuid, nodev.
const MOUNT_ATTR_RDONLY: u64 = 1;
const SEALED: u64 = MOUNT_ATTR_RDONLY | 2 | 4;
const PR_SET_PDEATHSIG: c_int = 1;
const PR_SET_DUMPABLE: c_int = 4;
const PR_CAPBSET_DROP: c_int = 24;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const PR_CAP_AMBIENT: c_int = 47;
const PR_CAP_AMBIENT_CLEAR_ALL: c_int = 4;
const SIGKILL: c_int = 9;
const SIG_SETMASK: c_int = 2;
const RLIMIT_CORE: c_int = 4;
/// The stack and open files, and what is usual (`src/bounds.rs`).
const USUAL: [(c_int, c_ulong); 2] = [(3, 8 << 20), (7, 1024)];
const RUSAGE_CHILDREN: c_int = -1;
const ADDR_NO_RANDOMIZE: c_ulong = 0x004_0000;
const EINVAL: c_int = 22;
/// The user and group that the command sees itself as.
const INSIDE_ID: u32 = 1000;

#[repr(C)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn unshare(flags: c_int) -> c_int;
    fn mount(
        source: *const c_char,
        target: *const c_char,
        kind: *const c_char,
        flags: c_ulong,
        data: *const c_char,
    ) -> c_int;
    fn umount2(target: *const c_char, flags: c_int) -> c_int;
    fn geteuid() -> c_uint;
    fn getegid() -> c_uint;
    fn umask(mask: c_uint) -> c_uint;
    #[link_name = "fork"]
    fn c_fork() -> c_int;
    #[link_name = "kill"]
    fn c_kill(process: c_int, signal: c_int) -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(code: c_int) -> !;
    fn prctl(option: c_int, ...) -> c_int;
    fn sethostname(name: *const c_char, length: usize) -> c_int;
    fn setdomainname(name: *const c_char, length: usize) -> c_int;
    fn getrlimit(resource: c_int, limits: *mut [c_ulong; 2]) -> c_int;
    fn setrlimit(resource: c_int, limits: *const [c_ulong; 2]) -> c_int;
    fn personality(persona: c_ulong) -> c_int;
    fn signal(signal: c_int, handler: usize) -> usize;
    fn sigprocmask(how: c_int, set: *const c_void, old: *mut c_void) -> c_int;
    fn getrusage(who: c_int, usage: *mut [c_long; 18]) -> c_int;
    fn utimensat(
        folder: c_int,
        path: *const c_char,
        times: *const [Time; 2],
        flags: c_int,
    ) -> c_int;
    fn setxattr(
        path: *const c_char,
        name: *const c_char,
        value: *const c_void,
        size: usize,
        flags: c_int,
    ) -> c_int;
    fn removexattr(path: *const c_char, name: *const c_char) -> c_int;
    fn setsid() -> c_int;
    fn dup2(old: c_int, new: c_int) -> c_int;
    fn execve(
        path: *const c_char,
        arguments: *const *const c_char,
        environment: *const *const c_char,
    ) -> c_int;
}

/// Forgets what the starter has left: signals that are ignored or blocked, open files, the mask for new files.
pub fn plain_start() {
    let none = [0_u64; 16];
    // SAFETY: numbers, and a set of signals of its full size. Nothing here owns a descriptor above 2.
    unsafe {
        for number in 1..=64 {
            signal(number, 0);
        }
        sigprocmask(SIG_SETMASK, none.as_ptr().cast(), ptr::null_mut());
        syscall(SYS_CLOSE_RANGE, 3, c_uint::MAX, 0);
        umask(0o022);
    }
}

/// New namespaces of every kind, and one user in them. The next child is process 1.
pub fn isolate() -> io::Result<()> {
    // SAFETY: the calls take numbers, and this process has one thread.
    let (user, group) = unsafe { (geteuid(), getegid()) };
    checked(unsafe { unshare(NAMESPACES) })?;
    fs::write("/proc/self/uid_map", format!("{INSIDE_ID} {user} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{INSIDE_ID} {group} 1"))?;
    private_mounts()
}

/// Mounts of its own, which it can change without a word to others.
pub fn own_mounts() -> io::Result<()> {
    // SAFETY: takes a number.
    checked(unsafe { unshare(CLONE_NEWNS) })?;
    private_mounts()
}

fn private_mounts() -> io::Result<()> {
    mount_at(None, "/".as_ref(), None, MS_REC | MS_PRIVATE, None)
}

pub fn mount_at(
    source: Option<&Path>,
    target: &Path,
    kind: Option<&CStr>,
    flags: c_ulong,
    data: Option<&str>,
) -> io::Result<()> {
    let source = source.map(text).transpose()?;
    let target = text(target)?;
    let data = data.map(|data| CString::new(data)).transpose()?;
    let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: texts that end in NUL and live through the call, or null.
    checked(unsafe {
        mount(
            pointer(source.as_deref()),
            target.as_ptr(),
            pointer(kind),
            flags,
            pointer(data.as_deref()),
        )
    })
}

pub fn unmount(target: &Path) -> io::Result<()> {
    let target = text(target)?;
    // SAFETY: a text that ends in NUL.
    checked(unsafe { umount2(target.as_ptr(), MNT_DETACH) })
}

/// Makes a mount read-only, without devices and set-uid programs.
pub fn seal(target: &Path) -> io::Result<()> {
    set_attributes(target, SEALED)
}

/// Makes a mount read-only. A device there can be written to all the same.
pub fn protect(target: &Path) -> io::Result<()> {
    set_attributes(target, MOUNT_ATTR_RDONLY)
}

fn set_attributes(target: &Path, attributes: u64) -> io::Result<()> {
    let target = text(target)?;
    let attributes = [attributes, 0, 0, 0];
    // SAFETY: a text that ends in NUL, and a struct mount_attr of the size that is stated.
    let result = unsafe {
        syscall(
            SYS_MOUNT_SETATTR,
            AT_FDCWD,
            target.as_ptr(),
            AT_RECURSIVE,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    checked(result as c_int)
}

/// Makes the current folder the root, and drops the old one.
pub fn enter_here() -> io::Result<()> {
    // SAFETY: texts that end in NUL.
    checked(unsafe { syscall(numbers::PIVOT_ROOT, c".".as_ptr(), c".".as_ptr()) } as c_int)?;
    unmount(".".as_ref())?;
    std::env::set_current_dir("/")
}

/// Dies with its parent.
pub fn die_with_parent() -> io::Result<()> {
    // SAFETY: takes numbers.
    checked(unsafe { prctl(PR_SET_PDEATHSIG, SIGKILL) })
}

/// What `uname`, `ulimit` and the addresses of a program show.
pub fn identify(host: &CStr) -> io::Result<()> {
    let domain = c"(none)";
    // SAFETY: texts with their lengths, structs rlimit, a number.
    unsafe {
        checked(sethostname(host.as_ptr(), host.count_bytes()))?;
        checked(setdomainname(domain.as_ptr(), domain.count_bytes()))?;
        checked(setrlimit(RLIMIT_CORE, &[0, 0]))?;
        for (resource, usual) in USUAL {
            let mut limits = [0; 2];
            checked(getrlimit(resource, &raw mut limits))?;
            checked(setrlimit(resource, &[usual.min(limits[1]), limits[1]]))?;
        }
        checked(personality(ADDR_NO_RANDOMIZE))
    }
}

/// Gives up every privilege, for good.
pub fn give_up() -> io::Result<()> {
    // _LINUX_CAPABILITY_VERSION_3
    let header = [0x2008_0522_u32, 0];
    let none = [0_u32; 6];
    // SAFETY: numbers; the header's 8 bytes and the sets' 24.
    unsafe {
        checked(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        for capability in 0..64 {
            match checked(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) {
                Err(error) if error.raw_os_error() == Some(EINVAL) && capability > 0 => break,
                other => other?,
            }
        }
        checked(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))?;
        checked(syscall(numbers::CAPSET, header.as_ptr(), none.as_ptr()) as c_int)?;
        checked(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
    }
}

/// Puts a filter on this process and all below it.
pub fn filter(instructions: &[u8]) -> io::Result<()> {
    /// `struct sock_fprog` of linux/filter.h.
    #[repr(C)]
    struct Filter {
        length: u16,
        instructions: *const u8,
    }
    let filter = Filter {
        length: u16::try_from(instructions.len() / 8).map_err(Error::other)?,
        instructions: instructions.as_ptr(),
    };
    // SAFETY: the filter and its instructions live through the call.
    checked(unsafe { syscall(numbers::SECCOMP, 1, 0, &raw const filter) } as c_int)
}

/// Forks; 0 in the child. This process has one thread.
pub fn fork() -> io::Result<c_int> {
    // SAFETY: no lock can be held by a thread that the child lacks.
    let child = unsafe { c_fork() };
    checked(child.min(0)).map(|()| child)
}

/// Ends the process, and nothing else.
pub fn end(code: c_int) -> ! {
    // SAFETY: takes a number.
    unsafe { _exit(code) }
}

pub fn kill(process: c_int) {
    // SAFETY: takes numbers.
    unsafe { c_kill(process, SIGKILL) };
}

/// Waits until this child has ended, and reaps others (-1: any) on the way; its status.
pub fn wait_for(child: c_int) -> c_int {
    let mut status = 0;
    loop {
        // SAFETY: the status outlives the call.
        let ended = unsafe { waitpid(-1, &raw mut status, 0) };
        let interrupted = Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if ended == child || (ended < 0 && !interrupted) {
            return status;
        }
    }
}

/// Microseconds in user mode and in the kernel, and the largest resident memory in bytes.
pub fn used_by_children() -> [i64; 3] {
    let mut usage = [0; 18];
    // SAFETY: room for a struct rusage.
    unsafe { getrusage(RUSAGE_CHILDREN, &raw mut usage) };
    [
        usage[0] * 1_000_000 + usage[1],
        usage[2] * 1_000_000 + usage[3],
        usage[4] * 1024,
    ]
}

/// Sets both times of a file, a folder or a link itself.
pub fn set_times(path: &Path, seconds: i64) -> io::Result<()> {
    let path = text(path)?;
    let time = || Time {
        seconds,
        nanoseconds: 0,
    };
    // SAFETY: a text that ends in NUL, and two times.
    checked(unsafe {
        utimensat(
            AT_FDCWD,
            path.as_ptr(),
            &[time(), time()],
            AT_SYMLINK_NOFOLLOW,
        )
    })
}

/// Whether overlayfs can leave its marks on this file system.
pub fn takes_marks(path: &Path) -> io::Result<()> {
    let (path, name) = (text(path)?, c"user.pwb.mark");
    // SAFETY: texts that end in NUL, and a value with its size.
    unsafe {
        let value = b"y".as_ptr().cast();
        checked(setxattr(path.as_ptr(), name.as_ptr(), value, 1, 0))?;
        checked(removexattr(path.as_ptr(), name.as_ptr()))
    }
}

/// Reads from this file as its standard input.
pub fn stand_on(file: &File) -> io::Result<()> {
    // SAFETY: a descriptor that is open.
    checked(unsafe { dup2(file.as_raw_fd(), 0) })
}

/// Becomes the first of these files that can be run, in a session of its own, with both outputs in one. Returns only if that
/// fails.
pub fn become_program(files: &[CString], arguments: &[CString], environment: &[CString]) -> Error {
    let list = |words: &[CString]| -> Vec<*const c_char> {
        let pointers = words.iter().map(|word| word.as_ptr());
        pointers.chain([ptr::null()]).collect()
    };
    let (arguments, environment) = (list(arguments), list(environment));
    let mut refused = None;
    // SAFETY: all texts end in NUL, the lists in a null pointer, and all live through the calls.
    unsafe {
        setsid();
        dup2(1, 2);
        for file in files {
            execve(file.as_ptr(), arguments.as_ptr(), environment.as_ptr());
            let error = Error::last_os_error();
            // As a shell does: a file that cannot be run yields to a later one that can.
            if error.kind() != io::ErrorKind::NotFound {
                refused = refused.or(Some(error));
            }
        }
    }
    refused.unwrap_or_else(|| io::ErrorKind::NotFound.into())
}

fn text(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

fn checked(result: c_int) -> io::Result<()> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(())
    }
}

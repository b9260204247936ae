//! What files a process tree touches, told by the kernel: seccomp's user notification (seccomp_unotify(2)).
//!
//! Every call that names a path stops until it has been seen, and then goes on as if nothing had been. What happens inside
//! a file that is open is not seen: who opens it for writing is taken to write.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::{self, Notice};

/// Something that a process is about to do. Paths are absolute, inside the sandbox, and otherwise as the process wrote them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Access {
    /// Looks at a path, or reads what is there.
    Look {
        /// The path.
        path: PathBuf,
        /// Whether a link at its end is followed.
        follow: bool,
    },
    /// Runs a program. What that is linked with is looked at; what it is interpreted by, where it is a script, is not.
    Run(PathBuf),
    /// Lists a directory.
    List(PathBuf),
    /// Makes, changes or removes what is at a path; a link at its end is followed where the call does so.
    Write {
        /// The path.
        path: PathBuf,
        /// Whether a link at its end is followed.
        follow: bool,
    },
    /// Does what no list of files can tell.
    Beyond(&'static str),
}

/// What of a call's arguments is a path, and what for.
#[derive(Clone, Copy)]
enum Shape {
    /// A path, looked at; the flag says whether a link is followed.
    Look(usize, bool),
    /// Directory, path, place of the flags that may say `AT_SYMLINK_NOFOLLOW`.
    LookAt(usize, Option<usize>),
    /// A path, made, changed or removed; the flag says whether a link is followed.
    Write(usize, bool),
    WriteAt(usize, bool),
    /// Both paths of a rename or a link.
    Two(usize, usize),
    TwoAt(usize, usize),
    /// Path, then flags.
    Open(usize),
    OpenAt(usize),
    Run(usize),
    RunAt(usize),
    List,
    Beyond(&'static str),
}

/// The calls that are seen. What is not here names no path, or is refused in a sandbox.
const CALLS: &[(libc::c_long, Shape)] = &[
    (libc::SYS_openat, Shape::OpenAt(0)),
    (libc::SYS_newfstatat, Shape::LookAt(0, Some(3))),
    (libc::SYS_statx, Shape::LookAt(0, Some(2))),
    (libc::SYS_faccessat, Shape::LookAt(0, None)),
    (libc::SYS_faccessat2, Shape::LookAt(0, Some(3))),
    (libc::SYS_readlinkat, Shape::LookAt(0, Some(usize::MAX))),
    (libc::SYS_execve, Shape::Run(0)),
    (libc::SYS_execveat, Shape::RunAt(0)),
    (libc::SYS_statfs, Shape::Look(0, true)),
    (libc::SYS_name_to_handle_at, Shape::LookAt(0, None)),
    (libc::SYS_inotify_add_watch, Shape::Look(1, true)),
    (libc::SYS_chdir, Shape::Look(0, true)),
    (libc::SYS_getxattr, Shape::Look(0, true)),
    (libc::SYS_lgetxattr, Shape::Look(0, false)),
    (libc::SYS_listxattr, Shape::Look(0, true)),
    (libc::SYS_llistxattr, Shape::Look(0, false)),
    (libc::SYS_getdents64, Shape::List),
    (libc::SYS_truncate, Shape::Write(0, true)),
    (libc::SYS_unlinkat, Shape::WriteAt(0, false)),
    (libc::SYS_mkdirat, Shape::WriteAt(0, false)),
    (libc::SYS_mknodat, Shape::WriteAt(0, false)),
    (libc::SYS_symlinkat, Shape::WriteAt(1, false)),
    (libc::SYS_fchmodat, Shape::WriteAt(0, true)),
    (libc::SYS_fchmodat2, Shape::WriteAt(0, true)),
    (libc::SYS_fchownat, Shape::WriteAt(0, true)),
    (libc::SYS_setxattr, Shape::Write(0, true)),
    (libc::SYS_lsetxattr, Shape::Write(0, false)),
    (libc::SYS_removexattr, Shape::Write(0, true)),
    (libc::SYS_lremovexattr, Shape::Write(0, false)),
    (libc::SYS_utimensat, Shape::WriteAt(0, true)),
    (libc::SYS_renameat2, Shape::TwoAt(0, 2)),
    (libc::SYS_linkat, Shape::TwoAt(0, 2)),
    (libc::SYS_renameat, Shape::TwoAt(0, 2)),
    (
        libc::SYS_connect,
        Shape::Beyond("it talks to another process"),
    ),
    (libc::SYS_bind, Shape::Beyond("it talks to another process")),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, Shape::Open(0)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, Shape::Write(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_stat, Shape::Look(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_lstat, Shape::Look(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_access, Shape::Look(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_readlink, Shape::Look(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_getdents, Shape::List),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_utime, Shape::Write(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_utimes, Shape::Write(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_futimesat, Shape::WriteAt(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, Shape::Write(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rmdir, Shape::Write(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, Shape::Write(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, Shape::Write(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_symlink, Shape::Write(1, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, Shape::Write(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chown, Shape::Write(0, true)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_lchown, Shape::Write(0, false)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, Shape::Two(0, 1)),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_link, Shape::Two(0, 1)),
];

/// Those whose flags may be `AT_EMPTY_PATH`, with the flags' place: on an open file, and so of no interest, unless the
/// file is the working directory: with that flag a path may be given all the same.
const ON_DESCRIPTORS: [(libc::c_long, u32); 2] = [(libc::SYS_newfstatat, 3), (libc::SYS_statx, 2)];

/// The filter that gives notice of [`CALLS`], as the kernel takes it.
pub(crate) fn filter() -> Vec<u8> {
    /// Offsets in `struct seccomp_data`.
    const NUMBER: u32 = 0;
    const ARGUMENTS: u32 = 16;
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset);
    let equals = |number: libc::c_long, skip| {
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            skip,
            number as u32,
        )
    };
    let answer = |with| step(libc::BPF_RET | libc::BPF_K, 0, 0, with);
    let mut program = vec![load(NUMBER)];
    for (call, flags) in ON_DESCRIPTORS {
        let any_bit = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
        let jump_equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        program.extend([
            equals(call, 6),
            load(ARGUMENTS + 8 * flags),
            step(any_bit, 0, 3, libc::AT_EMPTY_PATH.cast_unsigned()),
            load(ARGUMENTS),
            step(jump_equal, 1, 0, libc::AT_FDCWD.cast_unsigned()),
            answer(libc::SECCOMP_RET_ALLOW),
            answer(libc::SECCOMP_RET_USER_NOTIF),
        ]);
    }
    for (call, _) in CALLS {
        program.extend([equals(*call, 1), answer(libc::SECCOMP_RET_USER_NOTIF)]);
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program.concat()
}

/// One instruction: `struct sock_filter`.
fn step(code: u32, if_true: u8, if_false: u8, operand: u32) -> Vec<u8> {
    let mut bytes = (code as u16).to_ne_bytes().to_vec();
    bytes.extend([if_true, if_false]);
    bytes.extend(operand.to_ne_bytes());
    bytes
}

/// Tells what happens under the filter until there is something to read from `end`, or no process is under it.
pub(crate) fn attend(
    notices: &OwnedFd,
    end: Option<BorrowedFd<'_>>,
    see: &mut dyn FnMut(Access),
) -> io::Result<()> {
    sys::wake_in_place(notices);
    let watched = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
    loop {
        let mut ready: Vec<_> = [notices.as_fd()]
            .into_iter()
            .chain(end)
            .map(watched)
            .collect();
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has = |flag| ready[0].revents().is_some_and(|seen| seen.contains(flag));
        if has(PollFlags::POLLIN) {
            match sys::next_notice(notices) {
                Ok(notice) => {
                    decode(&notice, see);
                    // Whoever was killed meanwhile waits for no answer.
                    sys::let_go_on(notices, &notice).or_else(gone)?;
                }
                Err(error) => gone(error)?,
            }
        } else if ready[1..].iter().any(|end| end.any() == Some(true)) || has(PollFlags::POLLHUP) {
            return Ok(());
        }
    }
}

fn gone(error: Errno) -> io::Result<()> {
    match error {
        Errno::ENOENT | Errno::EINTR => Ok(()),
        error => Err(error.into()),
    }
}

fn decode(notice: &Notice, see: &mut dyn FnMut(Access)) {
    let Some((_, shape)) = CALLS.iter().find(|(call, _)| *call == notice.call) else {
        return;
    };
    let arguments = &notice.arguments;
    let path = |place: usize| place_of(notice, None, arguments[place]);
    let path_at =
        |place: usize| place_of(notice, Some(arguments[place] as i32), arguments[place + 1]);
    let mut tell =
        |path: io::Result<Option<PathBuf>>, access: &dyn Fn(PathBuf) -> Access| match path {
            Ok(Some(path)) => see(access(path)),
            Ok(None) => {}
            Err(_) => see(Access::Beyond("it names a path that cannot be read")),
        };
    let look = |follow| move |path| Access::Look { path, follow };
    let write = |follow| move |path| Access::Write { path, follow };
    let open = |flags: u64| {
        let flags = flags as i32;
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY
            || flags & (libc::O_CREAT | libc::O_TRUNC) != 0;
        let follow = flags & libc::O_NOFOLLOW == 0;
        let nameless = flags & libc::O_TMPFILE == libc::O_TMPFILE;
        move |path| {
            if writes && !nameless {
                Access::Write { path, follow }
            } else {
                Access::Look { path, follow }
            }
        }
    };
    match *shape {
        Shape::Look(place, follow) => tell(path(place), &look(follow)),
        Shape::LookAt(place, flags) => {
            let follow = match flags {
                None => true,
                Some(flags) => arguments
                    .get(flags)
                    .is_some_and(|flags| *flags as i32 & libc::AT_SYMLINK_NOFOLLOW == 0),
            };
            tell(path_at(place), &look(follow));
        }
        Shape::Write(place, follow) => tell(path(place), &write(follow)),
        Shape::WriteAt(place, follow) => tell(path_at(place), &write(follow)),
        Shape::Two(first, second) => {
            tell(path(first), &write(false));
            tell(path(second), &write(false));
        }
        Shape::TwoAt(first, second) => {
            tell(path_at(first), &write(false));
            tell(path_at(second), &write(false));
        }
        Shape::Open(place) => tell(path(place), &open(arguments[place + 1])),
        Shape::OpenAt(place) => tell(path_at(place), &open(arguments[place + 2])),
        Shape::Run(place) => tell(path(place), &Access::Run),
        Shape::RunAt(place) => tell(path_at(place), &Access::Run),
        Shape::List => tell(folder(notice, arguments[0] as i32).map(Some), &Access::List),
        Shape::Beyond(why) => see(Access::Beyond(why)),
    }
}

/// The absolute form of a path in a process' memory; `None` where it is empty or nowhere, and the call has no effect.
fn place_of(notice: &Notice, at: Option<i32>, address: u64) -> io::Result<Option<PathBuf>> {
    let Some(text) = sys::text_of(notice.process, address)? else {
        return Ok(None);
    };
    let written = PathBuf::from(OsString::from_vec(text));
    if written.as_os_str().is_empty() {
        return Ok(None);
    }
    if written.is_absolute() {
        return Ok(Some(written));
    }
    let folder = folder(notice, at.unwrap_or(libc::AT_FDCWD))?;
    Ok(Some(folder.join(written)))
}

/// Where a descriptor of the process leads.
fn folder(notice: &Notice, descriptor: i32) -> io::Result<PathBuf> {
    let process = Path::new("/proc").join(notice.process.to_string());
    fs::read_link(match descriptor {
        libc::AT_FDCWD => process.join("cwd"),
        number => process.join("fd").join(number.to_string()),
    })
}

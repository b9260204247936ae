//! A call that lies to pwb: the launcher itself is honest, but it runs in here, where it can be traced and robbed.

use std::ffi::{CString, c_char};
use std::fs;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::process::ExitCode;
use std::ptr;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::pty::openpty;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::raw::{call, numbers, text};

/// Where the launcher stands.
const PROGRAM: &str = "/usr/bin/watched";
/// An event counter, a fifo that is never written to, and zeros without end, where the launcher inherits them.
const EVENTS: i32 = 50;
const FIFO: i32 = 51;
const ZEROS: i32 = 52;

/// What the launcher's program does, as a shell script: a word, or 1 MiB.
const WORD: &str = "sleep 1; echo said";
const MUCH: &str =
    "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do x=$x$x; done; echo $x";

/// Has the launcher say something else than it would.
pub fn lie(how: &str) -> ExitCode {
    // It says the numbers of its listener, its output and its errors, the program's end, and whether something outlived it.
    let (word, instead) = match how {
        "no listener" => (0, EVENTS),
        "endless output" => (1, ZEROS),
        "silent output" => (1, FIFO),
        "a closed one" => (0, 999),
        "outlived" => (4, 1),
        _ => return ExitCode::FAILURE,
    };
    match open_all().and_then(|()| trace(word, instead)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn open_all() -> nix::Result<()> {
    let here = libc::AT_FDCWD as usize;
    let both = libc::O_RDWR as usize;
    nix::unistd::mkfifo("/tmp/fifo", nix::sys::stat::Mode::S_IRWXU)?;
    let opened = [
        (call(libc::SYS_eventfd2, [0, 0])?, EVENTS),
        (
            call(libc::SYS_openat, [here, text("/tmp/fifo"), both])?,
            FIFO,
        ),
        (
            call(libc::SYS_openat, [here, text("/dev/zero"), both])?,
            ZEROS,
        ),
    ];
    for (file, number) in opened {
        call(libc::SYS_dup3, [file as usize, number as usize, 0])?;
    }
    Ok(())
}

/// Runs the launcher under ptrace(2) and changes what it writes in the place that is asked for.
#[cfg(target_arch = "x86_64")]
fn trace(word: usize, instead: i32) -> nix::Result<()> {
    const TRACE_ME: usize = 0;
    const PEEK: usize = 2;
    const POKE: usize = 5;
    const REGISTERS: usize = 12;
    const TO_NEXT_CALL: usize = 24;
    const OPTIONS: usize = 0x4200;
    const TELL_CALLS_FROM_SIGNALS: usize = 1;
    let child = start(WORD, || {
        call(libc::SYS_ptrace, [TRACE_ME, 0, 0, 0]).map(drop)
    })?;
    let pid = child.as_raw() as usize;
    let registers = vec![0_u64; 27].leak();
    let address = registers.as_mut_ptr() as usize;
    let (mut said, mut entering) = (0, true);
    waitpid(child, None)?;
    call(libc::SYS_ptrace, [OPTIONS, pid, 0, TELL_CALLS_FROM_SIGNALS])?;
    loop {
        call(libc::SYS_ptrace, [TO_NEXT_CALL, pid, 0, 0])?;
        match waitpid(child, None)? {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return Ok(()),
            WaitStatus::PtraceSyscall(_) => {}
            _ => continue,
        }
        call(libc::SYS_ptrace, [REGISTERS, pid, 0, address])?;
        // struct user_regs_struct: rdx, rsi, orig_rax
        let [length, bytes, number] = [12, 13, 15].map(|place| crate::raw::peek(registers, place));
        let speaks = [libc::SYS_write, libc::SYS_sendto].contains(&number.cast_signed());
        if entering && speaks && length == 4 {
            if said == word {
                let old = numbers(&[0]);
                call(libc::SYS_ptrace, [PEEK, pid, bytes as usize, old])?;
                let high = crate::raw::at(old) & !0xffff_ffff;
                let new = high | u64::from(instead.cast_unsigned());
                call(libc::SYS_ptrace, [POKE, pid, bytes as usize, new as usize])?;
            }
            said += 1;
        }
        entering = !entering;
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn trace(_: usize, _: i32) -> nix::Result<()> {
    Err(Errno::ENOSYS)
}

/// Has pwb itself keep the launcher's socket alive: it is on its way through another one, which is the launcher's output and so
/// pwb's too.
pub fn keep() -> ExitCode {
    match kept() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn kept() -> nix::Result<()> {
    let none = SockFlag::empty();
    let (near, far) = socketpair(AddressFamily::Unix, SockType::Stream, None, none)?;
    let launcher = start(WORD, || {
        call(libc::SYS_dup3, [far.as_raw_fd() as usize, 1, 0]).map(drop)
    })?;
    let process = call(libc::SYS_pidfd_open, [launcher.as_raw() as usize, 0])? as usize;
    // Until it is under way, and pwb has its descriptors.
    std::thread::sleep(Duration::from_millis(500));
    let folder = format!("/proc/{launcher}/fd");
    let socket = fs::read_dir(folder)
        .map_err(|_| Errno::EIO)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<usize>().ok())
        .find(|number| {
            let link = fs::read_link(format!("/proc/{launcher}/fd/{number}"));
            *number > 2
                && *number != near.as_raw_fd() as usize
                && *number != far.as_raw_fd() as usize
                && link.is_ok_and(|link| link.to_string_lossy().starts_with("socket:"))
        });
    let socket = call(
        libc::SYS_pidfd_getfd,
        [process, socket.ok_or(Errno::ENOENT)?, 0],
    )? as i32;
    let rights = [socket];
    let message = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(
        near.as_raw_fd(),
        &[IoSlice::new(b"x")],
        &message,
        MsgFlags::empty(),
        None,
    )?;
    Ok(())
}

/// Gives the launcher an output that takes no more than a little, and that nobody will ever read.
pub fn jam(how: &str) -> ExitCode {
    let jammed = || -> nix::Result<()> {
        let none = SockFlag::empty();
        let (near, far) = socketpair(AddressFamily::Unix, SockType::Stream, None, none)?;
        let (output, said) = match how {
            "pipe" => {
                let (reading, writing) = nix::unistd::pipe()?;
                (unreadable(&near, reading, writing)?, MUCH)
            }
            "terminal" => {
                let terminal = openpty(None, None)?;
                let output = unreadable(&near, terminal.master, terminal.slave)?;
                (output, MUCH)
            }
            _ => {
                // It has room for less than eight characters are as a number.
                let counter = call(libc::SYS_eventfd2, [0, 0])?;
                let most = numbers(&[u64::MAX - 1]);
                call(libc::SYS_write, [counter as usize, most, 8])?;
                (counter as i32, "echo 1234567")
            }
        };
        start(said, || {
            call(libc::SYS_dup3, [output as usize, 1, 0])?;
            call(libc::SYS_dup3, [far.as_raw_fd() as usize, 2, 0]).map(drop)
        })?;
        // Until pwb has written all that a pipe holds. The others it leaves alone.
        let ask = u64::from(output.cast_unsigned()) | (libc::POLLOUT as u64) << 32;
        let has_room = || call(libc::SYS_poll, [numbers(&[ask]), 1, 0]) != Ok(0);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(3) || how == "pipe" && has_room() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    };
    ExitCode::from(u8::from(jammed().is_err()))
}

/// The writing end of something whose reading end only pwb keeps alive: it is on its way through a socket that is another output
/// of the launcher's.
fn unreadable(near: &OwnedFd, reading: OwnedFd, writing: OwnedFd) -> nix::Result<i32> {
    let rights = [reading.as_raw_fd()];
    let message = [ControlMessage::ScmRights(&rights)];
    let parts = [IoSlice::new(b"x")];
    sendmsg::<()>(near.as_raw_fd(), &parts, &message, MsgFlags::empty(), None)?;
    Ok(writing.into_raw_fd())
}

/// Starts the launcher, after something else is done in its process.
fn start(script: &str, before: impl FnOnce() -> nix::Result<()>) -> nix::Result<Pid> {
    let words = [PROGRAM, "-c", script].map(|word| CString::new(word).unwrap_or_default());
    let mut list: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    list.push(ptr::null());
    // SAFETY: this process has one thread.
    #[allow(unsafe_code)]
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let _ = before();
            let none = numbers(&[0]);
            let _ = call(
                libc::SYS_execve,
                [words[0].as_ptr() as usize, list.as_ptr() as usize, none],
            );
            std::process::exit(126)
        }
    }
}

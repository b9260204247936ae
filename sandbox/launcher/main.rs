//! Stands in a compiler's place inside the sandbox and does what the caller outside says: end at once with an answer that is
//! known, become the real program, or run it under the caller's eyes.
//!
//! A program of its own, static and without a dependency, so that it starts in any root and in no time. It says nothing
//! about itself: the caller reads who it is from `/proc`. The other side, with the protocol, is `src/call.rs`.

use std::env;
use std::ffi::{CString, OsString, c_char, c_int, c_long, c_uint};
use std::io::{self, Error, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::ptr;

const SOCKET: &str = "/dev/pwb-launcher";

#[cfg(target_arch = "x86_64")]
const SYS_SECCOMP: c_long = 317;
#[cfg(target_arch = "aarch64")]
const SYS_SECCOMP: c_long = 277;
const SECCOMP_SET_MODE_FILTER: c_int = 1;
const SECCOMP_FILTER_FLAG_NEW_LISTENER: c_int = 8;
const MFD_CLOEXEC: c_uint = 1;
const PR_SET_PDEATHSIG: c_int = 1;
const PR_SET_CHILD_SUBREAPER: c_int = 36;
const WNOHANG: c_int = 1;
const SIGKILL: c_int = 9;

/// `struct sock_fprog` of linux/filter.h.
#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const u8,
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
    fn prctl(option: c_int, ...) -> c_int;
    fn fork() -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn dup2(old: c_int, new: c_int) -> c_int;
    fn close(descriptor: c_int) -> c_int;
    fn execv(path: *const c_char, arguments: *const *const c_char) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn getpid() -> c_int;
    fn _exit(code: c_int) -> !;
}

fn main() {
    match launch() {
        Ok(code) => exit(code),
        Err(error) => {
            eprintln!("pwb's launcher: {error}");
            exit(126)
        }
    }
}

fn launch() -> io::Result<i32> {
    let mut caller = UnixStream::connect(SOCKET)?;
    match word(&mut caller)? {
        // The answer is known, and all that the program would have written is in place.
        0 => word(&mut caller),
        1 => Err(become_program(&bytes(&mut caller)?)),
        2 => watched(&mut caller),
        3 => Err(Error::other(
            String::from_utf8_lossy(&bytes(&mut caller)?).into_owned(),
        )),
        other => Err(Error::other(format!("an order {other}"))),
    }
}

/// Runs the program with a filter on it whose notices the caller answers. Its two outputs go to memory: the caller keeps
/// them, and passes them on.
fn watched(caller: &mut UnixStream) -> io::Result<i32> {
    let one_output = word(caller)? != 0;
    let instructions = bytes(caller)?;
    let program = bytes(caller)?;
    let output = memory()?;
    let errors = if one_output { output } else { memory()? };
    let filter = Filter {
        length: u16::try_from(instructions.len() / 8).map_err(Error::other)?,
        instructions: instructions.as_ptr(),
    };
    // SAFETY: the filter and its instructions live through the call. It is on this process too, which from here on makes
    // none of the calls that it gives notice of.
    let listener = unsafe {
        syscall(
            SYS_SECCOMP,
            SECCOMP_SET_MODE_FILTER,
            SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &raw const filter,
        )
    };
    let Ok(listener) = descriptor(listener as c_int) else {
        // Under another call's filter already: there is room for one.
        caller.write_all(&(-1_i32).to_ne_bytes())?;
        return Err(become_program(&program));
    };
    for number in [listener, output, errors] {
        caller.write_all(&number.to_ne_bytes())?;
    }
    word(caller)?;
    // SAFETY: the caller has its own copy; nothing here uses the number again.
    unsafe { close(listener) };
    // SAFETY: this process has one thread.
    match unsafe {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        fork()
    } {
        0 => {
            // SAFETY: plain system calls on descriptors that are open.
            unsafe {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                dup2(output, 1);
                dup2(errors, 2);
            }
            eprintln!("pwb's launcher: {}", become_program(&program));
            // SAFETY: ends the process.
            unsafe { _exit(127) }
        }
        child => {
            let child = descriptor(child)?;
            let mut status = 0;
            // SAFETY: the status outlives the call.
            while unsafe { waitpid(child, &raw mut status, 0) } < 0 {}
            let mut ended = 0;
            // Orphans have become children of this process.
            let outlived = loop {
                // SAFETY: as above.
                match unsafe { waitpid(-1, &raw mut ended, WNOHANG) } {
                    0 => break 1_i32,
                    -1 => break 0,
                    _ => {}
                }
            };
            caller.write_all(&status.to_ne_bytes())?;
            caller.write_all(&outlived.to_ne_bytes())?;
            word(caller)?;
            let signal = status & 0x7f;
            if signal != 0 {
                // SAFETY: a signal to this very process.
                unsafe { kill(getpid(), signal) };
            }
            Ok(status >> 8 & 0xff)
        }
    }
}

/// Runs the program in this process' place; returns only if that fails.
fn become_program(program: &[u8]) -> Error {
    let text = |word: OsString| CString::new(word.into_vec()).unwrap_or_default();
    let arguments: Vec<CString> = env::args_os().map(text).collect();
    let mut pointers: Vec<*const c_char> = arguments.iter().map(|word| word.as_ptr()).collect();
    pointers.push(ptr::null());
    let path = CString::new(program).unwrap_or_default();
    // SAFETY: path and arguments end in NUL, the list in a null pointer, and all live through the call.
    unsafe { execv(path.as_ptr(), pointers.as_ptr()) };
    let shown = OsString::from_vec(program.to_vec());
    Error::other(format!(
        "{}: {}",
        String::from_utf8_lossy(shown.as_bytes()),
        Error::last_os_error()
    ))
}

fn memory() -> io::Result<c_int> {
    // SAFETY: the name ends in NUL.
    descriptor(unsafe { memfd_create(c"output".as_ptr(), MFD_CLOEXEC) })
}

fn descriptor(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn word(caller: &mut UnixStream) -> io::Result<i32> {
    let mut word = [0; 4];
    caller.read_exact(&mut word)?;
    Ok(i32::from_ne_bytes(word))
}

fn bytes(caller: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = word(caller)?;
    let mut bytes = vec![0; usize::try_from(length).map_err(Error::other)?];
    caller.read_exact(&mut bytes)?;
    Ok(bytes)
}

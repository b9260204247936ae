//! System calls by number, and the ways around a filter that there might be: what no library offers.
#![allow(unsafe_code)]

use std::ffi::CString;

use nix::Result;
use nix::errno::Errno;
use nix::libc::{self, c_long};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// Makes a system call.
pub fn call<const N: usize>(number: c_long, arguments: [usize; N]) -> Result<i64> {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: pointers among the arguments are to leaked memory, and what the kernel does to this process ends with it.
    Errno::result(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// A descriptor of a file.
pub fn open(path: &str, flags: i32) -> Result<i64> {
    call(
        libc::SYS_openat,
        [libc::AT_FDCWD as usize, text(path), flags as usize],
    )
}

/// The address of a text, for good.
pub fn text(text: &str) -> usize {
    CString::new(text).unwrap_or_default().into_raw() as usize
}

/// The address of `size` zeros, for good.
pub fn zeros(size: usize) -> usize {
    vec![0_u8; size].leak().as_mut_ptr() as usize
}

/// The address of some numbers, for good.
pub fn numbers(numbers: &[u64]) -> usize {
    numbers.to_vec().leak().as_mut_ptr() as usize
}

/// The same call by the numbers that 32-bit programs use. A filter that does not look would see another one.
#[cfg(target_arch = "x86_64")]
pub fn old_gate(number: i32) -> Result<i64> {
    let result: i32;
    // SAFETY: a call without arguments.
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") number => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    if result < 0 {
        Err(Errno::from_raw(-result))
    } else {
        Ok(result.into())
    }
}

/// What an attempt came to, tried in a process of its own: `did`, an error's name, or the signal that it died of.
pub fn verdict(attempt: impl FnOnce() -> Result<i64>) -> String {
    // SAFETY: this process has one thread.
    let child = match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => child,
        Ok(ForkResult::Child) => {
            let code = match attempt() {
                Ok(_) => 0,
                Err(error) => error as i32,
            };
            // SAFETY: ends the process.
            unsafe { libc::_exit(code) }
        }
        Err(error) => return format!("no fork: {error:?}"),
    };
    match waitpid(child, None) {
        Ok(WaitStatus::Exited(_, 0)) => "did".into(),
        Ok(WaitStatus::Exited(_, code)) => format!("{:?}", Errno::from_raw(code)),
        Ok(WaitStatus::Signaled(_, signal, _)) => format!("{signal:?}"),
        other => format!("{other:?}"),
    }
}

/// The error in a netlink answer, if it is one (`NLMSG_ERROR`).
pub fn answered(answer: usize) -> Result<i64> {
    const ERROR: u16 = 2;
    // SAFETY: the address is that of at least 20 bytes, for good.
    let bytes = unsafe { std::slice::from_raw_parts(answer as *const u8, 20) };
    let kind = u16::from_ne_bytes([bytes[4], bytes[5]]);
    let error = i32::from_ne_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
    if kind == ERROR && error < 0 {
        Err(Errno::from_raw(-error))
    } else {
        Ok(kind.into())
    }
}

/// A number that the kernel has written at an address.
pub fn at(address: usize) -> u64 {
    // SAFETY: the address is that of a number, for good.
    unsafe { std::ptr::read_volatile(address as *const u64) }
}

/// One of some numbers that the kernel has written.
#[cfg(target_arch = "x86_64")]
pub fn peek(numbers: &[u64], place: usize) -> u64 {
    at(numbers.as_ptr().wrapping_add(place) as usize)
}

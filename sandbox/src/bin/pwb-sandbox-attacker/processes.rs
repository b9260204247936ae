//! Processes outside, the one that guards this sandbox, and too many of one's own.

use std::io::{self, Write};
use std::process::ExitCode;

use nix::libc;
use nix::unistd::{ForkResult, fork, pause};

use crate::raw::{call, numbers, zeros};
use crate::{Attempt, attempt};

/// `victim` is a process of the host.
pub fn others(victim: &str) -> Vec<Attempt> {
    const SEIZE: usize = 0x4206;
    let victim: usize = victim.parse().unwrap_or_default();
    let mut all = Vec::new();
    for (whose, pid) in [("the host's", victim), ("init's", 1)] {
        let vector = move || numbers(&[zeros(8) as u64, 8]);
        all.extend([
            attempt(&format!("trace {whose}"), move || {
                call(libc::SYS_ptrace, [SEIZE, pid, 0, 0])
            }),
            attempt(&format!("read {whose} memory"), move || {
                call(
                    libc::SYS_process_vm_readv,
                    [pid, vector(), 1, vector(), 1, 0],
                )
            }),
            attempt(&format!("write {whose} memory"), move || {
                call(
                    libc::SYS_process_vm_writev,
                    [pid, vector(), 1, vector(), 1, 0],
                )
            }),
            attempt(&format!("take {whose} descriptor"), move || {
                let process = call(libc::SYS_pidfd_open, [pid, 0])?;
                call(libc::SYS_pidfd_getfd, [process as usize, 0, 0])
            }),
            attempt(&format!("limit {whose} files"), move || {
                call(
                    libc::SYS_prlimit64,
                    [pid, libc::RLIMIT_NOFILE as usize, numbers(&[1, 1]), 0],
                )
            }),
            attempt(&format!("move {whose} pages"), move || {
                call(
                    libc::SYS_migrate_pages,
                    [pid, 1, numbers(&[1]), numbers(&[1])],
                )
            }),
        ]);
    }
    all.extend([
        attempt("kill the host's", move || {
            call(libc::SYS_kill, [victim, libc::SIGKILL as usize])
        }),
        attempt("a signal to all", || call(libc::SYS_kill, [usize::MAX, 0])),
    ]);
    all
}

/// Forks until that fails, and says how often it did not. Where nothing stops it, it stops itself.
pub fn bomb() -> ExitCode {
    const MOST: u32 = 16_000;
    for children in 0..=MOST {
        // SAFETY: the child only waits to be killed.
        #[allow(unsafe_code)]
        match unsafe { fork() } {
            Ok(ForkResult::Child) => loop {
                pause();
            },
            Ok(ForkResult::Parent { .. }) => {}
            Err(error) => {
                let line = format!("{children} {error:?}\n");
                return match io::stdout().write_all(line.as_bytes()) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(_) => ExitCode::FAILURE,
                };
            }
        }
    }
    ExitCode::FAILURE
}

/// Takes memory until there is none; where nothing stops it, it stops itself.
pub fn hog() -> ExitCode {
    const PART: usize = 1 << 20;
    for _ in 0..4096 {
        let part = vec![1_u8; PART].leak();
        std::hint::black_box(part);
    }
    ExitCode::FAILURE
}

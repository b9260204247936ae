//! What a command costs: its time on the wall, and the processor's for all that it started, from the kernel's own accounts.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

#[derive(Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
}

/// Runs a command to its good end.
pub fn cost(command: &mut Command) -> Cost {
    let children = || used(UsageWho::RUSAGE_CHILDREN);
    let (begin, before) = (Instant::now(), children());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (wall, cpu) = (begin.elapsed(), children() - before);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    Cost { wall, cpu }
}

/// User and system time of this process, or of all finished children and theirs.
pub fn used(by: UsageWho) -> Duration {
    let usage = getrusage(by).unwrap();
    let times = [usage.user_time(), usage.system_time()];
    times
        .iter()
        .map(|time| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000))
        .sum()
}

/// The same of a process that lives on, with the children that it has waited for.
pub fn of_process(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

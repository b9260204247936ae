//! How much a command may use: bounds that no build comes near, so that one out of hand ends before the machine does.
//!
//! What all of pwb's commands may use together is for control groups to say, from outside (`docs/security.md`).

use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::utsname::uname;

use crate::report::{Blame, Failure, Step};

/// Processes and threads of one sandbox.
const MOST_TASKS: u64 = 8192;
/// The largest file, in bytes, holes included: all of an output is read.
const LARGEST_FILE: u64 = 256 << 30;
/// What programs go by: the stack decides on addresses, and on the longest command line that `configure` finds; some close
/// each file that could be open. These are what Linux starts with.
const USUAL: [(Resource, u64); 2] = [
    (Resource::RLIMIT_STACK, 8 << 20),
    (Resource::RLIMIT_NOFILE, 1024),
];
/// From this Linux on each pid namespace has a bound of its own (`kernel.pid_max`, pid_namespaces(7)).
const OWN_PIDS: (u32, u32) = (6, 14);

/// Sets them for this process and all its descendants, for good. The host's `/proc` has to be there still.
pub(crate) fn set() -> Result<(), Failure> {
    limit(Resource::RLIMIT_FSIZE, LARGEST_FILE)?;
    limit(Resource::RLIMIT_CORE, 0)?;
    if kernel().is_some_and(|kernel| kernel >= OWN_PIDS) {
        write("/proc/sys/kernel/pid_max", MOST_TASKS)?;
    } else {
        // Counted over all sandboxes of an ordinary user's pwb; to root it means nothing.
        limit(Resource::RLIMIT_NPROC, MOST_TASKS)?;
    }
    // Who is to go when memory runs out: whoever is in here, before anybody outside.
    write("/proc/self/oom_score_adj", 1000)
}

/// Sets what shows to the usual, whatever the caller's are. A command may raise them to those.
pub(crate) fn show_usual() -> Result<(), Failure> {
    USUAL.into_iter().try_for_each(|(resource, usual)| {
        let (_, most) = getrlimit(resource).blame(Step::Identity)?;
        setrlimit(resource, usual.min(most), most).blame(Step::Identity)
    })
}

fn limit(resource: Resource, most: u64) -> Result<(), Failure> {
    let (_, before) = getrlimit(resource).blame(Step::Identity)?;
    let most = before.min(most);
    setrlimit(resource, most, most).blame(Step::Identity)
}

fn write(path: &str, number: u64) -> Result<(), Failure> {
    fs::write(path, number.to_string()).blame_at(Step::Identity, Path::new(path))
}

/// The running kernel's version.
fn kernel() -> Option<(u32, u32)> {
    let system = uname().ok()?;
    let mut numbers = system
        .release()
        .to_str()?
        .split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

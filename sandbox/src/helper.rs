//! The process between the caller and the sandbox: makes the namespaces, forks init into them, waits for its end.
//!
//! It stays outside the pid namespace and is the only one that can say for sure that all in it is dead.

use std::fs;
use std::io::{IoSliceMut, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, getegid, geteuid, getppid, pipe2};
use serde::{Deserialize, Serialize};

use crate::init;
use crate::report::{self, Blame, Failure, Message, Step};
use crate::spec::{Spec, Usage};
use crate::sys;

/// How the helper is recognised: the first two words of its command line.
pub(crate) const NAME: &str = "pwb-sandbox";
pub(crate) const ROLE: &str = "--become-the-helper";

/// The user and group that the command sees itself as.
const INSIDE_ID: u32 = 1000;

static ARMED: AtomicBool = AtomicBool::new(false);

/// What the caller sends.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    /// The caller's process id.
    pub caller: i32,
    pub spec: Spec,
}

/// The first line of `main` in every program that calls [`crate::run`]: where the process was started as the sandbox'
/// helper, it becomes that and does not return.
pub fn enter_if_asked() {
    ARMED.store(true, Ordering::Relaxed);
    let mut words = std::env::args_os();
    if words.next().is_some_and(|name| name == NAME)
        && words.next().is_some_and(|role| role == ROLE)
    {
        process::exit(i32::from(help().is_none()));
    }
}

/// Whether a re-exec of this program would become the helper rather than run `main` again and again.
pub(crate) fn armed() -> bool {
    ARMED.load(Ordering::Relaxed)
}

fn help() -> Option<()> {
    let control = UnixStream::from(sys::take_control().ok()?);
    match supervise(&control) {
        Ok(usage) => report::send(&control, &Message::Used(usage)),
        Err(failure) => report::send(&control, &Message::Failed(failure)),
    }
    Some(())
}

fn supervise(control: &UnixStream) -> Result<Usage, Failure> {
    let order = receive(control)?;
    // From here on SIGTERM is the caller's word to end it all, and waits until it is asked for.
    let mut watched = SigSet::empty();
    watched.add(Signal::SIGCHLD);
    watched.add(Signal::SIGTERM);
    sys::reset_signal(Signal::SIGCHLD).blame(Step::Lifeline)?;
    watched.thread_block().blame(Step::Lifeline)?;
    isolate(&order)?;
    let (alive, held) = pipe2(OFlag::O_CLOEXEC).blame(Step::Lifeline)?;
    match sys::fork_single_threaded().blame(Step::Lifeline)? {
        ForkResult::Child => {
            drop(held);
            init::become_init(&order.spec, control, &alive)
        }
        ForkResult::Parent { child } => {
            drop(alive);
            wait_for(child, &watched).blame(Step::Start)?;
        }
    }
    usage_of_children().blame(Step::Start)
}

/// Makes descriptor 0 the command's standard input, and reads the order.
fn receive(control: &UnixStream) -> Result<Order, Failure> {
    let mut first = [0];
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut parts = [IoSliceMut::new(&mut first)];
    let stdin = recvmsg::<()>(
        sys::raw(control),
        &mut parts,
        Some(&mut space),
        MsgFlags::MSG_CMSG_CLOEXEC,
    )
    .and_then(|message| Ok(message.cmsgs()?.find_map(descriptor)))
    .blame(Step::Receive)?;
    if let Some(stdin) = stdin {
        dup2_stdin(sys::received(stdin)).blame(Step::Receive)?;
    } else {
        let null = Path::new("/dev/null");
        let file = fs::File::open(null).blame_at(Step::Receive, null)?;
        dup2_stdin(file).blame(Step::Receive)?;
    }
    let mut text = Vec::new();
    (&*control).read_to_end(&mut text).blame(Step::Receive)?;
    serde_json::from_slice(&text).blame(Step::Receive)
}

fn descriptor(message: ControlMessageOwned) -> Option<i32> {
    match message {
        ControlMessageOwned::ScmRights(descriptors) => descriptors.first().copied(),
        _ => None,
    }
}

/// New namespaces, one user in them, and a life no longer than the caller's.
fn isolate(order: &Order) -> Result<(), Failure> {
    let (user, group) = (geteuid(), getegid());
    let mut namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if !order.spec.network {
        namespaces |= CloneFlags::CLONE_NEWNET;
    }
    unshare(namespaces).blame(Step::Unshare)?;
    // After unshare, since a change of credentials forgets the death signal; the caller may have died before it.
    set_pdeathsig(Signal::SIGKILL).blame(Step::Lifeline)?;
    if getppid() != Pid::from_raw(order.caller) {
        return Err(Failure {
            step: Step::Lifeline,
            path: None,
            errno: Errno::ESRCH as i32,
        });
    }
    // An ordinary user may map its group only after giving up setgroups; root goes the same way.
    let maps = [
        ("/proc/self/uid_map", format!("{INSIDE_ID} {user} 1")),
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/gid_map", format!("{INSIDE_ID} {group} 1")),
    ];
    for (file, line) in maps {
        fs::OpenOptions::new()
            .write(true)
            .open(file)
            .and_then(|mut map| std::io::Write::write_all(&mut map, line.as_bytes()))
            .blame_at(Step::MapIds, Path::new(file))?;
    }
    Ok(())
}

/// Waits for init, whose end the kernel delays until every process of the namespace is dead.
fn wait_for(init: Pid, watched: &SigSet) -> nix::Result<()> {
    loop {
        match watched.wait() {
            Ok(Signal::SIGTERM) => kill(init, Signal::SIGKILL)?,
            // SIGCHLD tells of a stop, too.
            Ok(_) if waitpid(init, Some(WaitPidFlag::WNOHANG))? == WaitStatus::StillAlive => {}
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn usage_of_children() -> nix::Result<Usage> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(Usage {
        user: duration(used.user_time()),
        system: duration(used.system_time()),
        max_rss_bytes: u64::try_from(used.max_rss()).unwrap_or(0) * 1024,
    })
}

fn duration(time: TimeVal) -> Duration {
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec())) + Duration::from_micros(part(time.tv_usec()))
}

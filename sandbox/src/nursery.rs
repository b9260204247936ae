//! The process that sandboxes are forked from: one a program, which ends with it. It makes the one user namespace, forks an
//! init into further ones for each that asks, and waits for their ends.
//!
//! A fork of a small process that has one thread costs little; to execute a large program anew for every run costs more than
//! all namespaces and mounts together. It stays outside the pid namespaces and is the only one that can say for sure that all
//! in one of them is dead.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, getegid, geteuid};

use crate::birth::Birth;
use crate::init;
use crate::lifeline::Lifeline;
use crate::report::{self, Blame, Failure, Message, Step};
use crate::sys;

/// How the nursery is recognised: the first two words of its command line.
pub(crate) const NAME: &str = "pwb-sandbox";
/// See [`NAME`].
pub(crate) const ROLE: &str = "--become-the-nursery";

/// The user and group that commands see themselves as.
const INSIDE_ID: u32 = 1000;

static ARMED: AtomicBool = AtomicBool::new(false);

/// The first line of `main` in every program that calls [`crate::run`]: where the process was started as the nursery of
/// sandboxes, it becomes that and does not return.
pub fn enter_if_asked() {
    ARMED.store(true, Ordering::Relaxed);
    let mut words = std::env::args_os();
    if words.next().is_some_and(|name| name == NAME)
        && words.next().is_some_and(|role| role == ROLE)
    {
        process::exit(i32::from(serve().is_err()));
    }
}

/// Whether a re-exec of this program would become the nursery rather than run `main` again and again.
pub(crate) fn armed() -> bool {
    ARMED.load(Ordering::Relaxed)
}

/// Serves until nobody is left who could ask: its death is that of all sandboxes.
fn serve() -> nix::Result<()> {
    let asks = UnixStream::from(sys::take_control()?);
    // It is in the caller's group, for those commands that are to be. The terminal's signals are theirs.
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        sys::ignore(signal)?;
    }
    sys::reset_signal(Signal::SIGCHLD)?;
    // Why it cannot be done is told to those who ask.
    let lifeline = map_ids().and_then(|()| Lifeline::hold().blame(Step::Lifeline));
    let mut ward = Ward::default();
    loop {
        let (asked, ended) = ward.wait(&asks)?;
        if let Some(ended) = ended {
            ward.bury(ended)?;
        } else if asked {
            let Some(birth) = Birth::next(&asks)? else {
                return Ok(());
            };
            match &lifeline {
                Ok(lifeline) => ward.raise(birth, lifeline),
                Err(failure) => {
                    report::send(&birth.control, &Message::Failed(failure.clone()));
                }
            }
        }
    }
}

/// A user namespace with one user and one group in it.
fn map_ids() -> Result<(), Failure> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).blame(Step::Unshare)?;
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
            .and_then(|mut map| map.write_all(line.as_bytes()))
            .blame_at(Step::MapIds, Path::new(file))?;
    }
    Ok(())
}

/// The sandboxes that live.
#[derive(Default)]
struct Ward {
    living: Vec<Sandbox>,
    /// Network namespaces that nobody is in. To make one costs as much as all else; nothing of who was in it stays, since
    /// who has no privileges changes nothing but sockets, and those died with it.
    networks: Vec<OwnedFd>,
}

struct Sandbox {
    init: Pid,
    /// Readable once init has ended.
    ended: OwnedFd,
    control: UnixStream,
    network: Option<OwnedFd>,
    stopped: bool,
}

impl Ward {
    /// Whether somebody asks, and the place of a sandbox that has ended. One whose caller has gone, or said its last word, is
    /// told to.
    fn wait(&mut self, asks: &UnixStream) -> nix::Result<(bool, Option<usize>)> {
        let mut watched = vec![PollFd::new(asks.as_fd(), PollFlags::POLLIN)];
        for sandbox in &self.living {
            watched.push(PollFd::new(sandbox.ended.as_fd(), PollFlags::POLLIN));
        }
        for sandbox in self.living.iter().filter(|sandbox| !sandbox.stopped) {
            watched.push(PollFd::new(sandbox.control.as_fd(), sys::HUNG_UP));
        }
        match poll(&mut watched, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Ok((false, None)),
            polled => polled?,
        };
        let fired: Vec<bool> = watched
            .iter()
            .map(|one| one.any().unwrap_or(true))
            .collect();
        let (ends, stops) = fired[1..].split_at(self.living.len());
        let unstopped = self.living.iter_mut().filter(|sandbox| !sandbox.stopped);
        for (sandbox, _) in unstopped.zip(stops).filter(|(_, stop)| **stop) {
            sandbox.stopped = true;
            // Not waited for yet, so the number is still its own.
            kill(sandbox.init, Signal::SIGKILL)?;
        }
        Ok((fired[0], ends.iter().position(|ended| *ended)))
    }

    /// Forks an init; why it cannot is told to the caller.
    fn raise(&mut self, birth: Birth<UnixStream, OwnedFd>, lifeline: &Lifeline) {
        let mut namespaces = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWCGROUP;
        let (hosts, mut network) = (birth.network, None);
        if !hosts {
            network = self.networks.pop();
            if network.is_none() {
                namespaces |= CloneFlags::CLONE_NEWNET;
            }
        }
        let forked = match sys::fork_into(namespaces) {
            Ok(ForkResult::Child) => {
                // The callers of others wait for the last of these to be closed.
                self.living.clear();
                self.networks.clear();
                init::become_init(birth, network, lifeline)
            }
            Ok(ForkResult::Parent { child }) => match sys::open_process(child) {
                Ok(ended) => Ok((child, ended)),
                Err(error) => {
                    let _ = kill(child, Signal::SIGKILL).and_then(|()| sys::reap(child));
                    Err(error)
                }
            },
            Err(error) => Err(error),
        };
        match forked.blame(Step::Unshare) {
            Ok((init, ended)) => {
                if !hosts && network.is_none() {
                    // One that has ended already leaves none.
                    network = File::open(format!("/proc/{init}/ns/net"))
                        .ok()
                        .map(OwnedFd::from);
                }
                self.living.push(Sandbox {
                    init,
                    ended,
                    control: birth.control,
                    network,
                    stopped: false,
                });
            }
            Err(failure) => report::send(&birth.control, &Message::Failed(failure)),
        }
    }

    /// Takes leave of a sandbox, whose end the kernel has delayed until every process in it was dead.
    fn bury(&mut self, place: usize) -> nix::Result<()> {
        let sandbox = self.living.swap_remove(place);
        let usage = sys::reap(sandbox.init)?;
        self.networks.extend(sandbox.network);
        report::send(&sandbox.control, &Message::Used(usage));
        Ok(())
    }
}

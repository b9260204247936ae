//! Process 1 of the sandbox: builds what the command will see, gives up every privilege, starts it, reaps, and ends with it.
//!
//! When it ends the kernel kills whatever the command left behind. Knows nothing of the caller but the control socket.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process;

use nix::errno::Errno;
use nix::sched::{CloneFlags, CpuSet, sched_setaffinity, setns};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::personality::{self, Persona};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, sethostname};

use serde::{Deserialize, Serialize};

use crate::birth::Birth;
use crate::lifeline::Lifeline;
use crate::report::{self, Blame, Failure, Message, Step, Unrunnable};
use crate::spec::{Spec, Status, Stdio};
use crate::{bounds, mounts, seccomp, sys};

const HOST_NAME: &str = "pwb";

/// Runs the command to its end. `network` is the one to enter, if it is not in its own already; `nursery` is held as long as the
/// nursery lives.
pub(crate) fn become_init(
    birth: Birth<UnixStream, OwnedFd>,
    network: Option<OwnedFd>,
    nursery: &Lifeline,
) -> ! {
    let lived = live(&birth.control, birth.stdio, network, nursery);
    report::send(&birth.control, &lived.unwrap_or_else(Message::Failed));
    process::exit(0)
}

fn live(
    control: &UnixStream,
    [input, output, errors]: [OwnedFd; 3],
    network: Option<OwnedFd>,
    nursery: &Lifeline,
) -> Result<Message, Failure> {
    set_pdeathsig(Signal::SIGKILL).blame(Step::Lifeline)?;
    if !nursery.is_held().blame(Step::Lifeline)? {
        // It died before the death signal was armed: this is that signal.
        process::exit(1);
    }
    dup2_stdin(input).blame(Step::Receive)?;
    dup2_stdout(output).blame(Step::Receive)?;
    dup2_stderr(errors).blame(Step::Receive)?;
    let Order { spec, cores } = &receive(control)?;
    stay_on(cores).blame(Step::Identity)?;
    if let Some(network) = network {
        setns(network, CloneFlags::CLONE_NEWNET).blame(Step::Unshare)?;
    }
    umask(Mode::from_bits_truncate(0o022));
    bounds::set()?;
    mounts::build(spec)?;
    nix::unistd::chdir(&spec.cwd).blame_at(Step::Cwd, &spec.cwd)?;
    if spec.stdio == Stdio::Captured {
        // By the caller's own, the host's device could be changed.
        let null = Path::new("/dev/null");
        let null = File::open(null).blame_at(Step::Dev, null)?;
        dup2_stdin(null).blame(Step::Dev)?;
    }
    identify(spec)?;
    set_no_new_privs().blame(Step::Privileges)?;
    sys::drop_capabilities().blame(Step::Privileges)?;
    // Neither traced nor read through /proc/1 by the command, which has the same user id.
    set_dumpable(false).blame(Step::Privileges)?;
    seccomp::install()?;
    match Program::new(spec).blame(Step::Start)?.start(spec.stdio)? {
        Ok(command) => reap(command).blame(Step::Start).map(Message::Ended),
        Err(unrunnable) => Ok(Message::Unrunnable(unrunnable)),
    }
}

/// What the caller sends, on a line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Order {
    pub spec: Spec,
    /// The cores that the command may use, by their numbers.
    pub cores: Vec<usize>,
}

fn receive(control: &UnixStream) -> Result<Order, Failure> {
    let mut line = Vec::new();
    let mut control = BufReader::new(control);
    control.read_until(b'\n', &mut line).blame(Step::Receive)?;
    serde_json::from_slice(&line).blame(Step::Receive)
}

fn stay_on(cores: &[usize]) -> nix::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().try_for_each(|core| set.set(*core))?;
    sched_setaffinity(Pid::from_raw(0), &set)
}

/// What `uname`, `ulimit` and the addresses of a program show.
fn identify(spec: &Spec) -> Result<(), Failure> {
    sethostname(HOST_NAME).blame(Step::Identity)?;
    sys::set_domain_name("(none)").blame(Step::Identity)?;
    bounds::show_usual()?;
    if spec.stdio == Stdio::Captured {
        // Fixed addresses: programs that order things by pointer then give the same bytes twice.
        personality::set(Persona::ADDR_NO_RANDOMIZE).blame(Step::Identity)?;
    }
    Ok(())
}

/// Reaps whatever ends, until the command does.
fn reap(command: Pid) -> nix::Result<Status> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => return Ok(Status::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => {
                return Ok(Status::Signal(signal as i32));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The command in the form that `execve` takes.
struct Program {
    argv: Vec<CString>,
    env: Vec<CString>,
    command: String,
    searched: String,
    /// Where to look, best first.
    files: Vec<PathBuf>,
}

impl Program {
    fn new(spec: &Spec) -> io::Result<Self> {
        let text = |word: String| CString::new(word).map_err(io::Error::from);
        let command = spec.argv.first().cloned().unwrap_or_default();
        let searched = spec
            .env
            .iter()
            .rfind(|(name, _)| name == "PATH")
            .map_or("", |(_, value)| value)
            .to_owned();
        let files = if command.contains('/') {
            vec![PathBuf::from(&command)]
        } else {
            searched
                .split(':')
                .map(|folder| Path::new(folder).join(&command))
                .collect()
        };
        Ok(Self {
            argv: spec
                .argv
                .iter()
                .cloned()
                .map(text)
                .collect::<Result<_, _>>()?,
            env: spec
                .env
                .iter()
                .map(|(name, value)| text(format!("{name}={value}")))
                .collect::<Result<_, _>>()?,
            command,
            searched,
            files,
        })
    }

    /// Starts the command with every signal at its default and none blocked; a captured one in a session of its own.
    fn start(self, stdio: Stdio) -> Result<Result<Pid, Unrunnable>, Failure> {
        let attributes = attributes(stdio).blame(Step::Start)?;
        let actions = PosixSpawnFileActions::init().blame(Step::Start)?;
        let mut refused = None;
        for file in self.files.into_iter().filter(|file| file.exists()) {
            match posix_spawn(&*file, &actions, &attributes, &self.argv, &self.env) {
                Ok(command) => return Ok(Ok(command)),
                // As a shell does: a file that cannot be run yields to a later one that can.
                Err(errno) => refused = refused.or(Some((file, errno))),
            }
        }
        let (file, errno) =
            refused.map_or((None, Errno::ENOENT), |(file, errno)| (Some(file), errno));
        Ok(Err(Unrunnable {
            command: self.command,
            file,
            searched: self.searched,
            errno: errno as i32,
        }))
    }
}

fn attributes(stdio: Stdio) -> nix::Result<PosixSpawnAttr> {
    let mut flags =
        PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK;
    if stdio == Stdio::Captured {
        flags |= PosixSpawnFlags::from_bits_retain(i32::from(nix::libc::POSIX_SPAWN_SETSID));
    }
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(flags)?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    Ok(attributes)
}

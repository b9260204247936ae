//! Process 1 of the sandbox: builds what the command will see, gives up every privilege, starts it, reaps, and ends with it.
//!
//! When it ends the kernel kills whatever the command left behind. Knows nothing of the caller but the control socket.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::personality::{self, Persona};
use nix::sys::prctl::{set_dumpable, set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{ForkResult, Pid, execve, sethostname, setsid};

use crate::report::{self, Blame, Failure, Message, Step, Unrunnable};
use crate::spec::{Spec, Status, Stdio};
use crate::{mounts, seccomp, sys};

const HOST_NAME: &str = "pwb";

/// Runs the command to its end; `alive` is closed at its other end when the helper dies.
pub(crate) fn become_init(spec: &Spec, control: &UnixStream, alive: &OwnedFd) -> ! {
    let message = match live(spec, control, alive) {
        Ok(status) => Message::Ended(status),
        Err(failure) => Message::Failed(failure),
    };
    report::send(control, &message);
    process::exit(0)
}

fn live(spec: &Spec, control: &UnixStream, alive: &OwnedFd) -> Result<Status, Failure> {
    set_pdeathsig(Signal::SIGKILL).blame(Step::Lifeline)?;
    let mut helper = [PollFd::new(alive.as_fd(), PollFlags::empty())];
    if poll(&mut helper, PollTimeout::ZERO).blame(Step::Lifeline)? > 0 {
        // The helper died before the death signal was armed.
        return Err(Failure { step: Step::Lifeline, path: None, errno: Errno::ESRCH as i32 });
    }
    umask(Mode::from_bits_truncate(0o022));
    mounts::build(spec)?;
    nix::unistd::chdir(&spec.cwd).blame_at(Step::Cwd, &spec.cwd)?;
    identify(spec)?;
    set_no_new_privs().blame(Step::Privileges)?;
    sys::drop_capabilities().blame(Step::Privileges)?;
    // Neither traced nor read through /proc/1 by the command, which has the same user id.
    set_dumpable(false).blame(Step::Privileges)?;
    let program = Program::new(spec).blame(Step::Start)?;
    seccomp::install()?;
    match sys::fork_single_threaded().blame(Step::Start)? {
        ForkResult::Child => {
            let message = match program.become_it(spec.stdio) {
                Ok(unrunnable) => Message::Unrunnable(unrunnable),
                Err(failure) => Message::Failed(failure),
            };
            report::send(control, &message);
            process::exit(127)
        }
        ForkResult::Parent { child } => reap(child).blame(Step::Start),
    }
}

/// What `uname`, `ulimit -c` and address randomisation show.
fn identify(spec: &Spec) -> Result<(), Failure> {
    sethostname(HOST_NAME).blame(Step::Identity)?;
    sys::set_domain_name("(none)").blame(Step::Identity)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).blame(Step::Identity)?;
    if spec.stdio == Stdio::Captured {
        // Fixed addresses: programs that order things by pointer then give the same bytes twice.
        let mut persona = personality::get().blame(Step::Identity)?;
        persona.insert(Persona::ADDR_NO_RANDOMIZE);
        personality::set(persona).blame(Step::Identity)?;
    }
    Ok(())
}

/// Reaps whatever ends, until the command does.
fn reap(command: Pid) -> nix::Result<Status> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => return Ok(Status::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => return Ok(Status::Signal(signal as i32)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The command in the form that `execve` takes, made before the fork.
struct Program {
    argv: Vec<CString>,
    env: Vec<CString>,
    command: String,
    searched: String,
    /// Where to look, best first.
    files: Vec<PathBuf>,
}

impl Program {
    fn new(spec: &Spec) -> std::io::Result<Self> {
        let text = |word: String| CString::new(word).map_err(std::io::Error::from);
        let command = spec.argv.first().cloned().unwrap_or_default();
        let searched = spec.env.iter().rfind(|(name, _)| name == "PATH").map_or("", |(_, value)| value).to_owned();
        let files = if command.contains('/') {
            vec![PathBuf::from(&command)]
        } else {
            searched.split(':').map(|folder| Path::new(folder).join(&command)).collect()
        };
        Ok(Self {
            argv: spec.argv.iter().cloned().map(text).collect::<Result<_, _>>()?,
            env: spec.env.iter().map(|(name, value)| text(format!("{name}={value}"))).collect::<Result<_, _>>()?,
            command,
            searched,
            files,
        })
    }

    /// Becomes the command; returns only where that is impossible, with the reason.
    fn become_it(self, stdio: Stdio) -> Result<Unrunnable, Failure> {
        sys::reset_signals().blame(Step::Start)?;
        if stdio == Stdio::Captured {
            setsid().blame(Step::Start)?;
        }
        let mut refused = None;
        for file in &self.files {
            let Ok(path) = CString::new(file.as_os_str().as_encoded_bytes()) else { continue };
            let Err(errno) = execve(&path, &self.argv, &self.env);
            let missing = matches!(errno, Errno::ENOENT | Errno::ENOTDIR) && file.symlink_metadata().is_err();
            // As a shell does: a file that cannot be run yields to a later one that can.
            if !missing && refused.is_none() {
                refused = Some((file.clone(), errno));
            }
        }
        let (file, errno) = refused.map_or((None, Errno::ENOENT), |(file, errno)| (Some(file), errno));
        let Self { command, searched, .. } = self;
        Ok(Unrunnable { command, file, searched, errno: errno as i32 })
    }
}

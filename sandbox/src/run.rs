//! The caller's side of a run: starts the helper, passes output on, keeps the time, reads the report.
//!
//! Knows nothing of namespaces and mounts.

use std::io::{self, IoSlice, PipeReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio as ProcessStdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;

use crate::error::Error;
use crate::helper::{self, Order};
use crate::report::{self, Message};
use crate::spec::{Exit, Spec, Status, Stdio, Usage};
use crate::sys;
use crate::terminal::Terminal;

/// Runs one process in isolation and waits until it and all it started are gone.
///
/// `output` receives what a captured command writes, as it comes. The calling thread must live as long as the call
/// (it does, unless it is killed): its death, however it comes, kills everything in the sandbox.
///
/// # Errors
/// Whatever kept the command from running. A command that ran and failed is an [`Exit`].
pub fn run(spec: &Spec, output: &mut dyn FnMut(&[u8])) -> Result<Exit, Error> {
    spec.check()?;
    if !helper::armed() {
        return Err(Error::NotArmed);
    }
    let started = Instant::now();
    let (control, theirs) = UnixStream::pair().map_err(blame("make a socket for"))?;
    let _terminal = (spec.stdio == Stdio::Inherited).then(Terminal::lend);
    let (mut helper, pipe) = spawn(spec.stdio, theirs)?;
    // A helper that died early has said why, or shows in its exit status.
    let _ = order(&control, spec);
    let deadline = spec.timeout.map(|timeout| started + timeout);
    let (received, timed_out) = attend(&helper, &control, pipe, deadline, output)?;
    let end = helper.0.wait().map_err(blame("wait for"))?;
    let mut exit = Exit {
        status: Status::TimedOut,
        usage: Usage::default(),
        wall: started.elapsed(),
    };
    let mut ended = timed_out;
    for message in report::parse(&received) {
        match message {
            Message::Used(usage) => exit.usage = usage,
            _ if timed_out => {}
            Message::Failed(failure) => return Err(failure.into()),
            Message::Unrunnable(unrunnable) => return Err(unrunnable.into()),
            Message::Ended(status) => (exit.status, ended) = (status, true),
        }
    }
    if ended {
        Ok(exit)
    } else {
        Err(Error::Lost(end.to_string()))
    }
}

/// The helper's process; dropped before its end (a panic in the caller's closure), it takes the sandbox with it.
struct Helper(Child);

impl Helper {
    /// Asks the helper to kill what is inside; it exits when all of it is dead.
    fn stop(&self) {
        // The child is not waited for yet, so the number is still its own.
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.stop();
            let _ = self.0.wait();
        }
    }
}

fn spawn(stdio: Stdio, theirs: UnixStream) -> Result<(Helper, Option<PipeReader>), Error> {
    // Neither hooks nor a user change nor a working directory: std then uses posix_spawn, whose cost does not grow with
    // the caller's memory.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(helper::NAME)
        .arg(helper::ROLE)
        .env_clear()
        .stdin(OwnedFd::from(theirs));
    let mut pipe = None;
    if stdio == Stdio::Captured {
        let (reader, writer) = io::pipe().map_err(blame("make a pipe for"))?;
        let second = writer.try_clone().map_err(blame("make a pipe for"))?;
        // A group of its own: Ctrl-C is the caller's to handle.
        command.stdout(writer).stderr(second).process_group(0);
        pipe = Some(reader);
    } else {
        command
            .stdout(ProcessStdio::inherit())
            .stderr(ProcessStdio::inherit());
    }
    Ok((Helper(command.spawn().map_err(blame("start"))?), pipe))
}

/// Sends one byte, the caller's standard input with it where it is to be inherited, then the order.
fn order(mut control: &UnixStream, spec: &Spec) -> io::Result<()> {
    let stdin = [sys::raw(&sys::stdin())];
    let rights = [ControlMessage::ScmRights(&stdin)];
    let rights = if spec.stdio == Stdio::Inherited {
        &rights[..]
    } else {
        &[]
    };
    let sent = sendmsg::<()>(
        sys::raw(control),
        &[IoSlice::new(b"\n")],
        rights,
        MsgFlags::MSG_NOSIGNAL,
        None,
    );
    if sent == Err(Errno::EBADF) {
        // The caller runs with its standard input closed: the helper opens /dev/null.
        control.write_all(b"\n")?;
    } else {
        sent?;
    }
    control.write_all(&serde_json::to_vec(&Order {
        caller: std::process::id().cast_signed(),
        spec: spec.clone(),
    })?)?;
    control.shutdown(Shutdown::Write)
}

/// Passes output on until everybody inside has closed both output and control socket, which is their death at the latest.
fn attend(
    helper: &Helper,
    mut control: &UnixStream,
    mut pipe: Option<PipeReader>,
    mut deadline: Option<Instant>,
    output: &mut dyn FnMut(&[u8]),
) -> Result<(Vec<u8>, bool), Error> {
    let mut received = Vec::new();
    let mut timed_out = false;
    let mut talking = true;
    let mut buffer = vec![0; 64 * 1024];
    while talking || pipe.is_some() {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            helper.stop();
            (timed_out, deadline) = (true, None);
            continue;
        }
        let (heard, written) =
            ready(talking.then_some(control), pipe.as_ref(), left).map_err(blame("watch"))?;
        if heard {
            let count = control
                .read(&mut buffer)
                .or_else(reset_is_end)
                .map_err(blame("hear"))?;
            received.extend_from_slice(&buffer[..count]);
            talking = count > 0;
        }
        if written && let Some(reader) = &mut pipe {
            match reader
                .read(&mut buffer)
                .map_err(blame("read the output of"))?
            {
                0 => pipe = None,
                count => output(&buffer[..count]),
            }
        }
    }
    Ok((received, timed_out))
}

/// A helper that dies with part of the order unread resets the socket.
fn reset_is_end(error: io::Error) -> io::Result<usize> {
    if error.kind() == io::ErrorKind::ConnectionReset {
        Ok(0)
    } else {
        Err(error)
    }
}

/// Which of the two can be read; neither when the time is up or a signal came.
fn ready(
    control: Option<&UnixStream>,
    pipe: Option<&PipeReader>,
    left: Option<Duration>,
) -> io::Result<(bool, bool)> {
    // Rounded up, so that the last millisecond is not spent in a busy loop.
    let wait = left.map_or(PollTimeout::NONE, |left| {
        PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
    });
    let mut watched: Vec<PollFd<'_>> = Vec::with_capacity(2);
    watched.extend(control.map(|control| PollFd::new(control.as_fd(), PollFlags::POLLIN)));
    watched.extend(pipe.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
    match poll(&mut watched, wait) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut fired = watched.iter().map(|watched| watched.any().unwrap_or(true));
    let heard = control.is_some() && fired.next() == Some(true);
    Ok((heard, fired.next() == Some(true)))
}

fn blame(action: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Helper { action, source }
}

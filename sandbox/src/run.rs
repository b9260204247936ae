//! The caller's side of a run: has the sandbox begun, passes output on, keeps the time, reads the report.
//!
//! Knows nothing of namespaces and mounts.

use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::birth::Birth;
use crate::error::Error;
use crate::init::Order;
use crate::nursery;
use crate::report::{self, Message};
use crate::spec::{Exit, Spec, Status, Stdio, Usage};
use crate::terminal::Terminal;

/// Runs one process in isolation and waits until it and all it started are gone.
///
/// `output` receives what a captured command writes, as it comes. The caller's death, however it comes, kills everything in
/// the sandbox.
///
/// # Errors
/// Whatever kept the command from running. A command that ran and failed is an [`Exit`].
pub fn run(spec: &Spec, output: &mut dyn FnMut(&[u8])) -> Result<Exit, Error> {
    spec.check()?;
    if !nursery::armed() {
        return Err(Error::NotArmed);
    }
    let started = Instant::now();
    let _terminal = (spec.stdio == Stdio::Inherited).then(Terminal::lend);
    let (sandbox, pipe) = Sandbox::begin(spec)?;
    // One that died early has said why, or shows in its silence.
    let _ = sandbox.order(spec);
    let deadline = spec.timeout.map(|timeout| started + timeout);
    let (received, timed_out) = attend(&sandbox, pipe, deadline, output)?;
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
    if ended { Ok(exit) } else { Err(Error::Lost) }
}

/// A sandbox, at the other end of its socket; dropped before its end (a panic in the caller's closure), it is killed.
struct Sandbox(UnixStream);

impl Sandbox {
    /// Has one begun, with its output going into the pipe if it is captured.
    fn begin(spec: &Spec) -> Result<(Sandbox, Option<PipeReader>), Error> {
        let (control, theirs) = UnixStream::pair().map_err(blame("make a socket for"))?;
        let null = File::open("/dev/null").map_err(blame("open /dev/null for"))?;
        let mut captured = None;
        if spec.stdio == Stdio::Captured {
            captured = Some(io::pipe().map_err(blame("make a pipe for"))?);
        }
        let own = (io::stdin(), io::stdout(), io::stderr());
        let birth = Birth {
            control: theirs.as_fd(),
            stdio: match &captured {
                Some((_, writer)) => [null.as_fd(), writer.as_fd(), writer.as_fd()],
                None => [own.0.as_fd(), own.1.as_fd(), own.2.as_fd()],
            },
            network: spec.network,
        };
        birth.ask().map_err(unheard)?;
        Ok((Sandbox(control), captured.map(|(reader, _)| reader)))
    }

    /// Says what to run, and on which cores: those of the calling thread.
    fn order(&self, spec: &Spec) -> io::Result<()> {
        let own = sched_getaffinity(Pid::from_raw(0))?;
        let is_set = |core: &usize| own.is_set(*core).unwrap_or(false);
        let cores = (0..CpuSet::count()).filter(is_set).collect();
        let spec = spec.clone();
        let mut line = serde_json::to_vec(&Order { spec, cores })?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }

    /// Has all that is inside killed; the other end is closed when it is dead.
    fn stop(&self) {
        // One that is gone needs no telling.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
        let _ = io::copy(&mut &self.0, &mut io::sink());
    }
}

/// Passes output on until everybody inside has closed both output and control socket, which is their death at the latest. The
/// output's end may be longer in coming, if somebody outside has got hold of it (a call's attendant): it is not waited for.
fn attend(
    sandbox: &Sandbox,
    mut pipe: Option<PipeReader>,
    mut deadline: Option<Instant>,
    output: &mut dyn FnMut(&[u8]),
) -> Result<(Vec<u8>, bool), Error> {
    let mut control = &sandbox.0;
    let mut received = Vec::new();
    let mut timed_out = false;
    let mut talking = true;
    let mut buffer = vec![0; 64 * 1024];
    let mut dead = false;
    while talking || pipe.is_some() {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            sandbox.stop();
            (timed_out, deadline) = (true, None);
            continue;
        }
        let left = if dead { Some(Duration::ZERO) } else { left };
        let (heard, written) =
            ready(talking.then_some(control), pipe.as_ref(), left).map_err(blame("watch"))?;
        if dead && !written {
            break;
        }
        if heard {
            let count = control
                .read(&mut buffer)
                .or_else(reset_is_end)
                .map_err(blame("hear"))?;
            received.extend_from_slice(&buffer[..count]);
            talking = count > 0;
            let last = |message| matches!(message, Message::Used(_));
            dead = !talking && report::parse(&received).into_iter().any(last);
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

/// A sandbox that dies with part of the order unread resets the socket.
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
        PollTimeout::try_from(left.as_millis() + u128::from(left.subsec_nanos() > 0))
            .unwrap_or(PollTimeout::MAX)
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

/// Nobody hears who asks for a sandbox: the nursery was killed as soon as it was there.
fn unheard(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Error::Lost,
        _ => blame("begin")(error),
    }
}

fn blame(action: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Helper { action, source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_nursery_that_is_gone_was_killed_from_outside() {
        let (asks, nursery) = UnixStream::pair().unwrap();
        drop(nursery);
        let error = (&asks).write_all(b"x").unwrap_err();
        assert!(matches!(unheard(error), Error::Lost));
        let refused = unheard(io::ErrorKind::OutOfMemory.into());
        assert!(!matches!(refused, Error::Lost));
    }
}

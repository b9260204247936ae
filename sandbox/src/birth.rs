//! How the caller has a sandbox begun: it asks the nursery, one process for the whole program, which is started for the first.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::{nursery, sys};

static NURSERY: Mutex<Option<Nursery>> = Mutex::new(None);

/// The nursery as its caller has it.
struct Nursery {
    /// Asks for sandboxes; its end is the nursery's.
    asks: Option<UnixStream>,
    process: Child,
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.asks = None;
        let _ = self.process.wait();
    }
}

/// Ends the nursery, if there is one, and waits for that: what sandboxes have used is then in the kernel's account of this
/// process. The last line of `main`; without it the nursery ends by itself.
pub fn leave() {
    *lock() = None;
}

fn lock() -> MutexGuard<'static, Option<Nursery>> {
    NURSERY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a sandbox is begun with.
pub(crate) struct Birth<Control, Stdio> {
    /// The socket to its caller, who sends the order.
    pub control: Control,
    /// Standard input, output and error.
    pub stdio: [Stdio; 3],
    /// Whether it has the host's network.
    pub network: bool,
}

impl Birth<BorrowedFd<'_>, BorrowedFd<'_>> {
    /// Asks for it.
    pub(crate) fn ask(&self) -> io::Result<()> {
        let mut nursery = lock();
        if let Some(nursery) = &*nursery
            && self.send(nursery).is_ok()
        {
            return Ok(());
        }
        // There is none yet, or somebody has killed it.
        self.send(nursery.insert(start()?))
    }

    fn send(&self, nursery: &Nursery) -> io::Result<()> {
        let Some(asks) = &nursery.asks else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let [input, output, errors] = &self.stdio;
        let descriptors = [&self.control, input, output, errors].map(sys::raw);
        sendmsg::<()>(
            sys::raw(asks),
            &[IoSlice::new(&[u8::from(self.network)])],
            &[ControlMessage::ScmRights(&descriptors)],
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }
}

impl Birth<UnixStream, OwnedFd> {
    /// The next that is asked for; `None` once nobody is left who could ask.
    pub(crate) fn next(asks: &UnixStream) -> nix::Result<Option<Self>> {
        loop {
            let mut network = [0];
            let mut space = nix::cmsg_space!([i32; 4]);
            let mut parts = [IoSliceMut::new(&mut network)];
            let flags = MsgFlags::MSG_CMSG_CLOEXEC;
            let message = match recvmsg::<()>(sys::raw(asks), &mut parts, Some(&mut space), flags) {
                Err(Errno::EINTR) => continue,
                received => received?,
            };
            if message.bytes == 0 {
                return Ok(None);
            }
            let mut descriptors = Vec::new();
            for part in message.cmsgs()? {
                if let ControlMessageOwned::ScmRights(numbers) = part {
                    descriptors.extend(numbers.into_iter().map(sys::received));
                }
            }
            // With fewer, for want of room, the caller sees its socket closed.
            if let Ok([control, input, output, errors]) = <[OwnedFd; 4]>::try_from(descriptors) {
                return Ok(Some(Birth {
                    control: control.into(),
                    stdio: [input, output, errors],
                    network: network != [0],
                }));
            }
        }
    }
}

fn start() -> io::Result<Nursery> {
    let (asks, theirs) = UnixStream::pair()?;
    // Neither hooks nor a user change nor a working directory: std then uses posix_spawn, whose cost does not grow with
    // the caller's memory.
    let process = Command::new("/proc/self/exe")
        .arg0(nursery::NAME)
        .arg(nursery::ROLE)
        .env_clear()
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Nursery {
        asks: Some(asks),
        process,
    })
}

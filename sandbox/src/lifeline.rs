//! What tells a child whether the process that forked it has died already: a death signal that is asked for after the death
//! never comes.
//!
//! It is a record lock. No fork inherits one, unlike the end of a pipe, which children would keep open for each other; and
//! the kernel lifts it before it sends the death signals.

use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{self, flock};
use nix::sys::memfd::{MFdFlags, memfd_create};

pub(crate) struct Lifeline(OwnedFd);

impl Lifeline {
    /// One that this process holds as long as it lives.
    pub fn hold() -> nix::Result<Lifeline> {
        // Some hosts allow no other memory files; before Linux 6.3 there was no such flag.
        let plain = MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL) | MFdFlags::MFD_CLOEXEC;
        let file = memfd_create("lifeline", plain)
            .or_else(|_| memfd_create("lifeline", MFdFlags::MFD_CLOEXEC))?;
        fcntl(&file, FcntlArg::F_SETLK(&lock()))?;
        Ok(Lifeline(file))
    }

    /// Whether another process holds it still.
    pub fn is_held(&self) -> nix::Result<bool> {
        let mut lock = lock();
        fcntl(&self.0, FcntlArg::F_GETLK(&mut lock))?;
        Ok(i32::from(lock.l_type) != libc::F_UNLCK)
    }
}

/// Of all of the file, for one alone.
fn lock() -> flock {
    flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use nix::sched::{CloneFlags, unshare};

    use super::*;

    /// A thread with descriptors of its own is to locks what a child is.
    #[test]
    fn it_is_held_until_its_holder_closes_it_whoever_has_its_descriptor() {
        let lifeline = Lifeline::hold().unwrap();
        let inherited = Lifeline(lifeline.0.try_clone().unwrap());
        let (die, death) = channel::<()>();
        let (sender, said) = channel();
        let child = thread::spawn(move || {
            unshare(CloneFlags::CLONE_FILES).unwrap();
            sender.send(inherited.is_held().unwrap()).unwrap();
            death.recv().unwrap_err();
            inherited.is_held().unwrap()
        });
        assert!(said.recv().unwrap());
        drop(lifeline);
        drop(die);
        assert!(!child.join().unwrap());
    }
}

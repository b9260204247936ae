//! Signals that end pwb, heard before they do: other machines may have to be told.

use nix::sys::signal::{SigSet, Signal, raise};

use crate::report::Failure;

/// The signals that end pwb, kept from doing so.
pub struct Interrupt(SigSet);

impl Interrupt {
    /// Keeps them from this thread and all that it starts from now on.
    pub fn block() -> Result<Interrupt, Failure> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            signals.add(signal);
        }
        let failed = |errno| Failure::Message(format!("cannot wait for signals: {errno}"), None);
        signals.thread_block().map_err(failed)?;
        Ok(Interrupt(signals))
    }

    /// Waits for one beside everything else, says farewell, and lets it do what it is for.
    pub fn attend(self, farewell: impl Fn() + Send + 'static) {
        std::thread::spawn(move || {
            let Ok(signal) = self.0.wait() else {
                return;
            };
            farewell();
            drop(self);
            // It cannot fail with a signal that exists.
            let _ = raise(signal);
        });
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // It cannot fail with signals that exist.
        let _ = self.0.thread_unblock();
    }
}

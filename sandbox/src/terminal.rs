//! Keeps the caller alive and its terminal its own while a command has the keyboard (`Stdio::Inherited`).
//!
//! The command stays in the caller's process group, so that Ctrl-C, Ctrl-Z and `fg` reach it through the kernel alone.

use nix::sys::signal::{SigAction, Signal};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::sys;

/// While it lives, the caller ignores the keyboard's deadly signals; its end takes the terminal back.
pub(crate) struct Terminal {
    before: Vec<(Signal, SigAction)>,
    foreground: Option<Pid>,
}

impl Terminal {
    pub(crate) fn lend() -> Self {
        let ignored = [Signal::SIGINT, Signal::SIGQUIT];
        let before = ignored
            .into_iter()
            .filter_map(|signal| Some((signal, sys::ignore(signal).ok()?)))
            .collect();
        let group = getpgrp();
        let foreground = tcgetpgrp(sys::stdin()).ok().filter(|owner| *owner == group);
        Self { before, foreground }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A shell inside makes its own group the terminal's, and cannot name ours to give it back.
        if let Some(group) = self.foreground
            && let Ok(before) = sys::ignore(Signal::SIGTTOU)
        {
            let _ = tcsetpgrp(sys::stdin(), group);
            let _ = sys::restore(Signal::SIGTTOU, &before);
        }
        for (signal, action) in &self.before {
            let _ = sys::restore(*signal, action);
        }
    }
}

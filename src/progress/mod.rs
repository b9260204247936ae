//! What happens in a build goes here: onto the screen, and into the journal.

mod display;
mod forecast;
mod ticker;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pwb_engine::Observer;
use pwb_remote::Notice;

use crate::interrupt;
use crate::journal::{Journal, Outcome};
use crate::report::Failure;
use display::Display;

pub use ticker::Ticker;

/// Takes events and notices, from any thread.
pub struct Progress {
    state: Mutex<State>,
}

struct State {
    display: Display,
    journal: Option<Journal>,
}

impl Progress {
    pub fn new() -> Progress {
        let display = Display::new();
        let journal = None;
        Progress {
            state: Mutex::new(State { display, journal }),
        }
    }

    /// From here on all builds are written down.
    pub fn keep(&self, journal: Journal) {
        self.state().journal = Some(journal);
    }

    /// One build, shown and written down.
    pub fn build<T, E>(
        self: &Arc<Progress>,
        jobs: usize,
        work: impl FnOnce(&Observer<'_>) -> Result<T, E>,
    ) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        let this = self.clone();
        let _interrupt = interrupt::meanwhile(move || drop(this.end(Outcome::Interrupted)))?;
        self.begin(jobs);
        let outcome = work(&|event| {
            let mut state = self.state();
            if let Some(journal) = &mut state.journal {
                journal.tell(&event);
            }
            state.display.tell(event);
        });
        let ended = self.end(match outcome {
            Ok(_) => Outcome::Succeeded,
            Err(_) => Outcome::Failed,
        });
        let done = outcome?;
        ended.map(|()| done)
    }

    /// Takes what a shared cache has to say.
    pub fn notice(&self, notice: Notice) {
        let mut state = self.state();
        if let Some(journal) = &mut state.journal {
            match &notice {
                Notice::Warning(what) => journal.warn(what),
                Notice::Received(bytes) => journal.carry(*bytes, 0),
                Notice::Sent(bytes) => journal.carry(0, *bytes),
            }
        }
        state.display.notice(notice);
    }

    /// Takes what was asked for.
    pub fn result(&self, name: &str, path: &Path) {
        if let Some(journal) = &mut self.state().journal {
            journal.result(name, path);
        }
    }

    fn begin(&self, jobs: usize) {
        let mut state = self.state();
        state.display.begin(jobs);
        if let Some(journal) = &mut state.journal {
            journal.begin(jobs);
        }
    }

    fn end(&self, outcome: Outcome) -> Result<(), Failure> {
        let mut state = self.state();
        state.display.end(outcome);
        match &mut state.journal {
            Some(journal) => journal.end(outcome),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub use display::{mebibytes, seconds};

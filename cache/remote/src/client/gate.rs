//! How many calls are under way at once. A server that says it is too many gets fewer.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls under way at first: more than one thread of ours ever makes.
const WIDEST: usize = 64;
/// What was sent before the gate was narrowed may be refused until so much later, and that says nothing new.
const ECHO: Duration = Duration::from_millis(100);

/// Lets so many in and no more.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    width: usize,
    inside: usize,
    narrowed: Option<Instant>,
}

/// Being inside.
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    pub fn new() -> Gate {
        let state = State {
            width: WIDEST,
            inside: 0,
            narrowed: None,
        };
        Gate {
            state: Mutex::new(state),
            freed: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub fn enter(&self) -> Pass<'_> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |state: &mut State| state.inside >= state.width;
        let state = self.freed.wait_while(state, is_full);
        state.unwrap_or_else(PoisonError::into_inner).inside += 1;
        Pass(self)
    }

    /// The server finds them too many: half of those who are inside may be.
    pub fn narrow(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.narrowed.is_none_or(|when| when.elapsed() > ECHO) {
            state.width = (state.inside.min(state.width) / 2).max(1);
            state.narrowed = Some(Instant::now());
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.inside -= 1;
        drop(state);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_narrows_once_for_what_was_sent_together_and_never_shuts() {
        let gate = Gate::new();
        let width = || {
            gate.state
                .lock()
                .map(|state| state.width)
                .unwrap_or_default()
        };
        let inside: Vec<Pass<'_>> = (0..8).map(|_| gate.enter()).collect();
        gate.narrow();
        gate.narrow();
        assert_eq!(width(), 4);
        drop(inside);
        for _ in 0..3 {
            std::thread::sleep(ECHO + Duration::from_millis(10));
            gate.narrow();
        }
        assert_eq!(width(), 1);
        drop(gate.enter());
    }
}

//! A circuit breaker: after a few failures in a row nobody calls any more, until some time has passed and one has tried.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failed calls in a row, each after its retries, that open the circuit.
const PATIENCE: u32 = 2;
/// How long it stays open the first time. Each time it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// Whether calls are worth a try.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// How often the circuit was opened.
    openings: u32,
    open_until: Option<Instant>,
    /// Whether one is calling after a pause.
    trying: bool,
    closed_for_good: bool,
}

impl Health {
    /// Whether calls are worth a try. Asking changes nothing.
    pub fn is_good(&self) -> bool {
        let state = self.state();
        let closed = state.open_until.is_none_or(|until| Instant::now() >= until);
        closed && !state.trying && !state.closed_for_good
    }

    /// Whether to call. When a pause ends, one caller is told to, and the others once that one has come through.
    pub fn permits(&self) -> bool {
        let permits = self.is_good();
        let mut state = self.state();
        state.trying |= permits && state.open_until.is_some();
        permits
    }

    /// A call was answered, be it with a refusal.
    pub fn answered(&self) {
        let mut state = self.state();
        (state.failures, state.open_until, state.trying) = (0, None, false);
    }

    /// A call failed. True for the first that opens the circuit.
    pub fn failed(&self) -> bool {
        self.count(1)
    }

    /// A call was waited for in vain. That has cost enough: it opens the circuit at once. True for the first.
    pub fn late(&self) -> bool {
        self.count(PATIENCE)
    }

    fn count(&self, failures: u32) -> bool {
        let mut state = self.state();
        state.failures += failures;
        let waiting = state.open_until.is_some_and(|until| Instant::now() < until);
        if state.failures < PATIENCE || waiting {
            return false;
        }
        state.trying = false;
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(state.openings.min(10));
        state.open_until = Some(Instant::now() + pause);
        state.openings += 1;
        state.openings == 1
    }

    /// No call can come through any more. True for the first to say so.
    pub fn end(&self) -> bool {
        !std::mem::replace(&mut self.state().closed_for_good, true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_failures_in_a_row_open_it_and_an_answer_between_does_not() {
        let health = Health::default();
        assert!(!health.failed());
        health.answered();
        assert!(!health.failed() && health.permits());
        assert!(health.failed() && !health.permits());
        assert!(!health.failed(), "it is said once");
    }

    #[test]
    fn one_that_is_late_opens_it() {
        let health = Health::default();
        assert!(health.late() && !health.permits());
        assert!(!health.late(), "it is said once");
    }

    #[test]
    fn after_the_pause_one_tries() {
        let health = Health::default();
        health.failed();
        health.failed();
        health.state().open_until = Some(Instant::now());
        assert!(health.permits() && !health.permits());
        health.answered();
        assert!(health.permits() && health.permits());
        assert!(health.end() && !health.permits() && !health.end());
    }

    #[test]
    fn each_pause_is_twice_as_long() {
        let health = Health::default();
        for opening in 0..3 {
            health.late();
            let left = health.state().open_until.unwrap() - Instant::now();
            assert!(left > FIRST_PAUSE * 2_u32.pow(opening) - Duration::from_secs(1));
            health.state().open_until = Some(Instant::now());
            assert!(health.is_good() && health.is_good() && health.permits());
        }
    }
}

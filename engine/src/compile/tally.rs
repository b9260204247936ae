//! How the calls of a command were attended to.

use std::collections::BTreeMap;
use std::time::Duration;

use pwb_cache::CallCount;

use super::{Outcome, Reason};

/// How many calls were answered, how many ran, and why some of those are not remembered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Answered from what an equal call came to.
    pub hits: u64,
    /// Ran, and remembered from then on.
    pub misses: u64,
    /// Ran, and not remembered.
    pub passed: BTreeMap<Reason, u64>,
    /// What the hits would have taken.
    pub saved: Duration,
}

impl Tally {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.hits + self.misses + self.passed.values().sum::<u64>()
    }

    /// The same as the history keeps it.
    pub(crate) fn rows(&self, node: &str) -> Vec<CallCount> {
        let row = |outcome: String, count, saved| CallCount {
            node: node.to_owned(),
            outcome,
            count,
            saved,
        };
        let hits = row(CallCount::HIT.to_owned(), self.hits, self.saved);
        let misses = row(CallCount::MISS.to_owned(), self.misses, Duration::ZERO);
        let passed = self.passed.iter();
        let passed = passed.map(|(reason, count)| row(reason.to_string(), *count, Duration::ZERO));
        let all = [hits, misses].into_iter().chain(passed);
        all.filter(|row| row.count > 0).collect()
    }

    pub(crate) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Hit(_, wall) => {
                self.hits += 1;
                self.saved += wall;
            }
            Outcome::Miss(_) => self.misses += 1,
            Outcome::Passed(reason) => *self.passed.entry(reason).or_default() += 1,
        }
    }
}

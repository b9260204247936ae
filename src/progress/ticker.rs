//! What turns the spinners and clocks of bars while nothing happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, sleep};
use std::time::Duration;

use indicatif::{ProgressBar, WeakProgressBar};

/// How often bars are drawn.
const TICK: Duration = Duration::from_millis(250);

/// One thread for all bars, which draws them until this is dropped.
pub struct Ticker(Arc<Mutex<Vec<WeakProgressBar>>>);

impl Ticker {
    /// Where the system refuses the thread, nothing turns.
    pub fn start() -> Ticker {
        let ticker = Ticker(Arc::default());
        let bars = Arc::downgrade(&ticker.0);
        let _ = Builder::new().spawn(move || {
            while let Some(bars) = bars.upgrade() {
                let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
                bars.retain(|bar| bar.upgrade().map(|bar| bar.tick()).is_some());
                drop(bars);
                sleep(TICK);
            }
        });
        ticker
    }

    /// Draws this one too, for as long as it lives.
    pub fn add(&self, bar: &ProgressBar) {
        let mut bars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bars.push(bar.downgrade());
    }
}

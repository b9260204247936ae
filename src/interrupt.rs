//! Signals that end pwb, heard before they do: the screen is to be left clean, and other machines may have to be told.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use crate::report::Failure;

/// How long the farewells may take: whoever reads what they say may have stopped to.
const PATIENCE: Duration = Duration::from_secs(5);

type Farewell = Arc<dyn Fn() + Send + Sync>;

/// What is to be done first, the latest last.
static FAREWELLS: Mutex<Vec<Farewell>> = Mutex::new(Vec::new());
static EAR: OnceLock<Handle> = OnceLock::new();

/// As long as it lives, a signal that ends pwb does something first.
#[must_use]
pub struct Interrupt(Farewell);

impl Drop for Interrupt {
    fn drop(&mut self) {
        farewells().retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

/// A signal that ends pwb does this first, from now on.
pub fn first(farewell: impl Fn() + Send + Sync + 'static) -> Result<(), Failure> {
    meanwhile(farewell).map(std::mem::forget)
}

/// A signal that ends pwb does this first, as long as the answer lives.
pub fn meanwhile(farewell: impl Fn() + Send + Sync + 'static) -> Result<Interrupt, Failure> {
    listen()?;
    let farewell: Farewell = Arc::new(farewell);
    farewells().push(farewell.clone());
    Ok(Interrupt(farewell))
}

/// From here on somebody else attends to signals.
pub fn leave_to_others() {
    if let Some(ear) = EAR.get() {
        ear.close();
    }
}

fn farewells() -> std::sync::MutexGuard<'static, Vec<Farewell>> {
    FAREWELLS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen() -> Result<(), Failure> {
    if EAR.get().is_some() {
        return Ok(());
    }
    let failed = |error| Failure::Message(format!("cannot wait for signals: {error}"), None);
    let status = std::fs::read_to_string("/proc/self/status").map_err(failed)?;
    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter();
    // Who started pwb may have it ignore some, as nohup does.
    let heeded: Vec<i32> = heeded.filter(|signal| !ignores(&status, *signal)).collect();
    let mut signals = Signals::new(heeded).map_err(failed)?;
    // Of two that come here at once one listens in vain.
    let _ = EAR.set(signals.handle());
    let listening = thread::Builder::new().spawn(move || {
        for signal in &mut signals {
            let (done, ended) = mpsc::channel();
            let said = thread::Builder::new().spawn(move || {
                let all = farewells().clone();
                all.iter().for_each(|farewell| farewell());
                let _ = done.send(());
            });
            // Should they fail or hang, or not begin, pwb ends all the same.
            let _ = said.map(|_| ended.recv_timeout(PATIENCE));
            // It cannot fail with these.
            let _ = emulate_default_handler(signal);
        }
    });
    listening.map(drop).map_err(failed)
}

/// Whether a process with this `/proc/PID/status` ignores a signal.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_is_ignored() {
        let status = "Name:\tpwb\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(ignores(status, SIGHUP));
        assert!(!ignores(status, SIGINT));
        assert!(!ignores("", SIGINT));
    }
}

//! The gate between those who use the store and the one who collects its garbage.
//!
//! Everybody passes it for a moment, whenever they note what they rely on; the collector closes it, and then knows all that
//! anybody relies on. Both are advisory locks: the death of a process opens what it held.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// The gate of one store, as one process sees it.
#[derive(Debug)]
pub(crate) struct Gate {
    root: PathBuf,
    /// Open files that nobody has locked.
    idle: Mutex<Vec<Doors>>,
}

/// Two files: who waits to close the gate holds the first, and nobody new passes meanwhile.
#[derive(Debug)]
struct Doors {
    turn: File,
    gate: File,
}

/// Somebody is in the gate.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    gate: &'a Gate,
    doors: Option<Doors>,
}

/// The gate is closed, until this is dropped.
#[derive(Debug)]
pub(crate) struct Closed {
    _doors: Doors,
}

impl Gate {
    pub fn new(root: &Path) -> Gate {
        Gate {
            root: root.to_owned(),
            idle: Mutex::default(),
        }
    }

    /// Waits until the gate is open, and keeps it from being closed.
    pub fn pass(&self) -> Result<Passage<'_>> {
        let doors = match self.idle().pop() {
            Some(doors) => doors,
            None => self.doors()?,
        };
        let locked = doors.turn.lock_shared().and_then(|()| {
            doors.gate.lock_shared()?;
            doors.turn.unlock()
        });
        locked.map_err(Error::io("lock", &self.root.join(GATE)))?;
        Ok(Passage {
            gate: self,
            doors: Some(doors),
        })
    }

    /// Waits until nobody is in the gate, and closes it.
    pub fn close(&self) -> Result<Closed> {
        let doors = self.doors()?;
        let locked = doors.turn.lock().and_then(|()| doors.gate.lock());
        locked.map_err(Error::io("lock", &self.root.join(GATE)))?;
        Ok(Closed { _doors: doors })
    }

    fn doors(&self) -> Result<Doors> {
        let open = |name| {
            let path = self.root.join(name);
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path);
            file.map_err(Error::io("open", &path))
        };
        Ok(Doors {
            turn: open(TURN)?,
            gate: open(GATE)?,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Doors>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TURN: &str = "gate.turn";
const GATE: &str = "gate";

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked by being closed.
        if let Some(doors) = self.doors.take()
            && doors.gate.unlock().is_ok()
        {
            self.gate.idle().push(doors);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_closed_gate_lets_nobody_in_and_a_crowd_keeps_nobody_from_closing_it() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::new(folder.path());
        let (inside, closed, end) = (
            AtomicU32::new(0),
            AtomicBool::new(false),
            AtomicBool::new(false),
        );
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !end.load(Ordering::Relaxed) {
                        let passage = gate.pass().unwrap();
                        inside.fetch_add(1, Ordering::SeqCst);
                        assert!(!closed.load(Ordering::SeqCst));
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(passage);
                    }
                });
            }
            for _ in 0..20 {
                let shut = gate.close().unwrap();
                closed.store(true, Ordering::SeqCst);
                assert_eq!(inside.load(Ordering::SeqCst), 0);
                thread::sleep(Duration::from_millis(1));
                closed.store(false, Ordering::SeqCst);
                drop(shut);
            }
            end.store(true, Ordering::Relaxed);
        });
    }
}

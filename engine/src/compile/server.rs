//! The threads that take a command's calls: one listens, and each attends to what it has heard once another listens.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, available_parallelism, scope};

use nix::sys::resource::{Resource, getrlimit};
use pwb_cache::{KnownCall, Store};
use pwb_sandbox::{Call, Calls};

use super::{Compiles, Outcome, Reason, Scene, Tally, pass};

/// How many calls are attended to at once, for each core: each takes a thread and a few open files. `make` starts one or
/// two.
const CALLS_A_CORE: usize = 64;
/// How many files a call that is watched has open: its caller's, its outputs, and those that are looked at.
const FILES_A_CALL: u64 = 12;

struct Server<'a> {
    compiles: &'a Compiles,
    store: &'a Store,
    scene: &'a Scene,
    calls: &'a Calls,
    /// How many calls are attended to at once.
    most: usize,
    heard: Mutex<(Tally, Vec<KnownCall>)>,
}

impl Compiles {
    /// Answers calls until they are closed; says how, and which of them are known now.
    pub fn serve(&self, store: &Store, scene: &Scene, calls: &Calls) -> (Tally, Vec<KnownCall>) {
        let server = Server {
            compiles: self,
            store,
            scene,
            calls,
            most: most_calls(),
            heard: Mutex::default(),
        };
        scope(|scope| server.listen(scope));
        let heard = server.heard.into_inner();
        heard.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server<'_> {
    fn listen<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        while let Ok(Some(call)) = self.calls.next() {
            let attended = &self.compiles.attended;
            let room = attended.fetch_add(1, Ordering::Relaxed) < self.most;
            let listen = || self.listen(scope);
            let relieved = room && Builder::new().spawn_scoped(scope, listen).is_ok();
            self.count(match self.scene.programs.get(&call.program) {
                Some(program) if !relieved => pass(call, program, Reason::Crowd),
                _ => self.attend(call),
            });
            attended.fetch_sub(1, Ordering::Relaxed);
            if relieved {
                return;
            }
        }
        // Should it have failed: nobody waits for an answer that will not come.
        let _ = self.calls.close();
    }

    fn attend(&self, call: Call) -> Outcome {
        self.compiles.attend(self.store, self.scene, call)
    }

    fn count(&self, outcome: Outcome) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.1.extend(outcome.known());
        heard.0.count(outcome);
    }
}

/// How many calls are attended to at once. A fourth of the files that this process may have open is left to all else.
fn most_calls() -> usize {
    let cores = available_parallelism().map_or(1, usize::from);
    let room = getrlimit(Resource::RLIMIT_NOFILE).map_or(usize::MAX, |(files, _)| {
        (files / 4 * 3 / FILES_A_CALL) as usize
    });
    room.clamp(1, cores * CALLS_A_CORE)
}

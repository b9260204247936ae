//! Runs actions on the server's workers: their input is sent, the operation followed, what they came to is brought here.

use std::sync::PoisonError;
use std::time::Duration;

use pwb_cache::{Action, Executed, Name, Store, Workers, reapi};
use tonic::{Code, Status};

use super::blobs::{Blobs, size};
use super::operation::{self, Followed, Outcome};
use super::wire::{Trouble, said};
use super::{Client, names};

/// How often an action is sent that the server could not run just now.
const TRIES: u32 = 4;
/// The pause after the first of them; each time it is twice as long.
const PAUSE: Duration = Duration::from_secs(1);

/// How one try ended.
enum Tried {
    Done(Executed),
    /// Something that had been sent is gone there, or the server says so.
    Lost(Status),
    /// Too much is asked of it, or a part of it is down.
    Busy(Status),
    /// An earlier run's result, which is of no use.
    Stale,
    /// It cannot be run there, which was told.
    NotRun,
}

impl Workers for Client {
    fn execute(
        &self,
        store: &Store,
        action: &Action,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> pwb_cache::Result<Option<Executed>> {
        let Some(blobs) = self.blobs() else {
            return Ok(None);
        };
        if !blobs.server.executes {
            self.dismiss("it runs no actions");
        }
        let action = Action {
            platform: self.settings.platform.clone(),
            ..action.clone()
        };
        // What the server remembers is signed by nobody.
        let mut fresh = !self.settings.trusted.is_empty();
        let mut lost = false;
        for tries in 0..TRIES {
            if self.state().dismissed {
                return Ok(None);
            }
            match self.try_to_execute(blobs, store, &action, fresh, output)? {
                Tried::Done(executed) => return Ok(Some(executed)),
                Tried::NotRun => return Ok(None),
                Tried::Lost(status) if lost => return Ok(self.not_run(&said(&status))),
                Tried::Lost(_) => {
                    lost = true;
                    self.doubt();
                }
                Tried::Busy(status) if tries + 1 == TRIES => {
                    return Ok(self.not_run(&said(&status)));
                }
                Tried::Busy(_) => std::thread::sleep(PAUSE * 2_u32.pow(tries)),
                Tried::Stale if fresh => break,
                Tried::Stale => fresh = true,
            }
        }
        Ok(self.not_run("what it has run before is of no use"))
    }

    fn dismiss(&self, why: &str) {
        if !std::mem::replace(&mut self.state().dismissed, true) {
            self.say::<()>(&format!("{why}; commands run here"));
        }
    }
}

impl Client {
    /// Tells the server that what runs there for this process is not wanted any more; waits a moment for that.
    pub fn cancel(&self) {
        let names: Vec<String> = operation::lock(&self.running).iter().cloned().collect();
        if !names.is_empty() {
            self.wire.block_on(operation::cancel(&self.wire, &names));
        }
    }

    fn try_to_execute(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        action: &Action,
        fresh: bool,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> pwb_cache::Result<Tried> {
        let Some(digest) = self.send_action(blobs, store, action)? else {
            return Ok(Tried::NotRun);
        };
        let request = reapi::ExecuteRequest {
            instance_name: self.wire.instance(),
            skip_cache_lookup: fresh,
            action_digest: Some(digest),
            digest_function: names::value(blobs.server.function),
            ..Default::default()
        };
        let patience = self.settings.queue;
        let mut followed = Followed::new(&self.wire, &self.running, patience);
        let outcome = self.wire.block_on(followed.run(&request, output));
        let (taken, logged) = (followed.taken, followed.logged);
        let mut state = self.state();
        state.workers_seen |= taken;
        let taken_before = state.workers_seen;
        drop(state);
        let response = match outcome {
            Outcome::Ended(response) => *response,
            Outcome::NotTaken => {
                let waited = patience.as_secs();
                let waited = format!("no worker has taken a command within {waited} s");
                if taken_before {
                    self.not_run::<()>(&waited);
                } else {
                    self.dismiss(&waited);
                }
                return Ok(Tried::NotRun);
            }
            Outcome::Failed(status) => return Ok(self.judge(status)),
        };
        let status = response.status.unwrap_or_default();
        if status.code != 0 {
            let status = Status::new(Code::from_i32(status.code), status.message);
            return Ok(self.judge(status));
        }
        let result = response.result.unwrap_or_default();
        // Failures are not remembered here, and so are not taken from others' memory.
        if response.cached_result && (fresh || result.exit_code != 0) {
            return Ok(Tried::Stale);
        }
        match self.take(blobs, store, action, result, logged, output)? {
            Some(executed) => Ok(Tried::Done(executed)),
            None if response.cached_result => Ok(Tried::Stale),
            None => Ok(Tried::NotRun),
        }
    }

    /// Sends all that an action is made of; what it is called there. `None`: that cannot be, and was told.
    fn send_action(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        action: &Action,
    ) -> pwb_cache::Result<Option<reapi::Digest>> {
        let function = blobs.server.function;
        let sent = self
            .send_tree(blobs, store, action.input_root)?
            .and_then(|root| {
                let name = |bytes: &[u8]| Name::of(function, bytes).to_message();
                let messages = action.messages(root, name);
                let messages = messages.map(|bytes| (name(&bytes), pwb_cache::Blob::Bytes(bytes)));
                let [_, (digest, _)] = &messages;
                let digest = digest.clone();
                self.send_missing(blobs, messages.into())?;
                Ok(digest)
            });
        Ok(match sent {
            Ok(digest) => Some(digest),
            Err(Trouble::NotFound) => self.say("not all of an action's input could be sent"),
            other => self.heed(other),
        })
    }

    /// Takes what an action came to.
    fn take(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        action: &Action,
        result: reapi::ActionResult,
        logged: u64,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> pwb_cache::Result<Option<Executed>> {
        let bytes = |raw: Vec<u8>, digest: Option<reapi::Digest>| match digest {
            Some(digest) if raw.is_empty() && size(&digest) > 0 => {
                self.bring_bytes(blobs, store, &digest)
            }
            _ => Ok(Some(raw)),
        };
        let Some(errors) = bytes(result.stderr_raw, result.stderr_digest)? else {
            return Ok(None);
        };
        let batch = store.batch();
        let wanted = action
            .outputs
            .first()
            .map(|path| path.as_str())
            .unwrap_or_default();
        let mut directories = result.output_directories.into_iter();
        let directory = directories.find(|directory| directory.path == wanted);
        let tree = match directory.and_then(|directory| directory.tree_digest) {
            None => None,
            Some(name) => match self.bring_output(blobs, store, &batch, &name)? {
                None => return Ok(None),
                found => found,
            },
        };
        // What was not read while it was written. A log that is lost fails nothing.
        let log = bytes(result.stdout_raw, result.stdout_digest)?.unwrap_or_default();
        let read = usize::try_from(logged).unwrap_or(usize::MAX);
        output(log.get(read..).unwrap_or_default());
        Ok(Some(Executed {
            exit_code: result.exit_code,
            errors,
            output: tree,
            new: batch.finish(),
        }))
    }

    /// What a failure of the server, or of a worker, comes to.
    fn judge(&self, status: Status) -> Tried {
        match status.code() {
            Code::FailedPrecondition | Code::Internal | Code::NotFound => Tried::Lost(status),
            Code::Unavailable | Code::ResourceExhausted | Code::Aborted => Tried::Busy(status),
            Code::Unimplemented | Code::PermissionDenied | Code::Unauthenticated => {
                self.dismiss(&said(&status));
                Tried::NotRun
            }
            Code::DeadlineExceeded => {
                self.not_run::<()>(&format!(
                    "the time that it gives is over ({})",
                    said(&status)
                ));
                Tried::NotRun
            }
            _ => {
                self.not_run::<()>(&said(&status));
                Tried::NotRun
            }
        }
    }

    fn not_run<T>(&self, why: &str) -> Option<T> {
        self.say(&format!("{why}; a command runs here"))
    }

    pub(super) fn lock<'a, T>(
        &self,
        what: &'a std::sync::Mutex<T>,
    ) -> std::sync::MutexGuard<'a, T> {
        what.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

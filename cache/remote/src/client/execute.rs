//! Runs actions on the server's workers: their input is sent, the operation followed, what they came to is brought here.

use std::sync::PoisonError;

use pwb_cache::{Action, Executed, Name, Store, Workers, reapi};
use tonic::Code;

use super::blobs::{Blobs, size};
use super::operation::{self, Followed, Outcome};
use super::wire::{Trouble, said};
use super::{Client, names};

/// How one try ended.
enum Tried {
    Done(Executed),
    /// Something that had been sent is gone there, or the server says so.
    Lost(tonic::Status),
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
        let mut fresh = false;
        let mut lost = false;
        // Once as it is; once more with all of the input sent again, and once without earlier results.
        for _ in 0..3 {
            if self.state().dismissed {
                return Ok(None);
            }
            match self.try_to_execute(blobs, store, &action, fresh, output)? {
                Tried::Done(executed) => return Ok(Some(executed)),
                Tried::NotRun => return Ok(None),
                Tried::Lost(status) if lost => self.dismiss(&said(&status)),
                Tried::Lost(_) => {
                    lost = true;
                    self.doubt();
                }
                Tried::Stale => fresh = true,
            }
        }
        Ok(self.say("what it has run before is of no use; a command runs here"))
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
        if taken {
            self.state().workers_seen = true;
        }
        let response = match outcome {
            Outcome::Ended(response) => *response,
            Outcome::NotTaken => {
                let waited = format!(
                    "no worker has taken an action within {} s",
                    patience.as_secs()
                );
                let workers_seen = self.state().workers_seen;
                if !workers_seen {
                    self.dismiss(&waited);
                    return Ok(Tried::NotRun);
                }
                return Ok(self.not_run(&waited));
            }
            Outcome::Failed(status) if status.code() == Code::FailedPrecondition => {
                return Ok(Tried::Lost(status));
            }
            Outcome::Failed(status) => {
                return Ok(self.failed(&status));
            }
        };
        let status = response.status.unwrap_or_default();
        if status.code != 0 {
            let status = tonic::Status::new(Code::from_i32(status.code), status.message);
            if status.code() == Code::FailedPrecondition {
                return Ok(Tried::Lost(status));
            }
            return Ok(self.not_run(&operation::words(&status)));
        }
        let result = response.result.unwrap_or_default();
        let cached = response.cached_result && !fresh;
        // Failures are not remembered here, and so are not taken from others' memory.
        if cached && result.exit_code != 0 {
            return Ok(Tried::Stale);
        }
        match self.take(blobs, store, action, result, logged, output)? {
            Some(executed) => Ok(Tried::Done(executed)),
            None if cached => Ok(Tried::Stale),
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

    /// Tells why the server has not run something, and asks no more where it never will.
    fn failed(&self, status: &tonic::Status) -> Tried {
        let passing = [
            Code::Aborted,
            Code::Cancelled,
            Code::DeadlineExceeded,
            Code::ResourceExhausted,
        ];
        if passing.contains(&status.code()) {
            return self.not_run(&operation::words(status));
        }
        self.dismiss(&said(status));
        Tried::NotRun
    }

    fn not_run(&self, why: &str) -> Tried {
        self.say::<()>(&format!("{why}; a command runs here"));
        Tried::NotRun
    }

    pub(super) fn lock<'a, T>(
        &self,
        what: &'a std::sync::Mutex<T>,
    ) -> std::sync::MutexGuard<'a, T> {
        what.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

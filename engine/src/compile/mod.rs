//! The compile cache: calls of compilers inside a command, answered from what equal calls came to before.
//!
//! A call's *kind* is the root, the program, its arguments, environment and working directory, and the files that its
//! arguments name. Calls of one kind have looked at lists of *paths*; what is at those paths now, or that nothing is, makes
//! the call's *key*, and the key has a result. Nothing here parses a compiler's arguments: what a call looks at and what it
//! writes is watched ([`pwb_sandbox::Access`]), so it works for every program that reads files and writes files.

mod kind;
mod paths;
mod reason;
mod record;
mod replay;
mod server;
mod tally;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pwb_cache::{ActionKey, Batch, CallResult, Digest, KnownCall, New, Store, TreeDigest};
use pwb_sandbox::Call;
use rustix::fs::Mode;

use crate::error::Result;
use paths::Paths;
use record::Recorder;
use view::{Glance, Memo, Mentions, View};

pub use reason::Reason;
pub use tally::Tally;

/// How long results may wait before they are made durable: what a killed build loses at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How many lists of paths a kind of calls is compared with.
const MOST_LISTS: usize = 16;

/// What calls came to, shared by the commands of a realization.
#[derive(Debug)]
pub struct Compiles {
    memo: Memo,
    fresh: Mutex<Fresh>,
    /// How many calls are attended to now.
    attended: AtomicUsize,
    /// What others may want to know of commands that succeeded.
    notes: Mutex<Vec<(ActionKey, Vec<KnownCall>)>>,
}

/// Results that are not durable yet.
#[derive(Debug)]
struct Fresh {
    new: New,
    calls: HashMap<Digest, CallResult>,
    paths: Vec<(Digest, Digest)>,
    since: Instant,
}

/// What the calls of one command see.
#[derive(Debug)]
pub struct Scene {
    /// The root: it stands for every path that is not below one of `mounts`.
    pub root: TreeDigest,
    /// Where something is mounted over the root, and where the command can write.
    pub mounts: Vec<PathBuf>,
    /// The programs in whose place the launcher stands, and where each really is.
    pub programs: BTreeMap<PathBuf, PathBuf>,
}

impl Compiles {
    pub fn new() -> Compiles {
        Compiles {
            memo: Memo::default(),
            fresh: Mutex::new(Fresh::new()),
            attended: AtomicUsize::new(0),
            notes: Mutex::default(),
        }
    }

    /// Takes note of what the calls of a command came to.
    pub fn note(&self, command: ActionKey, calls: Vec<KnownCall>) {
        self.notes().push((command, calls));
    }

    /// Gives the notes to the shared cache.
    pub fn share(&self, store: &Store) -> Result<()> {
        for (command, calls) in std::mem::take(&mut *self.notes()) {
            store.share_calls(command, &calls)?;
        }
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Vec<(ActionKey, Vec<KnownCall>)>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes durable what the calls so far came to.
    pub fn publish(&self, store: &Store) -> Result<()> {
        let fresh = std::mem::replace(&mut *self.fresh(), Fresh::new());
        if fresh.calls.is_empty() {
            return Ok(());
        }
        let calls: Vec<_> = fresh.calls.into_iter().collect();
        Ok(store.publish_calls(fresh.new, &calls, &fresh.paths, None)?)
    }

    /// Answers one call, or runs it and remembers what it came to.
    fn attend(&self, store: &Store, scene: &Scene, call: Call) -> Outcome {
        let Some(program) = scene.programs.get(&call.program) else {
            let message = format!(
                "pwb: {} is no compiler of this root\n",
                call.program.display()
            );
            let told = call.answer(127, b"", message.as_bytes());
            return Outcome::from(told.map(|()| Outcome::Passed(Reason::Unknown)));
        };
        if !call.no_input {
            return pass(call, program, Reason::Input);
        }
        if call.inherits {
            return pass(call, program, Reason::Inherits);
        }
        if !call.plain_output {
            return pass(call, program, Reason::Output);
        }
        let (found, kind) = {
            let view = View::new(&call.root, &self.memo);
            let kind = kind::of(scene, &call, program, &view);
            let found = kind
                .as_ref()
                .ok()
                .map(|kind| self.find(store, &view, *kind));
            (found, kind)
        };
        let kind = match kind {
            Ok(kind) => kind,
            Err(reason) => return pass(call, program, reason),
        };
        let umask = u32::from_str_radix(&call.umask, 8).unwrap_or_default();
        let folders = Mode::from(0o777 & !umask);
        match found {
            Some(Ok(Some((known, result)))) => {
                match replay::replay(store, &call.root, &result, folders) {
                    Ok(Some(said)) => {
                        let told = call.answer(result.code, &said.output, &said.errors);
                        return Outcome::from(told.map(|()| Outcome::Hit(known, result.wall)));
                    }
                    // Gone or damaged: as if it had never been.
                    Ok(None) => {}
                    Err(_) => return pass(call, program, Reason::Store),
                }
            }
            Some(Err(_)) => return pass(call, program, Reason::Store),
            _ => {}
        }
        self.run(store, scene, call, program, kind)
    }

    /// The result of a call of this kind, if what it would look at is as it was for one.
    fn find(
        &self,
        store: &Store,
        view: &View<'_>,
        kind: Digest,
    ) -> Result<Option<(KnownCall, CallResult)>> {
        let mut lists: Vec<Digest> = self
            .fresh()
            .paths
            .iter()
            .filter(|(of, _)| *of == kind)
            .map(|(_, paths)| *paths)
            .collect();
        lists.extend(store.call_paths(kind)?);
        for list in lists.into_iter().take(MOST_LISTS) {
            let text = store.message(list)?;
            let text = text.filter(|text| Digest::of(text) == list);
            let Some(paths) = text.and_then(|text| Paths::decode(&text)) else {
                continue;
            };
            let Ok(key) = paths.key(kind, list, view) else {
                continue;
            };
            let fresh = self.fresh().calls.get(&key).cloned();
            let known = fresh.map_or_else(|| store.call(key), |result| Ok(Some(result)))?;
            let holds = |result: &CallResult| {
                let absent = |path| view.glance(path).is_ok_and(|now| now == Glance::Absent);
                result.gone.iter().map(Path::new).all(absent)
            };
            if let Some(result) = known.filter(holds) {
                let paths = list;
                return Ok(Some((KnownCall { kind, paths, key }, result)));
            }
        }
        Ok(None)
    }

    fn run(
        &self,
        store: &Store,
        scene: &Scene,
        call: Call,
        program: &Path,
        kind: Digest,
    ) -> Outcome {
        let root = call.root.clone();
        let view = View::new(&root, &self.memo);
        let pinned_date = call
            .environment
            .iter()
            .any(|entry| entry.starts_with(b"SOURCE_DATE_EPOCH="));
        let dated = |word: &Vec<u8>| Mentions::of(word).date;
        if !pinned_date && call.arguments.iter().any(dated) {
            return pass(call, program, Reason::Time);
        }
        let mut recorder = Recorder::new(scene, view, pinned_date);
        let begin = Instant::now();
        let watched = match call.watch(program, &mut |access| recorder.see(&access)) {
            Ok(watched) => watched,
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                return Outcome::Passed(Reason::Nested);
            }
            // Killed, and its launcher with it.
            Err(_) => return Outcome::Passed(Reason::Lost),
        };
        let wall = begin.elapsed();
        let batch = store.batch();
        let remembered = recorder
            .finish(&batch, &watched)
            .and_then(|(paths, result)| {
                self.remember(store, batch, kind, &paths, CallResult { wall, ..result })
            });
        let told = watched.finish();
        Outcome::from(told.map(|()| match remembered {
            Ok(known) => Outcome::Miss(known),
            Err(reason) => Outcome::Passed(reason),
        }))
    }

    fn remember(
        &self,
        store: &Store,
        batch: Batch<'_>,
        kind: Digest,
        paths: &paths::Recorded,
        result: CallResult,
    ) -> std::result::Result<KnownCall, Reason> {
        let (list, text) = paths.list();
        let key = paths.key(kind, list);
        batch
            .put_messages(&[(list, text)])
            .map_err(|_| Reason::Store)?;
        let mut fresh = self.fresh();
        fresh.new.extend(batch.finish());
        fresh.calls.insert(key, result);
        fresh.paths.push((kind, list));
        let due = fresh.since.elapsed() > LONGEST_WAIT;
        drop(fresh);
        if due {
            self.publish(store).map_err(|_| Reason::Store)?;
        }
        let paths = list;
        Ok(KnownCall { kind, paths, key })
    }

    fn fresh(&self) -> MutexGuard<'_, Fresh> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fresh {
    fn new() -> Fresh {
        Fresh {
            new: New::default(),
            calls: HashMap::new(),
            paths: Vec::new(),
            since: Instant::now(),
        }
    }
}

/// How a call was attended to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// It was answered; it would have taken this long.
    Hit(KnownCall, Duration),
    /// It ran, and is remembered.
    Miss(KnownCall),
    /// It ran, and is not remembered.
    Passed(Reason),
}

impl Outcome {
    /// The call, if equal ones will be answered from now on.
    fn known(self) -> Option<KnownCall> {
        match self {
            Outcome::Hit(known, _) | Outcome::Miss(known) => Some(known),
            Outcome::Passed(_) => None,
        }
    }
}

impl From<io::Result<Outcome>> for Outcome {
    /// A launcher that cannot be told is gone.
    fn from(outcome: io::Result<Outcome>) -> Outcome {
        outcome.unwrap_or(Outcome::Passed(Reason::Lost))
    }
}

fn pass(call: Call, program: &Path, reason: Reason) -> Outcome {
    Outcome::from(call.pass(program).map(|()| Outcome::Passed(reason)))
}

//! A client of a shared cache. It stands behind the store ([`Upstream`]) and is never in its way: whatever goes wrong costs a
//! word to the user, and the build goes on as if the cache had nothing.

mod blobs;
mod execute;
mod files;
mod gate;
mod health;
mod inputs;
mod names;
mod note;
mod operation;
mod outputs;
mod parallel;
mod server;
mod settings;
mod stream;
mod trees;
mod twin;
mod upload;
mod wire;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bazel_remote_apis::google::bytestream;
use prost::Message;
use pwb_cache::{
    ActionKey, ActionResult, Digest, Function, Origin, Sha256, Store, TreeDigest, Upstream, reapi,
};

use crate::error::Result;
use crate::record::{self, Unusable};
use blobs::Blobs;
use operation::Running;
use server::Server;
use wire::{Trouble, Wire, said};

pub use settings::{Headers, Settings, Tls, Url};

/// Calls under way at once that carry little, and that carry blobs.
const LOOKUPS: usize = 32;
const TRANSFERS: usize = 8;

/// What is said of objects that do not come.
const LOST: &str = "objects that its results name do not come; what lacks them is made here";

/// What is done without a server.
const GOING_ON: &str = "going on without it";

/// A client of a shared cache.
pub struct Client {
    wire: Wire,
    settings: Settings,
    server: OnceLock<Option<Server>>,
    state: Mutex<State>,
    /// Trees that the server was seen to have as input, with all below them, and what they are called there.
    present: Mutex<HashMap<TreeDigest, reapi::Digest>>,
    running: Running,
}

/// What has been learned about the server in this process.
#[derive(Debug, Default)]
struct State {
    /// What was said to the user already.
    said: BTreeSet<String>,
    /// Trees that were not whole.
    refused: HashSet<TreeDigest>,
    /// Blobs that did not come when they were asked for, or were not what their names say. Whatever the server says of them,
    /// they are not counted on again.
    lost: HashSet<Digest>,
    /// Whether it takes nothing more.
    full: bool,
    /// Whether it runs nothing more for us, and whether a worker of its has been seen.
    dismissed: bool,
    workers_seen: bool,
}

/// What the user should know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    /// Something is not as it should be.
    Warning(String),
    /// So many bytes of results and objects have come, as they travelled.
    Received(u64),
    /// So many have gone.
    Sent(u64),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.settings.url)
    }
}

impl Client {
    /// A client; it connects when it is first asked. `tell` takes what the user should know; each warning comes once.
    pub fn new(
        settings: Settings,
        tell: impl Fn(Notice) + Send + Sync + 'static,
    ) -> Result<Client> {
        Ok(Client {
            wire: Wire::new(&settings, tell)?,
            settings,
            server: OnceLock::new(),
            state: Mutex::default(),
            present: Mutex::default(),
            running: Running::default(),
        })
    }

    /// The server, if it can be used.
    fn server(&self) -> Option<Server> {
        *self.server.get_or_init(|| match Server::ask(&self.wire) {
            Ok(Ok(server)) => Some(server),
            Ok(Err(why)) => self.say(&why),
            Err(Trouble::NotFound) => self.say("there is no such instance"),
            Err(Trouble::Refused(status)) => self.say(&said(&status)),
            // One failure does not open the circuit, but without an answer to this there is nothing to go on with.
            Err(Trouble::Down(problem)) => {
                self.say(&problem.unwrap_or_else(|| "it cannot be reached".to_owned()))
            }
        })
    }

    fn blobs(&self) -> Option<Blobs<'_>> {
        let server = self.server()?;
        let wire = &self.wire;
        Some(Blobs { wire, server })
    }

    /// Tells the user once.
    fn say<T>(&self, what: &str) -> Option<T> {
        self.say_of(what, what)
    }

    /// Tells the user once of a topic: what servers say has digests in it, and would come a hundred times.
    fn say_of<T>(&self, topic: &str, what: &str) -> Option<T> {
        if self.state().said.insert(topic.to_owned()) {
            let warning = format!("{}: {what}", self.settings.url);
            self.wire.tell(Notice::Warning(warning));
        }
        None
    }

    /// What a call brought; what it did not bring, and why, is told.
    fn heed<T>(&self, outcome: Result<T, Trouble>) -> Option<T> {
        match outcome {
            Ok(found) => Some(found),
            Err(Trouble::NotFound | Trouble::Down(None)) => None,
            Err(Trouble::Refused(status)) => {
                self.say_of(status.code().description(), &said(&status))
            }
            // Who knows that objects do not come knows enough.
            Err(Trouble::Down(Some(_))) if self.state().said.contains(LOST) => None,
            // Several may find out at once, each in its own words.
            Err(Trouble::Down(Some(problem))) => {
                self.say_of(GOING_ON, &format!("{problem}; {GOING_ON}"))
            }
        }
    }

    /// Objects that results name have not come: that is told, unless the user knows already that something is wrong.
    fn lose(&self, objects: HashSet<Digest>) {
        if objects.is_empty() {
            return;
        }
        self.state().lost.extend(objects);
        if self.state().said.is_empty() {
            self.say::<()>(LOST);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server has under this key.
    fn action_result(&self, server: Server, key: ActionKey) -> Option<reapi::ActionResult> {
        self.heed(self.wire.call(0, || {
            let mut client = self.wire.actions();
            let request = self.wire.request(reapi::GetActionResultRequest {
                instance_name: self.wire.instance(),
                // The digest of the very same message on every server, whatever function that server uses: it never looks inside.
                action_digest: Some(key.digest().to_message()),
                digest_function: names::value(server.function),
                ..Default::default()
            });
            async move { client.get_action_result(request).await }
        }))
        .map(|answer| {
            let message = answer.into_inner();
            let carried = message.encoded_len() as u64;
            self.wire.tell(Notice::Received(carried));
            message
        })
    }

    fn result(
        &self,
        server: Server,
        key: ActionKey,
    ) -> Option<(ActionResult, Origin, Option<reapi::Digest>)> {
        let (message, record, origin) = self.record(server, key)?;
        let root = message.output_directories.into_iter().next();
        let root = root.and_then(|root| root.root_directory_digest);
        Some((record::read(&record)?, origin, root))
    }

    /// What the server has under this key, if it is one of pwb's records and may be used.
    fn record(
        &self,
        server: Server,
        key: ActionKey,
    ) -> Option<(reapi::ActionResult, Vec<u8>, Origin)> {
        let message = self.action_result(server, key)?;
        match record::open(&message, key, &self.settings.trusted) {
            Ok((record, origin)) => Some((message, record, origin)),
            Err(Unusable::Foreign) => None,
            Err(Unusable::Untrusted) => self
                .say("it has results that none of the trusted keys has signed; they are not used"),
        }
    }

    /// What came under a name is not what it was said to be: the name is no good.
    fn damaged(&self, store: &Store, digest: Digest) -> pwb_cache::Result<()> {
        self.state().lost.insert(digest);
        self.say::<()>("it has sent bytes that are not what their digest says; they are not used");
        store.forget_names(digest)
    }
}

impl Upstream for Client {
    fn results(
        &self,
        store: &Store,
        keys: &[ActionKey],
    ) -> pwb_cache::Result<Vec<Option<(ActionResult, Origin)>>> {
        let Some(server) = self.server() else {
            return Ok(vec![None; keys.len()]);
        };
        let found = parallel::map(keys, LOOKUPS, |key| self.result(server, *key));
        let refused = self.state().refused.clone();
        let mut twins = Vec::new();
        let mut results = Vec::new();
        for found in found {
            let found = found.filter(|(result, _, _)| !refused.contains(&result.tree));
            if let Some((result, _, Some(root))) = &found {
                let root = Sha256::from_message(root);
                twins.extend(root.map(|root| (result.tree, root)));
            }
            results.push(found.map(|(result, origin, _)| (result, origin)));
        }
        if server.function == Function::Sha256 {
            store.put_twins(&twins)?;
        }
        Ok(results)
    }

    fn trusts(&self, origin: Origin) -> bool {
        let trusted = &self.settings.trusted;
        trusted.is_empty()
            || trusted
                .iter()
                .any(|key| origin == Origin(Some(*key.bytes())))
    }

    fn vouches(&self, origin: Origin) -> bool {
        match self.settings.signing {
            // Who has no key says nothing by giving it on.
            None => true,
            Some(_) => {
                origin != Origin(None) && self.trusts(origin) && !self.settings.trusted.is_empty()
            }
        }
    }

    fn directories(&self, store: &Store, wanted: &[TreeDigest]) -> pwb_cache::Result<()> {
        match self.blobs() {
            Some(blobs) => self.bring_directories(blobs, store, wanted),
            None => Ok(()),
        }
    }

    fn trees(&self, store: &Store, roots: &[TreeDigest]) -> pwb_cache::Result<()> {
        match self.blobs() {
            Some(blobs) => self.bring_trees(blobs, store, roots),
            None => Ok(()),
        }
    }

    fn files(&self, store: &Store, wanted: &[(Digest, bool)]) -> pwb_cache::Result<()> {
        match self.blobs() {
            Some(blobs) => self.bring_files(blobs, store, wanted),
            None => Ok(()),
        }
    }

    fn has_files(&self, store: &Store, files: &[Digest]) -> pwb_cache::Result<bool> {
        let Some(blobs) = self.blobs() else {
            return Ok(false);
        };
        if files.iter().any(|file| self.state().lost.contains(file)) {
            return Ok(false);
        }
        let names = names::names(blobs.server.function, store, files)?;
        let Some(names) = names.into_iter().collect::<Option<Vec<_>>>() else {
            return Ok(false);
        };
        let missing = self.heed(blobs.missing(&names));
        Ok(missing.is_some_and(|missing| missing.is_empty()))
    }

    fn refuse(&self, tree: TreeDigest) {
        let mut state = self.state();
        state.refused.insert(tree);
    }

    fn note(&self, store: &Store, key: ActionKey) -> pwb_cache::Result<Option<(Vec<u8>, Origin)>> {
        match self.blobs() {
            Some(blobs) => self.fetch_note(blobs, store, key),
            None => Ok(None),
        }
    }

    fn put_note(&self, store: &Store, key: ActionKey, note: &[u8], files: &[Digest]) {
        if let Some(blobs) = self.blobs().filter(|_| self.settings.upload)
            && let Err(error) = self.send_note(blobs, store, key, note, files)
        {
            self.say::<()>(&format!("{error}; not all is uploaded"));
        }
    }

    fn takes(&self) -> bool {
        self.settings.upload
    }

    fn share(&self, store: &Store, results: &[(ActionKey, ActionResult)]) {
        if let Some(blobs) = self.blobs().filter(|_| self.settings.upload)
            && let Err(error) = self.upload(blobs, store, results)
        {
            self.say::<()>(&format!("{error}; not all is uploaded"));
        }
    }
}

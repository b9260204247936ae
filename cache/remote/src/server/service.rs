//! What all services share: the store, off the threads that talk to clients; who may write; how much at once; the counters.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use pwb_cache::{Blob, Digest, Function, Name, Store, reapi};
use reapi::digest_function::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tonic::{Code, Response, Status};

use super::access::Access;
use super::error::{is_ours, to_status};
use super::limits::{Gate, Limits};
use super::metrics::{Metrics, Timed};
use super::publisher::Publisher;
use super::uploads::Uploads;
use super::whole::Whole;

/// Is told what the owner of the server should know.
pub type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// The state of a server.
pub struct Service {
    pub store: Arc<Store>,
    pub access: Access,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    pub whole: Arc<Whole>,
    pub publisher: Publisher,
    pub uploads: Uploads,
    gate: Gate,
    report: Report,
    reported: Mutex<String>,
}

/// The server's state in the hands of its services.
#[derive(Clone)]
pub struct Shared(Arc<Service>);

impl Deref for Shared {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.0
    }
}

impl From<Service> for Shared {
    fn from(service: Service) -> Shared {
        Shared(Arc::new(service))
    }
}

/// A request that has been let in.
pub struct Ticket {
    _place: OwnedSemaphorePermit,
    timed: Timed,
}

impl Service {
    /// Must be called in a runtime: the publisher starts with it.
    pub fn new(store: Arc<Store>, access: Access, limits: Limits, report: Report) -> Service {
        Service {
            publisher: Publisher::start(store.clone(), report.clone()),
            uploads: Uploads::default(),
            metrics: Arc::new(Metrics::new()),
            whole: Arc::default(),
            gate: Gate::new(&limits),
            reported: Mutex::default(),
            store,
            access,
            limits,
            report,
        }
    }

    /// Lets a request in, when its turn has come.
    pub async fn enter(&self, method: &'static str) -> Result<Ticket, Status> {
        let timed = Timed::new(&self.metrics, method);
        match self.gate.enter().await {
            Ok(place) => Ok(Ticket {
                _place: place,
                timed,
            }),
            Err(status) => {
                timed.end(status.code());
                Err(status)
            }
        }
    }

    /// Lets a request out, and tells the owner of what went wrong on this side.
    pub fn leave<T>(&self, ticket: Ticket, outcome: &Result<T, Status>) {
        let Err(status) = outcome else {
            return ticket.timed.end(Code::Ok);
        };
        ticket.timed.end(status.code());
        let mut last = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if is_ours(status) && *last != status.message() {
            status.message().clone_into(&mut last);
            (self.report)(status.message());
        }
    }

    /// Answers a request that has one answer.
    pub async fn answer<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<Response<T>, Status> {
        let ticket = self.enter(method).await?;
        let outcome = work.await;
        self.leave(ticket, &outcome);
        outcome.map(Response::new)
    }

    /// Works with the store where waiting for a disk hinders nobody.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let store = self.store.clone();
        let outcome = spawn_blocking(move || work(&store)).await;
        outcome.unwrap_or_else(|_| Err(Status::internal("a thread of the server has failed")))
    }

    /// Whether a blob is there.
    pub async fn has(&self, name: Name) -> Result<bool, Status> {
        let found = self.blocking(move |store| find(store, &[name])).await?;
        Ok(found != [None])
    }
}

/// The digest function that a request means. Not saying which means SHA-256, where a hash is as long as that of both (REAPI
/// v2, `FindMissingBlobsRequest.digest_function`).
pub fn function(value: i32) -> Result<Function, Status> {
    match Value::try_from(value) {
        Ok(Value::Unknown | Value::Sha256) => Ok(Function::Sha256),
        Ok(Value::Blake3) => Ok(Function::Blake3),
        _ => Err(Status::invalid_argument(
            "this cache knows the digest functions BLAKE3 and SHA256",
        )),
    }
}

/// The name that a request means.
pub fn name(function: Function, digest: Option<&reapi::Digest>) -> Result<Name, Status> {
    let name = digest.and_then(|digest| Name::from_message(function, digest));
    name.ok_or_else(|| {
        let hash = digest.map_or("", |digest| &digest.hash);
        Status::invalid_argument(format!("`{hash}` is no digest of {function:?}"))
    })
}

/// The objects of these names that are there.
pub fn find(store: &Store, names: &[Name]) -> Result<Vec<Option<Digest>>, Status> {
    store.find(names).map_err(|error| to_status(&error))
}

/// The bytes of a blob, verified; one that is damaged is removed, and as good as never there.
pub fn read(store: &Store, metrics: &Metrics, digest: Digest) -> Result<Option<Vec<u8>>, Status> {
    // Where the file is damaged the message may be good.
    for _ in 0..2 {
        let blob = store.blob(digest).map_err(|error| to_status(&error))?;
        let bytes = match blob.map(Blob::read) {
            None => return Ok(None),
            Some(Ok(bytes)) => bytes,
            Some(Err(error)) => match to_status(&error) {
                gone if gone.code() == Code::NotFound => return Ok(None),
                status => return Err(status),
            },
        };
        if Digest::of(&bytes) == digest {
            return Ok(Some(bytes));
        }
        forget(store, metrics, digest)?;
    }
    Ok(None)
}

/// Removes a damaged blob.
pub fn forget(store: &Store, metrics: &Metrics, digest: Digest) -> Result<(), Status> {
    metrics.damaged.inc();
    store.forget_blob(digest).map_err(|error| to_status(&error))
}

/// Refuses a blob that is too large.
pub fn check_size(name: Name, limit: u64) -> Result<(), Status> {
    if name.size() <= limit {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "blob {name} is larger than the {limit} bytes that this cache takes"
    )))
}

/// The answer to bytes that are not what their digest says.
pub fn mismatch(name: Name) -> Status {
    Status::invalid_argument(format!("the bytes that were sent are not blob {name}"))
}

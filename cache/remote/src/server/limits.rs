//! What a client may ask at once, and how long it may take over it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

/// The largest message that is read: room for the digests of 100,000 blobs.
pub const MAX_MESSAGE: usize = 16 << 20;

/// The blobs of one batch, in bytes. Clients of gRPC refuse messages over 4 MiB unless they are told otherwise; digests
/// and statuses need room too.
pub const MAX_BATCH: u64 = 3 << 20;

/// The largest message of a blob's bytes that is sent.
pub const CHUNK: usize = 256 << 10;

/// The largest message that is read out of the store to be looked into: a tree's.
pub const MAX_TREE: u64 = 256 << 20;

/// What clients may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest blob that is taken, in bytes.
    pub max_blob_size: u64,
    /// Requests that are attended to at once; others wait.
    pub max_requests: usize,
    /// How long a client may send or take nothing in the middle of a blob, and how long a request waits for its turn.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_blob_size: 8 << 30,
            max_requests: 256,
            idle: Duration::from_secs(60),
        }
    }
}

/// Lets so many requests in and no more.
#[derive(Debug)]
pub struct Gate {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Gate {
    pub fn new(limits: &Limits) -> Gate {
        Gate {
            places: Arc::new(Semaphore::new(limits.max_requests)),
            patience: limits.idle,
        }
    }

    /// Waits for a place; dropping it lets the next request in.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Status> {
        let place = self.places.clone().acquire_owned();
        match tokio::time::timeout(self.patience, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Status::resource_exhausted(
                "too many requests are under way: try again later",
            )),
        }
    }
}

//! Uploads become durable, many at a time: while one sync of the file system is under way, the next ones gather.

use std::sync::Arc;

use pwb_cache::{Digest, New, Sha256, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tonic::Status;

use super::error::to_status;

/// Files of one request, with what they are called by SHA-256.
#[derive(Debug, Default)]
pub struct Upload {
    pub new: New,
    pub names: Vec<(Digest, Sha256)>,
}

/// Publishes for all requests.
#[derive(Debug)]
pub struct Publisher {
    sender: mpsc::Sender<(Upload, oneshot::Sender<Result<(), Status>>)>,
}

/// Requests that wait to be published.
const QUEUE: usize = 1024;

impl Publisher {
    /// Starts it; it ends once nobody can ask anything of it.
    pub fn start(store: Arc<Store>) -> Publisher {
        let (sender, mut receiver) = mpsc::channel::<(Upload, oneshot::Sender<_>)>(QUEUE);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while receiver.recv_many(&mut waiting, QUEUE).await > 0 {
                let (mut all, mut replies) = (Upload::default(), Vec::new());
                for (upload, reply) in waiting.drain(..) {
                    all.new.extend(upload.new);
                    all.names.extend(upload.names);
                    replies.push(reply);
                }
                let store = store.clone();
                let outcome = spawn_blocking(move || publish(&store, all)).await;
                let outcome = outcome.unwrap_or_else(|_| Err(stopping()));
                for reply in replies {
                    // A client that has gone away wants no answer.
                    let _ = reply.send(outcome.clone());
                }
            }
        });
        Publisher { sender }
    }

    /// Returns once the upload is durable.
    pub async fn publish(&self, upload: Upload) -> Result<(), Status> {
        let (reply, outcome) = oneshot::channel();
        let sent = self.sender.send((upload, reply)).await;
        sent.map_err(|_| stopping())?;
        outcome.await.map_err(|_| stopping())?
    }
}

fn publish(store: &Store, upload: Upload) -> Result<(), Status> {
    let published = store.publish_files(upload.new);
    published.map_err(|error| to_status(&error))?;
    if upload.names.is_empty() {
        return Ok(());
    }
    let named = store.put_sha256(&upload.names);
    named.map_err(|error| to_status(&error))
}

fn stopping() -> Status {
    Status::unavailable("the server is stopping")
}

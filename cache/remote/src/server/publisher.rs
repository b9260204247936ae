//! Uploads become durable, many at a time and after they have been acknowledged: a sync of the file system may take seconds, and
//! what a loss of power takes away is only missing again. Clients of this server see them meanwhile, other processes after that.

use std::sync::Arc;
use std::time::Duration;

use pwb_cache::{New, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tonic::Status;

use super::error::to_status;
use super::service::Report;

/// Publishes for all requests.
#[derive(Debug)]
pub struct Publisher {
    sender: mpsc::Sender<Job>,
}

#[derive(Debug)]
enum Job {
    Publish(New),
    /// Says when all before it is durable.
    Flush(oneshot::Sender<()>),
}

/// Uploads that wait; a client waits too where there are more.
const QUEUE: usize = 4096;

/// How long an upload waits for others to be synced with it.
const MOMENT: Duration = Duration::from_millis(200);

impl Publisher {
    /// Starts it; it ends once nobody can ask anything of it.
    pub fn start(store: Arc<Store>, report: Report) -> Publisher {
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            while receiver.recv_many(&mut waiting, QUEUE).await > 0 {
                if !waiting.iter().any(|job| matches!(job, Job::Flush(_))) {
                    tokio::time::sleep(MOMENT).await;
                    while let Ok(job) = receiver.try_recv() {
                        waiting.push(job);
                    }
                }
                let (mut all, mut flushed) = (New::default(), Vec::new());
                for job in waiting.drain(..) {
                    match job {
                        Job::Publish(new) => all.extend(new),
                        Job::Flush(done) => flushed.push(done),
                    }
                }
                let store = store.clone();
                let outcome = spawn_blocking(move || store.publish_files(all)).await;
                if let Ok(Err(error)) = outcome {
                    let why = to_status(&error);
                    report(&format!(
                        "uploads may be lost when the server ends: {}",
                        why.message()
                    ));
                }
                for done in flushed {
                    // Who does not wait any more need not know.
                    let _ = done.send(());
                }
            }
        });
        Publisher { sender }
    }

    /// Takes files that are in their place. They are durable in a moment.
    pub async fn publish(&self, new: New) -> Result<(), Status> {
        let sent = self.sender.send(Job::Publish(new)).await;
        sent.map_err(|_| Status::unavailable("the server is stopping"))
    }

    /// Returns once all that was taken is durable.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.sender.send(Job::Flush(done)).await.is_ok() {
            // A publisher that is gone has nothing left.
            let _ = flushed.await;
        }
    }
}

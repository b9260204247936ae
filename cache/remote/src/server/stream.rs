//! Answers in many parts. Each is made when the client has taken the one before, so that a slow client costs two of them and
//! no thread.

use pwb_cache::Store;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use super::metrics::Metrics;
use super::service::Shared;

/// Something that gives the parts of an answer.
pub trait Source: Send + 'static {
    /// A part.
    type Part: Send + 'static;

    /// The next part; it may wait for a disk.
    fn next(&mut self, store: &Store, metrics: &Metrics) -> Result<Option<Self::Part>, Status>;
}

/// The parts on their way.
pub type Parts<T> = ReceiverStream<Result<T, Status>>;

impl Shared {
    /// Answers a request in parts.
    pub async fn stream<S: Source>(
        &self,
        method: &'static str,
        begin: impl Future<Output = Result<S, Status>>,
    ) -> Result<Response<Parts<S::Part>>, Status> {
        let ticket = self.enter(method).await?;
        let source = match begin.await {
            Ok(source) => source,
            Err(status) => {
                let outcome = Err(status);
                self.leave(ticket, &outcome);
                return outcome;
            }
        };
        let (sender, receiver) = mpsc::channel(1);
        let service = self.clone();
        tokio::spawn(async move {
            let outcome = service.send(source, &sender).await;
            service.leave(ticket, &outcome);
            if let Err(status) = outcome {
                // However slow the client is, it must not take what it has for the whole.
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn send<S: Source>(
        &self,
        mut source: S,
        sender: &mpsc::Sender<Result<S::Part, Status>>,
    ) -> Result<(), Status> {
        loop {
            let metrics = self.metrics.clone();
            let (part, rest) = self
                .blocking(move |store| {
                    let part = source.next(store, &metrics)?;
                    Ok((part, source))
                })
                .await?;
            let Some(part) = part else {
                return Ok(());
            };
            match timeout(self.limits.idle, sender.send(Ok(part))).await {
                Ok(Ok(())) => source = rest,
                Ok(Err(_)) => return Err(Status::cancelled("the client has gone away")),
                Err(_) => return Err(Status::deadline_exceeded("the client takes nothing")),
            }
        }
    }
}

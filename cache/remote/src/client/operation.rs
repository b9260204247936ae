//! One operation on the server: started, followed over broken streams, its log read meanwhile, cancelled.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bazel_remote_apis::google::longrunning::operation::Result as Ending;
use bazel_remote_apis::google::longrunning::{CancelOperationRequest, Operation};
use prost::Message;
use pwb_cache::reapi;
use pwb_cache::reapi::execution_stage::Value as Stage;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};

use super::bytestream::ReadRequest;
use super::wire::Wire;

/// How often a broken stream is taken up in a row.
const RESUMPTIONS: u32 = 5;
/// How long a server may take to begin to answer.
const BEGINNING: Duration = Duration::from_secs(60);
/// The pause before a broken stream is taken up.
const PAUSE: Duration = Duration::from_millis(300);
/// How long the rest of a log may take once its action has ended.
const REST_OF_LOG: Duration = Duration::from_secs(5);
/// How long a server may take to hear that something is not wanted any more.
const CANCELLING: Duration = Duration::from_secs(3);

/// Operations that have begun and not ended.
pub(crate) type Running = Arc<Mutex<HashSet<String>>>;

/// What has become of an operation.
pub(crate) enum Outcome {
    /// It came to its end.
    Ended(Box<reapi::ExecuteResponse>),
    /// No worker took it in time.
    NotTaken,
    /// The server refuses it or cannot do it.
    Failed(Status),
}

/// An operation that is followed.
pub(crate) struct Followed<'a> {
    wire: &'a Wire,
    running: &'a Running,
    /// How long it may wait for a worker.
    patience: Duration,
    name: String,
    waiting_since: Option<Instant>,
    /// Whether a worker has taken it.
    pub taken: bool,
    /// How many bytes of the log have come.
    pub logged: u64,
    log: Option<mpsc::Receiver<Vec<u8>>>,
}

/// What happens next.
enum Next {
    Message(Result<Option<Operation>, Status>),
    Log(Option<Vec<u8>>),
    Impatience,
}

impl<'a> Followed<'a> {
    pub fn new(wire: &'a Wire, running: &'a Running, patience: Duration) -> Followed<'a> {
        Followed {
            wire,
            running,
            patience,
            name: String::new(),
            waiting_since: None,
            taken: false,
            logged: 0,
            log: None,
        }
    }

    /// Starts it and follows it to its end.
    pub async fn run(
        &mut self,
        request: &reapi::ExecuteRequest,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Outcome {
        let mut broken = 0;
        let outcome = loop {
            let status = match self.open(request).await {
                Err(status) => status,
                Ok(stream) => match self.follow(stream, output).await {
                    Ok(outcome) => break outcome,
                    Err((status, alive)) => {
                        // A stream that has brought something was a good one.
                        broken = if alive { 0 } else { broken };
                        status
                    }
                },
            };
            let lost = status.code() == Code::NotFound && !self.name.is_empty();
            if lost {
                // The server has forgotten it: it may have been started anew.
                self.ended();
            } else if !is_passing(status.code()) {
                break Outcome::Failed(status);
            }
            broken += 1;
            if broken > RESUMPTIONS {
                break Outcome::Failed(status);
            }
            tokio::time::sleep(PAUSE * broken).await;
        };
        match outcome {
            Outcome::Ended(_) => self.rest_of_log(output).await,
            _ => self.cancel().await,
        }
        self.ended();
        outcome
    }

    async fn open(&self, request: &reapi::ExecuteRequest) -> Result<Streaming<Operation>, Status> {
        let mut client = self.wire.execution();
        let opened = async {
            match self.name.as_str() {
                "" => client.execute(self.wire.request(request.clone())).await,
                name => {
                    let name = name.to_owned();
                    let request = reapi::WaitExecutionRequest { name };
                    client.wait_execution(self.wire.request(request)).await
                }
            }
        };
        match tokio::time::timeout(BEGINNING, opened).await {
            Ok(answer) => answer.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded("no answer")),
        }
    }

    /// Follows a stream to its end; where it breaks off, whether it has brought anything.
    async fn follow(
        &mut self,
        mut stream: Streaming<Operation>,
        output: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Outcome, (Status, bool)> {
        let mut alive = false;
        loop {
            let limit = self.waiting_since.map(|since| since + self.patience);
            let next = tokio::select! {
                message = stream.message() => Next::Message(message),
                bytes = next_of(&mut self.log) => Next::Log(bytes),
                () = until(limit) => Next::Impatience,
            };
            match next {
                Next::Impatience => return Ok(Outcome::NotTaken),
                Next::Log(Some(bytes)) => self.write(&bytes, output),
                Next::Log(None) => self.log = None,
                Next::Message(Ok(Some(operation))) => {
                    alive = true;
                    if let Some(outcome) = self.heed(operation) {
                        return Ok(outcome);
                    }
                }
                Next::Message(Ok(None)) => {
                    return Err((Status::unavailable("the stream has ended"), alive));
                }
                Next::Message(Err(status)) => return Err((status, alive)),
            }
        }
    }

    fn heed(&mut self, operation: Operation) -> Option<Outcome> {
        if self.name != operation.name {
            self.ended();
            self.name.clone_from(&operation.name);
            lock(self.running).insert(operation.name);
        }
        let metadata = operation.metadata.map(|any| any.value).unwrap_or_default();
        let metadata = reapi::ExecuteOperationMetadata::decode(metadata.as_slice());
        let metadata = metadata.unwrap_or_default();
        if metadata.stage == i32::from(Stage::Queued) {
            self.waiting_since.get_or_insert_with(Instant::now);
        } else if metadata.stage != i32::from(Stage::CacheCheck) {
            self.waiting_since = None;
            self.taken = true;
        }
        if self.log.is_none() && self.logged == 0 && !metadata.stdout_stream_name.is_empty() {
            self.log = Some(self.read_log(metadata.stdout_stream_name));
        }
        if !operation.done {
            return None;
        }
        Some(match operation.result {
            Some(Ending::Error(error)) => {
                Outcome::Failed(Status::new(Code::from_i32(error.code), error.message))
            }
            Some(Ending::Response(any)) => {
                match reapi::ExecuteResponse::decode(any.value.as_slice()) {
                    Ok(response) => Outcome::Ended(Box::new(response)),
                    Err(error) => Outcome::Failed(Status::data_loss(error.to_string())),
                }
            }
            None => Outcome::Failed(Status::data_loss("it has ended without a result")),
        })
    }

    fn write(&mut self, bytes: &[u8], output: &mut (dyn FnMut(&[u8]) + Send)) {
        self.logged += bytes.len() as u64;
        output(bytes);
    }

    /// Reads a log as it is written. One that cannot be read comes at the end.
    fn read_log(&self, resource_name: String) -> mpsc::Receiver<Vec<u8>> {
        let (sender, receiver) = mpsc::channel(16);
        let mut client = self.wire.bytes();
        let request = self.wire.request(ReadRequest {
            resource_name,
            ..Default::default()
        });
        self.wire.spawn(async move {
            let Ok(answer) = client.read(request).await else {
                return;
            };
            let mut stream = answer.into_inner();
            while let Ok(Some(message)) = stream.message().await {
                if sender.send(message.data).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    async fn rest_of_log(&mut self, output: &mut (dyn FnMut(&[u8]) + Send)) {
        let Some(mut log) = self.log.take() else {
            return;
        };
        let end = Instant::now() + REST_OF_LOG;
        while let Ok(Some(bytes)) = tokio::time::timeout_at(end.into(), log.recv()).await {
            self.write(&bytes, output);
        }
    }

    async fn cancel(&self) {
        if !self.name.is_empty() {
            cancel(self.wire, std::slice::from_ref(&self.name)).await;
        }
    }

    fn ended(&mut self) {
        lock(self.running).remove(&self.name);
        self.name.clear();
    }
}

/// Tells the server that operations are not wanted any more. Servers that know no such call find out otherwise.
pub(crate) async fn cancel(wire: &Wire, names: &[String]) {
    let all = async {
        for name in names {
            let name = name.clone();
            let request = wire.request(CancelOperationRequest { name });
            // Nobody is there any more who could make use of a refusal.
            let _ = wire.operations().cancel_operation(request).await;
        }
    };
    let _ = tokio::time::timeout(CANCELLING, all).await;
}

pub(crate) fn lock(running: &Running) -> std::sync::MutexGuard<'_, HashSet<String>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the stream may only have broken off.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Internal
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
    )
}

async fn next_of(log: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match log {
        Some(log) => log.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(limit: Option<Instant>) {
    match limit {
        Some(limit) => tokio::time::sleep_until(limit.into()).await,
        None => std::future::pending().await,
    }
}

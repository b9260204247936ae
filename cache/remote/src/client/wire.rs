//! One connection, and single calls over it: deadlines, retries, headers. It knows messages and no meaning.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bazel_remote_apis::google::longrunning::operations_client::OperationsClient;
use pwb_cache::reapi;
use tokio::runtime::Runtime;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};

use super::Notice;
use super::gate::Gate;
use super::health::Health;
use super::settings::{Headers, Settings, Tls, Url};
use crate::error::{Error, Result};

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long an answer may take that carries nothing.
const ANSWER: Duration = Duration::from_secs(10);
/// The slowest transfer that is still of use, in bytes a second.
const SLOWEST: u64 = 128 << 10;
/// How often a call is tried that the server could not take just now.
const TRIES: u32 = 5;
/// For how long. What takes longer to fail, as a host does that is not there, would fail as slowly again.
const TRYING: Duration = Duration::from_secs(2);
/// The pause after the first of them; each time it is three times as long.
const PAUSE: Duration = Duration::from_millis(50);
/// The largest message that is taken. What servers send is bound by what was asked for.
const LARGEST_MESSAGE: usize = 64 << 20;

/// A connection to a server, made when it is first needed.
pub(crate) struct Wire {
    runtime: Runtime,
    channel: Channel,
    headers: Headers,
    tell: Box<dyn Fn(Notice) + Send + Sync>,
    instance: String,
    health: Health,
    gate: Gate,
}

/// Why a call brought nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There is no such thing.
    NotFound,
    /// The server refuses it.
    Refused(Status),
    /// The server cannot be used; the text, if it has not been said yet.
    Down(Option<String>),
}

impl Trouble {
    /// What calls side by side have come to. Of several troubles it is one that says something: only one of them does where the
    /// server is down, whichever it is.
    pub fn of_all(outcomes: Vec<Result<(), Trouble>>) -> Result<(), Trouble> {
        let mut troubles: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        if troubles.is_empty() {
            return Ok(());
        }
        let telling = |trouble: &Trouble| !matches!(trouble, Trouble::Down(None));
        let place = troubles.iter().position(telling).unwrap_or(0);
        Err(troubles.swap_remove(place))
    }
}

impl Wire {
    pub fn new(settings: &Settings, tell: impl Fn(Notice) + Send + Sync + 'static) -> Result<Wire> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("pwb-remote")
            .enable_all()
            .build()
            .map_err(|source| Error::System {
                verb: "start threads for the network",
                source,
            })?;
        let endpoint = endpoint(&settings.url, &settings.tls)?;
        let channel = {
            let _runtime = runtime.enter();
            endpoint.connect_lazy()
        };
        Ok(Wire {
            runtime,
            channel,
            headers: settings.headers.clone(),
            tell: Box::new(tell),
            instance: settings.url.instance.clone(),
            health: Health::default(),
            gate: Gate::new(),
        })
    }

    /// Tells what the user should know.
    pub fn tell(&self, notice: Notice) {
        (self.tell)(notice);
    }

    /// The instance name, for messages.
    pub fn instance(&self) -> String {
        self.instance.clone()
    }

    /// The resource name of a byte stream below the instance.
    pub fn resource(&self, name: &str) -> String {
        match self.instance.as_str() {
            "" => name.to_owned(),
            instance => format!("{instance}/{name}"),
        }
    }

    pub fn cas(
        &self,
    ) -> reapi::content_addressable_storage_client::ContentAddressableStorageClient<Channel> {
        reapi::content_addressable_storage_client::ContentAddressableStorageClient::new(
            self.channel.clone(),
        )
        .max_decoding_message_size(LARGEST_MESSAGE)
    }

    pub fn actions(&self) -> reapi::action_cache_client::ActionCacheClient<Channel> {
        reapi::action_cache_client::ActionCacheClient::new(self.channel.clone())
    }

    pub fn capabilities(&self) -> reapi::capabilities_client::CapabilitiesClient<Channel> {
        reapi::capabilities_client::CapabilitiesClient::new(self.channel.clone())
    }

    pub fn bytes(&self) -> super::bytestream::byte_stream_client::ByteStreamClient<Channel> {
        super::bytestream::byte_stream_client::ByteStreamClient::new(self.channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
    }

    pub fn execution(&self) -> reapi::execution_client::ExecutionClient<Channel> {
        reapi::execution_client::ExecutionClient::new(self.channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
    }

    pub fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone())
    }

    /// Runs something of the connection beside everything else.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Runs something of the connection to its end, on this thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A request with this client's headers.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in self.headers.iter() {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        request
    }

    /// Calls, and again where the server could not take it just now. `bytes` is what may be carried either way: the call has
    /// as much time as the slowest useful connection needs.
    pub fn call<T, F>(&self, bytes: u64, call: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let deadline = deadline(bytes.min(LARGEST_MESSAGE as u64));
        let begin = Instant::now();
        let late = format!("no answer within {} s", deadline.as_secs());
        for tries in 1..TRIES {
            let call = async { tokio::time::timeout(deadline, call()).await };
            match self.attempt(call) {
                Some(Ok(Err(status))) if may_pass(status.code()) && begin.elapsed() < TRYING => {
                    if status.code() == Code::ResourceExhausted {
                        self.gate.narrow();
                    }
                    self.block_on(async { tokio::time::sleep(pause(tries)).await });
                }
                outcome => return self.judge(outcome, &late),
            }
        }
        let call = async { tokio::time::timeout(deadline, call()).await };
        self.judge(self.attempt(call), &late)
    }

    /// Calls once, without a deadline. A call that breaks off after `progress` can be taken up again: it is no sign that the
    /// server is not there.
    pub fn call_once<T>(
        &self,
        progress: &AtomicU64,
        call: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Trouble> {
        let call = async { Ok::<_, ()>(call.await) };
        let outcome = self.attempt(call);
        self.judge_stream(outcome, progress.load(Ordering::Relaxed), "")
    }

    /// The next message of a stream, of which so much has been carried since it began.
    pub fn next<T>(
        &self,
        stream: &mut Streaming<T>,
        begin: Instant,
        carried: u64,
    ) -> Result<Option<T>, Trouble> {
        let next = async { tokio::time::timeout(ANSWER, stream.message()).await };
        let outcome = match begin.elapsed() > deadline(carried) {
            true => Err(()),
            false => self.block_on(next).map_err(drop),
        };
        self.judge_stream(Some(outcome), carried, "it sends next to nothing")
    }

    fn judge_stream<T>(
        &self,
        outcome: Option<Result<Result<T, Status>, ()>>,
        carried: u64,
        late: &str,
    ) -> Result<T, Trouble> {
        match &outcome {
            Some(Ok(Err(status))) if carried > 0 && is_broken(status.code()) => {
                Err(Trouble::Down(None))
            }
            _ => self.judge(outcome, late),
        }
    }

    /// Whether calls are worth a try.
    pub fn is_up(&self) -> bool {
        self.health.is_good()
    }

    fn attempt<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Option<Result<T, ()>> {
        let _pass = self.gate.enter();
        self.health
            .permits()
            .then(|| self.block_on(call).map_err(drop))
    }

    /// What a call has come to: it was not made, it was too late, or it was answered.
    fn judge<T>(
        &self,
        outcome: Option<Result<Result<T, Status>, ()>>,
        late: &str,
    ) -> Result<T, Trouble> {
        let problem = match outcome {
            None => return Err(Trouble::Down(None)),
            Some(Ok(Ok(answer))) => {
                self.health.answered();
                return Ok(answer);
            }
            Some(Ok(Err(status))) if status.code() == Code::Unauthenticated => {
                return Err(Trouble::Down(self.health.end().then(|| said(&status))));
            }
            Some(Ok(Err(status))) if status.code() == Code::NotFound => {
                self.health.answered();
                return Err(Trouble::NotFound);
            }
            Some(Ok(Err(status))) if !is_passing(status.code()) => {
                self.health.answered();
                return Err(Trouble::Refused(status));
            }
            Some(Ok(Err(status))) if status.code() == Code::DeadlineExceeded => {
                return Err(Trouble::Down(self.health.late().then(|| said(&status))));
            }
            Some(Ok(Err(status))) => said(&status),
            Some(Err(())) => {
                return Err(Trouble::Down(self.health.late().then(|| late.to_owned())));
            }
        };
        Err(Trouble::Down(self.health.failed().then_some(problem)))
    }
}

fn deadline(bytes: u64) -> Duration {
    ANSWER + Duration::from_millis(bytes.saturating_mul(1000) / SLOWEST)
}

/// What the server said, in one line.
pub(crate) fn said(status: &Status) -> String {
    let mut text = status.code().description().to_owned();
    // The transport's own words say nothing; what is behind them does.
    let mut cause = std::error::Error::source(status);
    let mut message = status.message().to_owned();
    while let Some(error) = cause {
        message = error.to_string();
        cause = error.source();
    }
    if !message.is_empty() {
        text = format!("{text}: {}", message.lines().next().unwrap_or_default());
    }
    // Whatever a server says, it does not move the cursor.
    text.retain(|c| !c.is_control());
    text
}

/// Whether the same call may be answered otherwise in a moment.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Aborted
            | Code::Internal
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
    )
}

/// The same, or it is one call too many: who is full says so again, and that is a refusal then.
fn may_pass(code: Code) -> bool {
    is_passing(code) || code == Code::ResourceExhausted
}

/// Whether a stream has broken off.
fn is_broken(code: Code) -> bool {
    is_passing(code) && code != Code::DeadlineExceeded
}

/// Half of it is chance, so that those who failed together do not come back together.
fn pause(tries: u32) -> Duration {
    let full = PAUSE * 3_u32.pow(tries.min(6) - 1);
    let mut chance = [0; 1];
    // Without chance they come back together: a pity, not an error.
    let _ = getrandom::fill(&mut chance);
    full / 2 + full * u32::from(chance[0]) / 512
}

fn endpoint(url: &Url, tls: &Tls) -> Result<Endpoint> {
    let scheme = if url.tls { "https" } else { "http" };
    let wrong = |why: String| Error::Url {
        url: url.to_string(),
        why,
    };
    let endpoint = Endpoint::from_shared(format!("{scheme}://{}", url.authority))
        .map_err(|error| wrong(error.to_string()))?
        .connect_timeout(CONNECTING)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(ANSWER)
        .initial_stream_window_size(Some(8 << 20))
        .initial_connection_window_size(Some(32 << 20))
        .user_agent(concat!("pwb/", env!("CARGO_PKG_VERSION")))
        .map_err(|error| wrong(error.to_string()))?;
    if !url.tls {
        return Ok(endpoint);
    }
    let read = |path: &std::path::PathBuf| {
        std::fs::read(path).map_err(|source| Error::File {
            path: path.clone(),
            source,
        })
    };
    let mut config = ClientTlsConfig::new();
    config = match &tls.ca {
        Some(path) => config.ca_certificate(Certificate::from_pem(read(path)?)),
        None => config.with_native_roots(),
    };
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    endpoint.tls_config(config).map_err(|error| Error::Tls {
        url: url.to_string(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_troubles_one_that_says_something_counts() {
        let down = |why: Option<&str>| Err(Trouble::Down(why.map(str::to_owned)));
        let outcomes = vec![Ok(()), down(None), down(Some("late")), down(None)];
        let told = Trouble::of_all(outcomes);
        assert!(matches!(told, Err(Trouble::Down(Some(why))) if why == "late"));
        assert!(Trouble::of_all(vec![Ok(()), down(None)]).is_err());
        assert!(Trouble::of_all(vec![Ok(())]).is_ok());
    }
}

//! A server as a program runs it: threads, signals, and the end.

use std::sync::Arc;
use std::time::Duration;

use pwb_cache::Store;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::error::{Error, Result};
use super::{Config, Server};

/// Threads that wait for disks; SQLite lets one at a time in, and a disk not many more.
const BLOCKING_THREADS: usize = 32;

const LETTING_GO: Duration = Duration::from_secs(1);

/// How a server has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// All that was asked has been answered.
    Graceful,
    /// A second signal cut requests off.
    AtOnce,
}

/// Serves until SIGINT or SIGTERM, and then what is under way; a second signal ends it at once. `ready` is called once clients can
/// connect.
pub fn run(store: Store, config: Config, ready: impl FnOnce(&Server)) -> Result<Ending> {
    store.session()?.serve();
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(failed("start threads"))?;
    let ending = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let server = Server::bind(Arc::new(store), config).await?;
        ready(&server);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = server.serve(async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        });
        tokio::pin!(served);
        tokio::select! {
            outcome = &mut served => return outcome.map(|()| Ending::Graceful),
            () = signals.next() => drop(stop),
        }
        tokio::select! {
            outcome = &mut served => outcome.map(|()| Ending::Graceful),
            () = signals.next() => Ok(Ending::AtOnce),
        }
    });
    match ending {
        // The last tasks let go of the store, and with it of its session.
        Ok(Ending::Graceful) => runtime.shutdown_timeout(LETTING_GO),
        // What waits for a disk may go on waiting.
        _ => runtime.shutdown_background(),
    }
    ending
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Signals> {
        let listen = |kind| signal(kind).map_err(failed("listen for signals"));
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn failed(verb: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Process { verb, source }
}

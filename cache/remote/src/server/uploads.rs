//! Blobs on their way in: a file that grows and is hashed meanwhile, and those of which a client has sent a part and may send
//! the rest.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pwb_cache::{Hasher, Name, New, Store, fs};
use tonic::Status;

use super::error::{is_full, to_status};
use super::service::mismatch;

/// Uploads that wait for their clients, at most; the oldest goes first.
const MAX_WAITING: usize = 64;

/// How long an upload waits for its client.
const PATIENCE: Duration = Duration::from_secs(600);

/// A blob of which a part is here.
#[derive(Debug)]
pub struct Incoming {
    name: Name,
    file: File,
    path: PathBuf,
    hasher: Box<Hasher>,
    written: u64,
    /// Why no more is taken.
    fault: Option<Status>,
}

impl Incoming {
    /// An upload that begins.
    pub fn new(store: &Store, name: Name) -> Result<Incoming, Status> {
        let begin = || {
            let path = store.session()?.path("upload");
            Ok((fs::create(&path)?, path))
        };
        let (file, path) = begin().map_err(|error| to_status(&error))?;
        Ok(Incoming {
            name,
            file,
            path,
            hasher: Box::new(Hasher::new(name.function())),
            written: 0,
            fault: None,
        })
    }

    /// Bytes that are here.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Verifies the whole and takes it into the store; it is yet to be published.
    pub fn finish(self, store: &Store) -> Result<New, Status> {
        let (digest, name) = Hasher::clone(&self.hasher).finish();
        if name != self.name {
            return Err(mismatch(self.name));
        }
        let take = || {
            let batch = store.batch();
            batch.take_hashed(&self.path, digest, false)?;
            if let Name::Sha256(name) = name {
                store.put_sha256(&[(digest, name)])?;
            }
            Ok(batch.finish())
        };
        take().map_err(|error| to_status(&error))
    }

    fn refuse(&mut self, status: Status) -> io::Error {
        self.fault = Some(status);
        io::ErrorKind::Other.into()
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let after = self.written + bytes.len() as u64;
        if after > self.name.size() {
            return Err(self.refuse(mismatch(self.name)));
        }
        if let Err(error) = self.file.write_all(bytes) {
            let status = match is_full(error.kind()) {
                true => Status::resource_exhausted("the server's disk is full"),
                false => Status::internal(format!("cannot write {}: {error}", self.path.display())),
            };
            return Err(self.refuse(status));
        }
        self.hasher.update(bytes);
        self.written = after;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What was taken into the store is not there any more; what cannot be removed goes with the session.
        let _ = fs::remove_file(&self.path);
    }
}

/// An upload whose bytes travel in one form or the other.
pub enum Sink {
    Plain(Incoming),
    Zstd(Box<zstd::stream::write::Decoder<'static, Incoming>>),
}

impl Sink {
    pub fn new(incoming: Incoming, compressed: bool) -> Result<Sink, Status> {
        if !compressed {
            return Ok(Sink::Plain(incoming));
        }
        let decoder = zstd::stream::write::Decoder::new(incoming);
        let decoder =
            decoder.map_err(|error| Status::internal(format!("zstd cannot begin: {error}")))?;
        Ok(Sink::Zstd(Box::new(decoder)))
    }

    /// Takes bytes as they travelled.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Status> {
        let (written, incoming) = match self {
            Sink::Plain(incoming) => (incoming.write_all(bytes), incoming),
            Sink::Zstd(decoder) => (decoder.write_all(bytes), decoder.get_mut()),
        };
        written.map_err(|error| {
            let fault = incoming.fault.take();
            fault.unwrap_or_else(|| Status::invalid_argument(format!("this is no zstd: {error}")))
        })
    }

    /// The upload with all that could be made of the bytes so far.
    pub fn into_incoming(self) -> Result<Incoming, Status> {
        match self {
            Sink::Plain(incoming) => Ok(incoming),
            Sink::Zstd(mut decoder) => {
                let flushed = decoder.flush();
                let mut incoming = decoder.into_inner();
                match (flushed, incoming.fault.take()) {
                    (Ok(()), None) => Ok(incoming),
                    (_, Some(fault)) => Err(fault),
                    (Err(error), None) => Err(Status::invalid_argument(error.to_string())),
                }
            }
        }
    }
}

/// The uploads that wait for their clients, by the names of their resources.
#[derive(Debug, Default)]
pub struct Uploads {
    waiting: Mutex<HashMap<String, (Instant, Incoming)>>,
}

impl Uploads {
    /// Keeps an upload that was broken off.
    pub fn keep(&self, resource: String, incoming: Incoming) {
        let mut waiting = self.waiting();
        waiting.retain(|_, (since, _)| since.elapsed() < PATIENCE);
        if waiting.len() >= MAX_WAITING {
            let oldest = waiting.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(oldest) = oldest.map(|(resource, _)| resource.clone()) {
                waiting.remove(&oldest);
            }
        }
        waiting.insert(resource, (Instant::now(), incoming));
    }

    /// Goes on with an upload that has this many bytes.
    pub fn take(&self, resource: &str, written: u64) -> Option<Incoming> {
        let mut waiting = self.waiting();
        let (_, incoming) = waiting.get(resource)?;
        if incoming.written != written {
            return None;
        }
        waiting.remove(resource).map(|(_, incoming)| incoming)
    }

    /// How many bytes of a broken upload are here.
    pub fn written(&self, resource: &str) -> u64 {
        let waiting = self.waiting();
        waiting
            .get(resource)
            .map_or(0, |(_, incoming)| incoming.written)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, (Instant, Incoming)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

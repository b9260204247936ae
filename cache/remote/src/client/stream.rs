//! Large blobs over the wire: streams of messages, which are taken up again where they broke off.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use pwb_cache::{Blob, reapi};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::blobs::{Blobs, LEVEL, size};
use super::bytestream::{QueryWriteStatusRequest, ReadRequest, WriteRequest};
use super::wire::Trouble;
use super::{Notice, names};

/// Bytes in one message of a stream.
const CHUNK: usize = 1 << 20;
/// How often a stream is taken up where it broke off.
const RESUMPTIONS: u32 = 5;
const BREAKS: &str = "the connection breaks again and again";
/// How long an upload may stand still, and how often that is looked at.
const STALLED: Duration = Duration::from_secs(15);
const LOOKING: Duration = Duration::from_secs(1);

impl Blobs<'_> {
    /// Reads a stream into a file. When it breaks off it goes on from what has arrived.
    pub fn read_stream(&self, name: &reapi::Digest, into: &mut File) -> Result<(), Trouble> {
        let resource = format!("{}/{}", self.kind(), self.path(name));
        let resource = self.wire.resource(&resource);
        let mut resumptions = 0;
        loop {
            let done = into.stream_position().map_err(local)?;
            let left = size(name).saturating_sub(done);
            if left == 0 {
                return Ok(());
            }
            let (sender, receiver) = mpsc::channel(4);
            let outcome = thread::scope(|scope| {
                let (zstd, sink) = (self.server.zstd, &mut *into);
                let write = move || {
                    let stream = Messages::new(receiver);
                    let mut bytes: Box<dyn Read> = match zstd {
                        true => Box::new(zstd::Decoder::new(stream)?.take(left)),
                        false => Box::new(stream.take(left)),
                    };
                    std::io::copy(&mut bytes, sink)
                };
                let writing = Builder::new().spawn_scoped(scope, write).map_err(refused)?;
                let read = self.read_messages(&resource, done, left, sender);
                // What was written before the end counts, however the stream ended.
                let written = writing.join();
                read.and(match written {
                    Ok(Ok(_)) => Ok(()),
                    _ => Err(Trouble::NotFound),
                })
            });
            let now = into.stream_position().map_err(local)?;
            match outcome {
                Ok(()) if now == size(name) => return Ok(()),
                Err(Trouble::Down(None)) if resumptions == RESUMPTIONS => {
                    return Err(Trouble::Down(Some(BREAKS.to_owned())));
                }
                Err(Trouble::Down(None)) if now > done => resumptions += 1,
                // It ended too early: what is there is not what the name says.
                Ok(()) => return Err(Trouble::NotFound),
                Err(other) => return Err(other),
            }
        }
    }

    fn read_messages(
        &self,
        resource: &str,
        offset: u64,
        left: u64,
        to: mpsc::Sender<Vec<u8>>,
    ) -> Result<(), Trouble> {
        let mut stream = self
            .wire
            .call(0, || {
                let mut client = self.wire.bytes();
                let request = self.wire.request(ReadRequest {
                    resource_name: resource.to_owned(),
                    read_offset: offset.cast_signed(),
                    read_limit: 0,
                });
                async move { client.read(request).await }
            })?
            .into_inner();
        let (begin, mut carried) = (Instant::now(), 0);
        while let Some(message) = self.wire.next(&mut stream, begin, carried)? {
            let length = message.data.len() as u64;
            self.wire.tell(Notice::Received(length));
            carried += length;
            // A server that sends more than was asked for is not listened to.
            if carried > left + left / 16 + CHUNK as u64 || to.blocking_send(message.data).is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes a stream from a blob. When it breaks off it goes on from what the server has, where the server can tell.
    pub fn write_stream(&self, name: &reapi::Digest, blob: &Blob) -> Result<(), Trouble> {
        let kind = self.kind();
        let id = uuid::Uuid::new_v4();
        let resource = format!("uploads/{id}/{kind}/{}", self.path(name));
        let resource = self.wire.resource(&resource);
        let mut resumptions = 0;
        let mut offset = 0;
        loop {
            match self.write_from(&resource, offset, name, blob) {
                Err(Trouble::Down(None)) if resumptions == RESUMPTIONS => {
                    return Err(Trouble::Down(Some(BREAKS.to_owned())));
                }
                Err(Trouble::Down(None)) if self.wire.is_up() => {
                    resumptions += 1;
                    // Offsets count what travels, and compressed bytes cannot be cut to size here.
                    offset = match self.server.zstd {
                        true => 0,
                        false => match self.written(&resource) {
                            Err(Trouble::Down(problem)) => return Err(Trouble::Down(problem)),
                            written => written.unwrap_or_default(),
                        },
                    };
                }
                other => return other,
            }
        }
    }

    /// How much of an upload the server has.
    fn written(&self, resource: &str) -> Result<u64, Trouble> {
        let answer = self.wire.call(0, || {
            let mut client = self.wire.bytes();
            let request = self.wire.request(QueryWriteStatusRequest {
                resource_name: resource.to_owned(),
            });
            async move { client.query_write_status(request).await }
        })?;
        Ok(answer.into_inner().committed_size.unsigned_abs())
    }

    fn write_from(
        &self,
        resource: &str,
        offset: u64,
        name: &reapi::Digest,
        blob: &Blob,
    ) -> Result<(), Trouble> {
        if offset >= size(name) && offset > 0 {
            return Ok(());
        }
        let mut source: Box<dyn Read + Send> = match blob {
            Blob::Bytes(bytes) => {
                let rest = bytes.get(offset as usize..).unwrap_or_default();
                Box::new(rest)
            }
            Blob::File(path) => {
                let mut file = File::open(path).map_err(local)?;
                file.seek(SeekFrom::Start(offset)).map_err(local)?;
                Box::new(file)
            }
        };
        if self.server.zstd {
            source = Box::new(zstd::stream::read::Encoder::new(source, LEVEL).map_err(local)?);
        }
        let (sender, receiver) = mpsc::channel(4);
        let sent = AtomicU64::new(0);
        thread::scope(|scope| {
            let send = || send_chunks(source, resource, offset, &sent, sender);
            Builder::new().spawn_scoped(scope, send).map_err(refused)?;
            let mut client = self.wire.bytes();
            let request = self.wire.request(ReceiverStream::new(receiver));
            let answer = self.wire.call_once(&sent, async {
                let mut call = pin!(client.write(request));
                let (mut seen, mut moved) = (0, Instant::now());
                loop {
                    tokio::select! {
                        answer = &mut call => return answer,
                        () = tokio::time::sleep(LOOKING) => {}
                    }
                    let now = sent.load(Ordering::Relaxed);
                    if std::mem::replace(&mut seen, now) != now {
                        moved = Instant::now();
                    }
                    if moved.elapsed() > STALLED {
                        return Err(Status::deadline_exceeded("the server takes nothing more"));
                    }
                }
            });
            self.wire.tell(Notice::Sent(sent.load(Ordering::Relaxed)));
            answer.map(drop)
        })
    }

    fn kind(&self) -> &'static str {
        match self.server.zstd {
            true => "compressed-blobs/zstd",
            false => "blobs",
        }
    }

    fn path(&self, name: &reapi::Digest) -> String {
        let segment = names::segment(self.server.function);
        format!("{segment}{}/{}", name.hash, name.size_bytes)
    }
}

/// Cuts what is read into messages; ends quietly when nobody takes them any more.
fn send_chunks(
    mut source: Box<dyn Read + Send + '_>,
    resource: &str,
    mut offset: u64,
    sent: &AtomicU64,
    to: mpsc::Sender<WriteRequest>,
) -> std::io::Result<()> {
    let mut chunk = next_chunk(&mut source)?;
    loop {
        let following = next_chunk(&mut source)?;
        let last = following.is_empty();
        let request = WriteRequest {
            resource_name: resource.to_owned(),
            write_offset: offset.cast_signed(),
            finish_write: last,
            data: chunk,
        };
        let length = request.data.len() as u64;
        if to.blocking_send(request).is_err() {
            return Ok(());
        }
        sent.fetch_add(length, Ordering::Relaxed);
        if last {
            return Ok(());
        }
        offset += length;
        chunk = following;
    }
}

fn next_chunk(source: &mut dyn Read) -> std::io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    source.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// The bytes of messages, as they arrive.
struct Messages {
    receiver: mpsc::Receiver<Vec<u8>>,
    current: Cursor<Vec<u8>>,
}

impl Messages {
    fn new(receiver: mpsc::Receiver<Vec<u8>>) -> Messages {
        let current = Cursor::default();
        Messages { receiver, current }
    }
}

impl Read for Messages {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.current.read(buffer)? {
                0 => match self.receiver.blocking_recv() {
                    Some(bytes) => self.current = Cursor::new(bytes),
                    None => return Ok(0),
                },
                count => return Ok(count),
            }
        }
    }
}

/// A file of this machine that cannot be read or written stands in nobody's way here: what should be in it is found missing.
fn local(_: std::io::Error) -> Trouble {
    Trouble::NotFound
}

fn refused(thread: std::io::Error) -> Trouble {
    Trouble::Down(Some(format!("cannot start a thread: {thread}")))
}

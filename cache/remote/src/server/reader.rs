//! A blob on its way out, a chunk at a time. All of it is hashed on the way: the last chunk of a damaged one is never sent.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use bazel_remote_apis::google::bytestream::ReadResponse;
use pwb_cache::{Blob, Digest, Function, Hasher, Store};
use tonic::Status;

use super::codec::LEVEL;
use super::error::{gone, to_status};
use super::limits::CHUNK;
use super::metrics::Metrics;
use super::service::forget;
use super::stream::Source;

type Encoder = zstd::stream::write::Encoder<'static, Vec<u8>>;

/// A blob that is being read. The file stays readable when it is removed from the store.
pub struct Reader {
    bytes: Bytes,
    digest: Digest,
    /// Bytes still to be read.
    rest: u64,
    /// `None` where only a part is read, which cannot be verified.
    hasher: Option<Hasher>,
    encoder: Option<Encoder>,
}

enum Bytes {
    Memory(Cursor<Vec<u8>>),
    File(File),
}

impl Reader {
    /// Opens a blob at an offset; `limit` bytes of it are read, or all where that is 0.
    pub fn open(
        store: &Store,
        digest: Digest,
        compressed: bool,
        offset: u64,
        limit: u64,
    ) -> Result<Reader, Status> {
        let blob = store.blob(digest).map_err(|error| to_status(&error))?;
        let mut bytes = match blob.ok_or_else(|| gone(digest))? {
            Blob::Bytes(bytes) => Bytes::Memory(Cursor::new(bytes)),
            Blob::File(path) => {
                let file = pwb_cache::fs::open(&path);
                Bytes::File(file.map_err(|error| to_status(&error))?)
            }
        };
        let after = digest.size().saturating_sub(offset);
        let rest = if limit == 0 { after } else { after.min(limit) };
        if offset > 0 {
            let sought = match &mut bytes {
                Bytes::Memory(bytes) => bytes.seek(SeekFrom::Start(offset)),
                Bytes::File(file) => file.seek(SeekFrom::Start(offset)),
            };
            sought.map_err(|error| unreadable(digest, &error))?;
        }
        let encoder = compressed.then(|| Encoder::new(Vec::new(), LEVEL));
        let encoder = encoder.transpose();
        Ok(Reader {
            bytes,
            digest,
            rest,
            hasher: (rest == digest.size()).then(|| Hasher::new(Function::Blake3)),
            encoder: encoder.map_err(|error| unreadable(digest, &error))?,
        })
    }

    /// The next bytes of the blob, not empty while there are any.
    fn read(&mut self, store: &Store, metrics: &Metrics) -> Result<Vec<u8>, Status> {
        let mut chunk = vec![0; self.rest.min(CHUNK as u64) as usize];
        let read = match &mut self.bytes {
            Bytes::Memory(bytes) => bytes.read_exact(&mut chunk),
            Bytes::File(file) => file.read_exact(&mut chunk),
        };
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(self.damaged(store, metrics)?);
            }
            other => other.map_err(|error| unreadable(self.digest, &error))?,
        }
        self.rest -= chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        if self.rest == 0
            && let Some(hasher) = self.hasher.take()
            && hasher.finish().0 != self.digest
        {
            return Err(self.damaged(store, metrics)?);
        }
        Ok(chunk)
    }

    /// Removes the blob: the client is to see it as missing.
    fn damaged(&self, store: &Store, metrics: &Metrics) -> Result<Status, Status> {
        forget(store, metrics, self.digest)?;
        Ok(gone(self.digest))
    }
}

impl Source for Reader {
    type Part = ReadResponse;

    fn next(&mut self, store: &Store, metrics: &Metrics) -> Result<Option<ReadResponse>, Status> {
        let mut data = Vec::new();
        while data.is_empty() {
            if self.rest == 0 {
                // An encoder still has the end of its frame.
                let Some(encoder) = self.encoder.take() else {
                    return Ok(None);
                };
                let end = encoder.finish();
                data = end.map_err(|error| unreadable(self.digest, &error))?;
                break;
            }
            data = self.read(store, metrics)?;
            if let Some(encoder) = &mut self.encoder {
                let written = encoder.write_all(&data);
                written.map_err(|error| unreadable(self.digest, &error))?;
                data = std::mem::take(encoder.get_mut());
            }
        }
        metrics.sent.inc_by(data.len() as u64);
        Ok(Some(ReadResponse { data }))
    }
}

fn unreadable(digest: Digest, error: &std::io::Error) -> Status {
    Status::internal(format!("cannot read blob {digest}: {error}"))
}

//! Files of a site, compressed: each once for a coding, when it is first wanted, and kept as long as the server lives.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use pwb_cache::Digest;
use tokio::sync::OnceCell;

use super::coding::Coding;
use super::files::File;

/// Smaller files fit into a packet.
const MIN: u64 = 1000;

/// Of zstd: about as fast as gzip's default, and a fifth smaller.
const LEVEL: i32 = 9;

/// The bytes to send, on the disk.
#[derive(Clone, Debug)]
pub struct Bytes {
    pub path: PathBuf,
    pub length: u64,
    pub coding: Coding,
}

type Slot = Arc<OnceCell<Option<Bytes>>>;

/// The compressed files.
#[derive(Debug)]
pub struct Packed {
    folder: PathBuf,
    slots: Mutex<HashMap<(Digest, Coding), Slot>>,
}

impl Packed {
    /// None yet, to be kept in a folder.
    pub fn new(folder: PathBuf) -> Packed {
        Packed {
            folder,
            slots: Mutex::default(),
        }
    }

    /// The bytes of a file in a coding, or as they are where that gains nothing.
    pub async fn get(&self, file: &File, coding: Coding) -> io::Result<Bytes> {
        let plain = Bytes {
            path: file.path.clone(),
            length: file.digest.size(),
            coding: Coding::Identity,
        };
        if coding == Coding::Identity || plain.length < MIN {
            return Ok(plain);
        }
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry((file.digest, coding)).or_default().clone()
        };
        let to = self
            .folder
            .join(format!("{}.{}", file.digest.hex(), coding.name()));
        let packed = slot.get_or_try_init(|| {
            let plain = plain.clone();
            async move {
                let work = tokio::task::spawn_blocking(move || pack(&plain, to, coding));
                work.await.map_err(io::Error::other)?
            }
        });
        Ok(packed.await?.clone().unwrap_or(plain))
    }
}

/// Compresses a file; nothing where it does not get smaller.
fn pack(plain: &Bytes, to: PathBuf, coding: Coding) -> io::Result<Option<Bytes>> {
    let mut from = fs::File::open(&plain.path)?;
    let file = fs::File::create(&to)?;
    match coding {
        Coding::Zstd => {
            let mut encoder = zstd::Encoder::new(file, LEVEL)?;
            encoder.set_pledged_src_size(Some(plain.length))?;
            io::copy(&mut from, &mut encoder)?;
            encoder.finish()?;
        }
        _ => {
            let mut encoder = GzEncoder::new(file, Compression::default());
            io::copy(&mut from, &mut encoder)?;
            encoder.finish()?;
        }
    }
    let length = length(&to)?;
    Ok((length < plain.length).then_some(Bytes {
        path: to,
        length,
        coding,
    }))
}

fn length(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

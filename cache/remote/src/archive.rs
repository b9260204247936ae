//! Results as one file, for machines that no network joins: a shared cache that is carried.
//!
//! An archive is a tar, compressed by zstd. First come the results, as a shared cache has them (`results/KEY`), signed or not; then what they
//! name, each under its digest (`messages/…`, `files/…`). Nothing is believed that was not hashed, and nothing is published before
//! all of it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use prost::Message;
use pwb_cache::{
    Action, ActionKey, ActionResult, Batch, Blob, Digest, Entry, Function, Hasher, Origin, Store,
    TreeDigest, fs, reapi,
};
use tar::{Archive, Builder, EntryType, Header};

use crate::error::{Error, Result};
use crate::key::{PublicKey, SecretKey};
use crate::record::{self, Unusable};

/// The first member, and what it says.
const MARK: (&str, &[u8]) = ("pwb-results", b"1\n");
const RESULTS: &str = "results/";
const MESSAGES: &str = "messages/";
const FILES: &str = "files/";
/// Of a message that is read whole, at most.
const LARGEST_MESSAGE: u64 = 256 << 20;

/// A result that is to be carried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Carried {
    /// The action.
    pub key: ActionKey,
    /// Whether the files that it names come along; else only what keys are made of.
    pub whole: bool,
}

/// What an archive has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Contents {
    /// Results.
    pub results: u64,
    /// Files.
    pub files: u64,
    /// Bytes of files and messages.
    pub bytes: u64,
}

/// Writes an archive of results that the store has. Only what this machine has made, or one of the trusted keys has signed, is
/// signed.
pub fn write(
    store: &Store,
    path: &Path,
    carried: &[Carried],
    signing: Option<&SecretKey>,
    trusted: &[PublicKey],
) -> Result<Contents> {
    let mut pack = Pack::default();
    for one in carried {
        let Some((result, origin)) = store.result_with_origin(one.key)? else {
            continue;
        };
        let signs = match origin {
            None => true,
            Some(Origin(signer)) => trusted
                .iter()
                .any(|key| Some(key.bytes()) == signer.as_ref()),
        };
        let mut message = reapi::ActionResult::default();
        let signing = signing.filter(|_| signs);
        record::seal(&mut message, one.key, record::write(&result), signing);
        pack.results.insert(one.key, message.encode_to_vec());
        pack.add(store, one, result.tree)?;
    }
    let file = File::create(path).map_err(|source| writing(path, source))?;
    let contents = pack.write(store, BufWriter::new(file));
    contents.map_err(|error| match error {
        Failed::Io(source) => writing(path, source),
        Failed::Store(error) => error.into(),
    })
}

/// What goes into an archive.
#[derive(Default)]
struct Pack {
    results: BTreeMap<ActionKey, Vec<u8>>,
    messages: BTreeSet<Digest>,
    files: BTreeSet<(Digest, bool)>,
}

enum Failed {
    Io(io::Error),
    Store(pwb_cache::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Io(error)
    }
}

impl From<pwb_cache::Error> for Failed {
    fn from(error: pwb_cache::Error) -> Failed {
        Failed::Store(error)
    }
}

impl Pack {
    fn add(&mut self, store: &Store, one: &Carried, tree: TreeDigest) -> pwb_cache::Result<()> {
        let directories = store.local_directories(tree)?;
        let directories = directories.ok_or(pwb_cache::Error::Missing(tree.digest()))?;
        for (tree, directory) in directories {
            self.messages.insert(tree.digest());
            for entry in directory.entries.into_values() {
                if let Entry::File { digest, executable } = entry
                    && one.whole
                {
                    self.files.insert((digest, executable));
                }
            }
        }
        // What explains the key, as far as it is here.
        if let Some(action) = Action::load(store, one.key)? {
            let (_, manifest) = action.encode();
            self.messages
                .extend(manifest.iter().map(|(digest, _)| *digest));
            let root = store
                .local_directories(action.input_root)?
                .unwrap_or_default();
            self.messages
                .extend(root.iter().map(|(tree, _)| tree.digest()));
        }
        Ok(())
    }

    fn write(&self, store: &Store, to: impl Write) -> Result<Contents, Failed> {
        let mut zstd = zstd::Encoder::new(to, 0)?;
        zstd.include_checksum(true)?;
        let mut tar = Builder::new(zstd);
        let mut contents = Contents::default();
        append(&mut tar, MARK.0, MARK.1.len() as u64, MARK.1)?;
        for (key, message) in &self.results {
            let name = format!("{RESULTS}{}", name_of(key.digest()));
            append(&mut tar, &name, message.len() as u64, message.as_slice())?;
            contents.results += 1;
        }
        for digest in &self.messages {
            let bytes = store.message(*digest)?;
            let bytes = bytes.ok_or(pwb_cache::Error::Missing(*digest))?;
            let name = format!("{MESSAGES}{}", name_of(*digest));
            append(&mut tar, &name, digest.size(), bytes.as_slice())?;
            contents.bytes += digest.size();
        }
        for (digest, executable) in &self.files {
            let end = if *executable { ".x" } else { "" };
            let name = format!("{FILES}{}{end}", name_of(*digest));
            match store
                .blob(*digest)?
                .ok_or(pwb_cache::Error::Missing(*digest))?
            {
                Blob::Bytes(bytes) => append(&mut tar, &name, digest.size(), bytes.as_slice())?,
                Blob::File(path) => append(&mut tar, &name, digest.size(), fs::open(&path)?)?,
            }
            contents.files += 1;
            contents.bytes += digest.size();
        }
        tar.into_inner()?.finish()?.flush()?;
        Ok(contents)
    }
}

fn append(tar: &mut Builder<impl Write>, name: &str, size: u64, from: impl Read) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, from.take(size))
}

/// Takes what an archive has into the store. Where keys are trusted, every result must be signed by one of them.
pub fn read(store: &Store, path: &Path, trusted: &[PublicKey]) -> Result<Contents> {
    let unreadable = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut arrived = Arrived {
        store,
        path,
        trusted,
        batch: store.batch(),
        results: Vec::new(),
        messages: BTreeMap::new(),
        contents: Contents::default(),
    };
    let damaged = |error: io::Error| faulty(path, &error.to_string());
    let zstd = zstd::Decoder::new(file).map_err(damaged)?;
    let mut archive = Archive::new(zstd);
    let mut marked = false;
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.size();
        if !marked && name != MARK.0 {
            return Err(faulty(path, "it is no archive of results"));
        }
        match name.as_str() {
            name if name == MARK.0 => {
                let said = arrived.bytes(&mut entry, size)?;
                if said != MARK.1 {
                    let why = "another pwb's form: use that pwb, or a newer one";
                    return Err(faulty(path, why));
                }
                marked = true;
            }
            name if name.starts_with(RESULTS) => arrived.result(name, &mut entry, size)?,
            name if name.starts_with(MESSAGES) => arrived.message(name, &mut entry, size)?,
            name if name.starts_with(FILES) => arrived.file(name, &mut entry)?,
            other => return Err(faulty(path, &format!("`{other}` is unknown"))),
        }
    }
    // The checksum of the whole comes last.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    if !marked {
        return Err(faulty(path, "it is empty"));
    }
    arrived.publish()
}

/// What of an archive has arrived, and is not published yet.
struct Arrived<'a> {
    store: &'a Store,
    path: &'a Path,
    trusted: &'a [PublicKey],
    batch: Batch<'a>,
    results: Vec<(ActionKey, ActionResult, Origin)>,
    messages: BTreeMap<Digest, Vec<u8>>,
    contents: Contents,
}

impl Arrived<'_> {
    fn result(&mut self, name: &str, from: &mut impl Read, size: u64) -> Result<()> {
        let key = ActionKey::from_digest(self.digest(name, RESULTS)?);
        let bytes = self.bytes(from, size)?;
        let message = reapi::ActionResult::decode(bytes.as_slice()).unwrap_or_default();
        let (record, origin) =
            record::open(&message, key, self.trusted).map_err(|why| match why {
                Unusable::Foreign => self.damaged(&format!("`{name}` is no result")),
                Unusable::Untrusted => Error::Unsigned {
                    path: self.path.to_owned(),
                },
            })?;
        let result = record::read(&record);
        let result = result.ok_or_else(|| self.damaged(&format!("`{name}` is no result")))?;
        self.contents.results += 1;
        self.results.push((key, result, origin));
        Ok(())
    }

    fn message(&mut self, name: &str, from: &mut impl Read, size: u64) -> Result<()> {
        let digest = self.digest(name, MESSAGES)?;
        let bytes = self.bytes(from, size)?;
        if Digest::of(&bytes) != digest {
            return Err(self.damaged(&format!("`{name}` is not what its name says")));
        }
        self.contents.bytes += digest.size();
        self.messages.insert(digest, bytes);
        Ok(())
    }

    fn file(&mut self, name: &str, from: &mut impl Read) -> Result<()> {
        let plain = name.strip_suffix(".x");
        let digest = self.digest(plain.unwrap_or(name), FILES)?;
        let path = self.store.session()?.path("archived");
        let mut to = fs::create(&path)?;
        let mut hasher = Hasher::new(Function::Blake3);
        let mut part = vec![0; 1 << 16];
        loop {
            let count = from.read(&mut part);
            let count = count.map_err(|error| self.damaged(&error.to_string()))?;
            if count == 0 {
                break;
            }
            hasher.update(&part[..count]);
            to.write_all(&part[..count])
                .map_err(|source| writing(&path, source))?;
        }
        if hasher.finish().0 != digest {
            return Err(self.damaged(&format!("`{name}` is not what its name says")));
        }
        self.batch.take_hashed(&path, digest, plain.is_some())?;
        fs::remove_file(&path)?;
        self.contents.files += 1;
        self.contents.bytes += digest.size();
        Ok(())
    }

    /// Everything was what it says: now it counts.
    fn publish(self) -> Result<Contents> {
        let messages: Vec<_> = self.messages.into_iter().collect();
        self.batch.put_messages(&messages)?;
        self.store.publish_files(self.batch.finish())?;
        self.store.take_results(&self.results)?;
        Ok(self.contents)
    }

    fn bytes(&self, from: &mut impl Read, size: u64) -> Result<Vec<u8>> {
        if size > LARGEST_MESSAGE {
            return Err(self.damaged("a message is larger than any"));
        }
        let mut bytes = Vec::new();
        let read = from.read_to_end(&mut bytes);
        read.map_err(|error| self.damaged(&error.to_string()))?;
        Ok(bytes)
    }

    /// The digest in a member's name.
    fn digest(&self, name: &str, folder: &str) -> Result<Digest> {
        let parts = name
            .strip_prefix(folder)
            .and_then(|name| name.split_once('-'));
        let digest = parts.and_then(|(hash, size)| {
            Digest::from_message(&reapi::Digest {
                hash: hash.to_owned(),
                size_bytes: size.parse().ok()?,
            })
        });
        digest.ok_or_else(|| self.damaged(&format!("`{name}` is no digest")))
    }

    fn damaged(&self, why: &str) -> Error {
        faulty(self.path, why)
    }
}

fn faulty(path: &Path, why: &str) -> Error {
    Error::Archive {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

fn writing(path: &Path, source: io::Error) -> Error {
    let error = pwb_cache::Error::Io {
        verb: "write",
        path: path.to_owned(),
        source,
    };
    error.into()
}

fn name_of(digest: Digest) -> String {
    format!("{}-{}", digest.hex(), digest.size())
}

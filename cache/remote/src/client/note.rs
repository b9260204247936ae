//! Notes: bytes under a key, for pwb alone, with files that the server is to keep as long as the note.

use std::collections::HashMap;

use pwb_cache::{ActionKey, Blob, Digest, Function, Origin, Sha256, Store, fs, reapi};

use super::Client;
use super::blobs::{Blobs, size};
use super::names;
use super::upload::{Parcel, named};
use crate::record;

/// How hard notes are packed: they are small, alike, and read more often than written.
const LEVEL: i32 = 9;
/// The largest note that is read, as it travels and unpacked.
const LARGEST: u64 = 64 << 20;

impl Client {
    pub(super) fn fetch_note(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        key: ActionKey,
    ) -> pwb_cache::Result<Option<(Vec<u8>, Origin)>> {
        let Some((message, record, origin)) = self.record(blobs.server, key) else {
            return Ok(None);
        };
        let mut outputs = message.output_files.into_iter();
        let Some(name) = outputs.next().and_then(|note| note.digest) else {
            return Ok(None);
        };
        let Some(packed) = self.fetch_bytes(blobs, store, &name)? else {
            return Ok(None);
        };
        if Digest::of(&packed).to_string().as_bytes() != record {
            return Ok(None);
        }
        let digest = |output: &reapi::OutputFile| {
            let (hash, size_bytes) = output.path.split_once('-')?;
            Digest::from_message(&reapi::Digest {
                hash: hash.to_owned(),
                size_bytes: size_bytes.parse().ok()?,
            })
        };
        let name = |output: &reapi::OutputFile| Sha256::from_message(output.digest.as_ref()?);
        let names = outputs.filter_map(|output| Some((digest(&output)?, name(&output)?)));
        if blobs.server.function == Function::Sha256 {
            store.put_heard(&names.collect::<Vec<_>>())?;
        }
        let note = zstd::bulk::decompress(&packed, LARGEST as usize).ok();
        Ok(note.map(|note| (note, origin)))
    }

    /// A blob that only this client looks into.
    fn fetch_bytes(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        name: &reapi::Digest,
    ) -> pwb_cache::Result<Option<Vec<u8>>> {
        if size(name) > LARGEST {
            return Ok(None);
        }
        if !blobs.is_large(size(name)) {
            let found = self.heed(blobs.read(std::slice::from_ref(name)));
            let bytes = found.and_then(|mut found| found.pop());
            return Ok(bytes.map(|(_, bytes)| bytes));
        }
        let path = store.session()?.path("note");
        let mut file = fs::create(&path)?;
        let found = self.heed(blobs.read_stream(name, &mut file));
        let bytes = found.map(|()| fs::read(&path)).transpose()?;
        fs::remove_file(&path)?;
        Ok(bytes)
    }

    pub(super) fn send_note(
        &self,
        blobs: Blobs<'_>,
        store: &Store,
        key: ActionKey,
        note: &[u8],
        files: &[Digest],
    ) -> pwb_cache::Result<()> {
        if !self.takes_results(blobs) {
            return Ok(());
        }
        let function = blobs.server.function;
        let Ok(packed) = zstd::bulk::compress(note, LEVEL) else {
            return Ok(());
        };
        let Some(files) = named(function, store, files)? else {
            return Ok(());
        };
        let record = Digest::of(&packed).to_string().into_bytes();
        let name = names::name_of(function, &packed);
        let note = reapi::OutputFile {
            path: "note".to_owned(),
            digest: Some(name.clone()),
            ..Default::default()
        };
        let mut outputs = vec![note];
        let mut parcel = HashMap::from([(name, Blob::Bytes(packed))]);
        for (file, name, blob) in files {
            outputs.push(reapi::OutputFile {
                path: file.to_string().replace('/', "-"),
                digest: Some(name.clone()),
                ..Default::default()
            });
            parcel.insert(name, blob);
        }
        let mut message = reapi::ActionResult {
            output_files: outputs,
            ..Default::default()
        };
        record::seal(&mut message, key, record, self.settings.signing.as_ref());
        let parcel = Parcel {
            blobs: parcel,
            message,
        };
        self.send(blobs, key, parcel);
        Ok(())
    }
}

//! What a server says: an input's pieces, with digests put in that no fuzzer would find.

use bazel_remote_apis::google::longrunning::{Operation, operation};
use prost::Message;
use pwb_cache::{Digest, Function, Name, google, reapi};

/// Codes after which a client waits, and asks again.
const PASSING: [i32; 8] = [1, 2, 4, 8, 10, 13, 14, 16];

/// The same shape as the client's, which nobody else need know.
#[derive(Clone, PartialEq, prost::Message)]
struct Sealed {
    #[prost(bytes = "vec", tag = "1")]
    record: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(message, optional, tag = "1")]
    tree: Option<reapi::Digest>,
}

/// What it says.
#[derive(Clone, Default)]
pub(crate) struct Said {
    /// Whether it takes compressed blobs, gives other blobs than it is asked for, and says that there is no such thing.
    pub(super) zstd: bool,
    pub(super) lies: bool,
    pub(super) lacks: bool,
    pub(super) blake3: bool,
    pub(super) capabilities: reapi::ServerCapabilities,
    pub(super) operations: Vec<Operation>,
    pub(super) result: reapi::ActionResult,
    pub(super) missing: reapi::FindMissingBlobsResponse,
    pub(crate) blobs: Vec<Vec<u8>>,
}

impl Said {
    pub(crate) fn new(flags: u8, pieces: &[&[u8]]) -> Said {
        let piece = |index: usize| pieces.get(index).copied().unwrap_or_default();
        let flag = |bit: u8| flags & (1 << bit) != 0;
        let mut said = Said {
            blake3: flag(0),
            zstd: flag(1),
            lies: flag(2),
            lacks: flag(3),
            missing: Message::decode(piece(2)).unwrap_or_default(),
            ..Said::default()
        };
        for blob in pieces.iter().skip(3) {
            let blob = said.with_digests(blob);
            said.blobs.push(blob);
        }
        said.capabilities = said.able(piece(0), flag(4));
        let mut response = reapi::ExecuteResponse::decode(piece(1)).unwrap_or_default();
        response.result.get_or_insert_default();
        response.result = response.result.map(|result| said.with_names(result));
        if let Some(status) = &mut response.status
            && PASSING.contains(&status.code)
        {
            status.code = 3;
        }
        said.result = said.with_names(Message::decode(piece(1)).unwrap_or_default());
        said.seal(flag(5));
        said.operations = match Operation::decode(piece(1)) {
            Ok(operation) if flag(5) => vec![operation],
            _ => operations(&response, piece(2)),
        };
        said
    }

    /// What these bytes are called.
    pub(super) fn name(&self, bytes: &[u8]) -> reapi::Digest {
        let function = match self.blake3 {
            true => Function::Blake3,
            false => Function::Sha256,
        };
        Name::of(function, bytes).to_message()
    }

    /// The blob of this hash, or another one in its place.
    pub(super) fn blob(&self, hash: &str) -> Option<&Vec<u8>> {
        let at = self
            .blobs
            .iter()
            .position(|blob| self.name(blob).hash == hash)?;
        let at = if self.lies { at + 1 } else { at };
        self.blobs.get(at % self.blobs.len())
    }

    fn able(&self, bytes: &[u8], small: bool) -> reapi::ServerCapabilities {
        use reapi::digest_function::Value::{Blake3, Sha256};
        let mut able = reapi::ServerCapabilities::decode(bytes).unwrap_or_default();
        let cache = able.cache_capabilities.get_or_insert_default();
        cache.digest_functions = vec![if self.blake3 { Blake3 } else { Sha256 }.into()];
        cache.max_batch_total_size_bytes = if small { 1 } else { 0 };
        if self.zstd {
            let zstd = reapi::compressor::Value::Zstd.into();
            cache.supported_compressors = vec![zstd];
            cache.supported_batch_update_compressors = vec![zstd];
        }
        able.execution_capabilities
            .get_or_insert_default()
            .exec_enabled = true;
        able
    }

    /// Puts a record into the result, so that the client reads on: of the first blob as a tree or as a note.
    fn seal(&mut self, note: bool) {
        let first = self.blobs.first().map(Vec::as_slice).unwrap_or_default();
        let digest = Digest::of(first);
        let tree = Some(digest.to_message());
        let record = match note {
            true => digest.to_string().into_bytes(),
            false => Record { tree }.encode_to_vec(),
        };
        let any = google::Any {
            type_url: "type.googleapis.com/pwb.v1.Sealed".to_owned(),
            value: Sealed { record }.encode_to_vec(),
        };
        let name = self.name(first);
        let note = reapi::OutputFile {
            digest: Some(name.clone()),
            ..Default::default()
        };
        self.result.output_files.insert(0, note);
        for directory in &mut self.result.output_directories {
            directory.root_directory_digest = Some(name.clone());
        }
        let metadata = self.result.execution_metadata.get_or_insert_default();
        metadata.auxiliary_metadata.push(any);
    }

    /// `@N` is blob N, if that is before.
    fn mend(&self, digest: &mut Option<reapi::Digest>) {
        let Some(digest) = digest else { return };
        let blob = digest
            .hash
            .strip_prefix('@')
            .and_then(|index| index.parse().ok());
        if let Some(blob) = blob.and_then(|index: usize| self.blobs.get(index)) {
            *digest = self.name(blob);
        }
    }

    fn with_names(&self, mut result: reapi::ActionResult) -> reapi::ActionResult {
        for directory in &mut result.output_directories {
            self.mend(&mut directory.tree_digest);
        }
        for file in &mut result.output_files {
            self.mend(&mut file.digest);
        }
        self.mend(&mut result.stdout_digest);
        self.mend(&mut result.stderr_digest);
        result
    }

    /// A blob that is a directory or a tree, with the digests that it means.
    fn with_digests(&self, blob: &[u8]) -> Vec<u8> {
        match (reapi::Directory::decode(blob), reapi::Tree::decode(blob)) {
            (Ok(directory), _) => self.directory(directory).encode_to_vec(),
            (_, Ok(tree)) => reapi::Tree {
                root: tree.root.map(|root| self.directory(root)),
                children: tree
                    .children
                    .into_iter()
                    .map(|child| self.directory(child))
                    .collect(),
            }
            .encode_to_vec(),
            _ => blob.to_vec(),
        }
    }

    fn directory(&self, mut directory: reapi::Directory) -> reapi::Directory {
        for file in &mut directory.files {
            self.mend(&mut file.digest);
        }
        for below in &mut directory.directories {
            self.mend(&mut below.digest);
        }
        directory
    }
}

/// One that waits, one that has ended.
fn operations(response: &reapi::ExecuteResponse, metadata: &[u8]) -> Vec<Operation> {
    let any = |value: Vec<u8>| google::Any {
        type_url: String::new(),
        value,
    };
    let waits = Operation {
        name: "operation".to_owned(),
        metadata: Some(any(metadata.to_vec())),
        ..Default::default()
    };
    let ended = Operation {
        done: true,
        result: Some(operation::Result::Response(any(response.encode_to_vec()))),
        ..waits.clone()
    };
    vec![waits, ended]
}

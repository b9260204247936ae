//! What a compiler's call came to, remembered: the files it wrote, its output, its exit code.
//!
//! In the store it is an `ActionResult` of the Remote Execution API, with a checksum, under the digest of all that the call
//! depended on. What that is, and how the digest is made, is the engine's business.

use std::time::Duration;

use prost::Message;

use crate::checksum;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::{google, reapi};

/// What a call came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CallResult {
    /// Directories that it made, outer ones first.
    pub folders: Vec<String>,
    /// Files that it wrote. Paths are relative to the root that it saw.
    pub files: Vec<CallFile>,
    /// Symbolic links that it made, with their targets.
    pub links: Vec<(String, String)>,
    /// Where it made something and removed it again: nothing may be there, or the call would come to something else.
    pub gone: Vec<String>,
    /// Its exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub output: Option<Digest>,
    /// What it wrote to standard errors.
    pub errors: Option<Digest>,
    /// How long it took.
    pub wall: Duration,
}

/// A file that a call wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallFile {
    /// Its path.
    pub path: String,
    /// Its contents.
    pub digest: Digest,
    /// Its permission bits.
    pub mode: u32,
}

/// Seconds that a call may have taken; whoever claims more is not believed.
const LONGEST: u64 = 30 * 24 * 3600;

impl Store {
    /// What the call of this digest came to, if the store knows.
    pub fn call(&self, key: Digest) -> Result<Option<CallResult>> {
        let found = self.index.call(key)?;
        let Some(found) = found.filter(|found| self.trusts(found.origin)) else {
            return Ok(None);
        };
        if found.stale {
            self.note_use(|uses| uses.calls.push(key))?;
        }
        Ok(CallResult::from_row(key, found.what))
    }

    /// The digests of the lists of paths that calls of this kind have looked at.
    pub fn call_paths(&self, kind: Digest) -> Result<Vec<Digest>> {
        let (lists, stale) = self.index.call_paths(kind)?;
        if stale {
            self.note_use(|uses| uses.kinds.push(kind))?;
        }
        Ok(lists)
    }

    /// The bytes of a file, checked; `None` where they are gone or damaged, and then forgotten.
    pub fn contents(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        match (self.local_contents(digest)?, &self.upstream) {
            (None, Some(upstream)) => {
                upstream.files(self, &[(digest, false)])?;
                self.local_contents(digest)
            }
            (found, _) => Ok(found),
        }
    }

    fn local_contents(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        for executable in [false, true] {
            match std::fs::read(self.cas_path(digest, executable)) {
                Ok(bytes) if Digest::of(&bytes) == digest => return Ok(Some(bytes)),
                Ok(_) => self.drop_files(&[(digest, executable)])?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Error::io("read", &self.cas_path(digest, executable))(error));
                }
            }
        }
        // As in `drop_files`: the file is brought here, or made, once more.
        if self.index.forget_file(digest)? {
            self.sync()?;
        }
        Ok(None)
    }
}

impl CallResult {
    /// The files that it wrote, and what it said.
    pub(crate) fn digests(&self) -> impl Iterator<Item = Digest> {
        let files = self.files.iter().map(|file| file.digest);
        files.chain(self.output).chain(self.errors)
    }

    /// The row of the call of this digest.
    pub(crate) fn to_row(&self, key: Digest) -> Vec<u8> {
        checksum::add(&key.to_row(), self.encode())
    }

    /// `None` where the row is not what was written for this call.
    pub(crate) fn from_row(key: Digest, row: Vec<u8>) -> Option<CallResult> {
        CallResult::decode(&checksum::verify(&key.to_row(), row)?)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let file = |file: &CallFile| reapi::OutputFile {
            path: file.path.clone(),
            digest: Some(file.digest.to_message()),
            is_executable: file.mode & 0o100 != 0,
            node_properties: Some(reapi::NodeProperties {
                unix_mode: Some(google::UInt32Value { value: file.mode }),
                ..Default::default()
            }),
            ..Default::default()
        };
        let folder = |path: &String| reapi::OutputDirectory {
            path: path.clone(),
            ..Default::default()
        };
        let link = |(path, target): &(String, String)| reapi::OutputSymlink {
            path: path.clone(),
            target: target.clone(),
            ..Default::default()
        };
        // symlink(2) makes no link with an empty target.
        let gone = |path: &String| link(&(path.clone(), String::new()));
        let duration = google::Duration {
            seconds: i64::try_from(self.wall.as_secs()).unwrap_or(i64::MAX),
            nanos: self.wall.subsec_nanos().cast_signed(),
        };
        reapi::ActionResult {
            output_files: self.files.iter().map(file).collect(),
            output_directories: self.folders.iter().map(folder).collect(),
            exit_code: self.code,
            stdout_digest: self.output.map(Digest::to_message),
            stderr_digest: self.errors.map(Digest::to_message),
            execution_metadata: Some(reapi::ExecutedActionMetadata {
                virtual_execution_duration: Some(duration),
                ..Default::default()
            }),
            output_symlinks: self
                .links
                .iter()
                .map(link)
                .chain(self.gone.iter().map(gone))
                .collect(),
            ..Default::default()
        }
        .encode_to_vec()
    }

    /// `None` where the bytes are no such message: a remembered call that cannot be read is not remembered.
    pub(crate) fn decode(bytes: &[u8]) -> Option<CallResult> {
        let message = reapi::ActionResult::decode(bytes).ok()?;
        let digest = |digest: &Option<reapi::Digest>| match digest {
            Some(digest) => Digest::from_message(digest).map(Some),
            None => Some(None),
        };
        let file = |file: reapi::OutputFile| {
            Some(CallFile {
                path: file.path,
                digest: Digest::from_message(&file.digest?)?,
                mode: file.node_properties?.unix_mode?.value,
            })
        };
        let wall = message
            .execution_metadata
            .and_then(|metadata| metadata.virtual_execution_duration)
            .map(|wall| {
                let nanos = wall.nanos.unsigned_abs().min(999_999_999);
                Duration::new(wall.seconds.unsigned_abs().min(LONGEST), nanos)
            });
        let links = message.output_symlinks.into_iter();
        let (links, gone): (Vec<_>, Vec<_>) = links
            .map(|link| (link.path, link.target))
            .partition(|(_, target)| !target.is_empty());
        Some(CallResult {
            folders: message
                .output_directories
                .into_iter()
                .map(|folder| folder.path)
                .collect(),
            output: digest(&message.stdout_digest)?,
            errors: digest(&message.stderr_digest)?,
            files: message
                .output_files
                .into_iter()
                .map(file)
                .collect::<Option<_>>()?,
            links,
            gone: gone.into_iter().map(|(path, _)| path).collect(),
            code: message.exit_code,
            wall: wall.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_survives_its_encoding() {
        let result = CallResult {
            folders: vec!["build/deps".into()],
            files: vec![CallFile {
                path: "build/x.o".into(),
                digest: Digest::of(b"x"),
                mode: 0o644,
            }],
            links: vec![("build/l".into(), "x.o".into())],
            gone: vec!["tmp/ccx.s".into()],
            code: 3,
            output: Some(Digest::of(b"said")),
            errors: None,
            wall: Duration::from_micros(1_234_567),
        };
        assert_eq!(CallResult::decode(&result.encode()), Some(result));
        assert_eq!(CallResult::decode(b"\xff\xff"), None);
    }
}

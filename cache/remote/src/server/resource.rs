//! Names of blobs in the ByteStream service (REAPI v2, `ContentAddressableStorage`):
//!
//! ```text
//! {instance}/blobs/{function/}{hash}/{size}
//! {instance}/compressed-blobs/{compressor}/{function/}{hash}/{size}
//! {instance}/uploads/{uuid}/blobs/…{/metadata}    {instance}/uploads/{uuid}/compressed-blobs/…{/metadata}
//! ```
//!
//! There is one store, so that the instance makes no difference.

use pwb_cache::{Function, Name, reapi};
use tonic::Status;

/// A blob that is to be read or written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resource {
    /// The blob, uncompressed.
    pub name: Name,
    /// Whether its bytes travel as zstd.
    pub compressed: bool,
}

impl Resource {
    /// What `Read` names.
    pub fn to_read(text: &str) -> Result<Resource, Status> {
        let segments: Vec<&str> = text.split('/').collect();
        let begin = segments
            .iter()
            .position(|segment| matches!(*segment, "blobs" | "compressed-blobs"));
        begin
            .and_then(|begin| parse(&segments[begin..], false))
            .ok_or_else(|| malformed(text))
    }

    /// What `Write` and `QueryWriteStatus` name.
    pub fn to_write(text: &str) -> Result<Resource, Status> {
        let segments: Vec<&str> = text.split('/').collect();
        let begin = segments.iter().position(|segment| *segment == "uploads");
        begin
            .and_then(|begin| parse(segments.get(begin + 2..)?, true))
            .ok_or_else(|| malformed(text))
    }
}

/// Reads the segments from `blobs` on.
fn parse(segments: &[&str], metadata: bool) -> Option<Resource> {
    let (compressed, rest) = match segments {
        ["blobs", rest @ ..] => (false, rest),
        ["compressed-blobs", "zstd", rest @ ..] => (true, rest),
        _ => return None,
    };
    let (function, rest) = match rest {
        ["blake3", rest @ ..] => (Function::Blake3, rest),
        ["sha256", rest @ ..] => (Function::Sha256, rest),
        rest => (Function::Sha256, rest),
    };
    let (hash, size) = match rest {
        [hash, size] => (hash, size),
        [hash, size, ..] if metadata => (hash, size),
        _ => return None,
    };
    let digest = reapi::Digest {
        hash: (*hash).to_owned(),
        size_bytes: size.parse().ok()?,
    };
    Some(Resource {
        name: Name::from_message(function, &digest)?,
        compressed,
    })
}

fn malformed(text: &str) -> Status {
    Status::invalid_argument(format!(
        "`{text}` names no blob: it is to be blobs/HASH/SIZE or compressed-blobs/zstd/HASH/SIZE, by SHA-256 or blake3/"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_specification_is_understood() {
        let blake3 = Name::of(Function::Blake3, b"pwb");
        let sha256 = Name::of(Function::Sha256, b"pwb");
        for (text, name, compressed) in [
            (format!("blobs/{sha256}"), sha256, false),
            (format!("a/b/blobs/{sha256}"), sha256, false),
            (format!("main/blobs/blake3/{blake3}"), blake3, false),
            (format!("compressed-blobs/zstd/{sha256}"), sha256, true),
            (
                format!("i/compressed-blobs/zstd/blake3/{blake3}"),
                blake3,
                true,
            ),
        ] {
            let resource = Resource { name, compressed };
            assert_eq!(Resource::to_read(&text).unwrap(), resource, "{text}");
            assert!(Resource::to_read(&format!("{text}/more")).is_err());
            let begin = text.find("blobs").unwrap();
            let begin = text.find("compressed-blobs").unwrap_or(begin);
            let (instance, rest) = text.split_at(begin);
            let written = format!("{instance}uploads/some-uuid/{rest}/meta/data");
            assert_eq!(Resource::to_write(&written).unwrap(), resource, "{written}");
        }
        for wrong in [
            "",
            "blobs",
            "uploads",
            "uploads/x",
            "blobs/abc/3",
            "compressed-blobs/brotli/a/3",
            &format!("blobs/{}/-3", "0".repeat(64)),
        ] {
            assert!(Resource::to_read(wrong).is_err(), "{wrong}");
            assert!(Resource::to_write(wrong).is_err(), "{wrong}");
        }
    }
}

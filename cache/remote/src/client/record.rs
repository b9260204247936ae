//! What pwb itself wants to know of a result, as it travels inside an `ActionResult`, signed or not.
//!
//! The outer message tells the server what to keep. Inside, as auxiliary metadata, is the record: it speaks of BLAKE3 alone, whatever
//! the server's digests are, so that a signature holds on any server.

use std::time::Duration;

use prost::Message;
use pwb_cache::{ActionKey, ActionResult, Digest, TreeDigest, google, reapi};

use crate::key::{PublicKey, SecretKey};

const TYPE: &str = "type.googleapis.com/pwb.v1.Sealed";
/// Nothing else that pwb signs begins like this.
const PREFIX: &[u8] = b"pwb result 1\n";

/// A record with the signatures over it.
#[derive(Clone, PartialEq, prost::Message)]
struct Sealed {
    #[prost(bytes = "vec", tag = "1")]
    record: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    signatures: Vec<Signed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Signed {
    /// The public key: 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    /// 64 bytes.
    #[prost(bytes = "vec", tag = "2")]
    signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(message, optional, tag = "1")]
    tree: Option<reapi::Digest>,
    #[prost(uint64, tag = "2")]
    wall_us: u64,
    #[prost(uint64, tag = "3")]
    user_us: u64,
    #[prost(uint64, tag = "4")]
    system_us: u64,
    /// Bytes.
    #[prost(uint64, tag = "5")]
    max_rss: u64,
}

/// Why a result of the server is not used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unusable {
    /// It is not one of pwb's, or it is damaged.
    Foreign,
    /// Nobody who is trusted has signed it.
    Untrusted,
}

/// Puts the record of a result into the message.
pub(crate) fn seal(
    message: &mut reapi::ActionResult,
    key: ActionKey,
    result: &ActionResult,
    signing: Option<&SecretKey>,
) {
    let record = Record {
        tree: Some(result.tree.digest().to_message()),
        wall_us: micros(result.wall),
        user_us: micros(result.user),
        system_us: micros(result.system),
        max_rss: result.max_rss,
    }
    .encode_to_vec();
    let sign = |secret: &SecretKey| Signed {
        key: secret.public().bytes().to_vec(),
        signature: secret.sign(&statement(key, &record)),
    };
    let signatures = signing.map(sign).into_iter().collect();
    let sealed = Sealed { record, signatures };
    let any = google::Any {
        type_url: TYPE.to_owned(),
        value: sealed.encode_to_vec(),
    };
    let metadata = message.execution_metadata.get_or_insert_default();
    metadata.auxiliary_metadata.push(any);
}

/// The result that a message records, if one of the trusted keys has signed it, or none is asked for.
pub(crate) fn open(
    message: &reapi::ActionResult,
    key: ActionKey,
    trusted: &[PublicKey],
) -> Result<ActionResult, Unusable> {
    let metadata = message.execution_metadata.as_ref();
    let sealed = metadata
        .and_then(|metadata| {
            let mut any = metadata.auxiliary_metadata.iter();
            any.find(|any| any.type_url == TYPE)
        })
        .and_then(|any| Sealed::decode(any.value.as_slice()).ok())
        .ok_or(Unusable::Foreign)?;
    let statement = statement(key, &sealed.record);
    let vouches = |signed: &Signed| {
        let mut keys = trusted.iter().filter(|key| key.bytes() == signed.key);
        keys.any(|key| key.verifies(&statement, &signed.signature))
    };
    if !trusted.is_empty() && !sealed.signatures.iter().any(vouches) {
        return Err(Unusable::Untrusted);
    }
    let record = Record::decode(sealed.record.as_slice()).map_err(|_| Unusable::Foreign)?;
    let tree = record.tree.as_ref().and_then(Digest::from_message);
    Ok(ActionResult {
        tree: TreeDigest::from_digest(tree.ok_or(Unusable::Foreign)?),
        wall: Duration::from_micros(record.wall_us),
        user: Duration::from_micros(record.user_us),
        system: Duration::from_micros(record.system_us),
        max_rss: record.max_rss,
    })
}

/// What is signed: that this action has this record.
fn statement(key: ActionKey, record: &[u8]) -> Vec<u8> {
    [PREFIX, key.digest().to_string().as_bytes(), b"\n", record].concat()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! What pwb itself wants to know of a result, as it travels inside an `ActionResult`, signed or not.
//!
//! The outer message tells the server what to keep. Inside, as auxiliary metadata, is the record: it speaks of BLAKE3 alone, whatever
//! the server's digests are, so that a signature holds on any server.

use std::time::Duration;

use prost::Message;
use pwb_cache::{ActionKey, ActionResult, Digest, Origin, TreeDigest, google, reapi};

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

/// The record of a result.
pub(crate) fn write(result: &ActionResult) -> Vec<u8> {
    Record {
        tree: Some(result.tree.digest().to_message()),
        wall_us: micros(result.wall),
        user_us: micros(result.user),
        system_us: micros(result.system),
        max_rss: result.max_rss,
    }
    .encode_to_vec()
}

/// The result that a record tells of.
pub(crate) fn read(record: &[u8]) -> Option<ActionResult> {
    let record = Record::decode(record).ok()?;
    let tree = Digest::from_message(record.tree.as_ref()?)?;
    Some(ActionResult {
        tree: TreeDigest::from_digest(tree),
        wall: duration(record.wall_us),
        user: duration(record.user_us),
        system: duration(record.system_us),
        max_rss: record.max_rss,
    })
}

/// Puts a record into a message.
pub(crate) fn seal(
    message: &mut reapi::ActionResult,
    key: ActionKey,
    record: Vec<u8>,
    signing: Option<&SecretKey>,
) {
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

/// The record in a message with who vouches for it: one of the trusted keys, or, if there are none, nobody.
pub(crate) fn open(
    message: &reapi::ActionResult,
    key: ActionKey,
    trusted: &[PublicKey],
) -> Result<(Vec<u8>, Origin), Unusable> {
    let metadata = message.execution_metadata.as_ref();
    let sealed = metadata
        .and_then(|metadata| {
            let mut any = metadata.auxiliary_metadata.iter();
            any.find(|any| any.type_url == TYPE)
        })
        .and_then(|any| Sealed::decode(any.value.as_slice()).ok())
        .ok_or(Unusable::Foreign)?;
    let statement = statement(key, &sealed.record);
    if trusted.is_empty() {
        return Ok((sealed.record, Origin(None)));
    }
    let signer = trusted.iter().find(|key| {
        let of = |signed: &&Signed| signed.key == key.bytes();
        let mut signatures = sealed.signatures.iter().filter(of);
        signatures.any(|signed| key.verifies(&statement, &signed.signature))
    });
    match signer {
        Some(key) => Ok((sealed.record, Origin(Some(*key.bytes())))),
        None => Err(Unusable::Untrusted),
    }
}

/// What is signed: that this action has this record.
fn statement(key: ActionKey, record: &[u8]) -> Vec<u8> {
    [PREFIX, key.digest().to_string().as_bytes(), b"\n", record].concat()
}

/// Whoever claims more is not believed.
fn duration(micros: u64) -> Duration {
    Duration::from_micros(micros).min(Duration::from_secs(30 * 24 * 3600))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pwb_cache::Action;
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn key(argument: &str) -> ActionKey {
        let action = Action {
            arguments: vec![argument.into()],
            environment: BTreeMap::new(),
            working_directory: Default::default(),
            outputs: BTreeSet::new(),
            platform: BTreeMap::new(),
            timeout: None,
            input_root: TreeDigest::from_digest(Digest::of(b"")),
        };
        action.encode().0
    }

    fn result() -> ActionResult {
        ActionResult {
            tree: TreeDigest::from_digest(Digest::of(b"tree")),
            wall: Duration::from_micros(5),
            user: Duration::from_micros(4),
            system: Duration::from_micros(3),
            max_rss: 2,
        }
    }

    #[test]
    fn a_result_survives() {
        let mut message = reapi::ActionResult::default();
        seal(&mut message, key("a"), write(&result()), None);
        let (record, origin) = open(&message, key("a"), &[]).unwrap();
        assert_eq!(origin, Origin(None));
        assert_eq!(read(&record), Some(result()));
        assert_eq!(
            open(&reapi::ActionResult::default(), key("a"), &[]),
            Err(Unusable::Foreign)
        );
    }

    #[test]
    fn where_signatures_are_required_only_trusted_ones_count() {
        let (ours, theirs) = (
            SecretKey::generate("ours").unwrap(),
            SecretKey::generate("theirs").unwrap(),
        );
        let trusted = [ours.public()];
        let sealed = |signing: Option<&SecretKey>| {
            let mut message = reapi::ActionResult::default();
            seal(&mut message, key("a"), write(&result()), signing);
            message
        };
        assert!(open(&sealed(Some(&ours)), key("a"), &trusted).is_ok());
        for poisoned in [sealed(None), sealed(Some(&theirs))] {
            assert_eq!(
                open(&poisoned, key("a"), &trusted),
                Err(Unusable::Untrusted)
            );
        }
        // A signature is for one action only.
        let moved = open(&sealed(Some(&ours)), key("b"), &trusted);
        assert_eq!(moved, Err(Unusable::Untrusted));
    }

    #[test]
    fn a_changed_record_is_not_what_was_signed() {
        let ours = SecretKey::generate("ours").unwrap();
        let mut message = reapi::ActionResult::default();
        seal(&mut message, key("a"), write(&result()), Some(&ours));
        let metadata = message.execution_metadata.as_mut().unwrap();
        let value = &mut metadata.auxiliary_metadata[0].value;
        let mut sealed = Sealed::decode(value.as_slice()).unwrap();
        let other = TreeDigest::from_digest(Digest::of(b"poison"));
        let tree = other;
        sealed.record = write(&ActionResult { tree, ..result() });
        *value = sealed.encode_to_vec();
        let opened = open(&message, key("a"), &[ours.public()]);
        assert_eq!(opened, Err(Unusable::Untrusted));
    }
}

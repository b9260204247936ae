//! What objects are called on a server: BLAKE3 where it knows that, else SHA-256.

use pwb_cache::reapi::digest_function::Value;
use pwb_cache::{Digest, Sha256, Store, reapi};

/// The function that a server's digests are made with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Function {
    Blake3,
    Sha256,
}

impl Function {
    /// The best that both sides know.
    pub fn best(offered: &[i32]) -> Option<Function> {
        let offers = |value: Value| offered.contains(&i32::from(value));
        match () {
            () if offers(Value::Blake3) => Some(Function::Blake3),
            () if offers(Value::Sha256) => Some(Function::Sha256),
            () => None,
        }
    }

    /// For the field `digest_function`.
    pub fn value(self) -> i32 {
        match self {
            Function::Blake3 => Value::Blake3.into(),
            Function::Sha256 => Value::Sha256.into(),
        }
    }

    /// What stands before the hash in the name of a byte stream.
    pub fn segment(self) -> &'static str {
        match self {
            Function::Blake3 => "blake3/",
            Function::Sha256 => "",
        }
    }

    /// What these bytes are called.
    pub fn name_of(self, bytes: &[u8]) -> reapi::Digest {
        match self {
            Function::Blake3 => Digest::of(bytes).to_message(),
            Function::Sha256 => Sha256::of(bytes).to_message(),
        }
    }

    /// What blobs are called, as far as that is known here.
    pub fn names(
        self,
        store: &Store,
        blobs: &[Digest],
    ) -> pwb_cache::Result<Vec<Option<reapi::Digest>>> {
        Ok(match self {
            Function::Blake3 => blobs.iter().map(|blob| Some(blob.to_message())).collect(),
            Function::Sha256 => store
                .sha256(blobs)?
                .into_iter()
                .map(|name| name.map(Sha256::to_message))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blake3_is_preferred_and_others_are_of_no_use() {
        let (sha256, blake3) = (Value::Sha256.into(), Value::Blake3.into());
        assert_eq!(Function::best(&[sha256, blake3]), Some(Function::Blake3));
        assert_eq!(Function::best(&[sha256]), Some(Function::Sha256));
        assert_eq!(Function::best(&[Value::Sha1.into()]), None);
    }
}

//! Which of many blobs are there, by whatever name; and the removal of one that is damaged.

use crate::digest::Digest;
use crate::error::Result;
use crate::name::Name;
use crate::sha256::Sha256;
use crate::store::Store;

impl Store {
    /// The published objects that have these names, in their order. The empty blob is always there (REAPI v2,
    /// `ContentAddressableStorage`).
    pub fn find(&self, names: &[Name]) -> Result<Vec<Option<Digest>>> {
        let sha256: Vec<Sha256> = names
            .iter()
            .filter_map(|name| match name {
                Name::Sha256(name) => Some(*name),
                Name::Blake3(_) => None,
            })
            .collect();
        let (empty, no_bytes) = (Digest::of(b""), Sha256::of(b""));
        let mut by_sha256 = self.by_sha256(&sha256)?.into_iter();
        let digests: Vec<Option<Digest>> = names
            .iter()
            .map(|name| match name {
                Name::Blake3(digest) => Some(*digest),
                Name::Sha256(name) => {
                    let found = by_sha256.next().flatten();
                    if *name == no_bytes {
                        Some(empty)
                    } else {
                        found
                    }
                }
            })
            .collect();
        let known: Vec<Digest> = digests.iter().copied().flatten().collect();
        let mut kept = self.index.kept(&known)?.into_iter();
        let mut is_there = |digest: &Digest| {
            let kept = kept.next().unwrap_or_default();
            let file = |mode: bool, executable| mode && self.has_file(*digest, executable);
            *digest == empty
                || kept.message
                || file(kept.plain, false)
                || file(kept.executable, true)
        };
        Ok(digests
            .into_iter()
            .map(|digest| digest.filter(&mut is_there))
            .collect())
    }

    /// Removes an object of which a file's bytes, or a message's, are not what its name says. The other may be good, and stays if
    /// it is the message.
    pub fn forget_blob(&self, digest: Digest) -> Result<()> {
        if let Some(bytes) = self.index.message(digest)?
            && Digest::of(&bytes) != digest
        {
            self.index.forget_message(digest)?;
        }
        self.discard(digest).map(drop)
    }
}

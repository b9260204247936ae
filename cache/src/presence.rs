//! Which of many blobs are there, by whatever name; and the removal of one that is damaged.

use std::collections::HashSet;
use std::sync::PoisonError;

use crate::digest::Digest;
use crate::error::Result;
use crate::index::Kept;
use crate::name::Name;
use crate::sha256::Sha256;
use crate::store::Store;

/// In what forms an object is here and whole, published or about to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forms {
    /// It is a message.
    pub message: bool,
    plain: bool,
    executable: bool,
}

impl Forms {
    /// Whether it is a file of this mode.
    pub fn has_mode(self, executable: bool) -> bool {
        match executable {
            true => self.executable,
            false => self.plain,
        }
    }

    /// Whether it is a file of either mode.
    pub fn is_file(self) -> bool {
        self.plain || self.executable
    }
}

/// Where an object is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// In the content store, in this mode.
    File { executable: bool },
    /// In the index.
    Message,
}

impl Store {
    /// The objects that have these names and are whole, published or about to be, in their order. The empty blob is always
    /// there (REAPI v2, `ContentAddressableStorage`).
    pub fn find(&self, names: &[Name]) -> Result<Vec<Option<Digest>>> {
        let sha256: Vec<Sha256> = names
            .iter()
            .filter_map(|name| match name {
                Name::Sha256(name) => Some(*name),
                Name::Blake3(_) => None,
            })
            .collect();
        let (empty, no_bytes) = (Digest::of(b""), Sha256::of(b""));
        let by_sha256 = in_parts(&sha256, |part| self.by_sha256(part))?;
        let mut by_sha256 = by_sha256.into_iter();
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
        // Who is told that something is there relies on it.
        self.pin(&known)?;
        let mut places = self.places(&known)?.into_iter();
        let mut is_there = |digest: &Digest| {
            let place = places.next().flatten();
            *digest == empty || place.is_some()
        };
        Ok(digests
            .into_iter()
            .map(|digest| digest.filter(&mut is_there))
            .collect())
    }

    /// Where objects are that are whole, published or about to be, in their order.
    pub(crate) fn places(&self, digests: &[Digest]) -> Result<Vec<Option<Place>>> {
        let place = |forms: Forms| match () {
            () if forms.plain => Some(Place::File { executable: false }),
            () if forms.executable => Some(Place::File { executable: true }),
            () if forms.message => Some(Place::Message),
            () => None,
        };
        Ok(self.forms(digests)?.into_iter().map(place).collect())
    }

    /// In what forms objects are here, in their order.
    pub(crate) fn forms(&self, digests: &[Digest]) -> Result<Vec<Forms>> {
        let fresh: HashSet<(Digest, bool)> = {
            let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
            let modes = |digest: &Digest| [(*digest, false), (*digest, true)];
            let files = digests.iter().flat_map(modes);
            files.filter(|file| fresh.contains(file)).collect()
        };
        // Looked up after that: what is published meanwhile was fresh before.
        let kept = in_parts(digests, |part| self.index.kept(part))?;
        let forms = |(digest, kept): (&Digest, Kept)| {
            let is_file = |published: bool, executable| {
                let whole = published || fresh.contains(&(*digest, executable));
                whole && self.has_file(*digest, executable)
            };
            Forms {
                message: kept.message,
                plain: is_file(kept.plain, false),
                executable: is_file(kept.executable, true),
            }
        };
        Ok(digests.iter().zip(kept).map(forms).collect())
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

/// Looks up so many at a time that others have their turn at the index in between.
fn in_parts<T, U>(all: &[T], look_up: impl Fn(&[T]) -> Result<Vec<U>>) -> Result<Vec<U>> {
    const PART: usize = 500;
    let mut found = Vec::with_capacity(all.len());
    for part in all.chunks(PART) {
        found.extend(look_up(part)?);
    }
    Ok(found)
}

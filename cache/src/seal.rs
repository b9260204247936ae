//! Bytes that count only if they are what was written, about what it was written: SQLite looks at neither, and where others
//! come out of a damaged index there is no digest that would not be found.

/// Of the hash, in bytes.
const HASH: usize = blake3::OUT_LEN;

/// The bytes with what proves them.
pub(crate) fn seal(about: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = hash(about, &bytes);
    bytes.extend(hash.as_bytes());
    bytes
}

/// The bytes that were sealed, if it is those and for this.
pub(crate) fn open(about: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let (bytes, proof) = sealed.split_last_chunk::<HASH>()?;
    if hash(about, bytes) != *proof {
        return None;
    }
    sealed.truncate(sealed.len() - HASH);
    Some(sealed)
}

fn hash(about: &[u8], bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&about.len().to_le_bytes());
    hasher.update(about).update(bytes).finalize()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_and_nothing_else() {
        let sealed = seal(b"about", b"bytes".to_vec());
        assert_eq!(open(b"about", sealed.clone()).unwrap(), b"bytes");
        assert_eq!(open(b"other", sealed.clone()), None);
        for length in 0..sealed.len() {
            assert_eq!(open(b"about", sealed[..length].to_vec()), None);
        }
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(b"about", damaged), None);
        }
    }
}

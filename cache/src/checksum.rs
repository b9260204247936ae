//! Bytes that count only if they are what was written, in the place where it was written: SQLite looks at neither, and where
//! others come out of a damaged index there is no digest that would not be found.

/// Of the checksum, in bytes.
const LENGTH: usize = blake3::OUT_LEN;

/// The bytes with their checksum behind them. `context` says whose they are.
pub(crate) fn add(context: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let hash = hash(context, &bytes);
    bytes.extend(hash.as_bytes());
    bytes
}

/// The bytes without it, if they are those, of this context.
pub(crate) fn verify(context: &[u8], mut stored: Vec<u8>) -> Option<Vec<u8>> {
    let (bytes, checksum) = stored.split_last_chunk::<LENGTH>()?;
    if hash(context, bytes) != *checksum {
        return None;
    }
    stored.truncate(stored.len() - LENGTH);
    Some(stored)
}

fn hash(context: &[u8], bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&context.len().to_le_bytes());
    hasher.update(context).update(bytes).finalize()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let stored = add(b"context", b"bytes".to_vec());
        assert_eq!(verify(b"context", stored.clone()).unwrap(), b"bytes");
        assert_eq!(verify(b"another", stored.clone()), None);
        for length in 0..stored.len() {
            assert_eq!(verify(b"context", stored[..length].to_vec()), None);
        }
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(b"context", damaged), None);
        }
    }
}

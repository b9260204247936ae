//! Digests that pin what a recipe fetches. Parsed once, so that nothing later meets a bad one; hashes nothing itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DigestError {
    /// Not 64 characters.
    #[error("it has {0} characters, not 64")]
    Length(usize),
    /// A character that is not `0`-`9` or `a`-`f`, and its index in characters.
    #[error("`{character}` is no hexadecimal digit (write them in lower case)")]
    NotHex {
        /// The character.
        character: char,
        /// Its index, in characters.
        index: usize,
    },
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// Takes 64 lower-case hexadecimal digits.
            pub fn parse(text: &str) -> Result<$name, DigestError> {
                parse(text).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

digest!(
    /// A SHA-256 digest, the kind upstreams publish.
    Sha256
);
digest!(
    /// A BLAKE3-256 digest.
    Blake3
);

/// The one digest that a download must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub enum Pin {
    /// `sha256: "…"`
    Sha256(Sha256),
    /// `blake3: "…"`
    Blake3(Blake3),
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pin::Sha256(digest) => write!(f, "sha256:{digest}"),
            Pin::Blake3(digest) => write!(f, "blake3:{digest}"),
        }
    }
}

fn parse(text: &str) -> Result<[u8; 32], DigestError> {
    let wrong = text
        .chars()
        .enumerate()
        .find(|(_, c)| !matches!(c, '0'..='9' | 'a'..='f'));
    if let Some((index, character)) = wrong {
        return Err(DigestError::NotHex { character, index });
    }
    if text.len() != 64 {
        return Err(DigestError::Length(text.len()));
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0]) << 4 | nibble(pair[1]);
    }
    Ok(bytes)
}

/// Of a lower-case hexadecimal digit.
fn nibble(digit: u8) -> u8 {
    if digit <= b'9' {
        digit - b'0'
    } else {
        digit - b'a' + 10
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let text = "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640";
        assert_eq!(Sha256::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn refuses_all_else() {
        assert_eq!(Blake3::parse("").unwrap_err(), DigestError::Length(0));
        assert_eq!(
            Blake3::parse(&"a".repeat(65)).unwrap_err(),
            DigestError::Length(65)
        );
        let error = Blake3::parse(&format!("0{}", "G".repeat(63))).unwrap_err();
        assert_eq!(
            error,
            DigestError::NotHex {
                character: 'G',
                index: 1
            }
        );
    }
}

//! Keys that results are signed with (ed25519): `NAME:` and 64 hexadecimal digits. The name is for people.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::error::{Error, Result};

/// What a signature is checked with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    name: String,
    key: VerifyingKey,
}

/// What signs. It is shown only where it is asked for by name.
#[derive(Clone)]
pub struct SecretKey {
    name: String,
    key: SigningKey,
}

impl PublicKey {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes: 32.
    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether this key's owner has signed these bytes.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(bytes, &signature).is_ok())
    }
}

impl SecretKey {
    /// A new key.
    pub fn generate(name: &str) -> Result<SecretKey> {
        check_name(name)?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| Error::System {
            verb: "get random numbers",
            source: std::io::Error::other(error.to_string()),
        })?;
        Ok(SecretKey {
            name: name.to_owned(),
            key: SigningKey::from_bytes(&seed),
        })
    }

    /// The key that its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Signs.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).to_bytes().to_vec()
    }

    /// The secret itself, as it is read back.
    pub fn reveal(&self) -> String {
        format!("{}:{}", self.name, hex(self.key.as_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.name)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, hex(self.key.as_bytes()))
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<PublicKey> {
        let (name, bytes) = parse(text, "the public key")?;
        let key = VerifyingKey::from_bytes(&bytes)
            .map_err(|_| wrong("the public key", "it is no point of the curve"))?;
        Ok(PublicKey { name, key })
    }
}

impl FromStr for SecretKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<SecretKey> {
        let (name, bytes) = parse(text, "the secret key")?;
        let key = SigningKey::from_bytes(&bytes);
        Ok(SecretKey { name, key })
    }
}

/// A key's text is not part of an error: it may be the secret one.
fn parse(text: &str, what: &str) -> Result<(String, [u8; 32])> {
    let (name, digits) = text
        .trim()
        .split_once(':')
        .ok_or_else(|| wrong(what, "there is no `:` in it"))?;
    check_name(name)?;
    let bytes = blake3::Hash::from_hex(digits)
        .map_err(|_| wrong(what, "no 64 hexadecimal digits follow its name"))?;
    Ok((name.to_owned(), bytes.into()))
}

fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(()),
        false => Err(wrong(
            "the name",
            "it is made of letters, digits and any of - _ . @",
        )),
    }
}

fn wrong(what: &str, why: &str) -> Error {
    Error::Key {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from(*bytes).to_hex().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_one_key_signs_another_does_not_verify() {
        let (mine, other) = (
            SecretKey::generate("mine").unwrap(),
            SecretKey::generate("other").unwrap(),
        );
        let signature = mine.sign(b"result");
        assert!(mine.public().verifies(b"result", &signature));
        assert!(!mine.public().verifies(b"resulT", &signature));
        assert!(!other.public().verifies(b"result", &signature));
        assert!(!mine.public().verifies(b"result", b"short"));
    }

    #[test]
    fn keys_survive_being_written_and_are_not_shown() {
        let key = SecretKey::generate("ci-1").unwrap();
        let again: SecretKey = key.reveal().parse().unwrap();
        assert_eq!(again.public(), key.public());
        let public: PublicKey = key.public().to_string().parse().unwrap();
        assert_eq!(public, key.public());
        assert_eq!(format!("{key:?}"), "SecretKey(ci-1)");
        let bad = "ci-1:0123".parse::<SecretKey>().unwrap_err().to_string();
        assert!(!bad.contains("0123"), "{bad}");
    }
}

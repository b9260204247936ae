//! A signed statement: a DSSE envelope (<https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>). Knows nothing of
//! what the statement says.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use pwb_remote::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};

use crate::report::Failure;

const TYPE: &str = "application/vnd.in-toto+json";

/// A text and signatures over it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    payload_type: String,
    /// Base64.
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Signature {
    /// A hint which key it is: nothing relies on it.
    #[serde(default)]
    keyid: String,
    /// Base64.
    sig: String,
}

impl Envelope {
    /// Signs a statement.
    pub fn sign(statement: &str, key: &SecretKey) -> Envelope {
        let signature = key.sign(&signed(TYPE, statement.as_bytes()));
        Envelope {
            payload_type: TYPE.to_owned(),
            payload: BASE64_STANDARD.encode(statement),
            signatures: vec![Signature {
                keyid: key.public().name().to_owned(),
                sig: BASE64_STANDARD.encode(signature),
            }],
        }
    }

    /// The statement, and which of the trusted keys has signed it.
    pub fn open<'k>(&self, trusted: &'k [PublicKey]) -> Result<(Vec<u8>, &'k PublicKey), Failure> {
        let wrong = |what: &str| Failure::Message(format!("the envelope {what}"), None);
        if self.payload_type != TYPE {
            return Err(wrong(&format!(
                "holds `{}`, not `{TYPE}`",
                self.payload_type
            )));
        }
        let payload = decode(&self.payload).ok_or_else(|| wrong("holds no base64"))?;
        let bytes = signed(TYPE, &payload);
        let signatures: Vec<Vec<u8>> = self
            .signatures
            .iter()
            .filter_map(|signature| decode(&signature.sig))
            .collect();
        let signer = trusted.iter().find(|key| {
            let mut signatures = signatures.iter();
            signatures.any(|signature| key.verifies(&bytes, signature))
        });
        let names: Vec<&str> = self
            .signatures
            .iter()
            .map(|signature| signature.keyid.as_str())
            .collect();
        let untrusted = || {
            Failure::new(
                format!(
                    "none of the trusted keys has signed this; it claims to be signed by: {}",
                    names.join(", ")
                ),
                "`--trust NAME:DIGITS` trusts a public key, as `pwb key generate` prints it",
            )
        };
        let signer = signer.ok_or_else(untrusted)?;
        Ok((payload, signer))
    }
}

/// What is really signed: DSSE's pre-authentication encoding, which nothing else looks like.
fn signed(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Verifiers take either alphabet.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard = BASE64_STANDARD.decode(text);
    standard.or_else(|_| BASE64_URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_that_are_signed_are_those_of_the_specification() {
        let bytes = signed("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            bytes,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn only_what_a_trusted_key_has_signed_opens() {
        let key = |name| SecretKey::generate(name).unwrap();
        let (ours, theirs) = (key("ours"), key("theirs"));
        let mut envelope = Envelope::sign("{}", &ours);
        let trusted = [theirs.public(), ours.public()];
        let (statement, signer) = envelope.open(&trusted).unwrap();
        assert_eq!((&*statement, signer), (&b"{}"[..], &trusted[1]));
        assert!(envelope.open(&trusted[..1]).is_err());
        envelope.payload = BASE64_STANDARD.encode("{ }");
        assert!(envelope.open(&trusted).is_err());
        envelope.payload_type = "text/plain".into();
        assert!(envelope.open(&trusted).is_err());
    }
}

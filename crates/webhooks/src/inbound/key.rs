//! What does a sender of Standard Webhooks sign with? A secret that both know (`whsec_`), or a key pair whose public half we know (`whpk_`).

use super::{Algorithm, mac};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::Secret;
use std::str::FromStr;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What stands before a public key.
const PUBLIC: &str = "whpk_";
/// What stands before a shared secret; the libraries also take one without.
const SHARED: &str = "whsec_";

/// A key that verifies what is signed as Standard Webhooks 1.0 has it.
#[derive(Debug, Clone)]
pub enum VerifyingSecret {
    /// Known to both, for signatures `v1` (HMAC-SHA256).
    Shared(Secret<Vec<u8>>),
    /// The public half of a pair, for signatures `v1a` (Ed25519).
    Public(Box<VerifyingKey>),
}

/// The signatures of a request, by their version.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    /// `v1`.
    pub(super) shared: Vec<Vec<u8>>,
    /// `v1a`.
    pub(super) public: Vec<Vec<u8>>,
}

impl FromStr for VerifyingSecret {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FAULT: &str = "must be whsec_ and the base64 of 16 to 128 bytes, or whpk_ and the base64 of an Ed25519 public key; leave it out, and one is made";
        if let Some(encoded) = text.strip_prefix(PUBLIC) {
            let bytes = BASE64.decode(encoded).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
            // With a key of small order anybody could make signatures that hold.
            return key.filter(|key| !key.is_weak()).map(|key| Self::Public(Box::new(key))).ok_or(FAULT);
        }
        let bytes = BASE64.decode(text.strip_prefix(SHARED).unwrap_or(text)).ok();
        let sound = bytes.filter(|bytes| (16..=128).contains(&bytes.len()));
        sound.map(|bytes| Self::Shared(Secret::new(bytes))).ok_or(FAULT)
    }
}

impl VerifyingSecret {
    /// Whether one of the signatures over these pieces is this key's.
    pub(super) fn signed(&self, pieces: &[&[u8]], signatures: &Signatures) -> bool {
        match self {
            Self::Shared(secret) => {
                let made = mac::made(Algorithm::Sha256, secret.expose(), pieces);
                // All are compared, so that the time does not tell which it was.
                signatures.shared.iter().filter(|signature| mac::same(&made, signature)).count() > 0
            }
            Self::Public(key) => {
                let message = pieces.concat();
                let holds = |signature: &Vec<u8>| {
                    let read = Signature::from_slice(signature).ok();
                    read.is_some_and(|signature| key.verify_strict(&message, &signature).is_ok())
                };
                signatures.public.iter().any(holds)
            }
        }
    }
}

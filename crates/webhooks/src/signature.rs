//! How does an endpoint know that a request is ours? By the signature of Standard Webhooks 1.0, symmetric (`v1`, HMAC-SHA256) or
//! with a key of our own (`v1a`, Ed25519), which whoever receives can verify and not make:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey as Pair};
use hmac::{Hmac, Mac as _};
use kernel::{Chance, Instant, Secret};
use sha2::Sha256;
use std::{fmt, str::FromStr};

/// How every symmetric key begins in writing, every private one, and every public one.
const SYMMETRIC: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";
/// How long a key of ours is, in bytes.
const BYTES: usize = 32;

/// How requests to an endpoint are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// HMAC-SHA256 with a secret that both know.
    #[default]
    V1,
    /// Ed25519: the endpoint knows the public key only.
    V1a,
}

impl Signature {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Signature {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::V1, Self::V1a].into_iter().find(|one| one.as_str() == text).ok_or("must be v1 or v1a")
    }
}

/// A key that signs what is sent to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningKey {
    /// 24 to 64 bytes.
    Symmetric(Secret<Vec<u8>>),
    /// The seed of a pair, 32 bytes.
    Private(Secret<[u8; BYTES]>),
}

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn new(signature: Signature, chance: &dyn Chance) -> Self {
        let mut bytes = [0_u8; BYTES];
        chance.fill(&mut bytes);
        match signature {
            Signature::V1 => Self::Symmetric(Secret::new(bytes.to_vec())),
            Signature::V1a => Self::Private(Secret::new(bytes)),
        }
    }

    /// How it signs.
    #[must_use]
    pub const fn signature(&self) -> Signature {
        match self {
            Self::Symmetric(_) => Signature::V1,
            Self::Private(_) => Signature::V1a,
        }
    }

    /// The key in writing: `whsec_` and its bytes in base64, or `whsk_` and those of seed and public key.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(match self {
            Self::Symmetric(bytes) => format!("{SYMMETRIC}{}", STANDARD.encode(bytes.expose())),
            Self::Private(seed) => {
                format!("{PRIVATE}{}", STANDARD.encode(Pair::from_bytes(seed.expose()).to_keypair_bytes()))
            }
        })
    }

    /// What whoever receives verifies with, and may know: `whpk_` and the bytes in base64. A symmetric key has none.
    #[must_use]
    pub fn public(&self) -> Option<String> {
        match self {
            Self::Symmetric(_) => None,
            Self::Private(seed) => {
                let public = Pair::from_bytes(seed.expose()).verifying_key();
                Some(format!("{PUBLIC}{}", STANDARD.encode(public.as_bytes())))
            }
        }
    }

    /// The value of `webhook-signature` for a request with this id and body at this time.
    #[must_use]
    pub fn sign(&self, id: &str, at: Instant, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.seconds());
        let signature = match self {
            // HMAC takes keys of any length.
            Self::Symmetric(bytes) => Hmac::<Sha256>::new_from_slice(bytes.expose())
                .map(|mac| STANDARD.encode(mac.chain_update(signed).finalize().into_bytes()))
                .unwrap_or_default(),
            Self::Private(seed) => {
                STANDARD.encode(Pair::from_bytes(seed.expose()).sign(signed.as_bytes()).to_bytes())
            }
        };
        format!("{},{signature}", self.signature())
    }
}

impl FromStr for SigningKey {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(encoded) = text.strip_prefix(PRIVATE) {
            return private(encoded)
                .ok_or("must be whsk_ and the base64 of an Ed25519 key: its seed, or seed and public key");
        }
        let bytes = text.strip_prefix(SYMMETRIC).and_then(|encoded| STANDARD.decode(encoded).ok());
        let sound = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        sound
            .map(|bytes| Self::Symmetric(Secret::new(bytes)))
            .ok_or("must be whsec_ and the base64 of 24 to 64 bytes; leave it out, and one is made")
    }
}

fn private(encoded: &str) -> Option<SigningKey> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let (seed, public) = bytes.split_at_checked(BYTES)?;
    let seed: [u8; BYTES] = seed.try_into().ok()?;
    let is_its_own = public.is_empty() || Pair::from_bytes(&seed).verifying_key().as_bytes() == public;
    is_its_own.then(|| SigningKey::Private(Secret::new(seed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::Verifier as _;

    struct Fixed;
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        let key: SigningKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let at = Instant::from_millis(1_614_265_330_999);
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_private_key_signs_as_rfc_8032_has_it() {
        // RFC 8032, section 7.1, test 2: the key, not the message.
        let seed = "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=";
        let key: SigningKey = format!("whsk_{seed}").parse().unwrap();
        assert_eq!(key.public().unwrap(), "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
        let signed = key.sign("msg_1", Instant::from_millis(1_614_265_330_000), "{}");
        let bytes = STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
        let SigningKey::Private(seed) = &key else { unreachable!() };
        let public = Pair::from_bytes(seed.expose()).verifying_key();
        let signature = ed25519_dalek::Signature::from_slice(&bytes).unwrap();
        assert!(public.verify(b"msg_1.1614265330.{}", &signature).is_ok());
        assert!(public.verify(b"msg_2.1614265330.{}", &signature).is_err());
    }

    #[test]
    fn a_key_reads_back_and_is_not_printed() {
        for signature in [Signature::V1, Signature::V1a] {
            let key = SigningKey::new(signature, &Fixed);
            assert_eq!(key.text().expose().parse::<SigningKey>().unwrap(), key);
            assert_eq!((key.signature(), key.public().is_some()), (signature, signature == Signature::V1a));
            assert!(!format!("{key:?}").contains("BwcH") && !format!("{key:?}").contains("7, 7"));
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        let foreign = format!("whsk_{}", STANDARD.encode([1; 64]));
        let texts = [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_c2hvcnQ=",
            "whsec_!",
            "whsk_",
            &long,
            &foreign,
        ];
        for text in texts {
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }
}

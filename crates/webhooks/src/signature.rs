//! How does an endpoint know that a request is ours? By the signature of Standard Webhooks 1.0, symmetric (`v1`):
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use kernel::{Chance, Instant, Secret};
use sha2::Sha256;

/// How every key begins in writing.
const PREFIX: &str = "whsec_";
/// How long a key of ours is, in bytes.
const BYTES: usize = 32;

/// A key that signs what is sent to one endpoint: 24 to 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey(Secret<Vec<u8>>);

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn new(chance: &dyn Chance) -> Self {
        let mut bytes = vec![0_u8; BYTES];
        chance.fill(&mut bytes);
        Self(Secret::new(bytes))
    }

    /// The key in writing: `whsec_` and its bytes in base64.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(self.0.expose())))
    }

    /// The value of `webhook-signature` for a request with this id and body at this time.
    #[must_use]
    pub fn sign(&self, id: &str, at: Instant, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.seconds());
        // HMAC takes keys of any length.
        let signature = Hmac::<Sha256>::new_from_slice(self.0.expose())
            .map(|mac| STANDARD.encode(mac.chain_update(signed).finalize().into_bytes()))
            .unwrap_or_default();
        format!("v1,{signature}")
    }
}

impl std::str::FromStr for SigningKey {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
        let sound = bytes.filter(|bytes| (24..=64).contains(&bytes.len()));
        sound
            .map(|bytes| Self(Secret::new(bytes)))
            .ok_or("must be whsec_ and the base64 of 24 to 64 bytes; leave it out, and one is made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_key_reads_back_and_is_not_printed() {
        struct Fixed;
        impl Chance for Fixed {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(7);
            }
        }
        let key = SigningKey::new(&Fixed);
        assert_eq!(key.text().expose().parse::<SigningKey>().unwrap(), key);
        assert!(!format!("{key:?}").contains("BwcH"));
    }

    #[test]
    fn other_texts_are_no_keys() {
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!", &long] {
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }
}

//! How is a secret kept at rest? Sealed with AES-256-GCM under a named key, bound to the place where it stands.
//!
//! A sealed secret says what it is: one byte of version (1), one byte that counts the key id, the key id, 12 bytes of
//! nonce, then the ciphertext with its tag of 16 bytes (NIST SP 800-38D). What stands before the nonce, and the
//! context, such as `acme-corp/channels/chn_…`, is authenticated with it: a secret that is moved to another row does
//! not open. Nonces are random, so a key should be turned before it has sealed 2³² secrets.
//!
//! To turn keys, put a new one in front: the first key seals, all of them open.

mod error;
mod reseal;

pub use error::VaultError;
pub use reseal::{Column, Cursor, Resealed, Stuck, left, step};

use aes_gcm::{Aes256Gcm, Key, KeyInit as _, Nonce, aead::Aead as _, aead::Payload};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{Chance, Secret};
use std::fmt;

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// The longest id of a key.
const KEY_ID_MAX: usize = 32;

struct NamedKey {
    id: String,
    cipher: Aes256Gcm,
}

/// The keys: the first seals, all of them open.
pub struct Vault {
    first: NamedKey,
    older: Vec<NamedKey>,
}

impl Vault {
    /// Reads keys from `kid:base64(32 bytes)`, several with commas; the first is the one that seals.
    ///
    /// A key id is 1 to 32 characters of `a-z`, `A-Z`, `0-9`, `.`, `_` and `-`.
    ///
    /// # Errors
    /// [`VaultError::Keys`] names the first entry that does not read.
    pub fn from_keys(text: &str) -> Result<Self, VaultError> {
        let mut keys: Vec<NamedKey> = Vec::new();
        for (place, part) in text.trim().split(',').enumerate() {
            let faulty = |problem| VaultError::Keys { entry: place.saturating_add(1), problem };
            let key = read_key(part.trim()).map_err(faulty)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(faulty("has the id of an earlier one"));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(VaultError::Keys { entry: 1, problem: "is missing" })?;
        Ok(Self { first, older: keys.collect() })
    }

    /// Seals `plain` under the first key, for the place that `context` names.
    ///
    /// # Errors
    /// [`VaultError::TooLong`] beyond 64 GiB.
    pub fn seal(&self, context: &str, plain: &[u8], chance: &dyn Chance) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        chance.fill(&mut nonce);
        let mut sealed = head(&self.first.id);
        let aad = authenticated(&sealed, context);
        let payload = Payload { msg: plain, aad: &aad };
        let body =
            self.first.cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| VaultError::TooLong)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.first.id
    }

    /// How everything begins that the first key sealed: version, length of its id, id.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        head(&self.first.id)
    }

    /// Opens what was sealed for the place that `context` names, under any of the keys.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`] if its key is not here, [`VaultError::Tampered`] if it was changed or moved,
    /// [`VaultError::Format`] if it is nothing of ours.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        let (key_id, nonce, body) = take_apart(sealed).ok_or(VaultError::Format)?;
        let key = std::iter::once(&self.first)
            .chain(&self.older)
            .find(|key| key.id == key_id)
            .ok_or_else(|| VaultError::UnknownKey { key_id: key_id.to_owned() })?;
        let aad = authenticated(&head(key_id), context);
        let payload = Payload { msg: body, aad: &aad };
        key.cipher
            .decrypt(Nonce::from_slice(nonce), payload)
            .map(Secret::new)
            .map_err(|_| VaultError::Tampered)
    }
}

impl fmt::Debug for Vault {
    /// The ids of the keys, never the keys.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.first).chain(&self.older);
        out.debug_list().entries(ids.map(|key| &key.id)).finish()
    }
}

fn read_key(part: &str) -> Result<NamedKey, &'static str> {
    let (id, encoded) = part.split_once(':').ok_or("has no colon")?;
    if !is_key_id(id) {
        return Err("has a key id that is not 1 to 32 letters, digits, dots, underscores and hyphens");
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| "is not base64")?;
    let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| "is not 32 bytes long")?;
    Ok(NamedKey { id: id.to_owned(), cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key)) })
}

fn is_key_id(text: &str) -> bool {
    (1..=KEY_ID_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Version, length of the key id, key id.
fn head(key_id: &str) -> Vec<u8> {
    // A key id is at most 32 bytes; a longer one cannot come here, and would not open.
    let length = u8::try_from(key_id.len()).unwrap_or(u8::MAX);
    let mut head = vec![VERSION, length];
    head.extend_from_slice(key_id.as_bytes());
    head
}

fn authenticated(head: &[u8], context: &str) -> Vec<u8> {
    [head, context.as_bytes()].concat()
}

fn take_apart(sealed: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let (&[VERSION, length], rest) = sealed.split_first_chunk::<2>()? else {
        return None;
    };
    let (key_id, rest) = rest.split_at_checked(usize::from(length))?;
    let (nonce, body) = rest.split_at_checked(NONCE_BYTES)?;
    let key_id = std::str::from_utf8(key_id).ok().filter(|id| is_key_id(id))?;
    Some((key_id, nonce, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Counts up, so that no two nonces are the same.
    #[derive(Default)]
    struct Counting(AtomicU8);
    impl Chance for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn key(id: &str, byte: u8) -> String {
        format!("{id}:{}", STANDARD.encode([byte; 32]))
    }

    fn vault(keys: &[String]) -> Vault {
        Vault::from_keys(&keys.join(",")).unwrap()
    }

    const PLACE: &str = "acme-corp/channels/chn_1";

    #[test]
    fn what_was_sealed_opens_in_its_place_only() {
        let chance = Counting::default();
        let vault = vault(&[key("k1", 1)]);
        for plain in [&b""[..], b"x", b"https://hooks.example.com/T0/B0/secret"] {
            let sealed = vault.seal(PLACE, plain, &chance).unwrap();
            assert_eq!(vault.open(PLACE, &sealed).unwrap().expose(), plain);
            for elsewhere in ["", "globex/channels/chn_1", "acme-corp/channels/chn_2"] {
                assert_eq!(vault.open(elsewhere, &sealed), Err(VaultError::Tampered), "{elsewhere}");
            }
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let chance = Counting::default();
        let vault = vault(&[key("k1", 1)]);
        let (one, two) =
            (vault.seal(PLACE, b"same", &chance).unwrap(), vault.seal(PLACE, b"same", &chance).unwrap());
        assert_ne!(one, two);
    }

    #[test]
    fn keys_turn() {
        let chance = Counting::default();
        let before = vault(&[key("k1", 1)]);
        let old = before.seal(PLACE, b"secret", &chance).unwrap();

        let during = vault(&[key("k2", 2), key("k1", 1)]);
        assert_eq!(during.open(PLACE, &old).unwrap().expose(), b"secret");
        let new = during.seal(PLACE, b"secret", &chance).unwrap();
        assert_eq!(before.open(PLACE, &new), Err(VaultError::UnknownKey { key_id: "k2".to_owned() }));

        let after = vault(&[key("k2", 2)]);
        assert_eq!(after.open(PLACE, &new).unwrap().expose(), b"secret");
        assert_eq!(after.open(PLACE, &old), Err(VaultError::UnknownKey { key_id: "k1".to_owned() }));
    }

    #[test]
    fn another_key_of_the_same_name_does_not_open() {
        let sealed = vault(&[key("k1", 1)]).seal(PLACE, b"secret", &Counting::default()).unwrap();
        assert_eq!(vault(&[key("k1", 9)]).open(PLACE, &sealed), Err(VaultError::Tampered));
    }

    #[test]
    fn a_change_of_any_bit_is_seen() {
        let vault = vault(&[key("k1", 1), key("k0", 1)]);
        let sealed = vault.seal(PLACE, b"secret", &Counting::default()).unwrap();
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[place] ^= 1 << bit;
                assert!(vault.open(PLACE, &changed).is_err(), "byte {place}, bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert!(vault.open(PLACE, &sealed[..length]).is_err(), "first {length} bytes");
        }
    }

    #[test]
    fn faulty_keys_are_told_without_showing_them() {
        let good = key("k1", 1);
        for (text, entry, problem) in [
            (String::new(), 1, "has no colon"),
            (format!("{good},"), 2, "has no colon"),
            ("k1:not base64!".to_owned(), 1, "is not base64"),
            (format!("k1:{}", STANDARD.encode([1; 31])), 1, "is not 32 bytes long"),
            (
                format!("{good},k 2:{}", STANDARD.encode([1; 32])),
                2,
                "has a key id that is not 1 to 32 letters, digits, dots, underscores and hyphens",
            ),
            (format!("{good},{good}"), 2, "has the id of an earlier one"),
        ] {
            assert_eq!(Vault::from_keys(&text).map(drop), Err(VaultError::Keys { entry, problem }), "{text}");
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let vault = vault(&[key("k2", 2), key("k1", 1)]);
        assert_eq!(format!("{vault:?}"), r#"["k2", "k1"]"#);
    }

    #[test]
    fn the_format_stays() {
        let vault = vault(&[key("k1", 7)]);
        let sealed = vault.seal("a/b/c", b"hi", &Counting::default()).unwrap();
        assert_eq!(&sealed[..16], b"\x01\x02k1\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(sealed.len(), 16 + 2 + 16);
    }
}

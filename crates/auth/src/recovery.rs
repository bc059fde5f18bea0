//! How does somebody come in whose authenticator is lost? With one of ten codes of 120 bits, each good once.

use crate::digest::{self, Digest};
use kernel::{Chance, Secret, TenantId, UserId};

/// How many codes there are at a time.
pub(crate) const COUNT: usize = 10;
/// Letters of a code: 24 of 5 bits each, more than the 112 that ASVS 6.5.2 asks of what is hashed plainly.
const LENGTH: usize = 24;
/// Crockford's base 32 in lower case: no letter that looks like another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A recovery code, as it is hashed: 24 letters without hyphens.
#[derive(Debug, Clone)]
pub(crate) struct RecoveryCode(Secret<String>);

impl RecoveryCode {
    pub(crate) fn new(chance: &dyn Chance) -> Self {
        let mut bytes = [0_u8; LENGTH];
        chance.fill(&mut bytes);
        // Five bits of each byte: 32 divides 256, so every letter is as likely as another.
        let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        Self(Secret::new(bytes.into_iter().map(|byte| char::from(letter(byte))).collect()))
    }

    /// Reads what somebody typed, whatever the case and the hyphens; `None` if it cannot be a code.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let code: String = letters
            .map(|letter| match letter.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            })
            .take(LENGTH + 1)
            .collect();
        let sound = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        sound.then(|| Self(Secret::new(code)))
    }

    /// As it is shown: `k3fd-92mx-0q7r-tz4w-8b1c-5hxn`.
    pub(crate) fn shown(&self) -> Secret<String> {
        let letters: Vec<char> = self.0.expose().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        Secret::new(groups.join("-"))
    }

    pub(crate) fn hash(&self, tenant: &TenantId, user: &UserId) -> Digest {
        digest::of(&["recovery code", tenant.as_str(), user.as_str(), self.0.expose()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;
    use kernel::Instant;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let noise = Noise::new(1);
        let (tenant, user) = ("acme-corp".parse().unwrap(), UserId::new(Instant::from_millis(1), &noise));
        let code = RecoveryCode::new(&noise);
        let text = code.shown().expose().clone();
        assert_eq!((text.len(), text.matches('-').count()), (29, 5), "{text}");
        for typed in [
            text.clone(),
            text.replace('-', ""),
            text.to_uppercase(),
            text.replace('0', "O").replace('1', "l"),
        ] {
            let read = RecoveryCode::read(&typed).unwrap();
            assert_eq!(read.hash(&tenant, &user), code.hash(&tenant, &user), "{typed}");
        }
        let other = UserId::new(Instant::from_millis(2), &noise);
        assert_ne!(code.hash(&tenant, &other), code.hash(&tenant, &user));
        assert!(!format!("{code:?}").contains(&text[..4]));
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in [
            "",
            "123456",
            "k3fd-92mx-0q7r-tz4",
            "k3fd-92mx-0q7r-tz4wx",
            "k3fd-92mx-0q7r-tz4u",
            "k3fd-92mx-0q7r-tz4ß",
        ] {
            assert!(RecoveryCode::read(text).is_none(), "{text}");
        }
    }
}

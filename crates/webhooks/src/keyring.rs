//! Which keys sign for an endpoint, and what lets us in there? All that is secret of it, sealed as one text. A key that was replaced
//! signs beside the new one until its time is over, so that receivers can change theirs in peace.

use crate::SigningKey;
use kernel::{Instant, Secret, Span};
use serde_json::{Value, json};

/// How long a key goes on signing after it was replaced: unless said otherwise, and at most.
pub(crate) const OVERLAP: Span = Span::hours(24);
pub(crate) const OVERLAP_MAX: Span = Span::days(7);
/// How many keys sign at a time.
pub(crate) const KEYS_MAX: usize = 5;

/// A key that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The key.
    pub key: SigningKey,
    /// Until when it signs.
    pub until: Instant,
}

/// All that is secret of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    /// The key that signs.
    pub key: SigningKey,
    /// Those that it replaced, the last one first.
    pub retired: Vec<Retired>,
    /// What lets us in: a token, a password.
    pub credential: Option<Secret<String>>,
}

impl Keyring {
    /// One with this key alone.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self { key, retired: Vec::new(), credential: None }
    }

    /// The same with another key; the present one signs for `overlap` more.
    #[must_use]
    pub fn rotate(self, key: SigningKey, overlap: Span, now: Instant) -> Self {
        let before = Retired { key: self.key, until: now + overlap };
        let mut retired: Vec<Retired> = std::iter::once(before).chain(self.retired).collect();
        retired.retain(|one| one.until > now);
        retired.truncate(KEYS_MAX.saturating_sub(1));
        Self { key, retired, credential: self.credential }
    }

    /// The value of `webhook-signature`: one for each key that signs now.
    #[must_use]
    pub fn sign(&self, id: &str, now: Instant, body: &str) -> String {
        let retired = self.retired.iter().filter(|one| one.until > now).map(|one| &one.key);
        let all = std::iter::once(&self.key).chain(retired);
        all.map(|key| key.sign(id, now, body)).collect::<Vec<_>>().join(" ")
    }

    /// Until when the last of the replaced keys signs; `None` if only the present one does.
    #[must_use]
    pub fn overlaps_until(&self, now: Instant) -> Option<Instant> {
        self.retired.iter().map(|one| one.until).filter(|until| *until > now).max()
    }

    /// The text that is sealed.
    pub(crate) fn text(&self) -> Secret<String> {
        let retired: Vec<Value> = self
            .retired
            .iter()
            .map(|one| json!({"key": one.key.text().expose(), "until": one.until.millis()}))
            .collect();
        let credential = self.credential.as_ref().map(|secret| secret.expose().as_str());
        Secret::new(
            json!({"key": self.key.text().expose(), "retired": retired, "credential": credential})
                .to_string(),
        )
    }

    /// Reads what was sealed: [`Keyring::text`], or a key alone, as they stood there first.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Ok(key) = text.parse::<SigningKey>() {
            return Some(Self::new(key));
        }
        let value: Value = serde_json::from_str(text).ok()?;
        let key = |value: &Value| value.get("key")?.as_str()?.parse::<SigningKey>().ok();
        let retired = value.get("retired")?.as_array()?.iter().map(|one| {
            Some(Retired { key: key(one)?, until: Instant::from_millis(one.get("until")?.as_i64()?) })
        });
        Some(Self {
            key: key(&value)?,
            retired: retired.collect::<Option<_>>()?,
            credential: value.get("credential")?.as_str().map(|text| Secret::new(text.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Signature;
    use kernel::Chance;

    struct Fixed(u8);
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn key(number: u8) -> SigningKey {
        SigningKey::new(Signature::V1, &Fixed(number))
    }

    fn at(hours: i64) -> Instant {
        Instant::from_millis(hours * 3_600_000)
    }

    #[test]
    fn a_replaced_key_signs_until_its_time_is_over() {
        let ring = Keyring::new(key(1)).rotate(key(2), OVERLAP, at(0));
        assert_eq!(ring.overlaps_until(at(1)), Some(at(24)));
        let one = |number| key(number).sign("m", at(1), "{}");
        assert_eq!(ring.sign("m", at(1), "{}"), format!("{} {}", one(2), one(1)));
        assert_eq!(ring.sign("m", at(24), "{}"), key(2).sign("m", at(24), "{}"));
        assert_eq!(ring.overlaps_until(at(24)), None);
    }

    #[test]
    fn without_overlap_it_signs_no_more() {
        let ring = Keyring::new(key(1)).rotate(key(2), Span::default(), at(0));
        assert_eq!((ring.retired.len(), ring.sign("m", at(0), "")), (0, key(2).sign("m", at(0), "")));
    }

    #[test]
    fn no_more_than_five_sign_and_old_ones_go() {
        let mut ring = Keyring::new(key(0));
        for number in 1..=9 {
            ring = ring.rotate(key(number), OVERLAP_MAX, at(0));
        }
        assert_eq!(ring.sign("m", at(1), "").split(' ').count(), KEYS_MAX);
        assert_eq!(ring.rotate(key(9), OVERLAP, at(24 * 8)).retired.len(), 1);
    }

    #[test]
    fn it_reads_back_and_so_does_a_key_alone() {
        let mut ring =
            Keyring::new(key(1)).rotate(SigningKey::new(Signature::V1a, &Fixed(2)), OVERLAP, at(0));
        ring.credential = Some(Secret::new("hush".to_owned()));
        assert_eq!(Keyring::read(ring.text().expose()).unwrap(), ring);
        assert_eq!(Keyring::read(key(1).text().expose()).unwrap(), Keyring::new(key(1)));
        assert!(Keyring::read("{}").is_none() && !format!("{ring:?}").contains("hush"));
    }
}

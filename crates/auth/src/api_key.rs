//! What is an API key? A name for a program: scoped to permissions, expiring if wanted, its secret shown once.
//!
//! The text is `sbx_<prefix>_<secret>`: 12 hexadecimal digits that may be shown and searched for, and 64 that may not.
//! Only the SHA-256 of the whole is kept.

use crate::{
    Networks,
    client::{end_in, permissions_in},
    digest,
    tenant::sound_name,
};
use kernel::{ApiKeyId, Chance, FieldFault, Fields, Instant, Permissions, Reach, Secret, Span};
use std::str::FromStr;

/// Requests a minute, unless another number is asked for.
const RATE: u32 = 60_000;
/// The most that can be asked for.
const MAX_RATE: u32 = 1_000_000;

/// Whether a key opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyState {
    /// It does, until it expires.
    Active,
    /// Somebody revoked it.
    Revoked,
}

impl ApiKeyState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for ApiKeyState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Revoked].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The part of its text that may be shown.
    pub prefix: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Where it may do it.
    pub reach: Reach,
    /// Whether it opens anything.
    pub state: ApiKeyState,
    /// Requests a minute.
    pub rate_per_minute: u32,
    /// Where it is good from.
    pub networks: Networks,
    /// The key that took its place, if it was turned.
    pub replaced_by: Option<ApiKeyId>,
    /// Who made it: the id of a user or of another key, or `system`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it stops opening anything.
    pub expires_at: Option<Instant>,
    /// When it was used last, within a minute.
    pub last_used_at: Option<Instant>,
}

impl ApiKey {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn opens(&self, now: Instant) -> bool {
        self.state == ApiKeyState::Active && self.expires_at.is_none_or(|end| now < end)
    }

    /// The key with `patch` applied at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(self, patch: ApiKeyPatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", patch.name.map_or(Ok(self.name), |name| sound_name(&name)));
        let rate_per_minute = rate_in(&mut fields, patch.rate_per_minute.unwrap_or(self.rate_per_minute));
        let networks = match patch.networks {
            None => Some(self.networks),
            Some(texts) => networks_in(&mut fields, &texts),
        };
        let expires_at = match patch.expires_at {
            None => self.expires_at,
            Some(end) => end_in(&mut fields, end, now),
        };
        let (name, networks) = fields.give(name.zip(networks))?;
        Ok(Self { name, rate_per_minute, networks, expires_at, ..self })
    }

    /// The key once `successor` took its place: it opens for `overlap` yet, and never longer than it would have.
    #[must_use]
    pub fn replaced(self, successor: &ApiKeyId, overlap: Span, now: Instant) -> Self {
        let end = now + overlap;
        let expires_at = Some(self.expires_at.map_or(end, |own| own.min(end)));
        Self { expires_at, replaced_by: Some(successor.clone()), ..self }
    }

    /// What a successor is made from: the same in everything but its secret.
    #[must_use]
    pub(crate) fn successor(&self) -> NewApiKey {
        NewApiKey {
            name: self.name.clone(),
            permissions: self.permissions,
            reach: self.reach.clone(),
            expires_at: self.expires_at,
            rate_per_minute: self.rate_per_minute,
            networks: self.networks.clone(),
        }
    }
}

/// What is to be changed of a key; `None` leaves a thing as it is. Permissions stay: make another key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another end; `Some(None)` takes it away.
    pub expires_at: Option<Option<Instant>>,
    /// Another number of requests a minute.
    pub rate_per_minute: Option<u32>,
    /// Other networks: all of them; an empty list for anywhere.
    pub networks: Option<Vec<String>>,
}

/// Which keys are wanted; `None` lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyFilter {
    /// Only the key with this prefix.
    pub prefix: Option<String>,
    /// Only keys in this state.
    pub state: Option<ApiKeyState>,
    /// Only keys that end, or ended, before this.
    pub expires_before: Option<Instant>,
    /// Only keys that nobody used since then, and that were made before.
    pub unused_since: Option<Instant>,
}

fn rate_in(fields: &mut Fields, rate: u32) -> u32 {
    if !(1..=MAX_RATE).contains(&rate) {
        fields.fault("rate_per_minute", format!("must be from 1 to {MAX_RATE}"));
    }
    rate
}

fn networks_in(fields: &mut Fields, texts: &[String]) -> Option<Networks> {
    Networks::new("networks", texts)
        .map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message)))
        .ok()
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) reach: Reach,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) rate_per_minute: u32,
    pub(crate) networks: Networks,
}

impl NewApiKey {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(
        name: &str,
        permissions: &[String],
        expires_at: Option<Instant>,
        rate_per_minute: Option<u32>,
        now: Instant,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", sound_name(name));
        let permissions = permissions_in(&mut fields, permissions);
        let expires_at = end_in(&mut fields, expires_at, now);
        let rate_per_minute = rate_in(&mut fields, rate_per_minute.unwrap_or(RATE));
        let name = fields.give(name)?;
        Ok(Self {
            name,
            permissions,
            reach: Reach::Everything,
            expires_at,
            rate_per_minute,
            networks: Networks::default(),
        })
    }

    /// The same, good from some networks only.
    ///
    /// # Errors
    /// Every faulty one, as `networks[place]`.
    pub fn only_from(self, networks: &[String]) -> Result<Self, Vec<FieldFault>> {
        Ok(Self { networks: Networks::new("networks", networks)?, ..self })
    }

    /// The same for a part of the tenant only.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// The key that the set-up makes for the owner's first programs: everything, without end.
    pub(crate) fn first() -> Self {
        Self {
            name: "Set-up".to_owned(),
            permissions: Permissions::all(),
            reach: Reach::Everything,
            expires_at: None,
            rate_per_minute: RATE,
            networks: Networks::default(),
        }
    }
}

/// The text of a key.
#[derive(Debug, Clone)]
pub struct KeySecret {
    pub(crate) prefix: String,
    text: Secret<String>,
}

impl KeySecret {
    /// What every key begins with.
    pub(crate) const MARK: &'static str = "sbx_";

    pub(crate) fn new(chance: &dyn Chance) -> Self {
        let prefix = digest::noise::<6>(chance);
        let text = format!("{}{prefix}_{}", Self::MARK, digest::noise::<32>(chance));
        Self { prefix, text: Secret::new(text) }
    }

    /// Reads a text that somebody showed; `None` if it cannot be one of ours.
    pub(crate) fn read(text: &Secret<String>) -> Option<Self> {
        let (prefix, noise) = text.expose().strip_prefix(Self::MARK)?.split_once('_')?;
        (digest::is_hex(prefix, 12) && digest::is_hex(noise, 64))
            .then(|| Self { prefix: prefix.to_owned(), text: text.clone() })
    }

    /// The text, to be shown once.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.text
    }

    pub(crate) fn hash(&self) -> digest::Digest {
        digest::of(&[self.text.expose()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;

    #[test]
    fn a_key_reads_back() {
        let secret = KeySecret::new(&Noise::new(1));
        let read = KeySecret::read(secret.text()).unwrap();
        assert_eq!((read.prefix.clone(), read.hash()), (secret.prefix.clone(), secret.hash()));
        for text in ["sbx_", "sbx_abc_def", "", &secret.text().expose().to_uppercase()] {
            assert!(KeySecret::read(&Secret::new(text.to_owned())).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_that_was_replaced_ends_soon_and_never_later_than_it_would() {
        let now = Instant::from_millis(10);
        let noise = Noise::new(1);
        let (id, next) = (ApiKeyId::new(now, &noise), ApiKeyId::new(now, &noise));
        let new = NewApiKey::new("CI", &["rules:read".into()], None, None, now).unwrap();
        let key = crate::service::made(new, id, &KeySecret::new(&noise), "system", now);
        let hour = Span::hours(1);
        assert_eq!(key.clone().replaced(&next, hour, now).expires_at, Some(now + hour));
        let soon = Some(now + Span::millis(5));
        let ending = ApiKey { expires_at: soon, ..key.clone() };
        assert_eq!(ending.replaced(&next, hour, now).expires_at, soon);
        let patch = ApiKeyPatch { expires_at: Some(Some(now)), ..ApiKeyPatch::default() };
        assert!(key.change(patch, now).is_err());
    }

    #[test]
    fn all_faults_of_a_new_key_are_told_at_once() {
        let now = Instant::from_millis(10);
        let faults = NewApiKey::new("", &["rules:read".into(), "rules:own".into()], Some(now), Some(0), now)
            .unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["name", "permissions[1]", "expires_at", "rate_per_minute"]);
        let key = NewApiKey::new("CI", &["rules:read".into()], None, None, now).unwrap();
        assert_eq!(key.rate_per_minute, 60_000);
    }
}

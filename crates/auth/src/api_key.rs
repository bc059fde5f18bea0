//! What is an API key? A name for a program: scoped to permissions, expiring if wanted, its secret shown once.
//!
//! The text is `sbx_<prefix>_<secret>`: 12 hexadecimal digits that may be shown and searched for, and 64 that may not.
//! Only the SHA-256 of the whole is kept.

use crate::{digest, tenant::sound_name};
use kernel::{ApiKeyId, Chance, FieldFault, Fields, Instant, Permission, Permissions, Reach, Secret};
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
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) reach: Reach,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) rate_per_minute: u32,
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
        if permissions.is_empty() {
            fields.fault("permissions", "must name at least one permission");
        }
        let permissions: Permissions = permissions
            .iter()
            .enumerate()
            .filter_map(|(place, text)| {
                fields.take::<Permission, _>(&format!("permissions[{place}]"), text.parse())
            })
            .collect();
        if expires_at.is_some_and(|end| end <= now) {
            fields.fault("expires_at", "must lie in the future");
        }
        let rate_per_minute = rate_per_minute.unwrap_or(RATE);
        if !(1..=MAX_RATE).contains(&rate_per_minute) {
            fields.fault("rate_per_minute", format!("must be from 1 to {MAX_RATE}"));
        }
        let name = fields.give(name)?;
        Ok(Self { name, permissions, reach: Reach::Everything, expires_at, rate_per_minute })
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

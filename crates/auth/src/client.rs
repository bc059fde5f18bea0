//! What is an OAuth client? A program of a tenant that shows a secret, or a signature, and gets access tokens for it
//! (RFC 6749, section 4.4).
//!
//! Its id, `cli_…`, is no secret. Its secret is `sbc_` and 64 hexadecimal digits, shown once; only the SHA-256 is kept,
//! bound to the id. While a secret is turned, the old one holds beside the new one until its time is over.

use crate::{AssertionKey, Networks, digest, tenant::sound_name};
use kernel::{Chance, ClientId, FieldFault, Fields, Instant, Permission, Permissions, Secret, Span};
use std::str::FromStr;

/// Requests a minute, unless another number is asked for.
const RATE: u32 = 60_000;
/// The most that can be asked for.
const MAX_RATE: u32 = 1_000_000;
/// How long an old secret holds beside its successor, unless another span is asked for.
const OVERLAP_HOURS: u32 = 24;
/// The longest that it can.
const MAX_OVERLAP_HOURS: u32 = 7 * 24;

/// Whether a client gets tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// It does, until it expires.
    Active,
    /// Somebody revoked it.
    Revoked,
}

impl ClientState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for ClientState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Revoked].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A client without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// What people call it.
    pub name: String,
    /// What it may do at most; a token may be narrower.
    pub permissions: Permissions,
    /// Whether it gets tokens.
    pub state: ClientState,
    /// Requests a minute with its tokens.
    pub rate_per_minute: u32,
    /// Where it may call from.
    pub networks: Networks,
    /// With what it signs, if it shows signatures.
    pub public_key: Option<AssertionKey>,
    /// When its secret was made, if it has one.
    pub secret_made_at: Option<Instant>,
    /// Until when the secret before that holds, if there is one.
    pub old_secret_until: Option<Instant>,
    /// Grows with each change.
    pub version: i64,
    /// Who made it: the id of a user, a key or another client, or `system`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
    /// When it stops getting tokens.
    pub expires_at: Option<Instant>,
    /// When it was used last, within a minute.
    pub last_used_at: Option<Instant>,
}

impl Client {
    /// Whether it gets tokens, and they open anything, at `now`.
    #[must_use]
    pub fn opens(&self, now: Instant) -> bool {
        self.state == ClientState::Active && self.expires_at.is_none_or(|end| now < end)
    }

    /// The client with `patch` applied at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(self, patch: ClientPatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", patch.name.map_or(Ok(self.name), |name| sound_name(&name)));
        let permissions =
            patch.permissions.map_or(self.permissions, |texts| permissions_in(&mut fields, &texts));
        let rate_per_minute = rate_in(&mut fields, patch.rate_per_minute.unwrap_or(self.rate_per_minute));
        let networks = match patch.networks {
            None => Some(self.networks),
            Some(texts) => told(&mut fields, Networks::new("networks", &texts)),
        };
        let public_key = match patch.public_key {
            None => self.public_key,
            Some(text) => fields.take("public_key", AssertionKey::new(&text)),
        };
        let expires_at = match patch.expires_at {
            None => self.expires_at,
            Some(end) => end_in(&mut fields, end, now),
        };
        let (name, networks) = fields.give(name.zip(networks))?;
        Ok(Self {
            name,
            permissions,
            rate_per_minute,
            networks,
            public_key,
            expires_at,
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self
        })
    }
}

/// A client to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClient {
    pub(crate) name: String,
    pub(crate) permissions: Permissions,
    pub(crate) rate_per_minute: u32,
    pub(crate) networks: Networks,
    pub(crate) public_key: Option<AssertionKey>,
    pub(crate) expires_at: Option<Instant>,
}

/// What is asked for, as it came.
#[derive(Debug, Clone, Default)]
pub struct Wish<'a> {
    /// What people shall call it.
    pub name: &'a str,
    /// The names of its permissions.
    pub permissions: &'a [String],
    /// Requests a minute; 60,000 unless given.
    pub rate_per_minute: Option<u32>,
    /// Networks that it may call from; anywhere unless given.
    pub networks: &'a [String],
    /// A JSON Web Key; then it gets no secret.
    pub public_key: Option<&'a str>,
    /// When it stops.
    pub expires_at: Option<Instant>,
}

impl NewClient {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(wish: &Wish<'_>, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", sound_name(wish.name));
        let permissions = permissions_in(&mut fields, wish.permissions);
        let rate_per_minute = rate_in(&mut fields, wish.rate_per_minute.unwrap_or(RATE));
        let networks = told(&mut fields, Networks::new("networks", wish.networks));
        let public_key = wish.public_key.and_then(|text| fields.take("public_key", AssertionKey::new(text)));
        let expires_at = end_in(&mut fields, wish.expires_at, now);
        let (name, networks) = fields.give(name.zip(networks))?;
        Ok(Self { name, permissions, rate_per_minute, networks, public_key, expires_at })
    }

    /// The client that comes of it.
    pub(crate) fn made(self, id: ClientId, by: &str, now: Instant) -> Client {
        Client {
            id,
            name: self.name,
            permissions: self.permissions,
            state: ClientState::Active,
            rate_per_minute: self.rate_per_minute,
            networks: self.networks,
            secret_made_at: self.public_key.is_none().then_some(now),
            public_key: self.public_key,
            old_secret_until: None,
            version: 1,
            created_by: by.to_owned(),
            created_at: now,
            updated_at: now,
            expires_at: self.expires_at,
            last_used_at: None,
        }
    }
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientPatch {
    /// Another name.
    pub name: Option<String>,
    /// Other permissions: all of them.
    pub permissions: Option<Vec<String>>,
    /// Another number of requests a minute.
    pub rate_per_minute: Option<u32>,
    /// Other networks: all of them; an empty list for anywhere.
    pub networks: Option<Vec<String>>,
    /// Another public key, as a JSON Web Key.
    pub public_key: Option<String>,
    /// Another end; `Some(None)` takes it away.
    pub expires_at: Option<Option<Instant>>,
}

fn told<T>(fields: &mut Fields, outcome: Result<T, Vec<FieldFault>>) -> Option<T> {
    outcome
        .map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message)))
        .ok()
}

pub(crate) fn permissions_in(fields: &mut Fields, texts: &[String]) -> Permissions {
    if texts.is_empty() {
        fields.fault("permissions", "must name at least one permission");
    }
    texts
        .iter()
        .enumerate()
        .filter_map(|(place, text)| {
            fields.take::<Permission, _>(&format!("permissions[{place}]"), text.parse())
        })
        .collect()
}

fn rate_in(fields: &mut Fields, rate: u32) -> u32 {
    if !(1..=MAX_RATE).contains(&rate) {
        fields.fault("rate_per_minute", format!("must be from 1 to {MAX_RATE}"));
    }
    rate
}

pub(crate) fn end_in(fields: &mut Fields, end: Option<Instant>, now: Instant) -> Option<Instant> {
    if end.is_some_and(|end| end <= now) {
        fields.fault("expires_at", "must lie in the future");
    }
    end
}

/// How long an old secret, or an old key, holds beside its successor: 0 to 168 hours, 24 unless told.
///
/// # Errors
/// The faulty field.
pub fn overlap(hours: Option<u32>) -> Result<Span, Vec<FieldFault>> {
    let hours = hours.unwrap_or(OVERLAP_HOURS);
    if hours > MAX_OVERLAP_HOURS {
        let words = format!("must be from 0 to {MAX_OVERLAP_HOURS}");
        return Err(vec![FieldFault::new("overlap_hours", words)]);
    }
    Ok(Span::hours(hours.into()))
}

/// A client's secret, to be shown once.
#[derive(Debug, Clone)]
pub struct ClientSecret(Secret<String>);

impl ClientSecret {
    const MARK: &'static str = "sbc_";

    pub(crate) fn new(chance: &dyn Chance) -> Self {
        Self(Secret::new(format!("{}{}", Self::MARK, digest::noise::<32>(chance))))
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.0
    }

    /// What is kept of a secret: bound to the client, so that a hash copied to another row opens nothing.
    pub(crate) fn hash(text: &Secret<String>, client: &ClientId) -> digest::Digest {
        digest::of(&["client", client.as_str(), text.expose()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;

    const NOW: Instant = Instant::from_millis(10);

    fn made() -> Client {
        let permissions = ["rules:read".to_owned()];
        let wish = Wish { name: "CRM", permissions: &permissions, ..Wish::default() };
        let id = ClientId::new(NOW, &Noise::new(1));
        NewClient::new(&wish, NOW).unwrap().made(id, "system", NOW)
    }

    #[test]
    fn all_faults_of_a_new_client_are_told_at_once() {
        let (permissions, networks) = (["rules:own".to_owned()], ["x".to_owned()]);
        let wish = Wish {
            permissions: &permissions,
            rate_per_minute: Some(0),
            networks: &networks,
            public_key: Some("{}"),
            expires_at: Some(NOW),
            ..Wish::default()
        };
        let faults = NewClient::new(&wish, NOW).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            ["name", "permissions[0]", "rate_per_minute", "networks[0]", "public_key", "expires_at"]
        );
    }

    #[test]
    fn a_change_makes_a_new_version_and_an_end_can_be_taken_away() {
        let later = NOW + Span::millis(5);
        let patch = ClientPatch { expires_at: Some(Some(later)), ..ClientPatch::default() };
        let ending = made().change(patch, NOW).unwrap();
        assert_eq!((ending.version, ending.opens(NOW), ending.opens(later)), (2, true, false));
        let patch = ClientPatch { expires_at: Some(None), ..ClientPatch::default() };
        assert!(ending.change(patch, NOW).unwrap().opens(later));
        let patch = ClientPatch { permissions: Some(Vec::new()), ..ClientPatch::default() };
        assert_eq!(made().change(patch, NOW).unwrap_err().len(), 1);
    }

    #[test]
    fn a_secret_is_bound_to_its_client() {
        let noise = Noise::new(1);
        let secret = ClientSecret::new(&noise);
        let (one, other) = (ClientId::new(NOW, &noise), ClientId::new(NOW, &noise));
        assert_ne!(ClientSecret::hash(secret.text(), &one), ClientSecret::hash(secret.text(), &other));
        assert_eq!(secret.text().expose().len(), 68);
    }

    #[test]
    fn an_overlap_is_a_week_at_most() {
        assert_eq!(overlap(None).unwrap(), Span::hours(24));
        assert_eq!(overlap(Some(0)).unwrap(), Span::hours(0));
        assert!(overlap(Some(169)).is_err());
    }
}

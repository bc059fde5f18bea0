//! What is a source? An address of ours that takes the requests of one provider, and says what becomes of them.

mod draft;

pub use draft::{SourceDraft, SourcePatch};

use crate::inbound::Preset;
use ipnet::IpNet;
use kernel::{Instant, Secret, SourceId};
use serde_json::{Value, json};
use std::net::IpAddr;

/// How many sources a tenant can have.
pub const SOURCES_MAX: i64 = 50;
/// How many requests a source takes in a minute unless it says otherwise.
pub const SENDER_RATE: u32 = 60_000;
/// How many days the requests of a source are kept unless it says otherwise.
pub const KEEP_DAYS: u32 = 30;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The trigger of the event that it becomes; may hold templates.
    pub trigger: String,
    /// The event's data, in whose texts templates may stand; `None`: the body as it is.
    pub data: Option<Value>,
    /// The provider's id of what is sent, as a template, where the preset knows none.
    pub id: Option<String>,
}

/// Where a provider's requests come in.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its id, which stands in its address.
    pub id: SourceId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How requests are verified.
    pub preset: Preset,
    /// How many secrets there are, any of which holds.
    pub secret_count: u32,
    /// Whether there is a token for Meta's challenge.
    pub has_verify_token: bool,
    /// The networks that may send; empty: all.
    pub networks: Vec<IpNet>,
    /// What becomes of requests.
    pub mapping: Mapping,
    /// How many requests it takes in a minute.
    pub rate_per_minute: u32,
    /// How many days its requests are kept.
    pub keep_days: u32,
    /// Whether it takes requests.
    pub is_active: bool,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was set up.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl Source {
    /// Whether a request from this address is let in. Without an address it is not, where networks are named.
    #[must_use]
    pub fn lets_in(&self, address: Option<IpAddr>) -> bool {
        let is_inside =
            |address: IpAddr| self.networks.iter().any(|network| network.contains(&address.to_canonical()));
        self.networks.is_empty() || address.is_some_and(is_inside)
    }
}

/// What only a source and its provider know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// What requests are verified with, any of which holds.
    pub keys: Vec<Secret<String>>,
    /// What Meta shows before it sends anything.
    pub verify_token: Option<Secret<String>>,
}

impl Secrets {
    /// The text that is sealed.
    pub(crate) fn text(&self) -> Secret<String> {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.expose().as_str()).collect();
        let token = self.verify_token.as_ref().map(|token| token.expose().as_str());
        Secret::new(json!({"keys": keys, "verify_token": token}).to_string())
    }

    /// What was sealed.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let whole: Value = serde_json::from_str(text).ok()?;
        let secret = |value: &Value| value.as_str().map(|text| Secret::new(text.to_owned()));
        let keys = whole.get("keys")?.as_array()?.iter().map(secret).collect::<Option<Vec<_>>>()?;
        Some(Self { keys, verify_token: whole.get("verify_token").and_then(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_read_back_and_are_not_printed() {
        let token = Some(Secret::new("token".to_owned()));
        let secrets = Secrets { keys: vec![Secret::new("a\"b".to_owned())], verify_token: token };
        assert_eq!(Secrets::read(secrets.text().expose()), Some(secrets.clone()));
        assert!(!format!("{secrets:?}").contains("token\""));
        assert_eq!(Secrets::read("[]"), None);
    }
}

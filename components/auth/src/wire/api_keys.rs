//! How are API keys said in JSON?

use super::names;
use auth::{ApiKey, KeySecret};
use kernel::{Fields, Instant};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An API key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyIn {
    #[schema(example = "CRM import")]
    pub(crate) name: String,
    /// At least one; `GET /api/v1/admin/permissions` lists them.
    #[schema(example = json!(["events:write"]))]
    pub(crate) permissions: Vec<String>,
    /// `*` unless given, `module:` and a module's name, or `resource:` and an id.
    #[schema(example = "module:crm")]
    pub(crate) scope: Option<String>,
    /// RFC 3339; without it the key does not expire.
    pub(crate) expires_at: Option<String>,
    /// Requests a minute; 60,000 unless given.
    pub(crate) rate_per_minute: Option<u32>,
    /// Networks that the key is good from, such as `192.0.2.0/24`; anywhere unless given. At most 20.
    #[serde(default)]
    pub(crate) networks: Vec<String>,
}

/// What is to be changed of an API key; what is left out stays. Permissions cannot be changed: make another key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeyPatch {
    name: Option<String>,
    /// RFC 3339; `null` takes the end away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
    rate_per_minute: Option<u32>,
    /// All of them; an empty list for anywhere.
    networks: Option<Vec<String>>,
}

impl ApiKeyPatch {
    /// The change, its end read.
    pub(crate) fn read(self, fields: &mut Fields) -> auth::ApiKeyPatch {
        auth::ApiKeyPatch {
            name: self.name,
            expires_at: end(fields, self.expires_at),
            rate_per_minute: self.rate_per_minute,
            networks: self.networks,
        }
    }
}

/// Tells `null` from nothing at all.
pub(super) fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// A new end: none named, taken away, or an instant.
pub(crate) fn end(fields: &mut Fields, text: Option<Option<String>>) -> Option<Option<Instant>> {
    match text {
        None => None,
        Some(None) => Some(None),
        Some(Some(text)) => fields.take("expires_at", text.parse()).map(Some),
    }
}

/// How long the old one holds.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateIn {
    /// Hours that the old one holds beside the new one: 0 to 168; 24 unless given.
    pub(crate) overlap_hours: Option<u32>,
}

/// Which keys are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApiKeyFilter {
    /// Only the key with this prefix.
    pub(crate) prefix: Option<String>,
    /// Only keys in this state: `active` or `revoked`.
    pub(crate) state: Option<String>,
    /// Only keys that end, or ended, before this time (RFC 3339).
    pub(crate) expires_before: Option<String>,
    /// Only keys that nobody used since this time, and that were made before (RFC 3339).
    pub(crate) unused_since: Option<String>,
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyOut {
    id: String,
    name: String,
    /// The part of the key that may be shown.
    prefix: String,
    permissions: Vec<&'static str>,
    /// Where it may do that.
    scope: String,
    /// `active` or `revoked`.
    state: &'static str,
    rate_per_minute: u32,
    /// Networks that the key is good from; empty for anywhere.
    networks: Vec<String>,
    /// The key that took its place, if it was turned.
    replaced_by: Option<String>,
    created_by: String,
    created_at: String,
    expires_at: Option<String>,
    /// Within a minute.
    last_used_at: Option<String>,
}

impl From<ApiKey> for ApiKeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            permissions: names(key.permissions),
            scope: key.reach.to_string(),
            state: key.state.as_str(),
            rate_per_minute: key.rate_per_minute,
            networks: key.networks.texts().collect(),
            replaced_by: key.replaced_by.map(|id| id.to_string()),
            created_by: key.created_by,
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A new API key: the only time that `key` is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKeyMadeOut {
    id: String,
    /// For `Authorization: Bearer`.
    key: String,
    name: String,
    /// The part of the key that may be shown.
    prefix: String,
    permissions: Vec<&'static str>,
    rate_per_minute: u32,
    networks: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
}

impl ApiKeyMadeOut {
    pub(crate) fn new(key: ApiKey, secret: &KeySecret) -> Self {
        Self {
            id: key.id.to_string(),
            key: secret.text().expose().clone(),
            name: key.name,
            prefix: key.prefix,
            permissions: names(key.permissions),
            rate_per_minute: key.rate_per_minute,
            networks: key.networks.texts().collect(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
        }
    }
}

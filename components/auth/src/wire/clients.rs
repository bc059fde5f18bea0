//! How are OAuth clients said in JSON?

use super::{
    api_keys::{end, given},
    names,
};
use auth::{Client, ClientSecret};
use kernel::Fields;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An OAuth client to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientIn {
    #[schema(example = "Billing service")]
    pub(crate) name: String,
    /// What it may do at most; a token may be asked for with less. `GET /api/v1/admin/permissions` lists them.
    #[schema(example = json!(["events:write"]))]
    pub(crate) permissions: Vec<String>,
    /// RFC 3339; without it the client does not expire.
    pub(crate) expires_at: Option<String>,
    /// Requests a minute with its tokens; 60,000 unless given.
    pub(crate) rate_per_minute: Option<u32>,
    /// Networks that it may call from, such as `192.0.2.0/24`; anywhere unless given. At most 20.
    #[serde(default)]
    pub(crate) networks: Vec<String>,
    /// A JSON Web Key (Ed25519, P-256 or RSA), for `private_key_jwt`; then there is no secret.
    #[schema(value_type = Option<Object>)]
    pub(crate) public_key: Option<Value>,
}

/// What is to be changed of an OAuth client; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientPatch {
    name: Option<String>,
    /// All of them. Tokens that are out lose what the client loses.
    permissions: Option<Vec<String>>,
    /// RFC 3339; `null` takes the end away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
    rate_per_minute: Option<u32>,
    /// All of them; an empty list for anywhere.
    networks: Option<Vec<String>>,
    /// Another JSON Web Key.
    #[schema(value_type = Option<Object>)]
    public_key: Option<Value>,
}

impl ClientPatch {
    /// The change, its end read.
    pub(crate) fn read(self, fields: &mut Fields) -> auth::ClientPatch {
        auth::ClientPatch {
            name: self.name,
            permissions: self.permissions,
            rate_per_minute: self.rate_per_minute,
            networks: self.networks,
            public_key: self.public_key.map(|key| key.to_string()),
            expires_at: end(fields, self.expires_at),
        }
    }
}

/// An OAuth client, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientOut {
    /// The `client_id`.
    id: String,
    name: String,
    permissions: Vec<&'static str>,
    /// `active` or `revoked`.
    state: &'static str,
    rate_per_minute: u32,
    /// Networks that it may call from; empty for anywhere.
    networks: Vec<String>,
    /// The JSON Web Key that it signs with, if it does.
    #[schema(value_type = Option<Object>)]
    public_key: Option<Value>,
    /// When its secret was made, if it has one.
    secret_made_at: Option<String>,
    /// Until when the secret before that holds, if there is one.
    old_secret_until: Option<String>,
    created_by: String,
    created_at: String,
    updated_at: String,
    expires_at: Option<String>,
    /// Within a minute.
    last_used_at: Option<String>,
}

impl From<Client> for ClientOut {
    fn from(client: Client) -> Self {
        let text = |at: Option<kernel::Instant>| at.map(|at| at.to_string());
        Self {
            id: client.id.to_string(),
            permissions: names(client.permissions),
            state: client.state.as_str(),
            rate_per_minute: client.rate_per_minute,
            networks: client.networks.texts().collect(),
            public_key: client.public_key.and_then(|key| serde_json::from_str(key.as_str()).ok()),
            secret_made_at: text(client.secret_made_at),
            old_secret_until: text(client.old_secret_until),
            created_at: client.created_at.to_string(),
            updated_at: client.updated_at.to_string(),
            expires_at: text(client.expires_at),
            last_used_at: text(client.last_used_at),
            name: client.name,
            created_by: client.created_by,
        }
    }
}

/// A client with a new secret: the only time that it is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientMadeOut {
    /// The `client_id`.
    id: String,
    name: String,
    /// Left out if the client signs with a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    permissions: Vec<&'static str>,
    rate_per_minute: u32,
    networks: Vec<String>,
    /// Until when the secret before this one holds, if there is one.
    old_secret_until: Option<String>,
    created_at: String,
    expires_at: Option<String>,
}

impl ClientMadeOut {
    pub(crate) fn new(client: Client, secret: Option<&ClientSecret>) -> Self {
        Self {
            id: client.id.to_string(),
            client_secret: secret.map(|secret| secret.text().expose().clone()),
            permissions: names(client.permissions),
            rate_per_minute: client.rate_per_minute,
            networks: client.networks.texts().collect(),
            old_secret_until: client.old_secret_until.map(|at| at.to_string()),
            created_at: client.created_at.to_string(),
            expires_at: client.expires_at.map(|at| at.to_string()),
            name: client.name,
        }
    }
}

//! How do channels stand in the table `channels`?

use crate::{Channel, ChannelKind, Method, Setup, channel::Credential, route::Route};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{ChannelId, PageRequest, Secret};
use serde::{Deserialize, Serialize};
use vault::Column;

const GET: &str =
    "SELECT id, name, kind, config, secret, is_active, is_default, version, created_at, updated_at
    FROM channels WHERE tenant_id = ?1 AND id = ?2";
const LIST: &str =
    "SELECT id, name, kind, config, secret, is_active, is_default, version, created_at, updated_at
    FROM channels WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
const ROUTES: &str =
    "SELECT id, name, kind, is_active, is_default FROM channels WHERE tenant_id = ?1 ORDER BY id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM channels WHERE tenant_id = ?1";
const INSERT: &str = "INSERT INTO channels
    (tenant_id, id, name, kind, config, secret, is_active, is_default, version, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING RETURNING id";
const UPDATE: &str = "UPDATE channels SET name = ?3, kind = ?4, config = ?5, secret = ?6, is_active = ?7,
    is_default = ?8, version = ?9, created_at = ?10, updated_at = ?11
    WHERE tenant_id = ?1 AND id = ?2 AND NOT EXISTS (SELECT 1 FROM channels AS other
        WHERE other.tenant_id = ?1 AND lower(other.name) = lower(?3) AND other.id <> ?2)
    RETURNING id";
const DELETE: &str = "DELETE FROM channels WHERE tenant_id = ?1 AND id = ?2 RETURNING id";

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 7] = [GET, LIST, ROUTES, COUNT, INSERT, UPDATE, DELETE];

/// A channel with its sealed credential.
pub(crate) struct Stored {
    pub(crate) channel: Channel,
    pub(crate) sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigColumn {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    header_names: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialText {
    url: String,
    headers: Vec<(String, String)>,
}

/// What is sealed.
pub(crate) fn credential_text(credential: &Credential) -> Result<Secret<String>, DbError> {
    let text = CredentialText {
        url: credential.url.expose().clone(),
        headers: credential
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().clone()))
            .collect(),
    };
    encode(&text).map(Secret::new)
}

/// What was sealed.
pub(crate) fn credential(text: &Secret<Vec<u8>>) -> Result<Credential, DbError> {
    let text: CredentialText = serde_json::from_slice(text.expose())
        .map_err(|_| DbError::Decode { column: "secret".to_owned(), wanted: "a sealed credential" })?;
    Ok(Credential {
        url: Secret::new(text.url),
        headers: text.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
    })
}

fn encode(value: &impl Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| DbError::Engine(error.to_string()))
}

fn config(channel: &Channel) -> Result<String, DbError> {
    let address = channel.address.clone();
    encode(&match &channel.setup {
        Setup::Slack => ConfigColumn { address, method: None, header_names: Vec::new() },
        Setup::Webhook { method, header_names } => ConfigColumn {
            address,
            method: Some(method.as_str().to_owned()),
            header_names: header_names.clone(),
        },
    })
}

/// Reads the columns `kind` and `config`: the masked address, and the setup.
pub(crate) fn setup(row: &mut Row<'_>, kind: &str, config: &str) -> Result<(String, Setup), DbError> {
    let kind_of: ChannelKind = row.parse(kind)?;
    let text: String = row.get(config)?;
    let column: ConfigColumn =
        serde_json::from_str(&text).map_err(|_| row.surprise(config, "a channel's settings"))?;
    let setup = match kind_of {
        ChannelKind::InApp => return Err(row.surprise(kind, "a kind of channel")),
        ChannelKind::Slack => Setup::Slack,
        ChannelKind::Webhook => Setup::Webhook {
            method: column
                .method
                .and_then(|method| method.parse::<Method>().ok())
                .ok_or_else(|| row.surprise(config, "a method"))?,
            header_names: column.header_names,
        },
    };
    Ok((column.address, setup))
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let (address, setup) = setup(row, "kind", "config")?;
        Ok(Self {
            channel: Channel {
                id: row.parse("id")?,
                name: row.get("name")?,
                address,
                setup,
                is_active: row.get("is_active")?,
                is_default: row.get("is_default")?,
                version: row.get("version")?,
                created_at: row.get("created_at")?,
                updated_at: row.get("updated_at")?,
            },
            sealed: row.get("secret")?,
        })
    }
}

impl Decode for Route {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("id")?,
            name: row.get("name")?,
            kind: row.parse("kind")?,
            is_active: row.get("is_active")?,
            is_default: row.get("is_default")?,
        })
    }
}

fn row(stored: &Stored) -> Result<[Value; 10], DbError> {
    let channel = &stored.channel;
    Ok([
        Value::from(&channel.id),
        Value::from(&channel.name),
        channel.setup.kind().as_str().into(),
        config(channel)?.into(),
        stored.sealed.as_slice().into(),
        channel.is_active.into(),
        channel.is_default.into(),
        channel.version.into(),
        channel.created_at.into(),
        channel.updated_at.into(),
    ])
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ChannelId) -> Result<Option<Stored>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Stored>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

/// All channels of the tenant, of which there are few.
pub(crate) async fn routes(scope: &mut Scope<'_>) -> Result<Vec<Route>, DbError> {
    scope.all(ROUTES, []).await
}

pub(crate) async fn count(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(COUNT, []).await?.unwrap_or_default())
}

/// Whether the channel was put in; not if its name is taken.
pub(crate) async fn insert(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(INSERT, row(stored)?).await? == 1)
}

/// Whether the channel was changed; not if its new name is taken.
pub(crate) async fn update(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(UPDATE, row(stored)?).await? == 1)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &ChannelId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Credentials, for when the key that seals them is turned.
pub(crate) const SEALED: Column = Column {
    table: "channels",
    pick: "SELECT tenant_id, id, tenant_id || '/channels/' || id AS place, secret AS sealed FROM channels
        WHERE (tenant_id, id) > (?1, ?2) AND substr(secret, 1, length(?3)) <> ?3 ORDER BY tenant_id, id LIMIT ?4",
    put: "UPDATE channels SET secret = ?3 WHERE tenant_id = ?1 AND id = ?2 AND secret = ?4 RETURNING id",
    count: "SELECT COUNT(*) AS n FROM channels WHERE substr(secret, 1, length(?1)) <> ?1",
};

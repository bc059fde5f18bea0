//! The table `api_keys`.

use super::{blob, decode_permissions, encode_networks, encode_permissions, networks};
use crate::{ApiKey, ApiKeyFilter, ApiKeyState, digest::Digest, session::TOUCH};
use db::{DbError, Decode, Row, Scope};
use kernel::{ApiKeyId, Instant, PageRequest};

const INSERT: &str =
    "INSERT INTO api_keys (tenant_id, api_key_id, prefix, hash, name, permissions, state, rate_per_minute,
    created_by, created_at, expires_at, networks, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'active', ?7, ?8, ?9, ?10, ?11, ?12)";
const LIST: &str =
    "SELECT api_key_id, prefix, name, permissions, scope, state, rate_per_minute, networks, replaced_by, created_by, created_at,
    expires_at, last_used_at FROM api_keys WHERE tenant_id = ?1 AND api_key_id < ?2 AND (?3 IS NULL OR prefix = ?3)
    AND (?5 IS NULL OR state = ?5) AND (?6 IS NULL OR expires_at < ?6)
    AND (?7 IS NULL OR coalesce(last_used_at, created_at) < ?7) ORDER BY api_key_id DESC LIMIT ?4";
const GET: &str =
    "SELECT api_key_id, prefix, name, permissions, scope, state, rate_per_minute, networks, replaced_by, created_by, created_at,
    expires_at, last_used_at FROM api_keys WHERE tenant_id = ?1 AND api_key_id = ?2";
const REVOKE: &str = "UPDATE api_keys SET state = 'revoked', revoked_at = ?3
    WHERE tenant_id = ?1 AND api_key_id = ?2 AND state = 'active' RETURNING api_key_id AS id";
const UPDATE: &str =
    "UPDATE api_keys SET name = ?3, expires_at = ?4, rate_per_minute = ?5, networks = ?6, replaced_by = ?7
    WHERE tenant_id = ?1 AND api_key_id = ?2";
const TOUCHED: &str = "UPDATE api_keys SET last_used_at = ?3
    WHERE tenant_id = ?1 AND api_key_id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3 - ?4)";

impl Decode for ApiKey {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let permissions = decode_permissions(&row.get::<String>("permissions")?);
        Ok(Self {
            id: row.parse("api_key_id")?,
            prefix: row.get("prefix")?,
            name: row.get("name")?,
            permissions: permissions
                .ok_or_else(|| row.surprise("permissions", "the names of permissions"))?,
            reach: row.parse("scope")?,
            state: row.parse("state")?,
            rate_per_minute: row.get("rate_per_minute")?,
            networks: networks(row, "networks")?,
            replaced_by: row.parse_opt("replaced_by")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

pub(crate) async fn insert(scope: &mut Scope<'_>, key: &ApiKey, hash: &Digest) -> Result<(), DbError> {
    let parameters = [
        (&key.id).into(),
        key.prefix.as_str().into(),
        blob(hash),
        key.name.as_str().into(),
        encode_permissions(key.permissions).into(),
        key.rate_per_minute.into(),
        key.created_by.as_str().into(),
        key.created_at.into(),
        key.expires_at.into(),
        encode_networks(&key.networks).into(),
        key.reach.to_string().into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

/// The tenant's keys that the filter lets through, newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &ApiKeyFilter,
    page: &PageRequest,
) -> Result<Vec<ApiKey>, DbError> {
    let parameters = [
        page.after_or("key_~").into(),
        filter.prefix.as_deref().into(),
        page.probe().into(),
        filter.state.map(ApiKeyState::as_str).into(),
        filter.expires_before.into(),
        filter.unused_since.into(),
    ];
    scope.all(LIST, parameters).await
}

/// Writes what may change of a key.
pub(crate) async fn update(scope: &mut Scope<'_>, key: &ApiKey) -> Result<(), DbError> {
    let parameters = [
        (&key.id).into(),
        key.name.as_str().into(),
        key.expires_at.into(),
        key.rate_per_minute.into(),
        encode_networks(&key.networks).into(),
        key.replaced_by.as_ref().into(),
    ];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ApiKeyId) -> Result<Option<ApiKey>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// Revokes a key; false if it was revoked before.
pub(crate) async fn revoke(scope: &mut Scope<'_>, id: &ApiKeyId, now: Instant) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(REVOKE, [id.into(), now.into()]).await? == 1)
}

/// Notes that the key was used, at most once a minute.
pub(crate) async fn touch(scope: &mut Scope<'_>, id: &ApiKeyId, now: Instant) -> Result<(), DbError> {
    let parameters = [id.into(), now.into(), TOUCH.as_millis().into()];
    scope.run_for_effect(TOUCHED, parameters).await.map(drop)
}

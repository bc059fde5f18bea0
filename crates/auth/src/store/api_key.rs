//! The table `api_keys`.

use super::{blob, decode_permissions, encode_permissions};
use crate::{ApiKey, digest::Digest, session::TOUCH};
use db::{DbError, Decode, Row, Scope};
use kernel::{ApiKeyId, Instant, PageRequest};

const INSERT: &str =
    "INSERT INTO api_keys (tenant_id, api_key_id, prefix, hash, name, permissions, state, rate_per_minute,
    created_by, created_at, expires_at, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'active', ?7, ?8, ?9, ?10, ?11)";
const LIST: &str = "SELECT api_key_id, prefix, name, permissions, scope, state, rate_per_minute, created_by, created_at, expires_at,
    last_used_at FROM api_keys WHERE tenant_id = ?1 AND api_key_id < ?2 AND (?3 IS NULL OR prefix = ?3)
    ORDER BY api_key_id DESC LIMIT ?4";
const GET: &str = "SELECT api_key_id, prefix, name, permissions, scope, state, rate_per_minute, created_by, created_at, expires_at,
    last_used_at FROM api_keys WHERE tenant_id = ?1 AND api_key_id = ?2";
const REVOKE: &str = "UPDATE api_keys SET state = 'revoked', revoked_at = ?3
    WHERE tenant_id = ?1 AND api_key_id = ?2 AND state = 'active' RETURNING api_key_id AS id";
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
        key.reach.to_string().into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

/// The tenant's keys, newest first; only the one with `prefix` if that is given.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    prefix: Option<&str>,
    page: &PageRequest,
) -> Result<Vec<ApiKey>, DbError> {
    let parameters = [page.after_or("key_~").into(), prefix.into(), page.probe().into()];
    scope.all(LIST, parameters).await
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

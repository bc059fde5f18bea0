//! How do endpoints stand in the table `webhook_endpoints`?

use crate::{Disabled, ENDPOINTS_MAX, Endpoint};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{EndpointId, PageRequest};
use serde_json::json;
use vault::Column;

const GET: &str =
    "SELECT endpoint_id, url, description, secret, disabled_at, disabled_reason, version, created_at, updated_at
    FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id IN (SELECT value FROM json_each(?2))";
const LIST: &str =
    "SELECT endpoint_id, url, description, secret, disabled_at, disabled_reason, version, created_at, updated_at
    FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id > ?2 ORDER BY endpoint_id LIMIT ?3";
const INSERT: &str = "INSERT INTO webhook_endpoints
    (tenant_id, endpoint_id, url, description, secret, disabled_at, disabled_reason, version, created_at, updated_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
    WHERE (SELECT COUNT(*) FROM webhook_endpoints WHERE tenant_id = ?1) < ?11 RETURNING endpoint_id AS id";
const UPDATE: &str = "UPDATE webhook_endpoints SET url = ?3, description = ?4, secret = ?5, disabled_at = ?6,
    disabled_reason = ?7, version = ?8, created_at = ?9, updated_at = ?10
    WHERE tenant_id = ?1 AND endpoint_id = ?2 RETURNING endpoint_id AS id";
const DELETE: &str =
    "DELETE FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id = ?2 RETURNING endpoint_id AS id";

/// An endpoint with its sealed key.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) endpoint: Endpoint,
    pub(crate) sealed: Vec<u8>,
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let disabled = match row.get("disabled_at")? {
            Some(at) => Some(Disabled { at, reason: row.parse("disabled_reason")? }),
            None => None,
        };
        Ok(Self {
            endpoint: Endpoint {
                id: row.parse("endpoint_id")?,
                url: row.get("url")?,
                description: row.get("description")?,
                disabled,
                version: row.get("version")?,
                created_at: row.get("created_at")?,
                updated_at: row.get("updated_at")?,
            },
            sealed: row.get("secret")?,
        })
    }
}

fn row(stored: &Stored) -> [Value; 9] {
    let endpoint = &stored.endpoint;
    [
        Value::from(&endpoint.id),
        Value::from(&endpoint.url),
        endpoint.description.as_deref().into(),
        stored.sealed.as_slice().into(),
        endpoint.disabled.map(|disabled| disabled.at).into(),
        endpoint.disabled.map(|disabled| disabled.reason.as_str()).into(),
        endpoint.version.into(),
        endpoint.created_at.into(),
        endpoint.updated_at.into(),
    ]
}

/// Those of these endpoints that are there.
pub(crate) async fn some(scope: &mut Scope<'_>, ids: &[&EndpointId]) -> Result<Vec<Stored>, DbError> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    scope.all(GET, [Value::Text(json!(ids).to_string())]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &EndpointId) -> Result<Option<Stored>, DbError> {
    Ok(some(scope, &[id]).await?.pop())
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Stored>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

/// Whether the endpoint was put in; not if there are as many as there may be.
pub(crate) async fn insert(scope: &mut Scope<'_>, stored: &Stored) -> Result<bool, DbError> {
    let parameters: Vec<Value> = row(stored).into_iter().chain([ENDPOINTS_MAX.into()]).collect();
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

pub(crate) async fn update(scope: &mut Scope<'_>, stored: &Stored) -> Result<(), DbError> {
    scope.run_for_effect(UPDATE, row(stored)).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &EndpointId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Keys, for when the key that seals them is turned.
pub(crate) const SEALED: Column = Column {
    table: "webhook_endpoints",
    pick: "SELECT tenant_id, endpoint_id AS id, tenant_id || '/webhook_endpoints/' || endpoint_id AS place, secret AS sealed
        FROM webhook_endpoints WHERE (tenant_id, endpoint_id) > (?1, ?2) AND substr(secret, 1, length(?3)) <> ?3
        ORDER BY tenant_id, endpoint_id LIMIT ?4",
    put: "UPDATE webhook_endpoints SET secret = ?3 WHERE tenant_id = ?1 AND endpoint_id = ?2 AND secret = ?4
        RETURNING endpoint_id AS id",
    count: "SELECT COUNT(*) AS n FROM webhook_endpoints WHERE substr(secret, 1, length(?1)) <> ?1",
};

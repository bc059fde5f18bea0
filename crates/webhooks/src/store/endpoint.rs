//! How do endpoints stand in the table `webhook_endpoints`?

use crate::{Auth, Disabled, ENDPOINTS_MAX, Endpoint, Policy, Rate, policy};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{EndpointId, PageRequest, Span};
use serde_json::json;
use vault::Column;

macro_rules! columns {
    () => {
        "endpoint_id, url, description, customer, event_types, filter, body, headers, auth, signature, tags, metadata, schedule,
    timeout, rate_limit, rate_per, concurrency, ordering_key, secret, disabled_at, disabled_reason, version, created_at, updated_at"
    };
}

const GET: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id IN (SELECT value FROM json_each(?2))"
);
const ACTIVE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_endpoints WHERE tenant_id = ?1 AND disabled_at IS NULL ORDER BY endpoint_id"
);
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id > ?2 AND (?4 IS NULL OR customer = ?4)
    AND (?5 IS NULL OR (disabled_at IS NULL) = ?5)
    AND (?6 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?6)) ORDER BY endpoint_id LIMIT ?3"
);
const INSERT: &str = concat!(
    "INSERT INTO webhook_endpoints (tenant_id, ",
    columns!(),
    ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25
    WHERE (SELECT COUNT(*) FROM webhook_endpoints WHERE tenant_id = ?1) < ?26 RETURNING endpoint_id AS id"
);
const UPDATE: &str = "UPDATE webhook_endpoints SET url = ?3, description = ?4, customer = ?5, event_types = ?6, filter = ?7,
    body = ?8, headers = ?9, auth = ?10, signature = ?11, tags = ?12, metadata = ?13, schedule = ?14, timeout = ?15,
    rate_limit = ?16, rate_per = ?17, concurrency = ?18, ordering_key = ?19, secret = ?20, disabled_at = ?21,
    disabled_reason = ?22, version = ?23, created_at = ?24, updated_at = ?25
    WHERE tenant_id = ?1 AND endpoint_id = ?2 RETURNING endpoint_id AS id";
const DELETE: &str =
    "DELETE FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id = ?2 RETURNING endpoint_id AS id";

/// An endpoint with what is sealed of it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) endpoint: Endpoint,
    pub(crate) sealed: Vec<u8>,
}

/// Which endpoints are wanted.
#[derive(Debug, Clone, Default)]
pub struct EndpointFilter {
    /// Only this customer's.
    pub customer: Option<String>,
    /// Only those that something is sent to, or only the others.
    pub is_active: Option<bool>,
    /// Only those with this tag.
    pub tag: Option<String>,
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let disabled = match row.get("disabled_at")? {
            Some(at) => Some(Disabled { at, reason: row.parse("disabled_reason")? }),
            None => None,
        };
        let rate = row.get::<Option<u32>>("rate_limit")?.zip(row.get::<Option<i64>>("rate_per")?);
        let (schedule, auth): (String, String) = (row.get("schedule")?, row.get("auth")?);
        let (event_types, headers): (String, String) = (row.get("event_types")?, row.get("headers")?);
        let (tags, metadata): (String, String) = (row.get("tags")?, row.get("metadata")?);
        let (filter, body): (Option<String>, Option<String>) = (row.get("filter")?, row.get("body")?);
        let texts = |text: &str| -> Option<Vec<String>> { serde_json::from_str(text).ok() };
        let endpoint = Endpoint {
            id: row.parse("endpoint_id")?,
            url: row.get("url")?,
            description: row.get("description")?,
            customer: row.get("customer")?,
            event_types: texts(&event_types)
                .and_then(|types| types.iter().map(|text| text.parse().ok()).collect())
                .ok_or_else(|| row.surprise("event_types", "a list of types of events"))?,
            filter: json_of(filter, "filter", row)?,
            body: json_of(body, "body", row)?,
            headers: serde_json::from_str(&headers)
                .map_err(|_| row.surprise("headers", "names and texts"))?,
            auth: Auth::stored(&auth).ok_or_else(|| row.surprise("auth", "a way to be let in"))?,
            signature: row.parse("signature")?,
            tags: texts(&tags).ok_or_else(|| row.surprise("tags", "a list of words"))?,
            metadata: serde_json::from_str(&metadata)
                .map_err(|_| row.surprise("metadata", "names and texts"))?,
            policy: Policy {
                schedule: policy::stored(&schedule)
                    .ok_or_else(|| row.surprise("schedule", "a list of spans"))?,
                timeout: Span::millis(row.get("timeout")?),
                rate: rate.map(|(limit, per)| Rate { limit, per: Span::millis(per) }),
                concurrency: row.get("concurrency")?,
                ordering_key: row.get("ordering_key")?,
            },
            disabled,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        };
        Ok(Self { endpoint, sealed: row.get("secret")? })
    }
}

fn json_of(
    text: Option<String>,
    column: &'static str,
    row: &Row<'_>,
) -> Result<Option<serde_json::Value>, DbError> {
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|_| row.surprise(column, "JSON"))
}

fn row(stored: &Stored) -> Vec<Value> {
    let endpoint = &stored.endpoint;
    let policy = &endpoint.policy;
    let types: Vec<&str> = endpoint.event_types.iter().map(crate::EventType::as_str).collect();
    let waits: Vec<i64> = policy.schedule.iter().map(|wait| wait.as_millis()).collect();
    let json = |value: serde_json::Value| Value::Text(value.to_string());
    vec![
        Value::from(&endpoint.id),
        Value::from(&endpoint.url),
        endpoint.description.as_deref().into(),
        endpoint.customer.as_deref().into(),
        json(json!(types)),
        endpoint.filter.as_ref().map(ToString::to_string).into(),
        endpoint.body.as_ref().map(ToString::to_string).into(),
        json(json!(endpoint.headers)),
        json(endpoint.auth.shown()),
        endpoint.signature.as_str().into(),
        json(json!(endpoint.tags)),
        json(json!(endpoint.metadata)),
        json(json!(waits)),
        policy.timeout.as_millis().into(),
        policy.rate.map(|rate| rate.limit).into(),
        policy.rate.map(|rate| rate.per.as_millis()).into(),
        policy.concurrency.into(),
        policy.ordering_key.as_deref().into(),
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

/// Those to which something is sent.
pub(crate) async fn active(scope: &mut Scope<'_>) -> Result<Vec<Stored>, DbError> {
    scope.all(ACTIVE, []).await
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &EndpointFilter,
    page: &PageRequest,
) -> Result<Vec<Stored>, DbError> {
    let wanted = [
        page.after_or("").into(),
        page.probe().into(),
        filter.customer.as_deref().into(),
        filter.is_active.into(),
        filter.tag.as_deref().into(),
    ];
    scope.all(LIST, wanted).await
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

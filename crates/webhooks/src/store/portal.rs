//! How do links for customers stand in the table `webhook_portal_links`?

use crate::portal::{CUSTOMER_ENDPOINTS_MAX, PORTAL_LINKS_MAX, PortalLink};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{Instant, PageRequest, PortalLinkId, Secret};
use serde_json::json;

macro_rules! columns {
    () => {
        "link_id, customer, event_types, filter, return_url, created_by, created_at, expires_at"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO webhook_portal_links (tenant_id, ",
    columns!(),
    ", token_hash) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
    WHERE (SELECT COUNT(*) FROM webhook_portal_links WHERE tenant_id = ?1 AND customer = ?3 AND expires_at > ?8) < ?11
    RETURNING link_id AS id"
);
const SHOWN: &str = concat!(
    "SELECT ",
    columns!(),
    ", token_hash FROM webhook_portal_links WHERE tenant_id = ?1 AND link_id = ?2"
);
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_portal_links WHERE tenant_id = ?1 AND link_id > ?2 AND expires_at > ?4 AND (?5 IS NULL OR customer = ?5)
    ORDER BY link_id LIMIT ?3"
);
const DELETE: &str =
    "DELETE FROM webhook_portal_links WHERE tenant_id = ?1 AND link_id = ?2 RETURNING link_id AS id";
const FORGET: &str = "DELETE FROM webhook_portal_links WHERE tenant_id = ?1 AND link_id IN
    (SELECT link_id FROM webhook_portal_links WHERE tenant_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3)
    RETURNING link_id AS id";
const ROOM: &str =
    "SELECT COUNT(*) < ?3 AS has_room, coalesce(max(url = ?4), 0) AS is_known FROM webhook_endpoints
    WHERE tenant_id = ?1 AND customer = ?2";

impl Decode for PortalLink {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let (event_types, filter): (String, Option<String>) = (row.get("event_types")?, row.get("filter")?);
        let types: Option<Vec<String>> = serde_json::from_str(&event_types).ok();
        let types = types.and_then(|all| all.iter().map(|text| text.parse().ok()).collect());
        let filter = filter.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Self {
            id: row.parse("link_id")?,
            customer: row.get("customer")?,
            event_types: types.ok_or_else(|| row.surprise("event_types", "a list of types of events"))?,
            filter: filter.map_err(|_| row.surprise("filter", "JSON"))?,
            return_url: row.get("return_url")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// A link, with what is kept of its token.
pub(crate) struct Hashed {
    pub(crate) link: PortalLink,
    pub(crate) hash: Secret<Vec<u8>>,
}

impl Decode for Hashed {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { hash: Secret::new(row.get("token_hash")?), link: PortalLink::decode(row)? })
    }
}

/// Whether the link was put in; not if its customer has as many as there may be.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    link: &PortalLink,
    hash: &Secret<[u8; 32]>,
) -> Result<bool, DbError> {
    let types: Vec<&str> = link.event_types.iter().map(crate::EventType::as_str).collect();
    let values = [
        Value::from(&link.id),
        Value::from(&link.customer),
        Value::Text(json!(types).to_string()),
        link.filter.as_ref().map(ToString::to_string).into(),
        link.return_url.as_deref().into(),
        Value::from(&link.created_by),
        link.created_at.into(),
        link.expires_at.into(),
        hash.expose().as_slice().into(),
        PORTAL_LINKS_MAX.into(),
    ];
    Ok(scope.run_for_effect(INSERT, values).await? == 1)
}

pub(crate) async fn shown(scope: &mut Scope<'_>, id: &PortalLinkId) -> Result<Option<Hashed>, DbError> {
    scope.one(SHOWN, [id.into()]).await
}

/// Links that are good at `now`, oldest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    customer: Option<&str>,
    now: Instant,
    page: &PageRequest,
) -> Result<Vec<PortalLink>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into(), now.into(), customer.into()]).await
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &PortalLinkId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

/// Removes links whose time was over at `now`, at most `most`; how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, now: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [now.into(), most.into()]).await
}

/// What there is of a customer's endpoints already.
pub(crate) struct Room {
    /// Whether another one fits.
    pub(crate) has_room: bool,
    /// Whether one leads to the address that was asked about.
    pub(crate) is_known: bool,
}

impl Decode for Room {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { has_room: row.get("has_room")?, is_known: row.get("is_known")? })
    }
}

pub(crate) async fn room(scope: &mut Scope<'_>, customer: &str, url: &str) -> Result<Room, DbError> {
    let room = scope.one(ROOM, [customer.into(), CUSTOMER_ENDPOINTS_MAX.into(), url.into()]).await?;
    room.ok_or_else(|| DbError::Engine("a count returned no row".to_owned()))
}

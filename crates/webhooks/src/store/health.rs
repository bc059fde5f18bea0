//! How do endpoints fare, in the table `webhook_health`?

use crate::{Circuit, Health};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{EndpointId, TenantId};
use serde_json::json;
use std::collections::BTreeMap;

macro_rules! columns {
    () => {
        "circuit, failures, opened, open_until, failing_since, warned, last_success, last_failure, next_free_at"
    };
}

const SOME: &str = concat!(
    "SELECT tenant_id, endpoint_id, ",
    columns!(),
    " FROM webhook_health WHERE (tenant_id, endpoint_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))"
);
const OF_TENANT: &str = concat!(
    "SELECT tenant_id, endpoint_id, ",
    columns!(),
    " FROM webhook_health WHERE tenant_id = ?1 AND endpoint_id IN (SELECT value FROM json_each(?2))"
);
// An endpoint that was taken down meanwhile has none.
const PUT: &str = concat!(
    "INSERT INTO webhook_health (tenant_id, endpoint_id, ",
    columns!(),
    ") SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10 FROM json_each(?1)
    WHERE EXISTS (SELECT 1 FROM webhook_endpoints WHERE tenant_id = value ->> 0 AND endpoint_id = value ->> 1)
    ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET circuit = excluded.circuit, failures = excluded.failures,
        opened = excluded.opened, open_until = excluded.open_until, failing_since = excluded.failing_since,
        warned = excluded.warned, last_success = excluded.last_success, last_failure = excluded.last_failure,
        next_free_at = excluded.next_free_at"
);
const FORGET: &str =
    "DELETE FROM webhook_health WHERE tenant_id = ?1 AND endpoint_id = ?2 RETURNING endpoint_id AS id";

/// An endpoint, with whose it is.
pub(crate) type Whose = (TenantId, EndpointId);

struct Found(Whose, Health);

impl Decode for Found {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let circuit: String = row.get("circuit")?;
        let circuit = match (circuit.as_str(), row.get("open_until")?) {
            ("closed", None) => Circuit::Closed,
            ("open", Some(until)) => Circuit::Open { until },
            ("half_open", Some(until)) => Circuit::HalfOpen { until },
            _ => return Err(row.surprise("circuit", "a state of a circuit, with its time")),
        };
        let health = Health {
            circuit,
            failures: row.get("failures")?,
            opened: row.get("opened")?,
            failing_since: row.get("failing_since")?,
            warned: u8::try_from(row.get::<u32>("warned")?).unwrap_or(u8::MAX),
            last_success: row.get("last_success")?,
            last_failure: row.get("last_failure")?,
            next_free_at: row.get("next_free_at")?,
        };
        Ok(Self((row.parse("tenant_id")?, row.parse("endpoint_id")?), health))
    }
}

/// How these endpoints fare; those of which nothing is known fare well.
pub(crate) async fn some(
    all: &mut AllTenants<'_>,
    whose: &[&Whose],
) -> Result<BTreeMap<Whose, Health>, DbError> {
    if whose.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<_> = whose.iter().map(|(tenant, id)| json!([tenant.as_str(), id.as_str()])).collect();
    let found: Vec<Found> = all.all(SOME, [Value::Text(json!(names).to_string())]).await?;
    Ok(found.into_iter().map(|Found(whose, health)| (whose, health)).collect())
}

/// How these endpoints of a tenant fare.
pub(crate) async fn of_tenant(
    scope: &mut Scope<'_>,
    ids: &[&EndpointId],
) -> Result<BTreeMap<EndpointId, Health>, DbError> {
    let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let found: Vec<Found> = scope.all(OF_TENANT, [Value::Text(json!(names).to_string())]).await?;
    Ok(found.into_iter().map(|Found((_, id), health)| (id, health)).collect())
}

/// Writes down how endpoints fare, by one statement.
pub(crate) async fn put(all: &mut AllTenants<'_>, healths: &[(&Whose, &Health)]) -> Result<(), DbError> {
    if healths.is_empty() {
        return Ok(());
    }
    let line = |((tenant, id), health): &(&Whose, &Health)| {
        let millis = |at: Option<kernel::Instant>| at.map(kernel::Instant::millis);
        json!([
            tenant.as_str(),
            id.as_str(),
            health.circuit.as_str(),
            health.failures,
            health.opened,
            millis(health.circuit.until()),
            millis(health.failing_since),
            health.warned,
            millis(health.last_success),
            millis(health.last_failure),
            millis(health.next_free_at),
        ])
    };
    let lines: Vec<_> = healths.iter().map(line).collect();
    all.run_for_effect(PUT, [Value::Text(json!(lines).to_string())]).await.map(drop)
}

/// An endpoint that was changed begins anew.
pub(crate) async fn forget(scope: &mut Scope<'_>, id: &EndpointId) -> Result<(), DbError> {
    scope.run_for_effect(FORGET, [id.into()]).await.map(drop)
}

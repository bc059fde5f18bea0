//! Where do tenants stand? Their state and revisions, looked at inside the transaction that relies on them.

pub(crate) mod removal;

use db::{AllTenants, DbError, Decode, Row, Value};
use kernel::TenantId;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};

const STANDINGS: &str =
    "SELECT tenant_id, state = 'active' AS active, access_revision, rules_revision FROM tenants
    WHERE tenant_id IN (SELECT value FROM json_each(?1))";

/// Where a tenant stands at this moment.
pub(crate) struct Standing {
    tenant: TenantId,
    pub(crate) active: bool,
    pub(crate) access: i64,
    pub(crate) rules: i64,
}

impl Decode for Standing {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            active: row.get("active")?,
            access: row.get("access_revision")?,
            rules: row.get("rules_revision")?,
        })
    }
}

/// Where these tenants stand; one statement.
pub(crate) async fn standings(
    all: &mut AllTenants<'_>,
    tenants: &BTreeSet<&TenantId>,
) -> Result<HashMap<TenantId, Standing>, DbError> {
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.as_str()).collect();
    let rows: Vec<Standing> = all.all(STANDINGS, [Value::Text(json!(names).to_string())]).await?;
    Ok(rows.into_iter().map(|row| (row.tenant.clone(), row)).collect())
}

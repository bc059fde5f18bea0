//! The table `tenants`: its own row is all that a scope sees of it.

use super::settings;
use crate::{Tenant, TenantState};
use db::{DbError, Decode, Row, Scope};
use kernel::Instant;

const INSERT: &str = "INSERT INTO tenants (tenant_id, name, state, settings, created_at, updated_at)
    VALUES (?1, ?2, 'active', '{}', ?3, ?3) ON CONFLICT DO NOTHING RETURNING tenant_id AS id";
const GET: &str =
    "SELECT tenant_id, name, state, suspended_reason, deleting_at, settings, created_at, updated_at
    FROM tenants WHERE tenant_id = ?1";
// What follows from the settings stands in what instances keep: so the access revision moves too.
const UPDATE: &str = "UPDATE tenants SET name = ?2, settings = json_patch(settings, ?3),
    updated_at = ?4, access_revision = access_revision + 1 WHERE tenant_id = ?1";
const BUMP: &str = "UPDATE tenants SET access_revision = access_revision + 1 WHERE tenant_id = ?1";
const REVISION: &str = "SELECT state, suspended_reason, access_revision FROM tenants WHERE tenant_id = ?1";

impl Decode for Tenant {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("tenant_id")?,
            name: row.get("name")?,
            state: row.parse("state")?,
            suspended_reason: row.get("suspended_reason")?,
            deleting_at: row.get("deleting_at")?,
            settings: settings::column(row)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// What a cached principal is compared with.
pub(crate) struct Revision {
    pub(crate) state: TenantState,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) number: i64,
}

impl Decode for Revision {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            state: row.parse("state")?,
            suspended_reason: row.get("suspended_reason")?,
            number: row.get("access_revision")?,
        })
    }
}

/// Makes the tenant; false if it is there already.
pub(crate) async fn insert(scope: &mut Scope<'_>, name: &str, now: Instant) -> Result<bool, DbError> {
    let made = scope.run_for_effect(INSERT, [name.into(), now.into()]).await?;
    Ok(made == 1)
}

pub(crate) async fn get(scope: &mut Scope<'_>) -> Result<Option<Tenant>, DbError> {
    scope.one(GET, []).await
}

pub(crate) async fn update(scope: &mut Scope<'_>, tenant: &Tenant) -> Result<(), DbError> {
    let parameters =
        [tenant.name.as_str().into(), settings::patch(&tenant.settings).into(), tenant.updated_at.into()];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

/// Tells every instance that what it remembers of this tenant's principals is stale.
pub(crate) async fn bump_access(scope: &mut Scope<'_>) -> Result<(), DbError> {
    scope.run_for_effect(BUMP, []).await.map(drop)
}

pub(crate) async fn revision(scope: &mut Scope<'_>) -> Result<Option<Revision>, DbError> {
    scope.one(REVISION, []).await
}

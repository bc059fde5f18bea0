//! The table `tenants`, for those who run the platform: all of its rows.

use crate::{OrganizationFilter, Standing, Tenant};
use db::{AllTenants, DbError, Scope};
use kernel::PageRequest;

const LIST: &str =
    "SELECT tenant_id, name, state, suspended_reason, deleting_at, settings, created_at, updated_at
    FROM tenants WHERE tenant_id > ?1
        AND (?2 IS NULL OR CASE WHEN deleting_at IS NULL THEN state ELSE 'deleting' END = ?2)
        AND (?3 IS NULL OR instr(lower(tenant_id || char(10) || name), lower(?3)) > 0)
    ORDER BY tenant_id LIMIT ?4";
// Instances keep who may come in: so the access revision moves too.
const TURN: &str = "UPDATE tenants SET state = ?2, suspended_reason = ?3, deleting_at = ?4, updated_at = ?5,
    access_revision = access_revision + 1 WHERE tenant_id = ?1";

pub(crate) async fn list(
    all: &mut AllTenants<'_>,
    filter: &OrganizationFilter,
    page: &PageRequest,
) -> Result<Vec<Tenant>, DbError> {
    let parameters = [
        page.after_or("").into(),
        filter.standing.map(Standing::as_str).into(),
        filter.text.as_deref().into(),
        page.probe().into(),
    ];
    all.all(LIST, parameters).await
}

/// Writes how the tenant of the scope stands.
pub(crate) async fn turn(scope: &mut Scope<'_>, tenant: &Tenant) -> Result<(), DbError> {
    let parameters = [
        tenant.state.as_str().into(),
        tenant.suspended_reason.as_deref().into(),
        tenant.deleting_at.into(),
        tenant.updated_at.into(),
    ];
    scope.run_for_effect(TURN, parameters).await.map(drop)
}

//! What does a tenant see and change of itself? Another's is not there.

use crate::wire::{OrganizationOut, OrganizationPatch};
use auth::{AuthError, Tenant, service};
use axum::extract::Path;
use edge::{Authorized, Faults, IfMatch, Json, List, Paging, Problem, Shown, needs};
use kernel::{Call, Page};

fn own(call: &Call, id: &str) -> Result<(), AuthError> {
    if id == call.tenant().as_str() { Ok(()) } else { Err(AuthError::NotFound("organization")) }
}

fn shown(tenant: Tenant) -> Shown<OrganizationOut> {
    let version = tenant.updated_at.millis();
    Shown::as_is("organization", tenant.into()).version(version)
}

/// List organizations
///
/// Those that the credential belongs to: one. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/organizations", tag = "admin",
    responses((status = 200, body = List<OrganizationOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_organizations(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<OrganizationOut>, Problem> {
    let tenant = service::tenant(&caller.world.db, &caller.call).await?;
    let items = if paging.request.after.is_none() { vec![tenant] } else { Vec::new() };
    Ok(paging.list(Page { items, next: None }, OrganizationOut::from))
}

/// Get an organization
///
/// Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/organizations/{id}", tag = "admin",
    params(("id" = String, Path, description = "The slug.")),
    responses((status = 200, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_organization(
    caller: Authorized<needs::AccessRead>,
    Path(id): Path<String>,
) -> Result<Shown<OrganizationOut>, Problem> {
    own(&caller.call, &id)?;
    Ok(shown(service::tenant(&caller.world.db, &caller.call).await?))
}

/// Change an organization
///
/// Its name and settings; what is left out stays. Needs `settings:write`.
#[utoipa::path(patch, path = "/api/v1/admin/organizations/{id}", tag = "admin",
    params(("id" = String, Path, description = "The slug."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = OrganizationPatch,
    responses((status = 200, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_organization(
    caller: Authorized<needs::SettingsWrite>,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    Json(body): Json<OrganizationPatch>,
) -> Result<Shown<OrganizationOut>, Problem> {
    own(&caller.call, &id)?;
    let changed = service::change_tenant(&caller.world.db, &caller.call, version, body.into()).await?;
    Ok(shown(changed))
}

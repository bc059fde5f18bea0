//! What does a tenant see and change of itself, and those who run the platform of all? Another's is not there.

use crate::wire::{OrganizationFilter, OrganizationIn, OrganizationOut, OrganizationPatch};
use auth::{AuthError, NewOrganization, Tenant, service};
use axum::extract::Path;
use edge::{
    Authorized, Confirmed, Faults, IfMatch, Json, List, Paging, Problem, Query, Shown, Steward, needs,
};
use kernel::{Call, FieldFault, Page, TenantId};

fn own(call: &Call, id: &str) -> Result<(), AuthError> {
    if id == call.tenant().as_str() { Ok(()) } else { Err(AuthError::NotFound("organization")) }
}

fn read(id: &str) -> Result<TenantId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound("organization"))
}

fn shown(tenant: Tenant) -> Shown<OrganizationOut> {
    let version = tenant.updated_at.millis();
    Shown::as_is("organization", tenant.into()).version(version)
}

/// List organizations
///
/// The caller's own, which needs `access:read`; for those who run the platform all of them, by slug, which needs
/// `tenants:read`.
#[utoipa::path(get, path = "/api/v1/admin/organizations", tag = "admin", params(OrganizationFilter),
    responses((status = 200, body = List<OrganizationOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_organizations(
    caller: Steward<needs::TenantsRead, needs::AccessRead>,
    Query(wanted): Query<OrganizationFilter>,
    paging: Paging,
) -> Result<List<OrganizationOut>, Problem> {
    let filter = wanted.try_into().map_err(Problem::fields)?;
    let page = match caller {
        Steward::OfAll(caller) => {
            service::organizations(&caller.world.db, &caller.call, &filter, &paging.request).await?
        }
        Steward::OfOwn(caller) => {
            let tenant = service::tenant(&caller.world.db, &caller.call).await?;
            let items = if paging.request.after.is_none() { vec![tenant] } else { Vec::new() };
            Page { items, next: None }
        }
    };
    Ok(paging.list(page, OrganizationOut::from))
}

/// Create an organization
///
/// With its roles and its owner. Only for those who run the platform: needs `tenants:write`.
#[utoipa::path(post, path = "/api/v1/admin/organizations", tag = "admin", request_body = OrganizationIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_organization(
    caller: Authorized<needs::TenantsWrite>,
    Json(body): Json<OrganizationIn>,
) -> Result<Shown<OrganizationOut>, Problem> {
    let owner = &body.owner;
    let new =
        NewOrganization::new(&body.id, &body.name, &owner.email, &owner.name, owner.password.as_deref());
    let new = new.map_err(Problem::fields)?;
    let tenant = service::create_organization(&caller.world.db, &caller.call, new).await?;
    let location = format!("/api/v1/admin/organizations/{}", tenant.id);
    let version = tenant.updated_at.millis();
    Ok(Shown::created("organization", tenant.into(), location).version(version))
}

/// Get an organization
///
/// The caller's own, which needs `access:read`; any, which needs `tenants:read`.
#[utoipa::path(get, path = "/api/v1/admin/organizations/{id}", tag = "admin",
    params(("id" = String, Path, description = "The slug.")),
    responses((status = 200, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_organization(
    caller: Steward<needs::TenantsRead, needs::AccessRead>,
    Path(id): Path<String>,
) -> Result<Shown<OrganizationOut>, Problem> {
    Ok(shown(match caller {
        Steward::OfAll(caller) => service::organization(&caller.world.db, &caller.call, &read(&id)?).await?,
        Steward::OfOwn(caller) => {
            own(&caller.call, &id)?;
            service::tenant(&caller.world.db, &caller.call).await?
        }
    }))
}

/// Change an organization
///
/// Its name and settings; what is left out stays. The caller's own, which needs `settings:write`; any, which needs
/// `tenants:write`. Those who run the platform also suspend one, with a reason that its people are told, and resume it: while
/// it is suspended its requests are refused and its jobs wait.
#[utoipa::path(patch, path = "/api/v1/admin/organizations/{id}", tag = "admin",
    params(("id" = String, Path, description = "The slug."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = OrganizationPatch,
    responses((status = 200, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_organization(
    caller: Steward<needs::TenantsWrite, needs::SettingsWrite>,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    Json(body): Json<OrganizationPatch>,
) -> Result<Shown<OrganizationOut>, Problem> {
    Ok(shown(match caller {
        Steward::OfAll(caller) => {
            let patch = body.try_into().map_err(Problem::fields)?;
            let (db, call) = (&caller.world.db, &caller.call);
            service::change_organization(db, call, &read(&id)?, version, patch).await?
        }
        Steward::OfOwn(caller) => {
            own(&caller.call, &id)?;
            own_patch(&body)?;
            service::change_tenant(&caller.world.db, &caller.call, version, body.into()).await?
        }
    }))
}

/// A tenant's own people do not change its state.
fn own_patch(body: &OrganizationPatch) -> Result<(), Problem> {
    let given = [("state", body.state.is_some()), ("reason", body.reason.is_some())];
    let words = "is changed by those who run the installation only";
    let faults: Vec<FieldFault> =
        given.iter().filter(|(_, given)| *given).map(|(name, _)| FieldFault::new(*name, words)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults)) }
}

/// Delete an organization
///
/// Only a suspended one. It is `deleting` at once; the queue removes all that it had, in small steps, and its audit with
/// it. Only for those who run the platform: needs `tenants:write`, and a proof of
/// who you are within the last 15 minutes.
#[utoipa::path(delete, path = "/api/v1/admin/organizations/{id}", tag = "admin",
    params(("id" = String, Path, description = "The slug."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the deletion is based on.")),
    responses((status = 202, body = OrganizationOut), Faults), security(("bearer" = [])))]
pub(super) async fn delete_organization(
    caller: Confirmed<needs::TenantsWrite>,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
) -> Result<Shown<OrganizationOut>, Problem> {
    let (db, call) = (&caller.world.db, &caller.call);
    let tenant = pipeline::remove_organization(db, call, &read(&id)?, version).await?;
    Ok(Shown::accepted("organization", tenant.into()))
}

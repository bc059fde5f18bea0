//! Which roles and permissions are there?

use crate::wire::{PermissionOut, RoleIn, RoleOut, RolePatch};
use auth::{NewRole, Role, service};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Shown, needs};
use kernel::{Page, Permission, Permissions, RoleId};

fn shown(role: Role) -> Shown<RoleOut> {
    let version = role.version;
    Shown::as_is("role", role.into()).version(version)
}

/// List roles
///
/// Those that every tenant has, and its own. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/roles", tag = "admin",
    responses((status = 200, body = List<RoleOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_roles(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<RoleOut>, Problem> {
    let page = service::roles(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, RoleOut::from))
}

/// Create a role
///
/// Of permissions that the caller has. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/roles", tag = "admin", request_body = RoleIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = RoleOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_role(
    caller: Authorized<needs::AccessWrite>,
    Json(body): Json<RoleIn>,
) -> Result<Shown<RoleOut>, Problem> {
    let new = NewRole::new(caller.call.tenant(), &body.name, body.description, &body.permissions);
    let new = new.map_err(Problem::fields)?;
    let role = service::create_role(&caller.world.db, &caller.call, new).await?;
    let (location, version) = (format!("/api/v1/admin/roles/{}", role.id), role.version);
    Ok(Shown::created("role", role.into(), location).version(version))
}

/// Get a role
///
/// Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/roles/{id}", tag = "admin",
    params(("id" = String, Path, description = "rol_…")),
    responses((status = 200, body = RoleOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_role(
    caller: Authorized<needs::AccessRead>,
    Id(id): Id<RoleId>,
) -> Result<Shown<RoleOut>, Problem> {
    Ok(shown(service::role(&caller.world.db, &caller.call, &id).await?))
}

/// Change a role
///
/// What it says then counts for everybody who has it, from their next request on. Built-in roles stay as they are. Nobody
/// changes a role that may do more than they may, nor makes one so. Needs `access:write`.
#[utoipa::path(patch, path = "/api/v1/admin/roles/{id}", tag = "admin",
    params(("id" = String, Path, description = "rol_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = RolePatch,
    responses((status = 200, body = RoleOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_role(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<RoleId>,
    IfMatch(version): IfMatch,
    Json(body): Json<RolePatch>,
) -> Result<Shown<RoleOut>, Problem> {
    let patch = body.into();
    Ok(shown(service::change_role(&caller.world.db, &caller.call, &id, version, patch).await?))
}

/// Delete a role
///
/// Only one that nobody has. Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/roles/{id}", tag = "admin",
    params(("id" = String, Path, description = "rol_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the deletion is based on.")),
    responses((status = 204, description = "The role is gone."), Faults), security(("bearer" = [])))]
pub(super) async fn delete_role(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<RoleId>,
    IfMatch(version): IfMatch,
) -> Result<NoContent, Problem> {
    service::delete_role(&caller.world.db, &caller.call, &id, version).await?;
    Ok(NoContent)
}

/// List permissions
///
/// All that a role of this tenant can hold, by name; `granted` tells whether the caller has it. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/permissions", tag = "admin",
    responses((status = 200, body = List<PermissionOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_permissions(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<PermissionOut>, Problem> {
    let mut all: Vec<Permission> = Permissions::of(caller.call.tenant()).iter().collect();
    all.sort_by_key(|permission| permission.as_str());
    let after = paging.request.after_or("").to_owned();
    all.retain(|permission| permission.as_str() > after.as_str());
    let page = Page::cut(all, &paging.request, |permission| permission.as_str().to_owned());
    Ok(paging.list(page, |permission| PermissionOut {
        id: permission.as_str(),
        description: permission.description(),
        granted: caller.call.principal.may(permission),
    }))
}

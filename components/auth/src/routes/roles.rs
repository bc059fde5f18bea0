//! Which roles and permissions are there, and who gets them?

use crate::wire::{BindingIn, BindingQuery, PermissionOut, RoleOut, UserOut};
use auth::service;
use edge::{Authorized, Faults, Json, List, Paging, Problem, Query, Shown, needs};
use kernel::{Fields, Page, Permission, RoleId, UserId};

/// List roles
///
/// Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/roles", tag = "admin",
    responses((status = 200, body = List<RoleOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_roles(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<RoleOut>, Problem> {
    let page = service::roles(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, RoleOut::from))
}

/// List permissions
///
/// All that there are, by name; `granted` tells whether the caller has it. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/permissions", tag = "admin",
    responses((status = 200, body = List<PermissionOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_permissions(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<PermissionOut>, Problem> {
    let mut all: Vec<Permission> = Permission::ALL.to_vec();
    all.sort_by_key(|permission| permission.as_str());
    let after = paging.request.after_or("").to_owned();
    all.retain(|permission| permission.as_str() > after.as_str());
    let page = Page::cut(all, &paging.request, |permission| permission.as_str().to_owned());
    Ok(paging.list(page, |permission| PermissionOut {
        id: permission.as_str(),
        granted: caller.call.principal.may(permission),
    }))
}

fn read(user: &str, role: &str) -> Result<(UserId, RoleId), Problem> {
    let mut fields = Fields::new();
    let user: Option<UserId> = fields.take("user_id", user.parse());
    let role: Option<RoleId> = fields.take("role_id", role.parse());
    fields.give(user.zip(role)).map_err(Problem::fields)
}

/// Bind a role
///
/// Gives a user a role. Nobody gives a role with permissions that they lack. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/role-bindings", tag = "admin", request_body = BindingIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn bind_role(
    caller: Authorized<needs::AccessWrite>,
    Json(body): Json<BindingIn>,
) -> Result<Shown<UserOut>, Problem> {
    let (user, role) = read(&body.user_id, &body.role_id)?;
    let member = service::bind_role(&caller.world.db, &caller.call, &user, &role).await?;
    let location = format!("/api/v1/admin/users/{user}");
    Ok(Shown::created("user", member.into(), location))
}

/// Unbind a role
///
/// Takes a role from a user; the last owner stays. Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/role-bindings", tag = "admin", params(BindingQuery),
    responses((status = 200, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn unbind_role(
    caller: Authorized<needs::AccessWrite>,
    Query(wanted): Query<BindingQuery>,
) -> Result<Shown<UserOut>, Problem> {
    let (user, role) = read(&wanted.user_id, &wanted.role_id)?;
    let member = service::unbind_role(&caller.world.db, &caller.call, &user, &role).await?;
    Ok(Shown::as_is("user", member.into()))
}

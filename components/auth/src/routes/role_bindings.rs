//! Who gets which role, and for what part of the tenant?

use crate::wire::{BindingFilter, BindingIn, BindingOut, BindingQuery, UserOut};
use auth::service;
use edge::{Authorized, Faults, Json, List, Paging, Problem, Query, Shown, needs};
use kernel::{Fields, Reach, RoleId, UserId};

fn read(user: &str, role: &str, scope: Option<&str>) -> Result<(UserId, RoleId, Reach), Problem> {
    let mut fields = Fields::new();
    let user: Option<UserId> = fields.take("user_id", user.parse());
    let role: Option<RoleId> = fields.take("role_id", role.parse());
    let reach = scope.map_or(Some(Reach::Everything), |text| fields.take("scope", text.parse()));
    let ((user, role), reach) = fields.give(user.zip(role).zip(reach)).map_err(Problem::fields)?;
    Ok((user, role, reach))
}

/// List role bindings
///
/// By user; who has which role, and where. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/role-bindings", tag = "admin", params(BindingFilter),
    responses((status = 200, body = List<BindingOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_bindings(
    caller: Authorized<needs::AccessRead>,
    Query(wanted): Query<BindingFilter>,
    paging: Paging,
) -> Result<List<BindingOut>, Problem> {
    let mut fields = Fields::new();
    let user = wanted.user_id.and_then(|text| fields.take("user_id", text.parse()));
    let role = wanted.role_id.and_then(|text| fields.take("role_id", text.parse()));
    fields.done().map_err(Problem::fields)?;
    let filter = service::BindingFilter { user, role };
    let page = service::bindings(&caller.world.db, &caller.call, &filter, &paging.request).await?;
    Ok(paging.list(page, BindingOut::from))
}

/// Bind a role
///
/// Gives a user a role, for the whole tenant or for the part that `scope` names. Nobody gives a role with permissions that
/// they lack there, and nobody gives one to themselves. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/role-bindings", tag = "admin", request_body = BindingIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn bind_role(
    caller: Authorized<needs::AccessWrite>,
    Json(body): Json<BindingIn>,
) -> Result<Shown<UserOut>, Problem> {
    let (user, role, reach) = read(&body.user_id, &body.role_id, body.scope.as_deref())?;
    let member = service::bind_role_at(&caller.world.db, &caller.call, &user, &role, &reach).await?;
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
    let (user, role, reach) = read(&wanted.user_id, &wanted.role_id, wanted.scope.as_deref())?;
    let member = service::unbind_role_at(&caller.world.db, &caller.call, &user, &role, &reach).await?;
    Ok(Shown::as_is("user", member.into()))
}

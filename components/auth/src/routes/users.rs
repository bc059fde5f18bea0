//! How is a tenant's list of users kept?

use crate::wire::{UserIn, UserOut, UserPatch};
use auth::{AuthError, Member, NewUser, service};
use axum::{extract::Path, response::NoContent};
use edge::{Authorized, Faults, IfMatch, Json, List, Paging, Problem, Shown, needs};
use kernel::UserId;

fn read(id: &str) -> Result<UserId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound("user"))
}

fn shown(member: Member) -> Shown<UserOut> {
    let version = member.user.version;
    Shown::as_is("user", member.into()).version(version)
}

/// List users
///
/// Oldest first. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/users", tag = "admin",
    responses((status = 200, body = List<UserOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_users(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<UserOut>, Problem> {
    let page = service::users(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, UserOut::from))
}

/// Create a user
///
/// Without any role, and without a password: nobody chooses another's. Bind roles afterwards, and invite the user by
/// `/api/v1/admin/users/{id}/invite` to choose a password; or invite a new user right away by `/api/v1/admin/invitations`.
/// Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/users", tag = "admin", request_body = UserIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_user(
    caller: Authorized<needs::AccessWrite>,
    Json(body): Json<UserIn>,
) -> Result<Shown<UserOut>, Problem> {
    let new = NewUser::new(&body.email, &body.name, None).map_err(Problem::fields)?;
    let member = service::create_user(&caller.world.db, &caller.call, new).await?;
    let (location, version) = (format!("/api/v1/admin/users/{}", member.user.id), member.user.version);
    Ok(Shown::created("user", member.into(), location).version(version))
}

/// Get a user
///
/// Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", tag = "admin",
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 200, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_user(
    caller: Authorized<needs::AccessRead>,
    Path(id): Path<String>,
) -> Result<Shown<UserOut>, Problem> {
    Ok(shown(service::user(&caller.world.db, &caller.call, &read(&id)?).await?))
}

/// Change a user
///
/// Renames, disables or enables; a disabled user's sessions end at once. Nobody changes a user who may do more than they
/// may, and the last owner stays. Needs `access:write`.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", tag = "admin",
    params(("id" = String, Path, description = "usr_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = UserPatch,
    responses((status = 200, body = UserOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_user(
    caller: Authorized<needs::AccessWrite>,
    Path(id): Path<String>,
    IfMatch(version): IfMatch,
    Json(body): Json<UserPatch>,
) -> Result<Shown<UserOut>, Problem> {
    let patch = body.into();
    let member = service::change_user(&caller.world.db, &caller.call, &read(&id)?, version, patch).await?;
    Ok(shown(member))
}

/// Delete a user
///
/// With their sessions and roles; what they did stays in the audit. Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", tag = "admin",
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 204, description = "The user is gone."), Faults), security(("bearer" = [])))]
pub(super) async fn delete_user(
    caller: Authorized<needs::AccessWrite>,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    service::delete_user(&caller.world.db, &caller.call, &read(&id)?).await?;
    Ok(NoContent)
}

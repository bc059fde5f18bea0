//! What may somebody do with their own account? See it, end its sessions, change its password.

use crate::wire::{CsrfOut, EndedOut, MeOut, PasswordIn, SessionOut};
use auth::{AuthError, Credential, service};
use axum::{
    Extension,
    extract::Path,
    response::{IntoResponse, NoContent, Response},
};
use edge::{Authorized, Faults, Json, List, Paging, Problem, Shown, Unspecific, Visitor, needs};
use http::{HeaderValue, header};
use kernel::Secret;
use std::sync::Arc;

/// Log out
///
/// Ends the session: its access tokens, its refresh token and its cookie are refused from the next request on.
#[utoipa::path(post, path = "/api/v1/logout", tag = "auth",
    responses((status = 204, description = "The session is ended."), Faults), security(("bearer" = [])))]
pub(super) async fn logout(caller: Authorized<needs::OwnAccount>) -> Result<Response, Problem> {
    service::logout(&caller.world.db, &caller.call).await?;
    let mut response = NoContent.into_response();
    let value = HeaderValue::from_str(&edge::session_cookie(None)).map_err(|_| Unspecific::Internal)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(response)
}

/// Who am I?
///
/// The user behind the token or cookie, with roles and permissions.
#[utoipa::path(get, path = "/api/v1/auth/user", tag = "auth",
    responses((status = 200, body = MeOut), Faults), security(("bearer" = [])))]
pub(super) async fn me(caller: Authorized<needs::OwnAccount>) -> Result<Shown<MeOut>, Problem> {
    let member = service::me(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("user", MeOut::new(&member, caller.call.tenant())))
}

/// The CSRF token
///
/// What a browser with a session cookie must send as `X-CSRF-Token` with every change.
#[utoipa::path(get, path = "/api/v1/auth/csrf", tag = "auth",
    responses((status = 200, body = CsrfOut), Faults), security(("bearer" = [])))]
pub(super) async fn csrf(
    _: Authorized<needs::OwnAccount>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Shown<CsrfOut>, Problem> {
    match visitor.credential() {
        Some(Credential::Cookie(cookie)) => {
            let out = CsrfOut { csrf_token: edge::csrf_token(cookie) };
            Ok(Shown::as_is("csrf_token", out).confidential())
        }
        // A bearer is not sent by browsers of their own accord, so it needs no such token.
        Some(Credential::Bearer(_)) | None => Err(AuthError::NotFound("CSRF token for a bearer").into()),
    }
}

/// Change the password
///
/// Needs the present one. All other sessions of the user end, and a letter tells of it.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", request_body = PasswordIn,
    responses((status = 204, description = "The password is changed."), Faults), security(("bearer" = [])))]
pub(super) async fn change_password(
    caller: Authorized<needs::OwnAccount>,
    Json(body): Json<PasswordIn>,
) -> Result<NoContent, Problem> {
    let (present, new) = (Secret::new(body.current_password), Secret::new(body.new_password));
    let (world, call) = (&caller.world, &caller.call);
    service::change_password(&world.db, &world.hashing, &world.vault()?, call, &present, &new).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(NoContent)
}

/// List my sessions
///
/// Newest first; on which device and where each was begun, and when it was used last.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth",
    responses((status = 200, body = List<SessionOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_sessions(
    caller: Authorized<needs::OwnAccount>,
    paging: Paging,
) -> Result<List<SessionOut>, Problem> {
    let (page, limits) = service::sessions(&caller.world.db, &caller.call, &paging.request).await?;
    let actor = &caller.call.principal.actor;
    Ok(paging.list(page, |session| SessionOut::new(session, actor, &limits)))
}

/// End one of my sessions
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "auth",
    params(("id" = String, Path, description = "ses_…")),
    responses((status = 204, description = "The session is ended."), Faults), security(("bearer" = [])))]
pub(super) async fn revoke_session(
    caller: Authorized<needs::OwnAccount>,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    let id = id.parse().map_err(|_| AuthError::NotFound("session"))?;
    service::revoke_session(&caller.world.db, &caller.call, &id).await?;
    Ok(NoContent)
}

/// End all my sessions
///
/// This one too.
#[utoipa::path(delete, path = "/api/v1/auth/sessions", tag = "auth",
    responses((status = 200, body = EndedOut), Faults), security(("bearer" = [])))]
pub(super) async fn revoke_sessions(
    caller: Authorized<needs::OwnAccount>,
) -> Result<Shown<EndedOut>, Problem> {
    let ended = service::revoke_all_sessions(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("sessions_ended", EndedOut { ended }))
}

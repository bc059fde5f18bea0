//! How are people asked to join a tenant, and how do they accept?

use super::sign_in::{post, spend, tokens, visit};
use crate::wire::{AcceptIn, InvitationFilter, InvitationIn, InvitationOut, InviteIn, InvitedOut};
use auth::{
    AuthError, InvitationState, NewInvitation, TicketSecret,
    service::{self, Acceptance},
};
use axum::{
    Extension,
    extract::Path,
    response::{NoContent, Response},
};
use edge::{
    Authorized, Faults, Id, Json, List, Paging, Problem, Query, Shown, Unspecific, Visitor, World, needs,
};
use http::HeaderMap;
use kernel::{InvitationId, Secret, UserId};
use std::sync::Arc;

/// Acceptances a minute from one address.
const ACCEPTANCES: u32 = 30;

fn shown(world: &World, invited: service::Invited) -> Shown<InvitedOut> {
    guest::nudge(&world.settings.internal_token);
    let location = format!("/api/v1/admin/invitations/{}", invited.invitation.id);
    Shown::created("invitation", invited.into(), location).confidential()
}

/// List invitations
///
/// Newest first. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/invitations", tag = "admin", params(InvitationFilter),
    responses((status = 200, body = List<InvitationOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_invitations(
    caller: Authorized<needs::AccessRead>,
    Query(filter): Query<InvitationFilter>,
    paging: Paging,
) -> Result<List<InvitationOut>, Problem> {
    let state: Option<InvitationState> = filter
        .state
        .map(|text| text.parse())
        .transpose()
        .map_err(|()| Problem::field("state", "is not one of pending, accepted, revoked"))?;
    let page = service::invitations(&caller.world.db, &caller.call, state, &paging.request).await?;
    Ok(paging.list(page, InvitationOut::from))
}

/// Invite somebody
///
/// By a letter, or by a link that the answer shows once. The link works once, for seven days; another invitation for the
/// same address ends this one. Nobody invites with a role that may do more than they may. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/invitations", tag = "admin", request_body = InvitationIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = InvitedOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_invitation(
    caller: Authorized<needs::AccessWrite>,
    Json(body): Json<InvitationIn>,
) -> Result<Shown<InvitedOut>, Problem> {
    let new = NewInvitation::new(&body.email, body.name.as_deref(), &body.role_ids);
    let new = new.map_err(Problem::fields)?;
    let (world, vault) = (&caller.world, caller.world.vault()?);
    let by = body.send.into();
    let invited = service::invite(&world.db, &caller.call, post(world, &vault), new, by).await?;
    Ok(shown(world, invited))
}

/// Get an invitation
///
/// Without its link. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/invitations/{id}", tag = "admin",
    params(("id" = String, Path, description = "inv_…")),
    responses((status = 200, body = InvitationOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_invitation(
    caller: Authorized<needs::AccessRead>,
    Id(id): Id<InvitationId>,
) -> Result<Shown<InvitationOut>, Problem> {
    let invitation = service::invitation(&caller.world.db, &caller.call, &id).await?;
    Ok(Shown::as_is("invitation", invitation.into()))
}

/// Revoke an invitation
///
/// Its link opens nothing any more. Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/invitations/{id}", tag = "admin",
    params(("id" = String, Path, description = "inv_…")),
    responses((status = 204, description = "The invitation is revoked."), Faults), security(("bearer" = [])))]
pub(super) async fn revoke_invitation(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<InvitationId>,
) -> Result<NoContent, Problem> {
    service::revoke_invitation(&caller.world.db, &caller.call, &id).await?;
    Ok(NoContent)
}

/// Send an invitation again
///
/// By a new link; the older one ends. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/invitations/{id}/resend", tag = "admin", request_body = InviteIn,
    params(("id" = String, Path, description = "inv_…")),
    responses((status = 201, body = InvitedOut), Faults), security(("bearer" = [])))]
pub(super) async fn resend_invitation(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<InvitationId>,
    Json(body): Json<InviteIn>,
) -> Result<Shown<InvitedOut>, Problem> {
    let (world, vault) = (&caller.world, caller.world.vault()?);
    let (post, by) = (post(world, &vault), body.send.into());
    let invited = service::resend_invitation(&world.db, &caller.call, post, &id, by).await?;
    Ok(shown(world, invited))
}

/// Invite a user to choose a password
///
/// For a user who was made without one. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/invite", tag = "admin", request_body = InviteIn,
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 201, body = InvitedOut), Faults), security(("bearer" = [])))]
pub(super) async fn invite_user(
    caller: Authorized<needs::AccessWrite>,
    Path(id): Path<String>,
    Json(body): Json<InviteIn>,
) -> Result<Shown<InvitedOut>, Problem> {
    let id: UserId = id.parse().map_err(|_| AuthError::NotFound("user"))?;
    let (world, vault) = (&caller.world, caller.world.vault()?);
    let (post, by) = (post(world, &vault), body.send.into());
    let invited = service::invite_user(&world.db, &caller.call, post, &id, by).await?;
    Ok(shown(world, invited))
}

/// The link that a body shows, which must be of the tenant that the path or the header names, if they name one.
pub(super) fn link(visitor: &Visitor, token: String) -> Result<TicketSecret, Problem> {
    let link = TicketSecret::read(&Secret::new(token))?;
    if visitor.tenant_named()?.is_some_and(|named| named != link.tenant().as_str()) {
        return Err(Unspecific::TenantMismatch.into());
    }
    Ok(link)
}

/// Accept an invitation
///
/// Makes the user, with a name and a password that they choose, and begins their session, as a login does. The link works
/// once; while the name or the password will not do, it goes on. A link from a letter proves the address; one that was
/// handed over does not, so a letter asks for that.
#[utoipa::path(post, path = "/api/v1/auth/invitations/accept", tag = "auth", request_body = AcceptIn,
    responses((status = 200, body = crate::wire::TokensOut), Faults), security(()))]
pub(super) async fn accept(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<AcceptIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "accept", ACCEPTANCES).await?;
    let link = link(&visitor, body.token)?;
    let said = Acceptance { name: body.name, password: Secret::new(body.password), cookie: body.cookie };
    let visit = visit(&world, &visitor, &headers);
    let (keys, hashing, vault) = (world.gate.tokens(), &world.hashing, world.vault()?);
    let post = post(&world, &vault);
    let accepted = service::accept_invitation(&world.db, keys, hashing, post, &visit, &link, &said).await?;
    guest::nudge(&world.settings.internal_token);
    tokens(accepted)
}

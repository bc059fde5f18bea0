//! How does somebody who is in several tenants go from one to another?

use super::sign_in::{tokens, visit};
use crate::wire::{MembershipOut, SwitchIn, TokensOut};
use auth::service;
use axum::{Extension, response::Response};
use edge::{Authorized, Faults, Json, List, Paging, Problem, Visitor, World, needs};
use http::HeaderMap;
use kernel::Page;
use std::sync::Arc;

/// List my tenants
///
/// The one of this session, and the others that it opens: where you have the same address, and proved it by a letter there
/// as here.
#[utoipa::path(get, path = "/api/v1/auth/tenants", tag = "auth",
    responses((status = 200, body = List<MembershipOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_tenants(
    caller: Authorized<needs::Anybody>,
    paging: Paging,
) -> Result<List<MembershipOut>, Problem> {
    let mut all = service::memberships(&caller.world.db, &caller.call).await?;
    let after = paging.request.after_or("").to_owned();
    all.retain(|one| one.tenant.as_str() > after.as_str());
    let page = Page::cut(all, &paging.request, |one| one.tenant.to_string());
    let here = caller.call.tenant().clone();
    Ok(paging.list(page, |one| MembershipOut::new(one, &here)))
}

/// Go to another tenant
///
/// Begins a session there, for the same person. Only from a session that was begun by a password which was chosen with a
/// letter to your address in hand, to a tenant where you did the same and passwords open. A second factor that you have there
/// is asked for: 401 `OTP_REQUIRED`, as at a login. The new session ends no later than this one, which goes on.
#[utoipa::path(post, path = "/api/v1/auth/switch", tag = "auth", request_body = SwitchIn,
    responses((status = 200, body = TokensOut), Faults), security(("bearer" = [])))]
pub(super) async fn switch(
    caller: Authorized<needs::Anybody>,
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<SwitchIn>,
) -> Result<Response, Problem> {
    let to = body.tenant.parse().map_err(|error| Problem::field("tenant", error))?;
    let visit = visit(&world, &visitor, &headers);
    let tokens_of = world.gate.tokens();
    let logged_in = service::switch(&world.db, tokens_of, &visit, &caller.call, &to, body.cookie).await?;
    tokens(logged_in)
}

//! What if a password is forgotten, or an address is another one now?

use super::{
    invitations::link,
    sign_in::{post, spend, visit},
};
use crate::wire::{EmailIn, ForgotIn, LinkIn, ResetIn};
use auth::{
    Email,
    service::{self, Forgotten},
};
use axum::{
    Extension,
    response::{IntoResponse, NoContent, Response},
};
use edge::{Authorized, Faults, Json, Problem, Shown, Visitor, World, needs};
use http::HeaderMap;
use kernel::{Fields, Secret};
use serde_json::json;
use std::sync::Arc;

/// Forgotten passwords a minute from one address.
const FORGOTTEN: u32 = 5;
/// Links that are shown a minute from one address.
const LINKS: u32 = 30;

fn email(text: &str) -> Result<Email, Problem> {
    let mut fields = Fields::new();
    let email = fields.take("email", text.parse());
    fields.give(email).map_err(Problem::fields)
}

/// That something was taken in, whatever comes of it.
fn taken_in() -> Response {
    Shown::accepted("letter", json!({"accepted": true})).into_response()
}

/// Forget the password
///
/// Writes a letter with a link to set a new one, which works once, for 30 minutes. The answer, and how long it takes, are the
/// same whether or not the address is somebody's. Five a minute from one address; for one e-mail address fewer and fewer.
#[utoipa::path(post, path = "/api/v1/auth/password/forgot", tag = "auth", request_body = ForgotIn,
    responses((status = 202, description = "If the address is somebody's, a letter is on its way."), Faults),
    security(()))]
pub(super) async fn forgot(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<ForgotIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "forgot", FORGOTTEN).await?;
    let asked =
        Forgotten { tenant: visitor.tenant_meant(body.tenant.as_deref())?, email: email(&body.email)? };
    let (visit, vault) = (visit(&world, &visitor, &headers), world.vault()?);
    service::forgot_password(&world.db, post(&world, &vault), &visit, &asked).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(taken_in())
}

/// Set a new password by a link
///
/// All sessions of the user end, and a letter tells of it. Nobody is logged in by this: a second factor is asked for at the
/// next login as ever. While the password will not do, the link goes on.
#[utoipa::path(post, path = "/api/v1/auth/password/reset", tag = "auth", request_body = ResetIn,
    responses((status = 204, description = "The password is set."), Faults), security(()))]
pub(super) async fn reset(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<ResetIn>,
) -> Result<NoContent, Problem> {
    spend(&world, &visitor, "reset", LINKS).await?;
    let link = link(&visitor, body.token)?;
    let new = Secret::new(body.new_password);
    let (visit, vault) = (visit(&world, &visitor, &headers), world.vault()?);
    service::reset_password(&world.db, &world.hashing, &vault, &visit, &link, &new).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(NoContent)
}

/// Confirm an e-mail address
///
/// By the link from the letter to it. If it is another address than the user's, it becomes theirs, and a letter tells the old
/// one.
#[utoipa::path(post, path = "/api/v1/auth/email/verify", tag = "auth", request_body = LinkIn,
    responses((status = 204, description = "The address is confirmed."), Faults), security(()))]
pub(super) async fn verify_email(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<LinkIn>,
) -> Result<NoContent, Problem> {
    spend(&world, &visitor, "verify", LINKS).await?;
    let link = link(&visitor, body.token)?;
    let (visit, vault) = (visit(&world, &visitor, &headers), world.vault()?);
    service::verify_email(&world.db, &vault, &visit, &link).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(NoContent)
}

/// Send the confirmation again
///
/// Another letter to my address, if it is not confirmed yet; the older link ends.
#[utoipa::path(post, path = "/api/v1/auth/email/verify/resend", tag = "auth",
    responses((status = 202, description = "A letter is on its way, if the address is not confirmed yet."), Faults),
    security(("bearer" = [])))]
pub(super) async fn resend_verification(caller: Authorized<needs::OwnAccount>) -> Result<Response, Problem> {
    let (world, vault) = (&caller.world, caller.world.vault()?);
    service::resend_verification(&world.db, post(world, &vault), &caller.call).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(taken_in())
}

/// Change my e-mail address
///
/// Needs the present password. A letter goes to the new address; once its link is opened the address is mine, and the old one
/// is told.
#[utoipa::path(post, path = "/api/v1/auth/email", tag = "auth", request_body = EmailIn,
    responses((status = 202, description = "A letter is on its way to the new address."), Faults),
    security(("bearer" = [])))]
pub(super) async fn change_email(
    caller: Authorized<needs::OwnAccount>,
    Json(body): Json<EmailIn>,
) -> Result<Response, Problem> {
    let email = email(&body.email)?;
    let password = Secret::new(body.current_password);
    let (world, vault) = (&caller.world, caller.world.vault()?);
    let post = post(world, &vault);
    service::change_email(&world.db, &world.hashing, post, &caller.call, &password, &email).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(taken_in())
}

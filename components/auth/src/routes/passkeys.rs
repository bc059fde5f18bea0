//! How does somebody get passkeys, and come in with one?

use super::sign_in::{spend, tokens, visit};
use crate::wire::{
    PasskeyIn, PasskeyLoginIn, PasskeyMadeOut, PasskeyOptionsOut, PasskeyOut, PasskeyPatch, TokensOut,
    WaitingIn,
};
use auth::{
    AuthError,
    service::{self, Answer, Asked},
};
use axum::{
    Extension,
    extract::Path,
    response::{NoContent, Response},
};
use edge::{
    Authorized, Confirmed, Faults, Json, List, Paging, Problem, Shown, Unspecific, Visitor, World, needs,
};
use http::HeaderMap;
use kernel::{PasskeyId, Secret};
use std::sync::Arc;

/// Challenges a minute for one address: a whole office may sit behind it.
const CHALLENGES: u32 = 120;
/// Logins by passkey a minute from one address. Nobody can guess one: the limit spares the processor.
const LOGINS: u32 = 30;

fn read(id: &str) -> Result<PasskeyId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound("passkey"))
}

fn options(text: String) -> Result<Shown<PasskeyOptionsOut>, Problem> {
    let options = PasskeyOptionsOut::new(text).ok_or(Unspecific::Internal)?;
    Ok(Shown::as_is("passkey_options", options).confidential())
}

/// List my passkeys
///
/// Oldest first.
#[utoipa::path(get, path = "/api/v1/auth/mfa/passkeys", tag = "auth",
    responses((status = 200, body = List<PasskeyOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_passkeys(
    caller: Authorized<needs::OwnAccount>,
    paging: Paging,
) -> Result<List<PasskeyOut>, Problem> {
    let page = service::passkeys(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, PasskeyOut::from))
}

/// Begin to register a passkey
///
/// Gives the options for `navigator.credentials.create`. Needs a proof of who you are within the last 15 minutes.
#[utoipa::path(post, path = "/api/v1/auth/mfa/passkeys/options", tag = "auth",
    responses((status = 200, body = PasskeyOptionsOut), Faults), security(("bearer" = [])))]
pub(super) async fn registration_options(
    caller: Confirmed<needs::OwnAccount>,
) -> Result<Shown<PasskeyOptionsOut>, Problem> {
    let party = caller.world.relying_party()?;
    options(service::ask_registration(&caller.world.db, &party, &caller.call).await?)
}

/// Register a passkey
///
/// By the browser's answer to the options. From now on logins by password ask for a second factor, and a passkey alone is
/// enough. If it is your first factor your other sessions end, and ten recovery codes are given, this once.
#[utoipa::path(post, path = "/api/v1/auth/mfa/passkeys", tag = "auth", request_body = PasskeyIn,
    responses((status = 201, body = PasskeyMadeOut), Faults), security(("bearer" = [])))]
pub(super) async fn register_passkey(
    caller: Confirmed<needs::OwnAccount>,
    Json(body): Json<PasskeyIn>,
) -> Result<Shown<PasskeyMadeOut>, Problem> {
    let party = caller.world.relying_party()?;
    let answer = Answer { party, json: body.credential.get().to_owned() };
    let made = service::register_passkey(
        &caller.world.db,
        &caller.world.vault()?,
        &caller.call,
        &body.name,
        &answer,
    )
    .await?;
    let location = format!("/api/v1/auth/mfa/passkeys/{}", made.0.id);
    Ok(Shown::created("passkey", PasskeyMadeOut::new(made.0, &made.1), location).confidential())
}

/// Rename a passkey of mine
#[utoipa::path(patch, path = "/api/v1/auth/mfa/passkeys/{id}", tag = "auth",
    params(("id" = String, Path, description = "psk_…")), request_body = PasskeyPatch,
    responses((status = 200, body = PasskeyOut), Faults), security(("bearer" = [])))]
pub(super) async fn rename_passkey(
    caller: Authorized<needs::OwnAccount>,
    Path(id): Path<String>,
    Json(body): Json<PasskeyPatch>,
) -> Result<Shown<PasskeyOut>, Problem> {
    let renamed = service::rename_passkey(&caller.world.db, &caller.call, &read(&id)?, &body.name).await?;
    Ok(Shown::as_is("passkey", renamed.into()))
}

/// Remove a passkey of mine
///
/// With the last one your other sessions end. Needs a proof of who you are within the last 15 minutes.
#[utoipa::path(delete, path = "/api/v1/auth/mfa/passkeys/{id}", tag = "auth",
    params(("id" = String, Path, description = "psk_…")),
    responses((status = 204, description = "The passkey opens nothing any more."), Faults),
    security(("bearer" = [])))]
pub(super) async fn remove_passkey(
    caller: Confirmed<needs::OwnAccount>,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    service::remove_passkey(&caller.world.db, &caller.world.vault()?, &caller.call, &read(&id)?).await?;
    Ok(NoContent)
}

/// Begin to log in by passkey
///
/// Gives the options for `navigator.credentials.get`: any passkey of this site will do, so nobody need be named.
#[utoipa::path(post, path = "/api/v1/auth/passkeys/login/options", tag = "auth",
    responses((status = 200, body = PasskeyOptionsOut), Faults), security(()))]
pub(super) async fn login_options(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
) -> Result<Shown<PasskeyOptionsOut>, Problem> {
    spend(&world, &visitor, "passkey options", CHALLENGES).await?;
    let visit = visit(&world, &visitor, &headers);
    options(service::ask_passkey(&world.db, &world.relying_party()?, &visit, Asked::Login).await?)
}

/// Log in by passkey
///
/// By the browser's answer to the options. Neither address nor password is asked for, and it counts as two factors: the
/// authenticator verified its person. The answer is that of a login.
#[utoipa::path(post, path = "/api/v1/auth/passkeys/login", tag = "auth", request_body = PasskeyLoginIn,
    responses((status = 200, body = TokensOut), Faults), security(()))]
pub(super) async fn login(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<PasskeyLoginIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "passkey login", LOGINS).await?;
    let answer = Answer { party: world.relying_party()?, json: body.credential.get().to_owned() };
    let tenant = visitor.tenant_meant(None)?;
    let visit = visit(&world, &visitor, &headers);
    let keys = world.gate.tokens();
    let logged_in =
        service::login_by_passkey(&world.db, keys, &visit, tenant.as_ref(), body.cookie, &answer).await?;
    tokens(logged_in)
}

/// Begin to show a passkey as second factor
///
/// Gives the options for `navigator.credentials.get`, for the login that waits; the answer goes to `/api/v1/auth/mfa/verify`.
#[utoipa::path(post, path = "/api/v1/auth/mfa/verify/options", tag = "auth", request_body = WaitingIn,
    responses((status = 200, body = PasskeyOptionsOut), Faults), security(()))]
pub(super) async fn second_factor_options(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<WaitingIn>,
) -> Result<Shown<PasskeyOptionsOut>, Problem> {
    spend(&world, &visitor, "passkey options", CHALLENGES).await?;
    let visit = visit(&world, &visitor, &headers);
    let token = Secret::new(body.mfa_token);
    let asked = Asked::SecondFactor(&token);
    options(service::ask_passkey(&world.db, &world.relying_party()?, &visit, asked).await?)
}

/// Begin to confirm by passkey
///
/// Gives the options for `navigator.credentials.get`; the answer goes to `/api/v1/auth/confirm`.
#[utoipa::path(post, path = "/api/v1/auth/confirm/options", tag = "auth",
    responses((status = 200, body = PasskeyOptionsOut), Faults), security(("bearer" = [])))]
pub(super) async fn confirmation_options(
    caller: Authorized<needs::OwnAccount>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
) -> Result<Shown<PasskeyOptionsOut>, Problem> {
    let world = &caller.world;
    let visit = visit(world, &visitor, &headers);
    let asked = Asked::Confirm(&caller.call);
    options(service::ask_passkey(&world.db, &world.relying_party()?, &visit, asked).await?)
}

//! How does somebody get second factors, show them and lose them?

use super::sign_in::{spend, tokens, visit};
use crate::wire::{CodesOut, ConfirmedOut, EnrolmentOut, FactorsOut, OtpIn, ProofIn, TokensOut, VerifyIn};
use auth::{AuthError, service};
use axum::{
    Extension,
    extract::Path,
    response::{NoContent, Response},
};
use edge::{Authorized, Confirmed, Faults, Json, Problem, Shown, Visitor, World, needs};
use http::HeaderMap;
use kernel::Secret;
use std::sync::Arc;

/// Tries at a second factor a minute from one address; each login has five of its own.
const TRIES: u32 = 30;

/// Get my second factors
///
/// Which are on, how many recovery codes are left, and whether the tenant wants one.
#[utoipa::path(get, path = "/api/v1/auth/mfa", tag = "auth",
    responses((status = 200, body = FactorsOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_factors(caller: Authorized<needs::OwnAccount>) -> Result<Shown<FactorsOut>, Problem> {
    let (factors, required) = service::factors(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("second_factors", FactorsOut::new(factors, required)))
}

/// Enrol an authenticator app
///
/// Gives a seed as text, as an `otpauth:` URI and as a QR code in SVG, this once. Logins ask for a code once the first one
/// came to `/api/v1/auth/mfa/totp/confirm`. Needs a proof of who you are within the last 15 minutes.
#[utoipa::path(post, path = "/api/v1/auth/mfa/totp", tag = "auth",
    responses((status = 201, body = EnrolmentOut), Faults), security(("bearer" = [])))]
pub(super) async fn enrol_totp(caller: Confirmed<needs::OwnAccount>) -> Result<Shown<EnrolmentOut>, Problem> {
    let enrolment = service::enrol_totp(&caller.world.db, &caller.world.vault()?, &caller.call).await?;
    let location = "/api/v1/auth/mfa".to_owned();
    Ok(Shown::created("totp_enrolment", enrolment.into(), location).confidential())
}

/// Confirm an authenticator app
///
/// By its first code. From now on logins ask for one, and your other sessions end. Gives ten recovery codes, this once.
#[utoipa::path(post, path = "/api/v1/auth/mfa/totp/confirm", tag = "auth", request_body = OtpIn,
    responses((status = 200, body = CodesOut), Faults), security(("bearer" = [])))]
pub(super) async fn confirm_totp(
    caller: Confirmed<needs::OwnAccount>,
    Json(body): Json<OtpIn>,
) -> Result<Shown<CodesOut>, Problem> {
    let (world, code) = (&caller.world, Secret::new(body.otp));
    let codes = service::confirm_totp(&world.db, &world.vault()?, &caller.call, &code).await?;
    Ok(Shown::as_is("recovery_codes", CodesOut::new(&codes)).confidential())
}

/// Remove my authenticator app
///
/// Needs the password, a code or a passkey in the body. Your other sessions end. Recovery codes go with the last factor.
#[utoipa::path(delete, path = "/api/v1/auth/mfa/totp", tag = "auth", request_body = ProofIn,
    responses((status = 204, description = "The app is forgotten."), Faults), security(("bearer" = [])))]
pub(super) async fn remove_totp(
    caller: Authorized<needs::OwnAccount>,
    Json(body): Json<ProofIn>,
) -> Result<NoContent, Problem> {
    let proof = body.read(&caller.world)?;
    let world = &caller.world;
    service::remove_totp(&world.db, &world.hashing, &world.vault()?, &caller.call, &proof).await?;
    Ok(NoContent)
}

/// Renew my recovery codes
///
/// Gives ten new ones, this once; the old ones are void. Needs a proof of who you are within the last 15 minutes.
#[utoipa::path(post, path = "/api/v1/auth/mfa/recovery-codes", tag = "auth",
    responses((status = 200, body = CodesOut), Faults), security(("bearer" = [])))]
pub(super) async fn renew_recovery_codes(
    caller: Confirmed<needs::OwnAccount>,
) -> Result<Shown<CodesOut>, Problem> {
    let codes = service::new_recovery_codes(&caller.world.db, &caller.world.vault()?, &caller.call).await?;
    Ok(Shown::as_is("recovery_codes", CodesOut::new(&codes)).confidential())
}

/// Show a second factor
///
/// Finishes a login that was answered with `OTP_REQUIRED`: by its `mfa_token` and a factor, within five minutes and five
/// tries. The answer is that of a login.
#[utoipa::path(post, path = "/api/v1/auth/mfa/verify", tag = "auth", request_body = VerifyIn,
    responses((status = 200, body = TokensOut), Faults), security(()))]
pub(super) async fn verify(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<VerifyIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "mfa", TRIES).await?;
    let token = Secret::new(body.mfa_token.clone());
    let shown = body.read(&world)?;
    let visit = visit(&world, &visitor, &headers);
    let (keys, vault) = (world.gate.tokens(), world.vault()?);
    tokens(service::verify_second_factor(&world.db, keys, &vault, &visit, &token, &shown).await?)
}

/// Confirm who I am
///
/// By password, code or passkey. For the next 15 minutes this session may do what needs a fresh proof. A code or a passkey also lifts a session
/// that began by password alone to two factors.
#[utoipa::path(post, path = "/api/v1/auth/confirm", tag = "auth", request_body = ProofIn,
    responses((status = 200, body = ConfirmedOut), Faults), security(("bearer" = [])))]
pub(super) async fn confirm(
    caller: Authorized<needs::OwnAccount>,
    Json(body): Json<ProofIn>,
) -> Result<Shown<ConfirmedOut>, Problem> {
    let proof = body.read(&caller.world)?;
    let world = &caller.world;
    let until = service::confirm(&world.db, &world.hashing, &world.vault()?, &caller.call, &proof).await?;
    Ok(Shown::as_is("confirmation", ConfirmedOut::new(until)))
}

/// Remove a user's second factors
///
/// For somebody who lost them: all factors and recovery codes go, and the user's sessions end. Nobody does this to a user
/// who may do more than they may, nor to themselves. Needs `access:write`, and a proof of who you are within the last 15
/// minutes.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}/mfa", tag = "admin",
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 204, description = "The factors are gone."), Faults), security(("bearer" = [])))]
pub(super) async fn remove_factors(
    caller: Confirmed<needs::AccessWrite>,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    let id = id.parse().map_err(|_| AuthError::NotFound("user"))?;
    service::remove_factors(&caller.world.db, &caller.world.vault()?, &caller.call, &id).await?;
    Ok(NoContent)
}

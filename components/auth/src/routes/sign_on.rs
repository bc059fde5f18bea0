//! How does somebody come in by their own identity provider? A browser is sent there, comes back, and goes on.

use super::{
    connections::outside,
    sign_in::{spend, tokens, visit, with_session_cookie},
};
use crate::wire::{CallbackQuery, HandoffIn, SignOnQuery, TokensOut};
use auth::{
    ATTEMPT_LIFE, Answer, AuthError, BrowserSecret, Providers, ReturnTo, SignOnError,
    service::{self, Ended, Failed, Reply, Returned, Wish},
};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::Path,
    response::Response,
};
use edge::{Faults, Id, Json, Problem, Query, Unspecific, Visitor, World};
use http::{HeaderMap, HeaderValue, header};
use kernel::{ConnectionId, Fault as _, Fields, Kind, Secret, TenantId};
use std::sync::Arc;

/// Sign-ons a minute from one address: a whole office may sit behind it.
const SIGN_ONS: u32 = 120;
const FORM: &str = "application/x-www-form-urlencoded";

/// Sends the browser on: 302 to the provider, 303 after its answer, which may have come by a form.
fn go(status: u16, location: &str) -> Result<Response, Problem> {
    let place = HeaderValue::from_str(location).map_err(|_| Unspecific::Internal)?;
    let made = Response::builder().status(status).header(header::LOCATION, place).body(Body::empty());
    made.map_err(|_| Unspecific::Internal.into())
}

/// What is wished for, read from the query.
fn wish(world: &World, visitor: &Visitor, headers: &HeaderMap, asked: &SignOnQuery) -> Result<Wish, Problem> {
    let tenant = visitor
        .tenant_meant(asked.tenant.as_deref())?
        .ok_or_else(|| Problem::field("tenant", "is needed, here or in the path"))?;
    let mut fields = Fields::new();
    let connection =
        asked.connection.as_ref().and_then(|id| fields.take("connection", id.parse::<ConnectionId>()));
    let email = asked.email.as_ref().and_then(|email| fields.take("email", email.parse()));
    let origins = &world.settings.cors_origins;
    let place = asked.redirect_to.as_ref();
    let place = place.and_then(|text| fields.take("redirect_to", ReturnTo::parse(text, origins)));
    let answer = Answer::parse(asked.response.as_deref(), place, asked.code_challenge.as_deref());
    let answer = answer.map_err(|fault| fields.fault(fault.field, fault.message)).ok();
    let answer = fields.give(answer).map_err(Problem::fields)?;
    let browser = edge::sign_on_secret(headers).and_then(|text| BrowserSecret::read(text.expose()));
    Ok(Wish { tenant, connection, email, answer, browser })
}

/// Sign on
///
/// Sends the browser to the tenant's identity provider, which sends it back to `/api/v1/callback`. What is begun must
/// be finished in the same browser within ten minutes.
#[utoipa::path(get, path = "/api/v1/login", tag = "auth", params(SignOnQuery),
    responses((status = 302, description = "On to the provider."), Faults), security(()))]
pub(super) async fn begin(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(providers): Extension<Arc<Providers>>,
    headers: HeaderMap,
    Query(asked): Query<SignOnQuery>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "sign_on", SIGN_ONS).await?;
    let wish = wish(&world, &visitor, &headers, &asked)?;
    let vault = world.vault()?;
    let outside = outside(&world, &providers, &vault);
    let visit = visit(&world, &visitor, &headers);
    let begun = service::begin_sign_on(&world.db, outside, &visit, wish).await?;
    let mut response = go(302, &begun.location)?;
    let cookie = edge::sign_on_cookie(begun.browser.text(), ATTEMPT_LIFE.as_seconds_up(), begun.by_form);
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Unspecific::Internal)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Come back
///
/// Where providers send browsers back to that use the address which all connections share.
#[utoipa::path(get, path = "/api/v1/callback", tag = "auth", params(CallbackQuery),
    responses((status = 200, body = TokensOut), (status = 303, description = "On to `redirect_to`."), Faults),
    security(()))]
pub(super) async fn come_back(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(providers): Extension<Arc<Providers>>,
    headers: HeaderMap,
    Query(told): Query<CallbackQuery>,
) -> Result<Response, Problem> {
    finish(&world, &visitor, &providers, &headers, None, told).await
}

/// Come back from a connection
///
/// Where the provider of a connection sends browsers back to. Without `redirect_to` the answer is the tokens; with it
/// the browser goes on there, with a session cookie, or with `sign_on_code`; or with `sign_on_error`, the code of what
/// kept the person out.
#[utoipa::path(get, path = "/api/v1/callback/{id}", tag = "auth",
    params(("id" = String, Path, description = "con_…"), CallbackQuery),
    responses((status = 200, body = TokensOut), (status = 303, description = "On to `redirect_to`."), Faults),
    security(()))]
pub(super) async fn come_back_from(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(providers): Extension<Arc<Providers>>,
    headers: HeaderMap,
    Id(id): Id<ConnectionId>,
    Query(told): Query<CallbackQuery>,
) -> Result<Response, Problem> {
    finish(&world, &visitor, &providers, &headers, Some(id), told).await
}

fn reply(told: CallbackQuery) -> Result<(Secret<String>, Reply), SignOnError> {
    let state = told.state.ok_or(SignOnError::State)?;
    let reply = match (told.error, told.code) {
        (Some(error), _) => Reply::Refusal { error, description: told.error_description, issuer: told.iss },
        (None, Some(code)) => Reply::Code { code: Secret::new(code), issuer: told.iss },
        (None, None) => return Err(SignOnError::State),
    };
    Ok((Secret::new(state), reply))
}

async fn finish(
    world: &World,
    visitor: &Visitor,
    providers: &Providers,
    headers: &HeaderMap,
    connection: Option<ConnectionId>,
    told: CallbackQuery,
) -> Result<Response, Problem> {
    spend(world, visitor, "callback", SIGN_ONS).await?;
    let (state, reply) = reply(told).map_err(AuthError::from)?;
    let browser = edge::sign_on_secret(headers).and_then(|text| BrowserSecret::read(text.expose()));
    let returned = Returned { state, browser, connection, reply };
    let vault = world.vault()?;
    let outside = outside(world, providers, &vault);
    let visit = visit(world, visitor, headers);
    let outcome = service::finish_sign_on(&world.db, world.gate.tokens(), outside, &visit, returned).await;
    ended(outcome)
}

/// How the outcome is told: by sending the browser on if somebody waits for it elsewhere.
fn ended(outcome: Result<Ended, Failed>) -> Result<Response, Problem> {
    match outcome {
        Ok(Ended::Json(logged_in)) => tokens(*logged_in),
        Ok(Ended::Cookie(logged_in, place)) => with_session_cookie(&logged_in, go(303, place.as_str())?),
        Ok(Ended::Code(place, code)) => go(303, &place.with("sign_on_code", code.expose())),
        Err(Failed { error, return_to: Some(place) }) if error.kind() != Kind::Internal => {
            go(303, &place.with("sign_on_error", error.code()))
        }
        Err(Failed { error, .. }) => Err(error.into()),
    }
}

/// Our SAML metadata
///
/// What a provider must know of us to take requests of a connection.
#[utoipa::path(get, path = "/api/v1/sso/saml/{tenant}/{id}/metadata", tag = "auth",
    params(("tenant" = String, Path, description = "The tenant's slug."), ("id" = String, Path, description = "con_…")),
    responses((status = 200, content_type = "application/samlmetadata+xml", body = String), Faults), security(()))]
pub(super) async fn saml_metadata(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Path((tenant, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "saml_metadata", SIGN_ONS).await?;
    let (tenant, id) = named(&tenant, &id)?;
    let text = service::saml_metadata(&world.db, &world.settings.public_url, &tenant, &id).await?;
    let kind = HeaderValue::from_static("application/samlmetadata+xml");
    let made = Response::builder().header(header::CONTENT_TYPE, kind).body(Body::from(text));
    made.map_err(|_| Unspecific::Internal.into())
}

/// A tenant and a connection of it that a path names.
fn named(tenant: &str, id: &str) -> Result<(TenantId, ConnectionId), AuthError> {
    let both = tenant.parse().ok().zip(id.parse().ok());
    both.ok_or_else(|| SignOnError::Unknown.into())
}

/// Come back by a form
///
/// The assertion consumer service: where a SAML provider lets the browser post its answer. The outcome is told as at
/// `/api/v1/callback/{id}`.
#[utoipa::path(post, path = "/api/v1/sso/saml/{tenant}/{id}/acs", tag = "auth",
    params(("tenant" = String, Path, description = "The tenant's slug."), ("id" = String, Path, description = "con_…")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "`SAMLResponse` and `RelayState`."),
    responses((status = 200, body = TokensOut), (status = 303, description = "On to `redirect_to`."), Faults),
    security(()))]
pub(super) async fn saml_answer(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(providers): Extension<Arc<Providers>>,
    Path((tenant, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "callback", SIGN_ONS).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case(FORM)) {
        return Err(Unspecific::ContentType(FORM).into());
    }
    let (tenant, id) = named(&tenant, &id)?;
    let (response, relay) = auth::saml_form(&body).map_err(AuthError::from)?;
    let browser = edge::sign_on_secret(&headers).and_then(|text| BrowserSecret::read(text.expose()));
    let returned = Returned::by_form(&tenant, id, browser, response, &relay);
    let vault = world.vault()?;
    let outside = outside(&world, &providers, &vault);
    let visit = visit(&world, &visitor, &headers);
    ended(service::finish_sign_on(&world.db, world.gate.tokens(), outside, &visit, returned).await)
}

/// Fetch the tokens
///
/// Turns the code that a frontend was sent back with into tokens: once, within a minute, with the verifier that belongs
/// to its `code_challenge`.
#[utoipa::path(post, path = "/api/v1/auth/sign-on/token", tag = "auth", request_body = HandoffIn,
    responses((status = 200, body = TokensOut), Faults), security(()))]
pub(super) async fn fetch_tokens(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<HandoffIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "sign_on_code", SIGN_ONS).await?;
    let visit = visit(&world, &visitor, &headers);
    let (code, verifier) = (Secret::new(body.code), Secret::new(body.code_verifier));
    let logged_in = service::redeem_sign_on(&world.db, world.gate.tokens(), &visit, &code, &verifier).await?;
    tokens(logged_in)
}

//! How does somebody come in who has shown nothing yet? By password or refresh token; the operator by the internal token.

use crate::wire::{LoginIn, RefreshIn, RegisterIn, SetUpIn, SetUpOut, TokensOut};
use auth::{
    AuthError, Visit,
    service::{self, LoggedIn, Login, Post},
};
use axum::{
    Extension,
    response::{IntoResponse, Response},
};
use edge::{Faults, Internal, Json, Problem, Shown, Unspecific, Visitor, World};
use http::{HeaderMap, HeaderValue, header};
use kernel::{FieldFault, Fields, Secret, Span, TenantId};
use std::sync::Arc;
use vault::Vault;

/// Logins a minute from one address.
const LOGINS: u32 = 5;
/// Refreshes a minute from one address: a whole office may sit behind it.
const REFRESHES: u32 = 300;
/// Sign-ups a minute from one address.
const SIGN_UPS: u32 = 60;
/// How long a browser keeps the cookie; the session may end earlier.
const COOKIE_LIFE: Span = Span::days(30);

pub(super) fn visit(world: &World, visitor: &Visitor, headers: &HeaderMap) -> Visit {
    Visit {
        now: world.clock.now(),
        request: visitor.request.clone(),
        trace: visitor.trace.clone(),
        address: visitor.address.clone(),
        agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        chance: Arc::clone(&world.chance),
    }
}

pub(super) async fn spend(world: &World, visitor: &Visitor, what: &str, limit: u32) -> Result<(), Problem> {
    visitor.spend_by_address(world, what, limit).await
}

/// What writing letters with links needs.
pub(super) fn post<'a>(world: &'a World, vault: &'a Vault) -> Post<'a> {
    Post { vault, links_url: &world.settings.links_url }
}

/// Log in
///
/// By e-mail address and password. `tenant` is needed only if the address belongs to several tenants. With
/// `cookie: true` the answer also sets a session cookie, for browsers; changes made with it need the header
/// `X-CSRF-Token`. Five tries a minute from one address.
///
/// Whoever has a second factor gets 401 `OTP_REQUIRED`, once the password is right: `details` names the factors, and the
/// `mfa_token` that finishes the login at `/api/v1/auth/mfa/verify`. A code may also come along as `otp`.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginIn,
    responses((status = 200, body = TokensOut), Faults), security(()))]
pub(super) async fn login(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<LoginIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "login", LOGINS).await?;
    let mut fields = Fields::new();
    let email = fields.take("email", body.email.parse());
    let email = fields.give(email).map_err(Problem::fields)?;
    let asked = Login {
        tenant: visitor.tenant_meant(body.tenant.as_deref())?,
        email,
        password: Secret::new(body.password),
        otp: body.otp.map(Secret::new),
        cookie: body.cookie,
    };
    let visit = visit(&world, &visitor, &headers);
    let logged_in =
        service::login(&world.db, world.gate.tokens(), &world.hashing, &world.vault()?, &visit, asked)
            .await?;
    tokens(logged_in)
}

/// Refresh
///
/// Turns a refresh token into new tokens. It is good once: if it comes a second time, the session is ended.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshIn,
    responses((status = 200, body = TokensOut), Faults), security(()))]
pub(super) async fn refresh(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<RefreshIn>,
) -> Result<Response, Problem> {
    spend(&world, &visitor, "refresh", REFRESHES).await?;
    let visit = visit(&world, &visitor, &headers);
    let token = Secret::new(body.refresh_token);
    let turned = service::refresh(&world.db, world.gate.tokens(), &world.vault()?, &visit, &token).await;
    if matches!(turned, Err(AuthError::RefreshReused)) {
        // Its owner is told.
        guest::nudge(&world.settings.internal_token);
    }
    let logged_in = turned?;
    visitor.agrees_on(&logged_in.tenant)?;
    tokens(logged_in)
}

pub(super) fn tokens(logged_in: LoggedIn) -> Result<Response, Problem> {
    let csrf_token = logged_in.cookie.as_ref().map(edge::csrf_token);
    let response =
        Shown::as_is("session", TokensOut::new(&logged_in, csrf_token)).confidential().into_response();
    with_session_cookie(&logged_in, response)
}

/// The answer, with the session's cookie if it has one.
pub(super) fn with_session_cookie(logged_in: &LoggedIn, mut response: Response) -> Result<Response, Problem> {
    if let Some(cookie) = &logged_in.cookie {
        let text = edge::session_cookie(Some((cookie, COOKIE_LIFE.as_seconds_up())));
        let value = HeaderValue::from_str(&text).map_err(|_| Unspecific::Internal)?;
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// Sign up
///
/// Makes a tenant and its owner, and logs the owner in. Only where the operator opened sign-up.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", request_body = RegisterIn,
    responses((status = 201, body = TokensOut), Faults), security(()))]
pub(super) async fn register(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<RegisterIn>,
) -> Result<Shown<TokensOut>, Problem> {
    if !world.settings.open_sign_up {
        return Err(AuthError::SignUpClosed.into());
    }
    spend(&world, &visitor, "register", SIGN_UPS).await?;
    let asked = service::SetUp::new(&body.tenant, &body.organization, &body.email, &body.password);
    let asked = asked.map_err(|faults| Problem::fields(faults.into_iter().map(as_sent).collect()))?;
    let visit = visit(&world, &visitor, &headers);
    let vault = world.vault()?;
    let (tokens, post) = (world.gate.tokens(), post(&world, &vault));
    let logged_in = service::register(&world.db, tokens, &world.hashing, post, &visit, asked).await?;
    guest::nudge(&world.settings.internal_token);
    let location = format!("/api/v1/admin/organizations/{}", logged_in.tenant);
    Ok(Shown::created("session", TokensOut::new(&logged_in, None), location).confidential())
}

/// A fault under the name that its field has in the body.
fn as_sent(fault: FieldFault) -> FieldFault {
    match fault.field.as_str() {
        "name" => FieldFault::new("organization", fault.message),
        _ => fault,
    }
}

/// The public keys
///
/// A JSON Web Key Set: who has it can verify our access tokens without asking us.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "auth",
    responses((status = 200, body = Object), Faults), security(()))]
pub(super) async fn jwks(Extension(world): Extension<Arc<World>>) -> Response {
    let mut response = axum::Json(world.gate.tokens().keys().jwks()).into_response();
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

/// Set up a tenant
///
/// For the operator: makes a tenant with its roles, its owner and an API key that is shown this once. The tenant `platform`
/// is that of those who run the installation; its first administrator comes in by password, and it gets no key.
#[utoipa::path(post, path = "/internal/setup", tag = "internal", request_body = SetUpIn,
    responses((status = 201, body = SetUpOut), Faults), security(("bearer" = [])))]
pub(super) async fn setup(
    _: Internal,
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    Json(body): Json<SetUpIn>,
) -> Result<Shown<SetUpOut>, Problem> {
    let visit = visit(&world, &visitor, &headers);
    if body.tenant == TenantId::platform().as_str() {
        let user = service::setup_platform(&world.db, &visit, &body.email, &body.password).await?;
        let location = format!("/api/v1/admin/organizations/{}", body.tenant);
        return Ok(Shown::created("setup", SetUpOut::platform(&user), location));
    }
    let asked = service::SetUp::new(&body.tenant, &body.name, &body.email, &body.password)
        .map_err(Problem::fields)?;
    let done = service::setup(&world.db, &visit, asked).await?;
    let location = format!("/api/v1/admin/organizations/{}", done.tenant);
    Ok(Shown::created("setup", done.into(), location).confidential())
}

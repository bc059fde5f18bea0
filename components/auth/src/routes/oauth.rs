//! How do programs get tokens, ask about them and give them up? As RFC 6749, 7662, 7009 and 8414 have it, so that any
//! OAuth library will do.

use super::sign_in::{spend, visit};
use crate::wire::{GivenOut, GrantIn, InspectedOut, MetadataOut, TokenIn};
use auth::{
    FactorError, GrantError,
    service::{self, GrantAsked},
};
use axum::{
    Extension,
    response::{IntoResponse, Response},
};
use edge::{Caller, Form, OAuthFaults, OAuthProblem, Problem, Shown, Unspecific, Visitor, World};
use http::{HeaderMap, HeaderValue, header};
use kernel::{Call, Permission};
use std::sync::Arc;

/// Tokens a minute for one address: a token lasts for fifteen, and a whole cluster may sit behind one address.
const TOKENS: u32 = 300;
/// Questions and revocations a minute from one address, by who shows a client's secret.
const QUESTIONS: u32 = 6_000;

/// Get an access token
///
/// The client credentials grant: `grant_type=client_credentials` with the client's id and secret by
/// `Authorization: Basic`, or in the form, or with a JWT that it signed (`private_key_jwt`). `scope` narrows the token to
/// some of the client's permissions. The token is a JWT for 15 minutes; there is no refresh token: ask again.
#[utoipa::path(post, path = "/api/v1/oauth/token", tag = "oauth",
    request_body(content = GrantIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = GivenOut), OAuthFaults), security(()))]
pub(super) async fn token(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, OAuthProblem> {
    spend(&world, &visitor, "oauth_token", TOKENS).await?;
    match form.take("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(GrantError::Grant.into()),
        None => return Err(GrantError::Request("grant_type is missing.").into()),
    }
    let Caller::Client(proof) = Caller::of(&headers, &visitor, &mut form)? else {
        return Err(GrantError::Client.into());
    };
    let tenant_named = visitor.tenant_named()?.map(str::to_owned);
    let asked = GrantAsked { proof, scope: form.take("scope"), tenant_named };
    let visit = visit(&world, &visitor, &headers);
    let granted = service::grant(&world.db, world.gate.tokens(), &visit, asked).await?;
    let mut response = Shown::as_is("token", GivenOut::from(granted)).confidential().into_response();
    // RFC 6749, section 5.1, wants both; the other stands on every answer of ours.
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The call of the client that shows itself, if one does.
async fn client(
    world: &World,
    visitor: &Visitor,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Option<Call>, OAuthProblem> {
    match caller {
        Caller::Client(proof) => {
            spend(world, visitor, "oauth", QUESTIONS).await?;
            let visit = visit(world, visitor, headers);
            let named = visitor.tenant_named()?;
            let call = service::authenticate(&world.db, world.gate.tokens(), &visit, proof, named).await?;
            Ok(Some(call))
        }
        Caller::Bearer | Caller::Nobody => Ok(None),
    }
}

/// Ask about a token
///
/// Whether a token of the caller's tenant is active at this moment, and what it says: an access token, a refresh token or
/// an API key. Another tenant's is told as inactive. For a client (its id and secret) or any bearer with
/// `tokens:introspect`.
#[utoipa::path(post, path = "/api/v1/oauth/introspect", tag = "oauth",
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = InspectedOut), OAuthFaults), security(("bearer" = [])))]
pub(super) async fn introspect(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, OAuthProblem> {
    let caller = Caller::of(&headers, &visitor, &mut form)?;
    let call = match (client(&world, &visitor, &headers, &caller).await?, &caller) {
        (Some(call), _) => call,
        (None, Caller::Bearer) => visitor.call(&world, visitor.check(&world).await?),
        (None, _) => return Err(GrantError::Client.into()),
    };
    if call.principal.assurance.lacks_factor {
        return Err(FactorError::Lacking.into());
    }
    if !call.principal.may(Permission::TokensIntrospect) {
        let lacking = Unspecific::Permission(Permission::TokensIntrospect);
        return Err(lacking.into());
    }
    let token = form.secret("token").ok_or(GrantError::Request("token is missing."))?;
    let found = service::introspect(&world.db, &world.gate, &call, &token).await?;
    let issuer = world.gate.tokens().issuer();
    let out = found.map(|found| InspectedOut::new(found, call.tenant(), issuer)).unwrap_or_default();
    Ok(axum::Json(out).into_response())
}

/// Revoke a token
///
/// A person's refresh or access token ends their session: holding it is proof enough. A client's access token is revoked
/// by that client, which shows itself. A token that is worthless already is answered 200 too. An API key is revoked at
/// `/api/v1/admin/api-keys/{id}`.
#[utoipa::path(post, path = "/api/v1/oauth/revoke", tag = "oauth",
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token is worthless."), OAuthFaults), security(()))]
pub(super) async fn revoke(
    Extension(world): Extension<Arc<World>>,
    Extension(visitor): Extension<Arc<Visitor>>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Response, OAuthProblem> {
    let caller = Caller::of(&headers, &visitor, &mut form)?;
    if !matches!(caller, Caller::Client(_)) {
        spend(&world, &visitor, "oauth_revoke", TOKENS).await?;
    }
    let by = client(&world, &visitor, &headers, &caller).await?;
    let token = form.secret("token").ok_or(GrantError::Request("token is missing."))?;
    let visit = visit(&world, &visitor, &headers);
    service::revoke_token(&world.db, world.gate.tokens(), &visit, by.as_ref(), &token).await?;
    Ok(().into_response())
}

/// What this server can do
///
/// Authorization server metadata (RFC 8414): where tokens are got, verified, asked about and revoked.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth",
    responses((status = 200, body = MetadataOut)), security(()))]
pub(super) async fn metadata(Extension(world): Extension<Arc<World>>) -> Result<Response, Problem> {
    Ok(kept(&world, false))
}

/// What this server can do, for libraries that look here
///
/// The same as `/.well-known/oauth-authorization-server`, with the algorithm of tokens where OpenID Connect Discovery has
/// it. This server gives no ID tokens.
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "oauth",
    responses((status = 200, body = MetadataOut)), security(()))]
pub(super) async fn openid_configuration(
    Extension(world): Extension<Arc<World>>,
) -> Result<Response, Problem> {
    Ok(kept(&world, true))
}

fn kept(world: &World, openid: bool) -> Response {
    let out = MetadataOut::new(world.gate.tokens().issuer(), &world.settings.public_url, openid);
    let mut response = axum::Json(out).into_response();
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

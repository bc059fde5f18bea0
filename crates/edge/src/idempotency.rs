//! Was this asked before? A POST with an `Idempotency-Key` gets its first answer again
//! (draft-ietf-httpapi-idempotency-key-header-07).
//!
//! Keys belong to the tenant and live 24 hours. The same key with another request is refused; while the first still
//! runs, the second is told to wait. An answer that held a secret is not kept: the second asker is told so.

use crate::{Problem, Unspecific, shown, store, visitor};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use kernel::{Call, Fault, Kind};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What of an answer's head is kept.
const HEADERS: [&str; 3] = ["content-type", "etag", "location"];
/// Kept beside them: what kind of resource the answer is, so that it can be said in JSON:API form again.
const KIND: &str = "kind";
/// The longest key.
const LONGEST: usize = 255;

/// The answer holds a secret, which no table may keep in clear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confidential;

#[derive(Debug, thiserror::Error)]
enum KeyFault {
    #[error(
        "The first request with this Idempotency-Key succeeded. Its answer held a secret that is shown only once."
    )]
    Confidential,
}

impl Fault for KeyFault {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }
    fn code(&self) -> &'static str {
        "IDEMPOTENCY_CONFIDENTIAL"
    }
}

/// The same routes, with idempotency keys on every POST.
pub fn idempotent(router: Router) -> Router {
    idempotent_but(router, "")
}

/// The same routes, with idempotency keys on every POST but those to `own`, which keeps keys of its own; if it ends in a slash,
/// whatever is below it does.
pub fn idempotent_but(router: Router, own: &'static str) -> Router {
    router.layer(from_fn(move |request: Request, next: Next| async move {
        let keyed = request.method() == Method::POST && request.headers().contains_key("idempotency-key");
        let path = request.uri().path();
        if !keyed || path == own || (own.ends_with('/') && path.starts_with(own)) {
            return next.run(request).await;
        }
        guard(request, next).await.unwrap_or_else(Problem::into_response)
    }))
}

/// The key that the headers name.
///
/// # Errors
/// A fault of the header when it is empty, too long or no printable text.
pub fn idempotency_key(headers: &http::HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text.is_empty() || text.len() > LONGEST {
        return Err(Problem::field(
            "Idempotency-Key",
            format!("must be 1 to {LONGEST} printable ASCII characters"),
        ));
    }
    Ok(Some(text.to_owned()))
}

async fn guard(request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (world, visitor) = visitor::surroundings(&parts)?;
    let Some(key) = idempotency_key(&parts.headers)? else {
        return Err(Unspecific::Internal.into());
    };
    if visitor.credential().is_none() {
        // Keys belong to a tenant; whoever shows none is answered by the route itself.
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    let checked = visitor.check(&world).await?;
    let call = visitor.call(&world, checked);
    let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Unspecific::Internal)?;
    // Bodies may hold passwords: without the operator's token nobody can try them against a copy of the table.
    let fingerprint = Sha256::new()
        .chain_update(world.settings.internal_token.expose())
        .chain_update([0])
        .chain_update(call.principal.actor.name())
        .chain_update([0])
        .chain_update(parts.uri.to_string())
        .chain_update([0])
        .chain_update(&bytes)
        .finalize();

    let mut tx = world.db.begin().await?;
    let kept = store::claim(&mut tx.scope(call.tenant()), &key, &fingerprint, call.now).await?;
    if let Some(kept) = kept {
        tx.rollback().await?;
        return again(&kept, &fingerprint);
    }
    tx.commit().await?;
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    keep(&world, &call, &key, response).await
}

/// The kept answer, given again.
fn again(kept: &store::Kept, fingerprint: &[u8]) -> Result<Response, Problem> {
    if kept.fingerprint != fingerprint {
        return Err(Unspecific::IdempotencyMismatch.into());
    }
    match kept.state.as_str() {
        "running" => return Err(Unspecific::IdempotencyRunning.into()),
        "confidential" => return Err(KeyFault::Confidential.into()),
        _ => {}
    }
    let mut response = Response::new(Body::from(kept.body.clone().unwrap_or_default()));
    let status = kept.status.and_then(|status| u16::try_from(status).ok());
    *response.status_mut() =
        status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or(Unspecific::Internal)?;
    let mut headers: BTreeMap<String, String> =
        serde_json::from_str(kept.headers.as_deref().unwrap_or("{}")).map_err(|_| Unspecific::Internal)?;
    if let Some(kind) = headers.remove(KIND) {
        response.extensions_mut().insert(shown::Kind(kind.into()));
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the answer under its key, unless we failed: then the key is free again.
async fn keep(world: &crate::World, call: &Call, key: &str, response: Response) -> Result<Response, Problem> {
    let problem = response.extensions().get::<Problem>().cloned();
    let confidential = response.extensions().get::<Confidential>().is_some();
    let (mut parts, body) = response.into_parts();
    let mut bytes = to_bytes(body, usize::MAX).await.map_err(|_| Unspecific::Internal)?;
    if let Some(problem) = &problem {
        bytes = problem.body(Some(&call.request)).to_string().into();
        parts.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let mut tx = world.db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    // A request refused for its credential or its pace was not carried out: its key may be used again.
    let passing = matches!(parts.status.as_u16(), 401 | 403 | 429) || parts.status.is_server_error();
    if passing {
        store::release(&mut scope, key).await?;
    } else if confidential {
        store::finish(&mut scope, key, None).await?;
    } else {
        let kind = parts.extensions.get::<shown::Kind>().map(|kind| (KIND, &*kind.0));
        let headers: BTreeMap<&str, &str> = HEADERS
            .iter()
            .filter_map(|name| Some((*name, parts.headers.get(*name)?.to_str().ok()?)))
            .chain(kind)
            .collect();
        let headers = serde_json::to_string(&headers).map_err(|_| Unspecific::Internal)?;
        store::finish(&mut scope, key, Some((parts.status.as_u16(), headers, bytes.to_vec()))).await?;
    }
    tx.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

//! What happens to a request from the door to the answer? In order: who stands there, preflight, size, the canonical
//! path, the component's router, the error envelope, JSON:API, and the headers that stand on every answer.

use crate::{Problem, Unspecific, Visitor, World, cors, denied, jsonapi, paths, shown, visitor::AsSent};
use axum::{
    Router,
    body::{Body, to_bytes},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header, request::Parts, uri::PathAndQuery};
use std::sync::Arc;
use tower::ServiceExt as _;

/// The largest body, in bytes, of anything but an import.
const BODY_LIMIT: usize = 1024 * 1024;

/// The largest file of an import, in bytes.
const FILE_LIMIT: usize = 8 * 1024 * 1024;

/// The largest body that a request may have, in bytes: a file that is imported may be larger than anything else.
#[must_use]
pub fn body_limit(parts: &Parts) -> usize {
    let is_import =
        parts.method == Method::POST && parts.uri.path().trim_end_matches('/').ends_with("/import");
    if is_import { FILE_LIMIT } else { BODY_LIMIT }
}

/// Answers a request; `body` is `None` when it was larger than [`body_limit`].
pub async fn answer(world: &Arc<World>, router: &Router, mut parts: Parts, body: Option<Bytes>) -> Response {
    let limit = body_limit(&parts);
    let sent = parts.uri.clone();
    let asked = parts.headers.clone();
    let method = parts.method.clone();
    let named = paths::named(sent.path());
    let visitor = Arc::new(Visitor::of(world, &method, &sent, &asked, named.tenant));

    // A page is for the browser that shows it: no other site may read it, whichever origins may call us.
    let is_page = paths::is_page(&named.path);
    let preflight = if is_page { None } else { cors::preflight(&world.settings, &method, &asked) };
    let mut response = if let Some(response) = preflight {
        response
    } else if let (Some(body), Some(uri)) = (body, canonical(&named.path, &sent)) {
        parts.uri = uri;
        parts.extensions.insert(AsSent(origin_form(&sent)));
        parts.extensions.insert(Arc::clone(world));
        parts.extensions.insert(Arc::clone(&visitor));
        route(router, Request::from_parts(parts, Body::from(body))).await
    } else {
        Problem::from(Unspecific::TooLarge(limit)).into_response()
    };

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let route = denied::route_of(&mut response);
        response = problem.respond(&visitor.request);
        denied::note(world, &visitor, &method, &route, &problem).await;
    } else if jsonapi::wanted(&asked) && response.status().is_success() {
        response = as_jsonapi(world, &sent, response).await;
    }
    if !is_page {
        cors::admit(&world.settings, &asked, response.headers_mut());
    }
    finish(world, &visitor, &mut response);
    response
}

/// The answer of a component that lacks a variable: its log says which.
#[must_use]
pub fn not_configured() -> Response {
    let text = concat!(
        r#"{"error":{"code":"NOT_CONFIGURED","#,
        r#""message":"This component is not configured; its log says which variable is wrong.","details":[]}}"#
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn route(router: &Router, request: Request<Body>) -> Response {
    let Ok(response) = router.clone().oneshot(request).await;
    response
}

fn origin_form(sent: &Uri) -> Uri {
    sent.path_and_query().map_or_else(|| sent.clone(), |target| Uri::from(target.clone()))
}

fn canonical(path: &str, sent: &Uri) -> Option<Uri> {
    let target = sent.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    PathAndQuery::try_from(target).ok().map(Uri::from)
}

async fn as_jsonapi(world: &World, sent: &Uri, response: Response) -> Response {
    let Some(kind) = response.extensions().get::<shown::Kind>().cloned() else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        return Problem::from(Unspecific::Internal).into_response();
    };
    let path =
        parts.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or(sent.path());
    match jsonapi::wrap(&plain, &kind.0, path, world.clock.now()) {
        Some(wrapped) => {
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(jsonapi::MEDIA_TYPE));
            Response::from_parts(parts, Body::from(wrapped))
        }
        None => Response::from_parts(parts, Body::from(plain)),
    }
}

fn finish(world: &World, visitor: &Visitor, response: &mut Response) {
    let headers = response.headers_mut();
    cors::finish(&world.settings, headers);
    if let Ok(id) = HeaderValue::from_str(visitor.request.as_str()) {
        headers.insert("x-request-id", id);
    }
    // One member for each quota that was taken from (draft-ietf-httpapi-ratelimit-headers).
    for (name, taken) in visitor.taken() {
        let policy = format!("\"{name}\";q={};w={}", taken.limit, taken.window_seconds);
        let state = format!("\"{name}\";r={};t={}", taken.remaining, taken.reset_seconds);
        for (header, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            let known = headers.get(header).and_then(|value| value.to_str().ok());
            let text = known.map_or_else(|| text.clone(), |known| format!("{known}, {text}"));
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

//! Which browsers may call us, and what stands on every answer?
//!
//! Origins come from the variable `cors_origins` (Fetch standard, CORS protocol); the security headers are those that
//! OWASP names for APIs.

use crate::Settings;
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const ACCEPTED: &str = "authorization, content-type, idempotency-key, if-match, traceparent, x-csrf-token, x-request-id, \
                        x-tenant-id, last-event-id, ce-id, ce-source, ce-type, ce-specversion, ce-time, ce-subject";
const EXPOSED: &str = "etag, location, retry-after, ratelimit, ratelimit-policy, x-request-id";

fn allowed(settings: &Settings, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let known = settings.cors_origins.iter().any(|one| one.as_bytes() == origin.as_bytes());
    match (known, settings.cors_origins.iter().any(|one| one == "*")) {
        (true, _) => Some(origin.clone()),
        (false, true) => Some(HeaderValue::from_static("*")),
        (false, false) => None,
    }
}

/// The answer to a preflight request, if it is one.
pub(crate) fn preflight(settings: &Settings, method: &Method, headers: &HeaderMap) -> Option<Response> {
    if method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if allowed(settings, headers).is_some() {
        let out = response.headers_mut();
        out.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        out.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ACCEPTED));
        out.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    Some(response)
}

/// Lets the pages of an origin that may call us read an answer.
pub(crate) fn admit(settings: &Settings, asked: &HeaderMap, out: &mut HeaderMap) {
    if let Some(origin) = allowed(settings, asked) {
        if origin != "*" {
            out.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        out.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Puts the security headers on an answer.
pub(crate) fn finish(settings: &Settings, out: &mut HeaderMap) {
    out.append(header::VARY, HeaderValue::from_static("origin, accept"));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        out.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if settings.public_url.starts_with("https://") {
        out.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

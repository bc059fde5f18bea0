//! What does somebody see who opens a link from a letter, where no frontend has pages for it? A form that works by keyboard
//! and screen reader, and loads nothing from elsewhere.
//!
//! Opening a page changes nothing: programs that look at links in letters do that, too. The token stands behind the `#`, which
//! browsers do not send; the page's own script reads it and sends it when the form is sent.

use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use sha2::{Digest, Sha256};

const INVITATION: &str = include_str!("pages/invitation.html");
const RESET: &str = include_str!("pages/reset.html");
const VERIFY: &str = include_str!("pages/verify.html");
const STYLE: &str = include_str!("pages/page.css");
const SCRIPT: &str = include_str!("pages/page.js");

/// The page for an invitation
#[utoipa::path(get, path = "/auth/invitation", tag = "auth",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")), security(()))]
pub(super) async fn invitation() -> Response {
    page(INVITATION)
}

/// The page for a new password
#[utoipa::path(get, path = "/auth/reset", tag = "auth",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")), security(()))]
pub(super) async fn reset() -> Response {
    page(RESET)
}

/// The page to confirm an address
#[utoipa::path(get, path = "/auth/verify", tag = "auth",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")), security(()))]
pub(super) async fn verify() -> Response {
    page(VERIFY)
}

fn page(body: &str) -> Response {
    let html = body.replace("/*style*/", STYLE).replace("/*script*/", SCRIPT);
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let mut response = html.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

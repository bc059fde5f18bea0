//! How is a list said? `data`, `meta` and `links`, with an opaque cursor.

use crate::{Problem, World};
use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Uri, header, request::Parts};
use kernel::{Cursor, Instant, Page, PageError, PageRequest};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `?limit=50&cursor=…` of a list, and what its answer needs to know of the request.
#[derive(Debug, Clone)]
pub struct Paging {
    /// What is wanted.
    pub request: PageRequest,
    uri: Uri,
    now: Instant,
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<String>,
    cursor: Option<String>,
}

fn decode(text: &str) -> Result<Cursor, PageError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PageError::Cursor)?;
    String::from_utf8(bytes).map(|key| Cursor::after(&key)).map_err(|_| PageError::Cursor)
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wanted = axum::extract::Query::<Wanted>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::field("query", error))?
            .0;
        let mut fields = kernel::Fields::new();
        let limit = match wanted.limit.as_deref() {
            None => Some(PageRequest::DEFAULT_LIMIT),
            Some(text) => fields.take("limit", text.parse().map_err(|_| PageError::Limit)),
        };
        let after = match wanted.cursor.as_deref() {
            None => None,
            Some(text) => fields.take("cursor", decode(text)),
        };
        let request = limit.and_then(|limit| fields.take("limit", PageRequest::new(limit, after)));
        let request = fields.give(request).map_err(Problem::fields)?;
        let now = parts.extensions.get::<Arc<World>>().map(|world| world.clock.now()).unwrap_or_default();
        let uri = parts
            .extensions
            .get::<crate::visitor::AsSent>()
            .map_or_else(|| parts.uri.clone(), |sent| sent.0.clone());
        Ok(Self { request, uri, now })
    }
}

impl Paging {
    /// The answer with this page in it.
    pub fn list<T, O: Serialize>(self, page: Page<T>, show: impl FnMut(T) -> O) -> List<O> {
        let page = page.map(show);
        let next = page.next.as_ref().map(|cursor| self.link(cursor));
        List {
            data: page.items,
            meta: ListMeta { timestamp: self.now.to_string(), version: "1.0", limit: self.request.limit() },
            links: ListLinks { itself: self.uri.to_string(), next },
        }
    }

    /// Where the page after `cursor` is.
    #[must_use]
    pub fn link(&self, cursor: &Cursor) -> String {
        let kept = self.uri.query().unwrap_or_default().split('&');
        let mut parts: Vec<String> =
            kept.filter(|part| !part.is_empty() && !part.starts_with("cursor=")).map(str::to_owned).collect();
        parts.push(format!("cursor={}", URL_SAFE_NO_PAD.encode(cursor.key())));
        format!("{}?{}", self.uri.path(), parts.join("&"))
    }
}

/// A list on its way out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The rows of this page.
    pub data: Vec<T>,
    /// When and how.
    pub meta: ListMeta,
    /// Where this page and the next are.
    pub links: ListLinks,
}

/// When and how a list was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ListMeta {
    /// When, as of RFC 3339.
    pub timestamp: String,
    /// The envelope's version.
    pub version: &'static str,
    /// Rows per page.
    pub limit: u16,
}

/// Where a list goes on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ListLinks {
    /// This page.
    #[serde(rename = "self")]
    pub itself: String,
    /// The next page; null at the end.
    pub next: Option<String>,
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self) {
            Ok(bytes) => {
                let mut response = Response::new(Body::from(bytes));
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(_) => Problem::from(crate::Unspecific::Internal).into_response(),
        }
    }
}

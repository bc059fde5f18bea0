//! How is one resource said? As a plain JSON object; as JSON:API where the client asks for it.

use crate::{Problem, Unspecific, etag, idempotency::Confidential};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::borrow::Cow;

/// One resource on its way out.
#[derive(Debug)]
pub struct Shown<T> {
    value: T,
    status: StatusCode,
    kind: &'static str,
    version: Option<i64>,
    location: Option<String>,
    confidential: bool,
}

/// What the JSON:API form needs to know of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Kind(pub(crate) Cow<'static, str>);

impl<T: Serialize> Shown<T> {
    /// A resource of the type `kind` (`rule`, `event`), as it is.
    pub const fn as_is(kind: &'static str, value: T) -> Self {
        Self { value, status: StatusCode::OK, kind, version: None, location: None, confidential: false }
    }

    /// The same, made just now: 201 with its `Location`.
    pub fn created(kind: &'static str, value: T, location: String) -> Self {
        Self {
            value,
            status: StatusCode::CREATED,
            kind,
            version: None,
            location: Some(location),
            confidential: false,
        }
    }

    /// The same, accepted and stored: 202.
    pub const fn accepted(kind: &'static str, value: T) -> Self {
        Self { value, status: StatusCode::ACCEPTED, kind, version: None, location: None, confidential: false }
    }

    /// An answer of many parts, all of which were refused: 400, with the parts' own errors in it.
    pub const fn refused(kind: &'static str, value: T) -> Self {
        Self {
            value,
            status: StatusCode::BAD_REQUEST,
            kind,
            version: None,
            location: None,
            confidential: false,
        }
    }

    /// The same, with its version as `ETag`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// The same, holding a secret that is shown once: no idempotency key keeps it.
    #[must_use]
    pub fn confidential(self) -> Self {
        Self { confidential: true, ..self }
    }
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        let Ok(bytes) = serde_json::to_vec(&self.value) else {
            return Problem::from(Unspecific::Internal).into_response();
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag::of(version));
        }
        if let Some(location) = self.location.and_then(|path| HeaderValue::from_str(&path).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response.extensions_mut().insert(Kind(Cow::Borrowed(self.kind)));
        if self.confidential {
            response.extensions_mut().insert(Confidential);
        }
        response
    }
}

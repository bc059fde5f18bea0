//! What does a body or a query say? JSON of one shape, every fault named by its field.

use crate::{Problem, Unspecific, nesting};
use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Request},
};
use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;

/// A JSON body of the shape `T`; the content type is `application/json` or ends in `+json`.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The bytes of a JSON body, its content type and nesting checked, not yet read.
#[derive(Debug)]
pub struct RawJson(pub Bytes);

/// The bytes of a body of comma-separated values, not yet read.
#[derive(Debug)]
pub struct Csv(pub Bytes);

/// A query string of the shape `T`.
#[derive(Debug)]
pub struct Query<T>(pub T);

fn media_type(headers: &HeaderMap) -> String {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The field that a path of `serde_path_to_error` names; `body` for the whole.
#[must_use]
pub fn field_of(path: &str) -> String {
    if path.is_empty() || path == "." { "body".to_owned() } else { path.to_owned() }
}

/// Reads `T` from JSON bytes.
///
/// # Errors
/// `INVALID_JSON`, `NESTING_TOO_DEEP`, or `VALIDATION_ERROR` naming the field that does not fit.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if nesting::too_deep(bytes) {
        return Err(Unspecific::Nesting.into());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => Problem::field(&field_of(&path), place_free(&inner)),
            _ => Unspecific::NotJson(inner.to_string()).into(),
        }
    })?;
    reader.end().map_err(|error| Problem::from(Unspecific::NotJson(error.to_string())))?;
    Ok(value)
}

/// serde's message without its line and column, which mean nothing beside a field's name.
fn place_free(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or_else(|| text.clone(), |(words, _)| words.to_owned())
}

impl<S: Send + Sync> FromRequest<S> for RawJson {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Unspecific::ContentType("application/json").into());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::from(Unspecific::NotJson(error.to_string())))?;
        if nesting::too_deep(&bytes) {
            return Err(Unspecific::Nesting.into());
        }
        Ok(Self(bytes))
    }
}

impl<S: Send + Sync> FromRequest<S> for Csv {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if media_type(request.headers()) != "text/csv" {
            return Err(Unspecific::ContentType("text/csv").into());
        }
        // How large it may be was decided before the router: axum's own limit would be a second one.
        to_bytes(request.into_body(), usize::MAX).await.map(Self).map_err(|_| Unspecific::Internal.into())
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let RawJson(bytes) = RawJson::from_request(request, state).await?;
        read(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::field(
                "query",
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        inner: Inner,
    }
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u32,
        exact: Box<serde_json::value::RawValue>,
    }

    fn fault(text: &str) -> String {
        read::<Shape>(text.as_bytes()).unwrap_err().body(None).to_string()
    }

    #[test]
    fn numbers_stay_as_sent() {
        let shape: Shape =
            read(br#"{"inner": {"count": 1, "exact": 123456789012345678901234567890.10}}"#).unwrap();
        assert_eq!(shape.inner.exact.get(), "123456789012345678901234567890.10");
        assert_eq!(shape.inner.count, 1);
    }

    #[test]
    fn a_fault_names_its_field() {
        assert!(fault(r#"{"inner": {"count": "x", "exact": 1}}"#).contains(r#""field":"inner.count""#));
        assert!(fault(r#"{"inner": {"count": 1, "exact": 1, "more": 2}}"#).contains("unknown field `more`"));
        assert!(fault("{").contains("INVALID_JSON"));
        assert!(fault(r#"{"inner": {"count": 1, "exact": 1}} x"#).contains("INVALID_JSON"));
    }
}

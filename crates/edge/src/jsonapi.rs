//! How is one resource said as JSON:API (<https://jsonapi.org/format/1.1/>)? Wrapped, where `Accept` asks for it.

use bytes::Bytes;
use http::{HeaderMap, header};
use kernel::Instant;
use serde_json::{Map, Value, json};

/// The media type of JSON:API.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.api+json";

/// Whether the client asks for JSON:API.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|text| text.contains(MEDIA_TYPE))
}

/// The resource in `plain`, wrapped; `None` if it is no object.
pub(crate) fn wrap(plain: &[u8], kind: &str, path: &str, now: Instant) -> Option<Bytes> {
    let mut attributes: Map<String, Value> = serde_json::from_slice(plain).ok()?;
    let id = attributes.remove("id").unwrap_or_else(|| json!(""));
    let whole = json!({
        "data": {"id": id, "type": kind, "attributes": attributes},
        "meta": {"timestamp": now.to_string(), "version": "1.0"},
        "links": {"self": path},
    });
    serde_json::to_vec(&whole).ok().map(Bytes::from)
}

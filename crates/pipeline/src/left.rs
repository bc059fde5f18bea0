//! What does a job leave for those behind it? What came of it, as JSON: of an answer what somebody may go on with, and no header
//! that might let anybody in.

use jobs::{ANSWER_LIMIT, RESULT_LIMIT, Receipt};
use kernel::TaskId;
use notifications::Expanded;
use serde_json::{Map, Value, json};

/// The headers of an answer that are kept.
const HEADERS: [&str; 3] = ["content-type", "location", "retry-after"];
/// The deepest JSON that is kept as JSON; deeper, it is text.
const DEEPEST: usize = 64;
/// The largest text of a body in the result; in the worst case a sign takes six there.
const LARGEST: usize = RESULT_LIMIT - 2 * 1024;
/// How much is kept of one that is larger.
const TEXT: usize = 2 * 1024;

/// What an `http_request` leaves: status, a few headers, and the body, which is JSON if the receiver says so.
pub(crate) fn of_answer(receipt: &Receipt) -> Value {
    let mut headers = Map::new();
    for (name, value) in receipt.headers.iter().filter(|(name, _)| HEADERS.contains(&name.as_str())) {
        headers.insert(name.clone(), value.as_str().into());
    }
    let mut left = json!({"status": receipt.status, "headers": headers});
    let said = headers.get("content-type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let (body, is_cut) = body(&receipt.body, &said);
    if let Some(left) = left.as_object_mut() {
        left.insert("body".to_owned(), body);
        if is_cut {
            left.insert("body_cut".to_owned(), true.into());
        }
    }
    left
}

/// The body as JSON, or as text; and whether it is only its beginning.
fn body(bytes: &[u8], content_type: &str) -> (Value, bool) {
    if bytes.is_empty() {
        return (Value::Null, false);
    }
    let cut = bytes.len() >= ANSWER_LIMIT;
    let may_be_json =
        content_type.contains("json") || matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
    if may_be_json
        && let Ok(value) = serde_json::from_slice::<Value>(bytes)
        && depth(&value) <= DEEPEST
    {
        return (value, false);
    }
    let text = String::from_utf8_lossy(bytes);
    let whole = json!(text);
    if whole.to_string().len() <= LARGEST {
        return (whole, cut);
    }
    (text.chars().take(TEXT).collect::<String>().into(), true)
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(object) => object.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    inner.unwrap_or_default().saturating_add(1)
}

/// What a `send_notification` leaves.
pub(crate) fn of_message(expanded: &Expanded) -> Value {
    let deliveries: Vec<&str> = expanded.deliveries.iter().map(|(delivery, _)| delivery.as_str()).collect();
    json!({"message_id": expanded.message_id.as_str(), "deliveries": deliveries})
}

/// What a `publish_event` leaves.
pub(crate) fn of_event(receipt: &crate::Receipt) -> Value {
    json!({"event_id": receipt.id.as_str(), "duplicate": receipt.duplicate})
}

/// What a `create_task` leaves.
pub(crate) fn of_task(id: &TaskId) -> Value {
    json!({"task_id": id.as_str()})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content_type: &str, body: &[u8]) -> Value {
        let headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("set-cookie".to_owned(), "session=hush".to_owned()),
            ("location".to_owned(), "/orders/7".to_owned()),
        ];
        of_answer(&Receipt { status: 201, headers, body: body.to_vec() })
    }

    #[test]
    fn an_answer_is_kept_as_what_it_is() {
        assert_eq!(
            answer("application/json", br#"{"id": 7, "total": 12.50}"#).to_string(),
            r#"{"body":{"id":7,"total":12.50},"headers":{"content-type":"application/json","location":"/orders/7"},"status":201}"#
        );
        assert_eq!(answer("text/plain", b"12")["body"], "12");
        assert_eq!(answer("application/json", b"12")["body"], 12);
        assert_eq!(answer("application/json", b"{oops")["body"], "{oops");
        assert_eq!(answer("text/plain", b"")["body"], Value::Null);
        assert_eq!(answer("text/plain", &[0xff, b'a'])["body"], "\u{fffd}a");
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_text() {
        let deep = "[".repeat(70) + &"]".repeat(70);
        assert_eq!(answer("application/json", deep.as_bytes())["body"], deep.as_str());
        let long = answer("application/json", "x".repeat(ANSWER_LIMIT).as_bytes());
        assert_eq!(long["body_cut"], true);
        assert_eq!(long["body"].as_str().unwrap().len(), ANSWER_LIMIT);
        let swelling = answer("application/octet-stream", &[1; ANSWER_LIMIT]);
        assert_eq!((&swelling["body_cut"], swelling["body"].as_str().unwrap().len()), (&json!(true), TEXT));
        assert!(swelling.to_string().len() <= jobs::RESULT_LIMIT);
    }
}

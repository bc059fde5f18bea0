//! What does a body say? JSON stays JSON, a form becomes an object, and all else is text.

use serde_json::{Map, Value};

/// The deepest JSON that is taken as JSON, as at every other door; deeper, it is text.
const DEEPEST: usize = 64;
/// The field in which GitHub and Slack send JSON within a form.
const NESTED: &str = "payload";

/// A body as a value, for mappings: what its media type says it is, or looks like.
#[must_use]
pub fn read(content_type: Option<&str>, bytes: &[u8]) -> Value {
    let kind =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/x-www-form-urlencoded" {
        return form(bytes);
    }
    json(bytes).unwrap_or_else(|| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// The event's data if the mapping names none: the body, which must be an object, or else stands in one.
#[must_use]
pub fn as_data(body: &Value) -> Value {
    match body {
        Value::Object(_) => body.clone(),
        other => Value::Object(Map::from_iter([("body".to_owned(), other.clone())])),
    }
}

fn json(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    (depth(&value) <= DEEPEST).then_some(value)
}

/// The reader stops at 128 levels, so this ends.
fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(object) => object.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    deepest.unwrap_or(0).saturating_add(1)
}

/// Fields by their names; one that is there more than once is a list. JSON in the field `payload` is read.
fn form(bytes: &[u8]) -> Value {
    let mut object = Map::new();
    for (name, text) in url::form_urlencoded::parse(bytes) {
        let nested = if name == NESTED { json(text.as_bytes()).filter(Value::is_object) } else { None };
        let value = nested.unwrap_or_else(|| Value::String(text.into_owned()));
        match object.get_mut(&*name) {
            None => drop(object.insert(name.into_owned(), value)),
            Some(Value::Array(items)) => items.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_body_is_read() {
        const FORM: Option<&str> = Some("application/x-www-form-urlencoded; charset=utf-8");
        for (kind, bytes, wanted) in [
            (Some("application/json"), &b"{\"a\": 1}"[..], json!({"a": 1})),
            (None, b"[1]", json!([1])),
            (Some("text/plain"), b"hello", json!("hello")),
            (None, b"", json!("")),
            (None, b"\xff", json!("\u{fffd}")),
            (FORM, b"a=1&b=x+y%21&a=2&a=3", json!({"a": ["1", "2", "3"], "b": "x y!"})),
            (FORM, b"payload=%7B%22type%22%3A%22x%22%7D", json!({"payload": {"type": "x"}})),
            (FORM, b"payload=text", json!({"payload": "text"})),
        ] {
            assert_eq!(read(kind, bytes), wanted, "{kind:?} {bytes:?}");
        }
    }

    #[test]
    fn what_nests_too_deeply_is_text() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        assert!(read(None, &nested(64)).is_array());
        assert!(read(None, &nested(65)).is_string());
        assert!(read(None, &nested(100_000)).is_string());
    }

    #[test]
    fn numbers_stay_as_they_were_sent() {
        let read = read(None, br#"{"amount": 12345678901234567890.10}"#);
        assert_eq!(read["amount"].to_string(), "12345678901234567890.10");
        assert_eq!(as_data(&json!("x")), json!({"body": "x"}));
    }
}

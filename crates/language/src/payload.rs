//! What does an event's data say, to the letter? Reads JSON so that every number keeps the text that it was sent in.

use serde_json::{Map, Number, Value, value::RawValue};
use std::collections::BTreeMap;

/// Reads data. `serde_json` keeps every digit, but writes `1e400` as `1e+400`: where exponents stand, numbers are read once more
/// from the text.
///
/// # Errors
/// The text is not JSON, or nests deeper than 128.
pub fn read(text: &str) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_str(text)?;
    if has_exponents(&value) { exact(text.trim()) } else { Ok(value) }
}

/// Whether a number of this value has an exponent.
fn has_exponents(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_str().contains(['e', 'E']),
        Value::Array(items) => items.iter().any(has_exponents),
        Value::Object(fields) => fields.values().any(has_exponents),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// One value; its depth was bounded by the reading before this one.
fn exact(text: &str) -> Result<Value, serde_json::Error> {
    match text.bytes().next() {
        Some(b'{') => {
            let parts: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let pairs = parts.into_iter().map(|(name, part)| exact(part.get()).map(|value| (name, value)));
            pairs.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        Some(b'[') => {
            let parts: Vec<&RawValue> = serde_json::from_str(text)?;
            parts.into_iter().map(|part| exact(part.get())).collect()
        }
        Some(b'-' | b'0'..=b'9') => Ok(Value::Number(Number::from_string_unchecked(text.to_owned()))),
        Some(_) | None => serde_json::from_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_text() {
        let text = r#" {"a":[1E400,{"b":-1e-7}],"c":"1e5 \u00e4","d":1234567890123456789012345678901234567890.0,"e":null}"#;
        let said = read(text).unwrap();
        assert_eq!(said["a"][0].to_string(), "1E400");
        assert_eq!(said["a"][1]["b"].to_string(), "-1e-7");
        assert_eq!(said["c"], "1e5 ä");
        assert_eq!(said["d"].to_string(), "1234567890123456789012345678901234567890.0");
        let said = read(r#"{"a\":\"1e5":["\\",2E3],"b":"4e1"}"#).unwrap();
        assert_eq!(said["a\":\"1e5"][1].to_string(), "2E3");
        assert!(read("{").is_err() && read("1e").is_err() && read(&"[".repeat(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn says_what_serde_says(text in r#"[\[\]{}",:0-9eE+\-. ]{0,40}"#) {
            prop_assert_eq!(read(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}

//! What does a text in JSON say? Numbers to the letter, and no name twice in an object: where one reader takes the first and
//! another the last, a rule would be two.

use super::{DEEPEST, Unreadable};
use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};
use std::fmt;

/// The fields of an object in the order in which they were written.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Listing;
        impl<'de> Visitor<'de> for Listing {
            type Value = Pairs<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        reader.deserialize_map(Listing)
    }
}

/// Reads a document.
///
/// # Errors
/// [`Unreadable`].
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let whole: &RawValue =
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|fault| {
            let said = fault.to_string();
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(words, _)| words);
            Unreadable::at(fault.line(), fault.column(), said)
        })?;
    value(whole.get(), "", 0)
}

fn value(text: &str, path: &str, depth: usize) -> Result<Value, Unreadable> {
    if depth > DEEPEST {
        return Err(Unreadable::said(format!("it nests deeper than {DEEPEST} levels")));
    }
    let fault = |fault: serde_json::Error| Unreadable::said(fault.to_string());
    match text.bytes().next() {
        Some(b'{') => {
            let Pairs(pairs) = serde_json::from_str(text).map_err(fault)?;
            let mut fields = Map::new();
            for (name, part) in pairs {
                let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let part = value(part.get(), &place, depth + 1)?;
                if fields.insert(name, part).is_some() {
                    return Err(Unreadable::said(format!("{place} stands there twice")));
                }
            }
            Ok(Value::Object(fields))
        }
        Some(b'[') => {
            let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(fault)?;
            let item =
                |(index, part): (usize, &RawValue)| value(part.get(), &format!("{path}[{index}]"), depth + 1);
            parts.into_iter().enumerate().map(item).collect()
        }
        Some(b'-' | b'0'..=b'9') => Ok(Value::Number(Number::from_string_unchecked(text.to_owned()))),
        Some(_) | None => serde_json::from_str(text).map_err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_to_the_letter() {
        let said = read(" {\"a\": [1e400, 10000.50, {\"b\": null}], \"c\": \"1e5 \\u00e4\"} ").unwrap();
        assert_eq!(
            (said["a"][0].to_string(), said["a"][1].to_string()),
            ("1e400".to_owned(), "10000.50".to_owned())
        );
        assert_eq!((&said["a"][2], &said["c"]), (&json!({"b": null}), &json!("1e5 ä")));
    }

    #[test]
    fn faults_have_their_place() {
        let fault = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(fault("{\"a\": 1,\n}"), "line 2, column 1: key must be a string");
        assert_eq!(fault("{\"a\": {\"b\": 1, \"b\": 2}}"), "a.b stands there twice");
        assert_eq!(fault("{\"r\": [1, {\"b\": 1, \"b\": 1}]}"), "r[1].b stands there twice");
        assert_eq!(fault(&format!("{}{}", "[".repeat(70), "]".repeat(70))), "it nests deeper than 64 levels");
        assert!(read(&"[".repeat(100_000)).is_err() && read("").is_err() && read("{} {}").is_err());
    }
}

//! What does an event's data say, to the letter? Reads JSON so that every number keeps the text that it was sent in.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Number, Value, value::RawValue};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Which of the data's fields are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// All of them, or it is not known which.
    All,
    /// Those of these names.
    Fields(BTreeSet<String>),
}

impl Default for Needed {
    /// None.
    fn default() -> Self {
        Self::Fields(BTreeSet::new())
    }
}

impl Needed {
    /// This one, too.
    pub(crate) fn add(&mut self, name: &str) {
        if let Self::Fields(names) = self {
            names.insert(name.to_owned());
        }
    }
}

/// Reads data. `serde_json` keeps every digit, but writes `1e400` as `1e+400`: where exponents stand, numbers are read once more
/// from the text.
///
/// # Errors
/// The text is not JSON, or nests deeper than 128.
pub fn read(text: &str) -> Result<Value, serde_json::Error> {
    let value = serde_json::from_str(text)?;
    if has_exponents(&value) { exact(text.trim()) } else { Ok(value) }
}

/// Reads the fields that are needed of data that was read once before, and passes over the others: for whoever looks at much.
///
/// # Errors
/// The text is not JSON, or nests deeper than 128; of what is passed over, not all is noticed.
pub fn read_needed(text: &str, needed: &Needed) -> Result<Value, serde_json::Error> {
    let Needed::Fields(names) = needed else { return read(text) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let fields = match deserializer
        .deserialize_map(Sieve(names))
        .and_then(|fields| deserializer.end().map(|()| fields))
    {
        Ok(fields) => Value::Object(fields),
        // No object, so that there are no fields to choose from; or a name that changes what the object is.
        Err(_) => return read(text),
    };
    if has_exponents(&fields) { read(text) } else { Ok(fields) }
}

/// Keeps fields of these names.
struct Sieve<'a>(&'a BTreeSet<String>);

impl<'de> Visitor<'de> for Sieve<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key_seed(Name(self.0))? {
            match name {
                Found::Needed(name) => drop(fields.insert(name.to_owned(), access.next_value()?)),
                Found::Other => drop(access.next_value::<IgnoredAny>()?),
                Found::Private => return Err(A::Error::custom("a name that the reader keeps for itself")),
            }
        }
        Ok(fields)
    }
}

/// Finds a name among these.
struct Name<'a>(&'a BTreeSet<String>);

/// What a name is.
enum Found<'a> {
    Needed(&'a str),
    Other,
    /// One by which `serde_json` tells itself something: what it makes of the whole, only a whole reading says.
    Private,
}

impl<'de, 'a> DeserializeSeed<'de> for Name<'a> {
    type Value = Found<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Found<'a>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.0.get(name) {
            Some(name) => Found::Needed(name),
            None if name.starts_with("$serde_json::private::") => Found::Private,
            None => Found::Other,
        })
    }
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

    #[test]
    fn only_what_is_needed_is_kept() {
        let needed = Needed::Fields(["a", "b\"c", "e"].map(str::to_owned).into());
        let kept = |text: &str| read_needed(text, &needed).unwrap().to_string();
        assert_eq!(kept(r#" {"a":1.50,"x":{"a":[2]},"b\"c":null,"y":"a"} "#), r#"{"a":1.50,"b\"c":null}"#);
        assert_eq!(kept(r#"{"a":1,"\u0061":2,"x":1}"#), r#"{"a":2}"#);
        assert_eq!(kept(r#"{"x":1e5}"#), "{}");
        assert_eq!(kept(r#"{"a":1e5}"#), r#"{"a":1e5}"#);
        assert_eq!(kept("[1]"), "[1]");
        let odd = r#"{"$serde_json::private::RawValue":"{\"a\":1}"}"#;
        assert_eq!(kept(odd), read(odd).unwrap().to_string());
        assert_eq!(read_needed("{\"x\":1}", &Needed::All).unwrap().to_string(), "{\"x\":1}");
        assert!(read_needed("{\"x\":1} 2", &needed).is_err() && read_needed("{\"x\":", &needed).is_err());
    }

    proptest! {
        #[test]
        fn says_what_serde_says(text in r#"[\[\]{}",:0-9eE+\-. ]{0,40}"#) {
            prop_assert_eq!(read(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}

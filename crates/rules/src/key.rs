//! What belongs together? Events whose key is the same: the values of some fields, such as `contact_id`.

use kernel::Fields;
use language::{Facts, FieldPath, Vocabulary, key_of, payload::Needed};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The most fields of a key.
const MOST_FIELDS: usize = 5;

/// The fields that make a key; none means that all events belong together.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyPaths(Vec<FieldPath>);

/// A key: a digest of the values, so that nothing that identifies a person stands where things are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// A key as it was kept.
    #[must_use]
    pub fn kept(text: &str) -> Self {
        Self(text.into())
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyPaths {
    /// Reads a field's name, or a list of them.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with it.
    pub(crate) fn read(value: &Value, vocabulary: &Vocabulary) -> Result<Self, String> {
        let shape =
            || format!("must be a field such as \"contact_id\", or a list of up to {MOST_FIELDS} of them");
        let names: Vec<&str> = match value {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) if (1..=MOST_FIELDS).contains(&names.len()) => {
                names.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(shape)?
            }
            _ => return Err(shape()),
        };
        let mut fields = Fields::new();
        let read = |name: &&str| vocabulary.path(name).map_err(|fault| fields.fault(*name, fault)).ok();
        let paths: Option<Vec<FieldPath>> = names.iter().map(read).collect();
        match (fields.done(), paths) {
            (Ok(()), Some(paths)) => Ok(Self(paths)),
            (Err(faults), _) => Err(format!(
                "names {}",
                faults
                    .first()
                    .map(|fault| format!("{}, which {}", fault.field, fault.message))
                    .unwrap_or_default()
            )),
            (Ok(()), None) => Err(shape()),
        }
    }

    /// Whether one of its fields is of the circumstances of an event.
    pub(crate) fn look_at_event(&self) -> bool {
        self.0.iter().any(FieldPath::is_of_event)
    }

    /// Whether one of its fields is of the record that the event is about.
    pub(crate) fn look_at_record(&self) -> bool {
        self.0.iter().any(FieldPath::is_of_record)
    }

    /// Adds the fields of the data that make the key.
    pub(crate) fn need(&self, needed: &mut Needed) {
        self.0.iter().for_each(|path| path.need(needed));
    }

    /// How many fields make the key.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The key of an event. What is not there counts as null; values that equal each other make the same key.
    pub(crate) fn of(&self, facts: &Facts<'_>) -> Key {
        let mut digest = Sha256::new();
        for path in &self.0 {
            let value = path.of(facts).unwrap_or(&Value::Null);
            let text = key_of(value).unwrap_or_else(|| value.to_string());
            digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(text);
        }
        let text = digest.finalize().iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Key(text.into())
    }

    /// The values that made the key, by field, for explanations.
    pub(crate) fn shown(&self, facts: &Facts<'_>) -> Value {
        let value = |path: &FieldPath| path.of(facts).cloned().unwrap_or_default();
        Value::Object(
            self.0.iter().map(|path| (path.as_str().to_owned(), value(path))).collect::<Map<_, _>>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(paths: &Value, data: &Value) -> Key {
        KeyPaths::read(paths, &Vocabulary::open()).unwrap().of(&Facts::of(data))
    }

    #[test]
    fn equal_values_make_one_key() {
        let one = key(&json!("id"), &json!({"id": 12}));
        assert_eq!(one, key(&json!(["id"]), &json!({"id": "12.0"})));
        assert_ne!(one, key(&json!("id"), &json!({"id": "13"})));
        assert_eq!(key(&json!("id"), &json!({})), key(&json!("id"), &json!({"id": null})));
        assert_ne!(
            key(&json!(["a", "b"]), &json!({"a": "xy", "b": ""})),
            key(&json!(["a", "b"]), &json!({"a": "x", "b": "y"}))
        );
        assert_eq!(one.as_str().len(), 32);
    }

    #[test]
    fn crooked_keys_are_refused() {
        for value in [json!(1), json!([]), json!([1]), json!(["a", "b", "c", "d", "e", "f"]), json!("a..b")] {
            assert!(KeyPaths::read(&value, &Vocabulary::open()).is_err(), "{value}");
        }
    }
}

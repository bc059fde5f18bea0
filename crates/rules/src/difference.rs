//! What is different between two things that a rule said? Told twice: as a JSON Patch (RFC 6902) for programs, and as lines for
//! people. Both leave out what lets somebody in elsewhere, as the audit does.

mod list;
mod words;

use crate::{Definition, document::document, record::mask_at};
use serde_json::Value;

/// The difference of two definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The operations that make the one of the other, in order: `{op, path, value?}`.
    pub patch: Value,
    /// One line for each change.
    pub lines: Vec<Line>,
}

/// One change, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Where it is in the later one, or was in the earlier: `conditions[1].value`.
    pub path: String,
    /// What changed: `condition 2: value 10000 → 12000`.
    pub text: String,
    /// What was there; `None` if nothing was.
    pub was: Option<Value>,
    /// What is there; `None` if nothing is.
    pub is: Option<Value>,
}

impl Difference {
    /// What makes `is` of `was`.
    #[must_use]
    pub fn between(was: &Definition, is: &Definition) -> Self {
        let (was, is) = (document(was), document(is));
        Self { patch: patch(&was, &is), lines: words::lines(&was, &is) }
    }

    /// The lines alone.
    pub(crate) fn lines(was: &Definition, is: &Definition) -> Vec<Line> {
        words::lines(&document(was), &document(is))
    }
}

/// The operations, their values masked.
fn patch(was: &Value, is: &Value) -> Value {
    // What the library makes are operations with pointers and values of JSON: they can be said in JSON.
    let mut patch = serde_json::to_value(json_patch::diff(was, is)).unwrap_or_default();
    for operation in patch.as_array_mut().into_iter().flatten() {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let path: Vec<String> =
            path.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
        if let Some(value) = operation.get_mut("value") {
            mask_at(&path, value);
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_patch_says_no_secrets() {
        let with = |token: &str| {
            json!({"actions": [{"type": "http_request", "parameters": {
                "url": format!("https://u:{token}@example.com/?{token}"), "headers": {"X": token}, "body": 1}}]})
        };
        for (was, is) in [
            (with("hush"), with("hush2")),
            (json!({"actions": []}), with("hush")),
            (json!({}), with("hush")),
            (json!({"actions": [{"parameters": {}}]}), with("hush")),
            (json!({"actions": [{"parameters": {"headers": {}}}]}), with("hush")),
        ] {
            let said = patch(&was, &is).to_string();
            assert!(!said.contains("hush"), "{said}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[a-c~/]{0,3}".prop_map(Value::from),
            Just(Value::Null)
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{1,2}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_patch_makes_the_one_of_the_other(was in value(), is in value()) {
            // None of this is below actions, where values are masked.
            let (was, is) = (json!({"conditions": was}), json!({"conditions": is}));
            let operations: json_patch::Patch = serde_json::from_value(patch(&was, &is)).unwrap();
            let mut made = was.clone();
            json_patch::patch(&mut made, &operations).unwrap();
            prop_assert_eq!(&made, &is);
            let lines = words::lines(&was, &is);
            let lists = was["conditions"].is_array() && is["conditions"].is_array();
            prop_assert!(!lists || lines.is_empty() == (was == is), "{:?}", lines);
        }
    }
}

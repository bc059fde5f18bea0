//! Does a value fit a JSON Schema (2020-12) that a tenant wrote? And may the schema be used at all?
//!
//! Schemas come from tenants, so whatever could cost without end is kept out: references (a small schema of references is a huge
//! one), backtracking patterns, depth and size. Nothing is ever fetched.
//!
//! The library's code is compiled into whoever names its types; here it is compiled once.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use kernel::{FieldFault, Fields};
use serde_json::Value;
use std::fmt::Write as _;

/// The dialect that is read.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The largest schema, in bytes of JSON.
pub const LARGEST: usize = 64 * 1024;
/// The deepest schema.
pub const DEEPEST: usize = 20;
/// The most faults that are told of one value.
const MOST_TOLD: usize = 50;
/// The largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;
/// Keywords that refer to something elsewhere, or are referred to.
const REFERENCES: &[&str] =
    &["$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "$defs"];

/// Notes whatever keeps a schema from being used: its size, its depth, its dialect, references. `path` is its own.
pub fn check(schema: &Value, path: &str, fields: &mut Fields) {
    if schema.to_string().len() > LARGEST || depth(schema) > DEEPEST {
        fields.fault(path, format!("must be at most {LARGEST} bytes, and nest at most {DEEPEST} levels"));
        return;
    }
    if schema.get("$schema").is_some_and(|dialect| dialect != DIALECT) {
        fields.fault(format!("{path}.$schema"), format!("must be {DIALECT}, or be left out"));
    }
    refuse_references(schema, path, fields);
}

fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Object(object) => object.values().map(depth).max(),
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    below.unwrap_or(0).saturating_add(1)
}

fn refuse_references(value: &Value, path: &str, fields: &mut Fields) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                let place = format!("{path}.{key}");
                if REFERENCES.contains(&key.as_str()) {
                    fields.fault(place, "is not read here: say each field's schema where it stands");
                } else {
                    refuse_references(inner, &place, fields);
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                refuse_references(inner, &format!("{path}[{index}]"), fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A JSON Pointer as our paths are written: `/items/0/price` is `items[0].price`.
#[must_use]
pub fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            // Writing to a String cannot fail.
            let _ = write!(path, "[{part}]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part);
        }
    }
    path
}

/// A schema, ready to look at values.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Compiles a schema that was checked.
    ///
    /// # Errors
    /// What is wrong with it, and where in it (`path` before that).
    pub fn compile(schema: &Value, path: &str) -> Result<Self, FieldFault> {
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN))
            .offline();
        options.build(schema).map(Self).map_err(|error| {
            let place = dotted(error.instance_path().as_str());
            let field = if place.is_empty() { path.to_owned() } else { format!("{path}.{place}") };
            FieldFault::new(field, format!("is not a JSON Schema that can be used: {error}"))
        })
    }

    /// Everything in a value that the schema does not allow; the field is the path in the value, `body` for the whole.
    #[must_use]
    pub fn faults(&self, value: &Value) -> Vec<FieldFault> {
        self.0.iter_errors(value).take(MOST_TOLD).map(|error| said(&error)).collect()
    }

    /// Whether the schema allows it.
    #[must_use]
    pub fn allows(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }
}

fn said(error: &ValidationError<'_>) -> FieldFault {
    let path = dotted(error.instance_path().as_str());
    if let ValidationErrorKind::Required { property } = error.kind()
        && let Some(name) = property.as_str()
    {
        let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return FieldFault::new(field, "is missing");
    }
    // The value itself is not told: it may be long, and whoever sent it knows it.
    let message = error.masked_with("it").to_string();
    let field = if path.is_empty() { "body".to_owned() } else { path };
    FieldFault::new(field, message.strip_prefix("it ").unwrap_or(&message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unusable(schema: &Value) -> Vec<String> {
        let mut fields = Fields::new();
        check(schema, "schema", &mut fields);
        let mut faults = fields.done().err().unwrap_or_default();
        if faults.is_empty() {
            faults.extend(Schema::compile(schema, "schema").err());
        }
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_schema_that_could_cost_without_end_is_refused() {
        assert_eq!(unusable(&json!({"properties": {"budget": {"type": "number", "minimum": 0}}})), [""; 0]);
        for (schema, wanted) in [
            (json!({"properties": {"a": {"$ref": "#"}}}), "schema.properties.a.$ref: is not read here"),
            (json!({"$defs": {}, "properties": {}}), "schema.$defs: is not read here"),
            (json!({"allOf": [{"$ref": "https://example.com/x"}]}), "schema.allOf[0].$ref: is not read here"),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "schema.$schema: must be"),
            (
                json!({"properties": {"a": {"type": "money"}}}),
                "schema.properties.a.type: is not a JSON Schema",
            ),
            (json!({"properties": {"a": {"pattern": "(?=x)"}}}), "schema"),
            (json!({"properties": {"a": {"pattern": "((a{100}){100}){100}"}}}), "schema"),
            (json!({"description": "x".repeat(70_000)}), "schema: must be at most"),
        ] {
            let said = unusable(&schema);
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{schema}: {said:?}");
        }
        let mut deep = json!({});
        for _ in 0..30 {
            deep = json!({"properties": {"a": deep}});
        }
        assert!(unusable(&deep)[0].contains("nest at most"));
    }

    #[test]
    fn each_fault_names_its_field() {
        let schema = json!({"properties": {"budget": {"type": "number", "minimum": 0.10},
            "tags": {"type": "array", "items": {"type": "string"}}, "due": {"type": "string", "format": "date"}},
            "required": ["budget"]});
        let schema = Schema::compile(&schema, "schema").unwrap();
        let told = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            let faults = schema.faults(&value);
            assert_eq!(faults.is_empty(), schema.allows(&value));
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(r#"{"budget": 0.10, "tags": ["a"], "due": "2026-01-31"}"#), [""; 0]);
        assert_eq!(
            told(r#"{"tags": ["a", 1], "due": "soon"}"#),
            ["budget: is missing", "due: is not a \"date\"", "tags[1]: is not of type \"string\""]
        );
        // Exact: a double would take this for 0.1.
        assert_eq!(
            told(r#"{"budget": 0.0999999999999999999999}"#),
            ["budget: is less than the minimum of 0.1"]
        );
    }
}

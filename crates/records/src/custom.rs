//! What may stand in a tenant's own fields? A JSON Schema (2020-12) says: an object of properties, each with its own schema.
//!
//! Schemas come from tenants, so whatever could cost without end is kept out: references (a small schema of references is a huge
//! one), backtracking patterns, and size. What is not among the properties is refused, whatever the schema says of it.

use crate::{TypeName, name};
use jsonschema::{Draft, PatternOptions, Validator};
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value, json};

/// The most fields of a tenant's own in one type.
pub(crate) const MOST_FIELDS: usize = 100;
/// The largest schema, in bytes of JSON.
const LARGEST: usize = 64 * 1024;
/// The deepest schema.
const DEEPEST: usize = 20;
/// The largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;
/// Keywords that refer to something elsewhere.
const REFERENCES: &[&str] =
    &["$ref", "$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor", "$defs"];
/// The most faults that are told of one record.
const MOST_TOLD: usize = 50;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema without any field.
pub(crate) fn nothing() -> Value {
    json!({"type": "object", "properties": {}})
}

/// The properties of a schema.
pub(crate) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// The schema of one field.
pub(crate) fn property<'a>(schema: &'a Value, field: &str) -> Option<&'a Value> {
    properties(schema)?.get(field)
}

/// The fields that a schema requires.
pub(crate) fn required(schema: &Value) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Checks a schema of a type's own fields; `taken` are the built-in ones.
pub(crate) fn check(kind: &TypeName, schema: &Value, taken: &[&str], fields: &mut Fields) {
    let Some(object) = schema.as_object() else {
        fields.fault("schema", "must be a JSON Schema: an object with `properties`");
        return;
    };
    if schema.to_string().len() > LARGEST || depth(schema) > DEEPEST {
        let message = format!("must be at most {LARGEST} bytes, and nest at most {DEEPEST} levels");
        fields.fault("schema", message);
        return;
    }
    if object.get("type").is_some_and(|kind| kind != "object") {
        fields.fault("schema.type", "must be `object`: a record is one");
    }
    if object.get("$schema").is_some_and(|dialect| dialect != DIALECT) {
        fields.fault("schema.$schema", format!("must be {DIALECT}, or be left out"));
    }
    refuse_references(schema, "schema", fields);
    match object.get("properties") {
        Some(Value::Object(properties)) => {
            if properties.len() > MOST_FIELDS {
                let message = format!("must be at most {MOST_FIELDS} fields; it has {}", properties.len());
                fields.fault("schema.properties", message);
            }
            for field in properties.keys() {
                let shown: String = field.chars().take(60).collect();
                let place = format!("schema.properties.{shown}");
                if taken.contains(&field.as_str()) {
                    fields.fault(place, format!("is a field that every {kind} has; take another name"));
                } else if let Some(fault) = name::field_fault(kind, field) {
                    fields.fault(place, fault);
                }
            }
            for wanted in required(schema) {
                if !properties.contains_key(wanted) {
                    fields.fault(
                        "schema.required",
                        format!("names {wanted:?}, which is not among the properties"),
                    );
                }
            }
        }
        Some(_) => fields.fault("schema.properties", "must be an object of fields and their schemas"),
        None => fields.fault("schema.properties", "is missing: name the fields and their schemas"),
    }
    if fields.is_sound()
        && let Err(fault) = compile(schema)
    {
        fields.fault(fault.field, fault.message);
    }
}

fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Object(object) => object.values().map(depth).max(),
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    below.unwrap_or(0).saturating_add(1)
}

/// Notes a fault for every keyword that refers to something. A property may be called as such a keyword is; then the schema
/// says something of it that is no text, and a reference is always one.
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

/// The path of JSON Pointer in our own way: `/items/0/price` is `items[0].price`.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part);
        }
    }
    path
}

/// A schema, ready to look at fields.
#[derive(Debug)]
pub(crate) struct Custom(Validator);

/// Compiles a schema.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn compile(schema: &Value) -> Result<Custom, FieldFault> {
    let mut options =
        jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).offline();
    options = options.with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN));
    options.build(schema).map(Custom).map_err(|error| {
        let place = dotted(error.instance_path().as_str());
        let field = if place.is_empty() { "schema".to_owned() } else { format!("schema.{place}") };
        FieldFault::new(field, format!("is not a JSON Schema that can be used: {error}"))
    })
}

impl Custom {
    /// Notes a fault for everything in `fields` that the schema does not allow.
    pub(crate) fn check(&self, object: &Value, fields: &mut Fields) {
        for error in self.0.iter_errors(object).take(MOST_TOLD) {
            let path = dotted(error.instance_path().as_str());
            // The value itself is not told: it may be long, and whoever sent it knows it.
            let message = error.masked_with("it").to_string();
            match missing(&error) {
                Some(name) if path.is_empty() => fields.fault(name, "is missing"),
                Some(name) => fields.fault(format!("{path}.{name}"), "is missing"),
                None => fields.fault(if path.is_empty() { "body".to_owned() } else { path }, said(&message)),
            }
        }
    }

    /// Whether the schema allows it.
    pub(crate) fn allows(&self, object: &Value) -> bool {
        self.0.is_valid(object)
    }
}

/// The name of the field that is missing, if that is the fault.
fn missing(error: &jsonschema::ValidationError<'_>) -> Option<String> {
    match error.kind() {
        jsonschema::error::ValidationErrorKind::Required { property } => property.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The message as the end of a sentence that begins with the field: `it is less than the minimum of 0`.
fn said(message: &str) -> String {
    message.strip_prefix("it ").unwrap_or(message).to_owned()
}

/// Whether whatever `old` allows `new` allows, too, because it only adds fields that nobody needs to have.
pub(crate) fn only_adds(old: &Value, new: &Value) -> bool {
    let rest = |schema: &Value| {
        let mut rest = schema.as_object().cloned().unwrap_or_default();
        for name in
            ["properties", "required", "title", "description", "$schema", "type", "additionalProperties"]
        {
            rest.remove(name);
        }
        rest
    };
    let (were, are) = (properties(old), properties(new));
    let kept = were.is_none_or(|were| were.iter().all(|(name, schema)| property(new, name) == Some(schema)));
    let added_ones_are_free = required(new).iter().all(|name| required(old).contains(name));
    kept && added_ones_are_free && are.is_some() && rest(old) == rest(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> TypeName {
        "project".parse().unwrap()
    }

    fn faults(schema: &Value) -> Vec<String> {
        let mut fields = Fields::new();
        check(&project(), schema, &["name"], &mut fields);
        let faults = fields.done().err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_schema_that_could_cost_without_end_is_refused() {
        assert_eq!(faults(&json!({"properties": {"budget": {"type": "number", "minimum": 0}}})), [""; 0]);
        for (schema, wanted) in [
            (json!(true), "schema: must be a JSON Schema"),
            (json!({}), "schema.properties: is missing"),
            (json!({"type": "array", "properties": {}}), "schema.type: must be"),
            (json!({"properties": {"Budget": {}}}), "schema.properties.Budget: must be 1 to 60"),
            (
                json!({"properties": {"name": {}}}),
                "schema.properties.name: is a field that every project has",
            ),
            (json!({"properties": {"id": {}}}), "schema.properties.id: is a name that records"),
            (json!({"properties": {"a": {"$ref": "#"}}}), "schema.properties.a.$ref: is not read here"),
            (
                json!({"properties": {"a": {"$ref": "https://example.com/x"}}}),
                "schema.properties.a.$ref: is not read here",
            ),
            (json!({"$defs": {}, "properties": {}}), "schema.$defs: is not read here"),
            (json!({"properties": {}, "required": ["a"]}), "schema.required: names \"a\""),
            (
                json!({"properties": {"a": {"type": "money"}}}),
                "schema.properties.a.type: is not a JSON Schema",
            ),
            (json!({"properties": {"a": {"pattern": "(?=x)"}}}), "schema"),
            (json!({"properties": {"a": {"pattern": "((a{100}){100}){100}"}}}), "schema"),
        ] {
            let said = faults(&schema);
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{schema}: {said:?}");
        }
        let many: Map<String, Value> = (0..101).map(|number| (format!("f{number}"), json!({}))).collect();
        assert!(faults(&json!({"properties": many}))[0].contains("at most 100 fields"));
        let mut deep = json!({});
        for _ in 0..30 {
            deep = json!({"properties": {"a": deep}});
        }
        assert!(faults(&deep)[0].contains("nest at most"));
    }

    #[test]
    fn each_fault_names_its_field() {
        let schema = json!({"properties": {"budget": {"type": "number", "minimum": 0.10},
            "tags": {"type": "array", "items": {"type": "string"}}, "due": {"type": "string", "format": "date"}},
            "required": ["budget"]});
        let custom = compile(&schema).unwrap();
        let told = |text: &str| {
            let mut fields = Fields::new();
            custom.check(&serde_json::from_str(text).unwrap(), &mut fields);
            let faults = fields.done().err().unwrap_or_default();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(r#"{"budget": 0.10, "tags": ["a"], "due": "2026-01-31"}"#), [""; 0]);
        let said = told(r#"{"tags": ["a", 1], "due": "soon"}"#);
        assert_eq!(
            said,
            ["budget: is missing", "due: is not a \"date\"", "tags[1]: is not of type \"string\"",]
        );
        assert_eq!(
            told(r#"{"budget": 0.0999999999999999999999}"#),
            ["budget: is less than the minimum of 0.10"]
        );
    }

    #[test]
    fn what_only_adds_breaks_nothing() {
        let old = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        for (new, wanted) in [
            (json!({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}), true),
            (json!({"properties": {"a": {"type": "string"}}}), true),
            (json!({"properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]}), false),
            (json!({"properties": {"b": {}}}), false),
            (json!({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]}), false),
            (json!({"properties": {"a": {"type": "string"}}, "minProperties": 2}), false),
        ] {
            assert_eq!(only_adds(&old, &new), wanted, "{new}");
        }
    }
}

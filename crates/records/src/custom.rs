//! What may stand in a tenant's own fields? A JSON Schema says: an object of properties, each with its own schema. What is not
//! among the properties is refused, whatever the schema says of it.

use crate::{TypeName, name};
use kernel::Fields;
use schema::Schema;
use serde_json::{Map, Value, json};

/// The most fields of a tenant's own in one type.
pub(crate) const MOST_FIELDS: usize = 100;

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
    ::schema::check(schema, "schema", fields);
    if object.get("type").is_some_and(|kind| kind != "object") {
        fields.fault("schema.type", "must be `object`: a record is one");
    }
    match object.get("properties") {
        Some(Value::Object(properties)) => check_properties(kind, schema, properties, taken, fields),
        Some(_) => fields.fault("schema.properties", "must be an object of fields and their schemas"),
        None => fields.fault("schema.properties", "is missing: name the fields and their schemas"),
    }
    if fields.is_sound()
        && let Err(fault) = Schema::compile(schema, "schema")
    {
        fields.fault(fault.field, fault.message);
    }
}

fn check_properties(
    kind: &TypeName,
    schema: &Value,
    properties: &Map<String, Value>,
    taken: &[&str],
    fields: &mut Fields,
) {
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
            fields.fault("schema.required", format!("names {wanted:?}, which is not among the properties"));
        }
    }
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

    fn faults(schema: &Value) -> Vec<String> {
        let mut fields = Fields::new();
        check(&"project".parse().unwrap(), schema, &["name"], &mut fields);
        let faults = fields.done().err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_have_names_of_their_own() {
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
            (json!({"properties": {}, "required": ["a"]}), "schema.required: names \"a\""),
            (
                json!({"properties": {"a": {"type": "money"}}}),
                "schema.properties.a.type: is not a JSON Schema",
            ),
        ] {
            let said = faults(&schema);
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{schema}: {said:?}");
        }
        let many: Map<String, Value> = (0..101).map(|number| (format!("f{number}"), json!({}))).collect();
        assert!(faults(&json!({"properties": many}))[0].contains("at most 100 fields"));
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

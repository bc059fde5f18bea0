//! What could stand in a body? An example that fits a schema: its own, or the least that is allowed.

use crate::{
    outline::{list, object},
    schema::kinds,
};
use serde_json::{Map, Value, json};

/// How deep an example goes; deeper, it is left empty.
const DEPTH: usize = 12;

/// An example of a schema.
pub(crate) fn example(document: &Value, schema: &Value) -> Value {
    Reader { document, trail: Vec::new() }.value("", schema)
}

struct Reader<'a> {
    document: &'a Value,
    trail: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, name: &str, schema: &'a Value) -> Value {
        if let Some(given) = given(schema) {
            return given.clone();
        }
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            let Some(target) = target else { return json!({}) };
            if self.trail.contains(&reference) || self.trail.len() >= DEPTH {
                return Value::Null;
            }
            self.trail.push(reference);
            let value = self.value(name, target);
            self.trail.pop();
            return value;
        }
        for key in ["oneOf", "anyOf"] {
            let first = list(schema, key).find(|one| !kinds(one).0.is_empty() || one.get("type").is_none());
            if let Some(first) = first {
                return self.value(name, first);
            }
        }
        if schema.get("allOf").is_some() {
            let mut whole = Map::new();
            for part in list(schema, "allOf") {
                if let Value::Object(fields) = self.value(name, part) {
                    whole.extend(fields);
                }
            }
            whole.extend(self.fields(schema));
            return Value::Object(whole);
        }
        self.plain(name, schema)
    }

    fn plain(&mut self, name: &str, schema: &'a Value) -> Value {
        let (names, _) = kinds(schema);
        let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
        match names.first().copied() {
            Some("array") => {
                let item = schema.get("items").map_or(Value::Null, |items| self.value(name, items));
                if item.is_null() { json!([]) } else { json!([item]) }
            }
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            Some("boolean") => json!(true),
            Some("string") => json!(word(name, format)),
            Some(_) | None => {
                if schema.get("properties").is_some() || names.contains(&"object") {
                    Value::Object(self.fields(schema))
                } else {
                    json!({})
                }
            }
        }
    }

    /// The fields that must be there, and those that say themselves how they look; all, if that is none.
    fn fields(&mut self, schema: &'a Value) -> Map<String, Value> {
        let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let all: Vec<(&str, &'a Value)> = object(schema, "properties").collect();
        let chosen: Vec<(&str, &'a Value)> = all
            .iter()
            .filter(|(name, field)| required.contains(name) || field.get("example").is_some())
            .copied()
            .collect();
        let chosen = if chosen.is_empty() { all } else { chosen };
        chosen.into_iter().map(|(name, field)| (name.to_owned(), self.value(name, field))).collect()
    }
}

fn given(schema: &Value) -> Option<&Value> {
    schema
        .get("example")
        .or_else(|| list(schema, "examples").next())
        .or_else(|| schema.get("const"))
        .or_else(|| schema.get("default").filter(|value| !value.is_null()))
        .or_else(|| list(schema, "enum").find(|value| !value.is_null()))
}

fn word(name: &str, format: &str) -> &'static str {
    match (format, name) {
        ("date-time", _) => "2026-01-31T09:00:00Z",
        ("date", _) => "2026-01-31",
        ("email", _) | (_, "email") => "ada@example.com",
        ("uri" | "url", _) | (_, "url") => "https://example.com/hook",
        ("uuid", _) => "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ("password", _) | (_, "password") => "correct horse battery staple",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, wanted: &Value) {
        let document = json!({"components": {"schemas": {
            "Tree": {"type": "object", "required": ["leaf", "more"], "properties": {
                "leaf": {"type": "string"},
                "more": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
            }},
        }}});
        assert_eq!(example(&document, schema), *wanted, "{schema}");
    }

    #[test]
    fn the_least_that_is_allowed() {
        check(&json!({"type": "string", "format": "email"}), &json!("ada@example.com"));
        check(&json!({"type": ["integer", "null"], "minimum": 3}), &json!(3));
        check(&json!({"enum": ["a", "b"]}), &json!("a"));
        check(&json!({"oneOf": [{"type": "null"}, {"type": "boolean"}]}), &json!(true));
        check(
            &json!({"type": "object", "required": ["a"], "properties":
                {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer", "example": 7}}}),
            &json!({"a": "text", "c": 7}),
        );
        check(&json!({"type": "object", "properties": {"a": {"type": "string"}}}), &json!({"a": "text"}));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        check(&json!({"$ref": "#/components/schemas/Tree"}), &json!({"leaf": "text", "more": []}));
    }

    #[test]
    fn its_own_example_goes_first() {
        check(&json!({"type": "object", "example": {"x": 1}}), &json!({"x": 1}));
    }
}

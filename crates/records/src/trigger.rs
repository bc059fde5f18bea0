//! What can happen to records of a type? The triggers that their changes raise, each with the JSON Schema of its data, a sample,
//! and the schema of the record that rules see.

use crate::{RecordType, built_in::BUILT_IN, custom};
use serde_json::{Map, Value, json};

/// A trigger that changes of a type's records raise.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordTrigger {
    /// Its name: `project_created`.
    pub trigger_id: String,
    /// The module that it belongs to.
    pub module_type: String,
    /// When it is raised.
    pub description: String,
    /// The JSON Schema of its data.
    pub schema: Value,
    /// Data such as it carries.
    pub sample: Value,
    /// The type of the record that it is about.
    pub record_type: String,
    /// The field of its data that holds the record's id.
    pub field: String,
    /// The JSON Schema of that record.
    pub record_schema: Value,
}

/// A record's id as samples have it.
const SAMPLE_ID: &str = "rec_01hf7yat00zzzzzzzzzzzzzzzz";

/// The triggers of a type: those of a built-in one are known to every tenant, those of a tenant's own are to be made known.
#[must_use]
pub fn triggers(kind: &RecordType) -> Vec<RecordTrigger> {
    let name = kind.name.as_str();
    let mut all = vec![
        one(kind, "created", &format!("When a new {} is created", kind.title), false),
        one(kind, "updated", &format!("When a {} is updated", kind.title), true),
    ];
    if kind.status_field.is_some() {
        let word = if name == crate::OPPORTUNITY { "stage_changed" } else { "status_changed" };
        all.push(one(kind, word, &format!("When a {}'s status changes", kind.title), true));
    }
    all.push(one(kind, "deleted", &format!("When a {} is deleted", kind.title), false));
    all
}

/// The types that every tenant has, as they are before the tenant says anything.
#[must_use]
pub fn built_in_types() -> Vec<RecordType> {
    BUILT_IN.iter().map(RecordType::untouched).collect()
}

fn one(kind: &RecordType, what: &str, description: &str, is_change: bool) -> RecordTrigger {
    let name = kind.name.as_str();
    let trigger_id = format!("{name}_{what}");
    let mut properties = data_properties(kind);
    let mut required = vec![format!("{name}_id")];
    let mut sample = sample(kind);
    if is_change {
        properties.insert(
            "changes".to_owned(),
            json!({"type": "object",
            "description": "Every field that changed, with what it was (old) and is (new)."}),
        );
        sample.insert("changes".to_owned(), json!({}));
    }
    if let Some(field) = kind.status_field.as_ref().filter(|_| what.ends_with("_changed")) {
        for (prefix, word, status) in
            [("old", "before", kind.statuses.first()), ("new", "now", kind.statuses.last())]
        {
            let name = format!("{prefix}_{field}");
            let said = json!({"type": "string", "description": format!("The status {word}.")});
            properties.insert(name.clone(), said);
            sample.insert(name.clone(), status.cloned().into());
            required.push(name);
        }
    }
    let schema = json!({
        "$schema": schema::DIALECT,
        "title": trigger_id,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": true,
    });
    RecordTrigger {
        trigger_id,
        module_type: kind.module.clone(),
        description: description.to_owned(),
        schema,
        sample: Value::Object(sample),
        record_type: name.to_owned(),
        field: format!("{name}_id"),
        record_schema: record_schema(kind),
    }
}

/// A record's fields as they stand in the data of its events.
fn data_properties(kind: &RecordType) -> Map<String, Value> {
    let name = kind.name.as_str();
    let mut properties: Map<String, Value> =
        kind.whole_schema().get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if !kind.is_own() {
        properties.remove(&kind.name_field);
    }
    properties.insert(format!("{name}_name"), json!({"type": "string", "description": "What it is called."}));
    properties.insert(format!("{name}_id"), json!({"type": ["string", "integer"], "description": "Its id."}));
    properties.insert(
        "external_id".to_owned(),
        json!({"type": "string", "description": "The id that it has elsewhere."}),
    );
    properties
}

/// The record as rules see it: its fields beside what it says of itself.
fn record_schema(kind: &RecordType) -> Value {
    let mut whole = kind.whole_schema();
    if let Some(properties) = whole.get_mut("properties").and_then(Value::as_object_mut) {
        let text = |words: &str| json!({"type": "string", "description": words});
        let time = |words: &str| json!({"type": "string", "format": "date-time", "description": words});
        for (name, said) in [
            ("id", text("Its id.")),
            ("type", text("Its type.")),
            ("external_id", text("The id that it has elsewhere.")),
            ("created_by", text("Who made it.")),
            ("created_at", time("When it was made.")),
            ("updated_at", time("When it was last changed.")),
            ("version", json!({"type": "integer", "description": "Grows with each change."})),
        ] {
            properties.insert(name.to_owned(), said);
        }
    }
    whole
}

fn sample(kind: &RecordType) -> Map<String, Value> {
    let name = kind.name.as_str();
    let mut sample = Map::new();
    for field in kind.fields() {
        sample.insert(field.name.to_owned(), serde_json::from_str(field.sample).unwrap_or_default());
    }
    for (field, schema) in custom::properties(&kind.schema).into_iter().flatten() {
        sample.insert(field.clone(), example(schema));
    }
    if let Some((field, status)) = kind.status_field.as_ref().zip(kind.statuses.last()) {
        sample.insert(field.clone(), status.as_str().into());
    }
    let called =
        if kind.is_own() { sample.get(&kind.name_field).cloned() } else { sample.remove(&kind.name_field) };
    sample.insert(format!("{name}_name"), called.unwrap_or_else(|| kind.title.as_str().into()));
    sample.insert(format!("{name}_id"), SAMPLE_ID.into());
    sample
}

/// A value such as a schema means: an example or a default that it names, else one of its type.
fn example(schema: &Value) -> Value {
    let named = ["const", "default"].iter().find_map(|name| schema.get(*name));
    let listed = ["examples", "enum"].iter().find_map(|name| schema.get(*name)?.get(0));
    if let Some(found) = named.or(listed) {
        return found.clone();
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    };
    match (kind, schema.get("format").and_then(Value::as_str)) {
        ("integer" | "number", _) => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        ("boolean", _) => json!(true),
        ("array", _) => json!([]),
        ("object", _) => json!({}),
        ("null", _) => Value::Null,
        (_, Some("date")) => json!("2026-01-31"),
        (_, Some("date-time")) => json!("2026-01-31T09:30:00.000Z"),
        (_, Some("email")) => json!("ada@example.com"),
        (_, Some("uri")) => json!("https://example.com/"),
        (_, _) => json!("text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TypeDraft;
    use kernel::Instant;

    fn project() -> RecordType {
        let draft = TypeDraft {
            name: Some("project".to_owned()),
            module: Some("delivery".to_owned()),
            title: Some("Project".to_owned()),
            schema: Some(
                json!({"properties": {"name": {"type": "string", "examples": ["Bridge"]}, "phase": {"type": "string"},
                "budget": {"type": "number", "minimum": 10}, "due": {"type": "string", "format": "date"}}}),
            ),
            status_field: Some("phase".to_owned()),
            statuses: Some(vec!["open".to_owned(), "done".to_owned()]),
            ..TypeDraft::default()
        };
        RecordType::own(draft, Instant::from_millis(0)).unwrap()
    }

    #[test]
    fn each_type_has_its_own() {
        let all = triggers(&project());
        let names: Vec<&str> = all.iter().map(|one| one.trigger_id.as_str()).collect();
        assert_eq!(
            names,
            ["project_created", "project_updated", "project_status_changed", "project_deleted"]
        );
        let moved = &all[2];
        assert_eq!(moved.schema["required"], json!(["project_id", "old_phase", "new_phase"]));
        assert_eq!(
            moved.sample,
            json!({"project_id": SAMPLE_ID, "project_name": "Bridge", "name": "Bridge", "phase": "done", "budget": 10,
                "due": "2026-01-31", "old_phase": "open", "new_phase": "done", "changes": {}})
        );
        assert!(moved.record_schema["properties"].get("updated_at").is_some());
    }

    #[test]
    fn each_sample_fits_its_schema() {
        let mut kinds = built_in_types();
        kinds.push(project());
        for one in kinds.iter().flat_map(triggers) {
            let compiled = schema::Schema::compile(&one.schema, "schema").unwrap();
            assert_eq!(compiled.faults(&one.sample), [], "{}", one.trigger_id);
            schema::Schema::compile(&one.record_schema, "schema").unwrap();
        }
    }
}

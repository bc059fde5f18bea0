//! How is a definition kept, compared and written into files? As one JSON object, always of the same shape.

use crate::{Definition, pace::PaceSaid};
use serde_json::{Map, Value, json};

/// The names of the parts of a rule's pace.
const PACE: [&str; 6] = ["window", "absence", "throttle", "debounce", "active_hours", "concurrency"];

/// A definition as one JSON object.
pub(crate) fn document(definition: &Definition) -> Value {
    let mut document = json!({
        "name": definition.name,
        "key": definition.key,
        "description": definition.description,
        "labels": definition.labels,
        "module_type": definition.module_type,
        "trigger_id": definition.trigger_id,
        "conditions": definition.conditions,
        "actions": definition.actions,
        "is_active": definition.is_active,
        "priority": definition.priority,
        "stop_on_match": definition.stop_on_match,
    });
    if let Some(object) = document.as_object_mut() {
        for (name, part) in definition.pace.parts() {
            if let Some(part) = part {
                object.insert(name.to_owned(), part.clone());
            }
        }
    }
    document
}

/// The definition that a document says; `None` if it says none. What is checked when a rule is saved is not checked again.
pub(crate) fn definition(document: Value) -> Option<Definition> {
    let Value::Object(mut document) = document else { return None };
    let text = |document: &Map<String, Value>, name: &str| document.get(name)?.as_str().map(str::to_owned);
    let labels = document.get("labels").and_then(Value::as_array).into_iter().flatten();
    let labels = labels.filter_map(|label| label.as_str().map(str::to_owned)).collect();
    let [window, absence, throttle, debounce, active_hours, concurrency] =
        PACE.map(|name| document.remove(name));
    let name = text(&document, "name")?;
    Some(Definition {
        key: text(&document, "key")?,
        name,
        description: text(&document, "description"),
        labels,
        module_type: text(&document, "module_type")?,
        trigger_id: text(&document, "trigger_id")?,
        is_active: document.get("is_active")?.as_bool()?,
        priority: document.get("priority")?.as_i64()?,
        stop_on_match: document.get("stop_on_match")?.as_bool()?,
        conditions: document.get_mut("conditions")?.take(),
        actions: document.get_mut("actions")?.take(),
        pace: PaceSaid { window, absence, throttle, debounce, active_hours, concurrency },
    })
}

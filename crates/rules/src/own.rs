//! What may a tenant define for itself? Modules and triggers: names, schemas, samples, each change a version.

use crate::{
    Catalogue, Origin, Trigger,
    catalogue::{About, Parts, built_in_modules},
};
use kernel::{FieldFault, Fields, Instant};
use serde_json::{Value, json};

/// The most triggers that a tenant may define.
pub const MOST_TRIGGERS: usize = 500;
/// The most modules that a tenant may define.
pub const MOST_MODULES: usize = 100;
/// The longest name of a trigger or module.
const LONGEST_NAME: usize = 100;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 2_000;
/// The largest schema, and the largest sample, in bytes of JSON.
const LARGEST: usize = 64 * 1024;
/// Words that mean something else where a trigger's or a module's name may stand.
const TAKEN: &[&str] = &["modules", "record", "event", "data", "item", "results", "now"];

/// A module of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// What rules and triggers name it by.
    pub module_type: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Instant,
}

impl Module {
    /// Checks a module that is to be.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn check(
        module_type: Option<String>,
        called: Option<String>,
        now: Instant,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let module_type = fields.take("module_type", name(module_type));
        if let Some(name) = module_type.as_deref().filter(|name| built_in_modules().contains(name)) {
            fields.fault("module_type", format!("must be another name: {name} is a module of every tenant"));
        }
        let plain = module_type.clone().unwrap_or_default();
        let called = called.map_or(plain, |called| called.trim().to_owned());
        if called.is_empty() || called.chars().count() > LONGEST_NAME || called.chars().any(char::is_control)
        {
            fields.fault("name", format!("must be 1 to {LONGEST_NAME} characters, without line breaks"));
        }
        fields.give(module_type.map(|module_type| Self { module_type, name: called, created_at: now }))
    }
}

/// What was done to a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerChange {
    /// It was made.
    Created,
    /// It was changed.
    Changed,
    /// It was deleted.
    Deleted,
}

impl TriggerChange {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}

/// The text names no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not something that is done to a trigger")]
pub struct UnknownTriggerChange;

impl std::str::FromStr for TriggerChange {
    type Err = UnknownTriggerChange;
    fn from_str(text: &str) -> Result<Self, UnknownTriggerChange> {
        let all = [Self::Created, Self::Changed, Self::Deleted];
        all.into_iter().find(|change| change.as_str() == text).ok_or(UnknownTriggerChange)
    }
}

/// A version of a trigger. It never changes itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerVersion {
    /// Its number.
    pub version: u32,
    /// The change that made it.
    pub change: TriggerChange,
    /// What the trigger said: `{trigger_id, module_type, description, schema, sample, record_type, record_field}`.
    pub said: Value,
    /// Why, if they said so.
    pub note: Option<String>,
    /// Who made the change.
    pub changed_by: String,
    /// When.
    pub changed_at: Instant,
}

/// A trigger as somebody wrote it: nothing is checked yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TriggerDraft {
    /// Its name.
    pub trigger_id: Option<String>,
    /// Its module.
    pub module_type: Option<String>,
    /// When it is raised.
    pub description: Option<String>,
    /// The JSON Schema of its data; anything will do unless this says otherwise.
    pub schema: Option<Value>,
    /// An example of its data; made of the schema unless this says otherwise.
    pub sample: Option<Value>,
    /// The type of record that its events are about.
    pub record_type: Option<String>,
    /// The field of the data that holds that record's id.
    pub record_field: Option<String>,
}

impl TriggerDraft {
    /// Checks a trigger that is to be, in a tenant that has these.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn check(self, catalogue: &Catalogue) -> Result<Parts, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let trigger_id = fields.take("trigger_id", name(self.trigger_id));
        if let Some(name) = trigger_id.as_deref().filter(|name| Catalogue::is_built_in(name)) {
            fields.fault("trigger_id", format!("must be another name: {name} is a trigger of every tenant"));
        }
        let module_type = fields.take("module_type", name(self.module_type));
        let modules = catalogue.modules();
        if let Some(module) = module_type.as_deref().filter(|module| !modules.contains(module)) {
            let message = format!("{module} is no module; there are {}: make it first", modules.join(", "));
            fields.fault("module_type", message);
        }
        let description = self.description.unwrap_or_default();
        if description.chars().count() > LONGEST_DESCRIPTION {
            fields.fault("description", format!("must be at most {LONGEST_DESCRIPTION} characters"));
        }
        let schema = schema(self.schema, &mut fields);
        let about = match (self.record_type, self.record_field) {
            (None, None) => Some(None),
            (Some(record_type), Some(field)) => {
                Some(Some(About { record_type: record_type.into(), field: field.into() }))
            }
            _ => {
                fields.fault(
                    "record_field",
                    "must stand beside record_type: the field that holds the record's id",
                );
                None
            }
        };
        let is_made = self.sample.is_none();
        let sample = self.sample.or_else(|| schema.as_ref().map(example));
        let parts = trigger_id.zip(module_type).zip(schema).zip(sample).zip(about);
        let parts = parts.map(|((((trigger_id, module_type), schema), sample), about)| Parts {
            trigger_id: trigger_id.into(),
            module_type: module_type.into(),
            description,
            schema,
            sample,
            about,
            record_schema: None,
        });
        if let Some(parts) = &parts
            && fields.is_sound()
        {
            check_sample(parts, is_made, &mut fields);
        }
        fields.give(parts)
    }
}

/// The sample must be such data as the schema asks for: it is what the editor and tests of rules show.
fn check_sample(parts: &Parts, is_made: bool, fields: &mut Fields) {
    if parts.sample.to_string().len() > LARGEST {
        fields.fault("sample", format!("must be at most {LARGEST} bytes"));
        return;
    }
    let trigger = Trigger::new(parts.clone(), Origin::Own, 1);
    let faults = trigger.check(&parts.sample).err().unwrap_or_default();
    if is_made && !faults.is_empty() {
        fields
            .fault("sample", "is missing, and none can be made of this schema: give an example of the data");
        return;
    }
    for fault in faults {
        let place = fault.field.strip_prefix("data").unwrap_or(&fault.field);
        fields.fault(format!("sample{place}"), fault.message);
    }
    if let Some(about) = &parts.about
        && let Err(message) = trigger.vocabulary().path(&format!("data.{}", about.field))
    {
        fields.fault("record_field", message);
    }
}

fn name(name: Option<String>) -> Result<String, String> {
    let name = name.ok_or_else(|| "is missing".to_owned())?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let sound = (2..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|first: char| first.is_ascii_lowercase());
    if !sound {
        return Err(format!(
            "must be 2 to {LONGEST_NAME} of a-z, 0-9 and underscore, beginning with a letter"
        ));
    }
    if TAKEN.contains(&name.as_str()) {
        return Err("must be another name: this one means something else in rules".to_owned());
    }
    Ok(name)
}

fn schema(schema: Option<Value>, fields: &mut Fields) -> Option<Value> {
    let schema = schema.unwrap_or_else(|| json!({"type": "object"}));
    let message = if !schema.is_object() {
        "must be a JSON Schema (2020-12): an object"
    } else if schema.get("type").is_some_and(|kind| kind != "object") {
        "must be the schema of an object: the data of an event"
    } else {
        let mut faults = Fields::new();
        schema::check(&schema, "schema", &mut faults);
        let checked = faults
            .done()
            .and_then(|()| schema::Schema::compile(&schema, "schema").map(drop).map_err(|fault| vec![fault]));
        return match checked {
            Ok(()) => Some(schema),
            Err(faults) => {
                faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message));
                None
            }
        };
    };
    fields.fault("schema", message);
    None
}

/// Data such as a schema asks for, as far as it can be made of it.
fn example(schema: &Value) -> Value {
    fn of(schema: &Value, depth: usize) -> Value {
        let given = ["const", "default"].iter().find_map(|name| schema.get(*name));
        let first = |name: &str| schema.get(name).and_then(Value::as_array).and_then(|list| list.first());
        if let Some(value) = given.or_else(|| first("examples")).or_else(|| first("enum")) {
            return value.clone();
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds.iter().find_map(Value::as_str).unwrap_or_default(),
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        match kind {
            "object" if depth < 8 => {
                let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
                Value::Object(properties.map(|(name, inner)| (name.clone(), of(inner, depth + 1))).collect())
            }
            "array" if depth < 8 => {
                schema.get("items").map_or_else(|| json!([]), |item| json!([of(item, depth + 1)]))
            }
            "object" => json!({}),
            "array" => json!([]),
            "number" | "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => match schema.get("format").and_then(Value::as_str) {
                Some("date-time") => json!("2026-01-31T09:30:00Z"),
                Some("date") => json!("2026-01-31"),
                Some("email") => json!("ada@example.com"),
                Some("uri") => json!("https://example.com/"),
                Some("uuid") => json!("7f3c1f0e-6a51-4b52-9d57-5f2f3a1d2c4b"),
                Some(_) | None => json!("text"),
            },
        }
    }
    of(schema, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(schema: Value) -> TriggerDraft {
        TriggerDraft {
            trigger_id: Some("ticket_closed".to_owned()),
            module_type: Some("sales".to_owned()),
            schema: Some(schema),
            ..TriggerDraft::default()
        }
    }

    fn faults(draft: TriggerDraft) -> Vec<String> {
        let faults = draft.check(&Catalogue::default()).err().unwrap_or_default();
        faults.iter().map(|fault| fault.to_string().chars().take(80).collect()).collect()
    }

    #[test]
    fn a_sample_is_made_of_the_schema() {
        let schema = json!({"type": "object", "required": ["id", "at"], "properties": {
            "id": {"type": "integer", "minimum": 5}, "at": {"type": "string", "format": "date-time"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}});
        let parts = draft(schema).check(&Catalogue::default()).unwrap();
        assert_eq!(parts.sample, json!({"id": 5, "at": "2026-01-31T09:30:00Z", "tags": ["a"]}));
    }

    #[test]
    fn all_faulty_parts_are_told_at_once() {
        let said = faults(TriggerDraft {
            trigger_id: Some("deal_closed_won".to_owned()),
            module_type: Some("nothing".to_owned()),
            schema: Some(json!({"type": "list"})),
            record_type: Some("contact".to_owned()),
            ..TriggerDraft::default()
        });
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            faults(draft(json!({"type": "object", "properties": {"a": {"type": "nothing"}}})))[0]
                .starts_with("schema.properties.a.type: ")
        );
        // A kilobyte of references can stand for a value that takes forever.
        let twice = json!({"$defs": {"a": {}}, "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]});
        assert!(faults(draft(twice)).iter().all(|fault| fault.contains("is not read here")));
        assert!(!faults(draft(json!({"properties": {"a": {"pattern": "^(?=a)b"}}}))).is_empty());
        let said = faults(TriggerDraft {
            sample: Some(json!({})),
            ..draft(json!({"type": "object", "required": ["id"]}))
        });
        assert_eq!(said, ["sample.id: is missing; ticket_closed needs it"]);
        let patterned = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^T-"}}});
        assert!(faults(draft(patterned))[0].starts_with("sample: is missing, and none can be made"));
        for name in ["", "A", "9a", "a-b", "event", "modules"] {
            assert!(
                !faults(TriggerDraft { trigger_id: Some(name.to_owned()), ..draft(json!({})) }).is_empty(),
                "{name}"
            );
        }
    }
}

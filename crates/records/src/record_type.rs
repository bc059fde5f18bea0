//! What is a type of records? A built-in one as the tenant extends it, or one of the tenant's own: its fields, its statuses,
//! and the module that its events belong to.

use crate::{
    Amount, TypeName,
    built_in::{self, BuiltIn, HIGH_VALUE},
    custom,
    field::Field,
    name,
};
use kernel::{FieldFault, Fields, Instant};
use serde_json::{Map, Value};

/// The most types of a tenant's own.
pub const MOST_TYPES: i64 = 50;
/// The most statuses of a type.
pub const MOST_STATUSES: usize = 50;
/// The longest status, in characters.
const LONGEST_STATUS: usize = 50;
/// The longest title, in characters.
const LONGEST_TITLE: usize = 100;

/// A type of records.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordType {
    /// Its name in paths and triggers.
    pub name: TypeName,
    /// The module that its triggers belong to.
    pub module: String,
    /// What people call it.
    pub title: String,
    /// The JSON Schema of the tenant's own fields.
    pub schema: Value,
    /// The field that names a record.
    pub name_field: String,
    /// The field that says where a record stands, if the type has one.
    pub status_field: Option<String>,
    /// What may stand there; the first is what a new record has.
    pub statuses: Vec<String>,
    /// From which value on an opportunity is one of high value.
    pub high_value: Option<Amount>,
    /// 0 for a built-in type of which the tenant said nothing; one more with each change.
    pub version: u32,
    /// When the tenant first said something of it.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    pub(crate) built_in: Option<&'static BuiltIn>,
}

/// A type as somebody wrote it; what is left out is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TypeDraft {
    /// Its name.
    pub name: Option<String>,
    /// Its module.
    pub module: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// The JSON Schema of its fields.
    pub schema: Option<Value>,
    /// The field that names a record.
    pub name_field: Option<String>,
    /// The field that says where a record stands.
    pub status_field: Option<String>,
    /// What may stand there.
    pub statuses: Option<Vec<String>>,
}

/// Changes to a type: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TypePatch {
    /// Another title.
    pub title: Option<String>,
    /// Another schema, whole.
    pub schema: Option<Value>,
    /// Other statuses, all of them.
    pub statuses: Option<Vec<String>>,
    /// Another threshold; `Some(None)` is the built-in one again.
    pub high_value: Option<Option<Value>>,
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl RecordType {
    /// A built-in type of which the tenant said nothing.
    pub(crate) fn untouched(built_in: &'static BuiltIn) -> Self {
        let is_sold = built_in.name == built_in::OPPORTUNITY;
        Self {
            name: TypeName::built_in(built_in.name),
            module: built_in.module.to_owned(),
            title: built_in.title.to_owned(),
            schema: custom::nothing(),
            name_field: "name".to_owned(),
            status_field: Some(built_in.status_field.to_owned()),
            statuses: owned(built_in.statuses),
            high_value: is_sold.then(|| HIGH_VALUE.parse().ok()).flatten(),
            version: 0,
            created_at: Instant::default(),
            updated_at: Instant::default(),
            built_in: Some(built_in),
        }
    }

    /// A type of a tenant's own, new at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn own(draft: TypeDraft, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = match draft.name {
            Some(name) => fields.take("type", TypeName::claim(&name)),
            None => {
                fields.fault("type", "is missing: name the type, such as project");
                None
            }
        };
        let module = match draft.module {
            Some(module) if (2..=40).contains(&module.len()) && name::is_word(&module) => Some(module),
            Some(_) => {
                let message =
                    "must be 2 to 40 lower-case letters, digits and underscores, and begin with a letter";
                fields.fault("module_type", message);
                None
            }
            None => {
                fields.fault("module_type", "is missing: name the module that its triggers belong to");
                None
            }
        };
        let title = draft.title.or_else(|| name.as_ref().map(ToString::to_string)).unwrap_or_default();
        let title = fields.take("title", titled(&title));
        let schema = draft.schema.unwrap_or_default();
        let shape = name.clone().unwrap_or_else(|| TypeName::built_in("type"));
        custom::check(&shape, &schema, &[], &mut fields);
        let name_field = named(draft.name_field, &schema, &mut fields);
        let statuses = statuses(draft.status_field.as_deref(), draft.statuses, &schema, &mut fields);
        let (Some(name), Some(module), Some(title)) = (name, module, title) else {
            return fields.give(None);
        };
        fields.give(name_field.zip(statuses).map(|(name_field, statuses)| Self {
            name,
            module,
            title,
            schema,
            name_field,
            status_field: draft.status_field,
            statuses,
            high_value: None,
            version: 1,
            created_at: now,
            updated_at: now,
            built_in: None,
        }))
    }

    /// The type once the patch is laid over it.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn patched(&self, patch: TypePatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let mut next = self.clone();
        if let Some(title) = patch.title {
            next.title = fields.take("title", titled(&title)).unwrap_or_default();
        }
        if let Some(schema) = patch.schema {
            let taken: Vec<&str> = self.fields().iter().map(|field| field.name).collect();
            custom::check(&self.name, &schema, &taken, &mut fields);
            for held in
                [self.is_own().then_some(&self.name_field), self.status_field.as_ref()].into_iter().flatten()
            {
                if self.is_own() && custom::property(&schema, held).is_none() {
                    let message = format!("must keep {held:?}, which names a record or says where it stands");
                    fields.fault("schema.properties", message);
                }
            }
            next.schema = schema;
        }
        if let Some(given) = patch.statuses {
            if let Some(sound) = fields.take("statuses", distinct(given)) {
                next.statuses = sound;
            }
            if self.status_field.is_none() {
                fields.fault("statuses", "must be left out: the type has no status_field");
            }
            for kept in self.built_in.map_or(&[][..], |built_in| built_in.kept_statuses) {
                if !next.statuses.iter().any(|status| status == kept) {
                    fields.fault(
                        "statuses",
                        format!("must hold {kept:?}, which Signalbox itself has a use for"),
                    );
                }
            }
        }
        if let Some(given) = patch.high_value {
            let default = || HIGH_VALUE.parse().ok();
            match (&self.high_value, given) {
                (None, _) => fields.fault("high_value", "must be left out: only opportunities have one"),
                (Some(_), None) => next.high_value = default(),
                (Some(_), Some(value)) => {
                    next.high_value = fields.take("high_value", Amount::read(&value));
                    if next.high_value.is_some_and(|amount| !amount.is_positive()) {
                        fields.fault("high_value", "must be more than 0");
                    }
                }
            }
        }
        fields.done()?;
        if next == *self {
            return Ok(next);
        }
        next.version = self.version.saturating_add(1);
        next.updated_at = now;
        if self.version == 0 {
            next.created_at = now;
        }
        Ok(next)
    }

    /// Whether the tenant made it.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        self.built_in.is_none()
    }

    /// The built-in fields.
    pub(crate) fn fields(&self) -> &'static [Field] {
        self.built_in.map_or(&[], |built_in| built_in.fields)
    }

    /// The built-in field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The names of all fields, the built-in ones first.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        let built_in = self.fields().iter().map(|field| field.name);
        built_in.chain(custom::properties(&self.schema).into_iter().flat_map(Map::keys).map(String::as_str))
    }

    /// Whether records of it have such a field.
    #[must_use]
    pub fn has_field(&self, name: &str) -> bool {
        self.field(name).is_some() || custom::property(&self.schema, name).is_some()
    }

    /// The JSON Schema of a whole record's fields, the built-in ones included.
    #[must_use]
    pub fn whole_schema(&self) -> Value {
        let mut properties: Map<String, Value> = self
            .fields()
            .iter()
            .map(|field| (field.name.to_owned(), field.kind.schema(field.description)))
            .chain(custom::properties(&self.schema).cloned().unwrap_or_default())
            .collect();
        if let Some(field) =
            self.status_field.as_ref().and_then(|field| properties.get_mut(field)?.as_object_mut())
        {
            field.insert("enum".to_owned(), self.statuses.clone().into());
        }
        let mut required: Vec<&str> = custom::required(&self.schema);
        if !required.contains(&self.name_field.as_str()) {
            required.insert(0, &self.name_field);
        }
        serde_json::json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }
}

fn titled(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TITLE || text.chars().any(char::is_control) {
        return Err(format!("must be 1 to {LONGEST_TITLE} characters, without line breaks"));
    }
    Ok(text.to_owned())
}

/// The field that names a record: `name` if the schema has it, unless another is named.
fn named(wanted: Option<String>, schema: &Value, fields: &mut Fields) -> Option<String> {
    let field = wanted.unwrap_or_else(|| "name".to_owned());
    match custom::property(schema, &field) {
        Some(_) => Some(field),
        None => {
            fields.fault("name_field", format!("must be a field of the schema; {field:?} is not"));
            None
        }
    }
}

fn statuses(
    field: Option<&str>,
    given: Option<Vec<String>>,
    schema: &Value,
    fields: &mut Fields,
) -> Option<Vec<String>> {
    match (field, given) {
        (None, None) => Some(Vec::new()),
        (None, Some(_)) => {
            fields.fault("status_field", "is missing: name the field that the statuses may stand in");
            None
        }
        (Some(_), None) => {
            fields.fault(
                "statuses",
                "is missing: say what may stand in status_field, the first for new records",
            );
            None
        }
        (Some(field), Some(given)) => {
            if custom::property(schema, field).is_none() {
                fields.fault("status_field", format!("must be a field of the schema; {field:?} is not"));
            }
            fields.take("statuses", distinct(given))
        }
    }
}

fn distinct(given: Vec<String>) -> Result<Vec<String>, String> {
    let wish =
        || format!("must be 1 to {MOST_STATUSES} different texts of at most {LONGEST_STATUS} characters");
    if !(1..=MOST_STATUSES).contains(&given.len()) {
        return Err(wish());
    }
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for status in given {
        let status = status.trim();
        let sound = !status.is_empty()
            && status.chars().count() <= LONGEST_STATUS
            && !status.chars().any(char::is_control)
            && !kept.iter().any(|known| known == status);
        if !sound {
            return Err(wish());
        }
        kept.push(status.to_owned());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);

    fn project() -> TypeDraft {
        TypeDraft {
            name: Some("project".to_owned()),
            module: Some("delivery".to_owned()),
            title: Some("Project".to_owned()),
            schema: Some(json!({"properties": {"name": {"type": "string"}, "phase": {"type": "string"}}})),
            name_field: None,
            status_field: Some("phase".to_owned()),
            statuses: Some(owned(&["open", "done"])),
        }
    }

    fn said<T>(outcome: Result<T, Vec<FieldFault>>) -> Vec<String> {
        outcome.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faulty_parts_are_told_at_once() {
        assert!(RecordType::own(project(), NOW).is_ok());
        let told = said(RecordType::own(TypeDraft::default(), NOW));
        assert_eq!(
            told,
            [
                "type: is missing: name the type, such as project",
                "module_type: is missing: name the module that its triggers belong to",
                "title: must be 1 to 100 characters, without line breaks",
                "schema: must be a JSON Schema: an object with `properties`",
                "name_field: must be a field of the schema; \"name\" is not",
            ]
        );
        let draft =
            TypeDraft { name: Some("contact".to_owned()), statuses: Some(owned(&["a", "a"])), ..project() };
        let told = said(RecordType::own(draft, NOW));
        assert_eq!(told.len(), 2, "{told:?}");
    }

    #[test]
    fn a_built_in_type_keeps_what_the_program_needs() {
        let opportunity = RecordType::untouched(built_in::find("opportunity").unwrap());
        let patch = |statuses: &[&str]| TypePatch { statuses: Some(owned(statuses)), ..TypePatch::default() };
        assert_eq!(said(opportunity.patched(patch(&["open", "closed_won"]), NOW)).len(), 1);
        let next = opportunity.patched(patch(&["open", "closed_won", "closed_lost"]), NOW).unwrap();
        assert_eq!((next.version, next.created_at), (1, NOW));
        let high = |value: Value| TypePatch { high_value: Some(Some(value)), ..TypePatch::default() };
        assert_eq!(said(next.patched(high(json!(0)), NOW)), ["high_value: must be more than 0"]);
        assert_eq!(next.patched(high(json!("25000.50")), NOW).unwrap().high_value, "25000.50".parse().ok());
        let contact = RecordType::untouched(built_in::find("contact").unwrap());
        assert_eq!(said(contact.patched(high(json!(1)), NOW)).len(), 1);
        assert_eq!(contact.patched(TypePatch::default(), NOW).unwrap().version, 0, "nothing was said");
        let taken = json!({"properties": {"email": {}}});
        let taken = TypePatch { schema: Some(taken), ..TypePatch::default() };
        assert!(said(contact.patched(taken, NOW))[0].contains("every contact has"));
    }

    #[test]
    fn the_whole_schema_names_every_field() {
        let contact = RecordType::untouched(built_in::find("contact").unwrap());
        let more = json!({"properties": {"industry": {"type": "string"}}, "required": ["industry"]});
        let contact = contact.patched(TypePatch { schema: Some(more), ..TypePatch::default() }, NOW).unwrap();
        let schema = contact.whole_schema();
        assert_eq!(schema["required"], json!(["name", "industry"]));
        assert_eq!(
            schema["properties"]["status"]["enum"],
            json!(["lead", "prospect", "customer", "inactive"])
        );
        let names: Vec<&str> = contact.field_names().collect();
        assert_eq!(names.len(), schema["properties"].as_object().unwrap().len());
        assert!(schema::Schema::compile(&schema, "schema").is_ok());
    }
}

//! How are triggers and modules said in JSON?

use edge::Problem;
use kernel::Fields;
use rules::{Module, Trigger, TriggerDraft, TriggerVersion, payload};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::{IntoParams, ToSchema};

/// A trigger of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerOut {
    /// What rules and events name it by.
    #[schema(example = "high_value_opportunity")]
    trigger_id: String,
    /// `crm`, `sales`, or a module of the tenant's own.
    #[schema(example = "sales")]
    module_type: String,
    /// When it goes off.
    description: String,
    /// What its data must hold.
    required_data: Vec<String>,
    /// The JSON Schema of its data.
    #[schema(value_type = Object)]
    schema: Value,
    /// An example of its data.
    #[schema(value_type = Object)]
    sample: Value,
    /// The type of record that its events are about, if they are: rules name its fields by `record.`.
    record_type: Option<String>,
    /// The field of the data that holds that record's id.
    record_field: Option<String>,
    /// The JSON Schema of that record, if it is known.
    #[schema(value_type = Option<Object>)]
    record_schema: Option<Value>,
    /// Whether the tenant defined it.
    custom: bool,
    /// Where it comes from: `built_in`, `own` or `record` (a type of the tenant's records).
    origin: &'static str,
    /// Grows with each change; also the `ETag`.
    version: u32,
}

impl From<&Trigger> for TriggerOut {
    fn from(trigger: &Trigger) -> Self {
        let about = trigger.about.as_ref();
        Self {
            trigger_id: trigger.trigger_id.to_string(),
            module_type: trigger.module_type.to_string(),
            description: trigger.description.clone(),
            required_data: trigger.required_data().map(str::to_owned).collect(),
            schema: trigger.schema.clone(),
            sample: trigger.sample.clone(),
            record_type: about.map(|about| about.record_type.to_string()),
            record_field: about.map(|about| about.field.to_string()),
            record_schema: trigger.record_schema.clone(),
            custom: trigger.origin != rules::Origin::BuiltIn,
            origin: trigger.origin.as_str(),
            version: trigger.version,
        }
    }
}

/// Which triggers are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TriggerFilter {
    /// Only those of this module.
    pub(crate) module_type: Option<String>,
}

/// A trigger to be made, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerIn {
    /// What rules and events name it by: a-z, 0-9 and `_`. When it is made anew, that of the path.
    #[schema(example = "ticket_closed")]
    trigger_id: Option<String>,
    /// Its module, which must be there.
    #[schema(required, example = "support")]
    module_type: Option<String>,
    /// When it goes off.
    #[schema(example = "When a ticket is closed")]
    description: Option<String>,
    /// The JSON Schema (2020-12) of its data; any object unless given. Patterns know neither look-around nor back-references.
    #[schema(value_type = Option<Object>, example = json!({"type": "object", "required": ["ticket_id"],
        "properties": {"ticket_id": {"type": "string"}, "hours": {"type": "number"}}}))]
    schema: Option<Box<RawValue>>,
    /// An example of its data; made of the schema unless given.
    #[schema(value_type = Option<Object>)]
    sample: Option<Box<RawValue>>,
    /// The type of record that its events are about.
    record_type: Option<String>,
    /// The field of the data that holds that record's id.
    record_field: Option<String>,
    /// Why it is made or changed; stands in the version. At most 500 characters.
    note: Option<String>,
}

impl TriggerIn {
    /// What somebody wrote, and why.
    pub(crate) fn parts(self) -> Result<(TriggerDraft, Option<String>), Problem> {
        let note = rules::note(self.note).map_err(Problem::fields)?;
        let mut fields = Fields::new();
        let mut json = |name: &str, text: Option<Box<RawValue>>| {
            text.and_then(|text| fields.take(name, payload::read(text.get())))
        };
        let (schema, sample) = (json("schema", self.schema), json("sample", self.sample));
        fields.done().map_err(Problem::fields)?;
        let draft = TriggerDraft {
            trigger_id: self.trigger_id,
            module_type: self.module_type,
            description: self.description,
            schema,
            sample,
            record_type: self.record_type,
            record_field: self.record_field,
        };
        Ok((draft, note))
    }
}

/// A version of a trigger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerVersionOut {
    /// Its number.
    version: u32,
    /// What made it: `created`, `changed` or `deleted`.
    change: &'static str,
    /// Who made the change: the id of a user or an API key, or `system`.
    changed_by: String,
    /// When.
    changed_at: String,
    /// Why, if they said so.
    note: Option<String>,
    /// What the trigger said: `trigger_id`, `module_type`, `description`, `schema`, `sample`, `record_type`, `record_field`.
    #[schema(value_type = Object)]
    trigger: Value,
}

impl From<TriggerVersion> for TriggerVersionOut {
    fn from(version: TriggerVersion) -> Self {
        Self {
            version: version.version,
            change: version.change.as_str(),
            changed_by: version.changed_by,
            changed_at: version.changed_at.to_string(),
            note: version.note,
            trigger: version.said,
        }
    }
}

/// A module to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModuleIn {
    /// What rules and triggers name it by: a-z, 0-9 and `_`.
    #[schema(required, example = "support")]
    pub(crate) module_type: Option<String>,
    /// What people call it; the same unless given.
    #[schema(example = "Support")]
    pub(crate) name: Option<String>,
}

/// A module.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModuleOut {
    /// What rules and triggers name it by.
    module_type: String,
    /// What people call it.
    name: String,
    /// Whether it is the tenant's own.
    custom: bool,
    /// When; null for the modules of every tenant, and for those that triggers name and nobody made.
    created_at: Option<String>,
}

impl ModuleOut {
    /// One of which nothing but the name is known.
    pub(crate) fn named(name: &str, custom: bool) -> Self {
        Self { module_type: name.to_owned(), name: name.to_owned(), custom, created_at: None }
    }

    pub(crate) fn module_type(&self) -> &str {
        &self.module_type
    }
}

impl From<Module> for ModuleOut {
    fn from(module: Module) -> Self {
        Self {
            module_type: module.module_type,
            name: module.name,
            custom: true,
            created_at: Some(module.created_at.to_string()),
        }
    }
}

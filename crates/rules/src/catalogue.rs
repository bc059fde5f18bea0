//! What can happen in a tenant? The built-in triggers and the tenant's own, each with the schema of its data and what rules may
//! name of it.

use crate::trigger::{BuiltIn, TRIGGERS, WEBHOOK};
use kernel::{Fault, FieldFault, Kind};
use language::Vocabulary;
use schema::Schema;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock, OnceLock},
};

/// Where a trigger comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Every tenant has it.
    BuiltIn,
    /// The tenant defined it.
    Own,
    /// It belongs to a type of the tenant's records, and changes with it.
    Record,
}

impl Origin {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::BuiltIn, Self::Own, Self::Record];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Own => "own",
            Self::Record => "record",
        }
    }
}

/// The text names no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not where a trigger may come from")]
pub struct UnknownOrigin;

impl std::str::FromStr for Origin {
    type Err = UnknownOrigin;
    fn from_str(text: &str) -> Result<Self, UnknownOrigin> {
        Self::ALL.iter().copied().find(|origin| origin.as_str() == text).ok_or(UnknownOrigin)
    }
}

/// Which record an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The type of the record: `contact`.
    pub record_type: Box<str>,
    /// The field of the data that holds its id: `contact_id`.
    pub field: Box<str>,
}

/// Something that can happen, to which rules can be bound.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its name in events and rules: `opportunity_created`.
    pub trigger_id: Box<str>,
    /// The module that raises it.
    pub module_type: Box<str>,
    /// When it is raised.
    pub description: String,
    /// The JSON Schema (2020-12) of its data.
    pub schema: Value,
    /// Data such as it carries.
    pub sample: Value,
    /// Which record its events are about, if they are about one.
    pub about: Option<About>,
    /// The JSON Schema of that record, if it is known.
    pub record_schema: Option<Value>,
    /// Where it comes from.
    pub origin: Origin,
    /// Its version; it grows with each change.
    pub version: u32,
    /// What can be asked of it often, made when it is first asked.
    read: Arc<Read>,
}

#[derive(Default)]
struct Read {
    vocabulary: OnceLock<Vocabulary>,
    schema: OnceLock<Option<Schema>>,
}

impl fmt::Debug for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Read")
    }
}

impl PartialEq for Trigger {
    fn eq(&self, other: &Self) -> bool {
        let said = |one: &Self| (one.trigger_id.clone(), one.module_type.clone(), one.version, one.origin);
        said(self) == said(other)
            && self.schema == other.schema
            && self.record_schema == other.record_schema
            && self.sample == other.sample
            && self.about == other.about
            && self.description == other.description
    }
}

/// What a trigger is made of.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each field is the one of the same name in the trigger")]
pub struct Parts {
    pub trigger_id: Box<str>,
    pub module_type: Box<str>,
    pub description: String,
    pub schema: Value,
    pub sample: Value,
    pub about: Option<About>,
    pub record_schema: Option<Value>,
}

impl Trigger {
    /// A trigger of these parts.
    #[must_use]
    pub fn new(parts: Parts, origin: Origin, version: u32) -> Self {
        Self {
            trigger_id: parts.trigger_id,
            module_type: parts.module_type,
            description: parts.description,
            schema: parts.schema,
            sample: parts.sample,
            about: parts.about,
            record_schema: parts.record_schema,
            origin,
            version,
            read: Arc::default(),
        }
    }

    fn built_in(built_in: &BuiltIn) -> Self {
        let parts = Parts {
            trigger_id: built_in.trigger_id.into(),
            module_type: built_in.module_type.into(),
            description: built_in.description.to_owned(),
            schema: built_in.schema(),
            sample: built_in.sample(),
            about: built_in
                .about()
                .map(|(record_type, field)| About { record_type: record_type.into(), field: field.into() }),
            record_schema: None,
        };
        Self::new(parts, Origin::BuiltIn, 1)
    }

    /// Whether it is made of these parts.
    pub(crate) fn is_of(&self, parts: &Parts) -> bool {
        let same = Self::new(parts.clone(), self.origin, self.version);
        self.origin == Origin::Record && *self == same
    }

    /// The same as its next version: what a version keeps that says that it was deleted.
    pub(crate) fn next_version(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// What it is made of.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts {
            trigger_id: self.trigger_id.clone(),
            module_type: self.module_type.clone(),
            description: self.description.clone(),
            schema: self.schema.clone(),
            sample: self.sample.clone(),
            about: self.about.clone(),
            record_schema: self.record_schema.clone(),
        }
    }

    /// The names of the data that an event must carry.
    pub fn required_data(&self) -> impl Iterator<Item = &str> {
        self.schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// What rules may name of its events.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        self.read.vocabulary.get_or_init(|| {
            // A record whose fields are not known may have any.
            let open = Value::Bool(true);
            let record = self.about.as_ref().map(|_| self.record_schema.as_ref().unwrap_or(&open));
            Vocabulary::new(&self.schema, record)
        })
    }

    /// Whether an event's data is as its schema says. Of built-in triggers only the required names are asked for: what senders
    /// write there otherwise is theirs.
    ///
    /// # Errors
    /// Every faulty field: `data` if it is no object, `data.<name>`.
    pub fn check(&self, data: &Value) -> Result<(), Vec<FieldFault>> {
        let Some(object) = data.as_object() else {
            return Err(vec![FieldFault::new("data", "must be a JSON object")]);
        };
        let mut faults: Vec<FieldFault> = self
            .required_data()
            .filter_map(|name| {
                let fault = |message: &str| Some(FieldFault::new(format!("data.{name}"), message));
                match object.get(name) {
                    None => fault(&format!("is missing; {} needs it", self.trigger_id)),
                    Some(Value::Null) if self.origin != Origin::Own => {
                        fault(&format!("must not be null; {} needs it", self.trigger_id))
                    }
                    Some(_) => None,
                }
            })
            .collect();
        if faults.is_empty() && self.origin == Origin::Own {
            faults.extend(self.invalid(data));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn invalid(&self, data: &Value) -> Vec<FieldFault> {
        let schema = self.read.schema.get_or_init(|| Schema::compile(&self.schema, "schema").ok());
        let place = |field: &str| match field {
            "body" => "data".to_owned(),
            field if field.starts_with('[') => format!("data{field}"),
            field => format!("data.{field}"),
        };
        let faults = schema.iter().flat_map(|schema| schema.faults(data));
        faults.map(|fault| FieldFault::new(place(&fault.field), fault.message)).collect()
    }
}

/// No trigger has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTrigger(String);

impl fmt::Display for UnknownTrigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "no trigger is called {:?}; GET /api/v1/automation/triggers lists those that there are",
            self.0
        )
    }
}

impl std::error::Error for UnknownTrigger {}

impl Fault for UnknownTrigger {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        "TRIGGER_UNKNOWN"
    }
}

/// A tenant's triggers: the built-in ones and its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    /// The tenant's own, and what of the built-in ones its record types say otherwise.
    own: BTreeMap<Box<str>, Arc<Trigger>>,
    /// The tenant's own modules.
    modules: Vec<Box<str>>,
}

static BUILT_IN: LazyLock<BTreeMap<Box<str>, Arc<Trigger>>> = LazyLock::new(|| {
    let all = TRIGGERS.iter().chain(WEBHOOK);
    all.map(|trigger| (trigger.trigger_id.into(), Arc::new(Trigger::built_in(trigger)))).collect()
});

impl Catalogue {
    /// A catalogue with these beside the built-in ones.
    #[must_use]
    pub fn new(own: Vec<Trigger>, modules: Vec<Box<str>>) -> Self {
        let own = own.into_iter().map(|trigger| (trigger.trigger_id.clone(), Arc::new(trigger))).collect();
        Self { own, modules }
    }

    /// The trigger of that name.
    ///
    /// # Errors
    /// [`UnknownTrigger`].
    pub fn find(&self, trigger_id: &str) -> Result<&Arc<Trigger>, UnknownTrigger> {
        self.own
            .get(trigger_id)
            .or_else(|| BUILT_IN.get(trigger_id))
            .ok_or_else(|| UnknownTrigger(trigger_id.chars().take(100).collect()))
    }

    /// All triggers, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Trigger>> {
        let built_in = BUILT_IN.iter().filter(|(name, _)| !self.own.contains_key(*name));
        let mut all: Vec<&Arc<Trigger>> = built_in.chain(&self.own).map(|(_, trigger)| trigger).collect();
        all.sort_by_key(|trigger| (&trigger.module_type, &trigger.trigger_id));
        all.into_iter()
    }

    /// The names of all modules, each once: the built-in ones first.
    #[must_use]
    pub fn modules(&self) -> Vec<&str> {
        let mut names = built_in_modules();
        for name in self.own.values().map(|trigger| &trigger.module_type).chain(&self.modules) {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        names
    }

    /// The same with another trigger in place of the one of its name.
    #[must_use]
    pub(crate) fn with(mut self, trigger: Trigger) -> Self {
        self.own.insert(trigger.trigger_id.clone(), Arc::new(trigger));
        self
    }

    /// The same with another module of the tenant's own.
    #[must_use]
    pub(crate) fn with_module(mut self, module_type: &str) -> Self {
        self.modules.push(module_type.into());
        self
    }

    /// How many triggers of an origin there are beside the built-in ones.
    pub(crate) fn count(&self, origin: Origin) -> usize {
        self.own.values().filter(|trigger| trigger.origin == origin).count()
    }

    /// Whether a name is that of a built-in trigger.
    #[must_use]
    pub fn is_built_in(trigger_id: &str) -> bool {
        BUILT_IN.contains_key(trigger_id)
    }
}

/// The names of the modules that every tenant has.
#[must_use]
pub fn built_in_modules() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for trigger in TRIGGERS.iter().chain(WEBHOOK) {
        if !names.contains(&trigger.module_type) {
            names.push(trigger.module_type);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn own(schema: Value) -> Trigger {
        let parts = Parts {
            trigger_id: "ticket_closed".into(),
            module_type: "support".into(),
            description: String::new(),
            sample: json!({}),
            about: None,
            record_schema: None,
            schema,
        };
        Trigger::new(parts, Origin::Own, 1)
    }

    fn faults(trigger: &Trigger, data: &Value) -> Vec<String> {
        trigger.check(data).err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_built_in_sample_passes_its_own_check() {
        for trigger in Catalogue::default().all() {
            assert_eq!(trigger.check(&trigger.sample), Ok(()), "{}", trigger.trigger_id);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let catalogue = Catalogue::default();
        let trigger = catalogue.find("opportunity_stage_changed").unwrap();
        assert_eq!(
            faults(trigger, &json!({"opportunity_id": "o-1", "old_stage": null})),
            [
                "data.old_stage: must not be null; opportunity_stage_changed needs it",
                "data.new_stage: is missing; opportunity_stage_changed needs it",
            ]
        );
        for data in [json!(null), json!([]), json!("x")] {
            assert_eq!(trigger.check(&data).unwrap_err()[0].field, "data");
        }
        assert!(
            catalogue
                .find("nothing")
                .unwrap_err()
                .to_string()
                .starts_with("no trigger is called \"nothing\"")
        );
    }

    #[test]
    fn data_of_an_own_trigger_must_fit_its_schema() {
        let trigger = own(json!({
            "type": "object",
            "properties": {"id": {"type": "string", "pattern": "^t-[0-9]+$"}, "items": {"type": "array", "items": {"type": "number"}}},
            "required": ["id"],
            "additionalProperties": false,
        }));
        assert_eq!(faults(&trigger, &json!({"id": "t-1", "items": [1, 2]})), [""; 0]);
        assert_eq!(faults(&trigger, &json!({})), ["data.id: is missing; ticket_closed needs it"]);
        let said = faults(&trigger, &json!({"id": "x", "items": [1, "two"], "more": 1}));
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said.iter().any(|fault| fault.starts_with("data.items[1]: is not of type ")));
    }

    #[test]
    fn own_modules_stand_beside_the_built_in_ones() {
        let catalogue = Catalogue::new(vec![own(json!({}))], vec!["billing".into()]);
        let names = catalogue.modules();
        assert!(
            names.starts_with(&["crm", "sales"]) && names.ends_with(&["support", "billing"]),
            "{names:?}"
        );
        assert!(catalogue.find("ticket_closed").is_ok());
    }
}

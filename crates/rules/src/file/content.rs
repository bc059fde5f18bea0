//! What is in a file of rules? The rules, and what of the tenant's own they stand on: triggers and modules.

use super::{FileFault, Format, LARGEST_FILE, MOST_IN_FILE};
use crate::{Definition, Draft, Module, Trigger, TriggerDraft, document::document, pace::PaceSaid};
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value, json};
use std::str;

/// The version of the format.
const VERSION: u64 = 1;
/// The most triggers, or modules, in a file.
const MOST_BESIDE: usize = 500;

/// A module as a file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModuleSaid {
    pub(crate) module_type: Option<String>,
    pub(crate) name: Option<String>,
}

/// What a file says: nothing of it is checked against a tenant yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleFile {
    pub(crate) modules: Vec<ModuleSaid>,
    pub(crate) triggers: Vec<TriggerDraft>,
    pub(crate) rules: Vec<Draft>,
}

impl RuleFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileFault`]; all faulty fields at once, each with its place: `rules[3].priority`.
    pub fn read(bytes: &[u8], format: Format) -> Result<Self, FileFault> {
        if bytes.len() > LARGEST_FILE {
            return Err(FileFault::TooLarge);
        }
        let unreadable = |said: String| FileFault::Unreadable(format.as_str(), said);
        let text = str::from_utf8(bytes).map_err(|fault| unreadable(format!("it is no UTF-8 ({fault})")))?;
        let document = format.read(text).map_err(|fault| unreadable(fault.to_string()))?;
        let mut fields = Fields::new();
        let file = Self::of(document, &mut fields);
        fields.done().map_err(FileFault::Fields)?;
        Ok(file)
    }

    fn of(document: Value, fields: &mut Fields) -> Self {
        let Some(mut whole) = Said::new(document, "", fields) else { return Self::default() };
        let head = whole.map.remove("signalbox").and_then(|head| Said::new(head, "signalbox.", whole.fields));
        match head {
            Some(mut head) => {
                if head.map.remove("version").and_then(|version| version.as_u64()) != Some(VERSION) {
                    head.fault("version", format!("must be {VERSION}: the version of this format"));
                }
                head.nothing_else("the head of a file", &["version"]);
            }
            None => whole.fault("signalbox", "is missing: a file begins with signalbox: {version: 1}"),
        }
        let file = Self {
            modules: whole.list("modules", MOST_BESIDE, module),
            triggers: whole.list("triggers", MOST_BESIDE, trigger),
            rules: whole.list("rules", MOST_IN_FILE, |said| {
                let draft = rule(said);
                if draft.key.is_none() && !said.has_fault("key") {
                    said.fault("key", "is missing: rules in files are found by their keys");
                }
                draft
            }),
        };
        whole.nothing_else("a file", &["signalbox", "modules", "triggers", "rules"]);
        file
    }
}

/// The document of these rules, with what they stand on. Each list is to come in order.
pub(crate) fn said(modules: &[Module], triggers: &[&Trigger], rules: &[&Definition]) -> Value {
    let mut document = json!({"signalbox": {"version": VERSION}});
    let lists = [
        (
            "modules",
            modules.iter().map(|one| json!({"module_type": one.module_type, "name": one.name})).collect(),
        ),
        ("triggers", triggers.iter().map(|trigger| said_of_trigger(trigger)).collect()),
    ];
    if let Some(object) = document.as_object_mut() {
        let lists = lists.into_iter().filter(|(_, list): &(_, Vec<Value>)| !list.is_empty());
        object.extend(lists.map(|(name, list)| (name.to_owned(), Value::Array(list))));
        let rules = rules.iter().map(|definition| said_of_rule(definition)).collect();
        object.insert("rules".to_owned(), Value::Array(rules));
    }
    document
}

/// A rule without what is as it would be unless said.
pub(crate) fn said_of_rule(definition: &Definition) -> Value {
    let mut said = document(definition);
    let unless = json!({
        "description": null, "labels": [], "is_active": true, "priority": 0, "stop_on_match": false, "conditions": [],
    });
    if let (Some(said), Some(unless)) = (said.as_object_mut(), unless.as_object()) {
        said.retain(|name, value| unless.get(name) != Some(value));
    }
    said
}

fn said_of_trigger(trigger: &Trigger) -> Value {
    let mut said = json!({
        "trigger_id": trigger.trigger_id, "module_type": trigger.module_type, "schema": trigger.schema,
        "sample": trigger.sample,
    });
    if let Some(object) = said.as_object_mut() {
        if !trigger.description.is_empty() {
            object.insert("description".to_owned(), trigger.description.as_str().into());
        }
        if let Some(about) = &trigger.about {
            object.insert("record_type".to_owned(), (*about.record_type).into());
            object.insert("record_field".to_owned(), (*about.field).into());
        }
    }
    said
}

fn module(said: &mut Said<'_>) -> ModuleSaid {
    said.known = &["module_type", "name"];
    ModuleSaid { module_type: said.text("module_type"), name: said.text("name") }
}

fn trigger(said: &mut Said<'_>) -> TriggerDraft {
    said.known =
        &["trigger_id", "module_type", "description", "schema", "sample", "record_type", "record_field"];
    TriggerDraft {
        trigger_id: said.text("trigger_id"),
        module_type: said.text("module_type"),
        description: said.text("description"),
        schema: said.value("schema"),
        sample: said.value("sample"),
        record_type: said.text("record_type"),
        record_field: said.text("record_field"),
    }
}

/// The fields of a rule in a file.
const RULE: &[&str] = &[
    "key",
    "name",
    "description",
    "labels",
    "module_type",
    "trigger_id",
    "is_active",
    "priority",
    "stop_on_match",
    "active_hours",
    "window",
    "absence",
    "throttle",
    "debounce",
    "concurrency",
    "conditions",
    "actions",
];

/// A rule as it is said in a file or a recipe.
pub(crate) fn rule(said: &mut Said<'_>) -> Draft {
    said.known = RULE;
    Draft {
        name: said.text("name"),
        key: said.text("key"),
        labels: said.texts("labels"),
        description: said.text("description"),
        module_type: said.text("module_type"),
        trigger_id: said.text("trigger_id"),
        conditions: said.value("conditions"),
        actions: said.value("actions"),
        is_active: said.truth("is_active"),
        priority: said.whole_number("priority"),
        stop_on_match: said.truth("stop_on_match"),
        pace: PaceSaid {
            window: said.value("window"),
            absence: said.value("absence"),
            throttle: said.value("throttle"),
            debounce: said.value("debounce"),
            active_hours: said.value("active_hours"),
            concurrency: said.value("concurrency"),
        },
    }
}

/// An object of a file, being read: what was read is taken out of it.
pub(crate) struct Said<'a> {
    map: Map<String, Value>,
    /// What stands before the names of its fields in faults: `rules[3].`.
    place: String,
    fields: &'a mut Fields,
    /// The fields that were at fault.
    faulty: Vec<String>,
    /// The fields that there are, for whoever wrote another.
    known: &'static [&'static str],
}

impl<'a> Said<'a> {
    pub(crate) fn new(value: Value, place: &str, fields: &'a mut Fields) -> Option<Self> {
        match value {
            Value::Object(map) => {
                Some(Self { map, place: place.to_owned(), fields, faulty: Vec::new(), known: &[] })
            }
            _ => {
                let name = place.trim_end_matches('.');
                fields.fault(if name.is_empty() { "file" } else { name }, "must be an object of fields");
                None
            }
        }
    }

    pub(crate) fn fault(&mut self, name: &str, said: impl std::fmt::Display) {
        self.faulty.push(name.to_owned());
        self.fields.fault(format!("{}{name}", self.place), said);
    }

    fn has_fault(&self, name: &str) -> bool {
        self.faulty.iter().any(|faulty| faulty == name)
    }

    /// A field; null is the same as none.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn read<T>(&mut self, name: &str, must: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.value(name)?;
        let found = read(&value);
        if found.is_none() {
            self.fault(name, must);
        }
        found
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "must be text: put it in quotes if it could be something else", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read(
            name,
            "must be a list of texts: put each in quotes if it could be something else",
            |value| value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        )
    }

    fn truth(&mut self, name: &str) -> Option<bool> {
        self.read(name, "must be true or false", Value::as_bool)
    }

    fn whole_number(&mut self, name: &str) -> Option<i64> {
        self.read(name, "must be a whole number", Value::as_i64)
    }

    fn list<T>(&mut self, name: &str, most: usize, mut read: impl FnMut(&mut Said<'_>) -> T) -> Vec<T> {
        let items = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) if items.len() <= most => items,
            Some(_) => {
                self.fault(name, format!("must be a list of at most {most}"));
                return Vec::new();
            }
        };
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let place = format!("{}{name}[{index}].", self.place);
            if let Some(mut said) = Said::new(item, &place, self.fields) {
                found.push(read(&mut said));
                let known = said.known;
                said.nothing_else("this", known);
            }
        }
        found
    }

    /// Tells of each field that was not read.
    pub(crate) fn nothing_else(&mut self, what: &str, known: &[&str]) {
        for name in std::mem::take(&mut self.map).into_iter().map(|(name, _)| name) {
            let shown: String = name.chars().take(100).collect();
            self.fault(&shown, format!("is not a field of {what}; there are {}", known.join(", ")));
        }
    }
}

/// Faults of a part, with where it stands before each.
pub(crate) fn placed(place: &str, faults: Vec<FieldFault>) -> Vec<FieldFault> {
    faults
        .into_iter()
        .map(|fault| FieldFault::new(format!("{place}.{}", fault.field), fault.message))
        .collect()
}

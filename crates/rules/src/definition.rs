//! What does a rule say? A [`Draft`] is what somebody wrote; a [`Definition`] was checked whole against the tenant's triggers.

use crate::{
    Actions, Catalogue, Trigger,
    pace::{Pace, PaceSaid},
};
use kernel::{FieldFault, Fields};
use language::{Conditions, Vocabulary};
use serde_json::Value;
use std::sync::Arc;

/// The most that conditions, actions and pace may take together, in bytes of JSON.
const LARGEST: usize = 64 * 1024;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 2_000;
/// The longest key, in characters.
const LONGEST_KEY: usize = 100;
/// How far from 0 a priority may be.
const FARTHEST_PRIORITY: i64 = 1_000_000;
/// The most labels of a rule.
const MOST_LABELS: usize = 20;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 50;
/// The longest note about why a rule was changed, in characters.
const LONGEST_NOTE: usize = 500;

/// A rule as somebody wrote it: nothing is checked yet, and what is left out is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What people call it.
    pub name: Option<String>,
    /// What it is called in files; made of the name unless this says otherwise.
    pub key: Option<String>,
    /// By what it is found.
    pub labels: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// The module of its trigger.
    pub module_type: Option<String>,
    /// The trigger that it is bound to.
    pub trigger_id: Option<String>,
    /// The JSON list of its conditions; none means that it always matches.
    pub conditions: Option<Value>,
    /// The JSON list of its actions.
    pub actions: Option<Value>,
    /// Whether it is switched on; it is unless this says otherwise.
    pub is_active: Option<bool>,
    /// Higher ones are asked first; 0 unless this says otherwise.
    pub priority: Option<i64>,
    /// Whether rules after it are left unasked when it matches; not unless this says so.
    pub stop_on_match: Option<bool>,
    /// How often, and when, it fires.
    pub pace: PaceSaid,
}

/// Changes to some fields of a rule: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulePatch {
    /// A new name.
    pub name: Option<String>,
    /// Another key.
    pub key: Option<String>,
    /// Other labels.
    pub labels: Option<Vec<String>>,
    /// A new description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Another module.
    pub module_type: Option<String>,
    /// Another trigger.
    pub trigger_id: Option<String>,
    /// Other conditions.
    pub conditions: Option<Value>,
    /// Other actions.
    pub actions: Option<Value>,
    /// Switched on or off.
    pub is_active: Option<bool>,
    /// Another priority.
    pub priority: Option<i64>,
    /// Another answer to whether it stops.
    pub stop_on_match: Option<bool>,
    /// Another window; `Some(None)` takes a part of the pace away.
    pub window: Option<Option<Value>>,
    /// Another absence.
    pub absence: Option<Option<Value>>,
    /// Another throttle.
    pub throttle: Option<Option<Value>>,
    /// Another debounce.
    pub debounce: Option<Option<Value>>,
    /// Other hours.
    pub active_hours: Option<Option<Value>>,
    /// Another concurrency.
    pub concurrency: Option<Option<Value>>,
}

/// What a rule says: every field checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// What it is called in files: unique in the tenant.
    pub key: String,
    /// What it is for.
    pub description: Option<String>,
    /// By what it is found: sorted, each once.
    pub labels: Vec<String>,
    /// The module of its trigger.
    pub module_type: String,
    /// The trigger that it is bound to.
    pub trigger_id: String,
    /// The JSON list of its conditions, as it was written.
    pub conditions: Value,
    /// The JSON list of its actions, as it was written.
    pub actions: Value,
    /// Whether it is switched on.
    pub is_active: bool,
    /// Higher ones are asked first.
    pub priority: i64,
    /// Whether rules after it are left unasked when it matches.
    pub stop_on_match: bool,
    /// How often, and when, it fires, as it was written.
    pub pace: PaceSaid,
}

/// A definition, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) conditions: Conditions,
    pub(crate) actions: Actions,
    pub(crate) pace: Pace,
}

impl Compiled {
    /// What may be a mistake and is no fault.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &FieldFault> {
        self.conditions.warnings().iter().chain(self.actions.warnings())
    }
}

impl Definition {
    /// Checks a draft against the tenant's triggers.
    ///
    /// # Errors
    /// Every faulty field, with its path.
    pub fn check(draft: Draft, catalogue: &Catalogue) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", name(draft.name));
        let plain = name.as_deref().map_or_else(|| "rule".to_owned(), key_of_name);
        let key = fields.take("key", key(draft.key.unwrap_or(plain)));
        let labels = fields.take("labels", labels(draft.labels.unwrap_or_default()));
        let description = fields.take("description", description(draft.description));
        let trigger = bound(draft.module_type, draft.trigger_id, catalogue, &mut fields);
        let conditions = draft.conditions.unwrap_or_else(|| Value::Array(Vec::new()));
        let actions = draft.actions.unwrap_or_default();
        let priority = draft.priority.unwrap_or_default();
        if !(-FARTHEST_PRIORITY..=FARTHEST_PRIORITY).contains(&priority) {
            let message = format!("must be a whole number from -{FARTHEST_PRIORITY} to {FARTHEST_PRIORITY}");
            fields.fault("priority", message);
        }
        // Of an unknown trigger nothing is known, so that all else can still be told at once.
        let open = Vocabulary::open();
        let vocabulary = trigger.as_ref().map_or(&open, |trigger| trigger.vocabulary());
        let compiled = compile(&conditions, &actions, &draft.pace, vocabulary, catalogue);
        for fault in compiled.err().unwrap_or_default() {
            fields.fault(fault.field, fault.message);
        }
        let checked = name.zip(key).zip(labels).zip(description).zip(trigger);
        fields.give(checked.map(|((((name, key), labels), description), trigger)| Self {
            name,
            key,
            description,
            labels,
            module_type: trigger.module_type.to_string(),
            trigger_id: trigger.trigger_id.to_string(),
            conditions,
            actions,
            is_active: draft.is_active.unwrap_or(true),
            priority,
            stop_on_match: draft.stop_on_match.unwrap_or(false),
            pace: draft.pace,
        }))
    }

    /// Compiles what it says.
    ///
    /// # Errors
    /// What is faulty: only for a definition that was accepted when other triggers, or another program, were there.
    pub(crate) fn compile(&self, catalogue: &Catalogue) -> Result<Compiled, Vec<FieldFault>> {
        let trigger =
            catalogue.find(&self.trigger_id).map_err(|error| vec![FieldFault::new("trigger_id", error)])?;
        compile(&self.conditions, &self.actions, &self.pace, trigger.vocabulary(), catalogue)
    }

    /// What may be a mistake and is no fault: names that the schema of the trigger does not know, a rule that sets itself off.
    #[must_use]
    pub fn warnings(&self, catalogue: &Catalogue) -> Vec<FieldFault> {
        let Ok(compiled) = self.compile(catalogue) else { return Vec::new() };
        let mut warnings: Vec<FieldFault> = compiled.warnings().cloned().collect();
        if compiled.actions.raises().any(|raised| raised == self.trigger_id) {
            let message = format!(
                "raise {}, to which the rule is bound: it may set itself off, and the chain is cut after some events",
                self.trigger_id
            );
            warnings.push(FieldFault::new("actions", message));
        }
        warnings
    }

    /// What its conditions cost at most, in units of [`language::MOST_COST`]; `None` if it cannot be read any more.
    #[must_use]
    pub fn cost(&self, catalogue: &Catalogue) -> Option<u64> {
        self.compile(catalogue).ok().map(|compiled| compiled.conditions.cost())
    }

    /// Whether a template of its actions may name the circumstances of an event. Where that is not sure, it may.
    pub(crate) fn may_name_event(&self) -> bool {
        self.actions.to_string().replace("\"publish_event\"", "").contains("event")
    }

    /// Whether the key is the one that is made of the name.
    pub(crate) fn has_plain_key(&self) -> bool {
        self.key == key_of_name(&self.name)
    }

    /// Whether it is bound to a trigger, raises its events, or waits for them to stay away.
    pub(crate) fn uses_trigger(&self, trigger_id: &str) -> bool {
        let named = |value: Option<&Value>| value.and_then(Value::as_str) == Some(trigger_id);
        let actions = self.actions.as_array().into_iter().flatten();
        self.trigger_id == trigger_id
            || named(self.pace.absence.as_ref().and_then(|absence| absence.get("trigger_id")))
            || actions.into_iter().any(|action| named(action.pointer("/parameters/trigger_id")))
    }

    /// What somebody would have to write to say the same.
    #[must_use]
    pub fn draft(&self) -> Draft {
        Draft {
            name: Some(self.name.clone()),
            key: Some(self.key.clone()),
            labels: Some(self.labels.clone()),
            description: self.description.clone(),
            module_type: Some(self.module_type.clone()),
            trigger_id: Some(self.trigger_id.clone()),
            conditions: Some(self.conditions.clone()),
            actions: Some(self.actions.clone()),
            is_active: Some(self.is_active),
            priority: Some(self.priority),
            stop_on_match: Some(self.stop_on_match),
            pace: self.pace.clone(),
        }
    }
}

impl RulePatch {
    /// What the definition says once the patch is laid over it.
    ///
    /// # Errors
    /// Every faulty field, with its path.
    pub fn over(self, definition: &Definition, catalogue: &Catalogue) -> Result<Definition, Vec<FieldFault>> {
        let was = definition.draft();
        Definition::check(
            Draft {
                name: self.name.or(was.name),
                key: self.key.or(was.key),
                labels: self.labels.or(was.labels),
                description: self.description.unwrap_or(was.description),
                module_type: self.module_type.or(was.module_type),
                trigger_id: self.trigger_id.or(was.trigger_id),
                conditions: self.conditions.or(was.conditions),
                actions: self.actions.or(was.actions),
                is_active: self.is_active.or(was.is_active),
                priority: self.priority.or(was.priority),
                stop_on_match: self.stop_on_match.or(was.stop_on_match),
                pace: PaceSaid {
                    window: self.window.unwrap_or(was.pace.window),
                    absence: self.absence.unwrap_or(was.pace.absence),
                    throttle: self.throttle.unwrap_or(was.pace.throttle),
                    debounce: self.debounce.unwrap_or(was.pace.debounce),
                    active_hours: self.active_hours.unwrap_or(was.pace.active_hours),
                    concurrency: self.concurrency.unwrap_or(was.pace.concurrency),
                },
            },
            catalogue,
        )
    }
}

/// Checks a note about why a rule was changed.
///
/// # Errors
/// What is wrong with it.
pub fn note(note: Option<String>) -> Result<Option<String>, Vec<FieldFault>> {
    match note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()) {
        Some(note) if note.chars().count() > LONGEST_NOTE => {
            Err(vec![FieldFault::new("note", format!("must be at most {LONGEST_NOTE} characters"))])
        }
        note => Ok(note),
    }
}

fn name(name: Option<String>) -> Result<String, String> {
    let name = name.ok_or_else(|| "is missing: say what the rule is called".to_owned())?;
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.chars().count() > LONGEST_NAME || trimmed.chars().any(char::is_control) {
        return Err(format!("must be 1 to {LONGEST_NAME} characters, without line breaks"));
    }
    Ok(trimmed.to_owned())
}

/// A key made of a name: `High Value Deal Alert` is `high-value-deal-alert`.
fn key_of_name(name: &str) -> String {
    let mut key = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            key.push(letter);
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
        if key.len() == LONGEST_KEY {
            break;
        }
    }
    let key = key.trim_matches('-');
    if key.is_empty() { "rule".to_owned() } else { key.to_owned() }
}

fn key(key: String) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let sound = (1..=LONGEST_KEY).contains(&key.len())
        && key.bytes().all(plain)
        && key.starts_with(|first: char| first.is_ascii_alphanumeric());
    if sound {
        Ok(key)
    } else {
        Err(format!(
            "must be 1 to {LONGEST_KEY} of a-z, 0-9, hyphen, underscore and point, beginning with a letter or digit"
        ))
    }
}

fn labels(labels: Vec<String>) -> Result<Vec<String>, String> {
    let mut kept: Vec<String> = labels.iter().map(|label| label.trim().to_owned()).collect();
    kept.sort();
    kept.dedup();
    let sound = |label: &String| {
        (1..=LONGEST_LABEL).contains(&label.chars().count()) && !label.chars().any(char::is_control)
    };
    if kept.len() > MOST_LABELS || !kept.iter().all(sound) {
        return Err(format!("must be at most {MOST_LABELS} texts of 1 to {LONGEST_LABEL} characters"));
    }
    Ok(kept)
}

fn description(description: Option<String>) -> Result<Option<String>, String> {
    match description {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            Err(format!("must be at most {LONGEST_DESCRIPTION} characters"))
        }
        description => Ok(description),
    }
}

/// The trigger, if it is of that module.
fn bound(
    module_type: Option<String>,
    trigger_id: Option<String>,
    catalogue: &Catalogue,
    fields: &mut Fields,
) -> Option<Arc<Trigger>> {
    let modules = catalogue.modules();
    match &module_type {
        None => fields.fault("module_type", format!("is missing: one of {}", modules.join(", "))),
        Some(module) if !modules.contains(&module.as_str()) => {
            fields.fault("module_type", format!("must be one of {}", modules.join(", ")));
        }
        Some(_) => {}
    }
    let Some(name) = trigger_id else {
        fields.fault("trigger_id", "is missing: name the trigger that the rule is bound to");
        return None;
    };
    let found = fields.take("trigger_id", catalogue.find(&name))?;
    let module = module_type?;
    if module != *found.module_type && modules.contains(&module.as_str()) {
        fields.fault("trigger_id", format!("belongs to module {}, not {module}", found.module_type));
    }
    Some(Arc::clone(found))
}

fn compile(
    conditions: &Value,
    actions: &Value,
    pace: &PaceSaid,
    vocabulary: &Vocabulary,
    catalogue: &Catalogue,
) -> Result<Compiled, Vec<FieldFault>> {
    let parts = pace.parts().into_iter().filter_map(|(_, part)| part.as_ref());
    let size = [conditions, actions]
        .into_iter()
        .chain(parts)
        .fold(0_usize, |sum, part| sum.saturating_add(part.to_string().len()));
    if size > LARGEST {
        let message =
            format!("take {size} bytes with the actions; at most {LARGEST} are allowed: split the rule");
        return Err(vec![FieldFault::new("conditions", message)]);
    }
    let mut fields = Fields::new();
    let other = |name: &str| match catalogue.find(name) {
        Ok(trigger) => Ok(trigger.vocabulary()),
        Err(error) => Err(error.to_string()),
    };
    let pace = Pace::read(pace, vocabulary, other, &mut fields);
    let mut faults = Vec::new();
    let conditions = Conditions::read(conditions, vocabulary).map_err(|more| faults.extend(more)).ok();
    let actions = Actions::read(actions, vocabulary, catalogue).map_err(|more| faults.extend(more)).ok();
    faults.extend(fields.done().err().unwrap_or_default());
    match (conditions, actions) {
        (Some(conditions), Some(actions)) if faults.is_empty() => Ok(Compiled { conditions, actions, pace }),
        _ => Err(faults),
    }
}

//! What is a rule? A definition that was checked whole, under an id, at a version that grows with each change.

use crate::{Actions, Conditions, trigger};
use kernel::{FieldFault, Fields, Instant, RuleId};
use serde_json::Value;

/// The most rules of a tenant.
pub const MOST_RULES: u32 = 20_000;
/// The most that conditions and actions may take together, in bytes of JSON.
const LARGEST: usize = 64 * 1024;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;
/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 2_000;
/// How far from 0 a priority may be.
const FARTHEST_PRIORITY: i64 = 1_000_000;

/// A rule as somebody wrote it: nothing is checked yet, and what is left out is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What people call it.
    pub name: Option<String>,
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
}

/// Changes to some fields of a rule: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulePatch {
    /// A new name.
    pub name: Option<String>,
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
}

/// What a rule says: every field checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
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
}

/// A rule of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it says.
    pub definition: Definition,
    /// 1 when it is made; one more with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

/// What was done to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// Its fields were changed.
    Changed,
    /// It was switched on.
    Enabled,
    /// It was switched off.
    Disabled,
    /// An earlier version was brought back.
    RolledBack,
    /// It was deleted; the version keeps what it said last.
    Deleted,
}

impl Change {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Created, Self::Changed, Self::Enabled, Self::Disabled, Self::RolledBack, Self::Deleted];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::RolledBack => "rolled_back",
            Self::Deleted => "deleted",
        }
    }
}

/// The text names no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not something that is done to a rule")]
pub struct UnknownChange;

impl std::str::FromStr for Change {
    type Err = UnknownChange;
    fn from_str(text: &str) -> Result<Self, UnknownChange> {
        Self::ALL.iter().copied().find(|change| change.as_str() == text).ok_or(UnknownChange)
    }
}

/// A version of a rule: what it said after a change. It never changes itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// The change that made it.
    pub change: Change,
    /// What the rule said.
    pub definition: Definition,
    /// Who made the change: the id of a user or an API key, or `system`.
    pub changed_by: String,
    /// When.
    pub changed_at: Instant,
}

/// A definition, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    pub(crate) conditions: Conditions,
    pub(crate) actions: Actions,
}

impl Definition {
    /// Checks a draft.
    ///
    /// # Errors
    /// Every faulty field, with its path.
    pub fn check(draft: Draft) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", name(draft.name));
        let description = fields.take("description", description(draft.description));
        let bound = bound(draft.module_type, draft.trigger_id, &mut fields);
        let conditions = draft.conditions.unwrap_or_else(|| Value::Array(Vec::new()));
        let actions = draft.actions.unwrap_or_default();
        let priority = draft.priority.unwrap_or_default();
        if !(-FARTHEST_PRIORITY..=FARTHEST_PRIORITY).contains(&priority) {
            let message = format!("must be a whole number from -{FARTHEST_PRIORITY} to {FARTHEST_PRIORITY}");
            fields.fault("priority", message);
        }
        for fault in compile(&conditions, &actions).err().unwrap_or_default() {
            fields.fault(fault.field, fault.message);
        }
        let checked = name.zip(description).zip(bound);
        fields.give(checked.map(|((name, description), (module_type, trigger_id))| Self {
            name,
            description,
            module_type,
            trigger_id,
            conditions,
            actions,
            is_active: draft.is_active.unwrap_or(true),
            priority,
            stop_on_match: draft.stop_on_match.unwrap_or(false),
        }))
    }

    /// Compiles conditions and actions.
    ///
    /// # Errors
    /// What is faulty: only for a definition that an earlier program accepted and this one does not.
    pub(crate) fn compile(&self) -> Result<Compiled, Vec<FieldFault>> {
        compile(&self.conditions, &self.actions)
    }

    fn draft(&self) -> Draft {
        Draft {
            name: Some(self.name.clone()),
            description: self.description.clone(),
            module_type: Some(self.module_type.clone()),
            trigger_id: Some(self.trigger_id.clone()),
            conditions: Some(self.conditions.clone()),
            actions: Some(self.actions.clone()),
            is_active: Some(self.is_active),
            priority: Some(self.priority),
            stop_on_match: Some(self.stop_on_match),
        }
    }
}

impl RulePatch {
    /// What the definition says once the patch is laid over it.
    ///
    /// # Errors
    /// Every faulty field, with its path.
    pub fn over(self, definition: &Definition) -> Result<Definition, Vec<FieldFault>> {
        let was = definition.draft();
        Definition::check(Draft {
            name: self.name.or(was.name),
            description: self.description.unwrap_or(was.description),
            module_type: self.module_type.or(was.module_type),
            trigger_id: self.trigger_id.or(was.trigger_id),
            conditions: self.conditions.or(was.conditions),
            actions: self.actions.or(was.actions),
            is_active: self.is_active.or(was.is_active),
            priority: self.priority.or(was.priority),
            stop_on_match: self.stop_on_match.or(was.stop_on_match),
        })
    }
}

impl Rule {
    /// A rule that is new at `now`.
    #[must_use]
    pub fn new(id: RuleId, definition: Definition, now: Instant) -> Self {
        Self { id, definition, version: 1, created_at: now, updated_at: now }
    }

    /// The rule with another definition: its next version.
    #[must_use]
    pub fn redefined(self, definition: Definition, now: Instant) -> Self {
        Self { definition, version: self.version.saturating_add(1), updated_at: now, ..self }
    }

    /// The rule switched on or off: its next version, or `None` if it is so already.
    #[must_use]
    pub fn switched(self, active: bool, now: Instant) -> Option<Self> {
        if self.definition.is_active == active {
            return None;
        }
        let definition = Definition { is_active: active, ..self.definition.clone() };
        Some(self.redefined(definition, now))
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

fn description(description: Option<String>) -> Result<Option<String>, String> {
    match description {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            Err(format!("must be at most {LONGEST_DESCRIPTION} characters"))
        }
        description => Ok(description),
    }
}

/// Module and trigger, if the trigger is of that module.
fn bound(
    module_type: Option<String>,
    trigger_id: Option<String>,
    fields: &mut Fields,
) -> Option<(String, String)> {
    let modules = || trigger::modules().join(", ");
    match &module_type {
        None => fields.fault("module_type", format!("is missing: one of {}", modules())),
        Some(module) if !trigger::modules().contains(&module.as_str()) => {
            fields.fault("module_type", format!("must be one of {}", modules()));
        }
        Some(_) => {}
    }
    let Some(name) = trigger_id else {
        fields.fault("trigger_id", "is missing: name the trigger that the rule is bound to");
        return None;
    };
    let found = fields.take("trigger_id", trigger::find(&name))?;
    let module = module_type?;
    if module != found.module_type && trigger::modules().contains(&module.as_str()) {
        fields.fault("trigger_id", format!("belongs to module {}, not {module}", found.module_type));
    }
    Some((module, name))
}

fn compile(conditions: &Value, actions: &Value) -> Result<Compiled, Vec<FieldFault>> {
    let size = conditions.to_string().len().saturating_add(actions.to_string().len());
    if size > LARGEST {
        let message =
            format!("take {size} bytes with the actions; at most {LARGEST} are allowed: split the rule");
        return Err(vec![FieldFault::new("conditions", message)]);
    }
    match (Conditions::read(conditions), Actions::read(actions)) {
        (Ok(conditions), Ok(actions)) => Ok(Compiled { conditions, actions }),
        (conditions, actions) => {
            let mut faults = conditions.err().unwrap_or_default();
            faults.extend(actions.err().unwrap_or_default());
            Err(faults)
        }
    }
}

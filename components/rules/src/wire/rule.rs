//! Which JSON stands for rules?

use super::shape;
use edge::Problem;
use kernel::{FieldFault, TenantId};
use rules::{Definition, Draft, PaceSaid, Rule, RuleFilter, RulePatch, service::Checked};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A rule to be made, or to be made anew.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleIn {
    /// What people call it; 1 to 200 characters.
    #[schema(required, example = "High Value Deal Alert")]
    name: Option<String>,
    /// What it is called in files, unique in the tenant: a-z, 0-9, `-`, `_`, `.`. Made of the name unless given.
    #[schema(example = "high-value-deal-alert")]
    key: Option<String>,
    /// What it is for; at most 2000 characters.
    #[schema(example = "Notify sales manager about deals over $10,000")]
    description: Option<String>,
    /// By what it is found; at most 20.
    labels: Option<Vec<String>>,
    /// The module of its trigger: `crm`, `sales`, or one of the tenant's own.
    #[schema(required, example = "sales")]
    module_type: Option<String>,
    /// The trigger that it is bound to.
    #[schema(required, example = "high_value_opportunity")]
    trigger_id: Option<String>,
    /// At most 50 conditions, all of which must hold; none always matches. `all` and `any` hold `conditions`, `not` holds
    /// a `condition`; docs/rules says what each type takes.
    #[schema(value_type = Option<Vec<Object>>, example = json!([{"type": "value_threshold", "value": 10000}]))]
    conditions: Option<Value>,
    /// 1 to 20 actions, carried out in order. `{{name}}` in a text places data.
    #[schema(value_type = Vec<Object>, required, example = json!([{"type": "send_notification", "parameters": {
        "recipient": "sales-manager@example.com",
        "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}"
    }}]))]
    actions: Option<Value>,
    /// Whether it is switched on; it is unless this says otherwise.
    is_active: Option<bool>,
    /// Higher ones are asked first; 0 unless this says otherwise.
    priority: Option<i64>,
    /// Whether rules after it are left unasked when it matches; not unless this says so.
    stop_on_match: Option<bool>,
    /// Fires only when the conditions held so often within a span.
    #[schema(value_type = Option<shape::Window>)]
    window: Option<Value>,
    /// Fires only if another event does not come within a span.
    #[schema(value_type = Option<shape::Absence>)]
    absence: Option<Value>,
    /// Fires so often within a span at most.
    #[schema(value_type = Option<shape::Throttle>)]
    throttle: Option<Value>,
    /// Fires for the last of several events, when no more come.
    #[schema(value_type = Option<shape::Debounce>)]
    debounce: Option<Value>,
    /// When it may fire.
    #[schema(value_type = Option<shape::ActiveHours>)]
    active_hours: Option<Value>,
    /// How many of its jobs run at a time.
    #[schema(value_type = Option<shape::Concurrency>)]
    concurrency: Option<Value>,
    /// Why it is made or changed; stands in the version. At most 500 characters.
    note: Option<String>,
}

/// What is to be changed of a rule; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulePatchIn {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// What it is called in files.
    #[serde(default, deserialize_with = "given")]
    key: Option<String>,
    /// What it is for; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// All its labels, instead of those before.
    #[serde(default, deserialize_with = "given")]
    labels: Option<Vec<String>>,
    /// The module of its trigger.
    #[serde(default, deserialize_with = "given")]
    module_type: Option<String>,
    /// The trigger that it is bound to.
    #[serde(default, deserialize_with = "given")]
    trigger_id: Option<String>,
    /// All its conditions, instead of those before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<Object>>)]
    conditions: Option<Value>,
    /// All its actions, instead of those before.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<Object>>)]
    actions: Option<Value>,
    /// Whether it is switched on.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
    /// Higher ones are asked first.
    #[serde(default, deserialize_with = "given")]
    priority: Option<i64>,
    /// Whether rules after it are left unasked when it matches.
    #[serde(default, deserialize_with = "given")]
    stop_on_match: Option<bool>,
    /// Fires only when the conditions held so often within a span; null takes it away, like each of those below.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::Window>)]
    window: Option<Option<Value>>,
    /// Fires only if another event does not come within a span.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::Absence>)]
    absence: Option<Option<Value>>,
    /// Fires so often within a span at most.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::Throttle>)]
    throttle: Option<Option<Value>>,
    /// Fires for the last of several events, when no more come.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::Debounce>)]
    debounce: Option<Option<Value>>,
    /// When it may fire.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::ActiveHours>)]
    active_hours: Option<Option<Value>>,
    /// How many of its jobs run at a time.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<shape::Concurrency>)]
    concurrency: Option<Option<Value>>,
    /// Why it is changed; stands in the version. At most 500 characters.
    note: Option<String>,
}

/// Which rules are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct RulesQuery {
    /// Only those of this module.
    module_type: Option<String>,
    /// Only those of this trigger.
    trigger_id: Option<String>,
    /// Only those that are switched on (`true`) or off (`false`).
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// Only those with this in their name, description or key, in any case.
    q: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// Whether a rule is to be on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ToggleQuery {
    /// `true` switches it on, `false` off.
    #[param(value_type = bool, required = true)]
    is_active: Option<String>,
}

fn truth(text: &str) -> Result<bool, Problem> {
    text.parse().map_err(|_| Problem::field("is_active", "must be true or false"))
}

impl ToggleQuery {
    pub(crate) fn wanted(&self) -> Result<bool, Problem> {
        truth(self.is_active.as_deref().unwrap_or_default())
    }
}

impl RulesQuery {
    /// Whether it searches texts, which has a limit of its own.
    pub(crate) const fn is_search(&self) -> bool {
        self.q.is_some()
    }
}

impl TryFrom<RulesQuery> for RuleFilter {
    type Error = Problem;
    fn try_from(query: RulesQuery) -> Result<Self, Problem> {
        Ok(Self {
            module_type: query.module_type,
            trigger_id: query.trigger_id,
            is_active: query.is_active.as_deref().map(truth).transpose()?,
            label: query.label,
            text: query.q.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
        })
    }
}

impl RuleIn {
    /// What somebody wrote, and why.
    pub(crate) fn parts(self) -> Result<(Draft, Option<String>), Problem> {
        let note = rules::note(self.note).map_err(Problem::fields)?;
        let pace = PaceSaid {
            window: self.window,
            absence: self.absence,
            throttle: self.throttle,
            debounce: self.debounce,
            active_hours: self.active_hours,
            concurrency: self.concurrency,
        };
        let draft = Draft {
            name: self.name,
            key: self.key,
            labels: self.labels,
            description: self.description,
            module_type: self.module_type,
            trigger_id: self.trigger_id,
            conditions: self.conditions,
            actions: self.actions,
            is_active: self.is_active,
            priority: self.priority,
            stop_on_match: self.stop_on_match,
            pace,
        };
        Ok((draft, note))
    }
}

impl RulePatchIn {
    /// What is to be changed, and why.
    pub(crate) fn parts(self) -> Result<(RulePatch, Option<String>), Problem> {
        let note = rules::note(self.note).map_err(Problem::fields)?;
        let patch = RulePatch {
            name: self.name,
            key: self.key,
            labels: self.labels,
            description: self.description,
            module_type: self.module_type,
            trigger_id: self.trigger_id,
            conditions: self.conditions,
            actions: self.actions,
            is_active: self.is_active,
            priority: self.priority,
            stop_on_match: self.stop_on_match,
            window: self.window,
            absence: self.absence,
            throttle: self.throttle,
            debounce: self.debounce,
            active_hours: self.active_hours,
            concurrency: self.concurrency,
        };
        Ok((patch, note))
    }
}

/// What a rule says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DefinitionOut {
    /// What people call it.
    name: String,
    /// What it is called in files.
    key: String,
    /// What it is for.
    description: Option<String>,
    /// By what it is found.
    labels: Vec<String>,
    /// The module of its trigger.
    module_type: String,
    /// The trigger that it is bound to.
    trigger_id: String,
    /// Its conditions, as they were written.
    #[schema(value_type = Vec<Object>)]
    conditions: Value,
    /// Its actions, as they were written.
    #[schema(value_type = Vec<Object>)]
    actions: Value,
    /// Whether it is switched on.
    is_active: bool,
    /// Higher ones are asked first.
    priority: i64,
    /// Whether rules after it are left unasked when it matches.
    stop_on_match: bool,
    /// Fires only when the conditions held so often within a span.
    #[schema(value_type = Option<shape::Window>)]
    window: Option<Value>,
    /// Fires only if another event does not come within a span.
    #[schema(value_type = Option<shape::Absence>)]
    absence: Option<Value>,
    /// Fires so often within a span at most.
    #[schema(value_type = Option<shape::Throttle>)]
    throttle: Option<Value>,
    /// Fires for the last of several events, when no more come.
    #[schema(value_type = Option<shape::Debounce>)]
    debounce: Option<Value>,
    /// When it may fire.
    #[schema(value_type = Option<shape::ActiveHours>)]
    active_hours: Option<Value>,
    /// How many of its jobs run at a time.
    #[schema(value_type = Option<shape::Concurrency>)]
    concurrency: Option<Value>,
}

impl From<Definition> for DefinitionOut {
    fn from(definition: Definition) -> Self {
        Self {
            name: definition.name,
            key: definition.key,
            description: definition.description,
            labels: definition.labels,
            module_type: definition.module_type,
            trigger_id: definition.trigger_id,
            conditions: definition.conditions,
            actions: definition.actions,
            is_active: definition.is_active,
            priority: definition.priority,
            stop_on_match: definition.stop_on_match,
            window: definition.pace.window,
            absence: definition.pace.absence,
            throttle: definition.pace.throttle,
            debounce: definition.pace.debounce,
            active_hours: definition.pace.active_hours,
            concurrency: definition.pace.concurrency,
        }
    }
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleOut {
    /// Its id.
    #[schema(example = "rul_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    #[serde(flatten)]
    says: DefinitionOut,
    /// Grows with each change; also the `ETag`.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl RuleOut {
    pub(crate) fn of(tenant: &TenantId, rule: Rule) -> Self {
        Self {
            id: rule.id.to_string(),
            tenant_id: tenant.to_string(),
            says: rule.definition.into(),
            version: rule.version,
            created_at: rule.created_at.to_string(),
            updated_at: rule.updated_at.to_string(),
        }
    }
}

/// A rule, and what is found when it is read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckedOut {
    #[serde(flatten)]
    rule: RuleOut,
    /// What may be a mistake and is no fault: names that the schema of the trigger does not know, a rule that can set itself off.
    warnings: Vec<FaultOut>,
    /// What its conditions cost at most.
    cost: Option<CostOut>,
}

/// What the conditions of a rule cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CostOut {
    /// At most, for payloads within the bounds of the trigger's schema, in units of about one comparison.
    estimate: u64,
    /// What a rule may cost.
    limit: u64,
}

impl CostOut {
    pub(crate) const fn of(estimate: u64) -> Self {
        Self { estimate, limit: rules::MOST_COST }
    }
}

impl CheckedOut {
    pub(crate) fn of(tenant: &TenantId, checked: Checked) -> Self {
        Self {
            rule: RuleOut::of(tenant, checked.rule),
            warnings: checked.warnings.into_iter().map(FaultOut::from).collect(),
            cost: checked.cost.map(CostOut::of),
        }
    }
}

/// What is wrong, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FaultOut {
    /// Its path: `actions[0].parameters.message`.
    field: String,
    /// What is wrong.
    message: String,
}

impl From<FieldFault> for FaultOut {
    fn from(fault: FieldFault) -> Self {
        Self { field: fault.field, message: fault.message }
    }
}

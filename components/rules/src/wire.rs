//! Which JSON stands for rules, versions and trials?

use edge::Problem;
use kernel::{FieldFault, TenantId};
use rules::{Decision, Definition, Draft, PlannedAction, Rule, RuleFilter, RulePatch, Version, payload};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

/// A rule to be made, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleIn {
    /// What people call it; 1 to 200 characters.
    #[schema(required, example = "High Value Deal Alert")]
    name: Option<String>,
    /// What it is for; at most 2000 characters.
    #[schema(example = "Notify sales manager about deals over $10,000")]
    description: Option<String>,
    /// The module of its trigger: `crm`, `sales`, `tasks` or `schedules`.
    #[schema(required, example = "sales")]
    module_type: Option<String>,
    /// The trigger that it is bound to.
    #[schema(required, example = "high_value_opportunity")]
    trigger_id: Option<String>,
    /// At most 50 conditions, all of which must hold; none always matches. `all` and `any` hold `conditions`, `not` holds
    /// a `condition`.
    #[schema(value_type = Option<Vec<Object>>, example = json!([{"type": "value_threshold", "value": 10000}]))]
    conditions: Option<Value>,
    /// 1 to 20 actions: `send_notification`, `publish_event`, `http_request`, `create_task`. `{{name}}` in a text places data.
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
}

/// What is to be changed of a rule; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulePatchIn {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// What it is for; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
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
}

/// Which version is to be brought back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackIn {
    /// Its number.
    #[schema(example = 1)]
    pub(crate) version: u32,
}

/// Data to try a rule with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestIn {
    /// The data of an event of the rule's trigger.
    #[schema(value_type = Object, example = json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500}))]
    data: Box<RawValue>,
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
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct PageQuery {
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

impl TryFrom<RulesQuery> for RuleFilter {
    type Error = Problem;
    fn try_from(query: RulesQuery) -> Result<Self, Problem> {
        Ok(Self {
            module_type: query.module_type,
            trigger_id: query.trigger_id,
            is_active: query.is_active.as_deref().map(truth).transpose()?,
        })
    }
}

impl TryFrom<RuleIn> for Definition {
    type Error = Problem;
    fn try_from(sent: RuleIn) -> Result<Self, Problem> {
        let draft = Draft {
            name: sent.name,
            description: sent.description,
            module_type: sent.module_type,
            trigger_id: sent.trigger_id,
            conditions: sent.conditions,
            actions: sent.actions,
            is_active: sent.is_active,
            priority: sent.priority,
            stop_on_match: sent.stop_on_match,
        };
        Self::check(draft).map_err(Problem::fields)
    }
}

impl From<RulePatchIn> for RulePatch {
    fn from(sent: RulePatchIn) -> Self {
        Self {
            name: sent.name,
            description: sent.description,
            module_type: sent.module_type,
            trigger_id: sent.trigger_id,
            conditions: sent.conditions,
            actions: sent.actions,
            is_active: sent.is_active,
            priority: sent.priority,
            stop_on_match: sent.stop_on_match,
        }
    }
}

impl TestIn {
    /// The data, its numbers as they were sent.
    pub(crate) fn data(&self) -> Result<Value, Problem> {
        payload::read(self.data.get()).map_err(|_| Problem::field("data", "must be a JSON object"))
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
    /// What people call it.
    name: String,
    /// What it is for.
    description: Option<String>,
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
    /// Grows with each change; also the `ETag`.
    version: u32,
    /// When it was made.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl RuleOut {
    pub(crate) fn of(tenant: &TenantId, rule: Rule) -> Self {
        let definition = rule.definition;
        Self {
            id: rule.id.to_string(),
            tenant_id: tenant.to_string(),
            name: definition.name,
            description: definition.description,
            module_type: definition.module_type,
            trigger_id: definition.trigger_id,
            conditions: definition.conditions,
            actions: definition.actions,
            is_active: definition.is_active,
            priority: definition.priority,
            stop_on_match: definition.stop_on_match,
            version: rule.version,
            created_at: rule.created_at.to_string(),
            updated_at: rule.updated_at.to_string(),
        }
    }
}

/// A version of a rule: what it said after a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionOut {
    /// Its number.
    version: u32,
    /// What made it: `created`, `changed`, `enabled`, `disabled` or `rolled_back`.
    change: &'static str,
    /// Who made the change: the id of a user or an API key, or `system`.
    changed_by: String,
    /// When.
    changed_at: String,
    /// What people called the rule.
    name: String,
    /// What it was for.
    description: Option<String>,
    /// The module of its trigger.
    module_type: String,
    /// The trigger that it was bound to.
    trigger_id: String,
    /// Its conditions.
    #[schema(value_type = Vec<Object>)]
    conditions: Value,
    /// Its actions.
    #[schema(value_type = Vec<Object>)]
    actions: Value,
    /// Whether it was switched on.
    is_active: bool,
    /// Higher ones were asked first.
    priority: i64,
    /// Whether rules after it were left unasked when it matched.
    stop_on_match: bool,
}

impl From<Version> for VersionOut {
    fn from(version: Version) -> Self {
        let definition = version.definition;
        Self {
            version: version.version,
            change: version.change.as_str(),
            changed_by: version.changed_by,
            changed_at: version.changed_at.to_string(),
            name: definition.name,
            description: definition.description,
            module_type: definition.module_type,
            trigger_id: definition.trigger_id,
            conditions: definition.conditions,
            actions: definition.actions,
            is_active: definition.is_active,
            priority: definition.priority,
            stop_on_match: definition.stop_on_match,
        }
    }
}

/// What a rule would say to the data. Nothing was run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestOut {
    /// The rule.
    rule_id: String,
    /// Its version.
    version: u32,
    /// Whether it matches.
    matched: bool,
    /// Why, in a sentence.
    because: String,
    /// The verdict as it would be kept with an event: every clause with its `path`, `type`, `holds`, `field`, `wanted`,
    /// `seen` and `why`, and the one that decided in `decided_by`.
    #[schema(value_type = Object)]
    verdict: Value,
    /// What would be done, in order, with the data put in; empty unless it matches.
    actions: Vec<PlannedOut>,
    /// Why the actions could not be carried out with this data, although the rule matches.
    fault: Option<FaultOut>,
}

/// An action with the data put in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlannedOut {
    /// Its place among the rule's actions.
    index: usize,
    /// What it does.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its parameters.
    #[schema(value_type = Object)]
    parameters: Value,
    /// How long it would wait, in seconds.
    delay: i64,
    /// How it would be retried; null leaves it to the queue.
    retry: Option<RetryOut>,
    /// What its templates name and the data does not hold.
    warnings: Vec<FaultOut>,
}

/// How an action is retried.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetryOut {
    /// How often it is tried in all.
    max_attempts: u32,
    /// The wait after the first failure, in seconds.
    first_wait: i64,
    /// The longest wait, in seconds.
    max_wait: i64,
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

impl From<PlannedAction> for PlannedOut {
    fn from(action: PlannedAction) -> Self {
        Self {
            index: action.index,
            kind: action.kind.as_str(),
            parameters: action.parameters,
            delay: action.delay.as_seconds_up(),
            retry: action.retry.map(|retry| RetryOut {
                max_attempts: retry.max_attempts,
                first_wait: retry.first_wait.as_seconds_up(),
                max_wait: retry.max_wait.as_seconds_up(),
            }),
            warnings: action.warnings.into_iter().map(FaultOut::from).collect(),
        }
    }
}

impl From<Decision> for TestOut {
    fn from(decision: Decision) -> Self {
        let (actions, fault) = match decision.actions {
            Ok(actions) => (actions, None),
            Err(error) => (Vec::new(), Some(error.fault)),
        };
        Self {
            rule_id: decision.rule_id.to_string(),
            version: decision.version,
            matched: decision.verdict.matched(),
            because: decision.verdict.because.clone(),
            verdict: decision.verdict.to_json(),
            actions: actions.into_iter().map(PlannedOut::from).collect(),
            fault: fault.map(FaultOut::from),
        }
    }
}

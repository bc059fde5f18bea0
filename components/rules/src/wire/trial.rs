//! Which JSON stands for trying a rule?

use super::rule::{FaultOut, RuleIn};
use edge::Problem;
use kernel::{Fields, Instant};
use rules::{
    Decision, PlannedAction, payload,
    service::{Circumstances, Trial},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

/// Data to try a rule with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestIn {
    /// The data of an event of the rule's trigger.
    #[schema(value_type = Object, example = json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500}))]
    data: Box<RawValue>,
    /// The record that it would be about: what `record.…` names.
    #[schema(value_type = Option<Object>)]
    record: Option<Box<RawValue>>,
    /// When it would happen (RFC 3339); now unless given.
    at: Option<String>,
    /// What the event would say of itself: what `event.…` names.
    #[serde(default)]
    event: EventIn,
}

/// A rule that is not saved, and data to try it with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftTestIn {
    /// The rule.
    pub(crate) rule: RuleIn,
    /// The data of an event of the rule's trigger.
    #[schema(value_type = Object, example = json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500}))]
    data: Box<RawValue>,
    /// The record that it would be about: what `record.…` names.
    #[schema(value_type = Option<Object>)]
    record: Option<Box<RawValue>>,
    /// When it would happen (RFC 3339); now unless given.
    at: Option<String>,
    /// What the event would say of itself: what `event.…` names.
    #[serde(default)]
    event: EventIn,
}

/// What an event would say of itself; what is left out is as with one that you send yourself.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventIn {
    /// Its id; empty unless given.
    id: Option<String>,
    /// Where it would come from; `api` unless given.
    #[schema(example = "/shops/berlin")]
    source: Option<String>,
    /// What it would be about; nothing unless given.
    subject: Option<String>,
    /// Who would send it; you unless given.
    actor: Option<String>,
    /// When it would have happened (RFC 3339); `at` unless given.
    occurred_at: Option<String>,
    /// How many events would be before it in its chain; 0 unless given.
    depth: Option<u32>,
}

impl EventIn {
    fn read(self, fields: &mut Fields) -> Circumstances {
        let occurred_at =
            self.occurred_at.and_then(|at| fields.take("event.occurred_at", at.parse::<Instant>()));
        Circumstances {
            id: self.id,
            source: self.source,
            subject: self.subject,
            actor: self.actor,
            occurred_at,
            depth: self.depth.unwrap_or_default(),
        }
    }
}

/// What the data says, its numbers as they were sent.
fn trial(
    data: &RawValue,
    record: Option<&RawValue>,
    at: Option<&str>,
    event: EventIn,
) -> Result<Trial, Problem> {
    let mut fields = Fields::new();
    let mut read = |name: &str, value: &RawValue| {
        let value = payload::read(value.get()).ok().filter(Value::is_object);
        fields.take(name, value.ok_or("must be a JSON object"))
    };
    let data = read("data", data);
    let record = record.map(|record| read("record", record));
    let at = at.and_then(|at| fields.take("at", at.parse::<Instant>()));
    let event = event.read(&mut fields);
    let trial = data.map(|data| Trial { data, record: record.flatten(), at, event });
    fields.give(trial).map_err(Problem::fields)
}

impl TestIn {
    pub(crate) fn trial(&self) -> Result<Trial, Problem> {
        trial(&self.data, self.record.as_deref(), self.at.as_deref(), self.event.clone())
    }
}

impl DraftTestIn {
    pub(crate) fn trial(&self) -> Result<Trial, Problem> {
        trial(&self.data, self.record.as_deref(), self.at.as_deref(), self.event.clone())
    }
}

/// What looking cost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CostSpentOut {
    /// In units of about one comparison.
    spent: u64,
    /// What a rule may spend on an event.
    budget: u64,
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
    /// What looking at all conditions cost.
    cost: CostSpentOut,
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
    /// Its name, by which later actions use its result.
    id: Option<String>,
    /// What it does.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Its parameters.
    #[schema(value_type = Object)]
    parameters: Value,
    /// Whether it uses the results of earlier actions: then the parameters stand as in the rule until these are done.
    is_late: bool,
    /// How long it would wait, in seconds.
    delay: i64,
    /// How it would be retried; null leaves it to the queue.
    retry: Option<RetryOut>,
    /// What follows when it is given up: `continue` or `stop`.
    on_error: &'static str,
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

impl From<PlannedAction> for PlannedOut {
    fn from(action: PlannedAction) -> Self {
        Self {
            index: action.index,
            id: action.id,
            kind: action.kind.as_str(),
            parameters: action.parameters,
            is_late: action.is_late,
            on_error: action.on_error.as_str(),
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
        let (verdict, matched) = (decision.told(), decision.matched());
        let (actions, fault) = match decision.actions {
            Ok(actions) => (actions, None),
            Err(error) => (Vec::new(), Some(error.fault)),
        };
        Self {
            rule_id: decision.rule_id.to_string(),
            version: decision.version,
            matched,
            because: verdict.get("because").and_then(Value::as_str).unwrap_or_default().to_owned(),
            cost: CostSpentOut { spent: decision.cost, budget: rules::BUDGET },
            verdict,
            actions: actions.into_iter().map(PlannedOut::from).collect(),
            fault: fault.map(FaultOut::from),
        }
    }
}

//! Which JSON stands for what runs beside a rule?

use super::rule::{DefinitionOut, RuleIn, RulePatchIn};
use edge::Problem;
use rules::{
    Shadow, ShadowCounts,
    service::shadow::{Other, Terms},
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use utoipa::ToSchema;

/// What is to run beside a rule: all of it (`rule`), or what is to be changed of the rule as it stands (`changes`). A `note` in it
/// says why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShadowIn {
    /// All of the rule as it would be.
    rule: Option<RuleIn>,
    /// What is to be changed of it.
    changes: Option<RulePatchIn>,
}

impl ShadowIn {
    /// What is to run, and why.
    pub(crate) fn parts(self) -> Result<(Other, Option<String>), Problem> {
        match (self.rule, self.changes) {
            (Some(rule), None) => rule.parts().map(|(draft, note)| (Other::Draft(Box::new(draft)), note)),
            (None, Some(changes)) => {
                changes.parts().map(|(patch, note)| (Other::Changes(Box::new(patch)), note))
            }
            (Some(_), Some(_)) => Err(Problem::field("changes", "cannot be sent together with rule")),
            (None, None) => {
                Err(Problem::field("changes", "is missing: say what is to be changed, or send a rule"))
            }
        }
    }
}

/// When a shadow may take its rule's place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PromoteIn {
    /// At which share of the events it may have differed: 0 to 1; 0.001 unless given.
    #[schema(value_type = Option<f64>, example = json!(0.001))]
    max_divergence: Option<Number>,
    /// How many events it must have been asked about; 100 unless given.
    min_events: Option<u32>,
    /// Why; stands in the version. At most 500 characters.
    pub(crate) note: Option<String>,
}

impl PromoteIn {
    pub(crate) fn terms(&self) -> Result<Terms, Problem> {
        let plain = Terms::default();
        let allowed = match &self.max_divergence {
            None => plain.allowed,
            Some(share) => {
                let share = share.as_f64().filter(|share| (0.0..=1.0).contains(share));
                let share =
                    share.ok_or_else(|| Problem::field("max_divergence", "must be a number from 0 to 1"))?;
                format!("{:.0}", share * 1_000_000.0).parse().unwrap_or(plain.allowed)
            }
        };
        Ok(Terms { allowed, least: self.min_events.map_or(plain.least, u64::from) })
    }
}

/// What runs beside a rule, and how it stood to it so far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShadowOut {
    /// The rule.
    rule_id: String,
    #[serde(flatten)]
    says: DefinitionOut,
    /// Why it was set up.
    note: Option<String>,
    /// Who set it up: the id of a user or an API key.
    requested_by: String,
    /// Since when it runs.
    since: String,
    /// The events of the trigger since then.
    events: u64,
    /// At which both matched.
    matched_by_both: u64,
    /// At which only the rule matched.
    only_live: u64,
    /// At which only the shadow matched.
    only_shadow: u64,
    /// At which both matched and their actions differed.
    actions_differ: u64,
    /// At which the shadow matched and its actions could not be carried out.
    failed_to_render: u64,
    /// The share of the events at which they differed; null before the first.
    #[schema(value_type = Option<f64>, example = json!(0.000_8))]
    divergence: Option<Number>,
    /// The last 100 events at which they differed, the newest first, with what each said.
    #[schema(value_type = Vec<Object>)]
    latest: Value,
}

/// A share, exactly.
fn share(millionths: u64) -> Option<Number> {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().ok()
}

impl From<(Shadow, ShadowCounts)> for ShadowOut {
    fn from((shadow, counts): (Shadow, ShadowCounts)) -> Self {
        Self {
            rule_id: shadow.rule.id.to_string(),
            says: shadow.rule.definition.into(),
            note: shadow.note,
            requested_by: shadow.requested_by,
            since: shadow.since.to_string(),
            divergence: counts.millionths().and_then(share),
            events: counts.events,
            matched_by_both: counts.both,
            only_live: counts.only_live,
            only_shadow: counts.only_shadow,
            actions_differ: counts.differ,
            failed_to_render: counts.failed,
            latest: counts.latest,
        }
    }
}

//! What would another version of a rule do with live events? It is asked beside the rule, about the same facts, with a memory of its
//! own; what it would do is noted and never done.

use crate::{
    Catalogue, Decision, PlannedAction, RenderFault, Rule, Standing,
    decision::{Entry, Stance, told},
    recall::{Memo, Recall},
    replay::{between, cut, shown_all},
};
use kernel::{Instant, RuleId};
use language::{Facts, Look, template::Context};
use serde_json::{Map, Value, json};
use std::{cell::OnceCell, sync::Arc};

/// The most shadows of a tenant.
pub const MOST_SHADOWS: u32 = 20;
/// How many of the last events at which they differed are kept.
pub const MOST_DIVERGENCES: u32 = 100;

/// A version that runs beside a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// The rule as it would be.
    pub rule: Rule,
    /// Under which it remembers.
    pub shadow_id: RuleId,
    /// Why, if they said so.
    pub note: Option<String>,
    /// Who set it up.
    pub requested_by: String,
    /// When.
    pub since: Instant,
}

/// How a shadow stood to its rule so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShadowCounts {
    /// The events at which they were asked.
    pub events: u64,
    /// Both matched.
    pub both: u64,
    /// Only the rule matched.
    pub only_live: u64,
    /// Only the shadow matched.
    pub only_shadow: u64,
    /// Of those that both matched: the actions differed.
    pub differ: u64,
    /// Matched by the shadow, but its actions could not be carried out.
    pub failed: u64,
    /// The last events at which they differed, the newest first.
    pub latest: Value,
}

impl ShadowCounts {
    /// At how many events they differed.
    #[must_use]
    pub const fn diverged(&self) -> u64 {
        self.only_live.saturating_add(self.only_shadow).saturating_add(self.differ)
    }

    /// At how many of a million events they differed; `None` without events.
    #[must_use]
    pub fn millionths(&self) -> Option<u64> {
        self.diverged().saturating_mul(1_000_000).checked_div(self.events)
    }
}

/// What a shadow said to an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadowed {
    /// The rule beside which it runs.
    pub rule_id: RuleId,
    /// Whether the rule matched.
    pub live: bool,
    /// Whether the shadow matched.
    pub shadow: bool,
    /// Whether its actions could not be carried out.
    pub failed: bool,
    /// What is kept with the event: [`told`] puts it into words.
    pub kept: Value,
    /// What is kept with the counts, if they differed.
    pub divergence: Option<Value>,
}

/// A shadow in a book.
#[derive(Debug, Clone)]
pub(crate) struct Companion {
    rule_id: RuleId,
    name: Arc<str>,
    entry: Arc<Entry>,
    /// How many of the rules of its trigger come before it.
    behind: usize,
    /// The place of its rule among them, if that is on.
    live: Option<usize>,
}

impl Companion {
    pub(crate) fn new(shadow: &Shadow, behind: usize, live: Option<usize>, catalogue: &Catalogue) -> Self {
        let rule = Rule { id: shadow.shadow_id.clone(), ..shadow.rule.clone() };
        Self {
            rule_id: shadow.rule.id.clone(),
            name: shadow.rule.definition.name.as_str().into(),
            entry: Arc::new(Entry::new(&rule, catalogue)),
            behind,
            live,
        }
    }

    pub(crate) const fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// What it says to an event beside what the rules said. `stopped` is the place of the rule that stopped the matching: its own
    /// stops others, and not its shadow.
    pub(crate) fn say<'a>(
        &'a self,
        facts: &'a Facts<'a>,
        context: &OnceCell<Context<'a>>,
        recall: &Recall,
        listed: &[Decision],
        stopped: Option<usize>,
        memos: &mut Vec<Memo>,
    ) -> Shadowed {
        let is_stopped = stopped.is_some_and(|place| place < self.behind && Some(place) != self.live);
        let stance = (!is_stopped).then(|| self.entry.stand(facts, recall, Look::Quick, memos));
        let live = listed.iter().find(|decision| decision.rule_id == self.rule_id);
        let plan = stance.as_ref().map_or_else(|| Ok(Vec::new()), |stance| stance.plan(facts, context));
        let (was, is) = (
            live.is_some_and(Decision::matched),
            stance.as_ref().is_some_and(|stance| stance.standing() == Standing::Matched),
        );
        let mut kept = stance.as_ref().map_or_else(not_asked, Stance::kept);
        kept.insert("rule_id".to_owned(), self.rule_id.as_str().into());
        kept.insert("name".to_owned(), (&*self.name).into());
        let differs = differing(live.filter(|_| was), stance.as_ref().filter(|_| is), &plan);
        let divergence = differs.map(|(differs, part, what)| {
            let divergence = json!({
                "event_id": facts.event_id(),
                "at": facts.moment().now.to_string(),
                "differs": differs,
                "live": live.map(|live| words(&live.kept)),
                "shadow": words(&Value::Object(kept.clone())),
                part: what,
            });
            kept.insert("differs".to_owned(), differs.into());
            kept.insert(part.to_owned(), what);
            divergence
        });
        if let Err(fault) = &plan {
            kept.insert("actions_failed".to_owned(), fault.to_string().into());
        }
        let kept = Value::Object(kept);
        let failed = plan.is_err();
        Shadowed { rule_id: self.rule_id.clone(), live: was, shadow: is, failed, kept, divergence }
    }
}

/// How the two differ, of which each is there if it matched, and what is told of it: what is done otherwise, or what would be done.
fn differing(
    live: Option<&Decision>,
    shadow: Option<&Stance<'_>>,
    plan: &Result<Vec<PlannedAction>, RenderFault>,
) -> Option<(&'static str, &'static str, Value)> {
    match (live, shadow) {
        (None, Some(_)) => {
            let actions = shown_all(plan.as_deref().unwrap_or_default());
            Some(("newly_matched", "actions", actions))
        }
        (Some(live), None) => {
            let actions = shown_all(live.actions.as_deref().unwrap_or_default());
            Some(("no_longer_matched", "actions", actions))
        }
        (Some(live), Some(shadow)) => {
            let changes = between(&live.actions, plan, Some((live.start, shadow.start())));
            (!changes.is_empty()).then_some(("actions", "changes", Value::Array(changes)))
        }
        (None, None) => None,
    }
}

fn not_asked() -> Map<String, Value> {
    let because = "not asked: a rule before it matched and stopped the matching";
    Map::from_iter([
        ("standing".to_owned(), Standing::NotAsked.as_str().into()),
        ("because".to_owned(), because.into()),
        ("clauses".to_owned(), Value::Array(Vec::new())),
    ])
}

/// How one of them stood to the event, in short.
fn words(kept: &Value) -> Value {
    let told = told(kept);
    let part = |name: &str| told.get(name).and_then(Value::as_str).map(cut);
    json!({"standing": part("standing"), "because": part("because"), "decided_by": part("decided_by")})
}

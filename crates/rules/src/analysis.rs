//! What can be said of a rule before any event comes? That it can never match, always does, is kept from being asked by another,
//! says what another says, or sets itself off: only what is certain, but for the last, which may be.

use crate::{Catalogue, Definition, Origin, Rule, Trigger, definition::Compiled, pace::Outside};
use chrono_tz::Tz;
use kernel::{FieldFault, Instant, RuleId};
use language::{Conditions, Contradiction, Ground, MOST_COST};
use serde_json::{Map, Value};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
    iter,
};

/// Of how many rules of a trigger one is held against the others.
pub const MOST_PEERS: u32 = 1_000;
/// How many that say the same, or raise each other's events, are named.
const MOST_NAMED: usize = 10;
/// How often it is asked, for one rule, whether what one rule raises sets off another.
const MOST_STEPS: usize = 5_000;

/// A rule, named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub rule_id: RuleId,
    /// What people call it.
    pub name: String,
}

/// Something that was found about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It cannot be read any more.
    Broken(Vec<FieldFault>),
    /// No event can meet its conditions: those named suffice for that, maybe with what the trigger's schema says.
    NeverMatches {
        /// The paths of the conditions.
        clauses: Vec<String>,
        /// Whether it takes what the schema says.
        by_schema: bool,
    },
    /// Every event of its trigger meets its conditions, of which it may have none.
    AlwaysMatches {
        /// Whether it has conditions.
        has_conditions: bool,
    },
    /// A rule before it stops the matching whenever its own conditions hold.
    ShadowedBy(Named),
    /// Others have the same trigger, conditions, actions and pace.
    SameAs(Vec<Named>),
    /// What it does may set it off again, by way of these rules.
    Loop(Vec<Named>),
    /// Its conditions cost four fifths of what a rule may cost, or more.
    Dear(u64),
    /// It matched nothing for so many days, although it was on and stayed as it is.
    Idle {
        /// So many days.
        days: u32,
        /// When it matched last, if that is known.
        last: Option<Instant>,
    },
}

impl Named {
    fn of(rule: &Rule) -> Self {
        Self { rule_id: rule.id.clone(), name: rule.definition.name.clone() }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({})", self.name, self.rule_id)
    }
}

fn listed(all: &[impl ToString]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

impl Finding {
    /// The published name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Broken(_) => "broken",
            Self::NeverMatches { .. } => "never_matches",
            Self::AlwaysMatches { .. } => "always_matches",
            Self::ShadowedBy(_) => "shadowed",
            Self::SameAs(_) => "duplicate",
            Self::Loop(_) => "loop",
            Self::Dear(_) => "dear",
            Self::Idle { .. } => "idle",
        }
    }

    /// The part of the rule that it is about.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Broken(_) | Self::SameAs(_) | Self::Idle { .. } => "rule",
            Self::NeverMatches { .. } | Self::AlwaysMatches { .. } | Self::Dear(_) => "conditions",
            Self::ShadowedBy(_) => "priority",
            Self::Loop(_) => "actions",
        }
    }

    /// What it means and what to do, as the end of a sentence that begins with the part.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Broken(faults) => {
                format!("cannot be read any more: {}; correct it and save it again", listed(faults))
            }
            Self::NeverMatches { clauses, by_schema } => {
                let why = match (clauses.len(), by_schema) {
                    (0 | 1, true) => format!("{} cannot hold by the schema of the trigger", listed(clauses)),
                    (0 | 1, false) => format!("{} contradicts itself", listed(clauses)),
                    (_, true) => {
                        format!("{} cannot all hold by the schema of the trigger", listed(clauses))
                    }
                    (_, false) => format!("{} exclude each other", listed(clauses)),
                };
                format!("can never hold: {why}; change or remove one")
            }
            Self::AlwaysMatches { has_conditions: true } => {
                "hold for every event of the trigger: they could be left out".to_owned()
            }
            Self::AlwaysMatches { has_conditions: false } => {
                "are none: the rule matches every event of its trigger".to_owned()
            }
            Self::ShadowedBy(rule) => format!(
                "lets {rule} come first, which stops the matching and matches whenever this rule does: it will never be asked; \
                 give it a higher priority, or let the other one not stop"
            ),
            Self::SameAs(rules) => format!(
                "says what {} {}: an event sets off each of them; keep one",
                listed(rules),
                if rules.len() == 1 { "says" } else { "say" }
            ),
            Self::Loop(rules) => {
                let way = match rules.as_slice() {
                    [] => "by itself".to_owned(),
                    rules => format!("by way of {}", listed(rules)),
                };
                format!(
                    "may set the rule off again, {way}: the chain is cut after some events; add a condition that ends it"
                )
            }
            Self::Dear(cost) => format!(
                "may cost {cost} units of the {MOST_COST} that a rule may cost: bound texts and lists in the schema, or ask less"
            ),
            Self::Idle { days, last: None } => {
                format!("matched nothing in the last {days} days: is it still needed?")
            }
            Self::Idle { days, last: Some(last) } => {
                format!("matched nothing in the last {days} days, and last at {last}: is it still needed?")
            }
        }
    }

    /// The same for the list of warnings of a rule that was saved.
    #[must_use]
    pub fn warning(&self) -> FieldFault {
        FieldFault::new(self.field(), self.message())
    }

    /// Whether somebody who saves a rule is told.
    pub(crate) const fn warns(&self) -> bool {
        match self {
            Self::NeverMatches { .. } | Self::ShadowedBy(_) | Self::SameAs(_) | Self::Dear(_) => true,
            Self::AlwaysMatches { has_conditions } => *has_conditions,
            // That it raises its own trigger is told with what it says.
            Self::Loop(rules) => !rules.is_empty(),
            Self::Broken(_) | Self::Idle { .. } => false,
        }
    }
}

/// What is found about a rule among `peers`, the active rules of its trigger, and `raisers`, those that raise events.
#[must_use]
pub fn findings(
    rule: &Rule,
    peers: &[Rule],
    raisers: &[Rule],
    catalogue: &Catalogue,
    zone: Tz,
) -> Vec<Finding> {
    Company::new(peers, raisers, catalogue, zone).findings(rule)
}

/// A rule among the active rules of its trigger and those that raise events.
pub(crate) struct Company<'a> {
    catalogue: &'a Catalogue,
    zone: Tz,
    /// Rules that stop the matching whenever their conditions hold, by trigger, in the order in which they are asked.
    stoppers: BTreeMap<&'a str, Vec<(&'a Rule, Compiled)>>,
    peers: &'a [Rule],
    /// Rules whose actions raise events, by the trigger that they are bound to.
    raisers: BTreeMap<&'a str, Vec<(&'a Rule, Conditions)>>,
}

/// The order in which rules are asked.
pub(crate) fn order(rule: &Rule) -> (Reverse<i64>, Instant, &RuleId) {
    (Reverse(rule.definition.priority), rule.created_at, &rule.id)
}

/// Whether the rule stops the matching whenever its conditions hold: not one that waits for a window to fill or skips outside its
/// hours.
fn stops_always(rule: &Rule, compiled: &Compiled) -> bool {
    let pace = &compiled.pace;
    rule.definition.stop_on_match
        && pace.window.is_none()
        && pace.hours.as_ref().is_none_or(|hours| hours.outside == Outside::Wait)
}

impl<'a> Company<'a> {
    /// Active rules: `peers` of the triggers that are looked at, `raisers` whose actions raise events.
    pub(crate) fn new(peers: &'a [Rule], raisers: &'a [Rule], catalogue: &'a Catalogue, zone: Tz) -> Self {
        let mut stoppers: BTreeMap<&str, Vec<(&Rule, Compiled)>> = BTreeMap::new();
        for rule in peers.iter().filter(|rule| rule.definition.stop_on_match && rule.definition.is_active) {
            let compiled = rule.definition.compile(catalogue);
            if let Some(compiled) = compiled.ok().filter(|compiled| stops_always(rule, compiled)) {
                stoppers.entry(&rule.definition.trigger_id).or_default().push((rule, compiled));
            }
        }
        for all in stoppers.values_mut() {
            all.sort_by(|(one, _), (other, _)| order(one).cmp(&order(other)));
        }
        let mut by_trigger: BTreeMap<&str, Vec<(&Rule, Conditions)>> = BTreeMap::new();
        for rule in raisers.iter().filter(|rule| rule.definition.is_active) {
            if let Ok(compiled) = rule.definition.compile(catalogue) {
                by_trigger.entry(&rule.definition.trigger_id).or_default().push((rule, compiled.conditions));
            }
        }
        Self { catalogue, zone, stoppers, peers, raisers: by_trigger }
    }

    /// What is found about a rule, as if it were switched on.
    pub(crate) fn findings(&self, rule: &Rule) -> Vec<Finding> {
        let compiled = match rule.definition.compile(self.catalogue) {
            Ok(compiled) => compiled,
            Err(faults) => return vec![Finding::Broken(faults)],
        };
        let Ok(trigger) = self.catalogue.find(&rule.definition.trigger_id) else { return Vec::new() };
        let ground = ground(trigger, self.zone);
        let conditions = &compiled.conditions;
        let mut findings = Vec::new();
        if let Some(Contradiction { clauses, by_schema }) = conditions.contradiction(&ground) {
            let clauses = clauses.iter().map(ToString::to_string).collect();
            findings.push(Finding::NeverMatches { clauses, by_schema });
        } else {
            if conditions.always_hold(&ground) {
                findings.push(Finding::AlwaysMatches { has_conditions: !conditions.is_empty() });
            }
            let before = self.stoppers.get(rule.definition.trigger_id.as_str()).into_iter().flatten();
            let mut before = before
                .take_while(|(other, _)| order(other) < order(rule))
                .filter(|(other, _)| other.id != rule.id);
            let stops = before.find(|(_, other)| other.conditions.follow_from(conditions, &ground));
            findings.extend(stops.map(|(other, _)| Finding::ShadowedBy(Named::of(other))));
            findings.extend(self.loops(rule, conditions).map(Finding::Loop));
        }
        findings.extend(self.same(rule).map(Finding::SameAs));
        let cost = conditions.cost();
        if cost.saturating_mul(5) >= MOST_COST.saturating_mul(4) {
            findings.push(Finding::Dear(cost));
        }
        findings
    }

    fn same(&self, rule: &Rule) -> Option<Vec<Named>> {
        let says = |definition: &Definition| {
            (
                definition.trigger_id.clone(),
                definition.conditions.clone(),
                definition.actions.clone(),
                definition.pace.clone(),
            )
        };
        let own = says(&rule.definition);
        let others = self.peers.iter().filter(|other| {
            other.id != rule.id && other.definition.is_active && says(&other.definition) == own
        });
        let named: Vec<Named> = others.take(MOST_NAMED).map(Named::of).collect();
        (!named.is_empty()).then_some(named)
    }

    /// The rules by way of which this one may set itself off, the fewest; none if it raises its own trigger.
    fn loops(&self, rule: &Rule, conditions: &Conditions) -> Option<Vec<Named>> {
        let mut ways: VecDeque<(&Rule, Vec<&Rule>)> = VecDeque::from([(rule, Vec::new())]);
        let mut seen = BTreeSet::new();
        let mut left = MOST_STEPS;
        while let Some((at, way)) = ways.pop_front() {
            for (trigger, data) in raised(&at.definition) {
                let open = Ground::open(self.zone).of_trigger(trigger);
                let ground = match data {
                    Some(data) => open.made_of(data),
                    None => open,
                };
                if rule.definition.trigger_id == trigger && conditions.contradiction(&ground).is_none() {
                    return Some(way.iter().map(|rule| Named::of(rule)).collect());
                }
                if way.len() >= MOST_NAMED {
                    continue;
                }
                for (next, conditions) in self.raisers.get(trigger).into_iter().flatten() {
                    left = left.checked_sub(1)?;
                    if next.id != rule.id
                        && !seen.contains(&next.id)
                        && conditions.contradiction(&ground).is_none()
                    {
                        seen.insert(&next.id);
                        ways.push_back((next, way.iter().copied().chain([*next]).collect()));
                    }
                }
            }
        }
        None
    }
}

/// What is known of a trigger's events: what was checked when they came.
pub(crate) fn ground(trigger: &Trigger, zone: Tz) -> Ground<'_> {
    let ground = Ground::open(zone).of_trigger(&trigger.trigger_id);
    match trigger.origin {
        Origin::Own => ground.with_schema(&trigger.schema),
        Origin::BuiltIn | Origin::Record => ground.with_required(trigger.required_data()),
    }
}

/// The triggers whose events a rule raises whenever it acts, with the data as it stands in the rule. A status that is set raises
/// nothing the second time, so that it is not among them.
fn raised(definition: &Definition) -> impl Iterator<Item = (&str, Option<&Map<String, Value>>)> {
    let actions = definition.actions.as_array().into_iter().flatten();
    actions.flat_map(|action| {
        let parameter = |name: &str| action.get("parameters").and_then(|parameters| parameters.get(name));
        let raised: Vec<(&str, Option<&Map<String, Value>>)> =
            match action.get("type").and_then(Value::as_str) {
                Some("publish_event") => {
                    let trigger = parameter("trigger_id").and_then(Value::as_str);
                    let data = parameter("data").and_then(Value::as_object);
                    trigger.map(|trigger| (trigger, data)).into_iter().collect()
                }
                Some("create_task") => {
                    let assigned = parameter("assignee").map(|_| ("task_assigned", None));
                    iter::once(("task_created", None)).chain(assigned).collect()
                }
                _ => Vec::new(),
            };
        raised
    })
}

/// Whether a rule raises events: else it can be on no loop.
pub(crate) fn raises(definition: &Definition) -> bool {
    raised(definition).next().is_some()
}

//! What does one rule say to an event? Whether its conditions hold, whether it fires now, later or not at all, and what is then
//! to be done.

use crate::{
    Catalogue, PlannedAction, RenderFault, Rule, Shadowed, Standing,
    definition::Compiled,
    key::Key,
    pace::{Absence, Outside, Pace, Then},
    recall::{Mark, Memo, Recall, Waiting, Wanted},
};
use kernel::{EventId, FieldFault, Instant, RuleId};
use language::{Facts, Look, Outcome, Verdict, payload, template::Context, words};
use serde_json::{Map, Value, json};
use std::{cell::OnceCell, fmt::Write as _, sync::Arc};

/// How many jobs of a rule run at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// What runs in the same lane.
    pub name: String,
    /// How many at a time.
    pub limit: u32,
}

/// What one rule says to an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The rule.
    pub rule_id: RuleId,
    /// Its version.
    pub version: u32,
    /// Its name.
    pub name: Arc<str>,
    /// How it stands to the event.
    pub standing: Standing,
    /// What is kept of why: [`Decision::told`] puts it into words.
    pub kept: Value,
    /// What is to be done: nothing unless it matched.
    ///
    /// An error means that it matched, but cannot be carried out with this data.
    pub actions: Result<Vec<PlannedAction>, RenderFault>,
    /// When that is to begin.
    pub start: Instant,
    /// How many of its jobs run at a time, if that is bounded.
    pub lane: Option<Lane>,
    /// The event for which it waited before, and no longer does: this one takes its place.
    pub replaces: Option<EventId>,
    /// What looking cost, in units.
    pub cost: u64,
}

/// A rule that waited for an event of a kind to stay away, which came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The rule.
    pub rule_id: RuleId,
    /// The event for which it would have fired.
    pub event: EventId,
}

/// What a tenant's rules say to an event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// The rules in the order in which they were asked: all that could match, and the first [`crate::MOST_EXPLAINED`] others.
    pub listed: Vec<Decision>,
    /// How many further rules of the trigger could not match and are not listed.
    pub unlisted: usize,
    /// What is to be remembered for later events.
    pub memos: Vec<Memo>,
    /// What no longer waits because this event came.
    pub ended: Vec<Ended>,
    /// What the versions say that run beside rules. None of it is carried out.
    pub shadows: Vec<Shadowed>,
}

impl Decision {
    /// Whether it fires.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.standing == Standing::Matched
    }

    /// Why, in words: what is kept, with `matched`, `because`, and `why` for each clause.
    #[must_use]
    pub fn told(&self) -> Value {
        told(&self.kept)
    }
}

/// A verdict as it was kept, in words.
#[must_use]
pub fn told(kept: &Value) -> Value {
    let standing = kept.get("standing").and_then(Value::as_str).unwrap_or_default();
    let matched = standing == Standing::Matched.as_str();
    let mut told = words::told(kept, matched);
    if let Some(object) = told.as_object_mut() {
        object.insert("matched".to_owned(), matched.into());
    }
    told
}

/// A rule of a book, compiled.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) rule_id: RuleId,
    pub(crate) stop_on_match: bool,
    version: u32,
    name: Arc<str>,
    /// The compiled rule, or why it cannot be read any more.
    body: Result<Compiled, String>,
}

/// What a rule comes to once its conditions hold.
struct Firing {
    standing: Standing,
    /// What is kept of it beside the verdict.
    kept: Map<String, Value>,
    start: Instant,
    replaces: Option<EventId>,
}

/// How a rule stands to an event.
pub(crate) struct Stance<'a> {
    entry: &'a Entry,
    /// What was found about its conditions; `None` if it cannot be read.
    verdict: Option<Verdict<'a>>,
    firing: Firing,
}

impl<'a> Stance<'a> {
    pub(crate) const fn standing(&self) -> Standing {
        self.firing.standing
    }

    /// When it fires, if it does.
    pub(crate) const fn start(&self) -> Instant {
        self.firing.start
    }

    /// The event for which it no longer waits, because it waits for this one.
    pub(crate) const fn replaces(&self) -> Option<&EventId> {
        self.firing.replaces.as_ref()
    }

    /// What is to be done, if it fires.
    pub(crate) fn plan(
        &self,
        facts: &'a Facts<'a>,
        context: &OnceCell<Context<'a>>,
    ) -> Result<Vec<PlannedAction>, RenderFault> {
        match self.entry.compiled().filter(|_| self.standing() == Standing::Matched) {
            Some(compiled) => compiled.actions.plan(context.get_or_init(|| Context::new(facts))),
            None => Ok(Vec::new()),
        }
    }

    /// What is kept of why.
    pub(crate) fn kept(&self) -> Map<String, Value> {
        let mut kept = match &self.verdict {
            Some(verdict) => verdict.to_json(),
            None => Map::from_iter([("clauses".to_owned(), Value::Array(Vec::new()))]),
        };
        kept.insert("standing".to_owned(), self.standing().as_str().into());
        kept.extend(self.firing.kept.clone());
        kept
    }

    fn told(self, facts: &'a Facts<'a>, context: &OnceCell<Context<'a>>) -> Decision {
        let actions = self.plan(facts, context);
        let kept = Value::Object(self.kept());
        let entry = self.entry;
        let matched = self.standing() == Standing::Matched;
        let concurrency = entry.compiled().and_then(|compiled| compiled.pace.concurrency.as_ref());
        let lane = concurrency.filter(|_| matched).map(|concurrency| Lane {
            name: match concurrency.key.len() {
                0 => format!("rule:{}", entry.rule_id),
                _ => format!("rule:{}:{}", entry.rule_id, concurrency.key.of(facts).as_str()),
            },
            limit: concurrency.limit,
        });
        Decision {
            rule_id: entry.rule_id.clone(),
            version: entry.version,
            name: Arc::clone(&entry.name),
            standing: self.firing.standing,
            kept,
            actions,
            start: self.firing.start,
            lane,
            replaces: self.firing.replaces,
            cost: self.verdict.map_or(0, |verdict| verdict.cost),
        }
    }
}

impl Entry {
    pub(crate) fn new(rule: &Rule, catalogue: &Catalogue) -> Self {
        let said = |faults: Vec<FieldFault>| {
            faults.iter().fold(String::new(), |mut text, fault| {
                // Writing to a String cannot fail.
                let _ = write!(text, "{}{fault}", if text.is_empty() { "" } else { "; " });
                text
            })
        };
        Self {
            rule_id: rule.id.clone(),
            version: rule.version,
            name: rule.definition.name.as_str().into(),
            stop_on_match: rule.definition.stop_on_match,
            body: rule.definition.compile(catalogue).map_err(said),
        }
    }

    pub(crate) fn compiled(&self) -> Option<&Compiled> {
        self.body.as_ref().ok()
    }

    /// Why it cannot be read any more, if it cannot.
    pub(crate) fn faults(&self) -> Option<&str> {
        self.body.as_ref().err().map(String::as_str)
    }

    /// Whether its conditions and keys look at the circumstances of an event.
    pub(crate) fn looks_at_event(&self) -> bool {
        self.compiled()
            .is_some_and(|compiled| compiled.conditions.look_at_event() || compiled.pace.looks_at_event())
    }

    /// Adds the fields of the data that its conditions and keys look at.
    pub(crate) fn need(&self, needed: &mut payload::Needed) {
        if let Some(compiled) = self.compiled() {
            compiled.conditions.need(needed);
            compiled.pace.need(needed);
        }
    }

    pub(crate) fn absence(&self) -> Option<&Absence> {
        self.compiled()?.pace.absence.as_ref()
    }

    pub(crate) fn looks_at_record(&self) -> bool {
        self.compiled().is_some_and(|compiled| {
            compiled.conditions.look_at_record()
                || compiled.actions.place_record()
                || compiled.pace.looks_at_record()
        })
    }

    /// What must be known of earlier events.
    pub(crate) fn wanted(&self, facts: &Facts<'_>) -> Vec<Wanted> {
        let Some(pace) = self.compiled().map(|compiled| &compiled.pace).filter(|pace| pace.remembers())
        else {
            return Vec::new();
        };
        let rule = || self.rule_id.clone();
        let mut wanted = Vec::new();
        if let Some(window) = &pace.window {
            wanted.push(Wanted::Marks(rule(), Mark::Held, window.key.of(facts), window.within));
        }
        if let Some(throttle) = &pace.throttle {
            wanted.push(Wanted::Marks(rule(), Mark::Fired, throttle.key.of(facts), throttle.per));
        }
        if let Some(debounce) = &pace.debounce {
            wanted.push(Wanted::Waiting(rule(), debounce.key.of(facts)));
        }
        if let Some(absence) = &pace.absence {
            wanted.push(Wanted::Waiting(rule(), absence.key.of(facts)));
        }
        wanted
    }

    pub(crate) fn ask<'a>(
        &'a self,
        facts: &'a Facts<'a>,
        context: &OnceCell<Context<'a>>,
        recall: &Recall,
        look: Look,
        memos: &mut Vec<Memo>,
    ) -> Decision {
        self.stand(facts, recall, look, memos).told(facts, context)
    }

    /// How the rule stands to an event, before anything is made of it.
    pub(crate) fn stand<'a>(
        &'a self,
        facts: &'a Facts<'a>,
        recall: &Recall,
        look: Look,
        memos: &mut Vec<Memo>,
    ) -> Stance<'a> {
        let now = facts.moment().now;
        let compiled = match &self.body {
            Ok(compiled) => compiled,
            Err(faults) => {
                let said = format!(
                    "not matched: the rule cannot be read any more; correct it and save it again: {faults}"
                );
                let firing = Firing { kept: because(said), ..Firing::plain(Standing::Broken, now) };
                return Stance { entry: self, verdict: None, firing };
            }
        };
        let verdict = compiled.conditions.evaluate(facts, look);
        let firing = match verdict.outcome {
            Outcome::Holds => self.fire(compiled, facts, recall, memos),
            Outcome::Fails => Firing::plain(Standing::NotMatched, now),
            Outcome::Spent => Firing {
                kept: because(format!(
                    "not matched: looking at the conditions cost more than {} units, the most that a rule may spend on an event; \
                     the payload is larger than its schema lets expect",
                    language::BUDGET
                )),
                ..Firing::plain(Standing::OverBudget, now)
            },
        };
        Stance { entry: self, verdict: Some(verdict), firing }
    }

    /// What it no longer waits for because this event came, and what is to be remembered of that.
    pub(crate) fn ended(&self, facts: &Facts<'_>, recall: &Recall) -> Option<(Ended, Memo)> {
        let absence = self.absence()?;
        let key: Key = absence.other_key.of(facts);
        let waiting = recall.waiting(&self.rule_id, &key, facts.moment().now)?;
        if !absence.conditions.evaluate(facts, Look::Quick).holds() {
            return None;
        }
        let ended = Ended { rule_id: self.rule_id.clone(), event: waiting.event.clone() };
        Some((ended, Memo::Over(self.rule_id.clone(), key)))
    }

    /// Whether and when a rule fires whose conditions hold. Its hours come first, then its window, its throttle, and what it
    /// waits for.
    fn fire(&self, compiled: &Compiled, facts: &Facts<'_>, recall: &Recall, memos: &mut Vec<Memo>) -> Firing {
        let (pace, moment) = (&compiled.pace, facts.moment());
        let now = moment.now;
        let rule = || self.rule_id.clone();
        let mut kept = Map::new();
        if let Some(hours) = pace.hours.as_ref().filter(|hours| hours.outside == Outside::Skip)
            && !hours.are_open(now, moment)
        {
            let said = "not matched: the conditions hold, but it is outside the rule's active hours";
            return Firing { kept: because(said.to_owned()), ..Firing::plain(Standing::OutsideHours, now) };
        }
        if let Some(window) = &pace.window {
            let key = window.key.of(facts);
            let count = recall.count(&self.rule_id, Mark::Held, &key, now, window.within).saturating_add(1);
            kept.insert(
                "window".to_owned(),
                json!({"count": count, "wanted": window.count, "key": window.key.shown(facts)}),
            );
            memos.push(Memo::Mark(rule(), Mark::Held, key.clone(), window.within));
            if count < window.count {
                let said = format!(
                    "not matched: the conditions hold for time {count} within the window; wanted {} times",
                    window.count
                );
                kept.extend(because(said));
                return Firing { kept, ..Firing::plain(Standing::Counting, now) };
            }
            if window.then == Then::Restart {
                memos.push(Memo::Restart(rule(), key));
            }
        }
        // What takes the place of an event for which the rule waits, or comes while it waits, is no further firing.
        if let Some(throttle) = pace.throttle.as_ref().filter(|_| !self.waits(pace, facts, recall)) {
            let key = throttle.key.of(facts);
            let fired = recall.count(&self.rule_id, Mark::Fired, &key, now, throttle.per);
            kept.insert(
                "throttle".to_owned(),
                json!({"fired": fired, "limit": throttle.limit, "key": throttle.key.shown(facts)}),
            );
            if fired >= throttle.limit {
                let said = format!(
                    "not fired: the conditions hold, but the rule fired {fired} times within its span, as often as it may"
                );
                kept.extend(because(said));
                return Firing { kept, ..Firing::plain(Standing::Throttled, now) };
            }
            memos.push(Memo::Mark(rule(), Mark::Fired, key, throttle.per));
        }
        self.wait(compiled, facts, recall, memos, kept)
    }

    /// Whether it waits already, for what its key says.
    fn waits(&self, pace: &Pace, facts: &Facts<'_>, recall: &Recall) -> bool {
        let keys = [pace.debounce.as_ref().map(|one| &one.key), pace.absence.as_ref().map(|one| &one.key)];
        let now = facts.moment().now;
        keys.into_iter().flatten().any(|key| recall.waiting(&self.rule_id, &key.of(facts), now).is_some())
    }

    /// When a rule fires that nothing hinders: at once, or once it has waited.
    fn wait(
        &self,
        compiled: &Compiled,
        facts: &Facts<'_>,
        recall: &Recall,
        memos: &mut Vec<Memo>,
        mut kept: Map<String, Value>,
    ) -> Firing {
        let (pace, moment) = (&compiled.pace, facts.moment());
        let now = moment.now;
        let mut start = now;
        let mut replaces = None;
        let waits = match (&pace.debounce, &pace.absence) {
            (Some(debounce), _) => Some((&debounce.key, debounce.wait, debounce.most, true, "debounce")),
            (None, Some(absence)) => Some((&absence.key, absence.within, None, absence.restart, "absence")),
            (None, None) => None,
        };
        if let Some((paths, wait, most, restarts, name)) = waits {
            let key: Key = paths.of(facts);
            let before = recall.waiting(&self.rule_id, &key, now);
            if let Some(before) = before.filter(|_| !restarts) {
                let said = format!(
                    "not fired anew: the conditions hold, but the rule waits already since {} for {}",
                    before.first, before.event
                );
                kept.insert(
                    name.to_owned(),
                    json!({"key": paths.shown(facts), "due_at": before.due.to_string()}),
                );
                kept.extend(because(said));
                return Firing { kept, ..Firing::plain(Standing::Waiting, now) };
            }
            let first = before.map_or(now, |before| before.first);
            let latest = most.map(|most| first + most);
            start = latest.map_or(now + wait, |latest| latest.min(now + wait).max(now));
            replaces = before.map(|before| before.event.clone());
            kept.insert(name.to_owned(), json!({"key": paths.shown(facts), "due_at": start.to_string()}));
            if let Ok(event) = facts.event_id().parse::<EventId>() {
                memos.push(Memo::Wait(self.rule_id.clone(), key, Waiting { event, first, due: start }));
            }
        }
        if let Some(hours) = pace.hours.as_ref().filter(|hours| hours.outside == Outside::Wait) {
            start = hours.open_from(start, moment).unwrap_or(start);
        }
        if start > now {
            kept.insert("starts_at".to_owned(), start.to_string().into());
        }
        Firing { standing: Standing::Matched, kept, start, replaces }
    }

    pub(crate) fn not_asked(&self, by: &Self) -> Decision {
        let because = format!(
            "not asked: rule {} ({}) matched before it and stopped the matching",
            by.name, by.rule_id
        );
        self.unasked(Standing::NotAsked, because)
    }

    fn unasked(&self, standing: Standing, said: String) -> Decision {
        let mut kept = because(said);
        kept.insert("standing".to_owned(), standing.as_str().into());
        kept.insert("clauses".to_owned(), Value::Array(Vec::new()));
        Decision {
            rule_id: self.rule_id.clone(),
            version: self.version,
            name: Arc::clone(&self.name),
            standing,
            kept: Value::Object(kept),
            actions: Ok(Vec::new()),
            start: Instant::default(),
            lane: None,
            replaces: None,
            cost: 0,
        }
    }
}

impl Firing {
    fn plain(standing: Standing, now: Instant) -> Self {
        Self { standing, kept: Map::new(), start: now, replaces: None }
    }
}

fn because(said: String) -> Map<String, Value> {
    Map::from_iter([("because".to_owned(), Value::from(said))])
}

/// What one rule, active or not, says to an event, with every clause looked at. What happened before is not asked: windows,
/// throttles and what it would wait for are left out.
#[must_use]
pub fn try_out(rule: &Rule, catalogue: &Catalogue, facts: &Facts<'_>) -> Decision {
    let mut entry = Entry::new(rule, catalogue);
    if let Ok(compiled) = &mut entry.body {
        compiled.pace = Pace { hours: compiled.pace.hours.take(), ..Pace::default() };
    }
    entry.ask(facts, &OnceCell::new(), &Recall::default(), Look::Whole, &mut Vec::new())
}

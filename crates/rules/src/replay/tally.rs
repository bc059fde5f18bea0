//! What came of it all? Counts, days, recipients and examples, put together so that the same events give the same bytes.

use super::half::Half;
use crate::{PlannedAction, RenderFault, Standing};
use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::Instant;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most examples of a kind.
const MOST_EXAMPLES: usize = 100;
/// The most recipients that are counted one by one.
const MOST_RECIPIENTS: usize = 5_000;
/// The most recipients that a report names.
const NAMED: usize = 20;

/// The kinds of examples.
pub(super) const LISTS: [&str; 4] =
    ["newly_matched", "no_longer_matched", "changed_actions", "failed_to_render"];
const NEWLY: usize = 0;
const NO_LONGER: usize = 1;
const CHANGED: usize = 2;
const FAILED: usize = 3;

/// What one of the two comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Column {
    /// How often it fires.
    pub(super) fires: u64,
    /// How often something else than its conditions kept it from firing, by standing.
    pub(super) held: BTreeMap<String, u64>,
    /// How often a firing was called off before it was due.
    pub(super) called_off: u64,
    /// How many firings were not due yet at the end.
    pub(super) waiting: u64,
    /// How often its actions cannot be carried out.
    pub(super) failed: u64,
    /// What is done, by kind.
    pub(super) acts: BTreeMap<String, u64>,
}

/// A day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) events: u64,
    pub(super) before: u64,
    pub(super) now: u64,
    pub(super) newly: u64,
    pub(super) no_longer: u64,
    pub(super) changed: u64,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tally {
    zone: Tz,
    pub(super) events: u64,
    pub(super) early: u64,
    pub(super) before: Column,
    pub(super) now: Column,
    pub(super) both: u64,
    pub(super) newly: u64,
    pub(super) no_longer: u64,
    pub(super) changed: u64,
    pub(super) days: BTreeMap<NaiveDate, Day>,
    pub(super) recipients: BTreeMap<String, (u64, u64)>,
    pub(super) others: (u64, u64),
    pub(super) examples: [Vec<Value>; LISTS.len()],
    /// The day of the last event, from when to when: most events are on the day of the one before.
    present: Option<(Instant, Instant, NaiveDate)>,
}

fn more(count: &mut u64) {
    *count = count.saturating_add(1);
}

impl Tally {
    pub(super) fn new(zone: Tz) -> Self {
        Self {
            zone,
            events: 0,
            early: 0,
            before: Column::default(),
            now: Column::default(),
            both: 0,
            newly: 0,
            no_longer: 0,
            changed: 0,
            days: BTreeMap::new(),
            recipients: BTreeMap::new(),
            others: (0, 0),
            examples: [const { Vec::new() }; LISTS.len()],
            present: None,
        }
    }

    fn day(&mut self, at: Instant) -> &mut Day {
        let day = match self.present {
            Some((from, to, day)) if from <= at && at < to => day,
            _ => {
                let time = at.to_chrono().unwrap_or_default();
                let day = time.with_timezone(&self.zone).date_naive();
                // A whole hour lies on one day in every zone: none is off by less than a quarter of one.
                let quarter = 15 * 60 * 1000;
                let from = at.millis() - at.millis().rem_euclid(quarter);
                self.present = Some((Instant::from_millis(from), Instant::from_millis(from + quarter), day));
                day
            }
        };
        self.days.entry(day).or_default()
    }

    /// Counts an event that only fills what is remembered.
    pub(super) fn early(&mut self, plays: bool) {
        if plays {
            more(&mut self.early);
        }
    }

    /// Counts an event.
    pub(super) fn look(&mut self, at: Instant) {
        more(&mut self.events);
        more(&mut self.day(at).events);
    }

    /// Whether an example of an event for which nothing waits would be kept.
    pub(super) fn shows(
        &self,
        before: bool,
        now: bool,
        changes: &[Value],
        earlier: &Result<Vec<PlannedAction>, RenderFault>,
        planned: &Result<Vec<PlannedAction>, RenderFault>,
    ) -> bool {
        let is_open = |list: usize| self.examples.get(list).is_some_and(|all| all.len() < MOST_EXAMPLES);
        let failed = earlier.is_err() || planned.is_err();
        match (before, now) {
            _ if failed && is_open(FAILED) => true,
            (false, true) => is_open(NEWLY),
            (true, false) => is_open(NO_LONGER),
            (true, true) => !changes.is_empty() && is_open(CHANGED),
            (false, false) => false,
        }
    }

    /// Counts what was said to an event, now that it is final.
    pub(super) fn count(
        &mut self,
        event: &str,
        at: Instant,
        before: Option<&Half>,
        now: &Half,
        changes: &[Value],
    ) {
        let (fired, fires) = (before.is_some_and(Half::fires), now.fires());
        if let Some(before) = before {
            self.before.count(before);
        }
        self.now.count(now);
        let list = match (fired, fires) {
            (false, true) => Some(NEWLY),
            (true, false) => Some(NO_LONGER),
            (true, true) if !changes.is_empty() => Some(CHANGED),
            (true, true) | (false, false) => None,
        };
        if fired && fires {
            more(&mut self.both);
        }
        let of_all = match list {
            Some(NEWLY) => Some(&mut self.newly),
            Some(NO_LONGER) => Some(&mut self.no_longer),
            Some(CHANGED) => Some(&mut self.changed),
            Some(_) | None => None,
        };
        of_all.into_iter().for_each(more);
        let day = self.day(at);
        for (counts, count) in [(fired, &mut day.before), (fires, &mut day.now)] {
            if counts {
                more(count);
            }
        }
        let of_day = match list {
            Some(NEWLY) => Some(&mut day.newly),
            Some(NO_LONGER) => Some(&mut day.no_longer),
            Some(CHANGED) => Some(&mut day.changed),
            Some(_) | None => None,
        };
        of_day.into_iter().for_each(more);
        self.send(before.filter(|_| fired), Some(now).filter(|_| fires));
        let failed =
            [before, Some(now)].into_iter().flatten().any(|half| half.fires() && half.fault.is_some());
        let lists = list.into_iter().chain(failed.then_some(FAILED));
        for list in lists {
            self.example(list, event, at, before, now, changes);
        }
    }

    fn send(&mut self, before: Option<&Half>, now: Option<&Half>) {
        let sent = |half: Option<&Half>| half.map(|half| half.sends.clone()).unwrap_or_default();
        let all = sent(before).into_iter().map(|name| (name, true));
        for (name, is_before) in all.chain(sent(now).into_iter().map(|name| (name, false))) {
            let is_room = self.recipients.len() < MOST_RECIPIENTS || self.recipients.contains_key(&name);
            let counts = if is_room { self.recipients.entry(name).or_default() } else { &mut self.others };
            more(if is_before { &mut counts.0 } else { &mut counts.1 });
        }
    }

    fn example(
        &mut self,
        list: usize,
        event: &str,
        at: Instant,
        before: Option<&Half>,
        now: &Half,
        changes: &[Value],
    ) {
        let Some(examples) = self.examples.get_mut(list).filter(|all| all.len() < MOST_EXAMPLES) else {
            return;
        };
        let mut said = Map::new();
        said.insert("event_id".to_owned(), event.into());
        said.insert("received_at".to_owned(), at.to_string().into());
        said.insert("before".to_owned(), before.map_or(Value::Null, Half::words));
        said.insert("now".to_owned(), now.words());
        let actions = match list {
            NEWLY => now.shown.clone(),
            NO_LONGER => before.and_then(|half| half.shown.clone()),
            _ => None,
        };
        if let Some(actions) = actions {
            said.insert("actions".to_owned(), actions);
        }
        if list == CHANGED {
            said.insert("changes".to_owned(), Value::Array(changes.to_vec()));
        }
        examples.push(Value::Object(said));
    }

    /// What is told. Without something that the rule is held against, there is no `before`.
    pub(super) fn report(&self, is_held_against: bool) -> Value {
        let before = |value: Value| if is_held_against { value } else { Value::Null };
        let days: Vec<Value> = self
            .days
            .iter()
            .map(|(day, counts)| {
                json!({
                    "day": day.to_string(),
                    "events": counts.events,
                    "matched_before": before(counts.before.into()),
                    "matched_now": counts.now,
                    "newly_matched": counts.newly,
                    "no_longer_matched": counts.no_longer,
                    "changed_actions": counts.changed,
                })
            })
            .collect();
        let mut recipients: Vec<(&String, &(u64, u64))> = self.recipients.iter().collect();
        recipients.sort_by(|(one, (sent, sends)), (other, (others_sent, others_sends))| {
            (others_sends, others_sent, one).cmp(&(sends, sent, other))
        });
        let rest = recipients.iter().skip(NAMED).fold(self.others, |(sent, sends), (_, (also, more))| {
            (sent.saturating_add(*also), sends.saturating_add(*more))
        });
        let named: Vec<Value> = recipients
            .iter()
            .take(NAMED)
            .map(|(name, (sent, sends))| {
                json!({"recipient": name, "messages_before": before((*sent).into()), "messages_now": sends})
            })
            .collect();
        let mut examples = Map::new();
        for (name, all) in LISTS.iter().zip(&self.examples) {
            let mut all = all.clone();
            all.sort_by_key(|example| example.get("event_id").and_then(Value::as_str).map(str::to_owned));
            examples.insert((*name).to_owned(), Value::Array(all));
        }
        json!({
            "events": self.events,
            "events_before_since": self.early,
            "matched_before": before(self.before.fires.into()),
            "matched_now": self.now.fires,
            "matched_both": before(self.both.into()),
            "newly_matched": self.newly,
            "no_longer_matched": self.no_longer,
            "changed_actions": self.changed,
            "before": before(self.before.told()),
            "now": self.now.told(),
            "days": days,
            "recipients": named,
            "other_recipients": {"messages_before": before(rest.0.into()), "messages_now": rest.1},
            "examples": examples,
        })
    }
}

impl Column {
    fn count(&mut self, half: &Half) {
        if half.called_off.is_some() {
            more(&mut self.called_off);
        } else if half.fires() {
            more(&mut self.fires);
            if half.is_waiting {
                more(&mut self.waiting);
            }
            if half.fault.is_some() {
                more(&mut self.failed);
            }
            for kind in &half.acts {
                more(self.acts.entry(kind.as_str().to_owned()).or_default());
            }
        } else if half.standing != Standing::NotMatched {
            more(self.held.entry(half.standing.as_str().to_owned()).or_default());
        }
    }

    fn told(&self) -> Value {
        json!({
            "matched": self.fires,
            "failed_to_render": self.failed,
            "called_off": self.called_off,
            "waiting_at_end": self.waiting,
            "held_back": self.held,
            "actions": self.acts,
        })
    }
}

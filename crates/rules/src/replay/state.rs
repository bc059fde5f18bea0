//! How is a replay kept between two steps? As one JSON value, from which it goes on as if nothing had happened.

use super::{
    Open, Replay,
    half::Half,
    tally::{Column, Day, LISTS},
};
use crate::{
    Recall, ReplayFault,
    key::Key,
    recall::{Mark, Waiting},
};
use kernel::{EventId, Instant, RuleId};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most that may be remembered at a time: marks, waits and open events.
pub const MOST_REMEMBERED: usize = 100_000;

impl Replay {
    /// All of it, once what no longer counts at `now` is forgotten.
    ///
    /// # Errors
    /// [`ReplayFault::TooMuch`].
    pub fn keep(&mut self, now: Instant) -> Result<Value, ReplayFault> {
        let needs = self.needs();
        let players = self.baseline.iter_mut().chain([&mut self.candidate]);
        let recalls = players.map(|player| &mut player.recall).chain([&mut self.stoppers.recall]);
        let mut remembered = self.open.len();
        for recall in recalls {
            recall.forget(now, needs.lead);
            remembered = remembered.saturating_add(recall.len());
        }
        if remembered > MOST_REMEMBERED {
            return Err(ReplayFault::TooMuch);
        }
        Ok(json!({
            "candidate": recall(&self.candidate.recall),
            "baseline": self.baseline.as_ref().map(|player| recall(&player.recall)),
            "stoppers": recall(&self.stoppers.recall),
            "open": self.open.iter().map(|(event, one)| open(event, one)).collect::<Vec<_>>(),
            "tally": self.tally.kept(),
        }))
    }

    /// Brings back what was kept; `None` if that is no such thing.
    pub(super) fn restore(&mut self, kept: &Value) -> Option<()> {
        self.candidate.recall = recalled(kept.get("candidate")?)?;
        if let Some(baseline) = &mut self.baseline {
            baseline.recall = recalled(kept.get("baseline")?)?;
        }
        self.stoppers.recall = recalled(kept.get("stoppers")?)?;
        for one in kept.get("open")?.as_array()? {
            let (event, open) = opened(one)?;
            self.due.insert((open.due, event.clone()));
            self.open.insert(event, open);
        }
        self.tally.restore(kept.get("tally")?)
    }
}

fn recall(recall: &Recall) -> Value {
    let marks: Vec<Value> = recall
        .marks()
        .map(|((rule, mark, key), at)| {
            let at: Vec<i64> = at.iter().map(|at| at.millis()).collect();
            json!([rule.as_str(), mark.as_str(), key.as_str(), at])
        })
        .collect();
    let waits: Vec<Value> = recall
        .waits()
        .map(|((rule, key), waiting)| {
            let times = [waiting.first.millis(), waiting.due.millis()];
            json!([rule.as_str(), key.as_str(), waiting.event.as_str(), times])
        })
        .collect();
    json!({"marks": marks, "waits": waits})
}

fn recalled(kept: &Value) -> Option<Recall> {
    let mut recall = Recall::default();
    for line in kept.get("marks")?.as_array()? {
        let [rule, mark, key, at] = line.as_array()?.as_slice() else { return None };
        let (rule, mark) = (rule.as_str()?.parse::<RuleId>().ok()?, mark.as_str()?.parse::<Mark>().ok()?);
        let key = Key::kept(key.as_str()?);
        for at in at.as_array()? {
            recall.mark(rule.clone(), mark, key.clone(), Instant::from_millis(at.as_i64()?));
        }
    }
    for line in kept.get("waits")?.as_array()? {
        let [rule, key, event, times] = line.as_array()?.as_slice() else { return None };
        let [first, due] = times.as_array()?.as_slice() else { return None };
        let waiting = Waiting {
            event: event.as_str()?.parse().ok()?,
            first: Instant::from_millis(first.as_i64()?),
            due: Instant::from_millis(due.as_i64()?),
        };
        recall.wait(rule.as_str()?.parse().ok()?, Key::kept(key.as_str()?), waiting);
    }
    Some(recall)
}

fn open(event: &EventId, open: &Open) -> Value {
    json!({
        "event": event.as_str(),
        "at": open.at.millis(),
        "due": open.due.millis(),
        "before": open.before.as_ref().map(half),
        "now": half(&open.now),
        "changes": open.changes,
    })
}

fn opened(kept: &Value) -> Option<(EventId, Open)> {
    let time = |name: &str| Some(Instant::from_millis(kept.get(name)?.as_i64()?));
    let before = match kept.get("before")? {
        Value::Null => None,
        before => Some(halved(before)?),
    };
    let open = Open {
        at: time("at")?,
        due: time("due")?,
        before,
        now: halved(kept.get("now")?)?,
        changes: kept.get("changes")?.as_array()?.clone(),
    };
    Some((kept.get("event")?.as_str()?.parse().ok()?, open))
}

fn half(half: &Half) -> Value {
    json!({
        "standing": half.standing.as_str(),
        "due": half.due.map(Instant::millis),
        "called_off": half.called_off,
        "fault": half.fault,
        "sends": half.sends,
        "acts": half.acts.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "told": half.told,
        "shown": half.shown,
    })
}

fn halved(kept: &Value) -> Option<Half> {
    let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
    let there = |name: &str| kept.get(name).filter(|value| !value.is_null()).cloned();
    let texts = |name: &str| {
        let all = kept.get(name)?.as_array()?.iter();
        all.map(|text| text.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()
    };
    Some(Half {
        standing: text("standing")?.parse().ok()?,
        due: kept.get("due")?.as_i64().map(Instant::from_millis),
        called_off: text("called_off"),
        is_waiting: false,
        fault: text("fault"),
        sends: texts("sends")?,
        acts: texts("acts")?.iter().map(|kind| kind.parse().ok()).collect::<Option<_>>()?,
        told: there("told"),
        shown: there("shown"),
    })
}

fn counts(kept: &Value) -> Option<BTreeMap<String, u64>> {
    kept.as_object()?.iter().map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect()
}

impl Column {
    fn kept(&self) -> Value {
        json!({
            "fires": self.fires,
            "held": self.held,
            "called_off": self.called_off,
            "waiting": self.waiting,
            "failed": self.failed,
            "acts": self.acts,
        })
    }

    fn restored(kept: &Value) -> Option<Self> {
        let count = |name: &str| kept.get(name)?.as_u64();
        Some(Self {
            fires: count("fires")?,
            held: counts(kept.get("held")?)?,
            called_off: count("called_off")?,
            waiting: count("waiting")?,
            failed: count("failed")?,
            acts: counts(kept.get("acts")?)?,
        })
    }
}

impl super::Tally {
    fn kept(&self) -> Value {
        let days: Map<String, Value> = self
            .days
            .iter()
            .map(|(day, one)| {
                let counts = [one.events, one.before, one.now, one.newly, one.no_longer, one.changed];
                (day.to_string(), counts.to_vec().into())
            })
            .collect();
        let recipients: Map<String, Value> = self
            .recipients
            .iter()
            .map(|(name, (before, now))| (name.clone(), json!([before, now])))
            .collect();
        json!({
            "counts": [self.events, self.early, self.both, self.newly, self.no_longer, self.changed],
            "before": self.before.kept(),
            "now": self.now.kept(),
            "days": days,
            "recipients": recipients,
            "others": [self.others.0, self.others.1],
            "examples": self.examples,
        })
    }

    fn restore(&mut self, kept: &Value) -> Option<()> {
        let numbers =
            |value: &Value| value.as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>();
        [self.events, self.early, self.both, self.newly, self.no_longer, self.changed] =
            numbers(kept.get("counts")?)?.try_into().ok()?;
        self.before = Column::restored(kept.get("before")?)?;
        self.now = Column::restored(kept.get("now")?)?;
        for (day, one) in kept.get("days")?.as_object()? {
            let [events, before, now, newly, no_longer, changed] = numbers(one)?.try_into().ok()?;
            self.days.insert(day.parse().ok()?, Day { events, before, now, newly, no_longer, changed });
        }
        for (name, one) in kept.get("recipients")?.as_object()? {
            let [before, now] = numbers(one)?.try_into().ok()?;
            self.recipients.insert(name.clone(), (before, now));
        }
        let [before, now] = numbers(kept.get("others")?)?.try_into().ok()?;
        self.others = (before, now);
        let lists = kept.get("examples")?.as_array()?;
        for (all, kept) in self.examples.iter_mut().zip(lists) {
            all.clone_from(kept.as_array()?);
        }
        (lists.len() == LISTS.len()).then_some(())
    }
}

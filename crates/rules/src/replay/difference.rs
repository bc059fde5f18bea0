//! What is done otherwise? Planned actions held against each other, place by place, field by field.

use super::half::{cut, shown};
use crate::{PlannedAction, RenderFault};
use kernel::Instant;
use serde_json::{Map, Value};

/// The most differences that are told of an event.
const MOST: usize = 20;

type Plan = Result<Vec<PlannedAction>, RenderFault>;

/// The differences of two plans, and of when they begin; none if they are the same.
pub(crate) fn between(before: &Plan, now: &Plan, starts: Option<(Instant, Instant)>) -> Vec<Value> {
    let mut found = Found(Vec::new());
    match (before, now) {
        (Ok(before), Ok(now)) => found.actions(before, now),
        (Err(before), Err(now)) if before == now => {}
        (before, now) => {
            let fault = |plan: &Plan| match plan {
                Ok(_) => Value::Null,
                Err(fault) => Value::String(cut(&fault.to_string())),
            };
            found.field(None, "fault", &fault(before), &fault(now));
        }
    }
    if let Some((before, now)) = starts {
        found.field(None, "starts_at", &before.to_string().into(), &now.to_string().into());
    }
    found.0
}

struct Found(Vec<Value>);

impl Found {
    fn put(&mut self, index: Option<usize>, change: &str, more: Vec<(&str, Value)>) {
        if self.0.len() >= MOST {
            return;
        }
        let mut said = Map::new();
        if let Some(index) = index {
            said.insert("action".to_owned(), index.into());
        }
        said.insert("change".to_owned(), change.into());
        said.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.0.push(Value::Object(said));
    }

    fn field(&mut self, index: Option<usize>, field: &str, was: &Value, is: &Value) {
        if was != is {
            let more = vec![("field", field.into()), ("was", shown(was)), ("is", shown(is))];
            self.put(index, "changed", more);
        }
    }

    fn actions(&mut self, before: &[PlannedAction], now: &[PlannedAction]) {
        for place in 0..before.len().max(now.len()) {
            let whole = |action: &PlannedAction| {
                vec![("type", action.kind.as_str().into()), ("parameters", shown(&action.parameters))]
            };
            match (before.get(place), now.get(place)) {
                (Some(was), Some(is)) if was.kind == is.kind => self.action(place, was, is),
                (was, is) => {
                    if let Some(was) = was {
                        self.put(Some(place), "removed", whole(was));
                    }
                    if let Some(is) = is {
                        self.put(Some(place), "added", whole(is));
                    }
                }
            }
        }
    }

    fn action(&mut self, place: usize, was: &PlannedAction, is: &PlannedAction) {
        self.value(place, "parameters", &was.parameters, &is.parameters);
        let retry = |action: &PlannedAction| {
            action.retry.map_or(Value::Null, |retry| {
                serde_json::json!({
                    "max_attempts": retry.max_attempts,
                    "first_wait": retry.first_wait.as_seconds_up(),
                    "max_wait": retry.max_wait.as_seconds_up(),
                })
            })
        };
        let delay = |action: &PlannedAction| Value::from(action.delay.as_millis());
        let id = |action: &PlannedAction| action.id.as_deref().map_or(Value::Null, Value::from);
        self.field(Some(place), "id", &id(was), &id(is));
        self.field(Some(place), "delay_ms", &delay(was), &delay(is));
        self.field(Some(place), "retry", &retry(was), &retry(is));
        self.field(Some(place), "on_error", &was.on_error.as_str().into(), &is.on_error.as_str().into());
        self.field(Some(place), "is_late", &was.is_late.into(), &is.is_late.into());
    }

    /// Objects are held against each other field by field, everything else as a whole.
    fn value(&mut self, place: usize, path: &str, was: &Value, is: &Value) {
        let (Value::Object(before), Value::Object(now)) = (was, is) else {
            return self.field(Some(place), path, was, is);
        };
        let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let nothing = Value::Null;
            let (was, is) = (before.get(name).unwrap_or(&nothing), now.get(name).unwrap_or(&nothing));
            self.value(place, &format!("{path}.{name}"), was, is);
        }
    }
}

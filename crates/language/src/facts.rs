//! What may a rule look at? One event: its data, the record that it is about, the circumstances, and the time.

use crate::{Moment, payload};
use kernel::Instant;
use serde_json::{Map, Value};
use std::cell::OnceCell;

/// The circumstances of an event: what `event.…` names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Occasion<'a> {
    /// The event's id; empty for data that is only tried out.
    pub id: &'a str,
    /// The trigger that it sets off.
    pub trigger: &'a str,
    /// Where it happened: a CloudEvents source, `api`, or the rule that raised it.
    pub source: &'a str,
    /// What it is about (CloudEvents `subject`).
    pub subject: Option<&'a str>,
    /// Who sent it.
    pub actor: &'a str,
    /// When it happened.
    pub occurred: Instant,
    /// How many events are before it in its chain.
    pub depth: u32,
}

/// All that a rule may look at.
#[derive(Debug)]
pub struct Facts<'a> {
    data: &'a Value,
    record: Option<&'a Value>,
    occasion: Occasion<'a>,
    moment: Moment,
    /// The data's text, if `data` holds only some of its fields.
    text: Option<&'a str>,
    /// All of the data, read when somebody first asks.
    whole: OnceCell<Value>,
    /// The occasion as JSON, made when somebody first asks.
    event: OnceCell<Value>,
}

impl<'a> Facts<'a> {
    /// The facts of an event with this data. `record` is the record that it is about, as it stands at this moment.
    #[must_use]
    pub const fn new(
        data: &'a Value,
        record: Option<&'a Value>,
        occasion: Occasion<'a>,
        moment: Moment,
    ) -> Self {
        Self { data, record, occasion, moment, text: None, whole: OnceCell::new(), event: OnceCell::new() }
    }

    /// Data alone, at the beginning of time: for what depends on neither.
    #[must_use]
    pub fn of(data: &'a Value) -> Self {
        Self::new(data, None, Occasion::default(), Moment::default())
    }

    /// The same facts, of whose data only the fields were read that conditions look at. All of it stands in `text`, for templates.
    #[must_use]
    pub fn with_text(self, text: &'a str) -> Self {
        Self { text: Some(text), ..self }
    }

    /// All of the event's data.
    #[must_use]
    pub fn whole(&self) -> &Value {
        match self.text {
            Some(text) => self.whole.get_or_init(|| payload::read(text).unwrap_or_default()),
            None => self.data,
        }
    }

    /// The event's data, or the fields of it that were read.
    #[must_use]
    pub const fn data(&self) -> &'a Value {
        self.data
    }

    /// The record that it is about.
    #[must_use]
    pub const fn record(&self) -> Option<&'a Value> {
        self.record
    }

    /// The time at which rules look, and the tenant's zone.
    #[must_use]
    pub const fn moment(&self) -> &Moment {
        &self.moment
    }

    /// The event's id; empty for data that is only tried out.
    #[must_use]
    pub const fn event_id(&self) -> &'a str {
        self.occasion.id
    }

    /// The circumstances as JSON: `id`, `trigger_id`, `source`, `subject`, `actor`, `occurred_at`, `depth`.
    #[must_use]
    pub fn event(&self) -> &Value {
        self.event.get_or_init(|| {
            let occasion = &self.occasion;
            let mut event = Map::new();
            let mut put = |name: &str, value: Value| event.insert(name.to_owned(), value);
            put("id", occasion.id.into());
            put("trigger_id", occasion.trigger.into());
            put("source", occasion.source.into());
            if let Some(subject) = occasion.subject {
                put("subject", subject.into());
            }
            put("actor", occasion.actor.into());
            put("occurred_at", occasion.occurred.to_string().into());
            put("depth", occasion.depth.into());
            Value::Object(event)
        })
    }
}

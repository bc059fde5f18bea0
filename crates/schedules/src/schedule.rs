//! What is a schedule? A definition under an id, at a version that grows with each change, and when it comes next.

use crate::{Definition, Plan};
use kernel::{Instant, ScheduleId};
use serde_json::{Map, Value, json};

/// The most schedules of a tenant.
pub const MOST_SCHEDULES: u32 = 1_000;

/// A schedule of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// What it says.
    pub definition: Definition,
    /// When it comes next; `None` if it rests, or comes no more.
    pub next_at: Option<Instant>,
    /// Who made it: the id of a user, a key or a client.
    pub created_by: String,
    /// 1 when it is made; one more with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl Schedule {
    /// A schedule that is new at `now`.
    #[must_use]
    pub fn new(id: ScheduleId, definition: Definition, created_by: String, now: Instant) -> Self {
        let next_at = next(&definition, now);
        Self { id, definition, next_at, created_by, version: 1, created_at: now, updated_at: now }
    }

    /// The schedule with another definition: its next version. When it comes next is reckoned from now: what it was before
    /// misses nothing.
    #[must_use]
    pub fn redefined(self, definition: Definition, now: Instant) -> Self {
        let stays =
            definition.timing == self.definition.timing && definition.is_active == self.definition.is_active;
        let next_at = if stays { self.next_at } else { next(&definition, now) };
        Self { definition, next_at, version: self.version.saturating_add(1), updated_at: now, ..self }
    }

    /// The schedule switched on or off: its next version, or `None` if it is so already. What passes while it rests is not
    /// missed.
    #[must_use]
    pub fn switched(self, active: bool, now: Instant) -> Option<Self> {
        if self.definition.is_active == active {
            return None;
        }
        let definition = Definition { is_active: active, ..self.definition.clone() };
        Some(self.redefined(definition, now))
    }

    /// What is to be done at `now`, if it is due: at most `room` times are raised at once.
    #[must_use]
    pub fn plan(&self, now: Instant, room: usize) -> Option<Plan> {
        let due = self.next_at.filter(|due| *due <= now)?;
        Some(Plan::of(&self.definition.timing, self.definition.missed, due, now, room))
    }

    /// The data of its event for a time: its own, and what is said of the schedule, where its own do not say it otherwise.
    #[must_use]
    pub fn data(&self, at: Instant) -> Value {
        data(&self.definition.raises.data, self.id.as_str(), &self.definition.name, at)
    }
}

/// The data that an event of a schedule would carry that is not made yet: to see whether they are what its trigger needs.
#[must_use]
pub fn event_data(own: &Map<String, Value>, at: Instant) -> Value {
    data(own, "sch_00000000000000000000000000", "a name", at)
}

/// The data of an event that a schedule raises.
fn data(own: &Map<String, Value>, id: &str, name: &str, at: Instant) -> Value {
    let mut data = own.clone();
    for (field, said) in [("schedule_id", id), ("schedule_name", name), ("scheduled_at", &at.to_string())] {
        if !data.contains_key(field) {
            data.insert(field.to_owned(), json!(said));
        }
    }
    Value::Object(data)
}

fn next(definition: &Definition, now: Instant) -> Option<Instant> {
    if definition.is_active { definition.timing.next(now) } else { None }
}

//! What is a rule tried with? The data of an event, what it would be about, when, and what it would say of itself.

use kernel::Instant;
use language::Occasion;
use serde_json::Value;

/// What a rule is tried with.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The data of an event.
    pub data: Value,
    /// The record that it would be about.
    pub record: Option<Value>,
    /// When; now unless this says otherwise.
    pub at: Option<Instant>,
    /// What the event would say of itself.
    pub event: Circumstances,
}

/// What an event that is only tried says of itself; what is left out is as with one that the caller would send.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Its id; empty unless given.
    pub id: Option<String>,
    /// Where it would come from; the API unless given.
    pub source: Option<String>,
    /// What it would be about.
    pub subject: Option<String>,
    /// Who would send it; the caller unless given.
    pub actor: Option<String>,
    /// When it would have happened; when it is tried unless given.
    pub occurred_at: Option<Instant>,
    /// How many events would be before it in its chain.
    pub depth: u32,
}

impl Trial {
    /// The circumstances of an event that sets off `trigger`; unless said otherwise, one that the caller sends.
    pub(super) fn occasion<'a>(&'a self, trigger: &'a str, caller: &'a str, now: Instant) -> Occasion<'a> {
        let event = &self.event;
        Occasion {
            id: event.id.as_deref().unwrap_or_default(),
            trigger,
            source: event.source.as_deref().unwrap_or("api"),
            subject: event.subject.as_deref(),
            actor: event.actor.as_deref().unwrap_or(caller),
            occurred: event.occurred_at.unwrap_or(now),
            depth: event.depth,
        }
    }
}

//! What is an event, and when are two the same?

use kernel::{EventId, Instant, TenantId};
use sha2::{Digest, Sha256};

/// How many events deep a chain may go in which rules raise events: a loop ends there, with a reason.
pub const MAX_DEPTH: u32 = 8;

/// An explicit key under which an event counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedupe {
    /// The key: of CloudEvents the source and id, else the sender's `Idempotency-Key`.
    pub key: String,
    /// What must be the same when the key comes again.
    pub fingerprint: [u8; 32],
}

/// Where an event comes from, if a rule raised it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// How many events are before it in its chain.
    pub depth: u32,
    /// The event whose rule raised it.
    pub parent: Option<EventId>,
}

/// An event that somebody sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The trigger that it sets off.
    pub trigger: String,
    /// Its data: a JSON object, exactly as sent.
    pub data: String,
    /// Where it happened: a URI reference (CloudEvents `source`), or `api`.
    pub source: String,
    /// The sender's id for it (CloudEvents `id`).
    pub external_id: Option<String>,
    /// What it is about (CloudEvents `subject`).
    pub subject: Option<String>,
    /// When it happened, if the sender says so.
    pub occurred: Option<Instant>,
    /// The key under which it counts once.
    pub dedupe: Option<Dedupe>,
}

/// An event as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The trigger that it set off.
    pub trigger: String,
    /// The module of the trigger.
    pub module: String,
    /// Where it happened.
    pub source: String,
    /// The sender's id for it.
    pub external_id: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// When it happened.
    pub occurred: Instant,
    /// When it was stored.
    pub received: Instant,
    /// Its data, exactly as sent.
    pub data: String,
    /// Who sent it.
    pub actor: String,
    /// The request that brought it.
    pub request: String,
    /// The trace that it belongs to.
    pub trace: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rules that matched, as a JSON list of ids.
    pub matched: String,
    /// What every rule said to it, as JSON.
    pub verdicts: String,
    /// The record that it is about, as it stood when it was decided, as JSON.
    pub record: Option<String>,
}

/// What must be the same when a key comes again: SHA-256 over trigger and data, exactly as sent.
#[must_use]
pub fn fingerprint(trigger: &str, data: &str) -> [u8; 32] {
    Sha256::new().chain_update(trigger).chain_update([0]).chain_update(data).finalize().into()
}

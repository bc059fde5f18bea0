//! What came of an event? Everything, in order, read in one go.

use db::Db;
use events::{Event, EventError};
use jobs::{Attempt, Job};
use kernel::{Call, EventId, JobId};
use notifications::Message;
use serde_json::Value;
use tasks::Task;

/// All that is known of an event.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The event.
    pub event: Event,
    /// What every rule said to it, in words: `{rules: [...], unlisted}`.
    pub verdicts: Value,
    /// The events that its rules raised.
    pub children: Vec<EventId>,
    /// Its jobs, in the order in which they were made.
    pub jobs: Vec<Job>,
    /// Their attempts, by job and number.
    pub attempts: Vec<Attempt>,
    /// The messages that came of it, with their deliveries.
    pub messages: Vec<Message>,
    /// The tasks that came of it, as they are now.
    pub tasks: Vec<Task>,
}

/// The trail of an event: seven statements on one connection.
///
/// # Errors
/// [`EventError::Unknown`].
pub async fn trace(db: &Db, call: &Call, id: &EventId) -> Result<Trail, EventError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let event = events::get(&mut scope, id).await?;
    let children = events::children(&mut scope, id).await?;
    let ledger = |error: jobs::JobError| match error {
        jobs::JobError::Db(error) => EventError::Db(error),
        jobs::JobError::Unknown
        | jobs::JobError::NotRetryable(_)
        | jobs::JobError::Held(_)
        | jobs::JobError::Ended(_) => EventError::Unknown,
    };
    let jobs = jobs::of_event(&mut scope, id).await.map_err(ledger)?;
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id.clone()).collect();
    let attempts = jobs::attempts(&mut scope, &ids).await.map_err(ledger)?;
    let messages = notifications::messages::of_event(&mut scope, id).await?;
    let tasks = tasks::service::of_event(&mut scope, id).await?;
    let verdicts = told(&event.verdicts);
    Ok(Trail { event, verdicts, children, jobs, attempts, messages, tasks })
}

/// What every rule said, as it was kept, in words.
fn told(kept: &str) -> Value {
    let mut verdicts: Value = serde_json::from_str(kept).unwrap_or_default();
    for rule in verdicts.get_mut("rules").and_then(Value::as_array_mut).into_iter().flatten() {
        *rule = rules::told(rule);
    }
    verdicts
}

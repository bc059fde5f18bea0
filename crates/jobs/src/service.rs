//! What may people do with the queue? Look, try again, cancel, redrive.

use crate::{
    Attempt, Job, JobError, Kind, State, Waits,
    store::{job as store, order},
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, EndpointId, EventId, Instant, JobId, Page, PageRequest, RuleId, Secret};
use serde_json::json;

/// Which jobs are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those of this event.
    pub event: Option<EventId>,
    /// Only those of this rule.
    pub rule: Option<RuleId>,
    /// Only those that another job holds, or only those that none holds.
    pub held: Option<bool>,
    /// Only those that send to this webhook endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only those whose last attempt was answered with this status.
    pub status: Option<u32>,
    /// Only those made since then.
    pub since: Option<Instant>,
    /// Only those made before then.
    pub until: Option<Instant>,
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The kind.
    pub kind: Kind,
    /// The state.
    pub state: State,
    /// How many.
    pub count: i64,
    /// When the one that is due first was or is due; `None` if other jobs hold all of them.
    pub oldest_due: Option<Instant>,
}

/// What is said of a job that a person took back.
const BY_HAND: &str = "it was cancelled by hand";
/// The most jobs that one redrive takes; call again for more.
const REDRIVE_AT_ONCE: i64 = 10_000;

/// One job.
///
/// # Errors
/// [`JobError::Unknown`].
pub async fn get(db: &Db, call: &Call, id: &JobId) -> Result<Job, JobError> {
    let mut lease = db.read().await?;
    store::get(&mut lease.scope(call.tenant())?, id).await?.ok_or(JobError::Unknown)
}

/// What a job left when it ended.
///
/// # Errors
/// [`JobError::Db`].
pub async fn result(scope: &mut Scope<'_>, id: &JobId) -> Result<Option<Secret<String>>, JobError> {
    Ok(store::result(scope, id).await?)
}

/// A tenant's jobs, newest first.
///
/// # Errors
/// [`JobError::Db`].
pub async fn list(db: &Db, call: &Call, filter: &Filter, page: &PageRequest) -> Result<Page<Job>, JobError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, filter, page).await?;
    Ok(Page::cut(rows, page, |job| job.id.to_string()))
}

/// The jobs of an event, in the order in which they were made.
///
/// # Errors
/// [`JobError::Db`].
pub async fn of_event(scope: &mut Scope<'_>, event: &EventId) -> Result<Vec<Job>, JobError> {
    Ok(store::of_event(scope, event).await?)
}

/// The attempts of some jobs, in order.
///
/// # Errors
/// [`JobError::Db`].
pub async fn attempts(scope: &mut Scope<'_>, jobs: &[JobId]) -> Result<Vec<Attempt>, JobError> {
    Ok(store::attempts(scope, jobs).await?)
}

/// How many jobs there are by kind and state.
///
/// # Errors
/// [`JobError::Db`].
pub async fn stats(db: &Db, call: &Call) -> Result<Vec<Stats>, JobError> {
    let mut lease = db.read().await?;
    let rows = store::counts(&mut lease.scope(call.tenant())?).await?;
    let stats = |row: store::Count| Stats {
        kind: row.kind,
        state: row.state,
        count: row.count,
        oldest_due: row.oldest,
    };
    Ok(rows.into_iter().map(stats).collect())
}

/// Tries a dead, cancelled or waiting job again, now, with all its attempts before it. One that a dead job holds goes on
/// without that one.
///
/// # Errors
/// [`JobError::Unknown`], [`JobError::NotRetryable`], [`JobError::Held`].
pub async fn retry(db: &Db, call: &Call, id: &JobId) -> Result<Job, JobError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let job = store::get(&mut scope, id).await?.ok_or(JobError::Unknown)?;
    retryable(&job)?;
    store::requeue(&mut scope, id, call.now).await?;
    let again = store::get(&mut scope, id).await?.ok_or(JobError::Unknown)?;
    note(&mut scope, call, "job.retried", id.as_str(), (job.state, State::Queued)).await?;
    tx.commit().await?;
    Ok(again)
}

/// Does a job of the caller's transaction again, whatever came of it before, with all its attempts before it.
///
/// # Errors
/// [`JobError::Unknown`], [`JobError::NotRetryable`] while it runs, [`JobError::Held`].
pub async fn again(scope: &mut Scope<'_>, call: &Call, id: &JobId) -> Result<(), JobError> {
    let job = store::get(scope, id).await?.ok_or(JobError::Unknown)?;
    if job.state != State::Done {
        retryable(&job)?;
    }
    store::requeue(scope, id, call.now).await?;
    note(scope, call, "job.retried", id.as_str(), (job.state, State::Queued)).await
}

/// Whether a person may try a job again.
fn retryable(job: &Job) -> Result<(), JobError> {
    match (job.state, &job.waits) {
        (State::Queued, Some(Waits::Job { state: State::Dead, .. })) => Ok(()),
        (State::Queued, Some(Waits::Job { id, .. })) => Err(JobError::Held(id.clone())),
        (State::Dead | State::Cancelled | State::Queued, None | Some(_)) => Ok(()),
        (State::Leased | State::Done, _) => Err(JobError::NotRetryable(job.state)),
    }
}

/// Takes back a job that has not ended and all that it holds, inside the caller's transaction.
///
/// # Errors
/// [`JobError::Unknown`], [`JobError::Ended`].
pub async fn cancel(scope: &mut Scope<'_>, call: &Call, id: &JobId) -> Result<Job, JobError> {
    let job = store::get(scope, id).await?.ok_or(JobError::Unknown)?;
    let gone = order::cancel(scope, &[id.as_str()], call.now, BY_HAND).await?;
    if gone.is_empty() {
        return Err(JobError::Ended(job.state));
    }
    let along: Vec<&str> = gone.iter().filter(|one| *one != id).map(JobId::as_str).collect();
    let mut after = json!({"state": State::Cancelled.as_str()});
    if let (false, Some(object)) = (along.is_empty(), after.as_object_mut()) {
        object.insert("along".to_owned(), json!(along));
    }
    let before = Some(json!({"state": job.state.as_str()}));
    let entry = Entry { action: "job.cancelled", subject: id.as_str(), before, after: Some(after) };
    audit::append(scope, call, &entry).await?;
    store::get(scope, id).await?.ok_or(JobError::Unknown)
}

/// How many dead jobs a redrive would take.
///
/// # Errors
/// [`JobError::Db`].
pub async fn dead_count(db: &Db, call: &Call, kind: Option<Kind>) -> Result<i64, JobError> {
    let mut lease = db.read().await?;
    Ok(store::dead_count(&mut lease.scope(call.tenant())?, kind).await?)
}

/// Tries dead jobs again, oldest first, 10,000 at most; tells how many.
///
/// # Errors
/// [`JobError::Db`].
pub async fn redrive(db: &Db, call: &Call, kind: Option<Kind>) -> Result<usize, JobError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let count = store::redrive(&mut scope, kind, call.now, REDRIVE_AT_ONCE).await?;
    let entry = Entry {
        action: "jobs.redriven",
        subject: kind.map_or("jobs", Kind::as_str),
        before: None,
        after: Some(json!({"count": count})),
    };
    audit::append(&mut scope, call, &entry).await?;
    tx.commit().await?;
    Ok(count)
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    subject: &str,
    (was, is): (State, State),
) -> Result<(), JobError> {
    let said = |state: State| Some(json!({"state": state.as_str()}));
    let entry = Entry { action, subject, before: said(was), after: said(is) };
    Ok(audit::append(scope, call, &entry).await?)
}

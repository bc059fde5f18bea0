//! What can be seen of deliveries, and done with them? A delivery is a job that sends a webhook.

use super::prepare::endpoint_of;
use crate::effect;
use ::webhooks::{KeptAttempt, WebhookError, service};
use db::Db;
use jobs::{Filter, Job, JobError, Kind, State};
use kernel::{Call, EndpointId, EventId, Instant, JobId, Page, PageRequest, RuleId};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only those to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only those of this event.
    pub event: Option<EventId>,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those whose last attempt was answered with this status.
    pub status: Option<u32>,
    /// Only those made since then.
    pub since: Option<Instant>,
    /// Only those made before then.
    pub until: Option<Instant>,
}

/// Something that goes to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its job, whose id is also that of its requests.
    pub id: JobId,
    /// Where it goes.
    pub endpoint: Option<EndpointId>,
    /// The event that it tells of.
    pub event: Option<EventId>,
    /// The rule that wanted it.
    pub rule: Option<RuleId>,
    /// The type of event, if it is known before it leaves.
    pub kind: Option<String>,
    /// Where it is.
    pub state: State,
    /// Attempts begun.
    pub attempts: u32,
    /// After how many failures it is given up.
    pub max_attempts: u32,
    /// When it is tried next.
    pub next: Option<Instant>,
    /// What it waits for besides.
    pub waits_for: Option<&'static str>,
    /// What failed at last.
    pub last_error: Option<String>,
    /// When it was made.
    pub created: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
}

impl From<Job> for Delivery {
    fn from(job: Job) -> Self {
        let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
        Self {
            endpoint: endpoint_of(&payload),
            kind: effect::text(&payload, "type"),
            next: job.due.filter(|_| job.state == State::Queued),
            waits_for: job.waits.as_ref().map(jobs::Waits::as_str),
            id: job.id,
            event: job.event,
            rule: job.rule,
            state: job.state,
            attempts: job.attempts,
            max_attempts: job.patience.attempts,
            last_error: job.last_error,
            created: job.created,
            ended: job.ended,
        }
    }
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// 1, 2, 3 …
    pub number: u32,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How it ended.
    pub ending: &'static str,
    /// What the endpoint answered.
    pub status: Option<u32>,
    /// What happened, in words.
    pub detail: String,
    /// What else is known of it, if it got as far as the endpoint.
    pub kept: Option<KeptAttempt>,
}

/// A delivery with its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySeen {
    /// The delivery.
    pub delivery: Delivery,
    /// Its attempts, in order.
    pub attempts: Vec<DeliveryAttempt>,
}

/// Deliveries, newest first.
///
/// # Errors
/// [`JobError::Db`].
pub async fn deliveries(
    db: &Db,
    call: &Call,
    filter: DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>, JobError> {
    let filter = Filter {
        kind: Some(Kind::SendWebhook),
        endpoint: filter.endpoint,
        event: filter.event,
        state: filter.state,
        status: filter.status,
        since: filter.since,
        until: filter.until,
        ..Filter::default()
    };
    let Page { items, next } = jobs::list(db, call, &filter, page).await?;
    Ok(Page { items: items.into_iter().map(Delivery::from).collect(), next })
}

/// One delivery.
///
/// # Errors
/// [`JobError::Unknown`], also for a job of another kind.
pub async fn delivery(db: &Db, call: &Call, id: &JobId) -> Result<DeliverySeen, JobError> {
    let job = known(db, call, id).await?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let kept = match service::attempts(&mut scope, id).await {
        Ok(kept) => kept,
        Err(WebhookError::Db(error)) => return Err(error.into()),
        Err(_) => Vec::new(),
    };
    let mut kept: BTreeMap<u32, KeptAttempt> = kept.into_iter().map(|one| (one.number, one)).collect();
    let attempts = jobs::attempts(&mut scope, std::slice::from_ref(id)).await?;
    let attempts = attempts
        .into_iter()
        .map(|one| DeliveryAttempt {
            kept: kept.remove(&one.number),
            number: one.number,
            started: one.started,
            ended: one.ended,
            ending: one.ending.as_str(),
            status: one.status,
            detail: one.detail,
        })
        .collect();
    Ok(DeliverySeen { delivery: job.into(), attempts })
}

async fn known(db: &Db, call: &Call, id: &JobId) -> Result<Job, JobError> {
    let job = jobs::get(db, call, id).await?;
    if job.kind == Kind::SendWebhook { Ok(job) } else { Err(JobError::Unknown) }
}

/// Sends a delivery again, now, under the same id; also one that arrived.
///
/// # Errors
/// [`JobError::Unknown`], [`JobError::NotRetryable`] while it is under way, [`JobError::Held`].
pub async fn retry(db: &Db, call: &Call, id: &JobId) -> Result<(), JobError> {
    known(db, call, id).await?;
    let mut tx = db.begin().await?;
    let outcome = jobs::again(&mut tx.scope(call.tenant()), call, id).await;
    match outcome {
        Ok(()) => Ok(tx.commit().await?),
        Err(fault) => {
            tx.rollback().await?;
            Err(fault)
        }
    }
}

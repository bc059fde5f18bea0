//! What does a customer see of deliveries, and how is one sent again? Those to endpoints of theirs; in the records' bare facts, not in their
//! words, which are the tenant's.

use super::{Customer, PortalError};
use crate::webhooks::{
    DeliveryAttempt, DeliveryFilter, end, prepare,
    sight::{self, Delivery},
};
use ::webhooks::{
    Endpoint, WebhookError,
    portal::{Content, DeliveryLine, DeliverySight, DeliveryState, Retry, Try},
    service::portal as links,
};
use db::{Db, Scope};
use jobs::{Attempt, Ending, Job, State};
use kernel::{EndpointId, JobId, Page, PageRequest};
use language::Moment;
use std::collections::BTreeMap;

/// Deliveries to an endpoint of the customer's, the latest first.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn deliveries(
    db: &Db,
    who: &Customer,
    id: &EndpointId,
    page: &PageRequest,
) -> Result<Page<DeliveryLine>, PortalError> {
    let mut lease = db.read().await?;
    links::own(&mut lease.scope(who.call.tenant())?, &who.link, id).await?;
    drop(lease);
    let filter = DeliveryFilter { endpoint: Some(id.clone()), ..DeliveryFilter::default() };
    let found = sight::deliveries(db, &who.call, filter, page).await?;
    let ids: Vec<JobId> = found.items.iter().map(|one| one.id.clone()).collect();
    let mut lease = db.read().await?;
    let attempts = jobs::attempts(&mut lease.scope(who.call.tenant())?, &ids).await?;
    // In their order: the last one stays.
    let last: BTreeMap<JobId, Attempt> = attempts.into_iter().map(|one| (one.job.clone(), one)).collect();
    Ok(found.map(|one| {
        let status = last.get(&one.id).and_then(|attempt| attempt.status);
        line(&one, status)
    }))
}

fn line(one: &Delivery, status: Option<u32>) -> DeliveryLine {
    DeliveryLine {
        id: one.id.clone(),
        kind: one.kind.clone(),
        state: match one.state {
            State::Queued => DeliveryState::Waiting(one.next),
            State::Leased => DeliveryState::UnderWay,
            State::Done => DeliveryState::Arrived,
            State::Dead => DeliveryState::Failed,
            State::Cancelled => DeliveryState::Cancelled,
        },
        created: one.created,
        attempts: one.attempts,
        status: status.and_then(|status| u16::try_from(status).ok()),
    }
}

/// One delivery to an endpoint of the customer's.
///
/// # Errors
/// [`jobs::JobError::Unknown`], [`WebhookError::Unknown`]: for whoever asks both are the same.
pub async fn delivery(db: &Db, who: &Customer, id: &JobId) -> Result<DeliverySight, PortalError> {
    let seen = sight::delivery(db, &who.call, id).await?;
    let job = jobs::get(db, &who.call, id).await?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.call.tenant())?;
    let endpoint = addressed(&mut scope, who, &seen.delivery).await?;
    let content = content(&mut scope, who, &endpoint, &job).await?;
    drop(lease);
    let status = seen.attempts.last().and_then(|attempt| attempt.status);
    let retry = match (seen.delivery.state, endpoint.disabled) {
        (State::Leased, _) => Retry::Busy,
        (_, Some(_)) => Retry::Off,
        (State::Queued, None) if seen.delivery.waits_for == Some("job") => Retry::Busy,
        (State::Queued | State::Done | State::Dead | State::Cancelled, None) => Retry::Open,
    };
    Ok(DeliverySight {
        line: line(&seen.delivery, status),
        endpoint: (endpoint.id, endpoint.url),
        content,
        attempts: seen.attempts.into_iter().map(tried).collect(),
        retry,
    })
}

fn tried(one: DeliveryAttempt) -> Try {
    let (reached, answer) = match one.kept {
        Some(kept) => (Some(kept.failure), kept.answer),
        None => (None, None),
    };
    Try {
        number: one.number,
        started: one.started,
        duration: one.ended.since(one.started),
        reached,
        is_lost: one.ending == Ending::Lost.as_str(),
        answer,
    }
}

/// The endpoint of a delivery, if it is the customer's.
async fn addressed(
    scope: &mut Scope<'_>,
    who: &Customer,
    delivery: &Delivery,
) -> Result<Endpoint, WebhookError> {
    let id = delivery.endpoint.as_ref().ok_or(WebhookError::Unknown)?;
    links::own(scope, &who.link, id).await
}

/// What a delivery carries, as it would leave now.
async fn content(
    scope: &mut Scope<'_>,
    who: &Customer,
    endpoint: &Endpoint,
    job: &Job,
) -> Result<Content, PortalError> {
    // What is rendered when its turn comes says nothing yet.
    if job.is_late {
        return Ok(Content::Later);
    }
    let Ok((dispatch, event)) = prepare::dispatch(scope, job).await? else {
        return Ok(Content::Gone);
    };
    let zone = rules::service::grounds(scope).await?.zone;
    let moment = Moment { now: who.call.now, zone };
    Ok(match prepare::own_body(endpoint, &dispatch, event.as_ref(), moment) {
        Ok(Some(own)) => Content::Body(own.to_string()),
        Ok(None) => Content::Body(dispatch.body()),
        Err(_) => Content::Later,
    })
}

/// Sends a delivery to an endpoint of the customer's again, now, under the same id.
///
/// # Errors
/// As [`delivery`]; [`WebhookError::Disabled`], [`jobs::JobError::NotRetryable`] while it is under way, [`jobs::JobError::Held`].
pub async fn again(db: &Db, who: &Customer, id: &JobId) -> Result<(), PortalError> {
    let seen = sight::delivery(db, &who.call, id).await?;
    let mut tx = db.begin().await?;
    let outcome = addressed(&mut tx.scope(who.call.tenant()), who, &seen.delivery).await;
    let outcome = outcome.and_then(|endpoint| endpoint.must_be_active());
    if let Err(fault) = outcome {
        return Ok(end(tx, Err(fault)).await?);
    }
    match jobs::again(&mut tx.scope(who.call.tenant()), &who.call, id).await {
        Ok(()) => Ok(tx.commit().await?),
        Err(fault) => {
            tx.rollback().await?;
            Err(fault.into())
        }
    }
}

//! What do people do with webhook endpoints, and what runs for them? Use cases that concern more than the endpoints themselves: events
//! meet something else from then on, and jobs send.

mod carry;
mod happening;
pub mod portal;
mod prepare;
pub mod replay;
mod settle;
mod sight;
mod tokens;

pub(crate) use carry::{Hook, carry};
pub(crate) use happening::Happening;
pub(crate) use prepare::prepare;
pub(crate) use settle::{Settled, settle};
pub use sight::{Delivery, DeliveryAttempt, DeliveryFilter, DeliverySeen, deliveries, delivery, retry};
pub use tokens::Tokens;

use crate::{books::Book, effect};
use ::webhooks::{
    Endpoint, EndpointPatch, Means, NewEndpoint, Rotation, SigningKey, Subscription, WebhookError, service,
};
use db::{Db, Tx};
use jobs::{Gate, Gated, Kind, Lane, NewJob, Patience, Terms};
use kernel::{Call, EndpointId, EventId, JobId, TenantId};
use language::Facts;
use rules::{ActionKind, PlannedAction};
use serde_json::json;

/// The type of what tests an endpoint.
const TEST: &str = "webhook.test";

/// Makes what went well stay, takes back what did not, and keeps the connection in both cases.
pub(crate) async fn end<T>(tx: Tx, outcome: Result<T, WebhookError>) -> Result<T, WebhookError> {
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(fault) => {
            tx.rollback().await?;
            Err(fault)
        }
    }
}

/// Sets an endpoint up; gives it with the key that signs, which is never shown again.
///
/// # Errors
/// As [`service::create`].
pub async fn create(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    new: NewEndpoint,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let mut outcome = service::create(&mut scope, call, means, new).await;
    if outcome.is_ok()
        && let Err(error) = rules::service::moved(&mut scope).await
    {
        outcome = Err(error.into());
    }
    end(tx, outcome).await
}

/// Changes an endpoint; with `expected`, only if it is still of that version. What waits for it goes on.
///
/// # Errors
/// As [`service::change`].
pub async fn change(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    patch: EndpointPatch,
    expected: Option<i64>,
) -> Result<Endpoint, WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let outcome = match service::change(&mut scope, call, means, id, patch, expected).await {
        Ok(endpoint) => anew(&mut tx, call.tenant(), id).await.map(|()| endpoint),
        Err(fault) => Err(fault),
    };
    end(tx, outcome).await
}

/// Events meet an endpoint that is another now, and its lines begin anew.
async fn anew(tx: &mut Tx, tenant: &TenantId, id: &EndpointId) -> Result<(), WebhookError> {
    rules::service::moved(&mut tx.scope(tenant)).await?;
    jobs::gate(&mut tx.all_tenants(), &gates(tenant, id, Gate::Open)).await?;
    Ok(())
}

/// Gives an endpoint another key; the present one signs beside it for a while.
///
/// # Errors
/// As [`service::rotate`].
pub async fn rotate(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    rotation: Rotation,
    expected: Option<i64>,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = service::rotate(&mut tx.scope(call.tenant()), call, means, id, rotation, expected).await;
    end(tx, outcome).await
}

/// Takes an endpoint down; with `expected`, only if it is still of that version. What is queued for it will fail.
///
/// # Errors
/// As [`service::delete`].
pub async fn delete(
    db: &Db,
    call: &Call,
    id: &EndpointId,
    expected: Option<i64>,
) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let outcome = match service::delete(&mut scope, call, id, expected).await {
        Ok(()) => anew(&mut tx, call.tenant(), id).await,
        Err(fault) => Err(fault),
    };
    end(tx, outcome).await
}

/// The lines of an endpoint, set to `gate`.
fn gates(tenant: &TenantId, id: &EndpointId, gate: Gate) -> Vec<Gated> {
    ::webhooks::lines(id).map(|lane| Gated { tenant: tenant.clone(), lane, gate }).collect()
}

/// The lane of something that goes to an endpoint: one that is slow holds up only what goes there.
fn lane_of(subscription: &Subscription, facts: Option<&Facts<'_>>) -> Lane {
    let line = subscription.line(facts);
    Lane::new(line.name, line.limit)
}

/// The lane of an action that sends to an endpoint, and how patiently it does so, unless the action says so itself.
pub(crate) fn terms(book: &Book, action: &PlannedAction, facts: &Facts<'_>) -> Option<(Lane, Patience)> {
    if action.kind != ActionKind::SendWebhook {
        return None;
    }
    let id: EndpointId = effect::text(&action.parameters, "endpoint")?.parse().ok()?;
    let Some(subscription) = book.endpoints.iter().find(|one| one.endpoint == id) else {
        return Some((Lane::new(format!("endpoint:{id}"), 1), Patience::default()));
    };
    Some((lane_of(subscription, Some(facts)), Patience::of_receiver(subscription.attempts)))
}

/// The jobs that carry an event to the endpoints that want it.
pub(crate) fn wanted(
    book: &Book,
    call: &Call,
    event: &EventId,
    kind: &str,
    facts: &Facts<'_>,
) -> Vec<NewJob> {
    let wants = book.endpoints.iter().filter(|subscription| goes_to(subscription, kind, facts));
    wants.map(|subscription| bringing(call, subscription, event, (kind, facts))).collect()
}

/// Whether an endpoint wants an event. One that tells of an endpoint does not go there.
fn goes_to(subscription: &Subscription, kind: &str, facts: &Facts<'_>) -> bool {
    let about = facts.data().get("endpoint_id").and_then(serde_json::Value::as_str);
    let about = about.filter(|_| kind.starts_with(happening::MODULE));
    subscription.takes(kind, facts) && Some(subscription.endpoint.as_str()) != about
}

/// The job that brings an event to an endpoint.
fn bringing(
    call: &Call,
    subscription: &Subscription,
    event: &EventId,
    (kind, facts): (&str, &Facts<'_>),
) -> NewJob {
    NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind: Kind::SendWebhook,
        payload: json!({"endpoint": subscription.endpoint.as_str(), "type": kind}).to_string(),
        event: Some(event.clone()),
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: Patience::of_receiver(subscription.attempts),
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms { lane: Some(lane_of(subscription, Some(facts))), ..Terms::default() },
    }
}

/// What an endpoint is tried with.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// The type of event that it is to be an example of; `None`: `webhook.test`.
    pub kind: Option<String>,
}

/// Sends an endpoint something to try it with: once. The job tells what came of it.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`], [`WebhookError::Invalid`]; the database's.
pub async fn test(db: &Db, call: &Call, id: &EndpointId, example: Example) -> Result<JobId, WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = lay_test(&mut tx, call, id, example).await;
    end(tx, outcome).await
}

async fn lay_test(
    tx: &mut Tx,
    call: &Call,
    id: &EndpointId,
    example: Example,
) -> Result<JobId, WebhookError> {
    let mut scope = tx.scope(call.tenant());
    let (kind, data) = match example.kind {
        None => (
            TEST.to_owned(),
            json!({"endpoint_id": id.as_str(), "message": "This is a test. If its signature verifies, the endpoint works."}),
        ),
        Some(kind) => {
            let catalogue = rules::service::triggers::load(&mut scope).await?;
            let sample = crate::decide::find(&catalogue, &kind).map(|trigger| trigger.sample.clone());
            let unknown = || {
                let fault =
                    "is no type of event here; GET /api/v1/automation/triggers lists modules and triggers";
                WebhookError::Invalid(vec![kernel::FieldFault::new("type", fault)])
            };
            (kind, sample.ok_or_else(unknown)?)
        }
    };
    let after = Some(json!({"type": kind}));
    let endpoint = service::addressed(&mut scope, call, id, ("webhook_endpoint.tested", after)).await?;
    let job = NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind: Kind::SendWebhook,
        payload: json!({"endpoint": id.as_str(), "type": kind, "data": data}).to_string(),
        event: None,
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: Patience { attempts: 1, ..Patience::default() },
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms { lane: Some(lane_of(&Subscription::new(&endpoint), None)), ..Terms::default() },
    };
    let id = job.id.clone();
    jobs::enqueue(&mut tx.all_tenants(), &[job], call.now).await?;
    Ok(id)
}

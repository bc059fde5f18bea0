//! How does a customer see what was sent, and have it sent again?

use super::{
    door::{Inside, Posted, Refused},
    endpoints::Wanted,
};
use axum::{
    extract::{Query, rejection::QueryRejection},
    response::Response,
};
use edge::{Id, Problem};
use kernel::JobId;
use pipeline::webhooks::portal as use_cases;
use webhooks::portal::{Done, delivery_page};

/// One delivery, with its attempts.
pub(super) async fn show(
    inside: Inside,
    id: Result<Id<JobId>, Problem>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let sight = use_cases::delivery(&inside.world().db, &inside.who, &id).await;
    let sight = sight.map_err(|fault| inside.refused(fault))?;
    let done = wanted.ok().and_then(|query| query.0.done());
    Ok(Inside::page(delivery_page(&inside.frame(), &sight, done)))
}

/// Sends a delivery again.
pub(super) async fn again(
    id: Result<Id<JobId>, Problem>,
    Posted { inside, .. }: Posted,
) -> Result<Response, Refused> {
    let Id(id) = id.map_err(|fault| inside.refused(fault))?;
    let sent = use_cases::again(&inside.world().db, &inside.who, &id).await;
    sent.map_err(|fault| inside.refused(fault))?;
    guest::nudge(&inside.world().settings.internal_token);
    inside.go(&format!("/deliveries/{id}?done={}", Done::Again.as_str()))
}

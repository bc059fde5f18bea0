//! What follows from attempts to reach endpoints? Lines rest or go on, owners hear of it, endpoints are switched off, events are raised.

use super::{Happening, gates};
use crate::{Works, effect, tell};
use ::webhooks::{Attempted, Consequence, Endpoint, GIVES_UP_AFTER, Lines, Reason, service};
use db::{DbError, Tx};
use jobs::{Gate, Gated, Leased, Next};
use kernel::{Call, Instant, TenantId};

/// An attempt, with the job that made it and what follows for that.
pub(crate) struct Settled<'a> {
    pub(crate) leased: &'a Leased,
    pub(crate) attempted: &'a Attempted,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) next: Next,
    /// When the job is tried again, if it is.
    pub(crate) again: Option<Instant>,
}

/// Draws the consequences of attempts whose outcome counted.
pub(crate) async fn settle(works: &Works<'_>, tx: &mut Tx, settled: &[Settled<'_>]) -> Result<(), DbError> {
    if settled.is_empty() {
        return Ok(());
    }
    let attempts: Vec<&Attempted> = settled.iter().map(|one| one.attempted).collect();
    let consequences = service::settle(&mut tx.all_tenants(), &attempts).await?;
    let mut shut: Vec<Gated> = settled.iter().filter_map(in_order).collect();
    for (place, Consequence { lines, .. }) in &consequences {
        if let (Some(one), Some(lines)) = (settled.get(*place), lines) {
            shut.extend(resting(one, *lines));
        }
    }
    // The last word counts.
    let mut last: std::collections::BTreeMap<(TenantId, String), Gate> = std::collections::BTreeMap::new();
    for Gated { tenant, lane, gate } in shut {
        last.insert((tenant, lane), gate);
    }
    let last: Vec<Gated> =
        last.into_iter().map(|((tenant, lane), gate)| Gated { tenant, lane, gate }).collect();
    jobs::gate(&mut tx.all_tenants(), &last).await?;
    for (place, consequence) in &consequences {
        if let Some(one) = settled.get(*place) {
            follow(works, tx, one, *consequence).await?;
        }
    }
    for one in settled {
        ended(works, tx, one).await?;
    }
    Ok(())
}

/// Where things stay in order, what comes after one that failed waits until that is tried again.
fn in_order(one: &Settled<'_>) -> Option<Gated> {
    one.endpoint.policy.ordering_key.as_ref()?;
    let (until, lane) = (one.again?, one.leased.job.lane.as_ref()?);
    ::webhooks::endpoint_of(lane.name())?;
    let gate = Gate::Shut { until, then: None };
    Some(Gated { tenant: one.leased.job.tenant.clone(), lane: lane.name().to_owned(), gate })
}

fn resting(one: &Settled<'_>, lines: Lines) -> Vec<Gated> {
    let gate = match lines {
        Lines::Go => Gate::Open,
        Lines::Rest(until) => Gate::Shut { until, then: None },
        Lines::RestAndTry(until) => Gate::Shut { until, then: Some(1) },
    };
    gates(&one.leased.job.tenant, &one.endpoint.id, gate)
}

async fn follow(
    works: &Works<'_>,
    tx: &mut Tx,
    one: &Settled<'_>,
    consequence: Consequence,
) -> Result<(), DbError> {
    let job = &one.leased.job;
    let call = effect::call_of(works, job, works.clock.now());
    if consequence.give_up {
        return switch_off(works, tx, one, Reason::Failing).await;
    }
    let Some(part) = consequence.warn else { return Ok(()) };
    let found = service::find(&mut tx.scope(&job.tenant), &one.endpoint.id).await?;
    let Some((endpoint, health)) = found else { return Ok(()) };
    let since = health.failing_since.unwrap_or(one.attempted.ended);
    let until = since + GIVES_UP_AFTER;
    let title = format!("Webhook endpoint {} fails: {part} % of its time is over", endpoint.id);
    let body = format!(
        "Nothing arrived at {} since {since}. If that stays so, it is switched off at {until}. The last attempt: {} \
         GET /api/v1/webhooks/endpoints/{} shows how it fares; what failed can be sent again when it works.",
        named(&endpoint),
        one.attempted.judgement.words,
        endpoint.id,
    );
    tell::owners(tx, &call, job, &title, &body).await?;
    Happening::Failing(Box::new(endpoint), part, since).raise(works, tx, &call, job).await
}

/// What came of the job itself.
async fn ended(works: &Works<'_>, tx: &mut Tx, one: &Settled<'_>) -> Result<(), DbError> {
    let job = &one.leased.job;
    if one.attempted.answer.as_ref().is_some_and(|answer| answer.status == 410) {
        switch_off(works, tx, one, Reason::Gone).await?;
    }
    if one.next == Next::Dead {
        let call = effect::call_of(works, job, works.clock.now());
        let dead = Happening::Dead(Box::new(one.attempted.clone()), Box::new(job.clone()));
        dead.raise(works, tx, &call, job).await?;
    }
    Ok(())
}

async fn switch_off(
    works: &Works<'_>,
    tx: &mut Tx,
    one: &Settled<'_>,
    reason: Reason,
) -> Result<(), DbError> {
    let job = &one.leased.job;
    let call = effect::call_of(works, job, works.clock.now());
    let found = service::find(&mut tx.scope(&job.tenant), &one.endpoint.id).await?;
    let since = found.and_then(|(_, health)| health.failing_since);
    let mut scope = tx.scope(&job.tenant);
    let off = service::switch_off(&mut scope, &call, &one.endpoint.id, (reason, one.leased.started)).await?;
    let Some(endpoint) = off else { return Ok(()) };
    rules::service::moved(&mut scope).await?;
    // What waits becomes dead letters, which are sent again when it works.
    jobs::gate(&mut tx.all_tenants(), &gates(&job.tenant, &endpoint.id, Gate::Open)).await?;
    announce(works, tx, &call, one, endpoint, (reason, since)).await
}

async fn announce(
    works: &Works<'_>,
    tx: &mut Tx,
    call: &Call,
    one: &Settled<'_>,
    endpoint: Endpoint,
    (reason, since): (Reason, Option<Instant>),
) -> Result<(), DbError> {
    let job = &one.leased.job;
    let title = format!("Webhook endpoint {} was switched off", endpoint.id);
    let body = format!(
        "Nothing is sent to {} any more: {reason}. What waits for it becomes dead letters. When it works again: switch it on \
         (PATCH /api/v1/webhooks/endpoints/{} with is_active true), then send what failed again (POST …/replay).",
        named(&endpoint),
        endpoint.id,
    );
    tell::owners(tx, call, job, &title, &body).await?;
    Happening::Disabled(Box::new(endpoint), reason.as_str(), since).raise(works, tx, call, job).await
}

/// An endpoint in words: its address may carry a token, so no more of it than where it leads.
fn named(endpoint: &Endpoint) -> String {
    let address =
        kernel::Target::parse(&endpoint.url, true).map(|target| target.masked()).unwrap_or_default();
    match &endpoint.description {
        Some(description) => format!("{description} ({address})"),
        None => address,
    }
}

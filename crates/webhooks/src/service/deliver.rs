//! What leaves for an endpoint, and what follows when it is back?

use super::{record, ring};
use crate::{
    Admission, Attempted, Consequence, Dispatch, Endpoint, Health, Means, Outbound, Reason, Subscription,
    WebhookError,
    store::{
        attempt,
        endpoint::{self as store, Stored},
        health::{self, Whose},
    },
};
use db::{AllTenants, DbError, Scope, Tx};
use kernel::{Call, EndpointId, Instant, Span, Target};
use serde_json::Value;
use std::collections::BTreeMap;

/// How much longer than its endpoint's timeout a request that tries is waited for: as long as its worker's lease may last.
const TRIAL: Span = Span::seconds(45);

/// Says which body an endpoint wants instead of the usual one, or why it cannot be made.
type OwnBody<'a> = dyn Fn(&Endpoint, &Dispatch) -> Result<Option<Value>, String> + Sync + 'a;

/// What becomes of a dispatch.
#[derive(Debug, Clone)]
pub enum Prepared {
    /// It leaves.
    Send(Box<Outbound>, Box<Endpoint>),
    /// Not before this: the endpoint's circuit is open, or its rate used up.
    Wait(Instant, Box<Endpoint>),
}

/// Endpoints that are asked of, as they stand, and how they fare.
struct Known<'a> {
    endpoints: BTreeMap<EndpointId, Stored>,
    healths: BTreeMap<Whose, Health>,
    call: &'a Call,
}

/// The requests of these dispatches, in their order, each with the body that its endpoint wants. Takes them from the endpoints' rates.
///
/// # Errors
/// Of one dispatch: [`WebhookError::Unknown`], [`WebhookError::Disabled`] and [`WebhookError::Target`], which end its job;
/// [`WebhookError::Vault`], which is ours to mend; [`WebhookError::Body`]. Of all of them: [`DbError`].
pub async fn prepare(
    tx: &mut Tx,
    call: &Call,
    means: Means<'_>,
    dispatches: &[Dispatch],
    body: &OwnBody<'_>,
) -> Result<Vec<Result<Prepared, WebhookError>>, DbError> {
    if dispatches.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&EndpointId> = dispatches.iter().map(|dispatch| &dispatch.endpoint).collect();
    let found = store::some(&mut tx.scope(call.tenant()), &ids).await?;
    let endpoints: BTreeMap<EndpointId, Stored> =
        found.into_iter().map(|stored| (stored.endpoint.id.clone(), stored)).collect();
    let whose: Vec<Whose> = endpoints.keys().map(|id| (call.tenant().clone(), id.clone())).collect();
    let before = health::some(&mut tx.all_tenants(), &whose.iter().collect::<Vec<_>>()).await?;
    let mut known = Known { endpoints, healths: before.clone(), call };
    let prepared = dispatches.iter().map(|dispatch| known.request(means, dispatch, body)).collect();
    let changed: Vec<(&Whose, &Health)> =
        known.healths.iter().filter(|(whose, health)| before.get(whose) != Some(health)).collect();
    health::put(&mut tx.all_tenants(), &changed).await?;
    Ok(prepared)
}

impl Known<'_> {
    fn request(
        &mut self,
        means: Means<'_>,
        dispatch: &Dispatch,
        body: &OwnBody<'_>,
    ) -> Result<Prepared, WebhookError> {
        let stored = self.endpoints.get(&dispatch.endpoint).ok_or(WebhookError::Unknown)?;
        let endpoint = &stored.endpoint;
        endpoint.must_be_active()?;
        // Looked at again: what the operator allows may have changed since the endpoint was set up.
        let target = Target::parse(&endpoint.url, means.allow_private).map_err(WebhookError::Target)?;
        let keyring = ring(self.call.tenant(), means.vault, stored)?;
        let now = self.call.now;
        let whose = (self.call.tenant().clone(), endpoint.id.clone());
        let mut health = self.healths.get(&whose).cloned().unwrap_or_default();
        let admission = health.circuit.admits(now);
        if let Admission::Wait(until) = admission {
            return Ok(Prepared::Wait(until, Box::new(endpoint.clone())));
        }
        if let Some(rate) = endpoint.policy.rate {
            match health.take(rate, now) {
                Ok(next) => health.next_free_at = Some(next),
                Err(until) => return Ok(Prepared::Wait(until, Box::new(endpoint.clone()))),
            }
        }
        let own = body(endpoint, dispatch).map_err(WebhookError::Body)?;
        if admission == Admission::Try {
            health = health.trying(now + endpoint.policy.timeout + TRIAL);
        }
        let outbound = dispatch.request(endpoint, &target, &keyring, own.as_ref(), now);
        let endpoint = endpoint.clone();
        self.healths.insert(whose, health);
        Ok(Prepared::Send(Box::new(outbound), Box::new(endpoint)))
    }
}

/// Keeps what came of attempts, in the order in which they ended, and tells what follows for their endpoints: one line for each attempt
/// after which something does.
///
/// # Errors
/// [`DbError`].
pub async fn settle(
    all: &mut AllTenants<'_>,
    attempts: &[&Attempted],
) -> Result<Vec<(usize, Consequence)>, DbError> {
    attempt::note(all, attempts).await?;
    let whose: Vec<Whose> = attempts.iter().map(|one| (one.tenant.clone(), one.endpoint.clone())).collect();
    let before = health::some(all, &whose.iter().collect::<Vec<_>>()).await?;
    let mut after = before.clone();
    let mut order: Vec<(usize, (&&Attempted, &Whose))> = attempts.iter().zip(&whose).enumerate().collect();
    order.sort_by_key(|(_, (one, _))| one.ended);
    let mut consequences = Vec::new();
    for (place, (one, whose)) in order {
        let health = after.remove(whose).unwrap_or_default();
        let (health, consequence) = health.after(one.judgement.sign, one.ended);
        after.insert(whose.clone(), health);
        if consequence != Consequence::default() {
            consequences.push((place, consequence));
        }
    }
    let changed: Vec<(&Whose, &Health)> = after
        .iter()
        .filter(|(whose, health)| before.get(whose).is_none_or(|before| before.tells_else(health)))
        .collect();
    health::put(all, &changed).await?;
    Ok(consequences)
}

/// Switches an endpoint off after a request sent at `sent`, within the caller's transaction; gives it as it was, if it did. One that was
/// changed since, is off or is not there any more stays as it is.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn switch_off(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &EndpointId,
    (reason, sent): (Reason, Instant),
) -> Result<Option<Endpoint>, DbError> {
    let Some(Stored { endpoint: before, sealed }) = store::get(scope, id).await? else { return Ok(None) };
    let Some(endpoint) = before.clone().switched_off(reason, sent, call.now) else { return Ok(None) };
    let stored = Stored { endpoint, sealed };
    store::update(scope, &stored).await?;
    record(scope, call, "webhook_endpoint.disabled", Some(&before), Some(&stored.endpoint)).await?;
    Ok(Some(before))
}

/// An endpoint as it stands, for whoever tells of it.
///
/// # Errors
/// [`DbError`].
pub async fn find(scope: &mut Scope<'_>, id: &EndpointId) -> Result<Option<(Endpoint, Health)>, DbError> {
    let Some(stored) = store::get(scope, id).await? else { return Ok(None) };
    let health = health::of_tenant(scope, &[id]).await?.remove(id).unwrap_or_default();
    Ok(Some((stored.endpoint, health)))
}

/// The endpoints that take events, compiled.
///
/// # Errors
/// [`DbError`].
pub async fn subscriptions(scope: &mut Scope<'_>) -> Result<Vec<Subscription>, DbError> {
    Ok(store::active(scope).await?.iter().map(|stored| Subscription::new(&stored.endpoint)).collect())
}

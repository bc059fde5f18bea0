//! What leaves by a delivery, and what became of it?

use super::channels;
use crate::{
    Delivery, DeliveryState, Means, NotificationError, Outbound, Outcome, request,
    store::delivery::{self as store, Laden},
};
use db::{DbError, Scope};
use kernel::{Call, DeliveryId, Target};
use std::collections::BTreeMap;

/// What is to be done for a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Send this.
    Send(Outbound),
    /// Nothing: it has arrived, or a provider has it.
    Done,
}

/// What became of an attempt at a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The delivery.
    pub delivery: DeliveryId,
    /// What became of it.
    pub outcome: Outcome,
    /// The status that the other end gave, if it gave one.
    pub provider_status: Option<u16>,
}

/// The requests of these deliveries, in their order, by one statement.
///
/// # Errors
/// Of one delivery: [`NotificationError::DeliveryUnknown`], [`NotificationError::ChannelGone`],
/// [`NotificationError::RouteInactive`] and [`NotificationError::Target`], which end its job;
/// [`NotificationError::Vault`], which is ours to mend. Of all of them: [`DbError`].
pub async fn prepare(
    scope: &mut Scope<'_>,
    call: &Call,
    means: &Means,
    deliveries: &[DeliveryId],
) -> Result<Vec<Result<Prepared, NotificationError>>, DbError> {
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&DeliveryId> = deliveries.iter().collect();
    let laden: BTreeMap<DeliveryId, Laden> = store::laden(scope, &ids)
        .await?
        .into_iter()
        .map(|laden| (laden.delivery_id.clone(), laden))
        .collect();
    Ok(ids
        .into_iter()
        .map(|id| match laden.get(id) {
            Some(laden) => request_of(call, means, laden),
            None => Err(NotificationError::DeliveryUnknown),
        })
        .collect())
}

fn request_of(call: &Call, means: &Means, laden: &Laden) -> Result<Prepared, NotificationError> {
    let by = match (&laden.by, laden.state) {
        (None, _) | (Some(_), DeliveryState::Sent | DeliveryState::Delivered) => return Ok(Prepared::Done),
        (Some(by), DeliveryState::Queued | DeliveryState::Deferred | DeliveryState::Failed) => by,
    };
    let channel = laden.channel.as_ref().ok_or_else(|| NotificationError::ChannelGone(by.name.clone()))?;
    if !channel.is_active {
        return Err(NotificationError::RouteInactive(by.name.clone()));
    }
    let credential = channels::open(call.tenant(), &means.vault, &by.id, &channel.sealed)?;
    // Looked at again: what the operator allows may have changed since the channel was set up.
    let target = Target::parse(credential.url.expose(), means.allow_private)
        .map_err(|fault| NotificationError::Target { name: by.name.clone(), fault })?;
    Ok(Prepared::Send(request::outbound(
        &channel.setup,
        &target,
        credential.headers,
        call.tenant(),
        &laden.message,
        &laden.delivery_id,
        &call.trace,
    )))
}

/// Writes down what became of attempts, within the caller's transaction, by two statements however many they are; each
/// counts as one attempt. The answers stand in the order of `settlements`.
///
/// # Errors
/// Of one delivery: [`NotificationError::DeliveryUnknown`], [`NotificationError::Transition`]. Of all of them:
/// [`DbError`]; give the transaction up then.
pub async fn settle(
    scope: &mut Scope<'_>,
    call: &Call,
    settlements: &[Settlement],
) -> Result<Vec<Result<Delivery, NotificationError>>, DbError> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&DeliveryId> = settlements.iter().map(|settlement| &settlement.delivery).collect();
    let mut known: BTreeMap<DeliveryId, Delivery> =
        store::get(scope, &ids).await?.into_iter().map(|delivery| (delivery.id.clone(), delivery)).collect();
    let settled: Vec<Result<Delivery, NotificationError>> = settlements
        .iter()
        .map(|settlement| {
            let before = known.remove(&settlement.delivery).ok_or(NotificationError::DeliveryUnknown)?;
            before.after(&settlement.outcome, settlement.provider_status, call.now)
        })
        .collect();
    let changed: Vec<&Delivery> = settled.iter().flatten().collect();
    if !changed.is_empty() {
        store::update(scope, &changed).await?;
    }
    Ok(settled)
}

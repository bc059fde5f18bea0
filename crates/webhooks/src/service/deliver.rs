//! What leaves for an endpoint, and what follows when it is gone?

use super::{open, record};
use crate::{
    Dispatch, Means, Outbound, WebhookError,
    store::endpoint::{self as store, Stored},
};
use db::{DbError, Scope};
use kernel::{Call, EndpointId, Instant, Target};
use std::collections::BTreeMap;

/// The requests of these dispatches, in their order, by one statement.
///
/// # Errors
/// Of one dispatch: [`WebhookError::Unknown`], [`WebhookError::Disabled`] and [`WebhookError::Target`], which end its job;
/// [`WebhookError::Vault`], which is ours to mend. Of all of them: [`DbError`].
pub async fn prepare(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    dispatches: &[Dispatch],
) -> Result<Vec<Result<Outbound, WebhookError>>, DbError> {
    if dispatches.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&EndpointId> = dispatches.iter().map(|dispatch| &dispatch.endpoint).collect();
    let known: BTreeMap<EndpointId, Stored> = store::some(scope, &ids)
        .await?
        .into_iter()
        .map(|stored| (stored.endpoint.id.clone(), stored))
        .collect();
    let request = |dispatch: &Dispatch| {
        let stored = known.get(&dispatch.endpoint).ok_or(WebhookError::Unknown)?;
        stored.endpoint.must_be_active()?;
        // Looked at again: what the operator allows may have changed since the endpoint was set up.
        let target =
            Target::parse(&stored.endpoint.url, means.allow_private).map_err(WebhookError::Target)?;
        let key = open(call.tenant(), means.vault, stored)?;
        Ok(dispatch.request(&target, &key, call.now))
    };
    Ok(dispatches.iter().map(request).collect())
}

/// Switches an endpoint off that answered 410 to a request sent at `sent`, within the caller's transaction; whether it did. One
/// that was changed since, is off or is not there any more stays as it is.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn gone(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &EndpointId,
    sent: Instant,
) -> Result<bool, DbError> {
    let Some(Stored { endpoint: before, sealed }) = store::get(scope, id).await? else { return Ok(false) };
    let Some(endpoint) = before.clone().gone(sent, call.now) else { return Ok(false) };
    let stored = Stored { endpoint, sealed };
    store::update(scope, &stored).await?;
    record(scope, call, "webhook_endpoint.disabled", Some(&before), Some(&stored.endpoint)).await?;
    Ok(true)
}

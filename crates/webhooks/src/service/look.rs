//! What can be seen of endpoints?

use super::ring;
use crate::{
    Endpoint, Figures, Health, Means, WebhookError,
    figures::MOST,
    store::{
        attempt::{self, KeptAttempt},
        endpoint::{self as store, EndpointFilter, Stored},
        health,
    },
};
use db::{Db, Scope};
use kernel::{Call, EndpointId, Instant, JobId, Page, PageRequest};

/// An endpoint with all that may be shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// How it fares.
    pub health: Health,
    /// What receivers verify `v1a` with.
    pub public_key: Option<String>,
    /// Until when a key signs that was replaced.
    pub overlaps_until: Option<Instant>,
}

fn seen(call: &Call, means: Means<'_>, stored: Stored, health: Health) -> Result<Seen, WebhookError> {
    let keyring = ring(call.tenant(), means.vault, &stored)?;
    Ok(Seen {
        health,
        public_key: keyring.key.public(),
        overlaps_until: keyring.overlaps_until(call.now),
        endpoint: stored.endpoint,
    })
}

/// The endpoints of the caller's tenant, oldest first.
///
/// # Errors
/// [`WebhookError::Db`], [`WebhookError::Vault`].
pub async fn list(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    filter: &EndpointFilter,
    page: &PageRequest,
) -> Result<Page<Seen>, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let rows = store::list(&mut scope, filter, page).await?;
    let ids: Vec<&EndpointId> = rows.iter().map(|stored| &stored.endpoint.id).collect();
    let mut healths = health::of_tenant(&mut scope, &ids).await?;
    let all: Result<Vec<Seen>, WebhookError> = rows
        .into_iter()
        .map(|stored| {
            let health = healths.remove(&stored.endpoint.id).unwrap_or_default();
            seen(call, means, stored, health)
        })
        .collect();
    Ok(Page::cut(all?, page, |seen: &Seen| seen.endpoint.id.as_str().to_owned()))
}

/// One endpoint.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn get(db: &Db, call: &Call, means: Means<'_>, id: &EndpointId) -> Result<Seen, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let stored = store::get(&mut scope, id).await?.ok_or(WebhookError::Unknown)?;
    let health = health::of_tenant(&mut scope, &[id]).await?.remove(id).unwrap_or_default();
    seen(call, means, stored, health)
}

/// What came of each attempt of a delivery.
///
/// # Errors
/// [`WebhookError::Db`].
pub async fn attempts(scope: &mut Scope<'_>, job: &JobId) -> Result<Vec<KeptAttempt>, WebhookError> {
    Ok(attempt::of_job(scope, job).await?)
}

/// How requests to an endpoint went in a time.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn figures(
    db: &Db,
    call: &Call,
    id: &EndpointId,
    time: (Instant, Instant),
) -> Result<Figures, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    store::get(&mut scope, id).await?.ok_or(WebhookError::Unknown)?;
    let latest = attempt::latest(&mut scope, id, time, MOST.saturating_add(1)).await?;
    Ok(Figures::of(latest))
}

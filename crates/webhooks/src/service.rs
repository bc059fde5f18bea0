//! What can be done with endpoints? They are set up, changed and taken down; and what is to be sent becomes requests.

mod deliver;
pub mod requests;
pub mod sources;
#[cfg(test)]
mod tests;

pub use deliver::{gone, prepare};

use crate::{
    Endpoint, EndpointPatch, Means, NewEndpoint, SigningKey, WebhookError,
    store::endpoint::{self as store, Stored},
};
use db::{Db, DbError, Scope, Tx};
use kernel::{Call, EndpointId, Page, PageRequest, Target, TenantId};
use serde_json::{Value, json};
use vault::Vault;

/// Makes what went well stay, takes back what did not, and keeps the connection in both cases.
async fn end<T>(tx: Tx, outcome: Result<T, WebhookError>) -> Result<T, WebhookError> {
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
/// [`WebhookError::Invalid`], [`WebhookError::TooMany`].
pub async fn create(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    new: NewEndpoint,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let (endpoint, key) = new.set_up(call, means.allow_private).map_err(WebhookError::Invalid)?;
    let place = place(call.tenant(), &endpoint.id);
    let sealed = means.vault.seal(&place, key.text().expose().as_bytes(), &*call.chance)?;
    let mut tx = db.begin().await?;
    let outcome = insert(&mut tx.scope(call.tenant()), call, Stored { endpoint, sealed }).await;
    Ok((end(tx, outcome).await?, key))
}

async fn insert(scope: &mut Scope<'_>, call: &Call, stored: Stored) -> Result<Endpoint, WebhookError> {
    if !store::insert(scope, &stored).await? {
        return Err(WebhookError::TooMany);
    }
    let endpoint = stored.endpoint;
    record(scope, call, "webhook_endpoint.created", None, Some(&endpoint)).await?;
    Ok(endpoint)
}

/// The endpoints of the caller's tenant, oldest first.
///
/// # Errors
/// [`WebhookError::Db`].
pub async fn list(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Endpoint>, WebhookError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, page).await?;
    let endpoints = rows.into_iter().map(|stored| stored.endpoint).collect();
    Ok(Page::cut(endpoints, page, |endpoint: &Endpoint| endpoint.id.as_str().to_owned()))
}

/// One endpoint.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn get(db: &Db, call: &Call, id: &EndpointId) -> Result<Endpoint, WebhookError> {
    let mut lease = db.read().await?;
    let stored = store::get(&mut lease.scope(call.tenant())?, id).await?;
    stored.map(|stored| stored.endpoint).ok_or(WebhookError::Unknown)
}

/// Changes an endpoint; with `expected`, only if it is still of that version.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`], [`WebhookError::Invalid`].
pub async fn change(
    db: &Db,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    patch: EndpointPatch,
    expected: Option<i64>,
) -> Result<Endpoint, WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = update(&mut tx.scope(call.tenant()), call, means, id, patch, expected).await;
    end(tx, outcome).await
}

async fn update(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    patch: EndpointPatch,
    expected: Option<i64>,
) -> Result<Endpoint, WebhookError> {
    let Stored { endpoint: before, sealed } = current(scope, id, expected).await?;
    let changed = before.clone().change(patch, call.now, means.allow_private);
    let stored = Stored { endpoint: changed.map_err(WebhookError::Invalid)?, sealed };
    store::update(scope, &stored).await?;
    record(scope, call, "webhook_endpoint.changed", Some(&before), Some(&stored.endpoint)).await?;
    Ok(stored.endpoint)
}

/// Takes an endpoint down; with `expected`, only if it is still of that version. What is queued for it will fail.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`].
pub async fn delete(
    db: &Db,
    call: &Call,
    id: &EndpointId,
    expected: Option<i64>,
) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = remove(&mut tx.scope(call.tenant()), call, id, expected).await;
    end(tx, outcome).await
}

async fn remove(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &EndpointId,
    expected: Option<i64>,
) -> Result<(), WebhookError> {
    let before = current(scope, id, expected).await?.endpoint;
    store::delete(scope, id).await?;
    Ok(record(scope, call, "webhook_endpoint.deleted", Some(&before), None).await?)
}

/// The endpoint to which something is to be sent now, within the caller's transaction; that somebody tests it is on record.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`].
pub async fn tested(scope: &mut Scope<'_>, call: &Call, id: &EndpointId) -> Result<Endpoint, WebhookError> {
    let endpoint = current(scope, id, None).await?.endpoint;
    endpoint.must_be_active()?;
    let entry =
        audit::Entry { action: "webhook_endpoint.tested", subject: id.as_str(), ..audit::Entry::default() };
    audit::append(scope, call, &entry).await?;
    Ok(endpoint)
}

async fn current(
    scope: &mut Scope<'_>,
    id: &EndpointId,
    expected: Option<i64>,
) -> Result<Stored, WebhookError> {
    let stored = store::get(scope, id).await?.ok_or(WebhookError::Unknown)?;
    match expected {
        Some(version) if version != stored.endpoint.version => {
            Err(WebhookError::Stale(stored.endpoint.version))
        }
        Some(_) | None => Ok(stored),
    }
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    before: Option<&Endpoint>,
    after: Option<&Endpoint>,
) -> Result<(), DbError> {
    let subject = after.or(before).map_or("", |endpoint| endpoint.id.as_str());
    let entry = audit::Entry { action, subject, before: before.map(seen), after: after.map(seen) };
    audit::append(scope, call, &entry).await
}

/// What the audit says of an endpoint: of its address, which may carry tokens, no more than where it leads.
fn seen(endpoint: &Endpoint) -> Value {
    let address = Target::parse(&endpoint.url, true).map(|target| target.masked()).unwrap_or_default();
    json!({
        "address": address,
        "description": endpoint.description,
        "is_active": endpoint.disabled.is_none(),
        "disabled_reason": endpoint.disabled.map(|disabled| disabled.reason.as_str()),
        "version": endpoint.version,
    })
}

/// A sealed key opens in its endpoint's row only.
fn place(tenant: &TenantId, id: &EndpointId) -> String {
    format!("{tenant}/webhook_endpoints/{id}")
}

fn open(tenant: &TenantId, vault: &Vault, stored: &Stored) -> Result<SigningKey, WebhookError> {
    let text = vault.open(&place(tenant, &stored.endpoint.id), &stored.sealed)?;
    let key = std::str::from_utf8(text.expose()).ok().and_then(|text| text.parse().ok());
    let surprise = || DbError::Decode { column: "secret".to_owned(), wanted: "a sealed signing key" };
    Ok(key.ok_or_else(surprise)?)
}

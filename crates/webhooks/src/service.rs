//! What can be done with endpoints? They are set up, changed and taken down; and what is to be sent becomes requests. All that changes
//! something runs within the caller's transaction.

mod deliver;
mod look;
pub mod portal;
pub mod replay;
pub mod requests;
pub mod sources;
#[cfg(test)]
mod tests;

pub use deliver::{Prepared, find, prepare, settle, subscriptions, switch_off};
pub use look::{Seen, attempts, figures, get, list};

use crate::{
    Endpoint, EndpointPatch, Keyring, Means, NewEndpoint, Rotation, SigningKey, WebhookError,
    store::{
        endpoint::{self as store, Stored},
        health,
    },
};
use db::{DbError, Scope};
use kernel::{Call, EndpointId, Target, TenantId};
use serde_json::{Value, json};
use vault::Vault;

/// Sets an endpoint up; gives it with the key that signs, which is never shown again.
///
/// # Errors
/// [`WebhookError::Invalid`], [`WebhookError::TooMany`].
pub async fn create(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    new: NewEndpoint,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let (endpoint, keyring) = new.set_up(call, means.allow_private).map_err(WebhookError::Invalid)?;
    let sealed = seal(call, means.vault, &endpoint.id, &keyring)?;
    let stored = Stored { endpoint, sealed };
    if !store::insert(scope, &stored).await? {
        return Err(WebhookError::TooMany);
    }
    let endpoint = stored.endpoint;
    record(scope, call, "webhook_endpoint.created", None, Some(&endpoint)).await?;
    Ok((endpoint, keyring.key))
}

/// Changes an endpoint; with `expected`, only if it is still of that version. How it fared before counts no more.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`], [`WebhookError::Invalid`].
pub async fn change(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    patch: EndpointPatch,
    expected: Option<i64>,
) -> Result<Endpoint, WebhookError> {
    let stored = current(scope, id, expected).await?;
    let keyring = ring(call.tenant(), means.vault, &stored)?;
    let before = stored.endpoint;
    let changed = before.clone().change(patch, keyring, call.now, means.allow_private);
    let (endpoint, keyring) = changed.map_err(WebhookError::Invalid)?;
    let sealed = seal(call, means.vault, id, &keyring)?;
    let stored = Stored { endpoint, sealed };
    store::update(scope, &stored).await?;
    health::forget(scope, id).await?;
    record(scope, call, "webhook_endpoint.changed", Some(&before), Some(&stored.endpoint)).await?;
    Ok(stored.endpoint)
}

/// Gives an endpoint another key; the present one signs beside it for a while. Gives the new one, which is never shown again.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`], [`WebhookError::Invalid`].
pub async fn rotate(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    id: &EndpointId,
    rotation: Rotation,
    expected: Option<i64>,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let stored = current(scope, id, expected).await?;
    let keyring = ring(call.tenant(), means.vault, &stored)?;
    let before = stored.endpoint;
    let turned = rotation.turn(before.clone(), keyring, call).map_err(WebhookError::Invalid)?;
    let (endpoint, keyring) = turned;
    let stored = Stored { endpoint, sealed: seal(call, means.vault, id, &keyring)? };
    store::update(scope, &stored).await?;
    record(scope, call, "webhook_endpoint.secret_rotated", Some(&before), Some(&stored.endpoint)).await?;
    Ok((stored.endpoint, keyring.key))
}

/// Takes an endpoint down; with `expected`, only if it is still of that version. What is queued for it will fail.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`].
pub async fn delete(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &EndpointId,
    expected: Option<i64>,
) -> Result<(), WebhookError> {
    let before = current(scope, id, expected).await?.endpoint;
    store::delete(scope, id).await?;
    Ok(record(scope, call, "webhook_endpoint.deleted", Some(&before), None).await?)
}

/// The endpoint to which something is to be sent now; that somebody does so by hand is on record as `action`.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`].
pub async fn addressed(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &EndpointId,
    (action, after): (&str, Option<Value>),
) -> Result<Endpoint, WebhookError> {
    let endpoint = current(scope, id, None).await?.endpoint;
    endpoint.must_be_active()?;
    let entry = audit::Entry { action, subject: id.as_str(), before: None, after };
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

/// What the audit says of an endpoint: of its address, which may carry tokens, no more than where it leads; of headers, the names.
fn seen(endpoint: &Endpoint) -> Value {
    let address = Target::parse(&endpoint.url, true).map(|target| target.masked()).unwrap_or_default();
    let policy = &endpoint.policy;
    json!({
        "address": address,
        "description": endpoint.description,
        "customer": endpoint.customer,
        "event_types": endpoint.event_types.iter().map(crate::EventType::as_str).collect::<Vec<_>>(),
        "filter": endpoint.filter,
        "has_body": endpoint.body.is_some(),
        "headers": endpoint.headers.keys().collect::<Vec<_>>(),
        "auth": endpoint.auth.kind(),
        "signature": endpoint.signature.as_str(),
        "attempts": policy.attempts(),
        "timeout_ms": policy.timeout.as_millis(),
        "concurrency": policy.concurrency,
        "ordering_key": policy.ordering_key,
        "is_active": endpoint.disabled.is_none(),
        "disabled_reason": endpoint.disabled.map(|disabled| disabled.reason.as_str()),
        "version": endpoint.version,
    })
}

/// What is sealed opens in its endpoint's row only.
fn place(tenant: &TenantId, id: &EndpointId) -> String {
    format!("{tenant}/webhook_endpoints/{id}")
}

fn seal(call: &Call, vault: &Vault, id: &EndpointId, keyring: &Keyring) -> Result<Vec<u8>, WebhookError> {
    Ok(vault.seal(&place(call.tenant(), id), keyring.text().expose().as_bytes(), &*call.chance)?)
}

fn ring(tenant: &TenantId, vault: &Vault, stored: &Stored) -> Result<Keyring, WebhookError> {
    let text = vault.open(&place(tenant, &stored.endpoint.id), &stored.sealed)?;
    let keyring = std::str::from_utf8(text.expose()).ok().and_then(Keyring::read);
    let surprise = || DbError::Decode { column: "secret".to_owned(), wanted: "sealed keys that sign" };
    Ok(keyring.ok_or_else(surprise)?)
}

//! How are channels set up, changed and taken down?

use super::end;
use crate::{
    CHANNELS_MAX, Channel, ChannelPatch, Means, NewChannel, NotificationError, Setup,
    channel::Credential,
    store::channel::{self as store, Stored},
};
use db::{Db, Scope};
use kernel::{Call, ChannelId, Page, PageRequest, Secret, TenantId};
use serde_json::{Value, json};
use vault::Vault;

/// Sets a channel up.
///
/// # Errors
/// [`NotificationError::Invalid`], [`NotificationError::NameTaken`], [`NotificationError::TooMany`].
pub async fn create(
    db: &Db,
    call: &Call,
    means: &Means,
    new: NewChannel,
) -> Result<Channel, NotificationError> {
    let id = ChannelId::new(call.now, &*call.chance);
    let (channel, credential) =
        new.set_up(id, call.now, means.allow_private).map_err(NotificationError::Invalid)?;
    let stored = seal(call, &means.vault, channel, &credential)?;
    let mut tx = db.begin().await?;
    let outcome = insert(&mut tx.scope(call.tenant()), call, stored).await;
    end(tx, outcome).await
}

async fn insert(scope: &mut Scope<'_>, call: &Call, stored: Stored) -> Result<Channel, NotificationError> {
    if store::count(scope).await? >= CHANNELS_MAX {
        return Err(NotificationError::TooMany(CHANNELS_MAX));
    }
    if !store::insert(scope, &stored).await? {
        return Err(NotificationError::NameTaken(stored.channel.name));
    }
    let after = Some(shown(&stored.channel));
    record(scope, call, "channel.created", &stored.channel.id, None, after).await?;
    Ok(stored.channel)
}

/// The channels of the caller's tenant, oldest first.
///
/// # Errors
/// [`NotificationError::Db`].
pub async fn list(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Channel>, NotificationError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, page).await?;
    let channels = rows.into_iter().map(|stored| stored.channel).collect();
    Ok(Page::cut(channels, page, |channel: &Channel| channel.id.as_str().to_owned()))
}

/// One channel.
///
/// # Errors
/// [`NotificationError::ChannelUnknown`].
pub async fn get(db: &Db, call: &Call, id: &ChannelId) -> Result<Channel, NotificationError> {
    let mut lease = db.read().await?;
    let stored = store::get(&mut lease.scope(call.tenant())?, id).await?;
    stored.map(|stored| stored.channel).ok_or(NotificationError::ChannelUnknown)
}

/// Changes a channel; with `expected`, only if it is still of that version.
///
/// # Errors
/// [`NotificationError::ChannelUnknown`], [`NotificationError::Stale`], [`NotificationError::Invalid`],
/// [`NotificationError::NameTaken`].
pub async fn change(
    db: &Db,
    call: &Call,
    means: &Means,
    id: &ChannelId,
    patch: ChannelPatch,
    expected: Option<i64>,
) -> Result<Channel, NotificationError> {
    let mut tx = db.begin().await?;
    let outcome = update(&mut tx.scope(call.tenant()), call, means, id, patch, expected).await;
    end(tx, outcome).await
}

async fn update(
    scope: &mut Scope<'_>,
    call: &Call,
    means: &Means,
    id: &ChannelId,
    patch: ChannelPatch,
    expected: Option<i64>,
) -> Result<Channel, NotificationError> {
    let before = current(scope, id, expected).await?;
    let shown_before = Some(shown(&before.channel));
    let credential = open(call.tenant(), &means.vault, id, &before.sealed)?;
    let (channel, credential) = before
        .channel
        .change(credential, patch, call.now, means.allow_private)
        .map_err(NotificationError::Invalid)?;
    let stored = seal(call, &means.vault, channel, &credential)?;
    if !store::update(scope, &stored).await? {
        return Err(NotificationError::NameTaken(stored.channel.name));
    }
    let after = Some(shown(&stored.channel));
    record(scope, call, "channel.changed", id, shown_before, after).await?;
    Ok(stored.channel)
}

/// Takes a channel down; with `expected`, only if it is still of that version. What is queued for it will fail.
///
/// # Errors
/// [`NotificationError::ChannelUnknown`], [`NotificationError::Stale`].
pub async fn delete(
    db: &Db,
    call: &Call,
    id: &ChannelId,
    expected: Option<i64>,
) -> Result<(), NotificationError> {
    let mut tx = db.begin().await?;
    let outcome = remove(&mut tx.scope(call.tenant()), call, id, expected).await;
    end(tx, outcome).await
}

async fn remove(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &ChannelId,
    expected: Option<i64>,
) -> Result<(), NotificationError> {
    let before = current(scope, id, expected).await?;
    store::delete(scope, id).await?;
    let before = Some(shown(&before.channel));
    record(scope, call, "channel.deleted", id, before, None).await
}

async fn current(
    scope: &mut Scope<'_>,
    id: &ChannelId,
    expected: Option<i64>,
) -> Result<Stored, NotificationError> {
    let stored = store::get(scope, id).await?.ok_or(NotificationError::ChannelUnknown)?;
    if expected.is_some_and(|version| version != stored.channel.version) {
        return Err(NotificationError::Stale);
    }
    Ok(stored)
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    id: &ChannelId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), NotificationError> {
    let entry = audit::Entry { action, subject: id.as_str(), before, after };
    Ok(audit::append(scope, call, &entry).await?)
}

/// What the audit says of a channel: nothing that lets anybody in.
fn shown(channel: &Channel) -> Value {
    let (method, header_names) = match &channel.setup {
        Setup::Slack => (None, None),
        Setup::Webhook { method, header_names } => (Some(method.as_str()), Some(header_names)),
    };
    json!({
        "name": channel.name,
        "kind": channel.setup.kind().as_str(),
        "address": channel.address,
        "method": method,
        "header_names": header_names,
        "is_active": channel.is_active,
        "is_default": channel.is_default,
        "version": channel.version,
    })
}

/// A sealed credential opens in its channel's row only.
fn place(tenant: &TenantId, id: &ChannelId) -> String {
    format!("{tenant}/channels/{id}")
}

fn seal(
    call: &Call,
    vault: &Vault,
    channel: Channel,
    credential: &Credential,
) -> Result<Stored, NotificationError> {
    let text: Secret<String> = store::credential_text(credential)?;
    let place = place(call.tenant(), &channel.id);
    let sealed = vault.seal(&place, text.expose().as_bytes(), &*call.chance)?;
    Ok(Stored { channel, sealed })
}

pub(super) fn open(
    tenant: &TenantId,
    vault: &Vault,
    id: &ChannelId,
    sealed: &[u8],
) -> Result<Credential, NotificationError> {
    let text = vault.open(&place(tenant, id), sealed)?;
    Ok(store::credential(&text)?)
}

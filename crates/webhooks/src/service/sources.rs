//! What can be done with sources? They are set up, changed and taken down, and say of a request whether it is let in. All within
//! the caller's transaction: whoever knows triggers and templates looks at the mapping in the same.

#[cfg(test)]
mod tests;

use crate::{
    Mapping, Secrets, Source, SourceDraft, SourcePatch, WebhookError,
    inbound::{Asked, Challenge, Proof, Received, Refusal, challenge, verify},
    store::source::{self as store, Stored},
};
use db::{Db, DbError, Scope};
use kernel::{Call, FieldFault, Page, PageRequest, Secret, SourceId, TenantId};
use serde_json::{Value, json};
use std::net::IpAddr;
use vault::Vault;

/// A source that takes requests, with what it verifies them with.
#[derive(Debug, Clone)]
pub struct Open {
    /// The source.
    pub source: Source,
    /// Its secrets.
    pub secrets: Secrets,
}

/// What is to be done with a request that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It asks whether anybody is there: this is the answer.
    Answer(Challenge),
    /// It brings something.
    Take(Proof),
    /// It neither asks nor brings anything.
    Nothing,
}

/// Sets a source up; gives it with the secret that was made for it, if none was given, which is never shown again. `faults` are
/// those of the mapping.
///
/// # Errors
/// [`WebhookError::Invalid`], [`WebhookError::TooManySources`].
pub async fn create(
    scope: &mut Scope<'_>,
    call: &Call,
    vault: &Vault,
    draft: SourceDraft,
    faults: Vec<FieldFault>,
) -> Result<(Source, Option<Secret<String>>), WebhookError> {
    let set_up = draft.set_up(call, faults).map_err(WebhookError::Invalid)?;
    let sealed = seal(call, vault, &set_up.source.id, &set_up.secrets)?;
    let stored = Stored { source: set_up.source, sealed };
    if !store::insert(scope, &stored).await? {
        return Err(WebhookError::TooManySources);
    }
    record(scope, call, "webhook_source.created", None, Some(&stored.source), false).await?;
    Ok((stored.source, set_up.made))
}

/// The sources of the caller's tenant, oldest first.
///
/// # Errors
/// [`WebhookError::Db`].
pub async fn list(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Source>, WebhookError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, page).await?;
    let sources = rows.into_iter().map(|stored| stored.source).collect();
    Ok(Page::cut(sources, page, |source: &Source| source.id.as_str().to_owned()))
}

/// One source.
///
/// # Errors
/// [`WebhookError::UnknownSource`].
pub async fn get(db: &Db, call: &Call, id: &SourceId) -> Result<Source, WebhookError> {
    let mut lease = db.read().await?;
    in_scope(&mut lease.scope(call.tenant())?, id).await
}

/// The same within a transaction.
///
/// # Errors
/// [`WebhookError::UnknownSource`].
pub async fn in_scope(scope: &mut Scope<'_>, id: &SourceId) -> Result<Source, WebhookError> {
    Ok(current(scope, id, None).await?.source)
}

/// Changes a source; with `expected`, only if it is still of that version. `look` gives the faults of the mapping that it then has.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::StaleSource`], [`WebhookError::Invalid`].
pub async fn change(
    scope: &mut Scope<'_>,
    call: &Call,
    vault: &Vault,
    (id, expected): (&SourceId, Option<i64>),
    patch: SourcePatch,
    look: impl FnOnce(&Mapping) -> Vec<FieldFault>,
) -> Result<Source, WebhookError> {
    let before = current(scope, id, expected).await?;
    let secrets = open(call.tenant(), vault, &before)?;
    let faults = look(&patch.mapping(&before.source.mapping));
    let changed = patch.apply(&before.source, &secrets, call.now, faults).map_err(WebhookError::Invalid)?;
    let (source, fresh) = changed;
    let are_others = fresh != secrets;
    let sealed = if are_others { seal(call, vault, id, &fresh)? } else { before.sealed };
    let stored = Stored { source, sealed };
    store::update(scope, &stored).await?;
    let (was, is) = (Some(&before.source), Some(&stored.source));
    record(scope, call, "webhook_source.changed", was, is, are_others).await?;
    Ok(stored.source)
}

/// Takes a source down; with `expected`, only if it is still of that version. What came and is not an event yet becomes none.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::StaleSource`].
pub async fn delete(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &SourceId,
    expected: Option<i64>,
) -> Result<(), WebhookError> {
    let before = current(scope, id, expected).await?.source;
    store::delete(scope, id).await?;
    Ok(record(scope, call, "webhook_source.deleted", Some(&before), None, false).await?)
}

/// The source that a request was sent to. One that there is not, that is switched off, or whose tenant is not active: to the
/// sender all are the same.
///
/// # Errors
/// [`WebhookError::NoSource`]; [`WebhookError::Vault`] if the operator's keys do not open its secrets.
pub async fn find(db: &Db, vault: &Vault, tenant: &TenantId, id: &SourceId) -> Result<Open, WebhookError> {
    let mut lease = db.read().await?;
    let stored = store::open(&mut lease.scope(tenant)?, id).await?.ok_or(WebhookError::NoSource)?;
    let secrets = open(tenant, vault, &stored)?;
    Ok(Open { source: stored.source, secrets })
}

/// The source with its secrets, whether it takes requests or not.
///
/// # Errors
/// [`WebhookError::UnknownSource`]; [`WebhookError::Vault`].
pub async fn opened(
    scope: &mut Scope<'_>,
    call: &Call,
    vault: &Vault,
    id: &SourceId,
) -> Result<Open, WebhookError> {
    let stored = current(scope, id, None).await?;
    let secrets = open(call.tenant(), vault, &stored)?;
    Ok(Open { source: stored.source, secrets })
}

impl Open {
    /// Whether a request is let in, and what is to be done with it then.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn judge(
        &self,
        asked: &Asked<'_>,
        received: &Received<'_>,
        address: Option<IpAddr>,
    ) -> Result<Verdict, Refusal> {
        if !self.source.lets_in(address) {
            return Err(Refusal::Address);
        }
        let token = self.secrets.verify_token.as_ref();
        if let Some(answer) = challenge::unsigned(asked, received, token)? {
            return Ok(Verdict::Answer(answer));
        }
        if asked.method != "POST" {
            return Ok(Verdict::Nothing);
        }
        let proof = verify(&self.source.preset, &self.secrets.keys, received)?;
        let asks = if self.source.preset == crate::inbound::Preset::Slack {
            challenge::signed(received)
        } else {
            None
        };
        Ok(asks.map_or(Verdict::Take(proof), Verdict::Answer))
    }
}

async fn current(
    scope: &mut Scope<'_>,
    id: &SourceId,
    expected: Option<i64>,
) -> Result<Stored, WebhookError> {
    let stored = store::get(scope, id).await?.ok_or(WebhookError::UnknownSource)?;
    match expected {
        Some(version) if version != stored.source.version => {
            Err(WebhookError::StaleSource(stored.source.version))
        }
        Some(_) | None => Ok(stored),
    }
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    before: Option<&Source>,
    after: Option<&Source>,
    are_secrets_others: bool,
) -> Result<(), DbError> {
    let subject = after.or(before).map_or("", |source| source.id.as_str());
    let mut after = after.map(seen);
    if let Some(object) = after.as_mut().and_then(Value::as_object_mut).filter(|_| are_secrets_others) {
        object.insert("secrets".to_owned(), "changed".into());
    }
    let entry = audit::Entry { action, subject, before: before.map(seen), after };
    audit::append(scope, call, &entry).await
}

/// What the audit says of a source: all but its secrets.
fn seen(source: &Source) -> Value {
    let networks: Vec<String> = source.networks.iter().map(ToString::to_string).collect();
    json!({
        "name": source.name,
        "description": source.description,
        "preset": source.preset.as_str(),
        "verified": source.preset.verifies(),
        "secret_count": source.secret_count,
        "has_verify_token": source.has_verify_token,
        "networks": networks,
        "mapping": {"trigger_id": source.mapping.trigger, "data": source.mapping.data, "id": source.mapping.id},
        "rate_per_minute": source.rate_per_minute,
        "keep_days": source.keep_days,
        "is_active": source.is_active,
        "version": source.version,
    })
}

/// Sealed secrets open in their source's row only.
fn place(tenant: &TenantId, id: &SourceId) -> String {
    format!("{tenant}/webhook_sources/{id}")
}

fn seal(call: &Call, vault: &Vault, id: &SourceId, secrets: &Secrets) -> Result<Vec<u8>, WebhookError> {
    let text = secrets.text();
    Ok(vault.seal(&place(call.tenant(), id), text.expose().as_bytes(), &*call.chance)?)
}

fn open(tenant: &TenantId, vault: &Vault, stored: &Stored) -> Result<Secrets, WebhookError> {
    let text = vault.open(&place(tenant, &stored.source.id), &stored.sealed)?;
    let secrets = std::str::from_utf8(text.expose()).ok().and_then(Secrets::read);
    let surprise = || DbError::Decode { column: "secrets".to_owned(), wanted: "sealed secrets" };
    Ok(secrets.ok_or_else(surprise)?)
}

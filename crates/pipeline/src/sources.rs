//! How does a request of a provider become an event? At the door it is stored with its job, in one transaction and before anything
//! else is done with it; the job then makes an event of it by the mapping that the source has at that time.

mod mapping;

pub use mapping::Mapped;

use crate::{
    Books, decide,
    effect::{self, Report},
    webhooks::end,
};
use ::webhooks::{
    Mapping, Source, SourceDraft, SourcePatch, WebhookError,
    inbound::{Proof, Received, Refusal},
    service::{
        requests::{self, Landing},
        sources,
    },
};
use db::{Db, DbError, Scope, Tx};
use events::{Dedupe, NewEvent, Origin};
use jobs::{Job, Kind, NewJob, Patience, Terms};
use kernel::{Call, FieldFault, Instant, JobId, ReceiptId, Secret, SourceId};
use mapping::Seen;
use rules::Catalogue;
use serde_json::{Value, json};
use vault::Vault;

/// The most requests on which a mapping is tried at a time.
pub const PREVIEWED: u16 = 10;

/// What a mapping makes of a request that came.
#[derive(Debug)]
pub struct Preview {
    /// The request.
    pub request: ReceiptId,
    /// When it came.
    pub received: Instant,
    /// What would become of it, as far as that can be said.
    pub mapped: Option<Mapped>,
    /// Why no event would come of it.
    pub faults: Vec<FieldFault>,
}

/// Sets a source up; gives it with the secret that was made for it, if none was given.
///
/// # Errors
/// [`WebhookError::Invalid`], [`WebhookError::TooManySources`].
pub async fn create(
    db: &Db,
    call: &Call,
    vault: &Vault,
    draft: SourceDraft,
) -> Result<(Source, Option<Secret<String>>), WebhookError> {
    let wanted = Mapping {
        trigger: draft.trigger.clone().unwrap_or_default(),
        data: draft.data.clone(),
        id: draft.id.clone(),
    };
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let faults = mapping::faults(&wanted, &catalogue(&mut scope).await?);
    let outcome = sources::create(&mut scope, call, vault, draft, faults).await;
    end(tx, outcome).await
}

/// Changes a source; with `expected`, only if it is still of that version.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::StaleSource`], [`WebhookError::Invalid`].
pub async fn change(
    db: &Db,
    call: &Call,
    vault: &Vault,
    (id, expected): (&SourceId, Option<i64>),
    patch: SourcePatch,
) -> Result<Source, WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let catalogue = catalogue(&mut scope).await?;
    let look = |wanted: &Mapping| mapping::faults(wanted, &catalogue);
    let outcome = sources::change(&mut scope, call, vault, (id, expected), patch, look).await;
    end(tx, outcome).await
}

/// Takes a source down; with `expected`, only if it is still of that version.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::StaleSource`].
pub async fn delete(db: &Db, call: &Call, id: &SourceId, expected: Option<i64>) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = sources::delete(&mut tx.scope(call.tenant()), call, id, expected).await;
    end(tx, outcome).await
}

async fn catalogue(scope: &mut Scope<'_>) -> Result<Catalogue, DbError> {
    rules::service::triggers::load(scope).await
}

/// Stores a request that was proven, with its job, in one transaction: when this answers, it is committed. Gives its id, or that
/// of the one that came before, and whether it did.
///
/// # Errors
/// [`DbError`]; then nothing is stored.
pub async fn receive(
    db: &Db,
    call: &Call,
    source: &Source,
    received: &Received<'_>,
    proof: &Proof,
) -> Result<(ReceiptId, bool), DbError> {
    let own_id = match (&proof.id, &source.mapping.id) {
        (None, Some(_)) => mapping::own_id(&source.mapping, &seen(source, received, proof)),
        _ => None,
    };
    let job = JobId::new(call.now, &*call.chance);
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    let ids = (proof, own_id.as_deref());
    match requests::take(&mut scope, call, source, received, ids, &job).await? {
        Landing::Before(first) => {
            tx.commit().await?;
            Ok((first, true))
        }
        Landing::New(id) => {
            let work = work(call, job, source, &id);
            jobs::enqueue(&mut tx.all_tenants(), &[work], call.now).await?;
            tx.commit().await?;
            Ok((id, false))
        }
    }
}

fn seen<'a>(source: &'a Source, received: &Received<'a>, proof: &'a Proof) -> Seen<'a> {
    Seen {
        source,
        headers: received.headers,
        body: received.body,
        id: proof.id.as_deref(),
        kind: proof.kind.as_deref(),
        at: received.at,
    }
}

fn work(call: &Call, id: JobId, source: &Source, request: &ReceiptId) -> NewJob {
    NewJob {
        id,
        tenant: call.tenant().clone(),
        kind: Kind::ReceiveWebhook,
        payload: json!({"source_id": source.id.as_str(), "request_id": request.as_str()}).to_string(),
        event: None,
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: Patience::default(),
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms::default(),
    }
}

/// Writes down that a request was refused.
///
/// # Errors
/// [`DbError`].
pub async fn refuse(
    db: &Db,
    call: &Call,
    source: &Source,
    received: &Received<'_>,
    refusal: &Refusal,
) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    requests::refused(&mut tx.scope(call.tenant()), call, source, received, refusal).await?;
    tx.commit().await
}

/// Writes down that a provider asked whether anybody is there, and was answered.
///
/// # Errors
/// [`DbError`].
pub async fn answered(db: &Db, call: &Call, source: &Source, received: &Received<'_>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    requests::challenged(&mut tx.scope(call.tenant()), call, source, received).await?;
    tx.commit().await
}

/// Makes an event of a request, inside the queue's transaction.
pub(crate) async fn run(tx: &mut Tx, books: &Books, call: &Call, job: &Job) -> Result<Report, DbError> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let named = effect::text(&payload, "request_id").and_then(|id| id.parse::<ReceiptId>().ok());
    let Some(request) = named else { return Ok(Report::hopeless("the job names no request")) };
    let mut scope = tx.scope(&job.tenant);
    let Some(kept) = requests::kept(&mut scope, &request).await? else {
        return Ok(Report::hopeless("the request that it is about is no longer kept"));
    };
    let source = match sources::in_scope(&mut scope, &kept.capture.source).await {
        Ok(source) => source,
        Err(WebhookError::Db(error)) => return Err(error),
        Err(_) => return Ok(Report::hopeless("its webhook source was deleted")),
    };
    let zone = rules::service::grounds(&mut scope).await?.zone;
    let mapped = match map(&source.mapping, &source, &kept, zone) {
        Ok(mapped) => mapped,
        Err(faults) => return Ok(Report::hopeless(words(&faults))),
    };
    let event = event_of(&source, &kept, &mapped);
    let (report, event) = effect::raised(tx, books, call, job, event, Origin::default()).await?;
    if let Some(event) = event {
        requests::note_event(&mut tx.scope(&job.tenant), &request, &event).await?;
    }
    Ok(report)
}

fn map(
    mapping: &Mapping,
    source: &Source,
    kept: &::webhooks::Kept,
    zone: chrono_tz::Tz,
) -> Result<Mapped, Vec<FieldFault>> {
    let Some(body) = kept.body.as_deref() else {
        return Err(vec![FieldFault::new("request_id", "names a request of which no body is kept")]);
    };
    let headers = kept.headers();
    let seen = Seen {
        source,
        headers: &headers,
        body,
        id: kept.capture.provider_id.as_deref(),
        kind: kept.capture.kind.as_deref(),
        at: kept.capture.received,
    };
    mapping::read(mapping)?.map(&seen, zone).map_err(|fault| vec![fault])
}

/// The request's own id is the event's key, so that a second run raises nothing.
fn event_of(source: &Source, kept: &::webhooks::Kept, mapped: &Mapped) -> NewEvent {
    let data = mapped.data.to_string();
    let fingerprint = events::fingerprint(&mapped.trigger, &data);
    NewEvent {
        dedupe: Some(Dedupe { key: format!("webhook:{}", kept.capture.id), fingerprint }),
        trigger: mapped.trigger.clone(),
        data,
        source: format!("webhook:{}", source.id),
        external_id: kept.capture.provider_id.clone(),
        subject: None,
        occurred: Some(kept.capture.received),
    }
}

fn words(faults: &[FieldFault]) -> String {
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    format!("the mapping of the source makes no event of this request: {}", all.join("; "))
}

/// What a mapping makes of requests that came: `mapping`, or the source's own; of one request, or the newest that were taken.
/// Nothing is done.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::UnknownRequest`]; [`WebhookError::Invalid`] if the mapping does not read.
pub async fn preview(
    db: &Db,
    call: &Call,
    id: &SourceId,
    mapping: Option<Mapping>,
    (request, most): (Option<&ReceiptId>, u16),
) -> Result<Vec<Preview>, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let source = sources::in_scope(&mut scope, id).await?;
    let catalogue = catalogue(&mut scope).await?;
    let zone = rules::service::grounds(&mut scope).await?.zone;
    let mapping = mapping.unwrap_or_else(|| source.mapping.clone());
    mapping::read(&mapping).map_err(WebhookError::Invalid)?;
    let all = match request {
        Some(request) => vec![requests::in_scope(&mut scope, id, request).await?],
        None => requests::newest(&mut scope, id, most.min(PREVIEWED)).await?,
    };
    let preview = |kept: &::webhooks::Kept| {
        let (mapped, faults) = match map(&mapping, &source, kept, zone) {
            Ok(mapped) => {
                let faults = unfit(&mapped, &catalogue);
                (Some(mapped), faults)
            }
            Err(faults) => (None, faults),
        };
        Preview { request: kept.capture.id.clone(), received: kept.capture.received, mapped, faults }
    };
    Ok(all.iter().map(preview).collect())
}

/// Why no event can come of what a mapping made.
fn unfit(mapped: &Mapped, catalogue: &Catalogue) -> Vec<FieldFault> {
    match decide::find(catalogue, &mapped.trigger) {
        Some(trigger) => trigger.check(&mapped.data).err().unwrap_or_default(),
        None => vec![FieldFault::new("trigger_id", "comes to a name that no trigger has here")],
    }
}

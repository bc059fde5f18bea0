//! What is written down of requests to sources, and what can be read of that? One that is taken is kept byte for byte; the others
//! leave a line of the log.

use crate::{
    Capture, Kept, Outcome, Source, WebhookError,
    capture::{Landed, kept_headers},
    inbound::{Proof, Received, Refusal, id as sound_id, verify},
    service::sources::{self, Open},
    store::request as store,
};
use db::{Db, DbError, Scope};
use kernel::{Call, EventId, Instant, JobId, Page, PageRequest, ReceiptId, SourceId};
use vault::Vault;

/// How many lines of each outcome but the taken are kept of a source.
pub const LINES_KEPT: i64 = 1_000;

/// What became of a request that was to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// It is stored, under this id; the job is to be laid.
    New(ReceiptId),
    /// It came before, under that id.
    Before(ReceiptId),
}

fn landed(call: &Call, source: &Source, received: &Received<'_>, outcome: Outcome) -> Landed {
    let mut headers = kept_headers(&source.preset, received.headers);
    if outcome != Outcome::Taken {
        headers.iter_mut().for_each(|(_, value)| *value = None);
    }
    let capture = Capture {
        id: ReceiptId::new(call.now, &*call.chance),
        source: source.id.clone(),
        received: received.at,
        outcome,
        reason: None,
        words: None,
        address: call.address.clone(),
        headers,
        provider_id: None,
        kind: None,
        first: None,
        job: None,
        event: None,
        is_altered: false,
    };
    let body = (outcome == Outcome::Taken).then(|| received.body.to_vec());
    Landed { kept: Kept { capture, body }, seen: None }
}

/// Stores a request that was proven, with the job that is to make an event of it, within the caller's transaction. `own_id` is the
/// provider's id by the source's own template.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn take(
    scope: &mut Scope<'_>,
    call: &Call,
    source: &Source,
    received: &Received<'_>,
    (proof, own_id): (&Proof, Option<&str>),
    job: &JobId,
) -> Result<Landing, DbError> {
    let own_id = own_id.and_then(sound_id);
    let proof = Proof { id: proof.id.clone().or(own_id), ..proof.clone() };
    let mut taken = landed(call, source, received, Outcome::Taken).proven(&proof);
    taken.kept.capture.job = Some(job.clone());
    if store::insert(scope, &taken).await? {
        return Ok(Landing::New(taken.kept.capture.id));
    }
    let surprise =
        || DbError::Decode { column: "request_id".to_owned(), wanted: "the request that came before" };
    let first = store::first(scope, &taken).await?.ok_or_else(surprise)?;
    let mut double = landed(call, source, received, Outcome::Double).proven(&proof);
    double.kept.capture.first = Some(first.clone());
    line(scope, source, &double).await?;
    Ok(Landing::Before(first))
}

/// Writes down that a request was refused, within the caller's transaction.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn refused(
    scope: &mut Scope<'_>,
    call: &Call,
    source: &Source,
    received: &Received<'_>,
    refusal: &Refusal,
) -> Result<(), DbError> {
    let mut landed = landed(call, source, received, Outcome::Refused);
    landed.kept.capture.reason = Some(refusal.as_str().to_owned());
    landed.kept.capture.words = Some(refusal.to_string());
    line(scope, source, &landed).await
}

/// Writes down that a provider asked whether anybody is there, and was answered.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn challenged(
    scope: &mut Scope<'_>,
    call: &Call,
    source: &Source,
    received: &Received<'_>,
) -> Result<(), DbError> {
    line(scope, source, &landed(call, source, received, Outcome::Challenge)).await
}

async fn line(scope: &mut Scope<'_>, source: &Source, landed: &Landed) -> Result<(), DbError> {
    store::insert(scope, landed).await?;
    store::trim(scope, &source.id, landed.kept.capture.outcome, LINES_KEPT).await
}

/// What came to a source, newest first.
///
/// # Errors
/// [`WebhookError::UnknownSource`].
pub async fn list(
    db: &Db,
    call: &Call,
    source: &SourceId,
    outcome: Option<Outcome>,
    page: &PageRequest,
) -> Result<Page<Capture>, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    sources::in_scope(&mut scope, source).await?;
    let rows = store::list(&mut scope, source, outcome, page).await?;
    Ok(Page::cut(rows, page, |capture: &Capture| capture.id.as_str().to_owned()))
}

/// One request of a source, with its body.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::UnknownRequest`].
pub async fn get(db: &Db, call: &Call, source: &SourceId, id: &ReceiptId) -> Result<Kept, WebhookError> {
    let mut lease = db.read().await?;
    in_scope(&mut lease.scope(call.tenant())?, source, id).await
}

/// The same within a transaction.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::UnknownRequest`].
pub async fn in_scope(
    scope: &mut Scope<'_>,
    source: &SourceId,
    id: &ReceiptId,
) -> Result<Kept, WebhookError> {
    sources::in_scope(scope, source).await?;
    let kept = kept(scope, id).await?.filter(|kept| kept.capture.source == *source);
    kept.ok_or(WebhookError::UnknownRequest)
}

/// A request, wherever it came.
///
/// # Errors
/// [`DbError`].
pub async fn kept(scope: &mut Scope<'_>, id: &ReceiptId) -> Result<Option<Kept>, DbError> {
    store::get(scope, id).await
}

/// The newest requests of a source that were taken.
///
/// # Errors
/// [`DbError`].
pub async fn newest(scope: &mut Scope<'_>, source: &SourceId, most: u16) -> Result<Vec<Kept>, DbError> {
    store::newest(scope, source, most).await
}

/// What verifying the kept bytes again says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// They hold.
    Holds(Proof),
    /// They do not, or cannot.
    Fails(Refusal),
    /// The source verifies nothing.
    Unverified,
    /// A credential verifies it, and credentials are not kept.
    NotKept,
    /// A person was taken out of it, so the bytes are not those that were signed.
    Altered,
    /// It was not taken, so no body is kept.
    NoBody,
}

/// Verifies a kept request again, with the secrets that the source has now, as of the time when it came.
///
/// # Errors
/// [`WebhookError::UnknownSource`], [`WebhookError::UnknownRequest`]; [`WebhookError::Vault`].
pub async fn verify_again(
    db: &Db,
    call: &Call,
    vault: &Vault,
    source: &SourceId,
    id: &ReceiptId,
) -> Result<Again, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let open = sources::opened(&mut scope, call, vault, source).await?;
    let kept = in_scope(&mut scope, source, id).await?;
    Ok(again(&open, &kept))
}

fn again(open: &Open, kept: &Kept) -> Again {
    let preset = &open.source.preset;
    let Some(body) = &kept.body else { return Again::NoBody };
    if kept.capture.is_altered {
        return Again::Altered;
    }
    if !preset.verifies() {
        return Again::Unverified;
    }
    if preset.is_credential() {
        return Again::NotKept;
    }
    let received = Received { headers: &kept.headers(), body, at: kept.capture.received };
    match verify(preset, &open.secrets.keys, &received) {
        Ok(proof) => Again::Holds(proof),
        Err(refusal) => Again::Fails(refusal),
    }
}

/// Notes which event a request became, within the caller's transaction.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn note_event(scope: &mut Scope<'_>, id: &ReceiptId, event: &EventId) -> Result<(), DbError> {
    store::note_event(scope, id, event).await
}

/// Removes requests that came before `limit`, those that are older than their source wants, and those whose source is gone: `most`
/// at most, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget(
    scope: &mut Scope<'_>,
    now: Instant,
    limit: Instant,
    most: i64,
) -> Result<usize, DbError> {
    store::forget(scope, now, limit, most).await
}

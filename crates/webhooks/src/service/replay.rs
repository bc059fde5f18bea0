//! How does a replay begin, go on and end? What it gives to the queue, whoever brings areas together says. All that changes something runs
//! within the caller's transaction.

use super::{addressed, store as endpoints};
use crate::{
    Carried, REPLAYS_KEPT_DAYS, REPLAYS_MOST, Replay, ReplayState, ReplayWish, WebhookError,
    store::replay as store,
};
use db::{Db, DbError, Scope};
use kernel::{Call, EndpointId, Instant, JobId, Page, PageRequest, ReplayId, Span};
use serde_json::{Value, json};

/// Begins a replay, which `job` carries on; it looks at what comes after `after`.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`], [`WebhookError::ReplaysUnderWay`].
pub async fn begin(
    scope: &mut Scope<'_>,
    call: &Call,
    endpoint: &EndpointId,
    wish: ReplayWish,
    (job, after): (&JobId, &str),
) -> Result<Replay, WebhookError> {
    let replay = Replay {
        id: ReplayId::new(call.now, &*call.chance),
        endpoint: endpoint.clone(),
        wish,
        state: ReplayState::Counting,
        total: 0,
        queued: 0,
        job: job.clone(),
        reason: None,
        created_at: call.now,
        ended_at: None,
    };
    addressed(scope, call, endpoint, ("webhook_endpoint.replayed", Some(said(&replay)))).await?;
    if store::insert(scope, &replay, after).await? {
        Ok(replay)
    } else {
        Err(WebhookError::ReplaysUnderWay(REPLAYS_MOST))
    }
}

fn said(replay: &Replay) -> Value {
    json!({
        "replay_id": replay.id.as_str(),
        "which": replay.wish.which.as_str(),
        "since": replay.wish.since.to_string(),
        "until": replay.wish.until.to_string(),
        "per_minute": replay.wish.per_minute,
    })
}

/// One replay.
///
/// # Errors
/// [`WebhookError::ReplayUnknown`].
pub async fn get(scope: &mut Scope<'_>, id: &ReplayId) -> Result<Replay, WebhookError> {
    store::get(scope, id).await?.ok_or(WebhookError::ReplayUnknown)
}

/// The replays, or those to an endpoint, newest first.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn list(
    db: &Db,
    call: &Call,
    endpoint: Option<&EndpointId>,
    page: &PageRequest,
) -> Result<Page<Replay>, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    if let Some(endpoint) = endpoint {
        endpoints::get(&mut scope, endpoint).await?.ok_or(WebhookError::Unknown)?;
    }
    let rows = store::list(&mut scope, endpoint, page).await?;
    Ok(Page::cut(rows, page, |replay| replay.id.to_string()))
}

/// A replay that is to be carried on; `None` if it has ended, or went with its endpoint.
///
/// # Errors
/// [`DbError`].
pub async fn under_way(scope: &mut Scope<'_>, id: &ReplayId) -> Result<Option<Carried>, DbError> {
    store::under_way(scope, id).await
}

/// Keeps how far a replay is; whether it did: not if it stands elsewhere than it `was`, or has ended. Then nothing of the step may stay.
///
/// # Errors
/// [`DbError`].
pub async fn advance(scope: &mut Scope<'_>, was: &Carried, is: &Carried) -> Result<bool, DbError> {
    store::advance(scope, was, is).await
}

/// Ends a replay all of whose deliveries have begun.
///
/// # Errors
/// [`DbError`].
pub async fn done(scope: &mut Scope<'_>, id: &ReplayId, now: Instant) -> Result<(), DbError> {
    store::end(scope, id, (ReplayState::Done, None), now).await.map(drop)
}

/// Ends a replay that cannot go on.
///
/// # Errors
/// [`DbError`].
pub async fn failed(scope: &mut Scope<'_>, id: &ReplayId, reason: &str, now: Instant) -> Result<(), DbError> {
    store::end(scope, id, (ReplayState::Failed, Some(reason)), now).await.map(drop)
}

/// Calls a replay off: it gives nothing more to the queue. Gives it as it was.
///
/// # Errors
/// [`WebhookError::ReplayUnknown`], [`WebhookError::ReplayEnded`].
pub async fn cancel(scope: &mut Scope<'_>, call: &Call, id: &ReplayId) -> Result<Replay, WebhookError> {
    let replay = get(scope, id).await?;
    replay.must_be_under_way()?;
    store::end(scope, id, (ReplayState::Cancelled, None), call.now).await?;
    let before = Some(json!({"state": replay.state.as_str()}));
    let after =
        Some(json!({"state": "cancelled", "endpoint_id": replay.endpoint.as_str(), "queued": replay.queued}));
    let entry = audit::Entry { action: "webhook_replay.cancelled", subject: id.as_str(), before, after };
    audit::append(scope, call, &entry).await?;
    Ok(replay)
}

/// Forgets replays that ended long ago, `most` at most; how many.
///
/// # Errors
/// [`DbError`].
pub async fn forget(scope: &mut Scope<'_>, now: Instant, most: i64) -> Result<usize, DbError> {
    store::forget(scope, now - Span::days(REPLAYS_KEPT_DAYS), most).await
}

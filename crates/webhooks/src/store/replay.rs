//! How do replays stand in the table `webhook_replays`?

use crate::{Carried, REPLAYS_MOST, Replay, ReplayState, ReplayWish};
use db::{DbError, Decode, Row, Scope};
use kernel::{EndpointId, Instant, PageRequest, ReplayId};

macro_rules! columns {
    () => {
        "replay_id, endpoint_id, which, since, until, per_minute, state, total, queued, job_id, reason, created_at, ended_at"
    };
}

const GET: &str =
    concat!("SELECT ", columns!(), " FROM webhook_replays WHERE tenant_id = ?1 AND replay_id = ?2");
const UNDER_WAY: &str = concat!(
    "SELECT ",
    columns!(),
    ", after, next_at FROM webhook_replays WHERE tenant_id = ?1 AND replay_id = ?2 AND ended_at IS NULL"
);
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM webhook_replays WHERE tenant_id = ?1 AND (?2 IS NULL OR endpoint_id = ?2) AND replay_id < ?3
    ORDER BY replay_id DESC LIMIT ?4"
);
const INSERT: &str = "INSERT INTO webhook_replays (tenant_id, replay_id, endpoint_id, which, since, until, per_minute, state, total,
    queued, job_id, created_at, after, next_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'counting', 0, 0, ?8, ?9, ?10, ?9
    WHERE (SELECT COUNT(*) FROM webhook_replays WHERE tenant_id = ?1 AND ended_at IS NULL) < ?11
    RETURNING replay_id AS id";
// Whoever was overtaken by another worker, or by somebody who called it off, changes nothing.
const MOVE: &str = "UPDATE webhook_replays SET state = ?3, total = ?4, queued = ?5, after = ?6, next_at = ?7
    WHERE tenant_id = ?1 AND replay_id = ?2 AND ended_at IS NULL AND state = ?8 AND after = ?9 RETURNING replay_id AS id";
const END: &str = "UPDATE webhook_replays SET state = ?3, reason = ?4, ended_at = ?5
    WHERE tenant_id = ?1 AND replay_id = ?2 AND ended_at IS NULL RETURNING replay_id AS id";
const FORGET: &str = "DELETE FROM webhook_replays WHERE (tenant_id, replay_id) IN
    (SELECT tenant_id, replay_id FROM webhook_replays WHERE tenant_id = ?1 AND ended_at < ?2 LIMIT ?3)
    RETURNING replay_id AS id";

impl Decode for Replay {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("replay_id")?,
            endpoint: row.parse("endpoint_id")?,
            wish: ReplayWish {
                which: row.parse("which")?,
                since: row.get("since")?,
                until: row.get("until")?,
                per_minute: row.get("per_minute")?,
            },
            state: row.parse("state")?,
            total: row.get("total")?,
            queued: row.get("queued")?,
            job: row.parse("job_id")?,
            reason: row.get("reason")?,
            created_at: row.get("created_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

impl Decode for Carried {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { replay: Replay::decode(row)?, after: row.get("after")?, next_at: row.get("next_at")? })
    }
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ReplayId) -> Result<Option<Replay>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// A replay that has not ended.
pub(crate) async fn under_way(scope: &mut Scope<'_>, id: &ReplayId) -> Result<Option<Carried>, DbError> {
    scope.one(UNDER_WAY, [id.into()]).await
}

/// All, or those to an endpoint, newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    endpoint: Option<&EndpointId>,
    page: &PageRequest,
) -> Result<Vec<Replay>, DbError> {
    scope.all(LIST, [endpoint.into(), page.after_or("rpl_~").into(), page.probe().into()]).await
}

/// Whether a replay that begins to count after `after` was put in; not if as many are under way as may be.
pub(crate) async fn insert(scope: &mut Scope<'_>, replay: &Replay, after: &str) -> Result<bool, DbError> {
    let wish = &replay.wish;
    let parameters = [
        (&replay.id).into(),
        (&replay.endpoint).into(),
        wish.which.as_str().into(),
        wish.since.into(),
        wish.until.into(),
        wish.per_minute.into(),
        (&replay.job).into(),
        replay.created_at.into(),
        after.into(),
        REPLAYS_MOST.into(),
    ];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// Keeps how far a replay is, if it still stands where it `was`; whether it does.
pub(crate) async fn advance(scope: &mut Scope<'_>, was: &Carried, is: &Carried) -> Result<bool, DbError> {
    let parameters = [
        (&was.replay.id).into(),
        is.replay.state.as_str().into(),
        is.replay.total.into(),
        is.replay.queued.into(),
        (&is.after).into(),
        is.next_at.into(),
        was.replay.state.as_str().into(),
        (&was.after).into(),
    ];
    Ok(scope.run_for_effect(MOVE, parameters).await? == 1)
}

/// Ends a replay, if it has not ended; whether it did.
pub(crate) async fn end(
    scope: &mut Scope<'_>,
    id: &ReplayId,
    (state, reason): (ReplayState, Option<&str>),
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(END, [id.into(), state.as_str().into(), reason.into(), now.into()]).await? == 1)
}

/// Forgets replays that ended before; how many.
pub(crate) async fn forget(scope: &mut Scope<'_>, before: Instant, most: i64) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [before.into(), most.into()]).await
}

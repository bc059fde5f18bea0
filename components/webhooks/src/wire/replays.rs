//! Which JSON stands for replays?

use super::yes;
use kernel::Instant;
use pipeline::webhooks::replay::{Counted, ReplaySeen};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};
use webhooks::{Replay, ReplayForm, ReplayWish};

/// Which page of replays is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReplaysQuery {
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

/// What is to be sent to an endpoint (again).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayIn {
    /// `failed`: deliveries that were given up go again, under their ids. `never_sent`: events that the endpoint wants, as it stands now, and of
    /// which nothing ever went there.
    #[schema(required = true, example = "failed")]
    which: Option<String>,
    /// Deliveries made, or events received, from then on (RFC 3339).
    #[schema(required = true, example = "2026-01-31T09:30:00.000Z")]
    since: Option<String>,
    /// Before then; until now unless named.
    until: Option<String>,
    /// How many go in a minute, at most: 1 to 60,000; 600 unless named.
    #[schema(example = 600)]
    per_minute: Option<i64>,
    /// Whether it is only counted. It is, unless this is false.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) dry_run: bool,
}

impl From<ReplayIn> for ReplayForm {
    fn from(sent: ReplayIn) -> Self {
        let ReplayIn { which, since, until, per_minute, dry_run: _ } = sent;
        Self { which, since, until, per_minute }
    }
}

/// What a replay would be about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayCountOut {
    dry_run: bool,
    endpoint_id: String,
    which: &'static str,
    since: String,
    until: String,
    per_minute: u32,
    /// How many deliveries it would be; it is counted up to 10,000.
    count: u32,
    /// Whether there are more.
    is_more: bool,
    /// How long it takes until the last of these leaves, at that rate, in seconds.
    takes_seconds: i64,
}

impl ReplayCountOut {
    pub(crate) fn of(endpoint_id: String, wish: &ReplayWish, counted: Counted) -> Self {
        Self {
            dry_run: true,
            endpoint_id,
            which: wish.which.as_str(),
            since: wish.since.to_string(),
            until: wish.until.to_string(),
            per_minute: wish.per_minute,
            count: counted.count,
            is_more: counted.is_more,
            takes_seconds: wish.takes(counted.count).as_seconds_up(),
        }
    }
}

/// A replay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayOut {
    #[schema(example = "rpl_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    endpoint_id: String,
    /// `failed`, `never_sent`.
    which: &'static str,
    since: String,
    until: String,
    per_minute: u32,
    /// `counting`; `running`; `done`: all of its deliveries have begun; `cancelled`; `failed`: it could not go on.
    state: &'static str,
    /// How many deliveries it is about; while it counts, so many as are found so far.
    total: u32,
    /// How many it gave to the queue so far.
    queued: u32,
    /// The job that carries it on.
    job_id: String,
    /// Why it could not go on.
    reason: Option<String>,
    created_at: String,
    ended_at: Option<String>,
}

impl From<Replay> for ReplayOut {
    fn from(one: Replay) -> Self {
        Self {
            id: one.id.to_string(),
            endpoint_id: one.endpoint.to_string(),
            which: one.wish.which.as_str(),
            since: one.wish.since.to_string(),
            until: one.wish.until.to_string(),
            per_minute: one.wish.per_minute,
            state: one.state.as_str(),
            total: one.total,
            queued: one.queued,
            job_id: one.job.to_string(),
            reason: one.reason,
            created_at: one.created_at.to_string(),
            ended_at: one.ended_at.as_ref().map(Instant::to_string),
        }
    }
}

/// How the deliveries of a replay stand. One that was sent again since, by hand or by another replay, is no longer among them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayedOut {
    /// In the queue, and not begun.
    waiting: i64,
    /// In the queue after a failure.
    retrying: i64,
    /// Under way.
    leased: i64,
    done: i64,
    /// Given up; also those that failed before and were taken back when the replay was cancelled.
    dead: i64,
    /// Taken back when the replay was cancelled.
    cancelled: i64,
}

/// A replay, with how its deliveries stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayDetailOut {
    #[serde(flatten)]
    replay: ReplayOut,
    deliveries: ReplayedOut,
}

impl From<ReplaySeen> for ReplayDetailOut {
    fn from(seen: ReplaySeen) -> Self {
        let counts = seen.deliveries;
        let deliveries = ReplayedOut {
            waiting: counts.waiting,
            retrying: counts.again,
            leased: counts.leased,
            done: counts.done,
            dead: counts.dead,
            cancelled: counts.cancelled,
        };
        Self { replay: seen.replay.into(), deliveries }
    }
}

/// What a replay would be about, or the replay that begins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ReplayAnswerOut {
    Counted(ReplayCountOut),
    Begun(Box<ReplayDetailOut>),
}

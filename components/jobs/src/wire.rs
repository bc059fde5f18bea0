//! How are jobs said in JSON?

use jobs::{Attempt, Job, Lane, Place, Stats, Waits};
use kernel::Secret;
use pipeline::Drained;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// A piece of work in the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobOut {
    pub(crate) id: String,
    pub(crate) tenant_id: String,
    /// `send_notification`, `deliver_message`, `http_request`, `send_webhook`, `publish_event`, `create_task`, `update_status`, `wait`,
    /// `receive_webhook`.
    pub(crate) kind: &'static str,
    /// `queued`, `leased`, `done`, `dead`, `cancelled`.
    pub(crate) state: &'static str,
    /// What it needs for its work.
    #[schema(value_type = Object)]
    pub(crate) payload: Box<RawValue>,
    pub(crate) event_id: Option<String>,
    pub(crate) rule_id: Option<String>,
    /// The place of the action in its rule, from 0.
    pub(crate) action: Option<u32>,
    /// What the rule calls the action.
    pub(crate) action_name: Option<String>,
    /// The job that made it.
    pub(crate) parent_id: Option<String>,
    /// Null as long as another job holds it.
    pub(crate) due_at: Option<String>,
    /// What it waits for besides its time: `job`, another job that has not ended; `dead_job`, one that was given up and whose
    /// `on_error` is `stop`; `lane`, others of its lane. Null for nothing.
    pub(crate) waits_for: Option<&'static str>,
    /// The job that holds it until that one has ended.
    pub(crate) held_by: Option<String>,
    /// What becomes of those that it holds when it is given up: they `continue`, or `stop` until it has done what it should.
    pub(crate) on_error: &'static str,
    /// The lane that it runs in; of its jobs no more than `lane_limit` run at a time.
    pub(crate) lane: Option<String>,
    pub(crate) lane_limit: Option<u32>,
    /// Attempts begun, for ever.
    pub(crate) attempts: u32,
    /// Failures since it was made or redriven.
    pub(crate) failures: u32,
    /// It is given up after so many failures.
    pub(crate) max_attempts: u32,
    pub(crate) last_error: Option<String>,
    /// Why it was cancelled.
    pub(crate) reason: Option<String>,
    pub(crate) created_at: String,
    pub(crate) ended_at: Option<String>,
}

impl From<Job> for JobOut {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            tenant_id: job.tenant.to_string(),
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            payload: shown(job.payload),
            event_id: job.event.map(|event| event.to_string()),
            rule_id: job.rule.map(|rule| rule.to_string()),
            action: job.action,
            action_name: job.action_name,
            parent_id: job.parent.map(|parent| parent.to_string()),
            due_at: job.due.map(|due| due.to_string()),
            waits_for: job.waits.as_ref().map(Waits::as_str),
            held_by: job.waits.as_ref().and_then(Waits::holder).map(ToString::to_string),
            on_error: job.on_error.as_str(),
            lane: job.lane.as_ref().map(|lane| lane.name().to_owned()),
            lane_limit: job.lane.as_ref().map(Lane::limit),
            attempts: job.attempts,
            failures: job.failures,
            max_attempts: job.patience.attempts,
            last_error: job.last_error,
            reason: job.reason,
            created_at: job.created.to_string(),
            ended_at: job.ended.map(|ended| ended.to_string()),
        }
    }
}

/// What a job left, which is anybody's JSON.
pub(crate) fn left(result: &Secret<String>) -> Option<Box<RawValue>> {
    RawValue::from_string(result.expose().clone()).ok()
}

/// A payload without what its headers hold: they may let somebody in elsewhere.
fn shown(payload: String) -> Box<RawValue> {
    let masked = match serde_json::from_str::<serde_json::Value>(&payload) {
        Ok(mut value) if value.get("headers").is_some() => {
            let headers = value.get_mut("headers").and_then(serde_json::Value::as_object_mut);
            for header in headers.into_iter().flat_map(|headers| headers.values_mut()) {
                *header = "…".into();
            }
            value.to_string()
        }
        Ok(_) | Err(_) => payload,
    };
    RawValue::from_string(masked).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// A job with its attempts, what it left when it ended and, while it is queued, its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobDetailOut {
    pub(crate) id: String,
    pub(crate) job: JobOut,
    pub(crate) tries: Vec<AttemptOut>,
    /// What it left for the actions behind it; null if it left nothing. Of an `http_request`: `status`, `headers` (`content-type`,
    /// `location`, `retry-after`) and `body`. Of a `send_notification`: `message_id` and `deliveries`. Of a `publish_event`:
    /// `event_id` and `duplicate`. What is larger than 16 KiB is cut: `{"cut": true, "beginning": "…"}`.
    #[schema(value_type = Option<Object>)]
    pub(crate) result: Option<Box<RawValue>>,
    /// Where it stands in the queue; null unless it is queued.
    pub(crate) place: Option<PlaceOut>,
}

/// One try of a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptOut {
    pub(crate) number: u32,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    /// `done`, `retry`, `dead` or `lost`.
    pub(crate) ending: &'static str,
    /// The receiver's HTTP status.
    pub(crate) status: Option<u32>,
    pub(crate) detail: String,
}

impl From<Attempt> for AttemptOut {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: attempt.started.to_string(),
            ended_at: attempt.ended.to_string(),
            ending: attempt.ending.as_str(),
            status: attempt.status,
            detail: attempt.detail,
        }
    }
}

/// Where a queued job stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceOut {
    /// Jobs that come before it: those of the tenant that are due earlier; of its lane, if it waits for that; the one that holds
    /// it.
    pub(crate) ahead: i64,
    /// When it may start at the earliest; null if that is up to another job.
    pub(crate) expected_at: Option<String>,
    /// Why it does not run: `time`, it is not yet due; `turn`, it is; `job`, another job holds it; `dead_job`, one that was given up
    /// does; `lane`, its lane is full; `tenant`, as many jobs of the tenant run as may; `suspended`.
    pub(crate) why: &'static str,
    /// The same in words, with what to do about it.
    pub(crate) message: String,
}

impl From<Place> for PlaceOut {
    fn from(place: Place) -> Self {
        Self {
            ahead: place.ahead,
            expected_at: place.expected.map(|expected| expected.to_string()),
            why: place.why.as_str(),
            message: place.why.to_string(),
        }
    }
}

/// Which jobs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobFilter {
    /// Only those in this state.
    pub(crate) state: Option<String>,
    /// Only those of this kind.
    pub(crate) kind: Option<String>,
    /// Only those of this event.
    pub(crate) event_id: Option<String>,
    /// Only those of this rule.
    pub(crate) rule_id: Option<String>,
    /// Only those that another job holds (`true`), or none does (`false`).
    #[param(value_type = Option<bool>)]
    pub(crate) held: Option<String>,
}

/// Which dead jobs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadFilter {
    /// Only those of this kind.
    pub(crate) kind: Option<String>,
}

/// Which dead jobs to try again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedriveIn {
    /// Only those of this kind.
    pub(crate) kind: Option<String>,
    /// Count only: nothing is changed unless this is false.
    #[serde(default = "yes")]
    pub(crate) dry_run: bool,
}

const fn yes() -> bool {
    true
}

/// What a redrive did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RedriveOut {
    /// Whether it was only counted.
    pub(crate) dry_run: bool,
    /// How many jobs.
    pub(crate) count: i64,
}

/// How many jobs of a kind are in a state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsOut {
    pub(crate) stats: Vec<StatOut>,
}

/// A count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatOut {
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    pub(crate) count: i64,
    /// When the one that is due first was or is due; null if other jobs hold all of them.
    pub(crate) oldest_due_at: Option<String>,
}

impl From<Stats> for StatOut {
    fn from(stats: Stats) -> Self {
        Self {
            kind: stats.kind.as_str(),
            state: stats.state.as_str(),
            count: stats.count,
            oldest_due_at: stats.oldest_due.map(|due| due.to_string()),
        }
    }
}

/// How long a tick may work.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TickIn {
    /// Seconds, 1 to 300; 20 unless said otherwise.
    pub(crate) seconds: Option<u16>,
}

/// What a tick did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TickOut {
    /// Jobs claimed.
    pub(crate) claimed: usize,
    /// Attempts that did what they should.
    pub(crate) done: usize,
    /// Attempts that failed and are tried again.
    pub(crate) retried: usize,
    /// Jobs given up.
    pub(crate) dead: usize,
    /// Lost leases that were taken back.
    pub(crate) lost: usize,
}

impl From<Drained> for TickOut {
    fn from(drained: Drained) -> Self {
        Self {
            claimed: drained.claimed,
            done: drained.done,
            retried: drained.retried,
            dead: drained.dead,
            lost: drained.lost,
        }
    }
}

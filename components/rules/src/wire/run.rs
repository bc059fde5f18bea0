//! Which JSON stands for what came of a rule?

use edge::Problem;
use kernel::{Fields, Instant, Span};
use pipeline::{RuleRun, RunCounts, RunFilter, RunStats};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Which runs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "limit and cursor are read by Paging; here they are told and let in")]
pub(crate) struct RunsQuery {
    /// Only those that stand so: `waiting`, `running`, `done`, `failed`, `cancelled`, `stopped` or `forgotten`.
    state: Option<String>,
    /// Only those of events that came in at or after this instant (RFC 3339).
    since: Option<String>,
    /// Only those of events that came in before this instant (RFC 3339).
    until: Option<String>,
    /// How many to a page: 1 to 200, 50 unless named.
    #[param(value_type = Option<u16>)]
    limit: Option<String>,
    /// Where to go on: from the page before.
    cursor: Option<String>,
}

impl TryFrom<RunsQuery> for RunFilter {
    type Error = Problem;
    fn try_from(query: RunsQuery) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        let state = query.state.and_then(|state| fields.take("state", state.parse()));
        let mut instant = |name: &str, text: Option<String>| -> Option<Instant> {
            text.and_then(|text| fields.take(name, text.parse()))
        };
        let (since, until) = (instant("since", query.since), instant("until", query.until));
        fields.give(Some(Self { state, since, until })).map_err(Problem::fields)
    }
}

/// What came of an event that a rule matched.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunOut {
    /// The event; its trail is at `/api/v1/events/{id}/trace`.
    event_id: String,
    /// When it came in.
    matched_at: String,
    /// The version of the rule that matched: what is done is what that one says.
    rule_version: u32,
    /// `waiting`: nothing has begun. `running`: begun, with more to do. `done`. `failed`: some of it was given up. `stopped`: the
    /// rest waits for what was given up. `cancelled`. `forgotten`: its jobs are no longer kept.
    state: &'static str,
    /// When the first job began; null if none has.
    started_at: Option<String>,
    /// When the last job ended; null while there is more to do.
    ended_at: Option<String>,
    /// The ids of its jobs, in the order in which they were made.
    jobs: Vec<String>,
}

impl From<RuleRun> for RunOut {
    fn from(run: RuleRun) -> Self {
        Self {
            event_id: run.event.to_string(),
            matched_at: run.matched.to_string(),
            rule_version: run.version,
            state: run.state.as_str(),
            started_at: run.started.map(|at| at.to_string()),
            ended_at: run.ended.map(|at| at.to_string()),
            jobs: run.jobs.iter().map(ToString::to_string).collect(),
        }
    }
}

/// How a rule did in a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunCountsOut {
    /// How many events the rule matched.
    matched: u64,
    /// How many events of its present trigger it did not match, at whatever version; null if there were too many to count.
    not_matched: Option<u64>,
    /// How many runs stand in each state; a state that none stands in is left out.
    states: BTreeMap<&'static str, u64>,
    /// Half of the runs that are done took no longer than this, from the event to the end of the last job, in milliseconds.
    p50_ms: Option<i64>,
    /// 19 of 20 took no longer than this.
    p95_ms: Option<i64>,
}

impl From<RunCounts> for RunCountsOut {
    fn from(counts: RunCounts) -> Self {
        let matched = counts.matched();
        Self {
            matched,
            not_matched: counts.events.map(|events| events.saturating_sub(matched)),
            states: counts.states.iter().map(|(state, count)| (state.as_str(), *count)).collect(),
            p50_ms: counts.median.map(Span::as_millis),
            p95_ms: counts.slow.map(Span::as_millis),
        }
    }
}

/// How a rule did lately.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunStatsOut {
    /// Within the last 24 hours.
    day: RunCountsOut,
    /// Within the last seven days.
    week: RunCountsOut,
    /// Whether all runs of the week were counted; else the newest 10,000 were.
    is_whole: bool,
}

impl From<RunStats> for RunStatsOut {
    fn from(stats: RunStats) -> Self {
        Self { day: stats.day.into(), week: stats.week.into(), is_whole: stats.is_whole }
    }
}

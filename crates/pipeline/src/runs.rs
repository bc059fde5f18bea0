//! What came of a rule's matches? Its runs, each with the version that it is pinned to and where it stands, made of what events
//! and jobs say; and how many there were lately, and how long they took.

use crate::store::runs as store;
use db::Db;
use kernel::{Bounded, EventId, Instant, JobId, Page, PageRequest, RuleId, Span};
use rules::{RuleError, service};
use std::{fmt, str::FromStr};

/// The most matches that a page of runs in one state looks through; then it ends, and says where to go on.
pub const LOOKED_THROUGH: i64 = 5_000;
/// The most runs that are counted, the newest first.
pub const COUNTED_RUNS: i64 = 10_000;
/// The most events that are counted.
pub const COUNTED_EVENTS: i64 = 100_000;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunState {
    /// Nothing of it has begun: its time has not come.
    Waiting,
    /// Some of it was begun, and there is more to do.
    Running,
    /// All of it is done.
    Done,
    /// Some of it was given up; nothing waits for that.
    Failed,
    /// It was taken back, or another event took its place.
    Cancelled,
    /// Some of it was given up, and the rest waits until that was tried again.
    Stopped,
    /// Its jobs are no longer kept.
    Forgotten,
}

impl RunState {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Stopped,
        Self::Forgotten,
    ];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Forgotten => "forgotten",
        }
    }
}

/// The text names no state of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownRunState;

impl fmt::Display for UnknownRunState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = RunState::ALL.iter().map(|state| state.as_str()).collect();
        write!(out, "must be one of {}", names.join(", "))
    }
}

impl FromStr for RunState {
    type Err = UnknownRunState;
    fn from_str(text: &str) -> Result<Self, UnknownRunState> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(UnknownRunState)
    }
}

/// What came of one match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRun {
    /// The event that the rule matched.
    pub event: EventId,
    /// When that came in.
    pub matched: Instant,
    /// The version of the rule that matched: what the run does is what that one said.
    pub version: u32,
    /// Where it stands.
    pub state: RunState,
    /// When the first of its jobs was begun.
    pub started: Option<Instant>,
    /// When the last of its jobs ended, if all have.
    pub ended: Option<Instant>,
    /// Its jobs, in the order in which they were made.
    pub jobs: Vec<JobId>,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those that stand so.
    pub state: Option<RunState>,
    /// Only those of events that came in at or after this instant.
    pub since: Option<Instant>,
    /// Only those of events that came in before this instant.
    pub until: Option<Instant>,
}

/// A rule's runs, newest first: one statement. A page of runs in one state may hold fewer than were asked for and still go on:
/// each looks through [`LOOKED_THROUGH`] matches at most.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn runs(
    db: &Db,
    who: &Bounded,
    rule: &RuleId,
    filter: &RunFilter,
    page: &PageRequest,
) -> Result<Page<RuleRun>, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    service::seen_in(&mut scope, who, rule).await?;
    let found = store::list(&mut scope, rule, filter, page).await?;
    let mut cut = Page::cut(found.runs, page, |run| run.event.to_string());
    if cut.next.is_none() && found.has_more {
        cut.next = found.looked_to.as_ref().map(|event| kernel::Cursor::after(event.as_str()));
    }
    Ok(cut)
}

/// How a rule did in a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// How many runs there are in each state that there is.
    pub states: Vec<(RunState, u64)>,
    /// How many events of the rule's present trigger came; `None` if there are more than [`COUNTED_EVENTS`].
    pub events: Option<u64>,
    /// Half of the runs that are done took no longer than this, from the event to the last of their jobs.
    pub median: Option<Span>,
    /// 19 of 20 took no longer than this.
    pub slow: Option<Span>,
}

/// How a rule did lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStats {
    /// Within the last 24 hours.
    pub day: RunCounts,
    /// Within the last seven days.
    pub week: RunCounts,
    /// Whether all runs of the week were counted: else the newest [`COUNTED_RUNS`].
    pub is_whole: bool,
}

impl RunCounts {
    /// How many runs there are.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.states.iter().map(|(_, count)| count).sum()
    }

    fn of(rows: &[store::Count], events: i64) -> Self {
        let mut states: Vec<(RunState, u64)> = Vec::new();
        for row in rows {
            match states.iter_mut().find(|(state, _)| *state == row.state) {
                Some((_, count)) => *count = count.saturating_add(row.count),
                None => states.push((row.state, row.count)),
            }
        }
        states.sort_unstable();
        let mut took: Vec<i64> = rows.iter().flat_map(|row| row.took.iter().copied()).collect();
        took.sort_unstable();
        Self {
            states,
            events: u64::try_from(events).ok().filter(|_| events <= COUNTED_EVENTS),
            median: percentile(&took, 50),
            slow: percentile(&took, 95),
        }
    }
}

/// The least of the values than which so many hundredths are not greater (nearest rank).
fn percentile(sorted: &[i64], hundredths: usize) -> Option<Span> {
    let rank = sorted.len().saturating_mul(hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(rank).map(|millis| Span::millis(*millis))
}

/// How a rule did within the last day and the last week: two statements.
///
/// # Errors
/// [`RuleError::Unknown`], or the database's.
pub async fn run_stats(db: &Db, who: &Bounded, rule: &RuleId) -> Result<RunStats, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let trigger = service::seen_in(&mut scope, who, rule).await?.definition.trigger_id;
    let (day, week) = (who.asked_at() - Span::days(1), who.asked_at() - Span::days(7));
    let rows = store::counts(&mut scope, rule, week, day).await?;
    let events = store::events(&mut scope, &trigger, week, day).await?;
    let counted: u64 = rows.iter().map(|row| row.count).sum();
    let recent: Vec<store::Count> = rows.iter().filter(|row| row.is_recent).cloned().collect();
    Ok(RunStats {
        day: RunCounts::of(&recent, events.day),
        week: RunCounts::of(&rows, events.week),
        is_whole: counted <= COUNTED_RUNS.unsigned_abs(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_there() {
        let of = |values: &[i64], hundredths| percentile(values, hundredths).map(Span::as_millis);
        assert_eq!((of(&[], 50), of(&[7], 50), of(&[7], 95)), (None, Some(7), Some(7)));
        let hundred: Vec<i64> = (1..=100).collect();
        assert_eq!((of(&hundred, 50), of(&hundred, 95)), (Some(50), Some(95)));
        assert_eq!((of(&[1, 2, 3], 50), of(&[1, 2, 3], 95)), (Some(2), Some(3)));
    }
}

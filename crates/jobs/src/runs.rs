//! What may be done with a run, all that an event made of a rule? Its results are read, what has not begun is taken back or gets
//! another time. All functions run inside the caller's transaction, who notes in the audit why.

use crate::{Lane, Run, Step, store::lane, store::order as store};
use db::{DbError, Scope};
use kernel::{Instant, JobId};

/// The jobs of these runs that have ended, with what they left: run by run, in the order of the actions. One statement.
///
/// The jobs that carry a message of theirs are not among them: an action has done what it should when the message is written.
///
/// # Errors
/// [`DbError`].
pub async fn results_of(scope: &mut Scope<'_>, runs: &[Run]) -> Result<Vec<Step>, DbError> {
    if runs.is_empty() { Ok(Vec::new()) } else { store::steps(scope, runs).await }
}

/// Takes back the jobs of these runs that have not begun, and says why; gives their ids. What has begun is left alone, but what
/// it holds does not follow it.
///
/// # Errors
/// [`DbError`].
pub async fn cancel_runs(
    scope: &mut Scope<'_>,
    runs: &[Run],
    reason: &str,
    now: Instant,
) -> Result<Vec<JobId>, DbError> {
    if runs.is_empty() { Ok(Vec::new()) } else { store::cancel_runs(scope, runs, now, reason).await }
}

/// Gives a run another time to start at; false if something of it has begun or all of it has ended: then nothing changes.
///
/// # Errors
/// [`DbError`].
pub async fn reschedule_run(scope: &mut Scope<'_>, run: &Run, due: Instant) -> Result<bool, DbError> {
    store::reschedule(scope, run, due).await
}

/// Gives the queued jobs of a lane another limit: for when whoever set it changed their mind. Those that other jobs hold come to
/// the lane with the limit that they were made with. Tells how many were changed.
///
/// # Errors
/// [`DbError`].
pub async fn limit_lane(scope: &mut Scope<'_>, lane: &Lane) -> Result<usize, DbError> {
    let changed = lane::limit(scope, lane).await?;
    let mut lanes = lane::Lanes::default();
    lanes.add(scope.tenant(), Some(lane));
    lane::let_in(scope, &lanes).await?;
    Ok(changed)
}

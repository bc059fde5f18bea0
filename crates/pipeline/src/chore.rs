//! How do our own long chores run? Step by step: each step is a small transaction, and between two of them others get
//! the lock. A chore that is not done in time goes back into the queue and is taken up where it stopped.

pub(crate) mod backtest;
mod erasure;
mod replay;
mod retention;

pub use retention::lay;
pub(crate) use retention::remembered;

use crate::{
    Works,
    effect::{self, Report},
    removal,
};
use db::{DbError, Tx};
use jobs::{Job, Kind, Leased};
use kernel::{Instant, Span};

/// A chore is put back after so long: well before its lease ends.
const TURN: Span = Span::seconds(20);

/// How far a chore has come by a step.
pub(crate) enum Progress {
    /// There is more to do.
    More,
    /// There is nothing to do before this.
    Later(Instant),
    /// It is done, in words.
    Done(String),
    /// It can never be done.
    Hopeless(String),
}

/// Makes one step of a chore; what came of the chore, if that was the last for now.
///
/// # Errors
/// [`DbError::Locked`]: try again.
pub(crate) async fn step(
    works: &Works<'_>,
    leased: &Leased,
    until: Instant,
) -> Result<Option<Report>, DbError> {
    let now = works.clock.now();
    if now >= until || now >= leased.started + TURN {
        return Ok(Some(Report::unfinished("it goes on another time")));
    }
    let job = &leased.job;
    let call = effect::call_of(works, job, now);
    let progress = match job.kind {
        Kind::Retention => retention::step(works, &call).await,
        Kind::ErasePerson => erasure::step(works, &call, job).await,
        Kind::Backtest => backtest::step(works, &call, job).await,
        Kind::ReplayWebhooks => replay::step(works, &call, job).await,
        Kind::EraseTenant => removal::step(works, &call, job).await,
        Kind::SendNotification
        | Kind::DeliverMessage
        | Kind::HttpRequest
        | Kind::SendWebhook
        | Kind::PublishEvent
        | Kind::ReceiveWebhook
        | Kind::UpdateStatus
        | Kind::CreateTask
        | Kind::Wait
        | Kind::SendLetter => Ok(Progress::Hopeless("this is no chore".to_owned())),
    };
    match progress {
        Ok(Progress::More) => Ok(None),
        Ok(Progress::Later(until)) => Ok(Some(Report::early(until, format!("it goes on at {until}")))),
        Ok(Progress::Done(words)) => Ok(Some(Report::done(words))),
        Ok(Progress::Hopeless(words)) => Ok(Some(Report::hopeless(words))),
        Err(DbError::Locked) => Err(DbError::Locked),
        // One tenant's trouble must not keep the queue of all from going on.
        Err(error) => Ok(Some(Report::failed(format!("a step failed: {error}")))),
    }
}

/// Ends what hangs on the job of a chore that nobody runs any more: else it would count as under way for ever.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn bury(tx: &mut Tx, job: &Job, words: &str, now: Instant) -> Result<(), DbError> {
    backtest::bury(tx, job, words, now).await?;
    replay::bury(tx, job, words, now).await
}

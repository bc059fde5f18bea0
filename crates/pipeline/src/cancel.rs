//! How is a job taken back? With what hangs on it: a delivery that nobody carries any more is failed, and says why.

use crate::{Works, chore, effect, letters};
use db::{Db, DbError, Tx};
use jobs::{Job, JobError, State};
use kernel::{Call, Instant, JobId};

/// Takes back a job that has not ended.
///
/// # Errors
/// [`JobError::Unknown`], [`JobError::Ended`].
pub async fn cancel(db: &Db, call: &Call, id: &JobId) -> Result<Job, JobError> {
    let mut tx = db.begin().await?;
    let outcome = jobs::cancel(&mut tx.scope(call.tenant()), call, id).await;
    let job = match outcome {
        Ok(job) => job,
        Err(fault) => {
            tx.rollback().await?;
            return Err(fault);
        }
    };
    let_go(&mut tx, call, &job, "Its job was cancelled.").await?;
    tx.commit().await?;
    Ok(job)
}

/// Ends what hangs on a job that nobody carries on any more: its delivery is failed, its chore has ended.
///
/// # Errors
/// [`DbError`].
async fn let_go(tx: &mut Tx, call: &Call, job: &Job, words: &str) -> Result<(), DbError> {
    letters::give_up(tx, job, words, call.now).await?;
    chore::bury(tx, job, words, call.now).await?;
    let Some(delivery) = effect::delivery_of(job) else { return Ok(()) };
    let outcome = notifications::Outcome::Failed { words: words.to_owned() };
    let settlement = notifications::Settlement { delivery, outcome, provider_status: None };
    notifications::settle(&mut tx.scope(&job.tenant), call, &[settlement]).await.map(drop)
}

/// What hangs on jobs that died with their lease ends, too.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn bury(works: &Works<'_>, tx: &mut Tx, lost: &[Job], now: Instant) -> Result<(), DbError> {
    for job in lost.iter().filter(|job| job.state == State::Dead) {
        let words = job.last_error.clone().unwrap_or_default();
        let_go(tx, &effect::call_of(works, job, now), job, &words).await?;
    }
    Ok(())
}

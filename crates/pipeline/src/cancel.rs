//! How is a job taken back? With what hangs on it: a delivery that nobody carries any more is failed, and says why.

use crate::{chore, effect, letters};
use db::Db;
use jobs::{Job, JobError};
use kernel::{Call, JobId};

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
    letters::give_up(&mut tx, &job, "Its job was cancelled.", call.now).await?;
    chore::bury(&mut tx, &job, "Its job was cancelled.", call.now).await?;
    if let Some(delivery) = effect::delivery_of(&job) {
        let outcome = notifications::Outcome::Failed { words: "Its job was cancelled.".to_owned() };
        let settlement = notifications::Settlement { delivery, outcome, provider_status: None };
        notifications::settle(&mut tx.scope(call.tenant()), call, &[settlement]).await?;
    }
    tx.commit().await?;
    Ok(job)
}

//! What may be done with jobs that belong together? Whoever lays some, or tries some again, may say what for: then they are counted and
//! taken back together. All functions run inside the caller's transaction.

use crate::{NewJob, queue, store::batch as store};
use db::{DbError, Scope, Tx};
use kernel::{EndpointId, Instant, JobId};
use std::collections::HashSet;

/// What jobs were laid or tried again for. A job belongs to the last that had to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a>(pub &'a str);

/// How the jobs of a batch stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// Queued, and not tried since they are in the batch.
    pub waiting: i64,
    /// Queued after a failure.
    pub again: i64,
    /// Under way.
    pub leased: i64,
    /// Done.
    pub done: i64,
    /// Given up.
    pub dead: i64,
    /// Taken back.
    pub cancelled: i64,
}

/// Dead deliveries to a webhook endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// Where they go.
    pub endpoint: &'a EndpointId,
    /// Those after this id, in the order in which they were made …
    pub after: &'a str,
    /// … and made before then.
    pub until: Instant,
}

impl Again<'_> {
    /// How many there are; `most` if there are more. Tests of an endpoint are none.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn count(&self, scope: &mut Scope<'_>, most: i64) -> Result<i64, DbError> {
        store::dead_count(scope, self, most).await
    }

    /// The first of them, `most` at most.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn first(&self, scope: &mut Scope<'_>, most: i64) -> Result<Vec<JobId>, DbError> {
        store::dead(scope, self, most).await
    }
}

impl Batch<'_> {
    /// Lays jobs of the scope's tenant.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn lay(self, tx: &mut Tx, jobs: &[NewJob], now: Instant) -> Result<(), DbError> {
        let Some(first) = jobs.first() else { return Ok(()) };
        queue::enqueue(&mut tx.all_tenants(), jobs, now).await?;
        let ids: Vec<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
        store::mark(&mut tx.scope(&first.tenant), self.0, &ids).await
    }

    /// Tries dead jobs again, under their ids and with all their attempts before them, each at its time; tells how many.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn redrive(self, scope: &mut Scope<'_>, jobs: &[(JobId, Instant)]) -> Result<usize, DbError> {
        if jobs.is_empty() { Ok(0) } else { store::redrive(scope, self.0, jobs).await }
    }

    /// How its jobs stand.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn counts(self, scope: &mut Scope<'_>) -> Result<BatchCounts, DbError> {
        store::counts(scope, self.0).await
    }

    /// How many of its jobs were not tried since they are in it; `most` if there are more.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn waiting(self, scope: &mut Scope<'_>, most: i64) -> Result<i64, DbError> {
        store::waiting(scope, self.0, most).await
    }

    /// Takes back jobs that were not tried since they are in the batch, `most` at most; tells how many. Those that were dead before are dead
    /// letters again, and can be tried again like any; those that it laid are cancelled.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn take_back(
        self,
        scope: &mut Scope<'_>,
        reason: &str,
        now: Instant,
        most: i64,
    ) -> Result<usize, DbError> {
        store::take_back(scope, self.0, reason, now, most).await
    }
}

/// Those of these events of which something goes or went to a webhook endpoint, whatever came of it. What was taken back before it was tried
/// counts for nothing.
///
/// # Errors
/// [`DbError`].
pub async fn sent_to(
    scope: &mut Scope<'_>,
    endpoint: &EndpointId,
    events: &[&str],
) -> Result<HashSet<String>, DbError> {
    if events.is_empty() { Ok(HashSet::new()) } else { store::sent_to(scope, endpoint, events).await }
}

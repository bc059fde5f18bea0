//! How does a worker take jobs, and how do their outcomes count?
//!
//! A claim leases a batch under one token. An outcome counts only while the job is leased under that token: whoever
//! comes late changes nothing. All functions run inside the caller's transaction.

use crate::{Job, NewJob, Next, store};
use db::{AllTenants, DbError, Scope};
use kernel::{Chance, EventId, Instant, JobId, RuleId, Span, TenantId};

/// How long a lease lasts: longer than the longest effect may take.
pub const LEASE: Span = Span::seconds(30);

/// The token of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease(String);

impl Lease {
    /// A new token.
    #[must_use]
    pub fn new(chance: &dyn Chance) -> Self {
        let mut noise = [0_u8; 16];
        chance.fill(&mut noise);
        Self(format!("{:032x}", u128::from_be_bytes(noise)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job that a worker holds.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The job, its attempt counted.
    pub job: Job,
    /// The token under which its outcome counts.
    pub lease: Lease,
    /// When the attempt began.
    pub started: Instant,
}

/// What came of a leased job.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The job as it was claimed.
    pub leased: Leased,
    /// What follows.
    pub next: Next,
    /// When the attempt ended.
    pub ended: Instant,
    /// The receiver's status, if there was one.
    pub status: Option<u32>,
    /// What happened, in words.
    pub detail: String,
}

/// Puts jobs into the queue; one statement for all. A job that is there already (by its id) stays as it is.
///
/// # Errors
/// [`DbError`].
pub async fn enqueue(all: &mut AllTenants<'_>, jobs: &[NewJob], now: Instant) -> Result<(), DbError> {
    if jobs.is_empty() { Ok(()) } else { store::insert(all, jobs, now).await }
}

/// Leases up to `most` due jobs, round the tenants: each tenant's oldest before any tenant's second-oldest.
///
/// # Errors
/// [`DbError`].
pub async fn claim(
    all: &mut AllTenants<'_>,
    now: Instant,
    lease: &Lease,
    most: u16,
) -> Result<Vec<Leased>, DbError> {
    let jobs = store::claim(all, now, lease.as_str(), now + LEASE, most).await?;
    Ok(jobs.into_iter().map(|job| Leased { job, lease: lease.clone(), started: now }).collect())
}

/// Takes back the jobs whose lease ran out, and gives them as they stand then: queued again, or dead if that was the last
/// attempt.
///
/// # Errors
/// [`DbError`].
pub async fn expire(all: &mut AllTenants<'_>, now: Instant) -> Result<Vec<Job>, DbError> {
    store::expire(all, now).await
}

/// Records attempts and what follows; gives the jobs whose outcome counted.
///
/// # Errors
/// [`DbError`].
pub async fn settle(
    all: &mut AllTenants<'_>,
    settlements: &[Settlement],
) -> Result<Vec<(TenantId, JobId)>, DbError> {
    if settlements.is_empty() { Ok(Vec::new()) } else { store::settle(all, settlements).await }
}

/// When the next queued job is due; `None` if none is queued.
///
/// # Errors
/// [`DbError`].
pub async fn due_next(all: &mut AllTenants<'_>) -> Result<Option<Instant>, DbError> {
    store::due_next(all).await
}

/// Whether a job is due or a lease ran out: a look that takes no lock.
///
/// # Errors
/// [`DbError`].
pub async fn anything(all: &mut AllTenants<'_>, now: Instant) -> Result<bool, DbError> {
    store::anything(all, now).await
}

/// Takes back the jobs of a rule's run for an event that have not begun, with the reason; tells how many.
///
/// # Errors
/// [`DbError`].
pub async fn cancel_run(
    scope: &mut Scope<'_>,
    event: &EventId,
    rule: &RuleId,
    why: &str,
    now: Instant,
) -> Result<usize, DbError> {
    store::cancel_run(scope, event, rule, why, now).await
}

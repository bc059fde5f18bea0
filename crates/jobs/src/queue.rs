//! How does a worker take jobs, and how do their outcomes count?
//!
//! A claim leases a batch under one token. An outcome counts only while the job is leased under that token: whoever
//! comes late changes nothing. Who was held by a job that has ended is let go in the same transaction, and so is who stands
//! next in its lane. All functions run inside the caller's transaction.

use crate::{
    Gated, Job, NewJob, Next, OnError,
    store::{lane, lane::Lanes, order, queue as store},
};
use db::{AllTenants, DbError};
use kernel::{Chance, Instant, JobId, Secret, Span, TenantId};
use std::collections::HashSet;

/// How long a lease lasts: longer than the longest effect may take.
pub const LEASE: Span = Span::seconds(45);

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
    /// What it leaves for those behind it; kept if it has ended.
    pub result: Option<Secret<String>>,
}

/// What became of settlements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// The jobs whose outcome counted.
    pub counted: HashSet<(TenantId, JobId)>,
    /// How many others may run now that could not before, if they are due.
    pub freed: usize,
}

/// Puts jobs into the queue; one statement for all, and one more if some of them run in lanes. A job that is there already (by
/// its id) stays as it is. Whoever holds another one is put in together with it.
///
/// # Errors
/// [`DbError`].
pub async fn enqueue(all: &mut AllTenants<'_>, jobs: &[NewJob], now: Instant) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    store::insert(all, jobs, now).await?;
    let mut lanes = Lanes::default();
    for job in jobs {
        lanes.add(&job.tenant, job.terms.lane.as_ref());
    }
    lane::let_in_all(all, &lanes).await.map(drop)
}

/// Leases up to `most` due jobs that wait for nothing, round the tenants: each tenant's oldest before any tenant's second-oldest,
/// and none of a tenant that has as many leased as it may.
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

/// Writes down what late jobs came to, now that it is known: what is tried again is the same. For jobs that were claimed in
/// this transaction.
///
/// # Errors
/// [`DbError`].
pub async fn rendered(all: &mut AllTenants<'_>, jobs: &[&Job]) -> Result<(), DbError> {
    if jobs.is_empty() { Ok(()) } else { store::render(all, jobs).await }
}

/// Takes back the jobs whose lease ran out, and gives them as they stand then: queued again, or dead if that was the last
/// attempt.
///
/// # Errors
/// [`DbError`].
pub async fn expire(all: &mut AllTenants<'_>, now: Instant) -> Result<Vec<Job>, DbError> {
    let jobs = store::expire(all, now).await?;
    let mut lanes = Lanes::default();
    let mut gone = Vec::new();
    for job in &jobs {
        lanes.add(&job.tenant, job.lane.as_ref());
        if job.ended.is_some() && lets_go(job, Next::Dead) {
            gone.push((job, now));
        }
    }
    order::release(all, &gone, &mut lanes).await?;
    lane::let_in_all(all, &lanes).await?;
    Ok(jobs)
}

/// Records attempts and what follows, lets go whom the jobs held, and lets in who stands next in their lanes.
///
/// # Errors
/// [`DbError`].
pub async fn settle(all: &mut AllTenants<'_>, settlements: &[Settlement]) -> Result<Settled, DbError> {
    if settlements.is_empty() {
        return Ok(Settled::default());
    }
    let counted = store::settle(all, settlements).await?;
    let mut lanes = Lanes::default();
    let mut gone = Vec::new();
    for one in settlements {
        let job = &one.leased.job;
        if (job.lane.is_none() && !job.is_followed)
            || !counted.contains(&(job.tenant.clone(), job.id.clone()))
        {
            continue;
        }
        lanes.add(&job.tenant, job.lane.as_ref());
        if lets_go(job, one.next) {
            gone.push((job, one.ended));
        }
    }
    let mut freed = order::release(all, &gone, &mut lanes).await?;
    freed = freed.saturating_add(lane::let_in_all(all, &lanes).await?);
    Ok(Settled { counted, freed })
}

/// Sets how many lanes let in; whoever has their turn then is let in at once, and whoever has it no longer waits. Tells how many
/// were let in.
///
/// # Errors
/// [`DbError`].
pub async fn gate(all: &mut AllTenants<'_>, gates: &[Gated]) -> Result<usize, DbError> {
    lane::gate(all, gates).await
}

/// Opens the lanes that were shut until now.
///
/// # Errors
/// [`DbError`].
pub async fn resume(all: &mut AllTenants<'_>, now: Instant) -> Result<usize, DbError> {
    lane::resume(all, now).await
}

/// Puts claimed jobs back as if they had not been claimed, because their turn was none: no attempt is counted. Each comes again
/// at the instant beside it, or as soon as its lane lets it in.
///
/// # Errors
/// [`DbError`].
pub async fn put_back(all: &mut AllTenants<'_>, leased: &[(Leased, Option<Instant>)]) -> Result<(), DbError> {
    if leased.is_empty() {
        return Ok(());
    }
    store::put_back(all, leased).await?;
    let mut lanes = Lanes::default();
    for (one, _) in leased {
        lanes.add(&one.job.tenant, one.job.lane.as_ref());
    }
    lane::let_in_all(all, &lanes).await.map(drop)
}

/// Whether those that a job holds go on.
fn lets_go(job: &Job, next: Next) -> bool {
    let goes_on = match next {
        Next::Done => true,
        Next::Dead => job.on_error == OnError::Continue,
        Next::Later(_) | Next::Again(_) => false,
    };
    goes_on && job.is_followed
}

/// Whether a job may be claimed or a lease ran out: a look that takes no lock.
///
/// # Errors
/// [`DbError`].
pub async fn anything(all: &mut AllTenants<'_>, now: Instant) -> Result<bool, DbError> {
    store::anything(all, now).await
}

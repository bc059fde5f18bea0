//! Where does a queued job stand, and why does it not run yet?

use crate::{
    Job, JobError, State, Waits,
    store::{job as store, lane},
};
use db::Db;
use kernel::{Call, Instant, JobId};

/// Where a queued job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Jobs that come before it: of its lane, if it waits for that; of the tenant, if its time has come or will; the one that
    /// holds it.
    pub ahead: i64,
    /// When it may start at the earliest; `None` if that is up to another job.
    pub expected: Option<Instant>,
    /// Why it does not run.
    pub why: Why,
}

/// Why a queued job does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The tenant is suspended.
    Suspended,
    /// Another job has not ended.
    Job(JobId),
    /// Another job was given up, and says that those behind it stop.
    DeadJob(JobId),
    /// As many of its lane run as may, or others of it come first.
    Lane {
        /// The lane's name.
        lane: String,
        /// So many run, or are about to.
        running: i64,
        /// So many may.
        limit: u32,
    },
    /// It is not yet due.
    Time,
    /// As many jobs of the tenant run as may at a time.
    Tenant {
        /// So many may.
        limit: i64,
    },
    /// Nothing but its turn.
    Turn,
}

impl Why {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Job(_) => "job",
            Self::DeadJob(_) => "dead_job",
            Self::Lane { .. } => "lane",
            Self::Time => "time",
            Self::Tenant { .. } => "tenant",
            Self::Turn => "turn",
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Suspended => out.write_str("The tenant is suspended; its jobs wait."),
            Self::Job(id) => write!(out, "It starts when {id} has ended."),
            Self::DeadJob(id) => write!(
                out,
                "{id}, which comes before it, was given up, and its on_error is stop. Retry that one, and this one follows; or \
                 retry this one, to go on without it."
            ),
            Self::Lane { lane, running, limit } => {
                write!(
                    out,
                    "Of its lane {lane} no more than {limit} run at a time, and {running} do or are about to."
                )
            }
            Self::Time => out.write_str("It is not yet due."),
            Self::Tenant { limit } => {
                write!(out, "{limit} jobs of the tenant run, as many as may at a time (limits.jobs_at_once).")
            }
            Self::Turn => out.write_str("It is due and runs as soon as it has its turn."),
        }
    }
}

/// Where a queued job stands; `None` if it is not queued.
///
/// # Errors
/// [`JobError::Db`].
pub async fn place(db: &Db, call: &Call, job: &Job) -> Result<Option<Place>, JobError> {
    if job.state != State::Queued {
        return Ok(None);
    }
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let Some(tenant) = store::ahead(&mut scope, job.due).await? else { return Ok(None) };
    let due = job.due.unwrap_or(call.now);
    let mut place = Place { ahead: tenant.jobs, expected: Some(due.max(call.now)), why: Why::Turn };
    match (&job.waits, &job.lane) {
        (Some(Waits::Job { id, state }), _) => {
            let id = id.clone();
            let why = if *state == State::Dead { Why::DeadJob(id) } else { Why::Job(id) };
            place = Place { ahead: 1, expected: None, why };
        }
        (Some(Waits::Lane), Some(lane)) if due <= call.now => {
            if let Some(before) = lane::before(&mut scope, lane, job).await? {
                let (lane, limit) = (lane.name().to_owned(), lane.limit());
                let why = Why::Lane { lane, running: before.let_in, limit };
                place = Place { ahead: before.let_in.saturating_add(before.ahead), why, ..place };
            }
        }
        (Some(Waits::Lane) | None, _) if due > call.now => place.why = Why::Time,
        (Some(Waits::Lane) | None, _) if tenant.running >= tenant.at_once => {
            place.why = Why::Tenant { limit: tenant.at_once };
        }
        (Some(Waits::Lane) | None, _) => {}
    }
    if !tenant.active {
        place.why = Why::Suspended;
    }
    Ok(Some(place))
}

//! How much waits, and since when? Over all tenants, for the operator's gauges; cheap however many jobs there are.

use crate::{Kind, State, store::backlog as store};
use db::{AllTenants, DbError};
use kernel::Instant;

/// The most jobs of one state that are counted; there may be more.
pub const COUNTED: i64 = 20_000;

/// How many jobs of a kind are in a state that is not their end, or are dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// What they do.
    pub kind: Kind,
    /// Queued, leased or dead.
    pub state: State,
    /// How many, counted up to [`COUNTED`] per state.
    pub count: i64,
    /// How many of them failed before.
    pub again: i64,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Counts by kind and state; a pair without jobs is missing.
    pub open: Vec<Open>,
    /// Since when the job is due that is due longest, of the tenants that are not suspended.
    pub oldest_due: Option<Instant>,
    /// When the oldest dead letter was made as a job.
    pub oldest_dead: Option<Instant>,
    /// How many queued jobs another job holds, counted up to [`COUNTED`]; they are not among the open.
    pub held: i64,
    /// How many queued jobs wait for others of their lane, counted up to [`COUNTED`]; they are not among the open.
    pub in_line: i64,
    /// How many jobs were ever made.
    pub made: i64,
}

/// What waits at this moment; three statements.
///
/// # Errors
/// [`DbError`].
pub async fn backlog(all: &mut AllTenants<'_>) -> Result<Backlog, DbError> {
    let open = store::open(all, COUNTED).await?;
    let oldest = store::oldest(all).await?;
    let (oldest_due, oldest_dead, made) =
        oldest.map_or((None, None, 0), |oldest| (oldest.due, oldest.dead, oldest.made));
    let waiting = store::waiting(all, COUNTED).await?;
    let (held, in_line) = waiting.map_or((0, 0), |waiting| (waiting.held, waiting.in_line));
    Ok(Backlog { open, oldest_due, oldest_dead, held, in_line, made })
}

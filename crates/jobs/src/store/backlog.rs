//! How much waits, over all tenants? Gauges that cost little however much there is.

use crate::Open;
use db::{AllTenants, DbError, Decode, Row};
use kernel::Instant;

// What has ended well is not counted, and of the rest no more than ?1 rows of a state are looked at.
const OPEN: &str = "SELECT kind, state, COUNT(*) AS n, SUM(failures > 0) AS again FROM (
        SELECT * FROM (SELECT kind, 'queued' AS state, failures FROM jobs WHERE state = 'queued' AND waits_for = 'time'
            ORDER BY due_at LIMIT ?1)
        UNION ALL
        SELECT * FROM (SELECT kind, 'leased' AS state, failures FROM jobs WHERE state = 'leased' ORDER BY leased_until LIMIT ?1)
        UNION ALL
        SELECT * FROM (SELECT kind, 'dead' AS state, failures FROM jobs WHERE state = 'dead' ORDER BY tenant_id, job_id LIMIT ?1))
    GROUP BY kind, state ORDER BY kind, state";
// One look into an index per tenant. A suspended tenant's jobs wait on purpose, and so do those that wait for others.
const OLDEST: &str = "SELECT
        MIN((SELECT due_at FROM jobs WHERE jobs.tenant_id = tenants.tenant_id AND jobs.state = 'queued'
            AND jobs.waits_for = 'time' ORDER BY due_at LIMIT 1)) FILTER (WHERE tenants.state = 'active') AS due,
        MIN((SELECT created_at FROM jobs WHERE jobs.tenant_id = tenants.tenant_id AND jobs.state = 'dead'
            ORDER BY job_id LIMIT 1)) AS dead,
        (SELECT COALESCE(MAX(rowid), 0) FROM jobs) AS made
    FROM tenants";
const WAITING: &str = "SELECT
        (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE held_by IS NOT NULL LIMIT ?1)) AS held,
        (SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE waits_for = 'lane' LIMIT ?1)) AS in_line";

impl Decode for Open {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            kind: row.parse("kind")?,
            state: row.parse("state")?,
            count: row.get("n")?,
            again: row.get("again")?,
        })
    }
}

/// Since when the oldest wait, and how many jobs there ever were.
pub(crate) struct Oldest {
    pub(crate) due: Option<Instant>,
    pub(crate) dead: Option<Instant>,
    pub(crate) made: i64,
}

impl Decode for Oldest {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { due: row.get("due")?, dead: row.get("dead")?, made: row.get("made")? })
    }
}

/// How many wait for others.
pub(crate) struct Waiting {
    pub(crate) held: i64,
    pub(crate) in_line: i64,
}

impl Decode for Waiting {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { held: row.get("held")?, in_line: row.get("in_line")? })
    }
}

pub(crate) async fn open(all: &mut AllTenants<'_>, most: i64) -> Result<Vec<Open>, DbError> {
    all.all(OPEN, [most.into()]).await
}

pub(crate) async fn oldest(all: &mut AllTenants<'_>) -> Result<Option<Oldest>, DbError> {
    all.one(OLDEST, []).await
}

pub(crate) async fn waiting(all: &mut AllTenants<'_>, most: i64) -> Result<Option<Waiting>, DbError> {
    all.one(WAITING, [most.into()]).await
}

#[cfg(test)]
pub(super) const STATEMENTS: &[(&str, &str)] = &[("GAUGES", OPEN), ("GAUGES", OLDEST), ("WAITING", WAITING)];

//! The table `login_attempts`. It belongs to no tenant: what is counted may not exist.

use crate::attempt::{MEMORY, Subject, Tries};
use db::{AllTenants, DbError, Decode, Row, Value};
use kernel::Instant;

const GET: &str = "SELECT tries, blocked_until, last_at FROM login_attempts WHERE subject = ?1";
const PUT: &str =
    "INSERT INTO login_attempts (subject, tries, blocked_until, last_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (subject) DO UPDATE SET tries = ?2, blocked_until = ?3, last_at = ?4";
const FORGET_OLD: &str = "DELETE FROM login_attempts WHERE subject IN
    (SELECT subject FROM login_attempts WHERE last_at <= ?1 ORDER BY last_at LIMIT 20)";
const TAKE_BACK: &str = "UPDATE login_attempts SET tries = max(tries - 1, 1), blocked_until = min(blocked_until, ?2) WHERE subject = ?1";
const CLEAR: &str = "DELETE FROM login_attempts WHERE subject IN (?1, ?2)";

impl Decode for Tries {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            count: row.get("tries")?,
            blocked_until: row.get("blocked_until")?,
            last_at: row.get("last_at")?,
        })
    }
}

fn blob(subject: &Subject) -> Value {
    Value::Blob(subject.hash.to_vec())
}

pub(crate) async fn get(all: &mut AllTenants<'_>, subject: &Subject) -> Result<Option<Tries>, DbError> {
    all.one(GET, [blob(subject)]).await
}

pub(crate) async fn put(all: &mut AllTenants<'_>, subject: &Subject, tries: Tries) -> Result<(), DbError> {
    let parameters = [blob(subject), tries.count.into(), tries.blocked_until.into(), tries.last_at.into()];
    all.run_for_effect(PUT, parameters).await.map(drop)
}

/// Forgets a few subjects that nobody tried for long.
pub(crate) async fn forget_old(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    all.run_for_effect(FORGET_OLD, [(now - MEMORY).into()]).await.map(drop)
}

/// Takes one try out again that turned out to be right.
pub(crate) async fn take_back(
    all: &mut AllTenants<'_>,
    subject: &Subject,
    now: Instant,
) -> Result<(), DbError> {
    all.run_for_effect(TAKE_BACK, [blob(subject), now.into()]).await.map(drop)
}

/// Forgets the tries of somebody who got it right.
pub(crate) async fn clear(all: &mut AllTenants<'_>, subjects: &[Subject; 2]) -> Result<(), DbError> {
    let [near, far] = subjects;
    all.run_for_effect(CLEAR, [blob(near), blob(far)]).await.map(drop)
}

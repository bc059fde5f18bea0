//! The table `password_history`: hashes of earlier passwords.

use db::{DbError, Scope};
use kernel::{Instant, UserId};

const LIST: &str = "SELECT hash AS id FROM password_history WHERE tenant_id = ?1 AND user_id = ?2
    ORDER BY number DESC LIMIT ?3";
const INSERT: &str = "INSERT INTO password_history (tenant_id, user_id, number, hash, retired_at)
    SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, ?3, ?4 FROM password_history WHERE tenant_id = ?1 AND user_id = ?2";
const TRIM: &str = "DELETE FROM password_history WHERE tenant_id = ?1 AND user_id = ?2 AND number NOT IN
    (SELECT number FROM password_history WHERE tenant_id = ?1 AND user_id = ?2 ORDER BY number DESC LIMIT ?3)";

/// The hashes of the last `most` earlier passwords, newest first.
pub(crate) async fn list(scope: &mut Scope<'_>, user: &UserId, most: u32) -> Result<Vec<String>, DbError> {
    scope.all(LIST, [user.into(), most.into()]).await
}

/// Keeps the hash of a password that is one no more, and no more than `most` of them.
pub(crate) async fn retire(
    scope: &mut Scope<'_>,
    user: &UserId,
    hash: &str,
    most: u32,
    now: Instant,
) -> Result<(), DbError> {
    if most > 0 {
        scope.run_for_effect(INSERT, [user.into(), hash.into(), now.into()]).await?;
    }
    scope.run_for_effect(TRIM, [user.into(), most.into()]).await.map(drop)
}

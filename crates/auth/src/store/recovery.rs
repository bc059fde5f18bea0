//! The table `recovery_codes`.

use super::blob;
use crate::digest::Digest;
use db::{DbError, Scope};
use kernel::{Instant, UserId};

const DELETE: &str =
    "DELETE FROM recovery_codes WHERE tenant_id = ?1 AND user_id = ?2 RETURNING user_id AS id";
const INSERT: &str =
    "INSERT INTO recovery_codes (tenant_id, user_id, hash, created_at) VALUES (?1, ?2, ?3, ?4)";
const USE: &str = "UPDATE recovery_codes SET used_at = ?4
    WHERE tenant_id = ?1 AND user_id = ?2 AND hash = ?3 AND used_at IS NULL RETURNING user_id AS id";

/// Puts new codes in the place of all that there were.
pub(crate) async fn replace(
    scope: &mut Scope<'_>,
    user: &UserId,
    hashes: &[Digest],
    now: Instant,
) -> Result<(), DbError> {
    delete(scope, user).await?;
    for hash in hashes {
        scope.run_for_effect(INSERT, [user.into(), blob(hash), now.into()]).await?;
    }
    Ok(())
}

/// Uses up a code; false if there is no such code, or it was used before.
pub(crate) async fn use_code(
    scope: &mut Scope<'_>,
    user: &UserId,
    hash: &Digest,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(USE, [user.into(), blob(hash), now.into()]).await? == 1)
}

/// Forgets all codes of a user.
pub(crate) async fn delete(scope: &mut Scope<'_>, user: &UserId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [user.into()]).await.map(drop)
}

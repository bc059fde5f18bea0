//! The table `revoked_tokens`: access tokens of clients that ended before their time.

use db::{DbError, Scope};
use kernel::Instant;

const PUT: &str = "INSERT INTO revoked_tokens (tenant_id, jti, expires_at) VALUES (?1, ?2, ?3)
    ON CONFLICT DO NOTHING RETURNING jti AS id";
const FORGET: &str = "DELETE FROM revoked_tokens WHERE tenant_id = ?1 AND expires_at <= ?2";

/// Revokes the token whose own id is `token`; false if it was revoked before. Those that ended by themselves are forgotten.
pub(crate) async fn put(
    scope: &mut Scope<'_>,
    token: &str,
    ends: Instant,
    now: Instant,
) -> Result<bool, DbError> {
    scope.run_for_effect(FORGET, [now.into()]).await?;
    Ok(scope.run_for_effect(PUT, [token.into(), ends.into()]).await? == 1)
}

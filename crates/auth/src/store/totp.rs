//! The table `totp_factors`.

use db::{DbError, Decode, Row, Scope};
use kernel::{Instant, TenantId, UserId};

const PUT_PENDING: &str = "INSERT INTO totp_factors (tenant_id, user_id, state, sealed, created_at)
    VALUES (?1, ?2, 'pending', ?3, ?4)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET sealed = ?3, created_at = ?4 WHERE state = 'pending'
    RETURNING user_id AS id";
const GET: &str = "SELECT state = 'confirmed' AS confirmed, sealed, last_step FROM totp_factors
    WHERE tenant_id = ?1 AND user_id = ?2";
const CONFIRM: &str = "UPDATE totp_factors SET state = 'confirmed', last_step = ?3, confirmed_at = ?4
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'pending' RETURNING user_id AS id";
const USE_STEP: &str = "UPDATE totp_factors SET last_step = ?3
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'confirmed' AND last_step < ?3 RETURNING user_id AS id";
const DELETE: &str = "DELETE FROM totp_factors WHERE tenant_id = ?1 AND user_id = ?2 RETURNING state AS id";

/// The place that a seed is sealed for.
pub(crate) fn place(tenant: &TenantId, user: &UserId) -> String {
    format!("{tenant}/totp_factors/{user}")
}

/// An authenticator app.
pub(crate) struct Kept {
    pub(crate) confirmed: bool,
    pub(crate) sealed: Vec<u8>,
    pub(crate) last_step: Option<i64>,
}

impl Decode for Kept {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            confirmed: row.get("confirmed")?,
            sealed: row.get("sealed")?,
            last_step: row.get("last_step")?,
        })
    }
}

/// Keeps a new seed until its first code comes; false if one is confirmed already.
pub(crate) async fn put_pending(
    scope: &mut Scope<'_>,
    user: &UserId,
    sealed: Vec<u8>,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(PUT_PENDING, [user.into(), sealed.into(), now.into()]).await? == 1)
}

pub(crate) async fn get(scope: &mut Scope<'_>, user: &UserId) -> Result<Option<Kept>, DbError> {
    scope.one(GET, [user.into()]).await
}

/// The first code came: the app counts from now on. False if none waits.
pub(crate) async fn confirm(
    scope: &mut Scope<'_>,
    user: &UserId,
    step: i64,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(CONFIRM, [user.into(), step.into(), now.into()]).await? == 1)
}

/// Uses up a time step; false if it, or a later one, was used before.
pub(crate) async fn use_step(scope: &mut Scope<'_>, user: &UserId, step: i64) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(USE_STEP, [user.into(), step.into()]).await? == 1)
}

/// Forgets the app; false if there is none.
pub(crate) async fn delete(scope: &mut Scope<'_>, user: &UserId) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(DELETE, [user.into()]).await? == 1)
}

/// Seeds, for when the key that seals them is turned.
pub(crate) const SEALED: vault::Column = vault::Column {
    table: "totp_factors",
    pick: "SELECT tenant_id, user_id AS id, tenant_id || '/totp_factors/' || user_id AS place, sealed FROM totp_factors
        WHERE (tenant_id, user_id) > (?1, ?2) AND substr(sealed, 1, length(?3)) <> ?3
        ORDER BY tenant_id, user_id LIMIT ?4",
    put: "UPDATE totp_factors SET sealed = ?3 WHERE tenant_id = ?1 AND user_id = ?2 AND sealed = ?4
        RETURNING user_id AS id",
    count: "SELECT COUNT(*) AS n FROM totp_factors WHERE substr(sealed, 1, length(?1)) <> ?1",
};

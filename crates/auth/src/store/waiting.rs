//! The table `waiting_logins`.

use super::{blob, digest};
use crate::{digest::Digest, waiting::WaitingLogin};
use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::{Instant, UserId};

const INSERT: &str =
    "INSERT INTO waiting_logins (tenant_id, hash, user_id, methods, cookie, bound, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const GET: &str = "SELECT user_id, methods, cookie, bound, tries, expires_at FROM waiting_logins
    WHERE tenant_id = ?1 AND hash = ?2";
const FAIL: &str = "UPDATE waiting_logins SET tries = tries + 1 WHERE tenant_id = ?1 AND hash = ?2";
const DELETE: &str = "DELETE FROM waiting_logins WHERE tenant_id = ?1 AND hash = ?2 RETURNING user_id AS id";
const DELETE_ALL: &str = "DELETE FROM waiting_logins WHERE tenant_id = ?1 AND user_id = ?2";
const FORGET_OLD: &str = "DELETE FROM waiting_logins WHERE (tenant_id, hash) IN
    (SELECT tenant_id, hash FROM waiting_logins WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 20)";

impl Decode for WaitingLogin {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            user: row.parse("user_id")?,
            methods: row.parse("methods")?,
            cookie: row.get("cookie")?,
            bound: digest(row, "bound")?,
            tries: row.get("tries")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    hash: &Digest,
    login: &WaitingLogin,
) -> Result<(), DbError> {
    let parameters = [
        blob(hash),
        (&login.user).into(),
        login.methods.to_string().into(),
        login.cookie.into(),
        blob(&login.bound),
        login.expires_at.into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, hash: &Digest) -> Result<Option<WaitingLogin>, DbError> {
    scope.one(GET, [blob(hash)]).await
}

/// Counts a wrong factor.
pub(crate) async fn fail(scope: &mut Scope<'_>, hash: &Digest) -> Result<(), DbError> {
    scope.run_for_effect(FAIL, [blob(hash)]).await.map(drop)
}

/// Ends the waiting; false if somebody else did.
pub(crate) async fn delete(scope: &mut Scope<'_>, hash: &Digest) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(DELETE, [blob(hash)]).await? == 1)
}

/// Ends all logins of a user that wait.
pub(crate) async fn delete_all(scope: &mut Scope<'_>, user: &UserId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE_ALL, [user.into()]).await.map(drop)
}

/// Forgets a few logins whose time is over.
pub(crate) async fn forget_old(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    all.run_for_effect(FORGET_OLD, [now.into()]).await.map(drop)
}

//! Where a person stands in several tenants: `users` by their address.

use crate::{Email, Membership};
use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::{Instant, SessionId, UserId};

const PROVED_AT: &str = "SELECT address_proved_at FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const PROVE: &str =
    "UPDATE users SET address_proved_at = ?3 WHERE tenant_id = ?1 AND user_id = ?2 AND email = ?4";
const DISPROVE: &str = "UPDATE users SET address_proved_at = NULL WHERE tenant_id = ?1 AND user_id = ?2";
const FIND: &str = "SELECT user_id AS id FROM users
    WHERE tenant_id = ?1 AND email = ?2 AND state = 'active' AND address_proved_at IS NOT NULL";
const MEMBERSHIPS: &str = "SELECT t.tenant_id, t.name,
    (SELECT json_group_array(r.name) FROM role_bindings AS b
        JOIN roles AS r ON r.tenant_id = b.tenant_id AND r.role_id = b.role_id
        WHERE b.tenant_id = u.tenant_id AND b.user_id = u.user_id) AS roles
    FROM users AS u JOIN tenants AS t ON t.tenant_id = u.tenant_id
    WHERE u.email = ?1 AND u.state = 'active' AND (u.tenant_id = ?2 OR (?3 AND u.address_proved_at IS NOT NULL))
        AND t.deleting_at IS NULL
    ORDER BY u.tenant_id LIMIT 200";
const INHERIT: &str =
    "UPDATE sessions SET confirmed_at = min(confirmed_at, ?3), expires_at = min(expires_at, ?4)
    WHERE tenant_id = ?1 AND session_id = ?2";

/// One column that may be null.
struct ProvedAt(Option<Instant>);

impl Decode for ProvedAt {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("address_proved_at").map(Self)
    }
}

impl Decode for Membership {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let roles: String = row.get("roles")?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            name: row.get("name")?,
            roles: serde_json::from_str(&roles).map_err(|_| row.surprise("roles", "names of roles"))?,
        })
    }
}

/// Since when nobody but the owner of the user's address can know the password.
pub(crate) async fn proved_at(scope: &mut Scope<'_>, user: &UserId) -> Result<Option<Instant>, DbError> {
    Ok(scope.one::<ProvedAt>(PROVED_AT, [user.into()]).await?.and_then(|row| row.0))
}

/// Notes that the user's password was chosen just now by somebody who had a letter to this address in hand. Not for a link that
/// was handed over by somebody else, nor for one that only confirms an address.
pub(crate) async fn prove(
    scope: &mut Scope<'_>,
    user: &UserId,
    email: &Email,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(PROVE, [user.into(), now.into(), email.as_str().into()]).await.map(drop)
}

/// Forgets that: the address is another one now.
pub(crate) async fn disprove(scope: &mut Scope<'_>, user: &UserId) -> Result<(), DbError> {
    scope.run_for_effect(DISPROVE, [user.into()]).await.map(drop)
}

/// The active user with this address, proved to be theirs.
pub(crate) async fn find(scope: &mut Scope<'_>, email: &Email) -> Result<Option<String>, DbError> {
    scope.one(FIND, [email.as_str().into()]).await
}

/// The tenants in which this address is somebody's: of the others than `here` only those where it was proved, and none of
/// them unless `everywhere`.
pub(crate) async fn memberships(
    all: &mut AllTenants<'_>,
    email: &Email,
    here: &str,
    everywhere: bool,
) -> Result<Vec<Membership>, DbError> {
    all.all(MEMBERSHIPS, [email.as_str().into(), here.into(), everywhere.into()]).await
}

/// Makes a session no fresher, and no longer, than the one that it came from.
pub(crate) async fn inherit(
    scope: &mut Scope<'_>,
    session: &SessionId,
    confirmed_at: Instant,
    expires_at: Instant,
) -> Result<(), DbError> {
    let parameters = [session.into(), confirmed_at.into(), expires_at.into()];
    scope.run_for_effect(INHERIT, parameters).await.map(drop)
}

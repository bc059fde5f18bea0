//! The table `role_bindings`.

use crate::{Binding, role::MOST_BINDINGS};
use db::{DbError, Decode, Row, Scope};
use kernel::{Instant, PageRequest, Reach, RoleId, UserId};

const LIST: &str =
    "SELECT b.user_id, b.role_id, r.name AS role_name, b.scope, b.created_at FROM role_bindings AS b
    JOIN roles AS r ON r.tenant_id = ?1 AND r.role_id = b.role_id
    WHERE b.tenant_id = ?1 AND (b.user_id, b.role_id, b.scope) > (?2, ?3, ?4)
        AND (?5 IS NULL OR b.user_id = ?5) AND (?6 IS NULL OR b.role_id = ?6)
    ORDER BY b.user_id, b.role_id, b.scope LIMIT ?7";
const BIND: &str =
    "INSERT INTO role_bindings (tenant_id, user_id, role_id, scope, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING RETURNING role_id AS id";
const UNBIND: &str =
    "DELETE FROM role_bindings WHERE tenant_id = ?1 AND user_id = ?2 AND role_id = ?3 AND scope = ?4
    RETURNING role_id AS id";
const OF_USER: &str = "SELECT COUNT(*) < ?3 AS n FROM role_bindings WHERE tenant_id = ?1 AND user_id = ?2";
const OF_ROLE: &str = "SELECT COUNT(*) AS n FROM role_bindings WHERE tenant_id = ?1 AND role_id = ?2";
const OTHER_OWNERS: &str = "SELECT COUNT(*) AS n FROM roles AS r
    JOIN role_bindings AS b ON b.tenant_id = ?1 AND b.role_id = r.role_id AND b.scope = '*'
    JOIN users AS u ON u.tenant_id = ?1 AND u.user_id = b.user_id
    WHERE r.tenant_id = ?1 AND r.built_in = 'owner' AND u.state = 'active' AND u.user_id <> ?2";

impl Decode for Binding {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            user: row.parse("user_id")?,
            role: row.parse("role_id")?,
            role_name: row.get("role_name")?,
            reach: row.parse("scope")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// The tenant's bindings in the order of their keys, `after` this one.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    user: Option<&UserId>,
    role: Option<&RoleId>,
    after: [&str; 3],
    page: &PageRequest,
) -> Result<Vec<Binding>, DbError> {
    let [last_user, last_role, last_scope] = after;
    let parameters = [
        last_user.into(),
        last_role.into(),
        last_scope.into(),
        user.into(),
        role.into(),
        page.probe().into(),
    ];
    scope.all(LIST, parameters).await
}

/// Binds a role; false if it was bound before.
pub(crate) async fn bind(
    scope: &mut Scope<'_>,
    user: &UserId,
    role: &RoleId,
    reach: &Reach,
    now: Instant,
) -> Result<bool, DbError> {
    let parameters = [user.into(), role.into(), reach.to_string().into(), now.into()];
    Ok(scope.run_for_effect(BIND, parameters).await? == 1)
}

/// Takes a role away; false if it was not bound.
pub(crate) async fn unbind(
    scope: &mut Scope<'_>,
    user: &UserId,
    role: &RoleId,
    reach: &Reach,
) -> Result<bool, DbError> {
    let parameters = [user.into(), role.into(), reach.to_string().into()];
    Ok(scope.run_for_effect(UNBIND, parameters).await? == 1)
}

/// Whether the user may have one more.
pub(crate) async fn has_room(scope: &mut Scope<'_>, user: &UserId) -> Result<bool, DbError> {
    Ok(scope.one::<i64>(OF_USER, [user.into(), MOST_BINDINGS.into()]).await? == Some(1))
}

/// How many bindings a role has.
pub(crate) async fn of_role(scope: &mut Scope<'_>, role: &RoleId) -> Result<i64, DbError> {
    Ok(scope.one(OF_ROLE, [role.into()]).await?.unwrap_or(0))
}

/// How many active owners there are beside `user`.
pub(crate) async fn other_owners(scope: &mut Scope<'_>, user: &UserId) -> Result<i64, DbError> {
    Ok(scope.one(OTHER_OWNERS, [user.into()]).await?.unwrap_or(0))
}

//! The tables `roles` and `role_bindings`.

use super::decode_permissions;
use crate::{BuiltIn, Role};
use db::{DbError, Decode, Row, Scope};
use kernel::{Instant, PageRequest, Permissions, RoleId, UserId};
use serde_json::json;

const INSERT: &str = "INSERT INTO roles (tenant_id, role_id, name, built_in, created_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 1, ?3 FROM json_each(?2)";
const LIST: &str = "SELECT role_id, name, built_in, permissions FROM roles
    WHERE tenant_id = ?1 AND role_id > ?2 ORDER BY role_id LIMIT ?3";
const GET: &str =
    "SELECT role_id, name, built_in, permissions FROM roles WHERE tenant_id = ?1 AND role_id = ?2";
const BIND: &str =
    "INSERT INTO role_bindings (tenant_id, user_id, role_id, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING RETURNING role_id AS id";
const UNBIND: &str =
    "DELETE FROM role_bindings WHERE tenant_id = ?1 AND user_id = ?2 AND role_id = ?3 AND scope = '*'
    RETURNING role_id AS id";
const OTHER_OWNERS: &str = "SELECT COUNT(*) AS n FROM roles AS r
    JOIN role_bindings AS b ON b.tenant_id = ?1 AND b.role_id = r.role_id AND b.scope = '*'
    JOIN users AS u ON u.tenant_id = ?1 AND u.user_id = b.user_id
    WHERE r.tenant_id = ?1 AND r.built_in = 'owner' AND u.state = 'active' AND u.user_id <> ?2";

impl Decode for Role {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let built_in: Option<BuiltIn> = row.parse_opt("built_in")?;
        let own: Option<String> = row.get("permissions")?;
        let permissions = permissions_of(built_in, own.as_deref());
        Ok(Self {
            id: row.parse("role_id")?,
            name: row.get("name")?,
            built_in,
            permissions: permissions
                .ok_or_else(|| row.surprise("permissions", "the names of permissions"))?,
        })
    }
}

/// A built-in role's permissions stand in the program, a tenant's own in its row.
pub(super) fn permissions_of(built_in: Option<BuiltIn>, own: Option<&str>) -> Option<Permissions> {
    match (built_in, own) {
        (Some(built_in), _) => Some(built_in.permissions()),
        (None, own) => decode_permissions(own?),
    }
}

/// Makes the built-in roles of a new tenant.
pub(crate) async fn insert_built_in(
    scope: &mut Scope<'_>,
    roles: &[(RoleId, BuiltIn)],
    now: Instant,
) -> Result<(), DbError> {
    let rows: Vec<_> = roles.iter().map(|(id, role)| json!([id.as_str(), role.as_str()])).collect();
    let text = serde_json::Value::Array(rows).to_string();
    scope.run_for_effect(INSERT, [text.into(), now.into()]).await.map(drop)
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Role>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &RoleId) -> Result<Option<Role>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// Binds a role; false if it was bound before.
pub(crate) async fn bind(
    scope: &mut Scope<'_>,
    user: &UserId,
    role: &RoleId,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(BIND, [user.into(), role.into(), now.into()]).await? == 1)
}

/// Takes a role away; false if it was not bound.
pub(crate) async fn unbind(scope: &mut Scope<'_>, user: &UserId, role: &RoleId) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(UNBIND, [user.into(), role.into()]).await? == 1)
}

/// How many active owners there are beside `user`.
pub(crate) async fn other_owners(scope: &mut Scope<'_>, user: &UserId) -> Result<i64, DbError> {
    Ok(scope.one(OTHER_OWNERS, [user.into()]).await?.unwrap_or(0))
}

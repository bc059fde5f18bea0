//! The table `roles`, and what a person's roles come to.

pub(crate) use super::binding::other_owners;

use super::{decode_permissions, encode_permissions};
use crate::{BuiltIn, Role, role::MOST_ROLES};
use db::{DbError, Decode, Row, Scope};
use kernel::{Grant, Instant, PageRequest, Permissions, Reach, RoleId, TenantId, UserId};
use serde_json::json;
use std::collections::BTreeMap;

const INSERT_BUILT_IN: &str = "INSERT INTO roles (tenant_id, role_id, name, built_in, created_at, updated_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 1, ?3, ?3 FROM json_each(?2)";
const INSERT: &str =
    "INSERT INTO roles (tenant_id, role_id, name, description, permissions, version, created_at, updated_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
    WHERE (SELECT COUNT(*) FROM roles WHERE tenant_id = ?1) < ?9 RETURNING role_id AS id";
const LIST: &str =
    "SELECT tenant_id, role_id, name, description, built_in, permissions, version, created_at, updated_at
    FROM roles WHERE tenant_id = ?1 AND role_id > ?2 ORDER BY role_id LIMIT ?3";
const GET: &str =
    "SELECT tenant_id, role_id, name, description, built_in, permissions, version, created_at, updated_at
    FROM roles WHERE tenant_id = ?1 AND role_id = ?2";
const UPDATE: &str =
    "UPDATE roles SET name = ?3, description = ?4, permissions = ?5, version = ?6, updated_at = ?7
    WHERE tenant_id = ?1 AND role_id = ?2 AND built_in IS NULL";
const DELETE: &str = "DELETE FROM roles WHERE tenant_id = ?1 AND role_id = ?2 AND built_in IS NULL";
const NAMED: &str =
    "SELECT role_id AS id FROM roles WHERE tenant_id = ?1 AND lower(name) = lower(?2) AND role_id <> ?3";

impl Decode for Role {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let tenant: TenantId = row.parse("tenant_id")?;
        let built_in: Option<BuiltIn> = row.parse_opt("built_in")?;
        let own: Option<String> = row.get("permissions")?;
        let permissions = permissions_of(&tenant, built_in, own.as_deref());
        Ok(Self {
            id: row.parse("role_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            built_in,
            permissions: permissions
                .ok_or_else(|| row.surprise("permissions", "the names of permissions"))?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A built-in role's permissions stand in the program, a tenant's own in its row. What the tenant cannot have does not
/// count, whatever the row says.
fn permissions_of(tenant: &TenantId, built_in: Option<BuiltIn>, own: Option<&str>) -> Option<Permissions> {
    match (built_in, own) {
        (Some(built_in), _) => Some(built_in.permissions_in(tenant)),
        (None, own) => Some(decode_permissions(own?)?.and(Permissions::of(tenant))),
    }
}

/// One row of `grants`: a binding's scope, its role's id, name, built-in name and own permissions.
type Bound = (String, String, String, Option<String>, Option<String>);

/// What a person's bindings come to. The columns are `tenant_id` and `grants`.
pub(crate) struct Granted {
    pub(crate) roles: Vec<(RoleId, String)>,
    pub(crate) scoped_roles: Vec<(RoleId, String, Reach)>,
    pub(crate) permissions: Permissions,
    pub(crate) scoped: Vec<Grant>,
    pub(crate) is_owner: bool,
}

impl Granted {
    fn read(tenant: &TenantId, text: &str) -> Option<Self> {
        let bound: Vec<Bound> = serde_json::from_str(text).ok()?;
        let mut all = Self {
            roles: Vec::with_capacity(bound.len()),
            scoped_roles: Vec::new(),
            permissions: Permissions::NONE,
            scoped: Vec::new(),
            is_owner: false,
        };
        let mut parts: BTreeMap<Reach, Permissions> = BTreeMap::new();
        for (scope, id, name, built_in, own) in bound {
            let built_in: Option<BuiltIn> = built_in.map(|name| name.parse()).transpose().ok()?;
            let permissions = permissions_of(tenant, built_in, own.as_deref())?;
            match scope.parse().ok()? {
                Reach::Everything => {
                    all.permissions = all.permissions.or(permissions);
                    all.is_owner |= built_in == Some(BuiltIn::Owner);
                    all.roles.push((id.parse().ok()?, name));
                }
                part => {
                    let there = parts.entry(part.clone()).or_default();
                    *there = there.or(permissions);
                    all.scoped_roles.push((id.parse().ok()?, name, part));
                }
            }
        }
        all.scoped = parts.into_iter().map(|(reach, permissions)| Grant { reach, permissions }).collect();
        Some(all)
    }
}

impl Decode for Granted {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let tenant: TenantId = row.parse("tenant_id")?;
        let text: String = row.get("grants")?;
        Self::read(&tenant, &text).ok_or_else(|| row.surprise("grants", "roles and their permissions"))
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
    scope.run_for_effect(INSERT_BUILT_IN, [text.into(), now.into()]).await.map(drop)
}

/// Makes a role of the tenant's own; false if it has as many as it may have.
pub(crate) async fn insert(scope: &mut Scope<'_>, role: &Role) -> Result<bool, DbError> {
    let parameters = [
        (&role.id).into(),
        role.name.as_str().into(),
        role.description.as_deref().into(),
        encode_permissions(role.permissions).into(),
        role.version.into(),
        role.created_at.into(),
        role.updated_at.into(),
        MOST_ROLES.into(),
    ];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// Gives somebody a role for the whole tenant; false if they had it before.
pub(crate) async fn bind(
    scope: &mut Scope<'_>,
    user: &UserId,
    role: &RoleId,
    now: Instant,
) -> Result<bool, DbError> {
    super::binding::bind(scope, user, role, &Reach::Everything, now).await
}

/// Whether another role has this name, in any mix of cases.
pub(crate) async fn is_named(scope: &mut Scope<'_>, name: &str, but: &RoleId) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(NAMED, [name.into(), but.into()]).await? > 0)
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Role>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &RoleId) -> Result<Option<Role>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn update(scope: &mut Scope<'_>, role: &Role) -> Result<(), DbError> {
    let parameters = [
        (&role.id).into(),
        role.name.as_str().into(),
        role.description.as_deref().into(),
        encode_permissions(role.permissions).into(),
        role.version.into(),
        role.updated_at.into(),
    ];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &RoleId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

//! The table `users`, with the roles that are bound to each.

use super::role::Granted;
use crate::{Email, Member, TenantState, User};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, PageRequest, Person, TenantId, UserId};
use serde_json::json;

const INSERT: &str = "INSERT INTO users
    (tenant_id, user_id, email, name, state, password_hash, version, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, 'active', ?5, 1, ?6, ?6) ON CONFLICT (tenant_id, email) DO NOTHING RETURNING user_id AS id";
const GET: &str = "SELECT tenant_id, user_id, email, name, state, password_hash IS NOT NULL AS has_password, email_verified_at, version,
    created_at,
    updated_at, (SELECT json_group_array(json_array(b.scope, r.role_id, r.name, r.built_in, r.permissions)) FROM role_bindings AS b
        JOIN roles AS r ON r.tenant_id = ?1 AND r.role_id = b.role_id
        WHERE b.tenant_id = ?1 AND b.user_id = users.user_id) AS grants
    FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const LIST: &str = "SELECT tenant_id, user_id, email, name, state, password_hash IS NOT NULL AS has_password, email_verified_at, version,
    created_at,
    updated_at, (SELECT json_group_array(json_array(b.scope, r.role_id, r.name, r.built_in, r.permissions)) FROM role_bindings AS b
        JOIN roles AS r ON r.tenant_id = ?1 AND r.role_id = b.role_id
        WHERE b.tenant_id = ?1 AND b.user_id = users.user_id) AS grants
    FROM users WHERE tenant_id = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3";
const UPDATE: &str = "UPDATE users SET name = ?3, state = ?4, version = ?5, updated_at = ?6
    WHERE tenant_id = ?1 AND user_id = ?2";
const DELETE: &str = "DELETE FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = ?3, version = version + 1, updated_at = ?4
    WHERE tenant_id = ?1 AND user_id = ?2";
const REHASH: &str = "UPDATE users SET password_hash = ?3 WHERE tenant_id = ?1 AND user_id = ?2";
const FIND: &str = "SELECT user_id AS id FROM users WHERE tenant_id = ?1 AND email = ?2";
const OWNERS: &str = "SELECT u.user_id, u.email, u.name FROM roles AS r
    JOIN role_bindings AS b ON b.tenant_id = ?1 AND b.role_id = r.role_id AND b.scope = '*'
    JOIN users AS u ON u.tenant_id = ?1 AND u.user_id = b.user_id
    WHERE r.tenant_id = ?1 AND r.built_in = 'owner' AND u.state = 'active' ORDER BY u.user_id LIMIT ?2";
const PEOPLE: &str = "SELECT user_id, email, name FROM users WHERE tenant_id = ?1
    AND user_id IN (SELECT value FROM json_each(?2))";
const ACTIVE_PERSON: &str = "SELECT user_id, email, name FROM users
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'active'";
const PERSON_AT: &str = "SELECT user_id, email, name FROM users WHERE tenant_id = ?1 AND email = ?2";
const VERIFY_EMAIL: &str = "UPDATE users SET email_verified_at = COALESCE(email_verified_at, ?4)
    WHERE tenant_id = ?1 AND user_id = ?2 AND email = ?3";
const CHANGE_EMAIL: &str =
    "UPDATE users SET email = ?3, email_verified_at = ?4, version = version + 1, updated_at = ?4
    WHERE tenant_id = ?1 AND user_id = ?2 AND NOT EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND email = ?3)
    RETURNING user_id AS id";
// Whoever may come in by a password.
const REACHABLE_IN: &str =
    "SELECT t.tenant_id, u.user_id FROM tenants AS t JOIN users AS u ON u.tenant_id = t.tenant_id
    WHERE t.tenant_id = ?1 AND u.email = ?2 AND t.state = 'active' AND u.state = 'active'
        AND COALESCE(t.settings ->> '$.sign_on.password_allowed', 1) = 1";
const REACHABLE_ANYWHERE: &str =
    "SELECT t.tenant_id, u.user_id FROM users AS u JOIN tenants AS t ON t.tenant_id = u.tenant_id
    WHERE u.email = ?1 AND t.state = 'active' AND u.state = 'active'
        AND COALESCE(t.settings ->> '$.sign_on.password_allowed', 1) = 1 ORDER BY u.created_at DESC LIMIT 3";
const PASSWORD: &str = "SELECT password_hash AS hash, email FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const LOGIN_IN: &str = "SELECT t.tenant_id, t.state AS tenant_state, t.suspended_reason, u.user_id, u.password_hash
    FROM tenants AS t LEFT JOIN users AS u ON u.tenant_id = t.tenant_id AND u.email = ?2 WHERE t.tenant_id = ?1";
const LOGIN_ANYWHERE: &str =
    "SELECT t.tenant_id, t.state AS tenant_state, t.suspended_reason, u.user_id, u.password_hash
    FROM users AS u JOIN tenants AS t ON t.tenant_id = u.tenant_id WHERE u.email = ?1 LIMIT 2";

impl Decode for Member {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let granted = Granted::decode(row)?;
        Ok(Self {
            user: User {
                id: row.parse("user_id")?,
                email: row.parse("email")?,
                name: row.get("name")?,
                state: row.parse("state")?,
                has_password: row.get("has_password")?,
                email_verified_at: row.get("email_verified_at")?,
                version: row.get("version")?,
                created_at: row.get("created_at")?,
                updated_at: row.get("updated_at")?,
            },
            roles: granted.roles,
            scoped_roles: granted.scoped_roles,
            permissions: granted.permissions,
            grants: granted.scoped,
            is_owner: granted.is_owner,
        })
    }
}

/// A tenant, and perhaps a user of it, whom somebody who logs in may have meant.
pub(crate) struct Meant {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_state: TenantState,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) user: Option<(UserId, Option<String>)>,
}

impl Decode for Meant {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let hash: Option<String> = row.get("password_hash")?;
        let user: Option<UserId> = row.parse_opt("user_id")?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            tenant_state: row.parse("tenant_state")?,
            suspended_reason: row.get("suspended_reason")?,
            user: user.map(|id| (id, hash)),
        })
    }
}

/// Somebody to whom a letter can go.
pub(crate) struct Reachable {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
}

impl Decode for Reachable {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { tenant: row.parse("tenant_id")?, user: row.parse("user_id")? })
    }
}

/// A user by everything that names them.
struct Named(Person);

impl Decode for Named {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let person = Person { id: row.parse("user_id")?, email: row.get("email")?, name: row.get("name")? };
        Ok(Self(person))
    }
}

/// What a change of password needs to know.
pub(crate) struct Password {
    pub(crate) hash: Option<String>,
    pub(crate) email: Email,
}

impl Decode for Password {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { hash: row.get("hash")?, email: row.parse("email")? })
    }
}

/// Makes a user; false if the tenant has one with this address.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    id: &UserId,
    email: &Email,
    name: &str,
    password_hash: Option<String>,
    now: Instant,
) -> Result<bool, DbError> {
    let parameters = [id.into(), email.as_str().into(), name.into(), password_hash.into(), now.into()];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &UserId) -> Result<Option<Member>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Member>, DbError> {
    scope.all(LIST, [page.after_or("").into(), page.probe().into()]).await
}

pub(crate) async fn update(scope: &mut Scope<'_>, user: &User) -> Result<(), DbError> {
    let parameters = [
        (&user.id).into(),
        user.name.as_str().into(),
        user.state.as_str().into(),
        user.version.into(),
        user.updated_at.into(),
    ];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &UserId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

pub(crate) async fn password(scope: &mut Scope<'_>, id: &UserId) -> Result<Option<Password>, DbError> {
    scope.one(PASSWORD, [id.into()]).await
}

pub(crate) async fn set_password(
    scope: &mut Scope<'_>,
    id: &UserId,
    hash: &str,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(SET_PASSWORD, [id.into(), hash.into(), now.into()]).await.map(drop)
}

/// Keeps the same password under today's parameters: nothing that anybody sees.
pub(crate) async fn rehash(scope: &mut Scope<'_>, id: &UserId, hash: &str) -> Result<(), DbError> {
    scope.run_for_effect(REHASH, [id.into(), hash.into()]).await.map(drop)
}

/// The tenant of the scope, and its user with this address if there is one.
pub(crate) async fn meant_in(scope: &mut Scope<'_>, email: &Email) -> Result<Option<Meant>, DbError> {
    scope.one(LOGIN_IN, [email.as_str().into()]).await
}

/// The one user of all tenants with this address; `None` if there is none, or more than one.
pub(crate) async fn meant_anywhere(
    all: &mut AllTenants<'_>,
    email: &Email,
) -> Result<Option<Meant>, DbError> {
    let mut found: Vec<Meant> = all.all(LOGIN_ANYWHERE, [email.as_str().into()]).await?;
    let one = found.pop();
    Ok(if found.is_empty() { one } else { None })
}

/// The id of the tenant's user with this address.
pub(crate) async fn find(scope: &mut Scope<'_>, email: &Email) -> Result<Option<String>, DbError> {
    scope.one(FIND, [email.as_str().into()]).await
}

/// Those who own the tenant and may come in.
pub(crate) async fn owners(scope: &mut Scope<'_>, most: i64) -> Result<Vec<Person>, DbError> {
    let rows: Vec<Named> = scope.all(OWNERS, [most.into()]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The user with this id, if they may come in.
pub(crate) async fn active_person(scope: &mut Scope<'_>, id: &UserId) -> Result<Option<Person>, DbError> {
    Ok(scope.one::<Named>(ACTIVE_PERSON, [id.into()]).await?.map(|row| row.0))
}

/// Those of these ids that there are users for.
pub(crate) async fn people(scope: &mut Scope<'_>, ids: &[&UserId]) -> Result<Vec<Person>, DbError> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let rows: Vec<Named> = scope.all(PEOPLE, [Value::Text(json!(ids).to_string())]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The user with this address.
pub(crate) async fn person_at(scope: &mut Scope<'_>, email: &Email) -> Result<Option<Person>, DbError> {
    Ok(scope.one::<Named>(PERSON_AT, [email.as_str().into()]).await?.map(|row| row.0))
}

/// Notes that the user showed that `email` is theirs, if it still is.
pub(crate) async fn verify_email(
    scope: &mut Scope<'_>,
    id: &UserId,
    email: &Email,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(VERIFY_EMAIL, [id.into(), email.as_str().into(), now.into()]).await.map(drop)
}

/// Gives the user another, confirmed address; false if somebody of the tenant has it.
pub(crate) async fn change_email(
    scope: &mut Scope<'_>,
    id: &UserId,
    email: &Email,
    now: Instant,
) -> Result<bool, DbError> {
    let parameters = [id.into(), email.as_str().into(), now.into()];
    Ok(scope.run_for_effect(CHANGE_EMAIL, parameters).await? == 1)
}

/// The active user of an active tenant with this address, if a password opens there.
pub(crate) async fn reachable_in(scope: &mut Scope<'_>, email: &Email) -> Result<Vec<Reachable>, DbError> {
    scope.all(REACHABLE_IN, [email.as_str().into()]).await
}

/// The three newest such users of all tenants.
pub(crate) async fn reachable_anywhere(
    all: &mut AllTenants<'_>,
    email: &Email,
) -> Result<Vec<Reachable>, DbError> {
    all.all(REACHABLE_ANYWHERE, [email.as_str().into()]).await
}

//! What does the gate look up? Everything about a session or a key in one statement, so that it is of one moment.

use super::{digest, settings};
use crate::{
    ApiKey, Client, Session, TenantSettings, TenantState, UserState, digest::Digest, store::role::Granted,
};
use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::{ClientId, SessionId, TenantId};

const BY_SESSION: &str = "SELECT t.tenant_id, t.state AS tenant_state, t.suspended_reason, t.access_revision,
    t.settings, u.state AS user_state, u.email, s.cookie_hash,
    s.session_id, s.user_id, s.state, s.address, s.agent, s.methods, s.confirmed_at, s.created_at, s.last_used_at, s.expires_at,
    (SELECT json_group_array(json_array(b.scope, r.role_id, r.name, r.built_in, r.permissions)) FROM role_bindings AS b
        JOIN roles AS r ON r.tenant_id = ?1 AND r.role_id = b.role_id
        WHERE b.tenant_id = ?1 AND b.user_id = s.user_id) AS grants
    FROM tenants AS t
    JOIN sessions AS s ON s.tenant_id = ?1 AND s.session_id = ?2
    JOIN users AS u ON u.tenant_id = ?1 AND u.user_id = s.user_id
    WHERE t.tenant_id = ?1";
const BY_PREFIX: &str =
    "SELECT t.tenant_id, t.state AS tenant_state, t.suspended_reason, t.access_revision, k.hash, k.api_key_id, k.prefix, k.name,
    k.permissions, k.scope, k.state, k.rate_per_minute, k.networks, k.replaced_by, k.created_by, k.created_at, k.expires_at,
    k.last_used_at FROM api_keys AS k JOIN tenants AS t ON t.tenant_id = k.tenant_id WHERE k.prefix = ?1";

const BY_CLIENT: &str = "SELECT t.state AS tenant_state, t.suspended_reason, t.access_revision,
    EXISTS (SELECT 1 FROM revoked_tokens AS r WHERE r.tenant_id = ?1 AND r.jti = ?3) AS token_revoked, c.client_id, c.name,
    c.permissions, c.state, c.rate_per_minute, c.networks, c.public_key, c.secret_made_at, c.old_secret_until, c.version,
    c.created_by, c.created_at, c.updated_at, c.expires_at, c.last_used_at
    FROM clients AS c JOIN tenants AS t ON t.tenant_id = ?1 WHERE c.tenant_id = ?1 AND c.client_id = ?2";

/// A session, its user and tenant.
pub(crate) struct BySession {
    pub(crate) tenant_state: TenantState,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) access_revision: i64,
    pub(crate) settings: TenantSettings,
    pub(crate) user_state: UserState,
    pub(crate) email: String,
    pub(crate) cookie: Option<Digest>,
    pub(crate) session: Session,
    pub(crate) granted: Granted,
}

impl Decode for BySession {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let granted = Granted::decode(row)?;
        let cookie: Option<Vec<u8>> = row.get("cookie_hash")?;
        let cookie: Option<[u8; 32]> = cookie
            .map(TryInto::try_into)
            .transpose()
            .map_err(|_| row.surprise("cookie_hash", "32 bytes or null"))?;
        Ok(Self {
            tenant_state: row.parse("tenant_state")?,
            suspended_reason: row.get("suspended_reason")?,
            access_revision: row.get("access_revision")?,
            settings: settings::column(row)?,
            user_state: row.parse("user_state")?,
            email: row.get("email")?,
            cookie: cookie.map(Digest::new),
            session: Session::decode(row)?,
            granted,
        })
    }
}

/// A key and its tenant.
pub(crate) struct ByKey {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_state: TenantState,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) access_revision: i64,
    pub(crate) hash: Digest,
    pub(crate) key: ApiKey,
}

impl Decode for ByKey {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            tenant_state: row.parse("tenant_state")?,
            suspended_reason: row.get("suspended_reason")?,
            access_revision: row.get("access_revision")?,
            hash: digest(row, "hash")?,
            key: ApiKey::decode(row)?,
        })
    }
}

/// A client and its tenant, and whether the token that it showed was revoked.
pub(crate) struct ByClient {
    pub(crate) tenant_state: TenantState,
    pub(crate) suspended_reason: Option<String>,
    pub(crate) access_revision: i64,
    pub(crate) token_revoked: bool,
    pub(crate) client: Client,
}

impl Decode for ByClient {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant_state: row.parse("tenant_state")?,
            suspended_reason: row.get("suspended_reason")?,
            access_revision: row.get("access_revision")?,
            token_revoked: row.get("token_revoked")?,
            client: Client::decode(row)?,
        })
    }
}

pub(crate) async fn by_session(
    scope: &mut Scope<'_>,
    session: &SessionId,
) -> Result<Option<BySession>, DbError> {
    scope.one(BY_SESSION, [session.into()]).await
}

pub(crate) async fn by_prefix(all: &mut AllTenants<'_>, prefix: &str) -> Result<Option<ByKey>, DbError> {
    all.one(BY_PREFIX, [prefix.into()]).await
}

/// The client that a token names, and what became of the token, whose own id is `token`.
pub(crate) async fn by_client(
    scope: &mut Scope<'_>,
    client: &ClientId,
    token: &str,
) -> Result<Option<ByClient>, DbError> {
    scope.one(BY_CLIENT, [client.into(), token.into()]).await
}

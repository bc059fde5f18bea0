//! The tables `clients` and `client_assertions`.

use super::{blob, decode_permissions, encode_networks, encode_permissions, networks};
use crate::{AssertionKey, Client, TenantState, digest::Digest, session::TOUCH};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{ClientId, Instant, PageRequest, TenantId};

const INSERT: &str =
    "INSERT INTO clients (tenant_id, client_id, name, permissions, state, rate_per_minute, networks,
    public_key, secret_hash, secret_made_at, version, created_by, created_at, updated_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
const LIST: &str =
    "SELECT client_id, name, permissions, state, rate_per_minute, networks, public_key, secret_made_at,
    old_secret_until, version, created_by, created_at, updated_at, expires_at, last_used_at
    FROM clients WHERE tenant_id = ?1 AND client_id < ?2 ORDER BY client_id DESC LIMIT ?3";
const GET: &str =
    "SELECT client_id, name, permissions, state, rate_per_minute, networks, public_key, secret_made_at,
    old_secret_until, version, created_by, created_at, updated_at, expires_at, last_used_at
    FROM clients WHERE tenant_id = ?1 AND client_id = ?2";
const KNOCKING: &str = "SELECT t.tenant_id, t.state AS tenant_state, t.access_revision, c.secret_hash, c.old_secret_hash,
    c.client_id, c.name, c.permissions, c.state, c.rate_per_minute, c.networks, c.public_key, c.secret_made_at,
    c.old_secret_until, c.version, c.created_by, c.created_at, c.updated_at, c.expires_at, c.last_used_at
    FROM clients AS c JOIN tenants AS t ON t.tenant_id = c.tenant_id WHERE c.client_id = ?1";
const UPDATE: &str =
    "UPDATE clients SET name = ?3, permissions = ?4, rate_per_minute = ?5, networks = ?6, public_key = ?7,
    version = ?8, updated_at = ?9, expires_at = ?10 WHERE tenant_id = ?1 AND client_id = ?2";
const TURN: &str = "UPDATE clients SET old_secret_hash = CASE WHEN ?5 IS NULL THEN NULL ELSE secret_hash END,
    old_secret_until = CASE WHEN secret_hash IS NULL THEN NULL ELSE ?5 END, secret_hash = ?3, secret_made_at = ?4,
    version = version + 1, updated_at = ?4 WHERE tenant_id = ?1 AND client_id = ?2";
const REVOKE: &str =
    "UPDATE clients SET state = 'revoked', revoked_at = ?3, updated_at = ?3, version = version + 1,
    old_secret_hash = NULL, old_secret_until = NULL
    WHERE tenant_id = ?1 AND client_id = ?2 AND state = 'active' RETURNING client_id AS id";
const TOUCHED: &str = "UPDATE clients SET last_used_at = ?3
    WHERE tenant_id = ?1 AND client_id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?3 - ?4)";

const USE_ONCE: &str =
    "INSERT INTO client_assertions (tenant_id, client_id, hash, expires_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING RETURNING client_id AS id";
const FORGET: &str =
    "DELETE FROM client_assertions WHERE tenant_id = ?1 AND client_id = ?2 AND expires_at <= ?3";

impl Decode for Client {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let permissions = decode_permissions(&row.get::<String>("permissions")?);
        let public_key = row.get::<Option<String>>("public_key")?.map(|text| AssertionKey::new(&text));
        Ok(Self {
            id: row.parse("client_id")?,
            name: row.get("name")?,
            permissions: permissions
                .ok_or_else(|| row.surprise("permissions", "the names of permissions"))?,
            state: row.parse("state")?,
            rate_per_minute: row.get("rate_per_minute")?,
            networks: networks(row, "networks")?,
            public_key: public_key.transpose().map_err(|_| row.surprise("public_key", "a public key"))?,
            secret_made_at: row.get("secret_made_at")?,
            old_secret_until: row.get("old_secret_until")?,
            version: row.get("version")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

/// A client at the door: all that decides whether it may come in.
pub(crate) struct Knocking {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_state: TenantState,
    pub(crate) access_revision: i64,
    pub(crate) client: Client,
    secret: Option<Digest>,
    old_secret: Option<Digest>,
}

impl Knocking {
    /// Whether a secret with this hash is the client's at `now`. Both are compared, whichever it is.
    pub(crate) fn knows(&self, hash: &Digest, now: Instant) -> bool {
        let present = self.secret.as_ref() == Some(hash);
        let old = self.old_secret.as_ref() == Some(hash)
            && self.client.old_secret_until.is_some_and(|end| now < end);
        present || old
    }
}

impl Decode for Knocking {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            tenant_state: row.parse("tenant_state")?,
            access_revision: row.get("access_revision")?,
            secret: digest_or_none(row, "secret_hash")?,
            old_secret: digest_or_none(row, "old_secret_hash")?,
            client: Client::decode(row)?,
        })
    }
}

fn digest_or_none(row: &mut Row<'_>, column: &str) -> Result<Option<Digest>, DbError> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    let bytes: Option<[u8; 32]> =
        bytes.map(TryInto::try_into).transpose().map_err(|_| row.surprise(column, "32 bytes or null"))?;
    Ok(bytes.map(Digest::new))
}

pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    client: &Client,
    secret: Option<&Digest>,
) -> Result<(), DbError> {
    let parameters = [
        (&client.id).into(),
        client.name.as_str().into(),
        encode_permissions(client.permissions).into(),
        client.rate_per_minute.into(),
        encode_networks(&client.networks).into(),
        client.public_key.as_ref().map(AssertionKey::as_str).into(),
        secret.map_or(Value::Null, blob),
        client.secret_made_at.into(),
        client.version.into(),
        client.created_by.as_str().into(),
        client.created_at.into(),
        client.updated_at.into(),
        client.expires_at.into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

/// The tenant's clients, newest first.
pub(crate) async fn list(scope: &mut Scope<'_>, page: &PageRequest) -> Result<Vec<Client>, DbError> {
    scope.all(LIST, [page.after_or("cli_~").into(), page.probe().into()]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ClientId) -> Result<Option<Client>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn knocking(all: &mut AllTenants<'_>, id: &ClientId) -> Result<Option<Knocking>, DbError> {
    all.one(KNOCKING, [id.into()]).await
}

/// Writes what may change of a client.
pub(crate) async fn update(scope: &mut Scope<'_>, client: &Client) -> Result<(), DbError> {
    let parameters = [
        (&client.id).into(),
        client.name.as_str().into(),
        encode_permissions(client.permissions).into(),
        client.rate_per_minute.into(),
        encode_networks(&client.networks).into(),
        client.public_key.as_ref().map(AssertionKey::as_str).into(),
        client.version.into(),
        client.updated_at.into(),
        client.expires_at.into(),
    ];
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

/// Gives a client another secret; the present one holds until `old_until`, or no longer at all.
pub(crate) async fn turn(
    scope: &mut Scope<'_>,
    id: &ClientId,
    secret: &Digest,
    old_until: Option<Instant>,
    now: Instant,
) -> Result<(), DbError> {
    let parameters = [id.into(), blob(secret), now.into(), old_until.into()];
    scope.run_for_effect(TURN, parameters).await.map(drop)
}

/// Revokes a client; false if it was revoked before.
pub(crate) async fn revoke(scope: &mut Scope<'_>, id: &ClientId, now: Instant) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(REVOKE, [id.into(), now.into()]).await? == 1)
}

/// Notes that the client was used, at most once a minute.
pub(crate) async fn touch(scope: &mut Scope<'_>, id: &ClientId, now: Instant) -> Result<(), DbError> {
    let parameters = [id.into(), now.into(), TOUCH.as_millis().into()];
    scope.run_for_effect(TOUCHED, parameters).await.map(drop)
}

/// Uses a signature up; false if it was used before. Those whose time is over are forgotten.
pub(crate) async fn use_assertion(
    scope: &mut Scope<'_>,
    id: &ClientId,
    hash: &Digest,
    ends: Instant,
    now: Instant,
) -> Result<bool, DbError> {
    scope.run_for_effect(FORGET, [id.into(), now.into()]).await?;
    Ok(scope.run_for_effect(USE_ONCE, [id.into(), blob(hash), ends.into()]).await? == 1)
}

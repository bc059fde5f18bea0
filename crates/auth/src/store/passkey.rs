//! The tables `passkeys` and `passkey_challenges`.

use crate::{
    Passkey,
    passkey::{Challenge, Credential, Purpose},
};
use db::{AllTenants, DbError, Decode, Row, Scope};
use kernel::{Instant, PageRequest, PasskeyId, TenantId, UserId};

const INSERT: &str = "INSERT INTO passkeys
    (tenant_id, passkey_id, user_id, name, credential_id, public_key, standing, transports, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING RETURNING passkey_id AS id";
const LIST: &str = "SELECT passkey_id, name, created_at, last_used_at FROM passkeys
    WHERE tenant_id = ?1 AND user_id = ?2 AND passkey_id > ?3 ORDER BY passkey_id LIMIT ?4";
const CREDENTIALS: &str = "SELECT credential_id, public_key, standing, transports FROM passkeys
    WHERE tenant_id = ?1 AND user_id = ?2 ORDER BY passkey_id";
const FIND: &str =
    "SELECT tenant_id, user_id, passkey_id, credential_id, public_key, standing, transports FROM passkeys
    WHERE credential_id = ?1";
const USE: &str = "UPDATE passkeys SET standing = ?5, last_used_at = ?6
    WHERE tenant_id = ?1 AND passkey_id = ?2 AND user_id = ?3 AND standing = ?4 RETURNING passkey_id AS id";
const RENAME: &str = "UPDATE passkeys SET name = ?4 WHERE tenant_id = ?1 AND user_id = ?2 AND passkey_id = ?3
    RETURNING passkey_id, name, created_at, last_used_at";
const DELETE: &str = "DELETE FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2 AND passkey_id = ?3
    RETURNING passkey_id, name, created_at, last_used_at";
const DELETE_ALL: &str = "DELETE FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2";

const ASK: &str = "INSERT INTO passkey_challenges (challenge, purpose, tenant_id, user_id, state, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const TAKE: &str = "DELETE FROM passkey_challenges WHERE challenge = ?1
    RETURNING purpose, tenant_id, user_id, state, expires_at";
const FORGET_OLD: &str = "DELETE FROM passkey_challenges WHERE challenge IN
    (SELECT challenge FROM passkey_challenges WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 20)";

impl Decode for Passkey {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("passkey_id")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

impl Decode for Credential {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let transports: u32 = row.get("transports")?;
        Ok(Self {
            id: row.get("credential_id")?,
            public_key: row.get("public_key")?,
            standing: row.get("standing")?,
            transports: transports.try_into().map_err(|_| row.surprise("transports", "eight bits"))?,
        })
    }
}

/// A passkey and whose it is.
pub(crate) struct Owned {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) id: PasskeyId,
    pub(crate) credential: Credential,
}

impl Decode for Owned {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            user: row.parse("user_id")?,
            id: row.parse("passkey_id")?,
            credential: Credential::decode(row)?,
        })
    }
}

/// A challenge that was sent out.
pub(crate) struct Sent {
    pub(crate) purpose: Purpose,
    pub(crate) of: Option<(TenantId, UserId)>,
    pub(crate) state: Vec<u8>,
    pub(crate) expires_at: Instant,
}

impl Decode for Sent {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let (tenant, user) = (row.parse_opt("tenant_id")?, row.parse_opt("user_id")?);
        Ok(Self {
            purpose: row.parse("purpose")?,
            of: tenant.zip(user),
            state: row.get("state")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// Keeps a new passkey; false if it is somebody's already.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    user: &UserId,
    passkey: &Passkey,
    credential: Credential,
) -> Result<bool, DbError> {
    let parameters = [
        (&passkey.id).into(),
        user.into(),
        passkey.name.as_str().into(),
        credential.id.into(),
        credential.public_key.into(),
        credential.standing.into(),
        u32::from(credential.transports).into(),
        passkey.created_at.into(),
    ];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// A user's passkeys, oldest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    user: &UserId,
    page: &PageRequest,
) -> Result<Vec<Passkey>, DbError> {
    scope.all(LIST, [user.into(), page.after_or("").into(), page.probe().into()]).await
}

/// What authenticators know of a user's passkeys.
pub(crate) async fn credentials(scope: &mut Scope<'_>, user: &UserId) -> Result<Vec<Credential>, DbError> {
    scope.all(CREDENTIALS, [user.into()]).await
}

/// The passkey with this credential id, whosever it is.
pub(crate) async fn find(all: &mut AllTenants<'_>, credential: Vec<u8>) -> Result<Option<Owned>, DbError> {
    all.one(FIND, [credential.into()]).await
}

/// Notes a use; false if the passkey is gone, or was used meanwhile so that its counter moved.
pub(crate) async fn count_use(
    scope: &mut Scope<'_>,
    owned: &Owned,
    standing: Vec<u8>,
    now: Instant,
) -> Result<bool, DbError> {
    let parameters = [
        (&owned.id).into(),
        (&owned.user).into(),
        owned.credential.standing.clone().into(),
        standing.into(),
        now.into(),
    ];
    Ok(scope.run_for_effect(USE, parameters).await? == 1)
}

pub(crate) async fn rename(
    scope: &mut Scope<'_>,
    user: &UserId,
    id: &PasskeyId,
    name: &str,
) -> Result<Option<Passkey>, DbError> {
    scope.one(RENAME, [user.into(), id.into(), name.into()]).await
}

/// Forgets a passkey; what it was, if it was there.
pub(crate) async fn delete(
    scope: &mut Scope<'_>,
    user: &UserId,
    id: &PasskeyId,
) -> Result<Option<Passkey>, DbError> {
    scope.one(DELETE, [user.into(), id.into()]).await
}

/// Forgets all passkeys of a user.
pub(crate) async fn delete_all(scope: &mut Scope<'_>, user: &UserId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE_ALL, [user.into()]).await.map(drop)
}

/// Keeps a challenge until its answer comes, and forgets a few whose time is over.
pub(crate) async fn ask(
    all: &mut AllTenants<'_>,
    challenge: &Challenge,
    purpose: Purpose,
    of: Option<(&TenantId, &UserId)>,
    now: Instant,
) -> Result<(), DbError> {
    all.run_for_effect(FORGET_OLD, [now.into()]).await?;
    let parameters = [
        challenge.id.to_vec().into(),
        purpose.as_str().into(),
        of.map(|(tenant, _)| tenant).into(),
        of.map(|(_, user)| user).into(),
        challenge.state.clone().into(),
        (now + crate::passkey::CHALLENGE_LIFE).into(),
    ];
    all.run_for_effect(ASK, parameters).await.map(drop)
}

/// Takes a challenge: it is there for one answer only.
pub(crate) async fn take(all: &mut AllTenants<'_>, challenge: [u8; 16]) -> Result<Option<Sent>, DbError> {
    all.one(TAKE, [challenge.to_vec().into()]).await
}

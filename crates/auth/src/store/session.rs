//! The tables `sessions` and `refresh_tokens`.

use super::{blob, settings};
use crate::{
    Methods, Session, SessionSettings,
    digest::Digest,
    session::{Presented, TOUCH},
};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{Instant, PageRequest, SessionId, UserId};

const INSERT: &str = "INSERT INTO sessions
    (tenant_id, session_id, user_id, state, cookie_hash, address, agent, methods, confirmed_at, created_at, last_used_at,
     expires_at)
    VALUES (?1, ?2, ?3, 'active', ?4, ?5, ?6, ?9, ?7, ?7, ?7, ?8)";
const LIST: &str =
    "SELECT session_id, user_id, state, address, agent, methods, confirmed_at, created_at, last_used_at, expires_at FROM sessions
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'active' AND expires_at > ?3 AND session_id < ?4
        AND last_used_at > ?6 AND created_at > ?7 ORDER BY session_id DESC LIMIT ?5";
const GET: &str =
    "SELECT session_id, user_id, state, address, agent, methods, confirmed_at, created_at, last_used_at, expires_at FROM sessions
    WHERE tenant_id = ?1 AND session_id = ?2 AND state = 'active'";
const CONFIRM: &str = "UPDATE sessions SET methods = ?3, confirmed_at = ?4
    WHERE tenant_id = ?1 AND session_id = ?2 AND state = 'active' RETURNING session_id AS id";
const REVOKE: &str = "UPDATE sessions SET state = 'revoked', revoked_at = ?3
    WHERE tenant_id = ?1 AND session_id = ?2 AND user_id = ?4 AND state = 'active' RETURNING session_id AS id";
const REVOKE_ALL: &str = "UPDATE sessions SET state = 'revoked', revoked_at = ?3
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'active' AND session_id IS NOT ?4 RETURNING session_id AS id";
const TOUCHED: &str = "UPDATE sessions SET last_used_at = ?3
    WHERE tenant_id = ?1 AND session_id = ?2 AND last_used_at <= ?3 - ?4";

const INSERT_TOKEN: &str = "INSERT INTO refresh_tokens (tenant_id, session_id, hash, state, expires_at)
    VALUES (?1, ?2, ?3, 'fresh', ?4)";
const PRESENTED: &str = "SELECT r.state = 'fresh' AS fresh, r.expires_at AS token_expires_at, u.state AS user_state,
    t.state AS tenant_state, t.suspended_reason, t.settings, s.session_id, s.user_id, s.state, s.address, s.agent, s.methods, s.confirmed_at, s.created_at,
    s.last_used_at, s.expires_at
    FROM refresh_tokens AS r
    JOIN sessions AS s ON s.tenant_id = ?1 AND s.session_id = r.session_id
    JOIN users AS u ON u.tenant_id = ?1 AND u.user_id = s.user_id
    JOIN tenants AS t ON t.tenant_id = ?1
    WHERE r.tenant_id = ?1 AND r.session_id = ?2 AND r.hash = ?3";
const USED: &str =
    "UPDATE refresh_tokens SET state = 'used' WHERE tenant_id = ?1 AND session_id = ?2 AND hash = ?3";
const FORGET: &str =
    "DELETE FROM refresh_tokens WHERE tenant_id = ?1 AND session_id = ?2 AND expires_at <= ?3";

impl Decode for Session {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("session_id")?,
            user: row.parse("user_id")?,
            state: row.parse("state")?,
            address: row.get("address")?,
            agent: row.get("agent")?,
            methods: row.parse("methods")?,
            confirmed_at: row.get("confirmed_at")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl Decode for Presented {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            fresh: row.get("fresh")?,
            expires_at: row.get("token_expires_at")?,
            limits: settings::column(row)?.session,
            user_state: row.parse("user_state")?,
            tenant_state: row.parse("tenant_state")?,
            suspended_reason: row.get("suspended_reason")?,
            session: Session::decode(row)?,
        })
    }
}

pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    session: &Session,
    cookie: Option<&Digest>,
) -> Result<(), DbError> {
    let parameters = [
        (&session.id).into(),
        (&session.user).into(),
        cookie.map_or(Value::Null, blob),
        session.address.as_deref().into(),
        session.agent.as_deref().into(),
        session.created_at.into(),
        session.expires_at.into(),
        session.methods.to_string().into(),
    ];
    scope.run_for_effect(INSERT, parameters).await.map(drop)
}

/// A user's sessions that go on by these limits, newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    user: &UserId,
    limits: &SessionSettings,
    now: Instant,
    page: &PageRequest,
) -> Result<Vec<Session>, DbError> {
    let parameters = [
        user.into(),
        now.into(),
        page.after_or("ses_~").into(),
        page.probe().into(),
        (now - limits.idle()).into(),
        (now - limits.absolute()).into(),
    ];
    scope.all(LIST, parameters).await
}

/// A session that was not ended.
pub(crate) async fn get(scope: &mut Scope<'_>, session: &SessionId) -> Result<Option<Session>, DbError> {
    scope.one(GET, [session.into()]).await
}

/// Notes by what means the person is known now, and that they proved it at `at`; false if the session was ended.
pub(crate) async fn confirm(
    scope: &mut Scope<'_>,
    session: &SessionId,
    methods: Methods,
    at: Instant,
) -> Result<bool, DbError> {
    let parameters = [session.into(), methods.to_string().into(), at.into()];
    Ok(scope.run_for_effect(CONFIRM, parameters).await? == 1)
}

/// Ends one session of a user; false if there is no such session that goes on.
pub(crate) async fn revoke(
    scope: &mut Scope<'_>,
    user: &UserId,
    session: &SessionId,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(REVOKE, [session.into(), now.into(), user.into()]).await? == 1)
}

/// Ends all sessions of a user, but for `except`; tells how many.
pub(crate) async fn revoke_all(
    scope: &mut Scope<'_>,
    user: &UserId,
    except: Option<&SessionId>,
    now: Instant,
) -> Result<usize, DbError> {
    scope.run_for_effect(REVOKE_ALL, [user.into(), now.into(), except.into()]).await
}

/// Notes that the session was used, at most once a minute.
pub(crate) async fn touch(scope: &mut Scope<'_>, session: &SessionId, now: Instant) -> Result<(), DbError> {
    let parameters = [session.into(), now.into(), TOUCH.as_millis().into()];
    scope.run_for_effect(TOUCHED, parameters).await.map(drop)
}

pub(crate) async fn insert_token(
    scope: &mut Scope<'_>,
    session: &SessionId,
    hash: &Digest,
    expires_at: Instant,
) -> Result<(), DbError> {
    let parameters = [session.into(), blob(hash), expires_at.into()];
    scope.run_for_effect(INSERT_TOKEN, parameters).await.map(drop)
}

pub(crate) async fn presented(
    scope: &mut Scope<'_>,
    session: &SessionId,
    hash: &Digest,
) -> Result<Option<Presented>, DbError> {
    scope.one(PRESENTED, [session.into(), blob(hash)]).await
}

/// Marks a refresh token as used, and forgets those whose time is over.
pub(crate) async fn use_token(
    scope: &mut Scope<'_>,
    session: &SessionId,
    hash: &Digest,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(USED, [session.into(), blob(hash)]).await?;
    scope.run_for_effect(FORGET, [session.into(), now.into()]).await.map(drop)
}

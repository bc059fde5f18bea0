//! The tables of single sign-on beside its connections: attempts, handoffs, and whom a provider means.

use super::{blob, digest, settings};
use crate::{Answer, Email, ReturnTo, TenantState, digest::Digest, sign_on::Acquainted};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{ConnectionId, Instant, UserId};

const INSERT_ATTEMPT: &str = "INSERT INTO sign_on_attempts
    (tenant_id, state_hash, browser_hash, connection_id, answer, return_to, challenge, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const TAKE_ATTEMPT: &str = "DELETE FROM sign_on_attempts WHERE tenant_id = ?1 AND state_hash = ?2
    RETURNING browser_hash, connection_id, answer, return_to, challenge, expires_at";
const FORGET_ATTEMPTS: &str = "DELETE FROM sign_on_attempts WHERE expires_at <= ?1";
const INSERT_HANDOFF: &str = "INSERT INTO sign_on_handoffs
    (tenant_id, code_hash, challenge, user_id, connection_id, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const TAKE_HANDOFF: &str = "DELETE FROM sign_on_handoffs WHERE tenant_id = ?1 AND code_hash = ?2
    RETURNING challenge, user_id, connection_id, expires_at";
const FORGET_HANDOFFS: &str = "DELETE FROM sign_on_handoffs WHERE expires_at <= ?1";
const TAKE_ASSERTION: &str =
    "INSERT INTO sign_on_assertions (tenant_id, connection_id, assertion, expires_at)
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING RETURNING connection_id AS id";
const FORGET_ASSERTIONS: &str = "DELETE FROM sign_on_assertions WHERE expires_at <= ?1";
const STATE: &str = "SELECT state, settings FROM tenants WHERE tenant_id = ?1";
const KNOWN: &str = "SELECT user_id AS id FROM sign_on_identities
    WHERE tenant_id = ?1 AND connection_id = ?2 AND subject = ?3";
const BY_EMAIL: &str = "SELECT u.user_id, EXISTS (SELECT 1 FROM sign_on_identities AS i
        WHERE i.tenant_id = ?1 AND i.user_id = u.user_id AND i.connection_id = ?2) AS is_linked
    FROM users AS u WHERE u.tenant_id = ?1 AND u.email = ?3";
const LINK: &str = "INSERT INTO sign_on_identities
    (tenant_id, connection_id, subject, user_id, linked_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
const USED: &str = "UPDATE sign_on_identities SET last_used_at = ?4
    WHERE tenant_id = ?1 AND connection_id = ?2 AND subject = ?3";

/// A sign-on that was begun.
pub(crate) struct Attempt {
    pub(crate) browser: Digest,
    pub(crate) connection: ConnectionId,
    pub(crate) answer: Answer,
    pub(crate) expires_at: Instant,
}

impl Decode for Attempt {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let kind: String = row.get("answer")?;
        let place: Option<String> = row.get("return_to")?;
        let answer = match (kind.as_str(), place.map(ReturnTo::stored)) {
            ("cookie", Some(place)) => Answer::Cookie(place),
            ("code", Some(place)) => Answer::Code(place, digest(row, "challenge")?),
            ("json", None) => Answer::Json,
            _ => return Err(row.surprise("answer", "cookie, code or json")),
        };
        Ok(Self {
            browser: digest(row, "browser_hash")?,
            connection: row.parse("connection_id")?,
            answer,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// A sign-on whose tokens wait for the frontend.
pub(crate) struct Handoff {
    pub(crate) challenge: Digest,
    pub(crate) user: UserId,
    pub(crate) connection: ConnectionId,
    pub(crate) expires_at: Instant,
}

impl Decode for Handoff {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            challenge: digest(row, "challenge")?,
            user: row.parse("user_id")?,
            connection: row.parse("connection_id")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// What a tenant says of logins.
pub(crate) struct Policy {
    pub(crate) state: TenantState,
    pub(crate) password_allowed: bool,
}

impl Decode for Policy {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            state: row.parse("state")?,
            password_allowed: settings::column(row)?.sign_on.password_allowed,
        })
    }
}

struct ByEmail(UserId, bool);

impl Decode for ByEmail {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("user_id")?, row.get("is_linked")?))
    }
}

pub(crate) async fn policy(scope: &mut Scope<'_>) -> Result<Option<Policy>, DbError> {
    scope.one(STATE, []).await
}

pub(crate) async fn insert_attempt(
    scope: &mut Scope<'_>,
    state: &Digest,
    attempt: &Attempt,
) -> Result<(), DbError> {
    let challenge = match &attempt.answer {
        Answer::Code(_, challenge) => blob(challenge),
        Answer::Cookie(_) | Answer::Json => Value::Null,
    };
    let parameters = [
        blob(state),
        blob(&attempt.browser),
        (&attempt.connection).into(),
        attempt.answer.as_str().into(),
        attempt.answer.return_to().map(ReturnTo::as_str).into(),
        challenge,
        attempt.expires_at.into(),
    ];
    scope.run_for_effect(INSERT_ATTEMPT, parameters).await.map(drop)
}

/// The attempt of this state, which is gone from now on.
pub(crate) async fn take_attempt(scope: &mut Scope<'_>, state: &Digest) -> Result<Option<Attempt>, DbError> {
    scope.one(TAKE_ATTEMPT, [blob(state)]).await
}

/// Drops what nobody came back for.
pub(crate) async fn forget(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    all.run_for_effect(FORGET_ATTEMPTS, [now.into()]).await?;
    all.run_for_effect(FORGET_ASSERTIONS, [now.into()]).await?;
    all.run_for_effect(FORGET_HANDOFFS, [now.into()]).await.map(drop)
}

/// Whether an assertion is taken for the first time.
pub(crate) async fn take_assertion(
    scope: &mut Scope<'_>,
    connection: &ConnectionId,
    assertion: &Digest,
    expires_at: Instant,
) -> Result<bool, DbError> {
    let parameters = [connection.into(), blob(assertion), expires_at.into()];
    Ok(scope.run_for_effect(TAKE_ASSERTION, parameters).await? == 1)
}

pub(crate) async fn insert_handoff(
    scope: &mut Scope<'_>,
    code: &Digest,
    handoff: &Handoff,
) -> Result<(), DbError> {
    let parameters = [
        blob(code),
        blob(&handoff.challenge),
        (&handoff.user).into(),
        (&handoff.connection).into(),
        handoff.expires_at.into(),
    ];
    scope.run_for_effect(INSERT_HANDOFF, parameters).await.map(drop)
}

/// The handoff of this code, which is gone from now on.
pub(crate) async fn take_handoff(scope: &mut Scope<'_>, code: &Digest) -> Result<Option<Handoff>, DbError> {
    scope.one(TAKE_HANDOFF, [blob(code)]).await
}

/// Who could be meant by a subject and an address.
pub(crate) async fn acquainted(
    scope: &mut Scope<'_>,
    connection: &ConnectionId,
    subject: &str,
    email: Option<&Email>,
) -> Result<Acquainted, DbError> {
    let known: Option<String> = scope.one(KNOWN, [connection.into(), subject.into()]).await?;
    let known = known.map(|id| id.parse()).transpose();
    let known = known.map_err(|_| DbError::Decode { column: "user_id".to_owned(), wanted: "a user's id" })?;
    let by_email: Option<ByEmail> = match email {
        Some(email) => scope.one(BY_EMAIL, [connection.into(), email.as_str().into()]).await?,
        None => None,
    };
    Ok(Acquainted { known, by_email: by_email.map(|ByEmail(user, is_linked)| (user, is_linked)) })
}

/// From now on the subject is this user.
pub(crate) async fn link(
    scope: &mut Scope<'_>,
    connection: &ConnectionId,
    subject: &str,
    user: &UserId,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(LINK, [connection.into(), subject.into(), user.into(), now.into()]).await.map(drop)
}

pub(crate) async fn used(
    scope: &mut Scope<'_>,
    connection: &ConnectionId,
    subject: &str,
    now: Instant,
) -> Result<(), DbError> {
    scope.run_for_effect(USED, [connection.into(), subject.into(), now.into()]).await.map(drop)
}

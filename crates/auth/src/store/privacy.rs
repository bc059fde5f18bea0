//! What is held of a person, the table `erasures`, and which rows are old.

use crate::Erasure;
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{Instant, Person, SessionId, TenantId, UserId};

/// What is held of a person, section by section: of ?2 (the id), after the key ?3, ?4 at most. Secrets and their hashes
/// are left out. A new table with something of people gets a line here.
const SECTIONS: &[(&str, &str)] = &[
    (
        "user",
        "SELECT user_id AS id, json_object('id', user_id, 'email', email, 'name', name, 'state', state,
            'has_password', json(iif(password_hash IS NULL, 'false', 'true')),
            'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
            'updated_at', strftime('%Y-%m-%dT%H:%M:%fZ', updated_at / 1000.0, 'unixepoch')) AS item
        FROM users WHERE tenant_id = ?1 AND user_id = ?2 AND user_id > ?3 ORDER BY user_id LIMIT ?4",
    ),
    (
        "roles",
        "SELECT b.role_id || ' ' || b.scope AS id, json_object('role_id', b.role_id, 'name', r.name, 'scope', b.scope,
            'bound_at', strftime('%Y-%m-%dT%H:%M:%fZ', b.created_at / 1000.0, 'unixepoch')) AS item
        FROM role_bindings AS b JOIN roles AS r ON r.tenant_id = ?1 AND r.role_id = b.role_id
        WHERE b.tenant_id = ?1 AND b.user_id = ?2 AND b.role_id || ' ' || b.scope > ?3
        ORDER BY b.role_id, b.scope LIMIT ?4",
    ),
    (
        "sessions",
        "SELECT session_id AS id, json_object('id', session_id, 'state', state, 'address', address, 'user_agent', agent,
            'methods', methods, 'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
            'last_used_at', strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at / 1000.0, 'unixepoch'),
            'expires_at', strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1000.0, 'unixepoch'),
            'revoked_at', strftime('%Y-%m-%dT%H:%M:%fZ', revoked_at / 1000.0, 'unixepoch')) AS item
        FROM sessions WHERE tenant_id = ?1 AND user_id = ?2 AND session_id > ?3 ORDER BY session_id LIMIT ?4",
    ),
    (
        "authenticator_apps",
        "SELECT user_id AS id, json_object('state', state,
            'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
            'confirmed_at', strftime('%Y-%m-%dT%H:%M:%fZ', confirmed_at / 1000.0, 'unixepoch')) AS item
        FROM totp_factors WHERE tenant_id = ?1 AND user_id = ?2 AND user_id > ?3 ORDER BY user_id LIMIT ?4",
    ),
    (
        "passkeys",
        "SELECT passkey_id AS id, json_object('id', passkey_id, 'name', name,
            'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
            'last_used_at', strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at / 1000.0, 'unixepoch')) AS item
        FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2 AND passkey_id > ?3 ORDER BY passkey_id LIMIT ?4",
    ),
    (
        "api_keys",
        "SELECT api_key_id AS id, json_object('id', api_key_id, 'name', name, 'prefix', prefix,
            'permissions', json(permissions), 'state', state,
            'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
            'expires_at', strftime('%Y-%m-%dT%H:%M:%fZ', expires_at / 1000.0, 'unixepoch'),
            'last_used_at', strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at / 1000.0, 'unixepoch')) AS item
        FROM api_keys WHERE tenant_id = ?1 AND created_by = ?2 AND api_key_id > ?3 ORDER BY api_key_id LIMIT ?4",
    ),
    (
        "sign_on_identities",
        "SELECT connection_id AS id, json_object('connection_id', connection_id, 'subject', subject,
            'linked_at', strftime('%Y-%m-%dT%H:%M:%fZ', linked_at / 1000.0, 'unixepoch'),
            'last_used_at', strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at / 1000.0, 'unixepoch')) AS item
        FROM sign_on_identities WHERE tenant_id = ?1 AND user_id = ?2 AND connection_id > ?3
        ORDER BY connection_id LIMIT ?4",
    ),
    (
        "letters",
        "SELECT letter_id AS id, json_object('id', letter_id, 'purpose', purpose, 'recipient', recipient, 'state', state,
            'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch')) AS item
        FROM letters WHERE tenant_id = ?1 AND (user_id = ?2 OR lower(recipient) =
                (SELECT email FROM users WHERE tenant_id = ?1 AND user_id = ?2))
            AND letter_id > ?3 ORDER BY letter_id LIMIT ?4",
    ),
    (
        "invitations",
        "SELECT invitation_id AS id, json_object('id', invitation_id, 'email', email, 'name', name, 'state', state,
            'invited_by', invited_by, 'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch')) AS item
        FROM invitations WHERE tenant_id = ?1 AND (user_id = ?2 OR lower(email) =
                (SELECT email FROM users WHERE tenant_id = ?1 AND user_id = ?2))
            AND invitation_id > ?3 ORDER BY invitation_id LIMIT ?4",
    ),
];

const PERSON: &str = "SELECT user_id, email, name FROM users WHERE tenant_id = ?1 AND user_id = ?2";
const BEGIN: &str = "INSERT INTO erasures
    (tenant_id, user_id, state, email, name, stage, cursor, job_id, requested_by, requested_at)
    VALUES (?1, ?2, 'running', ?3, ?4, '', '', ?5, ?6, ?7) ON CONFLICT DO NOTHING RETURNING user_id AS id";
const GET: &str =
    "SELECT user_id, state, email, name, stage, cursor, counts, job_id, requested_by, requested_at, ended_at
    FROM erasures WHERE tenant_id = ?1 AND user_id = ?2";
const ADVANCE: &str = "UPDATE erasures SET stage = ?3, cursor = ?4, counts = ?5
    WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'running'";
const END: &str =
    "UPDATE erasures SET state = 'done', stage = '', cursor = '', counts = ?3, email = NULL, name = NULL,
    ended_at = ?4 WHERE tenant_id = ?1 AND user_id = ?2 AND state = 'running'";
const DELETE_SESSIONS: &str = "DELETE FROM sessions WHERE tenant_id = ?1 AND session_id IN
    (SELECT session_id FROM sessions WHERE tenant_id = ?1 AND user_id = ?2 LIMIT ?3) RETURNING session_id AS id";

// The oldest sessions are looked at in the order in which they began; those that go on stay.
const FORGET_SESSIONS: &str =
    "DELETE FROM sessions WHERE tenant_id = ?1 AND session_id IN (SELECT session_id FROM sessions
        WHERE tenant_id = ?1 AND session_id < ?2
            AND (revoked_at < ?3 OR expires_at < ?3 OR last_used_at < ?3 - ?4) ORDER BY session_id LIMIT ?5)
    RETURNING session_id AS id";
const FORGET_ERASURES: &str = "DELETE FROM erasures WHERE tenant_id = ?1 AND state = 'done' AND ended_at < ?2
    RETURNING user_id AS id";
const DELETE_LETTERS: &str =
    "DELETE FROM letters WHERE tenant_id = ?1 AND letter_id IN (SELECT letter_id FROM letters
        WHERE tenant_id = ?1 AND (user_id = ?2 OR lower(recipient) = ?3) LIMIT ?4)
    RETURNING coalesce(job_id, '') AS id";
const DELETE_INVITATIONS: &str = "DELETE FROM invitations WHERE tenant_id = ?1 AND (user_id = ?2 OR lower(email) = ?3) RETURNING invitation_id AS id";
const FORGET_LETTERS: &str =
    "DELETE FROM letters WHERE tenant_id = ?1 AND letter_id IN (SELECT letter_id FROM letters
        WHERE tenant_id = ?1 AND ended_at < ?2 ORDER BY letter_id LIMIT ?3) RETURNING letter_id AS id";
const FORGET_TICKETS: &str =
    "DELETE FROM tickets WHERE tenant_id = ?1 AND ticket_id IN (SELECT ticket_id FROM tickets
        WHERE tenant_id = ?1 AND expires_at < ?2 ORDER BY ticket_id LIMIT ?3) RETURNING ticket_id AS id";
const FORGET_INVITATIONS: &str = "DELETE FROM invitations WHERE tenant_id = ?1 AND invitation_id IN
        (SELECT invitation_id FROM invitations WHERE tenant_id = ?1 AND expires_at < ?2
            AND (ended_at IS NULL OR ended_at < ?2) ORDER BY invitation_id LIMIT ?3)
    RETURNING invitation_id AS id";
const DUE: &str =
    "SELECT tenant_id AS id FROM tenants WHERE retention_due_at <= ?1 ORDER BY retention_due_at LIMIT ?2";
const DUE_AGAIN: &str = "UPDATE tenants SET retention_due_at = ?2 WHERE tenant_id = ?1";

struct Named(Person);

impl Decode for Named {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(Person { id: row.parse("user_id")?, email: row.get("email")?, name: row.get("name")? }))
    }
}

/// Something that is held of a person, as JSON, under its key.
pub(crate) struct Held {
    pub(crate) key: String,
    pub(crate) item: String,
}

impl Decode for Held {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self { key: row.get("id")?, item: row.get("item")? })
    }
}

impl Decode for Erasure {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let user: UserId = row.parse("user_id")?;
        let email: Option<String> = row.get("email")?;
        let name: Option<String> = row.get("name")?;
        let counts: String = row.get("counts")?;
        Ok(Self {
            person: email.zip(name).map(|(email, name)| Person { id: user.clone(), email, name }),
            user,
            state: row.parse("state")?,
            stage: row.get("stage")?,
            cursor: row.get("cursor")?,
            counts: serde_json::from_str(&counts).map_err(|_| row.surprise("counts", "a JSON object"))?,
            job: row.get("job_id")?,
            requested_by: row.get("requested_by")?,
            requested_at: row.get("requested_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// The names of the sections, in their order.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().map(|(name, _)| *name)
}

/// What is held of a person in one section, after the key `after`.
pub(crate) async fn held(
    scope: &mut Scope<'_>,
    section: &str,
    user: &UserId,
    after: &str,
    most: i64,
) -> Result<Vec<Held>, DbError> {
    match SECTIONS.iter().find(|(name, _)| *name == section) {
        Some((_, sql)) => scope.all(sql, [user.into(), after.into(), most.into()]).await,
        None => Ok(Vec::new()),
    }
}

pub(crate) async fn person(scope: &mut Scope<'_>, user: &UserId) -> Result<Option<Person>, DbError> {
    Ok(scope.one::<Named>(PERSON, [user.into()]).await?.map(|named| named.0))
}

/// Begins an erasure; false if there is one already.
pub(crate) async fn begin(
    scope: &mut Scope<'_>,
    person: &Person,
    job: &str,
    by: &str,
    now: Instant,
) -> Result<bool, DbError> {
    let parameters = [
        (&person.id).into(),
        person.email.as_str().into(),
        person.name.as_str().into(),
        job.into(),
        by.into(),
        now.into(),
    ];
    Ok(scope.run_for_effect(BEGIN, parameters).await? == 1)
}

pub(crate) async fn get(scope: &mut Scope<'_>, user: &UserId) -> Result<Option<Erasure>, DbError> {
    scope.one(GET, [user.into()]).await
}

fn counts(erasure: &Erasure) -> Value {
    Value::Text(serde_json::Value::Object(erasure.counts.clone()).to_string())
}

pub(crate) async fn advance(scope: &mut Scope<'_>, erasure: &Erasure) -> Result<(), DbError> {
    let parameters = [
        (&erasure.user).into(),
        erasure.stage.as_str().into(),
        erasure.cursor.as_str().into(),
        counts(erasure),
    ];
    scope.run_for_effect(ADVANCE, parameters).await.map(drop)
}

pub(crate) async fn end(scope: &mut Scope<'_>, erasure: &Erasure, now: Instant) -> Result<(), DbError> {
    scope.run_for_effect(END, [(&erasure.user).into(), counts(erasure), now.into()]).await.map(drop)
}

pub(crate) async fn delete_sessions(
    scope: &mut Scope<'_>,
    user: &UserId,
    most: i64,
) -> Result<usize, DbError> {
    scope.run_for_effect(DELETE_SESSIONS, [user.into(), most.into()]).await
}

/// Removes letters to a person, so many at most; gives the ids of the jobs that carry them.
pub(crate) async fn delete_letters(
    scope: &mut Scope<'_>,
    person: &Person,
    most: i64,
) -> Result<Vec<String>, DbError> {
    let parameters = [(&person.id).into(), person.email.to_lowercase().into(), most.into()];
    scope.all(DELETE_LETTERS, parameters).await
}

/// Removes invitations of a person, with their links.
pub(crate) async fn delete_invitations(scope: &mut Scope<'_>, person: &Person) -> Result<(), DbError> {
    let parameters = [(&person.id).into(), person.email.to_lowercase().into()];
    scope.run_for_effect(DELETE_INVITATIONS, parameters).await.map(drop)
}

/// Removes letters, links and invitations that ended before `limit`, so many of each at most; tells how many.
pub(crate) async fn forget_letters(
    scope: &mut Scope<'_>,
    limit: Instant,
    most: i64,
) -> Result<usize, DbError> {
    let mut gone = 0_usize;
    for sql in [FORGET_LETTERS, FORGET_TICKETS, FORGET_INVITATIONS] {
        gone = gone.saturating_add(scope.run_for_effect(sql, [limit.into(), most.into()]).await?);
    }
    Ok(gone)
}

/// Removes sessions that ended before `limit`; one that nobody used for `idle` had ended then.
pub(crate) async fn forget_sessions(
    scope: &mut Scope<'_>,
    limit: Instant,
    idle: kernel::Span,
    most: i64,
) -> Result<usize, DbError> {
    let parameters = [(&SessionId::first(limit)).into(), limit.into(), idle.as_millis().into(), most.into()];
    scope.run_for_effect(FORGET_SESSIONS, parameters).await
}

pub(crate) async fn forget_erasures(scope: &mut Scope<'_>, limit: Instant) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET_ERASURES, [limit.into()]).await
}

/// The tenants whose old rows are to be looked at.
pub(crate) async fn due(all: &mut AllTenants<'_>, now: Instant, most: i64) -> Result<Vec<TenantId>, DbError> {
    let ids: Vec<String> = all.all(DUE, [now.into(), most.into()]).await?;
    let surprise = |_| DbError::Decode { column: "id".to_owned(), wanted: "a tenant's slug" };
    ids.iter().map(|id| id.parse().map_err(surprise)).collect()
}

pub(crate) async fn due_again(scope: &mut Scope<'_>, at: Instant) -> Result<(), DbError> {
    scope.run_for_effect(DUE_AGAIN, [at.into()]).await.map(drop)
}

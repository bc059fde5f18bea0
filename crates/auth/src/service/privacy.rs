//! What is held of a person here, how do they go, and what is too old to be kept?

use crate::{
    AuthError, Erasure, ErasureError, RetentionSettings, TenantSettings, UserPatch, UserState,
    store::{self, privacy as rows},
};
use audit::Entry;
use db::{AllTenants, DbError, Scope};
use kernel::{Actor, Call, Instant, JobId, Person, TenantId, UserId};
use serde_json::json;

/// The names of the sections of [`personal_data`], in their order.
pub fn personal_sections() -> impl Iterator<Item = &'static str> {
    rows::sections()
}

/// What is held of a person in one section, after the key `after`, `most` at most: each key with what it is as JSON text.
/// No secret and no hash of one is among it.
///
/// # Errors
/// [`DbError`].
pub async fn personal_data(
    scope: &mut Scope<'_>,
    section: &str,
    person: &Person,
    after: &str,
    most: i64,
) -> Result<Vec<(String, String)>, DbError> {
    let held = rows::held(scope, section, &person.id, after, most).await?;
    Ok(held.into_iter().map(|held| (held.key, held.item)).collect())
}

/// A user by everything that names them.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn person(scope: &mut Scope<'_>, id: &UserId) -> Result<Person, AuthError> {
    rows::person(scope, id).await?.ok_or(AuthError::NotFound("user"))
}

/// The person behind a call.
///
/// # Errors
/// [`AuthError::NeedsSession`]; the database's.
pub async fn oneself(scope: &mut Scope<'_>, call: &Call) -> Result<Person, AuthError> {
    let (id, _) = super::person(call)?;
    person(scope, id).await
}

/// Begins the erasure of a user within the caller's transaction: they are out at once, and `job` does the rest. An erasure
/// that has begun before stays as it is, and `None` is given.
///
/// # Errors
/// [`ErasureError`]; [`AuthError::Beyond`], [`AuthError::LastOwner`], [`AuthError::NotFound`]; the database's.
pub async fn begin_erasure(
    scope: &mut Scope<'_>,
    call: &Call,
    id: &UserId,
    confirm: &str,
    job: &JobId,
) -> Result<Option<Erasure>, AuthError> {
    if matches!(&call.principal.actor, Actor::User(own, _) if own == id) {
        return Err(ErasureError::Oneself.into());
    }
    let member = store::user::get(scope, id).await?.ok_or(AuthError::NotFound("user"))?;
    member.changeable_by(&call.principal)?;
    if member.user.email.as_str() != confirm.trim().to_lowercase() {
        return Err(ErasureError::Confirm.into());
    }
    member.dispensable(store::role::other_owners(scope, id).await?)?;
    let person = person(scope, id).await?;
    let by = call.principal.actor.name();
    if !rows::begin(scope, &person, job.as_str(), by, call.now).await? {
        return Ok(None);
    }
    let out = UserPatch { name: None, state: Some(UserState::Disabled) };
    store::user::update(scope, &member.user.clone().change(out, call.now)?).await?;
    store::session::revoke_all(scope, id, None, call.now).await?;
    store::tenant::bump_access(scope).await?;
    let entry = Entry {
        action: "person.erasure_requested",
        subject: id.as_str(),
        before: None,
        after: Some(json!({"job": job.as_str()})),
    };
    audit::append(scope, call, &entry).await?;
    Ok(rows::get(scope, id).await?)
}

/// How far the erasure of a user is.
///
/// # Errors
/// [`AuthError::NotFound`] if none was ever wanted; the database's.
pub async fn erasure(scope: &mut Scope<'_>, id: &UserId) -> Result<Erasure, AuthError> {
    rows::get(scope, id).await?.ok_or(AuthError::NotFound("erasure of this user"))
}

/// Writes down how far an erasure is, within the caller's transaction.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn advance_erasure(scope: &mut Scope<'_>, erasure: &Erasure) -> Result<(), DbError> {
    rows::advance(scope, erasure).await
}

/// Removes sessions of a user, so many at most, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn erase_sessions(scope: &mut Scope<'_>, id: &UserId, most: i64) -> Result<usize, DbError> {
    rows::delete_sessions(scope, id, most).await
}

/// Removes letters to a person, so many at most, and their invitations, within the caller's transaction. Gives for each
/// letter the id of the job that carries it, or an empty text.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn erase_letters(
    scope: &mut Scope<'_>,
    person: &Person,
    most: i64,
) -> Result<Vec<String>, DbError> {
    rows::delete_invitations(scope, person).await?;
    rows::delete_letters(scope, person, most).await
}

/// Removes letters, links and invitations that ended before `limit`, so many of each at most, within the caller's
/// transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget_letters(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    rows::forget_letters(scope, limit, most).await
}

/// Ends an erasure within the caller's transaction: the user goes with all that hangs on them, and a row of the audit says
/// that a person was erased, and what went.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn end_erasure(scope: &mut Scope<'_>, call: &Call, erasure: &Erasure) -> Result<(), DbError> {
    store::user::delete(scope, &erasure.user).await?;
    store::tenant::bump_access(scope).await?;
    rows::end(scope, erasure, call.now).await?;
    let entry = Entry {
        action: audit::PERSON,
        subject: erasure.user.as_str(),
        before: None,
        after: Some(json!({"requested_by": erasure.requested_by, "counts": erasure.counts})),
    };
    audit::append(scope, call, &entry).await
}

/// How long the tenant keeps what.
///
/// # Errors
/// [`DbError`].
pub async fn retention(scope: &mut Scope<'_>) -> Result<RetentionSettings, DbError> {
    let kept = store::settings::get(scope).await?;
    Ok(kept.map_or_else(|| TenantSettings::default().retention, |kept| kept.settings.retention))
}

/// Removes sessions that ended before `limit`, so many at most, and done erasures of before, within the caller's
/// transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget_sessions(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    let settings = store::settings::get(scope).await?;
    let idle =
        settings.map_or_else(|| TenantSettings::default().session, |kept| kept.settings.session).idle();
    let sessions = rows::forget_sessions(scope, limit, idle, most).await?;
    let erasures = rows::forget_erasures(scope, limit).await?;
    Ok(sessions.saturating_add(erasures))
}

/// The tenants whose old rows are to be looked at now, `most` at most: one look into an index.
///
/// # Errors
/// [`DbError`].
pub async fn retention_due(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: i64,
) -> Result<Vec<TenantId>, DbError> {
    rows::due(all, now, most).await
}

/// Puts the next look at a tenant's old rows to `at`, within the caller's transaction.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn retention_due_again(scope: &mut Scope<'_>, at: Instant) -> Result<(), DbError> {
    rows::due_again(scope, at).await
}

/// Forgets what has expired over all tenants, a few rows of each table: tries at passwords that nobody made for long. A
/// table of things that expire gets a line here.
///
/// # Errors
/// [`DbError`].
pub async fn forget(all: &mut AllTenants<'_>, now: Instant) -> Result<(), DbError> {
    store::attempt::forget_old(all, now).await
}

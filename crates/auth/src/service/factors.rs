//! How does somebody get second factors, and lose them? Their own with a proof of who they are; another's as whoever manages
//! users.

use super::{
    codes,
    confirm::{self, Proof, WRONG_CODE, wrong},
    finish, letters,
    logins::count,
    person,
};
use crate::{
    AuthError, Content, Enrolment, FactorError, Factors, Hashing, Letter, Method, Methods, Notice, attempt,
    recovery::{COUNT, RecoveryCode},
    store,
    totp::{Code, Seed},
};
use audit::Entry;
use db::{Db, Scope, Tx};
use kernel::{Actor, Call, Secret, SessionId, UserId};
use serde_json::{Value, json};
use vault::Vault;

pub(super) async fn load(
    scope: &mut Scope<'_>,
    user: &UserId,
) -> Result<store::factor::Protection, AuthError> {
    store::factor::of(scope, user).await?.ok_or(AuthError::NotFound("organization"))
}

pub(super) fn seen(factors: Factors) -> Value {
    json!({
        "totp": factors.totp.is_some(),
        "passkeys": factors.passkeys,
        "recovery_codes": factors.recovery_codes,
    })
}

/// Writes to a user what happened to their factors.
pub(super) async fn tell(
    scope: &mut Scope<'_>,
    call: &Call,
    vault: &Vault,
    user: &UserId,
    notice: Notice,
) -> Result<(), AuthError> {
    let Some(known) = store::user::password(scope, user).await? else {
        return Ok(());
    };
    let content = Content::SecurityNotice(notice);
    let letter = Letter { to: known.email, user: Some(user.clone()), content };
    letters::write(scope, call, vault, letter).await?;
    Ok(())
}

/// The caller's factors, and whether their tenant wants one.
///
/// # Errors
/// [`AuthError::NeedsSession`]; the database's.
pub async fn factors(db: &Db, call: &Call) -> Result<(Factors, bool), AuthError> {
    let (user, _) = person(call)?;
    let mut lease = db.read().await?;
    let protection = load(&mut lease.scope(call.tenant())?, user).await?;
    Ok((protection.factors, protection.policy.required))
}

/// Begins to enrol an authenticator app; it counts once its first code came. Doing so anew forgets what was begun before.
///
/// # Errors
/// [`FactorError::Enrolled`]; [`AuthError::NeedsSession`]; the vault's and the database's.
pub async fn enrol_totp(db: &Db, vault: &Vault, call: &Call) -> Result<Enrolment, AuthError> {
    let (user, _) = person(call)?;
    let seed = Seed::new(&*call.chance);
    let sealed = codes::seal(vault, call.tenant(), user, &seed, &*call.chance)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if !store::totp::put_pending(&mut scope, user, sealed, call.now).await? {
            return Err(FactorError::Enrolled.into());
        }
        let member = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
        let tenant = store::tenant::get(&mut scope).await?.ok_or(AuthError::NotFound("organization"))?;
        let entry = Entry { action: "factor.totp_begun", subject: user.as_str(), ..Entry::default() };
        audit::append(&mut scope, call, &entry).await?;
        Ok((tenant.name, member.user.email))
    };
    let outcome = work.await;
    let (issuer, account) = finish(tx, outcome).await?;
    Ok(seed.enrolment(&issuer, account.as_str())?)
}

/// The first code of an app: from now on logins ask for one. The user's other sessions end. Gives recovery codes, if there
/// are none yet.
///
/// # Errors
/// [`FactorError::Wrong`], [`FactorError::NotBegun`]; [`AuthError::LoginBlocked`] after too many codes;
/// [`AuthError::NeedsSession`]; the vault's and the database's.
pub async fn confirm_totp(
    db: &Db,
    vault: &Vault,
    call: &Call,
    code: &Secret<String>,
) -> Result<Vec<Secret<String>>, AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let Some(step) = first_step(&mut tx, vault, call, user, code).await? else {
            return Err(wrong(&mut tx, call, "otp", WRONG_CODE).await?);
        };
        let mut scope = tx.scope(call.tenant());
        if !store::totp::confirm(&mut scope, user, step, call.now).await? {
            return Err(FactorError::NotBegun.into());
        }
        let codes = begun(&mut scope, call, session, Method::OneTimeCode).await?;
        let entry = Entry {
            action: "factor.totp_enrolled",
            subject: user.as_str(),
            before: None,
            after: Some(seen(load(&mut scope, user).await?.factors)),
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::TwoFactorAdded).await?;
        Ok(codes)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The step of the first code of an app that waits for it; `None` if it is another code.
async fn first_step(
    tx: &mut Tx,
    vault: &Vault,
    call: &Call,
    user: &UserId,
    code: &Secret<String>,
) -> Result<Option<i64>, AuthError> {
    let subjects = attempt::code_subjects(call.tenant(), user, call.address.as_deref());
    for subject in &subjects {
        count(tx, subject, call.now).await?;
    }
    let kept = store::totp::get(&mut tx.scope(call.tenant()), user).await?;
    let kept = kept.filter(|kept| !kept.confirmed).ok_or(FactorError::NotBegun)?;
    let seed = codes::open(vault, call.tenant(), user, &kept.sealed)?;
    let Some(code) = Code::read(code.expose()) else {
        return Ok(None);
    };
    let step = seed.step_of(&code, call.now, kept.last_step)?;
    if step.is_some() {
        store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
    }
    Ok(step)
}

/// What follows when a factor was added: the session has it; with the first factor sessions without it end, and there are
/// recovery codes.
pub(super) async fn begun(
    scope: &mut Scope<'_>,
    call: &Call,
    session: &SessionId,
    method: Method,
) -> Result<Vec<Secret<String>>, AuthError> {
    let (user, _) = person(call)?;
    let factors = load(scope, user).await?.factors;
    if u32::from(factors.totp.is_some()).saturating_add(factors.passkeys) == 1 {
        store::session::revoke_all(scope, user, Some(session), call.now).await?;
        store::waiting::delete_all(scope, user).await?;
    }
    confirm::confirmed(scope, call, session, method).await?;
    if factors.recovery_codes > 0 { Ok(Vec::new()) } else { fresh_codes(scope, call, user).await }
}

async fn fresh_codes(
    scope: &mut Scope<'_>,
    call: &Call,
    user: &UserId,
) -> Result<Vec<Secret<String>>, AuthError> {
    let codes: Vec<RecoveryCode> = (0..COUNT).map(|_| RecoveryCode::new(&*call.chance)).collect();
    let hashes: Vec<_> = codes.iter().map(|code| code.hash(call.tenant(), user)).collect();
    store::recovery::replace(scope, user, &hashes, call.now).await?;
    Ok(codes.iter().map(RecoveryCode::shown).collect())
}

/// New recovery codes; the old ones are void.
///
/// # Errors
/// [`FactorError::NoFactor`]; [`AuthError::NeedsSession`]; the database's.
pub async fn new_recovery_codes(
    db: &Db,
    vault: &Vault,
    call: &Call,
) -> Result<Vec<Secret<String>>, AuthError> {
    let (user, _) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = load(&mut scope, user).await?.factors;
        if !before.are_on() {
            return Err(FactorError::NoFactor.into());
        }
        let codes = fresh_codes(&mut scope, call, user).await?;
        let entry = Entry {
            action: "factor.recovery_codes_renewed",
            subject: user.as_str(),
            before: Some(seen(before)),
            after: None,
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::RecoveryCodesMade).await?;
        Ok(codes)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Removes the caller's authenticator app, against the password or a code. Their other sessions end.
///
/// # Errors
/// As [`super::confirm`]; [`AuthError::NotFound`] if there is none.
pub async fn remove_totp(
    db: &Db,
    hashing: &dyn Hashing,
    vault: &Vault,
    call: &Call,
    proof: &Proof,
) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    super::confirm(db, hashing, vault, call, proof).await?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = load(&mut scope, user).await?.factors;
        if !store::totp::delete(&mut scope, user).await? {
            return Err(AuthError::NotFound("authenticator app"));
        }
        ended(&mut scope, call, user, session, Method::OneTimeCode).await?;
        let entry = Entry {
            action: "factor.totp_removed",
            subject: user.as_str(),
            before: Some(seen(before)),
            after: Some(seen(load(&mut scope, user).await?.factors)),
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::TwoFactorRemoved).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// What follows when a factor was removed: the session lost it, the user's other sessions end, and recovery codes go with
/// the last factor.
pub(super) async fn ended(
    scope: &mut Scope<'_>,
    call: &Call,
    user: &UserId,
    session: &SessionId,
    method: Method,
) -> Result<(), AuthError> {
    let mut methods: Methods =
        store::session::get(scope, session).await?.ok_or(AuthError::CredentialInvalid)?.methods;
    methods = methods.without(method);
    if !load(scope, user).await?.factors.are_on() {
        store::recovery::delete(scope, user).await?;
        methods = methods.without(Method::RecoveryCode);
    }
    store::session::confirm(scope, session, methods, call.now).await?;
    store::session::revoke_all(scope, user, Some(session), call.now).await?;
    store::waiting::delete_all(scope, user).await?;
    Ok(store::tenant::bump_access(scope).await?)
}

/// Removes all factors of another user, who lost them; their sessions end.
///
/// # Errors
/// [`AuthError::Beyond`], [`FactorError::Own`], [`AuthError::NotFound`]; the database's.
pub async fn remove_factors(db: &Db, vault: &Vault, call: &Call, user: &UserId) -> Result<(), AuthError> {
    if matches!(&call.principal.actor, Actor::User(own, _) if own == user) {
        return Err(FactorError::Own.into());
    }
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let member = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
        member.changeable_by(&call.principal)?;
        let before = load(&mut scope, user).await?.factors;
        store::totp::delete(&mut scope, user).await?;
        store::recovery::delete(&mut scope, user).await?;
        store::passkey::delete_all(&mut scope, user).await?;
        store::waiting::delete_all(&mut scope, user).await?;
        store::session::revoke_all(&mut scope, user, None, call.now).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "user.factors_removed",
            subject: user.as_str(),
            before: Some(seen(before)),
            after: Some(seen(Factors::default())),
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::TwoFactorRemoved).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

//! How does somebody in a session prove again who they are? For changes that a stolen session must not make.

use super::{
    codes, finish,
    logins::count,
    passkeys::{self, Answer},
    person,
};
use crate::{
    AuthError, FactorError, Hashing, Method, PasskeyError, Verdict, attempt, hashing, passkey::Purpose, store,
};
use audit::Entry;
use db::{Db, Scope, Tx};
use kernel::{CONFIRMED_FOR, Call, FieldFault, Instant, Secret, SessionId};
use serde_json::json;
use vault::Vault;

/// What somebody shows who is in already.
#[derive(Debug, Clone)]
pub enum Proof {
    /// The password.
    Password(Secret<String>),
    /// A one-time code or a recovery code.
    Code(Secret<String>),
    /// A passkey's answer to a challenge of [`super::ask_passkey`].
    Passkey(Answer),
}

/// Refuses a call whose person did not prove lately who they are; programs pass.
///
/// # Errors
/// [`FactorError::Unconfirmed`].
pub fn must_be_confirmed(call: &Call) -> Result<(), FactorError> {
    if call.recently_confirmed() { Ok(()) } else { Err(FactorError::Unconfirmed) }
}

/// Proves anew who the caller is; gives until when that counts. A code also lifts the session to two factors.
///
/// # Errors
/// [`FactorError::Wrong`] names the field that does not fit; [`AuthError::LoginBlocked`] after too many tries;
/// [`AuthError::NeedsSession`]; the database's.
pub async fn confirm(
    db: &Db,
    hashing: &dyn Hashing,
    vault: &Vault,
    call: &Call,
    proof: &Proof,
) -> Result<Instant, AuthError> {
    match proof {
        Proof::Password(password) => by_password(db, hashing, call, password).await?,
        Proof::Code(code) => by_code(db, vault, call, code).await?,
        Proof::Passkey(answer) => by_passkey(db, call, answer).await?,
    }
    Ok(call.now + CONFIRMED_FOR)
}

async fn by_password(
    db: &Db,
    hashing: &dyn Hashing,
    call: &Call,
    shown: &Secret<String>,
) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let stored = store::user::password(&mut tx.scope(call.tenant()), user).await?;
        let stored = stored.ok_or(AuthError::NotFound("user"))?;
        let subjects = attempt::subjects(Some(call.tenant()), &stored.email, call.address.as_deref());
        for subject in &subjects {
            count(&mut tx, subject, call.now).await?;
        }
        Ok((stored, subjects))
    };
    let outcome = work.await;
    let (stored, subjects) = finish(tx, outcome).await?;
    let verdict = hashing::verify(hashing, shown, stored.hash.as_deref()).await?;
    let mut tx = db.begin().await?;
    let work = async {
        if verdict == Verdict::Wrong {
            return Err(wrong(&mut tx, call, "password", "is not the present password").await?);
        }
        store::attempt::clear(&mut tx.all_tenants(), &subjects).await?;
        let mut scope = tx.scope(call.tenant());
        let again = store::user::password(&mut scope, user).await?;
        if again.is_none_or(|again| again.hash != stored.hash) {
            return Err(AuthError::Stale);
        }
        confirmed(&mut scope, call, session, Method::Password).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn by_code(db: &Db, vault: &Vault, call: &Call, code: &Secret<String>) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let method = match codes::show(&mut tx, vault, call, user, code).await {
            Err(AuthError::Factor(FactorError::Refused)) => {
                return Err(wrong(&mut tx, call, "otp", WRONG_CODE).await?);
            }
            outcome => outcome?,
        };
        confirmed(&mut tx.scope(call.tenant()), call, session, method).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn by_passkey(db: &Db, call: &Call, answer: &Answer) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let whose = Some((call.tenant(), user));
    let as_system = |tenant| call.as_system(tenant);
    let presented = match passkeys::present(db, call.now, as_system, Purpose::Confirm, whose, answer).await {
        // Who is in already is not told to log in again.
        Err(AuthError::Passkey(PasskeyError::Refused)) => {
            let fault = FieldFault::new("passkey", "was refused; ask for new options");
            return Err(FactorError::Wrong(vec![fault]).into());
        }
        outcome => outcome?,
    };
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        presented.count(&mut scope, user, call.now).await?;
        confirmed(&mut scope, call, session, Method::Passkey).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// What is said of a code that does not fit.
pub(super) const WRONG_CODE: &str = "is wrong, was used before, or its time is over";

/// Writes down that a proof was refused; gives the answer. The caller's transaction must stay.
pub(super) async fn wrong(
    tx: &mut Tx,
    call: &Call,
    field: &str,
    message: &str,
) -> Result<AuthError, AuthError> {
    let (user, _) = person(call)?;
    let entry = Entry {
        action: "session.confirmation_refused",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"by": field})),
    };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    Ok(FactorError::Wrong(vec![FieldFault::new(field, message)]).into())
}

/// Notes in the session that the person proved who they are.
pub(super) async fn confirmed(
    scope: &mut Scope<'_>,
    call: &Call,
    session: &SessionId,
    method: Method,
) -> Result<(), AuthError> {
    let before = store::session::get(scope, session).await?.ok_or(AuthError::CredentialInvalid)?;
    let methods = before.methods.with(method);
    store::session::confirm(scope, session, methods, call.now).await?;
    store::tenant::bump_access(scope).await?;
    let entry = Entry {
        action: "session.confirmed",
        subject: session.as_str(),
        before: Some(json!({"methods": before.methods.to_string()})),
        after: Some(json!({"methods": methods.to_string()})),
    };
    Ok(audit::append(scope, call, &entry).await?)
}

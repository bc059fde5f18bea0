//! What comes between the right password and the session of somebody who has a second factor?
//!
//! A login that waits is written down and answered with a token; the token and a factor finish it. Nothing of this is
//! told before the password, or whatever came first, was right.

use super::{
    codes, finish,
    logins::{Entrance, LoggedIn, start},
    passkeys::{self, Answer},
};
use crate::{
    AuthError, FactorError, Factors, Member, Method, Methods, PasskeyError, Tokens, UserState, Visit,
    Waiting,
    passkey::Purpose,
    store,
    waiting::{LIFE, WaitingLogin, WaitingToken, binding},
};
use audit::Entry;
use db::{Db, DbError, Scope, Tx};
use kernel::{Call, Principal, Secret, TenantId, UserId};
use serde_json::json;
use vault::Vault;

/// Lets a login wait for its second factor; gives the answer that says so. The caller's transaction must stay.
pub(super) async fn wait(
    scope: &mut Scope<'_>,
    visit: &Visit,
    member: &Member,
    entrance: Entrance,
    factors: Factors,
) -> Result<FactorError, DbError> {
    let user = &member.user.id;
    let stored = store::user::password(scope, user).await?;
    let token = WaitingToken::new(scope.tenant(), &*visit.chance);
    let login = WaitingLogin {
        user: user.clone(),
        methods: entrance.methods,
        cookie: entrance.cookie,
        bound: binding(stored.as_ref().and_then(|stored| stored.hash.as_deref())),
        tries: 0,
        expires_at: visit.now + LIFE,
    };
    store::waiting::insert(scope, &token.hash(), &login).await?;
    Ok(FactorError::Required(Waiting::new(token.text().clone(), factors)))
}

/// The means of somebody who sent a code along with the password; without a second factor the code is not looked at.
///
/// # Errors
/// [`FactorError::Refused`], and then the caller's transaction must stay; [`AuthError::LoginBlocked`]; the database's.
pub(super) async fn add(
    tx: &mut Tx,
    vault: &Vault,
    visit: &Visit,
    (tenant, user): (&TenantId, &UserId),
    code: &Secret<String>,
    methods: Methods,
) -> Result<Methods, AuthError> {
    let protection = store::factor::of(&mut tx.scope(tenant), user).await?;
    if !protection.is_some_and(|protection| protection.factors.are_on()) {
        return Ok(methods);
    }
    // Who shows it is not known: the user, or somebody who knows their password.
    let call = visit.call(Principal::system(tenant.clone()));
    match codes::show(tx, vault, &call, user, code).await {
        Ok(method) => Ok(methods.with(method)),
        Err(AuthError::Factor(FactorError::Refused)) => Err(refused(tx, visit, &call, user).await?.into()),
        Err(error) => Err(error),
    }
}

/// What somebody shows as their second factor.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A one-time code or a recovery code.
    Code(Secret<String>),
    /// A passkey's answer to a challenge of [`super::ask_passkey`].
    Passkey(Answer),
}

/// Finishes a login that waits.
///
/// # Errors
/// [`FactorError::WaitingOver`], [`FactorError::Refused`]; [`AuthError::LoginBlocked`] after too many codes;
/// [`AuthError::UserDisabled`], [`AuthError::TenantSuspended`]; the database's.
pub async fn verify_second_factor(
    db: &Db,
    tokens: &Tokens,
    vault: &Vault,
    visit: &Visit,
    token: &Secret<String>,
    shown: &Shown,
) -> Result<LoggedIn, AuthError> {
    let token = WaitingToken::read(token).ok_or(FactorError::WaitingOver)?;
    let call = visit.call(Principal::system(token.tenant.clone()));
    // Signatures are checked outside of any transaction.
    let presented = match shown {
        Shown::Passkey(answer) => {
            let user = waiting_user(db, visit, &token).await?;
            let whose = Some((&token.tenant, &user));
            let as_system = |tenant| visit.call(Principal::system(tenant));
            let purpose = Purpose::SecondFactor;
            Some(passkeys::present(db, visit.now, as_system, purpose, whose, answer).await?)
        }
        Shown::Code(_) => None,
    };
    let mut tx = db.begin().await?;
    let work = async {
        store::waiting::forget_old(&mut tx.all_tenants(), visit.now).await?;
        let (login, member) = resume(&mut tx.scope(&token.tenant), visit, &token).await?;
        let outcome = match (shown, &presented) {
            (Shown::Code(code), _) => codes::show(&mut tx, vault, &call, &login.user, code).await,
            (Shown::Passkey(_), Some(presented)) => {
                let mut scope = tx.scope(&token.tenant);
                presented.count(&mut scope, &login.user, visit.now).await.map(|()| Method::Passkey)
            }
            (Shown::Passkey(_), None) => Err(PasskeyError::Refused.into()),
        };
        let method = match outcome {
            Err(AuthError::Factor(FactorError::Refused)) => {
                store::waiting::fail(&mut tx.scope(&token.tenant), &token.hash()).await?;
                return Err(refused(&mut tx, visit, &call, &login.user).await?.into());
            }
            outcome => outcome?,
        };
        let mut scope = tx.scope(&token.tenant);
        store::waiting::delete(&mut scope, &token.hash()).await?;
        let entrance = Entrance { cookie: login.cookie, methods: login.methods.with(method) };
        start(&mut scope, tokens, visit, member, entrance).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Whose login waits under a token.
pub(super) async fn waiting_user(db: &Db, visit: &Visit, token: &WaitingToken) -> Result<UserId, AuthError> {
    let mut tx = db.begin().await?;
    let outcome = resume(&mut tx.scope(&token.tenant), visit, token).await;
    Ok(finish(tx, outcome).await?.0.user)
}

/// The login that waits under a token, and whose it is.
async fn resume(
    scope: &mut Scope<'_>,
    visit: &Visit,
    token: &WaitingToken,
) -> Result<(WaitingLogin, Member), AuthError> {
    let login = store::waiting::get(scope, &token.hash()).await?.ok_or(FactorError::WaitingOver)?;
    let stored = store::user::password(scope, &login.user).await?;
    if !login.goes_on(stored.as_ref().and_then(|stored| stored.hash.as_deref()), visit.now) {
        store::waiting::delete(scope, &token.hash()).await?;
        return Err(FactorError::WaitingOver.into());
    }
    super::logins::tenant_is_open(scope).await?;
    let member = store::user::get(scope, &login.user).await?.ok_or(FactorError::WaitingOver)?;
    if member.user.state == UserState::Disabled {
        return Err(AuthError::UserDisabled);
    }
    Ok((login, member))
}

/// Writes down that a second factor was refused; gives the answer. The caller's transaction must stay.
pub(super) async fn refused(
    tx: &mut Tx,
    visit: &Visit,
    call: &Call,
    user: &UserId,
) -> Result<FactorError, DbError> {
    let agent = visit.agent.as_deref().map(|text| text.chars().take(200).collect::<String>());
    let entry = Entry {
        action: "login.second_factor_refused",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"agent": agent})),
    };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    Ok(FactorError::Refused)
}

#[cfg(test)]
mod tests;

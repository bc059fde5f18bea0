//! How does somebody get passkeys, and come in with one?
//!
//! A challenge is taken in a transaction of its own, so that it is gone whatever becomes of its answer; the signature is
//! checked outside; what follows from it is written in a third step, which fails if the passkey was used meanwhile.

use super::{
    factors::{begun, ended, load, seen, tell},
    finish,
    logins::{Entrance, LoggedIn, start, tenant_is_open},
    person,
    second_factor::waiting_user,
};
use crate::{
    AuthError, FactorError, Method, Methods, Notice, Passkey, PasskeyError, RelyingParty, Tokens, UserState,
    Visit,
    passkey::{self, Asserted, Challenge, MOST, Purpose, Registered},
    store::{self, passkey::Owned},
    tenant::sound_name,
    waiting::WaitingToken,
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, FieldFault, Instant, Page, PageRequest, PasskeyId, Principal, Secret, TenantId, UserId};
use serde_json::json;
use vault::Vault;

/// What an authenticator answered to a challenge.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The site that asked.
    pub party: RelyingParty,
    /// The JSON form of the answer (`PublicKeyCredential.toJSON()`).
    pub json: String,
}

/// What a passkey is asked for.
#[derive(Debug)]
pub enum Asked<'a> {
    /// To log in without anything else.
    Login,
    /// To finish the login that waits under this token.
    SecondFactor(&'a Secret<String>),
    /// To confirm who the caller is.
    Confirm(&'a Call),
}

/// Asks for a passkey; gives the options for `navigator.credentials.get`, as JSON. They are good for five minutes and one
/// answer.
///
/// # Errors
/// [`FactorError::WaitingOver`] if no login waits under the token; [`AuthError::NeedsSession`]; the database's.
pub async fn ask_passkey(
    db: &Db,
    party: &RelyingParty,
    visit: &Visit,
    asked: Asked<'_>,
) -> Result<String, AuthError> {
    let (purpose, of): (_, Option<(TenantId, UserId)>) = match asked {
        Asked::Login => (Purpose::Login, None),
        Asked::SecondFactor(token) => {
            let token = WaitingToken::read(token).ok_or(FactorError::WaitingOver)?;
            let user = waiting_user(db, visit, &token).await?;
            (Purpose::SecondFactor, Some((token.tenant, user)))
        }
        Asked::Confirm(call) => (Purpose::Confirm, Some((call.tenant().clone(), person(call)?.0.clone()))),
    };
    let challenge = passkey::ask(party)?;
    let of = of.as_ref().map(|(tenant, user)| (tenant, user));
    keep(db, &challenge, purpose, of, visit.now).await?;
    Ok(challenge.options)
}

async fn keep(
    db: &Db,
    challenge: &Challenge,
    purpose: Purpose,
    of: Option<(&TenantId, &UserId)>,
    now: Instant,
) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let outcome = store::passkey::ask(&mut tx.all_tenants(), challenge, purpose, of, now).await;
    finish(tx, outcome.map_err(AuthError::from)).await
}

/// Asks for a new passkey of the caller; gives the options for `navigator.credentials.create`, as JSON.
///
/// # Errors
/// [`PasskeyError::TooMany`]; [`AuthError::NeedsSession`]; the database's.
pub async fn ask_registration(db: &Db, party: &RelyingParty, call: &Call) -> Result<String, AuthError> {
    let (user, _) = person(call)?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let member = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
    let known = store::passkey::credentials(&mut scope, user).await?;
    drop(lease);
    if u32::try_from(known.len()).unwrap_or(u32::MAX) >= MOST {
        return Err(PasskeyError::TooMany.into());
    }
    let handle = passkey::handle(call.tenant(), user);
    let challenge = passkey::ask_registration(party, handle, member.user.email.as_str(), &known)?;
    keep(db, &challenge, Purpose::Register, Some((call.tenant(), user)), call.now).await?;
    Ok(challenge.options)
}

fn sound(name: &str) -> Result<String, AuthError> {
    sound_name(name).map_err(|fault| AuthError::Fields(vec![FieldFault::new("name", fault)]))
}

/// Registers the caller's new passkey. If it is the first factor, other sessions end, and there are recovery codes.
///
/// # Errors
/// [`PasskeyError::Unsound`], [`PasskeyError::Taken`]; [`AuthError::Fields`]; [`AuthError::NeedsSession`]; the database's.
pub async fn register_passkey(
    db: &Db,
    vault: &Vault,
    call: &Call,
    name: &str,
    answer: &Answer,
) -> Result<(Passkey, Vec<Secret<String>>), AuthError> {
    let (user, session) = person(call)?;
    let name = sound(name)?;
    let registered = Registered::read(&answer.json)?;
    let mut tx = db.begin().await?;
    let outcome = store::passkey::take(&mut tx.all_tenants(), registered.challenge()?).await;
    let sent = finish(tx, outcome.map_err(AuthError::from)).await?.filter(|sent| {
        let own = sent.of.as_ref().is_some_and(|(tenant, of)| tenant == call.tenant() && of == user);
        own && sent.purpose == Purpose::Register && call.now < sent.expires_at
    });
    let sent = sent.ok_or_else(|| {
        let why = "answers no challenge that waits; ask for new options";
        PasskeyError::Unsound(vec![FieldFault::new("credential", why)])
    })?;
    let credential = registered.verify(&answer.party, &sent.state)?;
    let id = PasskeyId::new(call.now, &*call.chance);
    let made = Passkey { id, name, created_at: call.now, last_used_at: None };
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if !store::passkey::insert(&mut scope, user, &made, credential).await? {
            return Err(PasskeyError::Taken.into());
        }
        if load(&mut scope, user).await?.factors.passkeys > MOST {
            return Err(PasskeyError::TooMany.into());
        }
        let codes = begun(&mut scope, call, session, Method::Passkey).await?;
        let entry = Entry {
            action: "factor.passkey_registered",
            subject: made.id.as_str(),
            before: None,
            after: Some(json!({"user": user.as_str(), "name": made.name})),
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::PasskeyAdded).await?;
        Ok(codes)
    };
    let outcome = work.await;
    let codes = finish(tx, outcome).await?;
    Ok((made, codes))
}

/// A passkey whose answer holds.
pub(super) struct Presented {
    owned: Owned,
    standing: Vec<u8>,
}

impl Presented {
    /// Notes the use.
    ///
    /// # Errors
    /// [`PasskeyError::Refused`] if it is not `user`'s, or was used meanwhile; the database's.
    pub(super) async fn count(
        &self,
        scope: &mut Scope<'_>,
        user: &UserId,
        now: Instant,
    ) -> Result<(), AuthError> {
        let standing = self.standing.clone();
        let counted = self.owned.user == *user
            && self.owned.tenant == *scope.tenant()
            && store::passkey::count_use(scope, &self.owned, standing, now).await?;
        if counted { Ok(()) } else { Err(PasskeyError::Refused.into()) }
    }
}

/// Checks the answer to a challenge that was sent at `purpose`, to the user `whose` if one is known by then. `as_system`
/// makes the call in which a refusal is written to the audit of the tenant whose passkey it is.
///
/// # Errors
/// [`PasskeyError::Refused`], whatever is wrong; the database's.
pub(super) async fn present(
    db: &Db,
    now: Instant,
    as_system: impl Fn(TenantId) -> Call,
    purpose: Purpose,
    whose: Option<(&TenantId, &UserId)>,
    answer: &Answer,
) -> Result<Presented, AuthError> {
    let asserted = Asserted::read(&answer.json)?;
    let challenge = asserted.challenge()?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut all = tx.all_tenants();
        let sent = store::passkey::take(&mut all, challenge).await?;
        Ok(sent.zip(store::passkey::find(&mut all, asserted.credential_id()).await?))
    };
    let outcome = work.await;
    let (sent, owned) = finish(tx, outcome).await?.ok_or(PasskeyError::Refused)?;
    let of = sent.of.as_ref().map(|(tenant, user)| (tenant, user));
    if of != whose || whose.is_some_and(|whose| whose != (&owned.tenant, &owned.user)) {
        // Somebody else's passkey, or another's challenge: nothing that its owner could do anything about.
        return Err(PasskeyError::Refused.into());
    }
    let handle = passkey::handle(&owned.tenant, &owned.user);
    let verdict = if sent.purpose == purpose && now < sent.expires_at {
        asserted.verify(&answer.party, &sent.state, handle, &owned.credential)
    } else {
        Err(PasskeyError::Refused)
    };
    match verdict {
        Ok(standing) => Ok(Presented { owned, standing }),
        Err(error) => {
            let entry = Entry { action: "passkey.refused", subject: owned.id.as_str(), ..Entry::default() };
            let mut tx = db.begin().await?;
            let call = as_system(owned.tenant.clone());
            let outcome = audit::append(&mut tx.scope(&owned.tenant), &call, &entry).await;
            finish(tx, outcome.map_err(AuthError::from)).await?;
            Err(error.into())
        }
    }
}

/// Logs in by passkey alone: the credential says who it is, and its authenticator verified the person. `tenant` is the one
/// that was named, if one was.
///
/// # Errors
/// [`PasskeyError::Refused`]; [`AuthError::UserDisabled`], [`AuthError::TenantSuspended`]; the database's.
pub async fn login_by_passkey(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    tenant: Option<&TenantId>,
    cookie: bool,
    answer: &Answer,
) -> Result<LoggedIn, AuthError> {
    let as_system = |tenant| visit.call(Principal::system(tenant));
    let presented = present(db, visit.now, as_system, Purpose::Login, None, answer).await?;
    let owned = &presented.owned;
    if tenant.is_some_and(|tenant| *tenant != owned.tenant) {
        return Err(PasskeyError::Refused.into());
    }
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&owned.tenant);
        presented.count(&mut scope, &owned.user, visit.now).await?;
        tenant_is_open(&mut scope).await?;
        let member = store::user::get(&mut scope, &owned.user).await?.ok_or(PasskeyError::Refused)?;
        if member.user.state == UserState::Disabled {
            return Err(AuthError::UserDisabled);
        }
        let entrance = Entrance { cookie, methods: Methods::only(Method::Passkey) };
        start(&mut scope, tokens, visit, member, entrance).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The caller's passkeys, oldest first.
///
/// # Errors
/// [`AuthError::NeedsSession`]; the database's.
pub async fn passkeys(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Passkey>, AuthError> {
    let (user, _) = person(call)?;
    let mut lease = db.read().await?;
    let rows = store::passkey::list(&mut lease.scope(call.tenant())?, user, page).await?;
    Ok(Page::cut(rows, page, |passkey| passkey.id.to_string()))
}

/// Gives one of the caller's passkeys another name.
///
/// # Errors
/// [`AuthError::NotFound`]; [`AuthError::Fields`]; [`AuthError::NeedsSession`]; the database's.
pub async fn rename_passkey(db: &Db, call: &Call, id: &PasskeyId, name: &str) -> Result<Passkey, AuthError> {
    let (user, _) = person(call)?;
    let name = sound(name)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let renamed = store::passkey::rename(&mut scope, user, id, &name).await?;
        let renamed = renamed.ok_or(AuthError::NotFound("passkey"))?;
        let entry = Entry {
            action: "factor.passkey_renamed",
            subject: id.as_str(),
            before: None,
            after: Some(json!({"name": name})),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(renamed)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Removes one of the caller's passkeys. With the last one the session loses what it proved, and the user's other sessions
/// end.
///
/// # Errors
/// [`AuthError::NotFound`]; [`AuthError::NeedsSession`]; the database's.
pub async fn remove_passkey(db: &Db, vault: &Vault, call: &Call, id: &PasskeyId) -> Result<(), AuthError> {
    let (user, session) = person(call)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let gone = store::passkey::delete(&mut scope, user, id).await?;
        let gone = gone.ok_or(AuthError::NotFound("passkey"))?;
        let left = load(&mut scope, user).await?.factors;
        if left.passkeys == 0 {
            ended(&mut scope, call, user, session, Method::Passkey).await?;
        }
        let entry = Entry {
            action: "factor.passkey_removed",
            subject: id.as_str(),
            before: Some(json!({"user": user.as_str(), "name": gone.name})),
            after: Some(seen(left)),
        };
        audit::append(&mut scope, call, &entry).await?;
        tell(&mut scope, call, vault, user, Notice::PasskeyRemoved).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

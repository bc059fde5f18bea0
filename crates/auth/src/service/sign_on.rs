//! How does somebody come in by their own identity provider? In two steps with the provider between them, and a third
//! where a frontend fetches the tokens. Nothing is asked of a provider while a transaction is open.

use super::{
    connections, finish,
    logins::{Entrance, LoggedIn, start, tenant_is_open},
};
use crate::{
    Answer, AuthError, BrowserSecret, Connection, Email, Fetch, Member, Method, Methods, OidcSetup,
    Providers, ReturnTo, Setup, SignOnError, TenantState, Tokens, UserState, Visit,
    claim::{self, Asserted},
    digest::{self, Digest},
    fetch::Guarded,
    oidc,
    provider::Asking,
    sign_on::{ATTEMPT_LIFE, Admission, HANDOFF_LIFE, Slip, admit},
    store::{
        self,
        connection::Stored,
        sign_on::{self as rows, Attempt, Handoff},
    },
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, ConnectionId, Fault as _, Principal, Reach, RoleId, Secret, TenantId, UserId};
use serde_json::json;
use vault::Vault;

/// What single sign-on needs of the world outside.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// Asks providers.
    pub fetch: &'a dyn Fetch,
    /// Opens client secrets.
    pub vault: &'a Vault,
    /// Remembers providers.
    pub providers: &'a Providers,
    /// Where people reach us.
    pub public_url: &'a str,
    /// Whether private addresses may be asked.
    pub allow_private: bool,
}

/// Where a connection's provider sends people back to. Each connection has an address of its own, so that an answer of
/// one provider cannot be passed off as another's (RFC 9700, section 4.4).
#[must_use]
pub fn callback(public_url: &str, connection: &Connection) -> String {
    match &connection.setup {
        Setup::Oidc(OidcSetup { shared_callback: true, .. }) => format!("{public_url}/api/v1/callback"),
        Setup::Oidc(_) => format!("{public_url}/api/v1/callback/{}", connection.id),
    }
}

impl Outside<'_> {
    fn callback(&self, connection: &Connection) -> String {
        callback(self.public_url, connection)
    }

    pub(super) fn asking<'b>(
        &'b self,
        tenant: &'b TenantId,
        connection: &'b ConnectionId,
        issuer: &'b str,
        now: kernel::Instant,
    ) -> Asking<'b> {
        let http = Guarded { fetch: self.fetch, allow_private: self.allow_private };
        Asking { tenant, connection, issuer, http, now }
    }
}

/// What somebody asks for who wants to sign on.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The tenant.
    pub tenant: TenantId,
    /// The connection; needed only where the tenant has several that would do.
    pub connection: Option<ConnectionId>,
    /// The person's address, whose domain may choose the connection.
    pub email: Option<Email>,
    /// How the outcome is wanted.
    pub answer: Answer,
    /// What the browser keeps already, from another sign-on.
    pub browser: Option<BrowserSecret>,
}

/// A sign-on that was begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Where the browser goes: to the provider.
    pub location: String,
    /// What the browser keeps meanwhile.
    pub browser: BrowserSecret,
    /// Whether the provider sends the browser back by a form, so that another site posts to us.
    pub by_form: bool,
}

/// Begins a sign-on.
///
/// # Errors
/// [`SignOnError::Unknown`] for an unknown or suspended tenant and an unknown or inactive connection alike;
/// [`SignOnError::Choice`], [`SignOnError::Provider`]; the database's.
pub async fn begin_sign_on(
    db: &Db,
    outside: Outside<'_>,
    visit: &Visit,
    wish: Wish,
) -> Result<Begun, AuthError> {
    let stored = choose(db, &wish).await?;
    let connection = &stored.connection;
    let browser = wish.browser.unwrap_or_else(|| BrowserSecret::make(&*visit.chance));
    let state = Slip::State.make(&wish.tenant, &*visit.chance);
    let location = match &connection.setup {
        Setup::Oidc(setup) => {
            let asking = outside.asking(&wish.tenant, &connection.id, &setup.issuer, visit.now);
            let provider = outside.providers.get(asking).await?;
            if let Some(fault) = oidc::faults(&provider, false, outside.allow_private).into_iter().next() {
                return Err(SignOnError::Provider(fault).into());
            }
            let us = oidc::us(&provider, &setup.client_id, None, &outside.callback(connection))
                .map_err(SignOnError::Provider)?;
            let (nonce, verifier) = (browser.derive("nonce", &state), browser.derive("verifier", &state));
            oidc::authorization(&us, &setup.scopes, &state, &nonce, &verifier)
        }
    };
    let attempt = Attempt {
        browser: browser.hash(),
        connection: connection.id.clone(),
        answer: wish.answer,
        expires_at: visit.now + ATTEMPT_LIFE,
    };
    let mut tx = db.begin().await?;
    let work = async {
        rows::forget(&mut tx.all_tenants(), visit.now).await?;
        Ok(rows::insert_attempt(&mut tx.scope(&wish.tenant), &slip_hash(&state), &attempt).await?)
    };
    let outcome = work.await;
    finish(tx, outcome).await?;
    let by_form = match connection.setup {
        Setup::Oidc(_) => false,
    };
    Ok(Begun { location, browser, by_form })
}

fn slip_hash(slip: &Secret<String>) -> Digest {
    digest::of(&[slip.expose()])
}

/// The connection that is meant.
async fn choose(db: &Db, wish: &Wish) -> Result<Stored, AuthError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(&wish.tenant)?;
    let policy = rows::policy(&mut scope).await?;
    if policy.is_none_or(|policy| policy.state == TenantState::Suspended) {
        return Err(SignOnError::Unknown.into());
    }
    let mut fit = store::connection::active(&mut scope).await?;
    if let Some(id) = &wish.connection {
        fit.retain(|one| one.connection.id == *id);
    } else if let Some(email) = &wish.email {
        // An address of nobody's domain leaves the choice open.
        if fit.iter().any(|one| one.connection.vouches_for(email)) {
            fit.retain(|one| one.connection.vouches_for(email));
        }
    }
    let chosen = fit.pop().ok_or(SignOnError::Unknown)?;
    if fit.is_empty() { Ok(chosen) } else { Err(SignOnError::Choice.into()) }
}

/// What a provider sent a browser back with.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The state that we sent.
    pub state: Secret<String>,
    /// What the browser kept.
    pub browser: Option<BrowserSecret>,
    /// The connection whose address the browser was sent to; `None` at the one that all share.
    pub connection: Option<ConnectionId>,
    /// What the provider says.
    pub reply: Reply,
}

/// What a provider says.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Here is a code.
    Code {
        /// The code.
        code: Secret<String>,
        /// Who says so (RFC 9207).
        issuer: Option<String>,
    },
    /// No.
    Refusal {
        /// Its code: `access_denied`.
        error: String,
        /// Its words.
        description: Option<String>,
        /// Who says so.
        issuer: Option<String>,
    },
}

impl Reply {
    const fn issuer(&self) -> Option<&String> {
        match self {
            Self::Code { issuer, .. } | Self::Refusal { issuer, .. } => issuer.as_ref(),
        }
    }
}

/// How a sign-on came out.
#[derive(Debug, Clone)]
pub enum Ended {
    /// A session whose cookie the browser keeps; it goes on to the address.
    Cookie(Box<LoggedIn>, ReturnTo),
    /// The browser goes on to the address with the code.
    Code(ReturnTo, Secret<String>),
    /// The tokens are the answer.
    Json(Box<LoggedIn>),
}

/// A sign-on that failed, and where the browser may be sent with that.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: AuthError,
    /// Where the frontend waits, if the sign-on was begun by one.
    pub return_to: Option<ReturnTo>,
}

impl<E: Into<AuthError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), return_to: None }
    }
}

/// Finishes a sign-on with what the provider sent the browser back with.
///
/// # Errors
/// [`Failed`] with [`SignOnError`], [`AuthError::UserDisabled`], [`AuthError::TenantSuspended`], or the database's.
pub async fn finish_sign_on(
    db: &Db,
    tokens: &Tokens,
    outside: Outside<'_>,
    visit: &Visit,
    returned: Returned,
) -> Result<Ended, Failed> {
    let tenant = Slip::State.tenant(&returned.state).ok_or(SignOnError::State)?;
    let (attempt, stored, browser) = take(db, visit, &tenant, &returned).await?;
    let outcome = async {
        let asserted = ask(outside, visit, &tenant, &stored, &browser, &returned).await?;
        let mut tx = db.begin().await?;
        let outcome = enter(&mut tx.scope(&tenant), tokens, visit, &stored, &attempt, &asserted).await;
        finish(tx, outcome).await
    };
    let outcome = outcome.await;
    if let Err(error) = &outcome {
        refused(db, visit, &tenant, &stored.connection.id, error).await?;
    }
    outcome.map_err(|error| Failed { error, return_to: attempt.answer.return_to().cloned() })
}

/// The attempt that this return belongs to; it is gone afterwards, whatever becomes of it.
async fn take(
    db: &Db,
    visit: &Visit,
    tenant: &TenantId,
    returned: &Returned,
) -> Result<(Attempt, Stored, BrowserSecret), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(tenant);
        let Some(attempt) = rows::take_attempt(&mut scope, &slip_hash(&returned.state)).await? else {
            return Ok(None);
        };
        let stored = store::connection::get(&mut scope, &attempt.connection).await?;
        Ok(stored.map(|stored| (attempt, stored)))
    };
    let outcome = work.await;
    // Committed also where it does not fit: it was shown once.
    let (attempt, stored) = finish(tx, outcome).await?.ok_or(SignOnError::State)?;
    let browser = returned.browser.clone().filter(|browser| browser.hash() == attempt.browser);
    let fits = visit.now < attempt.expires_at
        && stored.connection.is_active
        && match &stored.connection.setup {
            Setup::Oidc(setup) => match &returned.connection {
                Some(id) => !setup.shared_callback && *id == stored.connection.id,
                None => setup.shared_callback,
            },
        };
    match browser {
        Some(browser) if fits => Ok((attempt, stored, browser)),
        Some(_) | None => {
            let error = SignOnError::State.into();
            refused(db, visit, tenant, &stored.connection.id, &error).await?;
            Err(error)
        }
    }
}

/// Asks the provider who it is.
async fn ask(
    outside: Outside<'_>,
    visit: &Visit,
    tenant: &TenantId,
    stored: &Stored,
    browser: &BrowserSecret,
    returned: &Returned,
) -> Result<Asserted, AuthError> {
    let connection = &stored.connection;
    let Setup::Oidc(setup) = &connection.setup;
    let asking = outside.asking(tenant, &connection.id, &setup.issuer, visit.now);
    let provider = outside.providers.get(asking).await?;
    let told = returned.reply.issuer();
    let must_tell = setup.shared_callback || oidc::names_itself(&provider);
    if told.is_some_and(|told| *told != setup.issuer) || (must_tell && told.is_none()) {
        return Err(SignOnError::Doubt("the answer is not this provider's (iss)".to_owned()).into());
    }
    let code = match &returned.reply {
        Reply::Code { code, .. } => code,
        Reply::Refusal { error, description, .. } => {
            let words = description.as_ref().map(|words| format!("{error}, {words}"));
            let words = words.as_ref().unwrap_or(error).trim_end_matches('.');
            return Err(SignOnError::Denied(claim::presentable(words)).into());
        }
    };
    let secret = connections::open(tenant, outside.vault, stored)?;
    let question = oidc::Question {
        client_id: &setup.client_id,
        secret: secret.as_ref(),
        callback: &outside.callback(connection),
        nonce: &browser.derive("nonce", &returned.state),
        verifier: &browser.derive("verifier", &returned.state),
        now: visit.now,
    };
    let answer = question.exchange(&provider, asking.http, code).await?;
    let claims = match question.believe(&provider, &answer) {
        Ok(claims) => claims,
        Err(oidc::Doubt::Refused(why)) => return Err(SignOnError::Doubt(why).into()),
        Err(oidc::Doubt::UnknownKey) => {
            let unknown = || SignOnError::Doubt("its signature names no key of the provider".to_owned());
            let turned = outside.providers.with_new_keys(asking, &provider).await?.ok_or_else(unknown)?;
            question.believe(&turned, &answer).map_err(|doubt| match doubt {
                oidc::Doubt::UnknownKey => unknown(),
                oidc::Doubt::Refused(why) => SignOnError::Doubt(why),
            })?
        }
    };
    let mapped = connection.mapping.iter().map(|one| one.claim.as_str());
    let claims = oidc::completed(&provider, asking.http, &answer, claims, mapped).await?;
    Ok(Asserted::of_claims(&claims))
}

/// Lets the person in: links or makes the user, turns their roles, begins the session or leaves a code for it.
async fn enter(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    visit: &Visit,
    stored: &Stored,
    attempt: &Attempt,
    asserted: &Asserted,
) -> Result<Ended, AuthError> {
    tenant_is_open(scope).await?;
    // The provider took its time: only the very connection that it was asked by will do.
    let still = store::connection::get(scope, &stored.connection.id).await?;
    let still = still.filter(|now| now.connection.version == stored.connection.version);
    let connection = still.ok_or(SignOnError::State)?.connection;
    let user = admitted(scope, visit, &connection, asserted).await?;
    let member = turned(scope, visit, &connection, asserted, &user).await?;
    if member.user.state == UserState::Disabled {
        return Err(AuthError::UserDisabled);
    }
    match &attempt.answer {
        Answer::Json => Ok(Ended::Json(Box::new(session(scope, tokens, visit, member, false).await?))),
        Answer::Cookie(place) => {
            Ok(Ended::Cookie(Box::new(session(scope, tokens, visit, member, true).await?), place.clone()))
        }
        Answer::Code(place, challenge) => {
            let code = Slip::Handoff.make(scope.tenant(), &*visit.chance);
            let handoff = Handoff {
                challenge: challenge.clone(),
                user,
                connection: connection.id,
                expires_at: visit.now + HANDOFF_LIFE,
            };
            rows::insert_handoff(scope, &slip_hash(&code), &handoff).await?;
            Ok(Ended::Code(place.clone(), code))
        }
    }
}

async fn session(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    visit: &Visit,
    member: Member,
    cookie: bool,
) -> Result<LoggedIn, AuthError> {
    let methods = Methods::only(Method::SingleSignOn);
    start(scope, tokens, visit, member, Entrance { cookie, methods }).await
}

fn as_system(scope: &Scope<'_>, visit: &Visit) -> Call {
    visit.call(Principal::system(scope.tenant().clone()))
}

/// The user that the person is, linked or made if need be.
async fn admitted(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
) -> Result<UserId, AuthError> {
    let (id, subject, now) = (&connection.id, asserted.subject.as_str(), visit.now);
    let acquainted = rows::acquainted(scope, id, subject, asserted.email.as_ref()).await?;
    let user = match admit(connection, asserted, &acquainted)? {
        Admission::Known(user) => {
            rows::used(scope, id, subject, now).await?;
            return Ok(user);
        }
        Admission::Link(user) => user,
        Admission::Create(email) => create(scope, visit, connection, asserted, &email).await?,
    };
    rows::link(scope, id, subject, &user, now).await?;
    let entry = Entry {
        action: "user.linked",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"connection_id": id.as_str(), "provider_subject": subject})),
    };
    audit::append(scope, &as_system(scope, visit), &entry).await?;
    Ok(user)
}

async fn create(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
    email: &Email,
) -> Result<UserId, AuthError> {
    let user = UserId::new(visit.now, &*visit.chance);
    if !store::user::insert(scope, &user, email, &asserted.display_name(), None, visit.now).await? {
        return Err(SignOnError::NoAccount.into());
    }
    let entry = Entry {
        action: "user.created",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"email": email.as_str(), "connection_id": connection.id.as_str()})),
    };
    audit::append(scope, &as_system(scope, visit), &entry).await?;
    for role in &connection.default_roles {
        give(scope, visit, &user, role).await?;
    }
    store::tenant::bump_access(scope).await?;
    Ok(user)
}

/// The user with the roles that follow from what the provider said.
async fn turned(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
    user: &UserId,
) -> Result<Member, AuthError> {
    let member = store::user::get(scope, user).await?.ok_or(SignOnError::NoAccount)?;
    let present: Vec<RoleId> = member.roles.iter().map(|(id, _)| id.clone()).collect();
    let turn = claim::turn(&connection.mapping, asserted, &present);
    if turn.give.is_empty() && turn.take.is_empty() {
        return Ok(member);
    }
    for role in &turn.give {
        give(scope, visit, user, role).await?;
    }
    for role in &turn.take {
        take_away(scope, visit, user, role).await?;
    }
    store::tenant::bump_access(scope).await?;
    Ok(store::user::get(scope, user).await?.ok_or(SignOnError::NoAccount)?)
}

/// Gives a role that is still there. The owner's is never given, however it came into the mapping.
async fn give(scope: &mut Scope<'_>, visit: &Visit, user: &UserId, role: &RoleId) -> Result<(), AuthError> {
    let role = store::role::get(scope, role).await?;
    let Some(role) = role.filter(|role| role.built_in != Some(crate::BuiltIn::Owner)) else {
        return Ok(());
    };
    if store::role::bind(scope, user, &role.id, visit.now).await? {
        note_role(scope, visit, "role.bound", user, &role).await?;
    }
    Ok(())
}

/// Takes a role away. The owner's is never taken, so the last owner stays.
async fn take_away(
    scope: &mut Scope<'_>,
    visit: &Visit,
    user: &UserId,
    role: &RoleId,
) -> Result<(), AuthError> {
    let role = store::role::get(scope, role).await?;
    let Some(role) = role.filter(|role| role.built_in != Some(crate::BuiltIn::Owner)) else {
        return Ok(());
    };
    if store::binding::unbind(scope, user, &role.id, &Reach::Everything).await? {
        note_role(scope, visit, "role.unbound", user, &role).await?;
    }
    Ok(())
}

async fn note_role(
    scope: &mut Scope<'_>,
    visit: &Visit,
    action: &str,
    user: &UserId,
    role: &crate::Role,
) -> Result<(), AuthError> {
    let after = Some(json!({"role": role.name, "role_id": role.id.as_str()}));
    let entry = Entry { action, subject: user.as_str(), before: None, after };
    Ok(audit::append(scope, &as_system(scope, visit), &entry).await?)
}

/// Writes down that somebody was refused.
async fn refused(
    db: &Db,
    visit: &Visit,
    tenant: &TenantId,
    connection: &ConnectionId,
    error: &AuthError,
) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let entry = Entry {
        action: "sign_on.refused",
        subject: connection.as_str(),
        before: None,
        after: Some(json!({"code": error.code()})),
    };
    let call = visit.call(Principal::system(tenant.clone()));
    audit::append(&mut tx.scope(tenant), &call, &entry).await?;
    Ok(tx.commit().await?)
}

/// Begins the session that a code stands for. The code is good once, and only with the verifier whose SHA-256 was shown
/// when the sign-on was begun (RFC 7636).
///
/// # Errors
/// [`SignOnError::Handoff`], [`AuthError::UserDisabled`], [`AuthError::TenantSuspended`]; the database's.
pub async fn redeem_sign_on(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    code: &Secret<String>,
    verifier: &Secret<String>,
) -> Result<LoggedIn, AuthError> {
    let tenant = Slip::Handoff.tenant(code).ok_or(SignOnError::Handoff)?;
    let mut tx = db.begin().await?;
    let outcome = rows::take_handoff(&mut tx.scope(&tenant), &slip_hash(code)).await.map_err(AuthError::from);
    // Committed in any case: a code that was shown with a wrong verifier is gone.
    let handoff = finish(tx, outcome).await?.ok_or(SignOnError::Handoff)?;
    if visit.now >= handoff.expires_at || challenge_of(verifier) != handoff.challenge {
        refused(db, visit, &tenant, &handoff.connection, &SignOnError::Handoff.into()).await?;
        return Err(SignOnError::Handoff.into());
    }
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&tenant);
        tenant_is_open(&mut scope).await?;
        let member = store::user::get(&mut scope, &handoff.user).await?.ok_or(SignOnError::Handoff)?;
        if member.user.state == UserState::Disabled {
            return Err(AuthError::UserDisabled);
        }
        session(&mut scope, tokens, visit, member, false).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

fn challenge_of(verifier: &Secret<String>) -> Digest {
    use sha2::Digest as _;
    Secret::new(sha2::Sha256::digest(verifier.expose()).into())
}

/// Whether somebody may begin a session by these means. Owners keep their password, so that a broken provider locks
/// nobody out for good.
///
/// # Errors
/// [`SignOnError::PasswordOff`].
pub(super) async fn permitted(
    scope: &mut Scope<'_>,
    member: &Member,
    methods: Methods,
) -> Result<(), AuthError> {
    if !methods.has(Method::Password) || member.is_owner {
        return Ok(());
    }
    match rows::policy(scope).await? {
        Some(policy) if !policy.password_allowed => Err(SignOnError::PasswordOff.into()),
        Some(_) | None => Ok(()),
    }
}

/// What a look at a connection's provider showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// What is wrong, each the end of a sentence about the provider; nothing if all is well.
    pub faults: Vec<String>,
    /// What must be registered there.
    pub redirect_uri: String,
}

/// Looks whether a connection's provider can be asked and speaks as it must. Nothing is remembered.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn test_connection(
    db: &Db,
    call: &Call,
    outside: Outside<'_>,
    id: &ConnectionId,
) -> Result<Tested, AuthError> {
    let stored = {
        let mut lease = db.read().await?;
        connections::load(&mut lease.scope(call.tenant())?, id).await?
    };
    let connection = &stored.connection;
    let faults = match &connection.setup {
        Setup::Oidc(setup) => {
            let asking = outside.asking(call.tenant(), id, &setup.issuer, call.now);
            match asking.discover().await {
                Ok(provider) => {
                    let mut faults = oidc::faults(&provider, setup.has_secret, outside.allow_private);
                    if setup.shared_callback && !oidc::names_itself(&provider) {
                        faults.push("it does not name itself in its answers (RFC 9207), so shared_callback must be off".to_owned());
                    }
                    faults
                }
                Err(SignOnError::Provider(fault)) => vec![fault],
                Err(error) => return Err(error.into()),
            }
        }
    };
    Ok(Tested { faults, redirect_uri: outside.callback(connection) })
}

#[cfg(test)]
mod tests;

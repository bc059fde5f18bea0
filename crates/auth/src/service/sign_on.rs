//! How does somebody come in by their own identity provider? In two steps with the provider between them, and a third
//! where a frontend fetches the tokens. Nothing is asked of a provider while a transaction is open.

use super::{
    admission::{admitted, turned},
    finish,
    logins::{Entrance, LoggedIn, start, tenant_is_open},
    outside::{Outside, Question, Reply, Vouched},
};
use crate::{
    Answer, AuthError, BrowserSecret, Email, Member, Method, Methods, ReturnTo, Setup, SignOnError,
    TenantState, Tokens, UserState, Visit,
    digest::{self, Digest},
    sign_on::{ATTEMPT_LIFE, HANDOFF_LIFE, Slip},
    store::{
        self,
        connection::Stored,
        sign_on::{self as rows, Attempt, Handoff},
    },
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{ConnectionId, Fault as _, Principal, Secret, TenantId};
use serde_json::json;

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
    let question = Question { tenant: &wish.tenant, stored: &stored, state: &state, browser: &browser };
    let location = outside.way(&question, visit.now).await?;
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
        Setup::Saml(_) => true,
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

impl Returned {
    /// What a SAML provider's form brought to the address of a connection of `tenant`.
    #[must_use]
    pub fn by_form(
        tenant: &TenantId,
        connection: ConnectionId,
        browser: Option<BrowserSecret>,
        response: String,
        relay: &str,
    ) -> Self {
        let state = Slip::State.whole(tenant, relay);
        Self { state, browser, connection: Some(connection), reply: Reply::Response(response) }
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
        let question =
            Question { tenant: &tenant, stored: &stored, state: &returned.state, browser: &browser };
        let vouched = outside.ask(&question, visit, &returned.reply).await?;
        let mut tx = db.begin().await?;
        let outcome = enter(&mut tx.scope(&tenant), tokens, visit, &stored, &attempt, &vouched).await;
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
            Setup::Saml(_) => returned.connection.as_ref() == Some(&stored.connection.id),
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

/// Lets the person in: links or makes the user, turns their roles, begins the session or leaves a code for it.
async fn enter(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    visit: &Visit,
    stored: &Stored,
    attempt: &Attempt,
    vouched: &Vouched,
) -> Result<Ended, AuthError> {
    tenant_is_open(scope).await?;
    // The provider took its time: only the very connection that it was asked by will do.
    let still = store::connection::get(scope, &stored.connection.id).await?;
    let still = still.filter(|now| now.connection.version == stored.connection.version);
    let connection = still.ok_or(SignOnError::State)?.connection;
    if let Some((assertion, expires_at)) = &vouched.once
        && !rows::take_assertion(scope, &connection.id, assertion, *expires_at).await?
    {
        return Err(SignOnError::Doubt("its assertion was shown before".to_owned()).into());
    }
    let user = admitted(scope, visit, &connection, &vouched.asserted).await?;
    let member = turned(scope, visit, &connection, &vouched.asserted, &user).await?;
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

#[cfg(test)]
mod tests;

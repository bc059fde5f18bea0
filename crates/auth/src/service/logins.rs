//! How does a session begin, go on and end? By password, by refresh token, by logout.
//!
//! A login answers the same, and takes about the same time, whether or not the address is known: the try is counted, a
//! password is compared (with nobody's, if there is none), and the outcome is written, in every case.

use super::{finish, letters, person, second_factor};
use crate::{
    AuthError, Content, Email, Hashing, Letter, Member, Method, Methods, Notice, Session, TenantState,
    Tokens, UserState, Verdict, Visit,
    attempt::{self, Subject},
    digest::Digest,
    hashing,
    session::{Purpose, REFRESH_LIFE, Refresh, SessionSecret},
    store::{self, user::Meant},
    token::ACCESS_TOKEN_LIFE,
};
use audit::Entry;
use db::{Db, Scope, Tx};
use kernel::{
    Actor, Assurance, Call, Instant, Permissions, Principal, Secret, SessionId, Span, TenantId, UserId,
};
use serde_json::json;
use std::sync::Arc;
use vault::Vault;

/// What somebody says who wants to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The tenant that is meant; needed only by those who are in several.
    pub tenant: Option<TenantId>,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Secret<String>,
    /// A code of the second factor, if it is known already that one is asked for.
    pub otp: Option<Secret<String>>,
    /// Whether a session cookie is wanted beside the tokens.
    pub cookie: bool,
}

/// What somebody gets who logged in, or whose session goes on.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub member: Member,
    /// The session.
    pub session: SessionId,
    /// For the next minutes.
    pub access_token: Secret<String>,
    /// How many.
    pub expires_in: Span,
    /// For the next access token; good once.
    pub refresh_token: Secret<String>,
    /// The value of the session cookie, if one was wanted.
    pub cookie: Option<Secret<String>>,
    /// Whether the session may do nothing but enrol a second factor, which the tenant wants.
    pub must_enrol: bool,
}

/// Begins a session.
///
/// # Errors
/// [`AuthError::LoginFailed`], whatever was wrong; [`AuthError::LoginBlocked`] after too many tries; and only for who knew
/// the password: [`AuthError::UserDisabled`], [`AuthError::TenantSuspended`], [`crate::FactorError::Required`],
/// [`crate::FactorError::Refused`].
pub async fn login(
    db: &Db,
    tokens: &Tokens,
    hashing: &dyn Hashing,
    vault: &Vault,
    visit: &Visit,
    asked: Login,
) -> Result<LoggedIn, AuthError> {
    let subjects = attempt::subjects(asked.tenant.as_ref(), &asked.email, visit.address.as_deref());
    let spraying = attempt::spraying(visit.address.as_deref());
    let meant = count_and_find(db, visit.now, &subjects, &spraying, &asked).await?;
    let stored = meant.as_ref().and_then(|meant| meant.user.as_ref()).and_then(|(_, hash)| hash.as_deref());
    let verdict = hashing::verify(hashing, &asked.password, stored).await?;
    let known = meant.as_ref().and_then(|meant| meant.user.as_ref().map(|(user, _)| (meant, user)));
    match (verdict, known) {
        (Verdict::Right, Some((meant, user))) => {
            let found = Found { meant, user, stored, rehashed: None };
            begin(db, tokens, vault, visit, &asked, &subjects, found).await
        }
        (Verdict::RightButStale, Some((meant, user))) => {
            let rehashed = Some(hashing::hash(hashing, &asked.password, &*visit.chance).await?);
            let found = Found { meant, user, stored, rehashed };
            begin(db, tokens, vault, visit, &asked, &subjects, found).await
        }
        (Verdict::Wrong, _) | (_, None) => {
            refuse(db, visit, &spraying, meant.as_ref()).await?;
            Err(AuthError::LoginFailed)
        }
    }
}

/// Counts the try and looks for who is meant, in one transaction.
async fn count_and_find(
    db: &Db,
    now: Instant,
    subjects: &[Subject; 2],
    spraying: &Subject,
    asked: &Login,
) -> Result<Option<Meant>, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        for subject in subjects {
            count(&mut tx, subject, now).await?;
        }
        count(&mut tx, spraying, now).await?;
        store::attempt::forget_old(&mut tx.all_tenants(), now).await?;
        Ok(match &asked.tenant {
            Some(tenant) => store::user::meant_in(&mut tx.scope(tenant), &asked.email).await?,
            None => store::user::meant_anywhere(&mut tx.all_tenants(), &asked.email).await?,
        })
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Counts one try.
pub(super) async fn count(tx: &mut Tx, subject: &Subject, now: Instant) -> Result<(), AuthError> {
    let mut all = tx.all_tenants();
    let before = store::attempt::get(&mut all, subject).await?;
    let tries = subject.try_again(before, now).map_err(AuthError::LoginBlocked)?;
    Ok(store::attempt::put(&mut all, subject, tries).await?)
}

/// Writes down that somebody was refused. Where there is no tenant to write it to, the same work is done in vain.
async fn refuse(db: &Db, visit: &Visit, counted: &Subject, meant: Option<&Meant>) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    match meant {
        Some(meant) => {
            let user = meant.user.as_ref().map(|(user, _)| user.as_str());
            let entry = Entry {
                action: "login.refused",
                // What was typed as an address may be a password: it is not written down.
                subject: user.unwrap_or(meant.tenant.as_str()),
                before: None,
                after: None,
            };
            let call = visit.call(Principal::system(meant.tenant.clone()));
            audit::append(&mut tx.scope(&meant.tenant), &call, &entry).await?;
        }
        None => {
            if let Some(tries) = store::attempt::get(&mut tx.all_tenants(), counted).await? {
                store::attempt::put(&mut tx.all_tenants(), counted, tries).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

/// Whom a right password was found for.
struct Found<'a> {
    meant: &'a Meant,
    user: &'a UserId,
    stored: Option<&'a str>,
    rehashed: Option<String>,
}

/// Begins the session of somebody who knew the password.
async fn begin(
    db: &Db,
    tokens: &Tokens,
    vault: &Vault,
    visit: &Visit,
    asked: &Login,
    subjects: &[Subject; 2],
    found: Found<'_>,
) -> Result<LoggedIn, AuthError> {
    if found.meant.tenant_state == TenantState::Suspended {
        let [counted, _] = subjects;
        refuse(db, visit, counted, Some(found.meant)).await?;
        return Err(AuthError::suspended(found.meant.suspended_reason.clone()));
    }
    let mut tx = db.begin().await?;
    let work = async {
        store::attempt::clear(&mut tx.all_tenants(), subjects).await?;
        let spraying = attempt::spraying(visit.address.as_deref());
        store::attempt::take_back(&mut tx.all_tenants(), &spraying, visit.now).await?;
        let mut scope = tx.scope(&found.meant.tenant);
        let member = still_there(&mut scope, &found).await?;
        if let Some(hash) = &found.rehashed {
            store::user::rehash(&mut scope, found.user, hash).await?;
        }
        let mut methods = Methods::only(Method::Password);
        if let Some(code) = &asked.otp {
            methods =
                second_factor::add(&mut tx, vault, visit, (&found.meant.tenant, found.user), code, methods)
                    .await?;
        }
        let mut scope = tx.scope(&found.meant.tenant);
        start(&mut scope, tokens, visit, member, Entrance { cookie: asked.cookie, methods }).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// How somebody comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entrance {
    /// Whether a browser asked, which keeps a cookie.
    pub(super) cookie: bool,
    /// By what means the person proved who they are.
    pub(super) methods: Methods,
}

/// A new session of a user who showed who they are. Whoever has a second factor and did not show it gets none yet.
///
/// # Errors
/// [`crate::FactorError::Required`], and then the caller's transaction must stay ([`finish`] sees to it); the database's.
pub(super) async fn start(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    visit: &Visit,
    member: Member,
    entrance: Entrance,
) -> Result<LoggedIn, AuthError> {
    super::sign_on::permitted(scope, &member, entrance.methods).await?;
    let (tenant, now, chance) = (scope.tenant().clone(), visit.now, &*visit.chance);
    let protection = store::factor::of(scope, &member.user.id).await?.ok_or(AuthError::LoginFailed)?;
    if protection.factors.are_on() && !protection.policy.accepts(entrance.methods) {
        return Err(second_factor::wait(scope, visit, &member, entrance, protection.factors).await?.into());
    }
    let id = SessionId::new(now, chance);
    let user = member.user.id.clone();
    let session =
        Session::begin(id, user, visit.address.clone(), visit.agent.as_deref(), entrance.methods, now);
    let cookie = entrance.cookie.then(|| SessionSecret::new(Purpose::Cookie, &tenant, &session.id, chance));
    let hash: Option<Digest> = cookie.as_ref().map(SessionSecret::hash);
    store::session::insert(scope, &session, hash.as_ref()).await?;
    let entry = Entry {
        action: "session.created",
        subject: session.id.as_str(),
        before: None,
        after: Some(json!({
            "user": session.user.as_str(),
            "agent": session.agent,
            "methods": session.methods.to_string(),
        })),
    };
    audit::append(scope, &as_user(visit, &tenant, &session), &entry).await?;
    let logged_in = go_on(scope, tokens, visit, &session, member).await?;
    let must_enrol = protection.policy.restricts(session.methods);
    Ok(LoggedIn { cookie: cookie.map(|secret| secret.text().clone()), must_enrol, ..logged_in })
}

/// The user, if nothing changed while the password was compared, outside any transaction.
async fn still_there(scope: &mut Scope<'_>, found: &Found<'_>) -> Result<Member, AuthError> {
    let stored = store::user::password(scope, found.user).await?;
    let unchanged = stored.is_some_and(|stored| stored.hash.as_deref() == found.stored);
    let member = store::user::get(scope, found.user).await?;
    let member = member.filter(|_| unchanged).ok_or(AuthError::LoginFailed)?;
    if member.user.state == UserState::Disabled {
        return Err(AuthError::UserDisabled);
    }
    Ok(member)
}

/// Refuses whoever comes to a suspended tenant.
pub(super) async fn tenant_is_open(scope: &mut Scope<'_>) -> Result<(), AuthError> {
    let revision = store::tenant::revision(scope).await?.ok_or(AuthError::LoginFailed)?;
    match revision.state {
        TenantState::Active => Ok(()),
        TenantState::Suspended => Err(AuthError::suspended(revision.suspended_reason)),
    }
}

/// The visit as a call of the user whose session it is.
fn as_user(visit: &Visit, tenant: &TenantId, session: &Session) -> Call {
    visit.call(Principal {
        tenant: tenant.clone(),
        actor: Actor::User(session.user.clone(), session.id.clone()),
        permissions: Permissions::NONE,
        assurance: Assurance::default(),
        grants: Arc::default(),
        access_revision: 0,
    })
}

/// New tokens for a session.
async fn go_on(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    visit: &Visit,
    session: &Session,
    member: Member,
) -> Result<LoggedIn, AuthError> {
    let (now, chance) = (visit.now, &*visit.chance);
    let tenant = scope.tenant().clone();
    let refresh = SessionSecret::new(Purpose::Refresh, &tenant, &session.id, chance);
    let access_token = tokens.sign(&tenant, session, now, chance).map_err(AuthError::Signing)?;
    let ends = session.expires_at.min(now + REFRESH_LIFE);
    store::session::insert_token(scope, &session.id, &refresh.hash(), ends).await?;
    Ok(LoggedIn {
        tenant,
        member,
        session: session.id.clone(),
        access_token,
        expires_in: ACCESS_TOKEN_LIFE,
        refresh_token: refresh.text().clone(),
        cookie: None,
        must_enrol: false,
    })
}

/// Turns a refresh token into new tokens. It is good once: if it comes again, the session is ended for whoever holds it.
///
/// # Errors
/// [`AuthError::RefreshInvalid`], [`AuthError::RefreshReused`], [`AuthError::TenantSuspended`]; the database's.
pub async fn refresh(
    db: &Db,
    tokens: &Tokens,
    vault: &Vault,
    visit: &Visit,
    token: &Secret<String>,
) -> Result<LoggedIn, AuthError> {
    let shown = SessionSecret::read(Purpose::Refresh, token).ok_or(AuthError::RefreshInvalid)?;
    let mut tx = db.begin().await?;
    let outcome = turn(&mut tx.scope(&shown.tenant), tokens, vault, visit, &shown).await;
    // A reuse is an answer of its own: its revocation stays.
    finish(tx, outcome).await?.ok_or(AuthError::RefreshReused)
}

/// New tokens for a refresh token; `None` if it was used before, and the session is ended now.
async fn turn(
    scope: &mut Scope<'_>,
    tokens: &Tokens,
    vault: &Vault,
    visit: &Visit,
    shown: &SessionSecret,
) -> Result<Option<LoggedIn>, AuthError> {
    let hash = shown.hash();
    let presented = store::session::presented(scope, &shown.session, &hash).await?;
    let presented = presented.ok_or(AuthError::RefreshInvalid)?;
    let session = &presented.session;
    match presented.judge(visit.now) {
        Refresh::Refused => Err(AuthError::RefreshInvalid),
        Refresh::Suspended => Err(AuthError::suspended(presented.suspended_reason)),
        Refresh::Reused => {
            end_reused(scope, vault, visit, session).await?;
            Ok(None)
        }
        Refresh::Turn => {
            store::session::use_token(scope, &session.id, &hash, visit.now).await?;
            store::session::touch(scope, &session.id, visit.now).await?;
            let member = store::user::get(scope, &session.user).await?;
            let member = member.ok_or(AuthError::RefreshInvalid)?;
            let policy = store::settings::get(scope).await?.map(|kept| kept.settings.two_factor);
            let must_enrol = policy.is_some_and(|policy| policy.restricts(session.methods));
            let logged_in = go_on(scope, tokens, visit, session, member).await?;
            Ok(Some(LoggedIn { must_enrol, ..logged_in }))
        }
    }
}

async fn end_reused(
    scope: &mut Scope<'_>,
    vault: &Vault,
    visit: &Visit,
    session: &Session,
) -> Result<(), AuthError> {
    store::session::revoke(scope, &session.user, &session.id, visit.now).await?;
    store::tenant::bump_access(scope).await?;
    let entry = Entry {
        action: "session.refresh_reused",
        subject: session.id.as_str(),
        before: Some(json!({"state": "active", "user": session.user.as_str()})),
        after: Some(json!({"state": "revoked"})),
    };
    // Who came with the copy is not known: the owner of the session or a thief.
    let call = visit.call(Principal::system(scope.tenant().clone()));
    audit::append(scope, &call, &entry).await?;
    if let Some(member) = store::user::get(scope, &session.user).await? {
        let content = Content::SecurityNotice(Notice::SessionReused);
        let letter = Letter { to: member.user.email, user: Some(member.user.id), content };
        letters::write(scope, &call, vault, letter).await?;
    }
    Ok(())
}

/// Ends the caller's session.
///
/// # Errors
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn logout(db: &Db, call: &Call) -> Result<(), AuthError> {
    let (_, session) = person(call)?;
    match super::revoke_session(db, call, session).await {
        // Ended a moment ago by somebody else: it is what was asked for.
        Err(AuthError::NotFound(_)) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Checked, Credential,
        service::stage::{PASSWORD, START, Stage},
    };
    use db::native::Native;
    use futures::executor::block_on;

    const OWNER: &str = "owner@acme-corp.test";

    fn staged() -> Stage {
        let stage = Stage::new();
        stage.set_up("acme-corp");
        stage
    }

    fn bearer(stage: &Stage, logged_in: &LoggedIn) -> Result<Checked, AuthError> {
        stage.check(&Credential::Bearer(logged_in.access_token.clone()))
    }

    fn turned(stage: &Stage, token: &Secret<String>) -> Result<LoggedIn, AuthError> {
        block_on(refresh(&stage.db, stage.gate.tokens(), &stage.vault, &stage.visit(), token))
    }

    #[test]
    fn a_login_opens_the_gate_by_token_and_by_cookie() {
        let stage = staged();
        let logged_in = stage.login(None, OWNER, PASSWORD).unwrap();
        assert!(logged_in.member.is_owner);
        let checked = bearer(&stage, &logged_in).unwrap();
        assert_eq!(checked.principal.permissions, Permissions::all());
        assert_eq!((checked.rate_per_minute, checked.by_cookie), (100, false));
        assert_eq!(checked.user_email.as_deref(), Some(OWNER));
        let cookie = stage.check(&Credential::Cookie(logged_in.cookie.unwrap())).unwrap();
        assert_eq!((cookie.by_cookie, &cookie.principal), (true, &checked.principal));
        assert_eq!(stage.audited("acme-corp").last().unwrap(), "session.created");
    }

    #[test]
    fn each_login_is_a_session_of_its_own() {
        let stage = staged();
        let one = stage.login(None, OWNER, PASSWORD).unwrap();
        let other = stage.login(None, OWNER, PASSWORD).unwrap();
        assert_ne!(one.session, other.session);
        assert_ne!(one.cookie.unwrap().expose(), other.cookie.unwrap().expose());
    }

    #[test]
    fn unknown_users_and_wrong_passwords_look_the_same() {
        let stage = staged();
        let refusal = |tenant: Option<&str>, email: &str, password: &str| {
            stage.login(tenant, email, password).unwrap_err().to_string()
        };
        let wrong = refusal(None, OWNER, "wrong");
        assert!(wrong.contains("is wrong"), "{wrong}");
        for (tenant, email) in [
            (None, "nobody@acme-corp.test"),
            (Some("acme-corp"), OWNER),
            (Some("acme-corp"), "nobody@acme-corp.test"),
            (Some("globex"), OWNER),
        ] {
            assert_eq!(refusal(tenant, email, "wrong"), wrong, "{tenant:?} {email}");
        }
    }

    #[test]
    fn unknown_users_cost_what_known_ones_cost() {
        #[derive(Default)]
        struct Watched(std::sync::atomic::AtomicUsize);
        impl Hashing for Watched {
            fn permit(&self) -> futures::future::BoxFuture<'_, Result<crate::Permit, crate::Busy>> {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                crate::Unbounded.permit()
            }
            fn over(&self, permit: crate::Permit) -> futures::future::BoxFuture<'_, ()> {
                crate::Unbounded.over(permit)
            }
        }
        let stage = staged();
        stage.set_up("globex");
        stage.meddle("UPDATE users SET password_hash = NULL WHERE tenant_id = 'globex'");
        let (counted, counter) = stage.db.counted();
        let cost = |tenant: Option<&str>, email: &str| {
            let watched = Watched::default();
            let asked = Login {
                tenant: tenant.map(|slug| slug.parse().unwrap()),
                email: email.parse().unwrap(),
                password: Secret::new("wrong".to_owned()),
                otp: None,
                cookie: false,
            };
            counter.restart();
            let (tokens, vault) = (stage.gate.tokens(), &stage.vault);
            block_on(login(&counted, tokens, &watched, vault, &stage.visit(), asked)).unwrap_err();
            (counter.take(), watched.0.into_inner())
        };
        let known = cost(None, OWNER);
        assert_eq!(known.1, 1);
        for (tenant, email) in [
            (None, "nobody@acme-corp.test"),
            (None, "owner@globex.test"),
            (Some("acme-corp"), OWNER),
            (Some("acme-corp"), "nobody@acme-corp.test"),
            (Some("initech"), OWNER),
        ] {
            assert_eq!(cost(tenant, email), known, "{tenant:?} {email}");
        }
    }

    #[test]
    fn who_tries_one_password_on_many_accounts_is_slowed() {
        let mut stage = staged();
        let outcomes: Vec<&str> = (0..60)
            .map(|number| stage.login(None, &format!("u{number}@acme-corp.test"), "Summer2026!!"))
            .map(|outcome| kernel::Fault::code(&outcome.unwrap_err()))
            .collect();
        assert!(outcomes[..50].iter().all(|code| *code == "LOGIN_FAILED"), "{outcomes:?}");
        assert!(outcomes[50..].iter().all(|code| *code == "LOGIN_BLOCKED"), "{outcomes:?}");
        // Somewhere else nobody is slowed, and here it passes.
        stage.address = Some("192.0.2.99".to_owned());
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
        stage.address = Some("192.0.2.1".to_owned());
        stage.now = START + Span::minutes(1);
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
    }

    #[test]
    fn an_office_that_logs_in_is_not_slowed() {
        let mut stage = staged();
        for second in 0..60 {
            stage.now = START + Span::seconds(second);
            assert!(stage.login(None, OWNER, PASSWORD).is_ok(), "{second}");
        }
    }

    #[test]
    fn the_brake_is_the_same_for_unknown_users() {
        let waits = |email: &str| -> Vec<String> {
            let stage = staged();
            (0..11).map(|_| stage.login(None, email, "wrong").unwrap_err().to_string()).collect()
        };
        let known = waits(OWNER);
        assert_eq!(known[10], "There were too many tries. Wait 5 s, then try again.");
        assert_eq!(waits("nobody@acme-corp.test"), known);
    }

    #[test]
    fn the_brake_lets_go_and_a_right_password_forgets_it() {
        let mut stage = staged();
        for _ in 0..10 {
            assert!(matches!(stage.login(None, OWNER, "wrong"), Err(AuthError::LoginFailed)));
        }
        assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::LoginBlocked(_))));
        // Another address is not held up by this one.
        stage.address = Some("192.0.2.2".to_owned());
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
        stage.address = Some("192.0.2.1".to_owned());
        stage.now = START + Span::seconds(5);
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
        for _ in 0..9 {
            assert!(matches!(stage.login(None, OWNER, "wrong"), Err(AuthError::LoginFailed)));
        }
    }

    #[test]
    fn an_address_in_two_tenants_needs_the_tenant() {
        let stage = staged();
        stage.set_up("globex");
        stage.meddle("UPDATE users SET email = 'ana@example.com'");
        assert!(matches!(stage.login(None, "ana@example.com", PASSWORD), Err(AuthError::LoginFailed)));
        let logged_in = stage.login(Some("globex"), "ana@example.com", PASSWORD).unwrap();
        assert_eq!(logged_in.tenant.as_str(), "globex");
        assert_eq!(bearer(&stage, &logged_in).unwrap().principal.tenant.as_str(), "globex");
    }

    #[test]
    fn only_who_knows_the_password_learns_why_they_may_not_come_in() {
        let stage = staged();
        stage.meddle("UPDATE users SET state = 'disabled'");
        assert!(matches!(stage.login(None, OWNER, "wrong"), Err(AuthError::LoginFailed)));
        assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::UserDisabled)));
        stage.meddle("UPDATE users SET state = 'active'");
        stage.meddle("UPDATE tenants SET state = 'suspended'");
        assert!(matches!(stage.login(None, OWNER, "wrong"), Err(AuthError::LoginFailed)));
        assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::TenantSuspended(_))));
    }

    #[test]
    fn a_user_without_a_password_cannot_log_in() {
        let stage = staged();
        stage.meddle("UPDATE users SET password_hash = NULL");
        assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::LoginFailed)));
    }

    #[test]
    fn a_login_hashes_anew_under_todays_parameters() {
        let stage = staged();
        let old = argon2::Argon2::new(
            argon2::Algorithm::Argon2id,
            argon2::Version::V0x13,
            argon2::Params::new(64, 1, 1, None).unwrap(),
        );
        let salt = argon2::password_hash::SaltString::encode_b64(&[1; 16]).unwrap();
        let hash = argon2::PasswordHasher::hash_password(&old, PASSWORD.as_bytes(), &salt).unwrap();
        stage.meddle(&format!("UPDATE users SET password_hash = '{hash}'"));
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
        let stored = block_on(async {
            let mut lease = stage.db.read().await.unwrap();
            let sql = "SELECT password_hash AS id FROM users";
            lease.all_tenants().unwrap().one::<String>(sql, []).await.unwrap().unwrap()
        });
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(stage.login(None, OWNER, PASSWORD).is_ok());
    }

    #[test]
    fn a_refresh_token_is_good_once() {
        let mut stage = staged();
        let first = stage.login(None, OWNER, PASSWORD).unwrap();
        stage.now = START + Span::minutes(16);
        assert!(matches!(bearer(&stage, &first), Err(AuthError::TokenExpired)));
        let second = turned(&stage, &first.refresh_token).unwrap();
        assert_eq!(second.session, first.session);
        assert!(bearer(&stage, &second).is_ok());
        let third = turned(&stage, &second.refresh_token).unwrap();

        // The first comes back: somebody copied it. Nobody goes on, neither by token nor by cookie.
        assert!(matches!(turned(&stage, &first.refresh_token), Err(AuthError::RefreshReused)));
        assert!(matches!(turned(&stage, &third.refresh_token), Err(AuthError::RefreshInvalid)));
        assert!(matches!(bearer(&stage, &third), Err(AuthError::CredentialInvalid)));
        let cookie = Credential::Cookie(first.cookie.unwrap());
        assert!(matches!(stage.check(&cookie), Err(AuthError::CredentialInvalid)));
        assert_eq!(stage.audited("acme-corp").last().unwrap(), "session.refresh_reused");
        let letters = stage.letters();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].0 == OWNER && letters[0].2.contains("a second time"), "{letters:?}");
        // Once more is not told from any other token of an ended session.
        assert!(matches!(turned(&stage, &first.refresh_token), Err(AuthError::RefreshInvalid)));
    }

    #[test]
    fn a_refresh_token_ends_after_thirty_days_and_a_session_after_ninety() {
        let mut stage = staged();
        let first = stage.login(None, OWNER, PASSWORD).unwrap();
        stage.now = START + Span::days(30);
        assert!(matches!(turned(&stage, &first.refresh_token), Err(AuthError::RefreshInvalid)));
        let mut token = stage.login(None, OWNER, PASSWORD).unwrap().refresh_token;
        for day in [59, 88, 117] {
            stage.now = START + Span::days(day);
            token = turned(&stage, &token).unwrap().refresh_token;
        }
        stage.now = START + Span::days(120);
        assert!(matches!(turned(&stage, &token), Err(AuthError::RefreshInvalid)));
    }

    #[test]
    fn a_made_up_refresh_token_ends_nobodys_session() {
        let stage = staged();
        let logged_in = stage.login(None, OWNER, PASSWORD).unwrap();
        let text = logged_in.refresh_token.expose();
        let made_up = format!("{}{}", &text[..text.len() - 64], "0".repeat(64));
        assert!(matches!(turned(&stage, &Secret::new(made_up)), Err(AuthError::RefreshInvalid)));
        let cookie = logged_in.cookie.clone().unwrap();
        assert!(matches!(turned(&stage, &cookie), Err(AuthError::RefreshInvalid)));
        assert!(turned(&stage, &logged_in.refresh_token).is_ok());
    }

    #[test]
    fn another_tenants_name_in_a_refresh_token_finds_nothing() {
        let stage = staged();
        stage.set_up("globex");
        let logged_in = stage.login(None, OWNER, PASSWORD).unwrap();
        let text = logged_in.refresh_token.expose().replace("acme-corp", "globex");
        assert!(matches!(turned(&stage, &Secret::new(text)), Err(AuthError::RefreshInvalid)));
    }

    #[test]
    fn of_ten_who_refresh_at_once_one_wins() {
        let folder = std::env::temp_dir().join(format!("signalbox-auth-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stage = Stage::on(Native::file(&folder.join("race.db")).unwrap());
        stage.set_up("acme-corp");
        let token = stage.login(None, OWNER, PASSWORD).unwrap().refresh_token;
        let outcomes: Vec<Result<LoggedIn, AuthError>> = std::thread::scope(|threads| {
            let runs: Vec<_> = (0..10).map(|_| threads.spawn(|| turned(&stage, &token))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        let audited = stage.audited("acme-corp");
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let reused =
            |outcome: &&Result<LoggedIn, AuthError>| matches!(outcome, Err(AuthError::RefreshReused));
        assert_eq!(outcomes.iter().filter(reused).count(), 1);
        assert_eq!(audited.iter().filter(|action| *action == "session.refresh_reused").count(), 1);
    }

    #[test]
    fn a_logout_ends_the_session_at_once() {
        let stage = staged();
        let logged_in = stage.login(None, OWNER, PASSWORD).unwrap();
        let call = stage.as_bearer(&logged_in.access_token);
        block_on(logout(&stage.db, &call)).unwrap();
        assert!(matches!(bearer(&stage, &logged_in), Err(AuthError::CredentialInvalid)));
        assert!(matches!(turned(&stage, &logged_in.refresh_token), Err(AuthError::RefreshInvalid)));
        // Twice is the same as once.
        block_on(logout(&stage.db, &call)).unwrap();
    }
}

//! How does somebody who is in several tenants go from one to another? Under the rules of `switching.rs`.

use super::{
    finish,
    logins::{Entrance, LoggedIn, start, tenant_is_open},
    person,
};
use crate::{
    AuthError, Email, Membership, Method, Methods, Session, SwitchError, Tokens, Visit, store,
    switching::is_ones_own,
};
use audit::Entry;
use db::{Db, Tx};
use kernel::{Call, TenantId, UserId};

/// Where somebody comes from.
struct Origin {
    email: Email,
    session: Session,
    is_ones_own: bool,
}

async fn origin(tx: &mut Tx, call: &Call) -> Result<Origin, AuthError> {
    let (user, session) = person(call)?;
    let mut scope = tx.scope(call.tenant());
    let found =
        store::principal::by_session(&mut scope, session).await?.ok_or(AuthError::CredentialInvalid)?;
    let proved_at = store::switching::proved_at(&mut scope, user).await?;
    Ok(Origin {
        email: found.email.parse().map_err(|_| AuthError::CredentialInvalid)?,
        is_ones_own: is_ones_own(&found.session, proved_at),
        session: found.session,
    })
}

/// The tenants that the caller belongs to, by slug: their own, and those that this session opens.
///
/// # Errors
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn memberships(db: &Db, call: &Call) -> Result<Vec<Membership>, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let origin = origin(&mut tx, call).await?;
        let (here, everywhere) = (call.tenant().as_str(), origin.is_ones_own);
        let mut all = tx.all_tenants();
        Ok(store::switching::memberships(&mut all, &origin.email, here, everywhere).await?)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Begins a session of the same person in another tenant. Where a second factor of theirs is wanted there, the answer is the
/// one of a login that waits for it.
///
/// # Errors
/// [`SwitchError::Refused`], whatever is missing; [`AuthError::TenantSuspended`] for somebody who belongs there;
/// [`crate::FactorError::Required`]; [`AuthError::NeedsSession`]; the database's.
pub async fn switch(
    db: &Db,
    tokens: &Tokens,
    visit: &Visit,
    call: &Call,
    to: &TenantId,
    cookie: bool,
) -> Result<LoggedIn, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let origin = origin(&mut tx, call).await?;
        let mut scope = tx.scope(to);
        let user = store::switching::find(&mut scope, &origin.email).await?;
        let user: Option<UserId> = user.and_then(|id| id.parse().ok());
        let user = user.filter(|_| origin.is_ones_own && to != call.tenant()).ok_or(SwitchError::Refused)?;
        tenant_is_open(&mut scope).await?;
        let policy = store::sign_on::policy(&mut scope).await?;
        if !policy.is_some_and(|policy| policy.password_allowed) {
            return Err(SwitchError::Refused.into());
        }
        let member = store::user::get(&mut scope, &user).await?.ok_or(SwitchError::Refused)?;
        // Only what the person knows comes along: a second factor of another tenant is none of this one's.
        let entrance = Entrance { cookie, methods: Methods::only(Method::Password) };
        let logged_in = start(&mut scope, tokens, visit, member, entrance).await?;
        let (session, came) = (&logged_in.session, &origin.session);
        store::switching::inherit(&mut scope, session, came.confirmed_at, came.expires_at).await?;
        let entry = Entry { action: "session.switched", subject: session.as_str(), ..Entry::default() };
        // Where the person came from is nothing to this tenant's administrators.
        let call = visit.call(kernel::Principal {
            actor: kernel::Actor::User(user, session.clone()),
            ..kernel::Principal::system(to.clone())
        });
        audit::append(&mut scope, &call, &entry).await?;
        Ok(logged_in)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        By, NewInvitation, NewUser, TicketSecret, Unbounded,
        service::{
            Acceptance, Forgotten, accept_invitation, create_user, forgot_password, invite, reset_password,
            stage::{PASSWORD, START, Stage},
        },
    };
    use futures::executor::block_on;
    use kernel::{Fault, Secret, Span};

    const ANA: &str = "ana@example.com";

    /// Two tenants with Ana in both.
    fn staged() -> Stage {
        let stage = Stage::new();
        for tenant in ["acme-corp", "globex"] {
            let owner = stage.as_bearer(&stage.set_up(tenant).api_key);
            let new = NewUser::new(ANA, "Ana", Some(PASSWORD)).unwrap();
            block_on(create_user(&stage.db, &owner, new)).unwrap();
        }
        stage
    }

    fn prove(stage: &Stage, tenant: &str, at: i64) {
        stage.meddle(&format!(
            "UPDATE users SET address_proved_at = {at} WHERE email = '{ANA}' AND tenant_id = '{tenant}'"
        ));
    }

    fn proved() -> Stage {
        let stage = staged();
        for tenant in ["acme-corp", "globex"] {
            prove(&stage, tenant, START.millis());
        }
        stage
    }

    fn call_in(stage: &Stage, tenant: &str) -> Call {
        stage.as_bearer(&stage.login(Some(tenant), ANA, PASSWORD).unwrap().access_token)
    }

    fn go(stage: &Stage, call: &Call, to: &str) -> Result<LoggedIn, AuthError> {
        let (visit, to) = (stage.visit(), to.parse().unwrap());
        block_on(switch(&stage.db, stage.gate.tokens(), &visit, call, &to, false))
    }

    fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
        outcome.map_or_else(|error| error.code(), |_| "")
    }

    fn seen(stage: &Stage, call: &Call) -> Vec<String> {
        let found = block_on(memberships(&stage.db, call)).unwrap();
        found.into_iter().map(|one| one.tenant.to_string()).collect()
    }

    #[test]
    fn who_proved_their_address_in_both_goes_over() {
        let stage = proved();
        let call = call_in(&stage, "acme-corp");
        assert_eq!(seen(&stage, &call), ["acme-corp", "globex"]);
        let there = go(&stage, &call, "globex").unwrap();
        assert_eq!(there.tenant.as_str(), "globex");
        let principal = stage.as_bearer(&there.access_token).principal;
        assert_eq!(principal.tenant.as_str(), "globex");
        assert_eq!(stage.audited("globex").last().unwrap(), "session.switched");
        assert!(!stage.audited("acme-corp").contains(&"session.switched".to_owned()));
    }

    #[test]
    fn who_has_an_address_by_an_administrators_word_gets_nowhere() {
        // Ana proved her address in acme-corp; the administrators of globex made a user with it, and know the password.
        let stage = staged();
        prove(&stage, "acme-corp", START.millis());
        let forged = call_in(&stage, "globex");
        assert_eq!(code(go(&stage, &forged, "acme-corp")), "SWITCH_REFUSED");
        assert_eq!(seen(&stage, &forged), ["globex"], "nor do they learn where else she is");
        // And Ana does not walk into what they laid out for her.
        let ana = call_in(&stage, "acme-corp");
        assert_eq!(code(go(&stage, &ana, "globex")), "SWITCH_REFUSED");
        assert_eq!(seen(&stage, &ana), ["acme-corp"]);
    }

    #[test]
    fn a_session_from_before_the_proof_or_by_the_tenants_own_provider_gets_nowhere() {
        let stage = proved();
        let early = call_in(&stage, "acme-corp");
        prove(&stage, "acme-corp", START.millis() + 1);
        assert_eq!(code(go(&stage, &early, "globex")), "SWITCH_REFUSED");
        prove(&stage, "acme-corp", START.millis());
        assert_eq!(code(go(&stage, &early, "globex")), "");
        for methods in ["sso", "pwd sso", "pop", "link"] {
            stage.meddle(&format!("UPDATE sessions SET methods = '{methods}' WHERE tenant_id = 'acme-corp'"));
            assert_eq!(code(go(&stage, &early, "globex")), "SWITCH_REFUSED", "{methods}");
        }
    }

    #[test]
    fn whatever_is_missing_there_looks_the_same() {
        let stage = proved();
        let call = call_in(&stage, "acme-corp");
        let refusal = |to: &str| go(&stage, &call, to).unwrap_err().to_string();
        let nobody = refusal("nobody-at-all");
        for sql in [
            "UPDATE users SET address_proved_at = NULL WHERE tenant_id = 'globex'",
            "UPDATE users SET state = 'disabled' WHERE tenant_id = 'globex'",
            "UPDATE tenants SET settings = '{\"sign_on\": {\"password_allowed\": false}}' WHERE tenant_id = 'globex'",
        ] {
            stage.meddle(sql);
            assert_eq!(refusal("globex"), nobody, "{sql}");
            stage.meddle("UPDATE users SET state = 'active'");
            stage.meddle("UPDATE tenants SET settings = '{}'");
            prove(&stage, "globex", START.millis());
            assert!(go(&stage, &call, "globex").is_ok());
        }
        assert_eq!(refusal("acme-corp"), nobody, "one is there already");
        // Who belongs there may know that it is suspended.
        stage.meddle("UPDATE tenants SET state = 'suspended' WHERE tenant_id = 'globex'");
        assert_eq!(code(go(&stage, &call, "globex")), "TENANT_SUSPENDED");
    }

    #[test]
    fn a_chain_of_switches_lasts_no_longer_than_its_first_session() {
        let mut stage = proved();
        let first = call_in(&stage, "acme-corp");
        stage.now = START + Span::days(1);
        let there = go(&stage, &first, "globex").unwrap();
        let back = go(&stage, &stage.as_bearer(&there.access_token), "acme-corp").unwrap();
        let ends = |session: &kernel::SessionId| -> (i64, i64) {
            block_on(async {
                let mut lease = stage.db.read().await.unwrap();
                let mut all = lease.all_tenants().unwrap();
                let column = |name: &str| format!("SELECT {name} AS n FROM sessions WHERE session_id = ?1");
                let ends: Option<i64> = all.one(&column("expires_at"), [session.into()]).await.unwrap();
                let fresh: Option<i64> = all.one(&column("confirmed_at"), [session.into()]).await.unwrap();
                (ends.unwrap(), fresh.unwrap())
            })
        };
        let kernel::Actor::User(_, first) = &first.principal.actor else { unreachable!() };
        assert_eq!(ends(&back.session), ends(first));
        assert_eq!(ends(first).1, START.millis());
    }

    #[test]
    fn a_key_goes_nowhere() {
        let stage = proved();
        let key = stage.as_bearer(&stage.set_up("initech").api_key);
        assert_eq!(code(go(&stage, &key, "globex")), "SESSION_REQUIRED");
        assert_eq!(code(block_on(memberships(&stage.db, &key))), "SESSION_REQUIRED");
    }

    /// Ana in a new tenant, by an invitation whose link got to whoever has it in this way.
    fn joined(stage: &mut Stage, tenant: &str, by: By) -> LoggedIn {
        let owner = stage.as_bearer(&stage.set_up(tenant).api_key);
        // A moment later, so that letters have an order.
        stage.now = stage.now + Span::seconds(1);
        let new = NewInvitation::new(ANA, None, &[]).unwrap();
        let owner = Call { now: stage.now, ..owner };
        let invited = block_on(invite(&stage.db, &owner, stage.post(), new, by)).unwrap();
        let link = match invited.link {
            Some(link) => Stage::token_in(link.expose()),
            None => stage.link_to(ANA),
        };
        let (password, name) = (Secret::new(PASSWORD.to_owned()), "Ana".to_owned());
        let said = Acceptance { name, password, cookie: false };
        let (tokens, visit) = (stage.gate.tokens(), stage.visit());
        block_on(accept_invitation(&stage.db, tokens, &Unbounded, stage.post(), &visit, &link, &said))
            .unwrap()
    }

    fn reset(stage: &mut Stage, tenant: &str, password: &str) {
        stage.now = stage.now + Span::seconds(1);
        let asked = Forgotten { tenant: Some(tenant.parse().unwrap()), email: ANA.parse().unwrap() };
        block_on(forgot_password(&stage.db, stage.post(), &stage.visit(), &asked)).unwrap();
        let (link, new): (TicketSecret, _) = (stage.link_to(ANA), Secret::new(password.to_owned()));
        let visit = stage.visit();
        block_on(reset_password(&stage.db, &Unbounded, &stage.vault, &visit, &link, &new)).unwrap();
    }

    #[test]
    fn who_was_invited_by_letter_to_both_goes_over() {
        let mut stage = Stage::new();
        let first = joined(&mut stage, "acme-corp", By::Mail);
        joined(&mut stage, "globex", By::Mail);
        let call = stage.as_bearer(&first.access_token);
        assert_eq!(code(go(&stage, &call, "globex")), "");
    }

    #[test]
    fn a_link_that_was_handed_over_proves_nothing() {
        let mut stage = Stage::new();
        joined(&mut stage, "acme-corp", By::Mail);
        // The administrators of globex invite Ana, keep the link, and accept it themselves.
        let forged = joined(&mut stage, "globex", By::Link);
        assert_eq!(forged.member.user.email_verified_at, None);
        let forged = stage.as_bearer(&forged.access_token);
        assert_eq!(code(go(&stage, &forged, "acme-corp")), "SWITCH_REFUSED");
        // When Ana takes that user over by a letter, their sessions end and hers count.
        reset(&mut stage, "globex", "another password of hers");
        let ana = stage.login(Some("globex"), ANA, "another password of hers").unwrap();
        assert_eq!(code(go(&stage, &stage.as_bearer(&ana.access_token), "acme-corp")), "");
        assert_eq!(code(go(&stage, &forged, "acme-corp")), "SWITCH_REFUSED");
    }

    #[test]
    fn who_takes_another_address_has_to_prove_it_anew() {
        let mut stage = Stage::new();
        let first = joined(&mut stage, "acme-corp", By::Mail);
        joined(&mut stage, "globex", By::Mail);
        let call = stage.as_bearer(&first.access_token);
        // Somebody called Mallory takes Ana's address; Ana only confirms it, by a link that came to her.
        stage.meddle("UPDATE users SET email = 'mallory@example.com' WHERE email = 'ana@example.com' AND tenant_id = 'acme-corp'");
        let email = ANA.parse().unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        stage.now = stage.now + Span::seconds(1);
        let asking = Call { now: stage.now, ..call.clone() };
        let changed =
            crate::service::change_email(&stage.db, &Unbounded, stage.post(), &asking, &password, &email);
        block_on(changed).unwrap();
        let link = stage.link_to(ANA);
        let visit = stage.visit();
        block_on(crate::service::verify_email(&stage.db, &stage.vault, &visit, &link)).unwrap();
        assert_eq!(code(go(&stage, &call, "globex")), "SWITCH_REFUSED");
    }
}

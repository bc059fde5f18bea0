//! May this credential come in, and as whom? The only place that turns what somebody shows into a principal.
//!
//! What was found out is remembered under the tenant's access revision, which moves with every change of its users, roles,
//! sessions and keys; so one small statement tells whether it still holds.

mod whose;

use crate::{
    AccessClaims, AuthError, Bearer, Networks, TenantState, TokenFault, TokenKeys, Tokens, UserState,
    api_key::KeySecret,
    digest,
    memory::{Key, Known, Memory},
    session::{Purpose, SessionSecret, TOUCH},
    store,
};
use db::{Db, DbError};
use kernel::{
    Actor, Assurance, ClientId, Grant, Instant, Permissions, Principal, Reach, Secret, SessionId, TenantId,
    UserId,
};
use std::sync::Arc;

/// What somebody shows.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An access token, or an API key (`sbx_…`).
    Bearer(Secret<String>),
    /// The value of a session cookie.
    Cookie(Secret<String>),
}

/// Somebody whose credential was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Who it is, and what they may do.
    pub principal: Principal,
    /// How many requests a minute they may make.
    pub rate_per_minute: u32,
    /// Where they may call from.
    pub networks: Networks,
    /// Whether a cookie was shown, so that changes need a CSRF token.
    pub by_cookie: bool,
    /// The e-mail address, if it is a person.
    pub user_email: Option<String>,
}

/// Turns credentials into principals. One per instance.
pub struct Gate {
    db: Db,
    tokens: Tokens,
    memory: Memory,
}

impl Credential {
    fn key(&self) -> Key {
        let hash = match self {
            Self::Bearer(text) => digest::of(&["bearer", text.expose()]),
            Self::Cookie(text) => digest::of(&["cookie", text.expose()]),
        };
        *hash.expose()
    }
}

impl Gate {
    /// A gate for tokens that `issuer` signed with one of `keys`.
    #[must_use]
    pub fn new(db: Db, keys: TokenKeys, issuer: String) -> Self {
        Self { db, tokens: Tokens::new(keys, &issuer), memory: Memory::default() }
    }

    /// Signs and verifies the tokens that this gate opens to.
    #[must_use]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Who shows this credential, as the database has it now: one statement for somebody known, two for somebody new.
    /// Once a minute the last use is written beside that.
    ///
    /// # Errors
    /// [`AuthError::CredentialInvalid`], [`AuthError::TokenExpired`], [`AuthError::TenantSuspended`], or the database's.
    pub async fn check(&self, credential: &Credential, now: Instant) -> Result<Checked, AuthError> {
        let key = credential.key();
        let found = self.recall_or_look_up(&key, credential, now).await;
        let mut known = found.inspect_err(|_| self.memory.forget(&key))?;
        if now.since(known.touched_at) >= TOUCH {
            known.touched_at = now;
            self.memory.put(key, known.clone());
            // The last use is for people's eyes: a request does not fail for want of it.
            let _: Result<(), DbError> = self.touch(&known.checked.principal, now).await;
        } else {
            self.memory.put(key, known.clone());
        }
        Ok(known.checked)
    }

    /// Who showed this credential a moment ago, from memory only. For the hot path, whose own transaction compares the
    /// principal's access revision with the tenant's, and asks [`Gate::check`] when it moved. `None` if the credential
    /// is unknown or expired, or if its last use is to be written again, which `check` does.
    #[must_use]
    pub fn remembered(&self, credential: &Credential, now: Instant) -> Option<Checked> {
        self.memory
            .get(&credential.key(), now)
            .filter(|known| now.since(known.touched_at) < TOUCH)
            .map(|known| known.checked)
    }

    async fn recall_or_look_up(
        &self,
        key: &Key,
        credential: &Credential,
        now: Instant,
    ) -> Result<Known, AuthError> {
        match self.memory.get(key, now) {
            Some(known) if self.still_holds(&known).await? => Ok(known),
            Some(_) | None => self.look_up(credential, now).await,
        }
    }

    async fn still_holds(&self, known: &Known) -> Result<bool, AuthError> {
        let principal = &known.checked.principal;
        let mut lease = self.db.read().await?;
        let revision = store::tenant::revision(&mut lease.scope(&principal.tenant)?).await?;
        match revision {
            None => Err(AuthError::CredentialInvalid),
            Some(revision) if revision.state == TenantState::Suspended => {
                Err(AuthError::suspended(revision.suspended_reason))
            }
            Some(revision) => Ok(revision.number == principal.access_revision),
        }
    }

    /// What the database says of a credential by itself: nothing is remembered, and it counts as no use of it. For who
    /// asks about somebody else's.
    ///
    /// # Errors
    /// As [`Gate::check`].
    pub async fn inspect(&self, credential: &Credential, now: Instant) -> Result<Checked, AuthError> {
        self.look_up(credential, now).await.map(|known| known.checked)
    }

    async fn look_up(&self, credential: &Credential, now: Instant) -> Result<Known, AuthError> {
        match credential {
            Credential::Bearer(text) if text.expose().starts_with(KeySecret::MARK) => {
                self.by_key(text, now).await
            }
            Credential::Bearer(text) => {
                let claims = self.tokens.verify(text, now).map_err(|fault| match fault {
                    TokenFault::Expired => AuthError::TokenExpired,
                    TokenFault::Invalid => AuthError::CredentialInvalid,
                })?;
                let mut known = match &claims.bearer {
                    Bearer::Person(user, session) => {
                        self.by_session(&claims.tenant, session, Shown::Token(user), now).await?
                    }
                    Bearer::Client(client, scope) => self.by_client(&claims, client, *scope, now).await?,
                };
                known.valid_until = known.valid_until.min(claims.expires_at);
                Ok(known)
            }
            Credential::Cookie(text) => {
                let secret =
                    SessionSecret::read(Purpose::Cookie, text).ok_or(AuthError::CredentialInvalid)?;
                self.by_session(&secret.tenant, &secret.session, Shown::Cookie(&secret.hash()), now).await
            }
        }
    }

    async fn by_key(&self, text: &Secret<String>, now: Instant) -> Result<Known, AuthError> {
        let secret = KeySecret::read(text).ok_or(AuthError::CredentialInvalid)?;
        let mut lease = self.db.read().await?;
        let found = store::principal::by_prefix(&mut lease.all_tenants()?, &secret.prefix).await?;
        let found = found
            .filter(|found| found.hash == secret.hash() && found.key.opens(now))
            .ok_or(AuthError::CredentialInvalid)?;
        if found.tenant_state == TenantState::Suspended {
            return Err(AuthError::suspended(found.suspended_reason));
        }
        let held = found.key.permissions.and(Permissions::of(&found.tenant));
        let (permissions, grants) = match found.key.reach {
            Reach::Everything => (held, Arc::default()),
            reach => (Permissions::NONE, Arc::from([Grant { reach, permissions: held }])),
        };
        Ok(Known {
            valid_until: found.key.expires_at.unwrap_or(Instant::from_millis(i64::MAX)),
            touched_at: found.key.last_used_at.unwrap_or(Instant::from_millis(0)),
            checked: Checked {
                principal: Principal {
                    tenant: found.tenant,
                    actor: Actor::ApiKey(found.key.id),
                    assurance: Assurance::default(),
                    permissions,
                    grants,
                    access_revision: found.access_revision,
                },
                rate_per_minute: found.key.rate_per_minute,
                networks: found.key.networks,
                by_cookie: false,
                user_email: None,
            },
        })
    }

    async fn by_client(
        &self,
        claims: &AccessClaims,
        client: &ClientId,
        scope: Permissions,
        now: Instant,
    ) -> Result<Known, AuthError> {
        let mut lease = self.db.read().await?;
        let found =
            store::principal::by_client(&mut lease.scope(&claims.tenant)?, client, &claims.id).await?;
        let found = found.filter(|found| !found.token_revoked && found.client.opens(now));
        let found = found.ok_or(AuthError::CredentialInvalid)?;
        if found.tenant_state == TenantState::Suspended {
            return Err(AuthError::suspended(found.suspended_reason));
        }
        Ok(Known {
            valid_until: found.client.expires_at.unwrap_or(Instant::from_millis(i64::MAX)),
            touched_at: found.client.last_used_at.unwrap_or(Instant::from_millis(0)),
            checked: Checked {
                principal: Principal {
                    tenant: claims.tenant.clone(),
                    actor: Actor::Client(found.client.id),
                    permissions: found.client.permissions.and(scope),
                    grants: Arc::default(),
                    assurance: Assurance::default(),
                    access_revision: found.access_revision,
                },
                rate_per_minute: found.client.rate_per_minute,
                networks: found.client.networks,
                by_cookie: false,
                user_email: None,
            },
        })
    }

    async fn by_session(
        &self,
        tenant: &TenantId,
        session: &SessionId,
        shown: Shown<'_>,
        now: Instant,
    ) -> Result<Known, AuthError> {
        let mut lease = self.db.read().await?;
        let found = store::principal::by_session(&mut lease.scope(tenant)?, session).await?;
        let found = found.ok_or(AuthError::CredentialInvalid)?;
        let fits = match shown {
            Shown::Token(user) => *user == found.session.user,
            Shown::Cookie(hash) => found.cookie.as_ref() == Some(hash),
        };
        if !fits
            || !found.session.goes_on(&found.settings.session, now)
            || found.user_state == UserState::Disabled
        {
            return Err(AuthError::CredentialInvalid);
        }
        if found.tenant_state == TenantState::Suspended {
            return Err(AuthError::suspended(found.suspended_reason));
        }
        let lacks_factor = found.settings.two_factor.restricts(found.session.methods);
        // Whoever must enrol a second factor may do nothing else before.
        let (permissions, grants) = if lacks_factor {
            (Permissions::NONE, Arc::default())
        } else {
            (found.granted.permissions, found.granted.scoped.into())
        };
        Ok(Known {
            valid_until: found.session.ends(&found.settings.session),
            touched_at: found.session.last_used_at,
            checked: Checked {
                principal: Principal {
                    tenant: tenant.clone(),
                    actor: Actor::User(found.session.user, found.session.id),
                    assurance: Assurance { confirmed_at: Some(found.session.confirmed_at), lacks_factor },
                    permissions,
                    grants,
                    access_revision: found.access_revision,
                },
                rate_per_minute: found.settings.user_rate_per_minute,
                networks: Networks::default(),
                by_cookie: matches!(shown, Shown::Cookie(_)),
                user_email: Some(found.email),
            },
        })
    }

    async fn touch(&self, principal: &Principal, now: Instant) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        let mut scope = tx.scope(&principal.tenant);
        match &principal.actor {
            Actor::User(_, session) => store::session::touch(&mut scope, session, now).await?,
            Actor::ApiKey(key) => store::api_key::touch(&mut scope, key, now).await?,
            Actor::Client(client) => store::client::touch(&mut scope, client, now).await?,
            Actor::Customer(_) | Actor::System => (),
        }
        tx.commit().await
    }
}

/// By what a session was claimed.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// A token of ours that names this user.
    Token(&'a UserId),
    /// A cookie with this hash.
    Cookie(&'a digest::Digest),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Methods, NewApiKey, Session, service,
        service::stage::{PASSWORD, START, Stage},
    };
    use futures::executor::block_on;
    use kernel::{Permission, Span};

    struct Scene {
        stage: Stage,
        token: Credential,
        key: Credential,
    }

    fn scene() -> Scene {
        let stage = Stage::new();
        let done = stage.set_up("acme-corp");
        let token = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap().access_token;
        Scene { token: Credential::Bearer(token), key: Credential::Bearer(done.api_key), stage }
    }

    fn refusal(outcome: Result<Checked, AuthError>) -> &'static str {
        kernel::Fault::code(&outcome.unwrap_err())
    }

    #[test]
    fn a_key_opens_with_its_own_permissions_and_rate() {
        let scene = scene();
        let owner = scene.stage.call(scene.stage.check(&scene.key).unwrap().principal);
        let new = NewApiKey::new("CI", &["rules:read".into()], None, Some(7), START).unwrap();
        let (key, secret) = block_on(service::create_api_key(&scene.stage.db, &owner, new)).unwrap();
        let checked = scene.stage.check(&Credential::Bearer(secret.text().clone())).unwrap();
        assert_eq!(checked.principal.actor, Actor::ApiKey(key.id));
        assert_eq!(checked.principal.permissions, Permissions::NONE.with(Permission::RulesRead));
        assert_eq!((checked.rate_per_minute, checked.user_email), (7, None));
    }

    #[test]
    fn made_up_credentials_open_nothing() {
        let scene = scene();
        let Credential::Bearer(key) = &scene.key else { unreachable!() };
        let (head, _) = key.expose().rsplit_once('_').unwrap();
        let other_secret = format!("{head}_{}", "0".repeat(64));
        for text in ["", "x", "sbx_", "sbx_000000000000_0", &other_secret, "Bearer x", "\u{0}"] {
            for credential in [
                Credential::Bearer(Secret::new(text.to_owned())),
                Credential::Cookie(Secret::new(text.to_owned())),
            ] {
                assert_eq!(refusal(scene.stage.check(&credential)), "CREDENTIAL_INVALID", "{text}");
            }
        }
        // A key is no cookie, and a cookie no bearer.
        assert_eq!(refusal(scene.stage.check(&Credential::Cookie(key.clone()))), "CREDENTIAL_INVALID");
        let cookie = scene.stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap().cookie.unwrap();
        assert_eq!(refusal(scene.stage.check(&Credential::Bearer(cookie))), "CREDENTIAL_INVALID");
    }

    #[test]
    fn what_changes_is_seen_at_the_next_request() {
        for (sql, token, key) in [
            ("UPDATE tenants SET state = 'suspended'", "TENANT_SUSPENDED", "TENANT_SUSPENDED"),
            ("UPDATE users SET state = 'disabled'", "CREDENTIAL_INVALID", ""),
            ("UPDATE sessions SET state = 'revoked', revoked_at = 1", "CREDENTIAL_INVALID", ""),
            ("DELETE FROM users", "CREDENTIAL_INVALID", ""),
            ("UPDATE api_keys SET state = 'revoked', revoked_at = 1", "", "CREDENTIAL_INVALID"),
            ("UPDATE api_keys SET expires_at = 1", "", "CREDENTIAL_INVALID"),
            ("DELETE FROM api_keys", "", "CREDENTIAL_INVALID"),
        ] {
            let scene = scene();
            for credential in [&scene.token, &scene.key] {
                assert!(scene.stage.check(credential).is_ok(), "{sql}");
            }
            scene.stage.meddle(sql);
            scene.stage.meddle("UPDATE tenants SET access_revision = access_revision + 1");
            for (credential, wanted) in [(&scene.token, token), (&scene.key, key)] {
                let outcome = scene.stage.check(credential);
                match wanted {
                    "" => assert!(outcome.is_ok(), "{sql}"),
                    _ => assert_eq!(refusal(outcome), wanted, "{sql}"),
                }
                // Whoever is refused is not remembered either.
                let remembered = scene.stage.gate.remembered(credential, START);
                assert_eq!(remembered.is_some(), wanted.is_empty(), "{sql}");
            }
        }
    }

    #[test]
    fn permissions_follow_the_roles_at_once() {
        let scene = scene();
        assert!(scene.stage.check(&scene.token).unwrap().principal.may(Permission::SettingsWrite));
        scene.stage.meddle("DELETE FROM role_bindings");
        scene.stage.meddle("UPDATE tenants SET access_revision = access_revision + 1");
        let principal = scene.stage.check(&scene.token).unwrap().principal;
        assert_eq!(principal.permissions, Permissions::NONE);
    }

    #[test]
    fn the_memory_is_asked_without_the_database() {
        let scene = scene();
        let gate = &scene.stage.gate;
        assert_eq!(gate.remembered(&scene.key, START), None);
        let checked = scene.stage.check(&scene.key).unwrap();
        // With the database's one connection taken, only memory can answer.
        let tx = block_on(scene.stage.db.begin()).unwrap();
        assert_eq!(gate.remembered(&scene.key, START), Some(checked));
        assert!(block_on(gate.check(&scene.key, START)).is_err());
        drop(tx);
    }

    #[test]
    fn a_token_is_not_remembered_beyond_its_time() {
        let mut scene = scene();
        scene.stage.now = START + Span::seconds(14 * 60 + 30);
        assert!(scene.stage.check(&scene.token).is_ok());
        let end = START + Span::minutes(15);
        assert!(scene.stage.gate.remembered(&scene.token, end - Span::seconds(1)).is_some());
        assert_eq!(scene.stage.gate.remembered(&scene.token, end), None);
        scene.stage.now = end;
        assert_eq!(refusal(scene.stage.check(&scene.token)), "TOKEN_EXPIRED");
    }

    #[test]
    fn a_key_stops_when_it_expires_also_in_memory() {
        let mut scene = scene();
        scene.stage.meddle(&format!("UPDATE api_keys SET expires_at = {}", START.millis() + 10));
        assert!(scene.stage.check(&scene.key).is_ok());
        scene.stage.now = START + Span::millis(10);
        assert_eq!(scene.stage.gate.remembered(&scene.key, scene.stage.now), None);
        assert_eq!(refusal(scene.stage.check(&scene.key)), "CREDENTIAL_INVALID");
    }

    #[test]
    fn the_last_use_is_written_once_a_minute() {
        let mut scene = scene();
        let last_use = |stage: &Stage| -> i64 {
            block_on(async {
                let mut lease = stage.db.read().await.unwrap();
                let sql = "SELECT last_used_at AS n FROM api_keys";
                lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap().unwrap()
            })
        };
        assert!(scene.stage.check(&scene.key).is_ok());
        assert_eq!(last_use(&scene.stage), START.millis());
        for (after, wanted, remembered) in
            [(59_999, 0, true), (60_000, 60_000, false), (60_001, 60_000, true)]
        {
            scene.stage.now = START + Span::millis(after);
            assert_eq!(
                scene.stage.gate.remembered(&scene.key, scene.stage.now).is_some(),
                remembered,
                "{after}"
            );
            assert!(scene.stage.check(&scene.key).is_ok());
            assert_eq!(last_use(&scene.stage), START.millis() + wanted, "{after}");
        }
    }

    #[test]
    fn a_token_of_another_tenant_with_the_same_session_finds_nothing() {
        let scene = scene();
        scene.stage.set_up("globex");
        let owner = scene.stage.check(&scene.token).unwrap().principal;
        let Actor::User(user, session) = owner.actor else { unreachable!() };
        let mut session = Session::begin(session, user, None, None, Methods::default(), START);
        let globex = "globex".parse().unwrap();
        let tokens = scene.stage.gate.tokens();
        let forged = tokens.sign(&globex, &session, START, &*scene.stage.noise).unwrap();
        assert_eq!(refusal(scene.stage.check(&Credential::Bearer(forged))), "CREDENTIAL_INVALID");
        // And another user in somebody's session.
        session.user = UserId::new(START, &*scene.stage.noise);
        let forged = tokens.sign(&owner.tenant, &session, START, &*scene.stage.noise).unwrap();
        assert_eq!(refusal(scene.stage.check(&Credential::Bearer(forged))), "CREDENTIAL_INVALID");
    }

    #[test]
    fn a_tenant_sets_its_users_rate() {
        let scene = scene();
        assert_eq!(scene.stage.check(&scene.token).unwrap().rate_per_minute, 100);
        let call = scene.stage.call(scene.stage.check(&scene.token).unwrap().principal);
        let settings = crate::SettingsPatch { user_rate_per_minute: Some(250), ..Default::default() };
        let patch = crate::TenantPatch { name: None, settings };
        block_on(service::change_tenant(&scene.stage.db, &call, None, patch)).unwrap();
        assert_eq!(scene.stage.check(&scene.token).unwrap().rate_per_minute, 250);
    }

    #[test]
    fn its_futures_may_cross_threads() {
        fn send<T: Send>(_: &T) {}
        let scene = scene();
        send(&scene.stage.gate.check(&scene.key, START));
    }
}

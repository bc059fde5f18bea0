//! May this credential come in, and as whom? The only place that turns what somebody shows into a principal.
//!
//! What was found out is remembered under the tenant's access revision, which moves with every change of its users, roles,
//! sessions and keys; so one small statement tells whether it still holds.

use crate::{
    AuthError, TenantState, TokenFault, TokenKeys, Tokens, UserState,
    api_key::KeySecret,
    digest,
    memory::{Key, Known, Memory},
    session::{Purpose, SessionSecret, TOUCH},
    store,
};
use db::{Db, DbError};
use kernel::{Actor, Instant, Principal, Secret, SessionId, TenantId, UserId};

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
        let found = match self.memory.get(&key, now) {
            Some(known) if self.still_holds(&known).await? => Ok(known),
            Some(_) | None => self.look_up(credential, now).await,
        };
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

    async fn still_holds(&self, known: &Known) -> Result<bool, AuthError> {
        let principal = &known.checked.principal;
        let mut lease = self.db.read().await?;
        let revision = store::tenant::revision(&mut lease.scope(&principal.tenant)?).await?;
        match revision {
            None => Err(AuthError::CredentialInvalid),
            Some(revision) if revision.state == TenantState::Suspended => Err(AuthError::TenantSuspended),
            Some(revision) => Ok(revision.number == principal.access_revision),
        }
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
                let mut known =
                    self.by_session(&claims.tenant, &claims.session, Shown::Token(&claims.user), now).await?;
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
            return Err(AuthError::TenantSuspended);
        }
        Ok(Known {
            valid_until: found.key.expires_at.unwrap_or(Instant::from_millis(i64::MAX)),
            touched_at: found.key.last_used_at.unwrap_or(Instant::from_millis(0)),
            checked: Checked {
                principal: Principal {
                    tenant: found.tenant,
                    actor: Actor::ApiKey(found.key.id),
                    permissions: found.key.permissions,
                    access_revision: found.access_revision,
                },
                rate_per_minute: found.key.rate_per_minute,
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
        if !fits || !found.session.goes_on(now) || found.user_state == UserState::Disabled {
            return Err(AuthError::CredentialInvalid);
        }
        if found.tenant_state == TenantState::Suspended {
            return Err(AuthError::TenantSuspended);
        }
        Ok(Known {
            valid_until: found.session.ends(),
            touched_at: found.session.last_used_at,
            checked: Checked {
                principal: Principal {
                    tenant: tenant.clone(),
                    actor: Actor::User(found.session.user, found.session.id),
                    permissions: found.permissions,
                    access_revision: found.access_revision,
                },
                rate_per_minute: found.user_rate,
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
            Actor::System => (),
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

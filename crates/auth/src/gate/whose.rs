//! Whose was a credential that was refused? For the audit only: nothing is opened by it.
//!
//! Only a credential that was truly ours counts (signed by us, or with the hash that we keep): else anybody could write into
//! the audit of a tenant whose name they know.

use super::{Credential, Gate};
use crate::{
    AccessClaims, Bearer,
    api_key::KeySecret,
    session::{Purpose, SessionSecret},
    store,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Actor, Instant, Secret, TenantId};

impl Gate {
    /// The tenant and the actor that a credential was given to, whether or not it opens anything still. `None` if it was never
    /// one of ours, or is no longer known, or the database cannot be asked.
    pub async fn whose(&self, credential: &Credential) -> Option<(TenantId, Actor)> {
        match credential {
            Credential::Bearer(text) if text.expose().starts_with(KeySecret::MARK) => self.keys(text).await,
            Credential::Bearer(text) => self.signed(text).map(|claims| {
                let actor = match claims.bearer {
                    Bearer::Person(user, session) => Actor::User(user, session),
                    Bearer::Client(client, _) => Actor::Client(client),
                };
                (claims.tenant, actor)
            }),
            Credential::Cookie(text) => self.sessions(text).await,
        }
    }

    /// What a token says that we signed, at an instant of its own life.
    fn signed(&self, text: &Secret<String>) -> Option<AccessClaims> {
        let (_, rest) = text.expose().split_once('.')?;
        let (payload, _) = rest.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
        let issued = payload.get("iat")?.as_i64()?.checked_mul(1000)?;
        self.tokens.verify(text, Instant::from_millis(issued)).ok()
    }

    async fn keys(&self, text: &Secret<String>) -> Option<(TenantId, Actor)> {
        let secret = KeySecret::read(text)?;
        let mut lease = self.db.read().await.ok()?;
        let found =
            store::principal::by_prefix(&mut lease.all_tenants().ok()?, &secret.prefix).await.ok()??;
        (found.hash == secret.hash()).then_some((found.tenant, Actor::ApiKey(found.key.id)))
    }

    async fn sessions(&self, text: &Secret<String>) -> Option<(TenantId, Actor)> {
        let secret = SessionSecret::read(Purpose::Cookie, text)?;
        let mut lease = self.db.read().await.ok()?;
        let mut scope = lease.scope(&secret.tenant).ok()?;
        let found = store::principal::by_session(&mut scope, &secret.session).await.ok()??;
        let ours = found.cookie.as_ref() == Some(&secret.hash());
        let actor = Actor::User(found.session.user, found.session.id);
        ours.then_some((secret.tenant, actor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::{PASSWORD, Stage};
    use futures::executor::block_on;
    use kernel::Span;

    #[test]
    fn a_credential_of_ours_is_known_after_its_end_and_a_forged_one_is_not() {
        let mut stage = Stage::new();
        let done = stage.set_up("acme-corp");
        let login = stage.login(None, "owner@acme-corp.test", PASSWORD).unwrap();
        stage.meddle("UPDATE sessions SET state = 'revoked', revoked_at = 1");
        stage.meddle("UPDATE api_keys SET expires_at = 1");
        stage.now = stage.now + Span::days(1);
        let whose = |credential: &Credential| {
            assert!(stage.check(credential).is_err());
            block_on(stage.gate.whose(credential)).map(|(tenant, actor)| (tenant.to_string(), actor))
        };
        let bearer = |text: &str| Credential::Bearer(Secret::new(text.to_owned()));
        let (token, key) = (login.access_token.expose(), done.api_key.expose());
        let cookie = login.cookie.unwrap();
        for credential in [bearer(token), bearer(key), Credential::Cookie(cookie.clone())] {
            assert_eq!(whose(&credential).unwrap().0, "acme-corp", "{credential:?}");
        }
        let swapped = |text: &str| {
            let (head, tail) = text.split_at(text.len() - 4);
            format!("{head}{}", tail.chars().rev().collect::<String>())
        };
        for text in [swapped(token), swapped(key), "x.y.z".to_owned(), "sbx_".to_owned(), String::new()] {
            assert_eq!(whose(&bearer(&text)), None, "{text}");
        }
        assert_eq!(whose(&Credential::Cookie(Secret::new(swapped(cookie.expose())))), None);
    }
}

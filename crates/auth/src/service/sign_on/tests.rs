//! Does a sign-on hold against a provider that is wrong, or was fooled? Against a provider of the tests' own, which can
//! be told to lie.

mod fake;
mod lies;
mod saml;
mod walks;

use super::*;
use crate::{
    Connection, ConnectionKind, ConnectionPatch, Credential, Providers,
    service::{
        Keeper, create_connection, create_user,
        stage::{PASSWORD, Stage},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fake::{Fake, Key};
use futures::executor::block_on;
use kernel::{Call, RoleId, Span, UserId};
use serde_json::Value;
use std::collections::BTreeMap;
use vault::Vault;

const ISSUER: &str = "https://login.acme.example";

/// A tenant whose owner has set up a connection, its provider, and what stands around them.
struct Scene {
    stage: Stage,
    owner: Call,
    fake: Fake,
    vault: Vault,
    providers: Providers,
}

/// A browser that was sent to the provider.
struct Away {
    begun: Begun,
    asked: BTreeMap<String, String>,
    connection: ConnectionId,
}

impl Away {
    fn state(&self) -> Secret<String> {
        Secret::new(self.asked["state"].clone())
    }

    /// The browser as it comes back.
    fn back(&self, code: &str) -> Returned {
        Returned {
            state: self.state(),
            browser: Some(self.begun.browser.clone()),
            connection: Some(self.connection.clone()),
            reply: Reply::Code { code: Secret::new(code.to_owned()), issuer: None },
        }
    }
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        let vault = Vault::from_keys("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        Self { stage, owner, fake: Fake::new(ISSUER), vault, providers: Providers::default() }
    }

    fn keeper(&self) -> Keeper<'_> {
        Keeper { vault: &self.vault, allow_private: false }
    }

    fn outside(&self) -> Outside<'_> {
        Outside {
            fetch: &self.fake,
            vault: &self.vault,
            providers: &self.providers,
            public_url: "https://signalbox.example",
            allow_private: false,
        }
    }

    fn patch(name: &str) -> ConnectionPatch {
        ConnectionPatch {
            name: Some(name.to_owned()),
            issuer: Some(ISSUER.to_owned()),
            client_id: Some("signalbox".to_owned()),
            client_secret: Some(Secret::new("the client's secret".to_owned())),
            domains: Some(vec!["acme.example".to_owned()]),
            create_users: Some(true),
            ..ConnectionPatch::default()
        }
    }

    fn try_connect(&self, call: &Call, patch: ConnectionPatch) -> Result<Connection, AuthError> {
        block_on(create_connection(&self.stage.db, call, self.keeper(), ConnectionKind::Oidc, patch))
    }

    fn connect(&self, patch: ConnectionPatch) -> ConnectionId {
        self.try_connect(&self.owner, patch).unwrap().id
    }

    fn user(&self, email: &str, password: Option<&str>) -> UserId {
        let new = crate::NewUser::new(email, "Ana", password).unwrap();
        block_on(create_user(&self.stage.db, &self.owner, new)).unwrap().user.id
    }

    fn wish(tenant: &str, connection: Option<&ConnectionId>, email: Option<&str>) -> Wish {
        Wish {
            tenant: tenant.parse().unwrap(),
            connection: connection.cloned(),
            email: email.map(|email| email.parse().unwrap()),
            answer: Answer::Json,
            browser: None,
        }
    }

    fn begin(&self, wish: Wish) -> Result<Begun, AuthError> {
        block_on(begin_sign_on(&self.stage.db, self.outside(), &self.stage.visit(), wish))
    }

    fn role(&self, name: &str) -> RoleId {
        let all =
            block_on(crate::service::roles(&self.stage.db, &self.owner, &kernel::PageRequest::default()));
        all.unwrap().items.into_iter().find(|role| role.name == name).unwrap().id
    }

    fn leave(&self, connection: &ConnectionId, answer: Answer) -> Away {
        let wish = Wish { answer, ..Self::wish("acme-corp", Some(connection), None) };
        let begun = self.begin(wish).unwrap();
        let url = url::Url::parse(&begun.location).unwrap();
        assert!(begun.location.starts_with("https://login.acme.example/authorize?"));
        let asked = url.query_pairs().into_owned().collect();
        Away { begun, asked, connection: connection.clone() }
    }

    fn come_back(&self, returned: Returned) -> Result<Ended, Failed> {
        let tokens = self.stage.gate.tokens();
        block_on(finish_sign_on(&self.stage.db, tokens, self.outside(), &self.stage.visit(), returned))
    }

    /// A whole sign-on whose tokens are the answer.
    fn sign_on(&self, connection: &ConnectionId, person: &Value) -> Result<LoggedIn, &'static str> {
        let away = self.leave(connection, Answer::Json);
        let code = self.fake.approve(&away.asked, person);
        logged_in(self.come_back(away.back(&code)))
    }
}

fn logged_in(outcome: Result<Ended, Failed>) -> Result<LoggedIn, &'static str> {
    match outcome {
        Ok(Ended::Json(logged_in) | Ended::Cookie(logged_in, _)) => Ok(*logged_in),
        Ok(Ended::Code(..)) => panic!("a code was not asked for"),
        Err(failed) => Err(failed.error.code()),
    }
}

fn person(subject: &str, email: &str) -> Value {
    json!({"sub": subject, "email": email, "email_verified": true, "name": "Ana Li"})
}

fn ana() -> Value {
    person("ana-1", "ana@acme.example")
}

/// The roles of somebody, sorted.
fn role_names(member: &Member) -> Vec<&str> {
    let mut names: Vec<&str> = member.roles.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    names
}

//! What does a test of these use cases stand on? A database in memory, a clock that is told, chance that repeats.

use super::{LoggedIn, Login, Post, SetUp, SetUpDone, letters, login, setup};
use crate::{AuthError, Checked, Credential, Gate, Purpose, TicketSecret, TokenKeys, Unbounded, Visit};
use audit::Filter;
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{Call, Chance, Instant, PageRequest, Principal, RequestId, Secret, TenantId, Trace};
use sha2::{Digest as _, Sha256};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use vault::Vault;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const START: Instant = Instant::from_millis(1_800_000_000_000);

/// Chance that never gives the same twice, and the same in every run.
pub(crate) struct Noise(AtomicU64);

impl Noise {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }
}

impl Chance for Noise {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(32) {
            let hash = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            piece.copy_from_slice(&hash[..piece.len()]);
        }
    }
}

pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) gate: Gate,
    pub(crate) vault: Vault,
    pub(crate) noise: Arc<Noise>,
    pub(crate) now: Instant,
    pub(crate) address: Option<String>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::on(Native::memory().unwrap())
    }

    pub(crate) fn on(db: Db) -> Self {
        let noise = Arc::new(Noise::new(1));
        let keys = TokenKeys::from_variable(&TokenKeys::generate(&*noise)).unwrap();
        Self {
            gate: Gate::new(db.clone(), keys, "http://signalbox.test".to_owned()),
            vault: Vault::from_keys("v1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap(),
            db,
            noise,
            now: START,
            address: Some("192.0.2.1".to_owned()),
        }
    }

    pub(crate) fn visit(&self) -> Visit {
        Visit {
            now: self.now,
            request: RequestId::new(&*self.noise),
            trace: Trace::new(&*self.noise),
            address: self.address.clone(),
            agent: Some("test".to_owned()),
            chance: self.noise.clone(),
        }
    }

    pub(crate) fn post(&self) -> Post<'_> {
        Post { vault: &self.vault, links_url: "https://signalbox.test" }
    }

    /// The letters that were written so far, oldest first: to whom, for what, and their text.
    pub(crate) fn letters(&self) -> Vec<(String, Purpose, String)> {
        let mut all = block_on(letters::list(&self.db, &letters::Wanted::default())).unwrap();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all.into_iter()
            .map(|letter| {
                let call = self.call(Principal::system(letter.tenant.clone()));
                let writing = block_on(letters::read(&self.db, &call, &self.vault, &letter.id)).unwrap();
                (letter.recipient.to_string(), letter.purpose, writing.text)
            })
            .collect()
    }

    /// The token of the link in the last letter to this address.
    pub(crate) fn link_to(&self, email: &str) -> TicketSecret {
        let letters = self.letters();
        let (_, _, text) =
            letters.iter().rfind(|(to, _, text)| to == email && text.contains("#token=")).unwrap();
        Self::token_in(text)
    }

    /// The token in a text with a link.
    pub(crate) fn token_in(text: &str) -> TicketSecret {
        let token = text.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap();
        TicketSecret::read(&Secret::new(token.to_owned())).unwrap()
    }

    pub(crate) fn call(&self, principal: Principal) -> Call {
        self.visit().call(principal)
    }

    pub(crate) fn set_up(&self, tenant: &str) -> SetUpDone {
        let asked = SetUp::new(tenant, tenant, &format!("owner@{tenant}.test"), PASSWORD).unwrap();
        block_on(setup(&self.db, &self.visit(), asked)).unwrap()
    }

    pub(crate) fn login(
        &self,
        tenant: Option<&str>,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, AuthError> {
        let asked = Login {
            tenant: tenant.map(|slug| slug.parse().unwrap()),
            email: email.parse().unwrap(),
            password: Secret::new(password.to_owned()),
            otp: None,
            cookie: true,
        };
        block_on(login(&self.db, self.gate.tokens(), &Unbounded, &self.vault, &self.visit(), asked))
    }

    pub(crate) fn check(&self, credential: &Credential) -> Result<Checked, AuthError> {
        block_on(self.gate.check(credential, self.now))
    }

    /// The call that somebody makes with a bearer.
    pub(crate) fn as_bearer(&self, text: &Secret<String>) -> Call {
        self.call(self.check(&Credential::Bearer(text.clone())).unwrap().principal)
    }

    /// Runs a statement that no use case would.
    pub(crate) fn meddle(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    /// The actions that a tenant's audit tells, oldest first; the chain must hold.
    pub(crate) fn audited(&self, tenant: &str) -> Vec<String> {
        let tenant: TenantId = tenant.parse().unwrap();
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let mut scope = lease.scope(&tenant).unwrap();
            assert_eq!(audit::verify(&mut scope).await.unwrap().broken, None);
            let page = PageRequest::new(200, None).unwrap();
            let rows = audit::list(&mut scope, &Filter::default(), &page).await.unwrap().items;
            rows.into_iter().rev().map(|row| row.action).collect()
        })
    }
}

//! What does it cost to know who comes? Statements are trips to the host, so they are counted.

use auth::{Credential, Gate, TokenKeys, Visit, service};
use db::native::Native;
use futures::executor::block_on;
use kernel::{Chance, Instant, RequestId, Secret, Trace};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

const PASSWORD: &str = "correct horse battery staple";
const START: Instant = Instant::from_millis(1_800_000_000_000);

struct Steps(AtomicU8);

impl Chance for Steps {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
    }
}

#[test]
fn a_permission_check_adds_at_most_two_statements_to_a_request() {
    let (db, counter) = Native::memory().unwrap().counted();
    let chance: Arc<dyn Chance> = Arc::new(Steps(AtomicU8::new(0)));
    let keys = TokenKeys::from_variable(&TokenKeys::generate(&*chance)).unwrap();
    let gate = Gate::new(db.clone(), keys, "http://signalbox.test".to_owned());
    let visit = Visit {
        now: START,
        request: RequestId::new(&*chance),
        trace: Trace::new(&*chance),
        address: None,
        agent: None,
        chance,
    };
    let wish = service::SetUp::new("acme-corp", "Acme", "owner@acme-corp.test", PASSWORD).unwrap();
    let made = block_on(service::setup(&db, &visit, wish)).unwrap();
    let login = service::Login {
        tenant: None,
        email: "owner@acme-corp.test".parse().unwrap(),
        password: Secret::new(PASSWORD.to_owned()),
        otp: None,
        cookie: true,
    };
    let vault = vault::Vault::from_keys(&format!("v1:{}=", "A".repeat(43))).unwrap();
    let session =
        block_on(service::login(&db, gate.tokens(), &auth::Unbounded, &vault, &visit, login)).unwrap();
    let shown = [
        Credential::Bearer(made.api_key),
        Credential::Bearer(session.access_token),
        Credential::Cookie(session.cookie.unwrap()),
    ];
    for credential in &shown {
        // The last use is written once a minute, beside the request.
        let check = || {
            counter.restart();
            block_on(gate.check(credential, START)).unwrap();
            counter.take()
        };
        check();
        assert_eq!(check(), 1, "somebody known costs one");
    }
    block_on(async {
        let mut tx = db.begin().await.unwrap();
        tx.all_tenants()
            .run_for_effect("UPDATE tenants SET access_revision = access_revision + 1", [])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    });
    for credential in &shown {
        counter.restart();
        block_on(gate.check(credential, START)).unwrap();
        assert!(counter.take() <= 2, "somebody to be looked up again costs two");
    }
}

//! Do passkeys hold? Registration and use against an authenticator in software, and what a thief or a wrong site would send.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "here a broken assumption should end the test with its text"
)]

#[path = "../../../tests/all/authenticator.rs"]
#[expect(unreachable_pub, reason = "it stands in another package's tests")]
mod authenticator;

use auth::{
    AuthError, Credential, Gate, RelyingParty, TokenKeys, Visit,
    service::{self, Answer, Asked, LoggedIn, Login, Proof, Shown},
};
use authenticator::Authenticator;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use db::{Db, native::Native};
use futures::executor::block_on;
use kernel::{Call, Chance, Fault, Instant, PageRequest, Permissions, RequestId, Secret, Span, Trace};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use vault::Vault;

const PASSWORD: &str = "correct horse battery staple";
const OWNER: &str = "owner@acme-corp.test";
const START: Instant = Instant::from_millis(1_800_000_000_000);
const ORIGIN: &str = "https://app.example.com";

/// Chance that never gives the same twice.
struct Steps(AtomicU64);

impl Chance for Steps {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).to_be_bytes();
            piece.copy_from_slice(&next[..piece.len()]);
        }
    }
}

struct Scene {
    db: Db,
    gate: Gate,
    vault: Vault,
    chance: Arc<dyn Chance>,
    party: RelyingParty,
    device: Authenticator,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let chance: Arc<dyn Chance> = Arc::new(Steps(AtomicU64::new(1)));
        let db = Native::memory().unwrap();
        let keys = TokenKeys::from_variable(&TokenKeys::generate(&*chance)).unwrap();
        let scene = Self {
            gate: Gate::new(db.clone(), keys, "http://signalbox.test".to_owned()),
            db,
            vault: Vault::from_keys(&format!("v1:{}=", "A".repeat(43))).unwrap(),
            chance,
            party: RelyingParty::new("https://app.example.com/", "example.com", &[]).unwrap(),
            device: Authenticator::new(ORIGIN, 1),
            now: START,
        };
        scene.set_up("acme-corp");
        scene
    }

    fn set_up(&self, tenant: &str) {
        let owner = format!("owner@{tenant}.test");
        let wish = service::SetUp::new(tenant, tenant, &owner, PASSWORD).unwrap();
        block_on(service::setup(&self.db, &self.visit(), wish)).unwrap();
    }

    fn visit(&self) -> Visit {
        Visit {
            now: self.now,
            request: RequestId::new(&*self.chance),
            trace: Trace::new(&*self.chance),
            address: Some("192.0.2.1".to_owned()),
            agent: None,
            chance: Arc::clone(&self.chance),
        }
    }

    fn password(&self, email: &str) -> Result<LoggedIn, AuthError> {
        let asked = Login {
            tenant: None,
            email: email.parse().unwrap(),
            password: Secret::new(PASSWORD.to_owned()),
            otp: None,
            cookie: false,
        };
        block_on(service::login(
            &self.db,
            self.gate.tokens(),
            &auth::Unbounded,
            &self.vault,
            &self.visit(),
            asked,
        ))
    }

    fn call(&self, logged_in: &LoggedIn) -> Call {
        let bearer = Credential::Bearer(logged_in.access_token.clone());
        self.visit().call(block_on(self.gate.check(&bearer, self.now)).unwrap().principal)
    }

    fn answer(&self, json: &Value) -> Answer {
        Answer { party: self.party.clone(), json: json.to_string() }
    }

    fn options(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn creation(&self, call: &Call) -> Value {
        Self::options(&block_on(service::ask_registration(&self.db, &self.party, call)).unwrap())
    }

    fn register(&self, call: &Call, json: &Value) -> Result<Vec<Secret<String>>, AuthError> {
        let made =
            block_on(service::register_passkey(&self.db, &self.vault, call, "Phone", &self.answer(json)));
        made.map(|(_, codes)| codes)
    }

    fn ask(&self, asked: Asked<'_>) -> Value {
        Self::options(&block_on(service::ask_passkey(&self.db, &self.party, &self.visit(), asked)).unwrap())
    }

    fn enter(&self, json: &Value) -> Result<LoggedIn, AuthError> {
        let answer = self.answer(json);
        let (keys, visit) = (self.gate.tokens(), self.visit());
        block_on(service::login_by_passkey(&self.db, keys, &visit, None, true, &answer))
    }

    /// The owner of a tenant with a passkey, in a session.
    fn owner(&mut self) -> (LoggedIn, Call) {
        let logged_in = self.password(OWNER).unwrap();
        let call = self.call(&logged_in);
        let options = self.creation(&call);
        let json = self.device.create(&options);
        assert_eq!(self.register(&call, &json).unwrap().len(), 10);
        (logged_in, call)
    }

    fn audited(&self, action: &str) -> usize {
        let sql = "SELECT COUNT(*) AS n FROM audit_entries WHERE action = ?1";
        let count = block_on(async {
            let mut lease = self.db.read().await.unwrap();
            lease.all_tenants().unwrap().one::<i64>(sql, [action.into()]).await.unwrap()
        });
        usize::try_from(count.unwrap()).unwrap()
    }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, AuthError>) -> &'static str {
    outcome.unwrap_err().code()
}

#[test]
fn a_passkey_opens_alone() {
    let mut scene = Scene::new();
    scene.owner();
    let options = scene.ask(Asked::Login);
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "example.com");
    let json = scene.device.get(&options);
    let logged_in = scene.enter(&json).unwrap();
    assert!(logged_in.cookie.is_some());
    let principal = scene.call(&logged_in).principal;
    assert_eq!(principal.permissions, Permissions::all());
    // The answer is good once.
    assert_eq!(code(scene.enter(&json)), "PASSKEY_REFUSED");
}

#[test]
fn a_passkey_is_a_second_factor_and_a_proof() {
    let mut scene = Scene::new();
    scene.owner();
    let Err(AuthError::Factor(auth::FactorError::Required(waiting))) = scene.password(OWNER) else {
        panic!("the password alone opened");
    };
    let token = waiting.token().clone();
    let options = scene.ask(Asked::SecondFactor(&token));
    let json = scene.device.get(&options);
    let show = |scene: &Scene, json: &Value| {
        let shown = Shown::Passkey(scene.answer(json));
        let (keys, visit) = (scene.gate.tokens(), scene.visit());
        block_on(service::verify_second_factor(&scene.db, keys, &scene.vault, &visit, &token, &shown))
    };
    // A challenge for a login alone does not finish this one, nor the other way round.
    let wrong = scene.ask(Asked::Login);
    let wrong = scene.device.get(&wrong);
    assert_eq!(code(show(&scene, &wrong)), "PASSKEY_REFUSED");
    assert_eq!(code(scene.enter(&json)), "PASSKEY_REFUSED");
    let options = scene.ask(Asked::SecondFactor(&token));
    let json = scene.device.get(&options);
    let logged_in = show(&scene, &json).unwrap();
    assert_eq!(code(show(&scene, &json)), "MFA_TOKEN_INVALID");

    scene.now = START + Span::minutes(14);
    let call = scene.call(&logged_in);
    let options = scene.ask(Asked::Confirm(&call));
    let proof = Proof::Passkey(scene.answer(&scene.device.clone().get(&options)));
    // The counter of the clone is ahead by one: the next of the device is not.
    let until = block_on(service::confirm(&scene.db, &auth::Unbounded, &scene.vault, &call, &proof)).unwrap();
    assert_eq!(until, scene.now + Span::minutes(15));
}

#[test]
fn what_is_not_the_right_answer_is_refused() {
    let mut scene = Scene::new();
    scene.owner();
    let sound = scene.device.clone();
    let refused =
        |scene: &Scene, change: &dyn Fn(&mut Authenticator), mend: &dyn Fn(&mut Value), what: &str| {
            let mut device = sound.clone();
            device.count += 10;
            change(&mut device);
            let options = scene.ask(Asked::Login);
            let mut json = device.get(&options);
            mend(&mut json);
            assert_eq!(code(scene.enter(&json)), "PASSKEY_REFUSED", "{what}");
        };
    let as_is: &dyn Fn(&mut Authenticator) = &|_| ();
    refused(
        &scene,
        &|device| device.origin = "https://app.example.com.evil.test".to_owned(),
        &|_| (),
        "origin",
    );
    refused(&scene, &|device| device.origin = "http://app.example.com".to_owned(), &|_| (), "scheme");
    refused(&scene, &|device| device.domain = Some("evil.test".to_owned()), &|_| (), "domain");
    refused(&scene, &|device| device.verifies = false, &|_| (), "person not verified");
    refused(&scene, &|device| device.held[0].handle = vec![7; 32], &|_| (), "user handle");
    refused(&scene, &|device| device.held[0].id = vec![7; 32], &|_| (), "unknown passkey");
    for field in ["signature", "authenticatorData", "clientDataJSON", "userHandle"] {
        refused(&scene, as_is, &|json| json["response"][field] = Value::from("AAAA"), field);
        refused(&scene, as_is, &|json| json["response"][field] = Value::Null, field);
    }
    refused(&scene, as_is, &|json| *json = Value::Null, "nothing");
    refused(
        &scene,
        as_is,
        &|json| json["rawId"] = json["id"].as_str().unwrap().replace('A', "B").into(),
        "raw id",
    );
    assert!(scene.audited("passkey.refused") >= 4);
}

#[test]
fn a_counter_that_went_back_is_a_copy() {
    let mut scene = Scene::new();
    scene.owner();
    let copy = scene.device.clone();
    let options = scene.ask(Asked::Login);
    let json = scene.device.get(&options);
    assert!(scene.enter(&json).is_ok());
    let options = scene.ask(Asked::Login);
    assert_eq!(code(scene.enter(&copy.clone().get(&options))), "PASSKEY_REFUSED");
    assert_eq!(scene.audited("passkey.refused"), 1);
    // An authenticator that does not count goes on, as WebAuthn says, only if it never counted.
    let options = scene.ask(Asked::Login);
    scene.device.count = u32::MAX - 1;
    let json = scene.device.get(&options);
    assert!(scene.enter(&json).is_ok());
}

#[test]
fn a_challenge_ends_after_five_minutes_also_for_registration() {
    let mut scene = Scene::new();
    let (_, call) = scene.owner();
    let login = scene.ask(Asked::Login);
    let creation = scene.creation(&call);
    scene.now = START + Span::minutes(5);
    let json = scene.device.get(&login);
    assert_eq!(code(scene.enter(&json)), "PASSKEY_REFUSED");
    let late = Call { now: scene.now, ..call };
    let json = scene.device.create(&creation);
    assert_eq!(code(scene.register(&late, &json)), "VALIDATION_ERROR");
}

#[test]
fn a_registration_is_of_whoever_asked_and_once() {
    let mut scene = Scene::new();
    scene.set_up("globex");
    let (_, call) = scene.owner();
    let other = scene.password("owner@globex.test").unwrap();
    let other = scene.call(&other);
    // Somebody else's challenge.
    let options = scene.creation(&call);
    let json = scene.device.clone().create(&options);
    assert_eq!(code(scene.register(&other, &json)), "VALIDATION_ERROR");
    assert_eq!(code(scene.register(&call, &json)), "VALIDATION_ERROR", "the challenge is used up");
    // Somebody else's passkey.
    let mut device = Authenticator::new(ORIGIN, 1);
    let options = scene.creation(&other);
    let json = device.create(&options);
    assert_eq!(code(scene.register(&other, &json)), "PASSKEY_TAKEN");
    // Wrong site, person not verified, no challenge of ours.
    let changes: [fn(&mut Authenticator); 3] = [
        |device| device.origin = "https://evil.test".to_owned(),
        |device| device.domain = Some("evil.test".to_owned()),
        |device| device.verifies = false,
    ];
    for change in changes {
        let mut device = Authenticator::new(ORIGIN, 2);
        change(&mut device);
        let options = scene.creation(&other);
        let json = device.create(&options);
        assert_eq!(code(scene.register(&other, &json)), "VALIDATION_ERROR");
    }
    let mut options = scene.creation(&other);
    options["challenge"] = Value::from("AAAAAAAAAAAAAAAAAAAAAA");
    let json = Authenticator::new(ORIGIN, 3).create(&options);
    assert_eq!(code(scene.register(&other, &json)), "VALIDATION_ERROR");
}

#[test]
fn another_users_passkey_finishes_nobodys_login() {
    let mut scene = Scene::new();
    scene.set_up("globex");
    scene.owner();
    let other = scene.password("owner@globex.test").unwrap();
    let other = scene.call(&other);
    let mut theirs = Authenticator::new(ORIGIN, 2);
    let options = scene.creation(&other);
    let json = theirs.create(&options);
    scene.register(&other, &json).unwrap();
    let Err(AuthError::Factor(auth::FactorError::Required(waiting))) = scene.password(OWNER) else {
        panic!("the password alone opened");
    };
    let options = scene.ask(Asked::SecondFactor(waiting.token()));
    let shown = Shown::Passkey(scene.answer(&theirs.get(&options)));
    let (keys, visit) = (scene.gate.tokens(), scene.visit());
    let outcome =
        service::verify_second_factor(&scene.db, keys, &scene.vault, &visit, waiting.token(), &shown);
    assert_eq!(code(block_on(outcome)), "PASSKEY_REFUSED");
    // Nor does it open under another tenant's name.
    let options = scene.ask(Asked::Login);
    let answer = scene.answer(&theirs.get(&options));
    let acme = "acme-corp".parse().unwrap();
    let outcome = service::login_by_passkey(&scene.db, keys, &visit, Some(&acme), false, &answer);
    assert_eq!(code(block_on(outcome)), "PASSKEY_REFUSED");
}

#[test]
fn passkeys_are_listed_renamed_and_removed_by_their_owner() {
    let mut scene = Scene::new();
    scene.set_up("globex");
    let (_, call) = scene.owner();
    let page = PageRequest::default();
    let all = block_on(service::passkeys(&scene.db, &call, &page)).unwrap().items;
    assert_eq!((all.len(), all[0].name.as_str()), (1, "Phone"));
    let id = all[0].id.clone();
    let renamed = block_on(service::rename_passkey(&scene.db, &call, &id, "Old phone")).unwrap();
    assert_eq!(renamed.name, "Old phone");
    let other = scene.password("owner@globex.test").unwrap();
    let other = scene.call(&other);
    assert_eq!(code(block_on(service::rename_passkey(&scene.db, &other, &id, "Mine"))), "NOT_FOUND");
    assert_eq!(code(block_on(service::remove_passkey(&scene.db, &scene.vault, &other, &id))), "NOT_FOUND");
    block_on(service::remove_passkey(&scene.db, &scene.vault, &call, &id)).unwrap();
    let options = scene.ask(Asked::Login);
    let json = scene.device.get(&options);
    assert_eq!(code(scene.enter(&json)), "PASSKEY_REFUSED");
    assert!(scene.password(OWNER).is_ok(), "no factor is left");
}

#[test]
fn the_second_passkey_excludes_the_first_and_brings_no_codes() {
    let mut scene = Scene::new();
    let (_, call) = scene.owner();
    let options = scene.creation(&call);
    assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(1));
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    let json = Authenticator::new(ORIGIN, 2).create(&options);
    assert!(scene.register(&call, &json).unwrap().is_empty());
}

#[test]
fn a_site_is_a_domain() {
    for (url, domain, origins, there) in [
        ("https://signalbox.example.com", "", &[][..], true),
        ("http://localhost:3000", "", &[], true),
        ("http://127.0.0.1:3000", "", &[], false),
        ("http://[::1]:3000", "", &[], false),
        ("http://127.0.0.1:3000", "localhost", &["http://localhost:3000".to_owned()], true),
        ("http://127.0.0.1:3000", "10.0.0.1", &[], false),
        ("https://signalbox.example.com", "", &["nonsense".to_owned()], false),
        ("", "", &[], false),
    ] {
        assert_eq!(RelyingParty::new(url, domain, origins).is_ok(), there, "{url} {domain}");
    }
}

/// The paths of all values in it.
fn paths(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    if let Value::Object(members) = value {
        for (name, member) in members {
            paths(member, &format!("{at}/{name}"), all);
        }
    }
}

/// The same with one value replaced, or one byte of what is encoded turned, cut off or doubled.
fn mutations(sound: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let mut places = Vec::new();
    paths(sound, "", &mut places);
    for place in &places {
        for other in [
            json!(null),
            json!(""),
            json!("AAAA"),
            json!("\u{0}"),
            json!(7),
            json!([]),
            json!({}),
            json!(true),
        ] {
            let mut changed = sound.clone();
            *changed.pointer_mut(place).unwrap() = other;
            all.push(changed);
        }
        let Some(bytes) =
            sound.pointer(place).and_then(Value::as_str).and_then(|text| BASE64.decode(text).ok())
        else {
            continue;
        };
        for index in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[index] ^= 0x81;
            for bytes in [&turned, &bytes[..index].to_vec()] {
                let mut changed = sound.clone();
                *changed.pointer_mut(place).unwrap() = BASE64.encode(bytes).into();
                all.push(changed);
            }
        }
    }
    all
}

#[test]
fn nothing_that_comes_ends_the_instance() {
    let mut scene = Scene::new();
    let (_, call) = scene.owner();
    let options = scene.ask(Asked::Login);
    let sound = scene.device.get(&options);
    // The challenge is put back each time, so that every answer is looked at to the end.
    let put_back = |scene: &Scene, purpose: &str, sql: &str| {
        block_on(async {
            let mut tx = scene.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, [purpose.into()]).await.unwrap();
            tx.commit().await.unwrap();
        });
    };
    put_back(&scene, "login", "CREATE TABLE kept AS SELECT * FROM passkey_challenges WHERE purpose = ?1");
    let again = "INSERT OR IGNORE INTO passkey_challenges SELECT * FROM kept WHERE purpose = ?1";
    let mut opened = 0;
    for json in mutations(&sound) {
        opened += usize::from(scene.enter(&json).is_ok());
        put_back(&scene, "login", again);
    }
    // Some fields are said twice, or mean nothing: changed, they change nothing.
    assert!(opened < 10, "{opened}");

    let options = scene.creation(&call);
    let sound = Authenticator::new(ORIGIN, 9).create(&options);
    let keep = "INSERT INTO kept SELECT * FROM passkey_challenges WHERE purpose = ?1";
    put_back(&scene, "register", keep);
    for json in mutations(&sound) {
        let _: Result<_, AuthError> = scene.register(&call, &json);
        put_back(&scene, "register", again);
        put_back(&scene, "Phone", "DELETE FROM passkeys WHERE name = ?1");
    }
}

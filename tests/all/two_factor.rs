//! `/api/v1/auth/mfa`, `/api/v1/auth/passkeys`, `/api/v1/auth/confirm`: what stands beside a password, and how nobody comes past it.

use crate::{
    authenticator::Authenticator,
    chromium::{self, Chromium},
    expect, operation_list,
    stage::{OPTIONS, Stage, get, login, post, text},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tests::{Answer, Client, Signalbox};
use totp_rs::{Algorithm, Builder, Secret};

/// A stage with a clock, and how far it is ahead.
struct Scene {
    stage: Stage,
    ahead: u64,
}

impl Scene {
    fn new() -> Self {
        Self { stage: Stage::with_clock(), ahead: 0 }
    }

    /// Into the next step of codes, and beyond the minute that limits logins.
    fn pass(&mut self) {
        self.wait(61);
    }

    fn wait(&mut self, seconds: u64) {
        self.stage.pass(Duration::from_secs(seconds));
        self.ahead += seconds;
    }

    /// The code that an app shows now.
    fn code(&self, seed: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + self.ahead;
        let seed = Secret::try_from_base32(seed).unwrap();
        let app = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(seed)
            .with_account_name("x")
            .build()
            .unwrap();
        app.generate(now).to_string()
    }

    fn sign_in(&self, more: &Value) -> Answer {
        let owner = self.stage.host.credentials().unwrap();
        let mut body = json!({"email": owner.email, "password": owner.password});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.stage.host.client().post("/api/v1/auth/login", &body).unwrap()
    }

    /// The token of a login that waits.
    fn waits(&self) -> String {
        let body = expect::problem(&self.sign_in(&json!({})), 401, "OTP_REQUIRED");
        detail(&body, "mfa_token")
    }

    fn verify(&self, token: &str, name: &str, factor: &str) -> Answer {
        let body = json!({"mfa_token": token, name: factor});
        self.stage.host.client().post("/api/v1/auth/mfa/verify", &body).unwrap()
    }

    fn person(&self, session: &Value) -> Client {
        self.stage.host.client().with_bearer(text(session, "access_token"))
    }

    /// Enrols an app for the owner; gives their session, the seed and the recovery codes.
    fn enrolled(&mut self) -> (Value, String, Vec<String>) {
        let session = self.sign_in(&json!({})).json().unwrap();
        let person = self.person(&session);
        let enrolment = post(&person, "/api/v1/auth/mfa/totp", &json!({}), 201);
        assert!(text(&enrolment, "uri").starts_with("otpauth://totp/"));
        assert!(text(&enrolment, "qr_svg").contains("<svg"));
        let seed = text(&enrolment, "secret").to_owned();
        let confirmed =
            post(&person, "/api/v1/auth/mfa/totp/confirm", &json!({"otp": self.code(&seed)}), 200);
        let codes = confirmed["recovery_codes"].as_array().unwrap();
        let codes: Vec<String> = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        assert_eq!(codes.len(), 10);
        self.pass();
        (session, seed, codes)
    }
}

/// The message of the first detail about `field`.
fn detail(body: &Value, field: &str) -> String {
    let details = body["error"]["details"].as_array().unwrap();
    let found = details.iter().find(|detail| detail["field"] == field);
    found.and_then(|detail| detail["message"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn a_login_waits_for_its_second_factor() {
    let mut scene = Scene::new();
    let (session, seed, recovery) = scene.enrolled();
    let shown = get(&scene.person(&session), "/api/v1/auth/mfa");
    assert_eq!((&shown["on"], &shown["recovery_codes"]), (&json!(true), &json!(10)));

    let asked = expect::problem(&scene.sign_in(&json!({})), 401, "OTP_REQUIRED");
    assert!(asked.to_string().contains("totp") && asked.to_string().contains("recovery_code"), "{asked}");
    let token = detail(&asked, "mfa_token");
    let opened = scene.verify(&token, "otp", &scene.code(&seed));
    assert_eq!(opened.status, 200, "{}", opened.text());
    assert_eq!(scene.person(&opened.json().unwrap()).get("/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&scene.verify(&token, "otp", &scene.code(&seed)), 401, "MFA_TOKEN_INVALID");
    expect::problem(&scene.sign_in(&json!({"otp": scene.code(&seed)})), 401, "OTP_INVALID");
    assert_eq!(scene.sign_in(&json!({"otp": recovery[0]})).status, 200);

    scene.pass();
    // Nothing of it is told before the password is right.
    let owner = scene.stage.host.credentials().unwrap();
    expect::problem(&login(&scene.stage.host.client(), &owner.email, "wrong"), 401, "LOGIN_FAILED");
    // Neither a token nor a code is a credential.
    let token = scene.waits();
    let stolen = scene.stage.host.client().with_bearer(&token);
    expect::problem(&stolen.get("/api/v1/auth/mfa").unwrap(), 401, "CREDENTIAL_INVALID");
    scene.wait(301);
    expect::problem(&scene.verify(&token, "recovery_code", &recovery[1]), 401, "MFA_TOKEN_INVALID");
}

#[test]
fn one_code_opens_once_however_many_come_at_a_time() {
    let mut scene = Scene::new();
    let (_, seed, recovery) = scene.enrolled();
    for (name, factor) in [("otp", scene.code(&seed)), ("recovery_code", recovery[0].clone())] {
        let tokens = [scene.waits(), scene.waits()];
        let address = scene.stage.host.client();
        let statuses: Vec<u16> = thread::scope(|threads| {
            let tries: Vec<_> = tokens
                .iter()
                .map(|token| {
                    let (client, body) =
                        (address.clone_unconnected(), json!({"mfa_token": token, name: factor}));
                    threads.spawn(move || client.post("/api/v1/auth/mfa/verify", &body).unwrap().status)
                })
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{name}: {statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 1, "{name}: {statuses:?}");
        // And one token, with two right codes.
        let token = scene.waits();
        let client = scene.stage.host.client();
        let statuses: Vec<u16> = thread::scope(|threads| {
            let tries: Vec<_> = recovery[2..4]
                .iter()
                .map(|code| {
                    let (client, body) =
                        (client.clone_unconnected(), json!({"mfa_token": token, "recovery_code": code}));
                    threads.spawn(move || client.post("/api/v1/auth/mfa/verify", &body).unwrap().status)
                })
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(statuses.iter().filter(|status| **status == 200).count() <= 1, "{statuses:?}");
        scene.pass();
    }
}

#[test]
fn guessing_ends_the_login_and_then_waits() {
    let mut scene = Scene::new();
    let (_, seed, _) = scene.enrolled();
    let token = scene.waits();
    for _ in 0..5 {
        expect::problem(&scene.verify(&token, "otp", "000000"), 401, "OTP_INVALID");
    }
    expect::problem(&scene.verify(&token, "otp", &scene.code(&seed)), 401, "MFA_TOKEN_INVALID");
    let refused = scene.sign_in(&json!({"otp": scene.code(&seed)}));
    expect::problem(&refused, 429, "LOGIN_BLOCKED");
    assert!(refused.header("retry-after").is_some());
    let refusals = "/api/v1/admin/audit?action=login.second_factor_refused&limit=50";
    assert_eq!(get(&scene.stage.client(), refusals)["data"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_session_that_lacks_a_factor_can_only_enrol() {
    let mut scene = Scene::new();
    let key = scene.stage.client();
    let before = scene.sign_in(&json!({})).json().unwrap();
    let required = json!({"two_factor": {"required": true}});
    assert_eq!(key.patch("/api/v1/admin/settings", &required).unwrap().status, 200);
    let after = scene.sign_in(&json!({})).json().unwrap();
    assert_eq!((&before["must_enrol"], &after["must_enrol"]), (&Value::Null, &json!(true)));
    let turned = post(
        &scene.stage.host.client(),
        "/api/v1/auth/refresh",
        &json!({"refresh_token": before["refresh_token"]}),
        200,
    );
    assert_eq!(turned["must_enrol"], true);

    let mut open = BTreeSet::new();
    for operation in operation_list::operations(&key) {
        if operation.is_public || operation.is_operators() {
            continue;
        }
        // What ends the session is left out: the others need it.
        if operation.name().contains("/logout") || operation.name().contains("/sessions") {
            continue;
        }
        let path = operation.path_of(&key).unwrap_or_else(|| operation.template.replace(['{', '}'], ""));
        scene.pass();
        let session = scene.sign_in(&json!({})).json().unwrap();
        let answer = operation.request(&scene.person(&session), &path).send().unwrap();
        if answer.status == 403 && answer.text().contains("TWO_FACTOR_REQUIRED") {
            assert!(answer.text().contains("/api/v1/auth/mfa/totp"), "{}", answer.text());
        } else {
            open.insert(operation.name());
        }
    }
    let text = open.into_iter().collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("what_a_session_without_a_second_factor_may_do", text);

    let session = scene.sign_in(&json!({})).json().unwrap();
    let person = scene.person(&session);
    let enrolment = post(&person, "/api/v1/auth/mfa/totp", &json!({}), 201);
    let code = scene.code(self::text(&enrolment, "secret"));
    post(&person, "/api/v1/auth/mfa/totp/confirm", &json!({"otp": code}), 200);
    assert_eq!(person.get("/api/v1/automation/rules").unwrap().status, 200, "the same session goes on");
}

#[test]
fn what_a_thief_must_not_do_needs_a_fresh_proof() {
    let mut scene = Scene::new();
    let session = scene.sign_in(&json!({})).json().unwrap();
    scene.wait(16 * 60);
    let body = json!({"refresh_token": session["refresh_token"]});
    let session = post(&scene.stage.host.client(), "/api/v1/auth/refresh", &body, 200);
    let person = scene.person(&session);
    let key = json!({"name": "CI", "permissions": ["access:write"]});
    expect::problem(&person.post("/api/v1/auth/mfa/totp", &json!({})).unwrap(), 403, "CONFIRMATION_REQUIRED");
    expect::problem(&person.post("/api/v1/admin/api-keys", &key).unwrap(), 403, "CONFIRMATION_REQUIRED");
    let harmless = json!({"name": "CI", "permissions": ["rules:read"]});
    assert_eq!(person.post("/api/v1/admin/api-keys", &harmless).unwrap().status, 201);
    let wrong = person.post("/api/v1/auth/confirm", &json!({"password": "wrong"})).unwrap();
    expect::fields(&wrong, 400, "VALIDATION_ERROR", &["password"]);
    let owner = scene.stage.host.credentials().unwrap();
    post(&person, "/api/v1/auth/confirm", &json!({"password": owner.password}), 200);
    assert_eq!(person.post("/api/v1/admin/api-keys", &key).unwrap().status, 201);
    assert_eq!(person.post("/api/v1/auth/mfa/totp", &json!({})).unwrap().status, 201);
}

/// A program whose passkeys belong to `localhost`, asked for by pages of `origin`.
fn with_passkeys(origin: &str) -> Scene {
    let origins = format!("passkey_origins={origin}");
    let more = ["--variable", "passkey_domain=localhost", "--variable", origins.as_str()];
    let options: Vec<&str> = OPTIONS.iter().copied().chain(more).collect();
    Scene { stage: Stage::of_host(Signalbox::start(&options).unwrap()), ahead: 0 }
}

/// Registers a passkey of the owner, and comes in with it in every way. `create` and `get` are the browser.
fn passkeys_all_the_way(
    scene: &Scene,
    create: &mut dyn FnMut(&Value) -> Value,
    take: &mut dyn FnMut(&Value) -> Value,
) {
    let session = scene.sign_in(&json!({})).json().unwrap();
    let person = scene.person(&session);
    let options = post(&person, "/api/v1/auth/mfa/passkeys/options", &json!({}), 200);
    let body = json!({"name": "Phone", "credential": create(&options["options"])});
    let made = post(&person, "/api/v1/auth/mfa/passkeys", &body, 201);
    assert_eq!(made["recovery_codes"].as_array().map(Vec::len), Some(10), "{made}");

    let stranger = scene.stage.host.client();
    let options = post(&stranger, "/api/v1/auth/passkeys/login/options", &json!({}), 200);
    let body = json!({"credential": take(&options["options"]), "cookie": true});
    let alone = stranger.post("/api/v1/auth/passkeys/login", &body).unwrap();
    assert_eq!(alone.status, 200, "{}", alone.text());
    assert!(alone.header("set-cookie").is_some_and(|cookie| cookie.starts_with("__Host-")));
    let person = scene.person(&alone.json().unwrap());
    assert_eq!(person.get("/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&stranger.post("/api/v1/auth/passkeys/login", &body).unwrap(), 401, "PASSKEY_REFUSED");

    let token = scene.waits();
    let options = post(&stranger, "/api/v1/auth/mfa/verify/options", &json!({"mfa_token": token}), 200);
    let body = json!({"mfa_token": token, "passkey": take(&options["options"])});
    post(&stranger, "/api/v1/auth/mfa/verify", &body, 200);

    let options = post(&person, "/api/v1/auth/confirm/options", &json!({}), 200);
    post(&person, "/api/v1/auth/confirm", &json!({"passkey": take(&options["options"])}), 200);
    let list = get(&person, "/api/v1/auth/mfa/passkeys");
    let path = format!("/api/v1/auth/mfa/passkeys/{}", text(&list["data"][0], "id"));
    assert!(list["data"][0]["last_used_at"].is_string(), "{list}");
    assert_eq!(
        person.patch(&path, &json!({"name": "Old phone"})).unwrap().json().unwrap()["name"],
        "Old phone"
    );
    assert_eq!(person.delete(&path).unwrap().status, 204);
    assert_eq!(scene.sign_in(&json!({})).status, 200, "no factor is left");
}

#[test]
fn a_passkey_in_software_goes_all_the_way() {
    let origin = "http://localhost:4000";
    let scene = with_passkeys(origin);
    let device = std::cell::RefCell::new(Authenticator::new(origin, 1));
    passkeys_all_the_way(&scene, &mut |options| device.borrow_mut().create(options), &mut |options| {
        device.borrow_mut().get(options)
    });
}

#[test]
fn a_passkey_of_chromium_goes_all_the_way() {
    let origin = chromium::page();
    let Some(browser) = Chromium::open(&origin) else {
        eprintln!("skipped: there is no Chromium here");
        return;
    };
    let scene = with_passkeys(&origin);
    let browser = std::cell::RefCell::new(browser);
    let ask = |verb: &str, reader: &str, options: &Value| {
        let options = format!("PublicKeyCredential.{reader}({options})");
        let call = format!("navigator.credentials.{verb}({{publicKey: {options}}})");
        browser.borrow_mut().evaluate(&format!("{call}.then(credential => credential.toJSON())"))
    };
    passkeys_all_the_way(
        &scene,
        &mut |options| ask("create", "parseCreationOptionsFromJSON", options),
        &mut |options| ask("get", "parseRequestOptionsFromJSON", options),
    );
}

#[test]
fn without_a_domain_there_are_no_passkeys() {
    let client = Stage::shared_stranger();
    let asked = client.post("/api/v1/auth/passkeys/login/options", &json!({})).unwrap();
    expect::problem(&asked, 409, "PASSKEYS_UNAVAILABLE");
}

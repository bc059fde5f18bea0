//! `/api/v1/auth/password`, `/api/v1/auth/email`, `/api/v1/admin/settings`: what a password must be, and how it becomes another.

use crate::{
    expect,
    letters::{letter, options, token_in, with_mail},
    stage::{Stage, data, elsewhere, get, join, login, post, text},
};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::{Answer, Client, Receiver, Reply};
use totp_rs::{Algorithm, Builder, Secret};

const NEW: &str = "a new and better one 7";
const FORGOT: &str = "/api/v1/auth/password/forgot";

/// The code that an app with this seed shows now.
fn code(seed: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = Secret::try_from_base32(seed).unwrap();
    let app = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(seed).with_account_name("x").build();
    app.unwrap().generate(now).to_string()
}

fn forgot(stage: &Stage, email: &str) {
    post(&elsewhere(&stage.host.client()), FORGOT, &json!({"email": email}), 202);
}

fn reset(stage: &Stage, token: &str, new: &str) -> Answer {
    let said = json!({"token": token, "new_password": new});
    elsewhere(&stage.host.client()).post("/api/v1/auth/password/reset", &said).unwrap()
}

fn change(client: &Client, present: &str, new: &str) -> Answer {
    client.post("/api/v1/auth/password", &json!({"current_password": present, "new_password": new})).unwrap()
}

#[test]
fn settings_name_every_faulty_field_and_hold_for_new_passwords() {
    let stage = Stage::own();
    let owner = stage.client();
    let before = owner.get("/api/v1/admin/settings").unwrap();
    let shown = before.json().unwrap();
    assert_eq!(
        (&shown["password"]["min_length"], &shown["session"]["idle_minutes"]),
        (&json!(12), &json!(43_200))
    );
    let wrong = json!({"password": {"min_length": 7, "history": 11}, "session": {"idle_minutes": 1}});
    let answer = owner.patch("/api/v1/admin/settings", &wrong).unwrap();
    let wanted = ["password.min_length", "password.history", "session.idle_minutes"];
    expect::fields(&answer, 400, "VALIDATION_ERROR", &wanted);
    let etag = before.header("etag").unwrap();
    let patch = json!({"password": {"min_length": 15}});
    let send =
        || owner.request("PATCH", "/api/v1/admin/settings").header("If-Match", etag).json(&patch).send();
    assert_eq!(send().unwrap().status, 200);
    expect::problem(&send().unwrap(), 412, "PRECONDITION_FAILED");
    let audit = get(&owner, "/api/v1/admin/audit?action=settings.changed");
    assert_eq!(data(&audit)[0]["before"]["password"]["min_length"], 12, "{audit}");
    assert_eq!(data(&audit)[0]["after"]["password"]["min_length"], 15, "{audit}");

    let password = stage.host.credentials().unwrap().password;
    let person = stage.person();
    for (new, wanted) in [
        ("fourteen signs", "15 to 256"),
        ("owner acme-corp 12", "your address"),
        ("qwertyuiopasdfgh", "many people"),
        (password.as_str(), "must be another one"),
    ] {
        let answer = change(&person, &password, new);
        let body = expect::problem(&answer, 400, "VALIDATION_ERROR");
        assert!(body["error"]["details"].to_string().contains(wanted), "{new}: {body}");
    }
    assert_eq!(change(&person, &password, NEW).status, 204);
    assert_eq!(change(&person, NEW, &password).status, 400, "earlier ones do not come back");
}

#[test]
fn a_forgotten_password_is_set_anew_by_a_link_that_works_once() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let owner = stage.host.credentials().unwrap();
    let person = stage.person();
    forgot(&stage, &owner.email);
    let token = token_in(&letter(&receiver, &owner.email, "password_reset"));
    expect::fields(&reset(&stage, &token, "short"), 400, "VALIDATION_ERROR", &["new_password"]);
    let done = reset(&stage, &token, NEW);
    assert_eq!((done.status, done.header("set-cookie")), (204, None), "nobody is logged in by it");
    assert_eq!(person.get("/api/v1/auth/user").unwrap().status, 401, "all sessions end");
    expect::problem(&reset(&stage, &token, "yet another one 8"), 400, "LINK_INVALID");
    assert_eq!(login(&elsewhere(&stage.host.client()), &owner.email, &owner.password).status, 401);
    assert_eq!(login(&elsewhere(&stage.host.client()), &owner.email, NEW).status, 200);
    let notice = letter(&receiver, &owner.email, "security_notice");
    assert_eq!(notice["notice"], "password_reset", "{notice}");
}

#[test]
fn a_reset_does_not_lead_past_a_second_factor() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let owner = stage.host.credentials().unwrap();
    let person = stage.person();
    let begun = post(&person, "/api/v1/auth/mfa/totp", &json!({}), 201);
    let code = code(text(&begun, "secret"));
    post(&person, "/api/v1/auth/mfa/totp/confirm", &json!({"otp": code}), 200);
    forgot(&stage, &owner.email);
    let token = token_in(&letter(&receiver, &owner.email, "password_reset"));
    assert_eq!(reset(&stage, &token, NEW).status, 204);
    let answer = login(&elsewhere(&stage.host.client()), &owner.email, NEW);
    expect::problem(&answer, 401, "OTP_REQUIRED");
}

#[test]
fn nobody_learns_whose_an_address_is() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let owner = stage.host.credentials().unwrap();
    let ask = |email: &str| {
        let answer = elsewhere(&stage.host.client()).post(FORGOT, &json!({"email": email})).unwrap();
        (answer.status, answer.text())
    };
    assert_eq!(ask(&owner.email), ask("nobody@example.com"));
    letter(&receiver, &owner.email, "password_reset");
    let letters = get(&stage.operator(), "/internal/letters");
    assert_eq!(data(&letters).len(), 1, "{letters}");
    // A brake of its own, by address.
    let client = elsewhere(&stage.host.client());
    let statuses: Vec<u16> =
        (0..6).map(|_| client.post(FORGOT, &json!({"email": "x@example.com"})).unwrap().status).collect();
    assert_eq!(statuses, [202, 202, 202, 202, 202, 429]);
}

#[test]
fn a_link_ends_in_half_an_hour_and_its_letter_is_not_sent_afterwards() {
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let options = options(&receiver.url("/mail"));
    let stage = Stage::with_clock_and(&options.iter().map(String::as_str).collect::<Vec<_>>());
    let owner = stage.host.credentials().unwrap();
    forgot(&stage, &owner.email);
    let token = token_in(&letter(&receiver, &owner.email, "password_reset"));
    // That it was taken is written down a moment later.
    let is_sent =
        || get(&stage.operator(), "/internal/letters").to_string().contains("\"sent\"").then_some(());
    tests::eventually(crate::stage::SOON, is_sent).expect("the letter was taken");
    receiver.reply(Reply::Status(503));
    forgot(&stage, &owner.email);
    stage.pass(Duration::from_secs(31 * 60));
    receiver.reply(Reply::Accept);
    stage.tick();
    expect::problem(&reset(&stage, &token, NEW), 400, "LINK_INVALID");
    let letters = get(&stage.operator(), "/internal/letters");
    let mut states: Vec<&str> = data(&letters).iter().map(|letter| text(letter, "state")).collect();
    states.sort_unstable();
    assert_eq!(states, ["expired", "sent"], "{letters}");
}

#[test]
fn a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let password = "correct horse battery staple 9";
    let session = join(&stage.client(), "ana@example.com", "Ana", password, &[]);
    let ana = stage.host.client().with_bearer(text(&session, "access_token"));
    let wish = |password: &str| json!({"email": "ana.li@example.com", "current_password": password});
    let wrong = ana.post("/api/v1/auth/email", &wish("wrong")).unwrap();
    expect::fields(&wrong, 400, "VALIDATION_ERROR", &["current_password"]);
    post(&ana, "/api/v1/auth/email", &wish(password), 202);
    assert_eq!(get(&ana, "/api/v1/auth/user")["email"], "ana@example.com");
    let token = token_in(&letter(&receiver, "ana.li@example.com", "email_verification"));
    let verify = || stage.host.client().post("/api/v1/auth/email/verify", &json!({"token": token})).unwrap();
    assert_eq!(verify().status, 204);
    assert_eq!(get(&ana, "/api/v1/auth/user")["email"], "ana.li@example.com");
    expect::problem(&verify(), 400, "LINK_INVALID");
    assert_eq!(letter(&receiver, "ana@example.com", "security_notice")["notice"], "email_changed");
}

#[test]
fn who_tries_one_password_on_many_accounts_is_slowed_and_others_are_not() {
    let stage = Stage::with_clock();
    let owner = stage.host.credentials().unwrap();
    let sprayer = elsewhere(&stage.host.client());
    let mut statuses = Vec::new();
    for number in 0..60 {
        // Five a minute from one address: a patient one keeps to that.
        if number % 5 == 0 {
            stage.pass(Duration::from_secs(61));
        }
        statuses.push(login(&sprayer, &format!("u{number}@acme-corp.example"), "Summer2026!!").status);
    }
    assert!(statuses[..50].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(statuses[50..].contains(&429), "{statuses:?}");
    assert_eq!(login(&elsewhere(&stage.host.client()), &owner.email, &owner.password).status, 200);
}

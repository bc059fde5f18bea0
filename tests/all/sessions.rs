//! `/api/v1/auth/sessions`: where somebody is logged in, how that ends, and by what a browser holds it.

use crate::{
    expect,
    letters::{letter, with_mail},
    stage::{Stage, data, elsewhere, get, login, post, text},
};
use serde_json::{Value, json};
use std::{thread, time::Duration};
use tests::{Answer, Client, Reply};

/// A login of a browser: its cookie and its CSRF token.
fn browser(stage: &Stage, planted: Option<&str>) -> (String, String) {
    let owner = stage.host.credentials().unwrap();
    let body = json!({"email": owner.email, "password": owner.password, "cookie": true});
    let client = elsewhere(&stage.host.client());
    let mut request = client.request("POST", "/api/v1/auth/login").json(&body);
    if let Some(planted) = planted {
        request = request.header("Cookie", planted);
    }
    let answer = request.send().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.header("set-cookie").unwrap().to_owned();
    for wanted in ["__Host-signalbox=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(wanted), "{wanted} is missing: {set}");
    }
    let cookie = set.split(';').next().unwrap().to_owned();
    (cookie, text(&answer.json().unwrap(), "csrf_token").to_owned())
}

fn with_cookie(client: &Client, method: &str, path: &str, cookie: &str, csrf: Option<&str>) -> Answer {
    let mut request = client.request(method, path).header("Cookie", cookie);
    if let Some(csrf) = csrf {
        request = request.header("X-CSRF-Token", csrf);
    }
    request.send().unwrap()
}

#[test]
fn sessions_are_listed_with_device_and_address_and_end_one_by_one() {
    let stage = Stage::own();
    let owner = stage.host.credentials().unwrap();
    let client = elsewhere(&stage.host.client());
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
    let body = json!({"email": owner.email, "password": owner.password});
    let answer =
        client.request("POST", "/api/v1/auth/login").header("User-Agent", firefox).json(&body).send();
    let session = answer.unwrap().json().unwrap();
    let other = client.with_bearer(text(&session, "access_token"));
    let person = stage.person();
    let list = get(&person, "/api/v1/auth/sessions");
    let found = data(&list).iter().find(|one| one["id"] == session["session_id"]).unwrap();
    assert_eq!((&found["device"], &found["current"]), (&json!("Firefox on Linux"), &json!(false)), "{list}");
    assert!(text(found, "address").starts_with("127.77."), "{found}");
    assert_eq!(found["methods"], json!(["pwd"]));
    let path = format!("/api/v1/auth/sessions/{}", text(&session, "session_id"));
    assert_eq!(person.delete(&path).unwrap().status, 204);
    assert_eq!(other.get("/api/v1/auth/user").unwrap().status, 401, "at its next request");
    expect::problem(&person.delete(&path).unwrap(), 404, "NOT_FOUND");
    let ended = person.delete("/api/v1/auth/sessions").unwrap();
    assert_eq!((ended.status, &ended.json().unwrap()["ended"]), (200, &json!(1)));
    assert_eq!(person.get("/api/v1/auth/user").unwrap().status, 401);
}

#[test]
fn a_shorter_limit_holds_for_sessions_that_are_there() {
    let stage = Stage::with_clock();
    let (cookie, _) = browser(&stage, None);
    let client = stage.host.client();
    let user = || with_cookie(&client, "GET", "/api/v1/auth/user", &cookie, None).status;
    stage.pass(Duration::from_secs(3600));
    assert_eq!(user(), 200);
    let patch = json!({"session": {"idle_minutes": 30, "absolute_hours": 2}});
    assert_eq!(stage.client().patch("/api/v1/admin/settings", &patch).unwrap().status, 200);
    assert_eq!(user(), 200, "it was used a moment ago");
    stage.pass(Duration::from_secs(29 * 60));
    assert_eq!(user(), 200);
    stage.pass(Duration::from_secs(32 * 60));
    assert_eq!(user(), 401, "idle, and two hours old");
    let (cookie, _) = browser(&stage, None);
    for _ in 0..5 {
        stage.pass(Duration::from_secs(25 * 60));
        if with_cookie(&client, "GET", "/api/v1/auth/user", &cookie, None).status == 401 {
            return;
        }
    }
    panic!("a session that is used goes on for more than two hours");
}

#[test]
fn a_planted_cookie_is_not_taken_over() {
    let stage = Stage::own();
    let (first, _) = browser(&stage, None);
    let (own, _) = browser(&stage, Some(&first));
    assert_ne!(own, first, "each login is a session of its own");
    let (second, _) = browser(&stage, Some("__Host-signalbox=sbs_acme-corp_planted_0000"));
    assert!(!second.contains("planted"));
    let client = stage.host.client();
    let made_up =
        with_cookie(&client, "GET", "/api/v1/auth/user", "__Host-signalbox=sbs_acme-corp_x_y", None);
    assert_eq!(made_up.status, 401);
}

#[test]
fn a_change_by_cookie_needs_the_token_that_belongs_to_it() {
    let stage = Stage::own();
    let ((cookie, csrf), (_, others)) = (browser(&stage, None), browser(&stage, None));
    let client = stage.host.client();
    let logout = |csrf: Option<&str>| with_cookie(&client, "POST", "/api/v1/logout", &cookie, csrf);
    assert_eq!(with_cookie(&client, "GET", "/api/v1/auth/user", &cookie, None).status, 200);
    expect::problem(&logout(None), 403, "CSRF_TOKEN_REQUIRED");
    expect::problem(&logout(Some(&others)), 403, "CSRF_TOKEN_REQUIRED");
    expect::problem(&logout(Some("")), 403, "CSRF_TOKEN_REQUIRED");
    let token = with_cookie(&client, "GET", "/api/v1/auth/csrf", &cookie, None).json().unwrap();
    assert_eq!(text(&token, "csrf_token"), csrf);
    let gone = logout(Some(&csrf));
    assert_eq!(gone.status, 204);
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(with_cookie(&client, "GET", "/api/v1/auth/user", &cookie, None).status, 401);
}

#[test]
fn of_ten_who_refresh_at_once_one_wins_then_the_family_is_out_and_its_owner_told() {
    let (stage, receiver) = with_mail(Reply::Accept);
    let owner = stage.host.credentials().unwrap();
    let session: Value = login(&stage.host.client(), &owner.email, &owner.password).json().unwrap();
    let token = text(&session, "refresh_token").to_owned();
    let runs: Vec<_> = (0..10)
        .map(|_| {
            let (client, token) = (elsewhere(&stage.host.client()), token.clone());
            thread::spawn(move || {
                client.post("/api/v1/auth/refresh", &json!({"refresh_token": token})).unwrap()
            })
        })
        .collect();
    let answers: Vec<Answer> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let next = won[0].json().unwrap();
    let again = json!({"refresh_token": next["refresh_token"]});
    assert_eq!(stage.host.client().post("/api/v1/auth/refresh", &again).unwrap().status, 401);
    let winner = stage.host.client().with_bearer(text(&next, "access_token"));
    assert_eq!(winner.get("/api/v1/auth/user").unwrap().status, 401);
    let told = letter(&receiver, &owner.email, "security_notice");
    assert_eq!(told["notice"], "session_reused", "{told}");
    let audit = get(&stage.client(), "/api/v1/admin/audit?action=session.refresh_reused");
    assert_eq!(data(&audit).len(), 1, "once, whoever came how often: {audit}");
    post(
        &stage.host.client(),
        "/api/v1/auth/login",
        &json!({"email": owner.email, "password": owner.password}),
        200,
    );
}

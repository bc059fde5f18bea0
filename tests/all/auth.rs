//! `/api/auth`, `/api/v1/auth`: who comes in, and with what.

use crate::{
    expect,
    stage::{Stage, get, login, post, text},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;

/// The parts of a token, decoded: header, payload.
fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
    let mut next = || serde_json::from_slice(&parts.next().unwrap_or_default()).unwrap_or_default();
    (next(), next())
}

fn sign_in(stage: &Stage) -> Value {
    let owner = stage.host.credentials().unwrap();
    let answer = login(&stage.host.client(), &owner.email, &owner.password);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().unwrap()
}

#[test]
fn a_login_gives_tokens_that_hold_and_can_be_checked() {
    let stage = Stage::own();
    let session = sign_in(&stage);
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(900)));
    let (header, payload) = parts(text(&session, "access_token"));
    assert_eq!(header["alg"], "EdDSA");
    let keys = get(&stage.host.client(), "/.well-known/jwks.json");
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["kid"]),
        (&json!("OKP"), &json!("Ed25519"), &header["kid"]),
        "{keys}"
    );
    assert!(key.get("d").is_none(), "the private part is nobody's business");
    assert_eq!(payload["exp"].as_i64().unwrap() - payload["iat"].as_i64().unwrap(), 900);

    let person = stage.host.client().with_bearer(text(&session, "access_token"));
    let user = get(&person, "/api/auth/user");
    assert_eq!(user["email"], stage.host.credentials().unwrap().email.as_str());
    assert!(!user.to_string().contains("argon2") && !user.to_string().contains("password"), "{user}");
    // The same person, three spellings of the path.
    for path in ["/api/v1/auth/user", "/acme-corp/api/v1/auth/user"] {
        assert_eq!(get(&person, path)["id"], user["id"], "{path}");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_person_are_the_same() {
    let stage = Stage::own();
    let owner = stage.host.credentials().unwrap();
    let client = stage.host.client();
    let wrong = login(&client, &owner.email, "not the password");
    let unknown = login(&client, "nobody@example.com", "not the password");
    let (wrong, unknown) = (
        expect::problem(&wrong, 401, text(&wrong.json().unwrap()["error"], "code")),
        unknown.json().unwrap(),
    );
    assert_eq!(wrong["error"]["code"], unknown["error"]["code"]);
    assert_eq!(wrong["error"]["message"], unknown["error"]["message"]);
}

#[test]
fn the_sixth_login_within_a_minute_waits() {
    let stage = Stage::with_clock();
    let owner = stage.host.credentials().unwrap();
    let client = stage.host.client();
    let statuses: Vec<u16> = (0..6).map(|_| login(&client, &owner.email, "wrong").status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    let refused = login(&client, &owner.email, &owner.password);
    expect::problem(&refused, 429, "RATE_LIMITED");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(
        (1..=60).contains(&wait)
            && refused.header("ratelimit").is_some()
            && refused.header("ratelimit-policy").is_some()
    );
    stage.pass(Duration::from_secs(wait + 1));
    assert_eq!(login(&client, &owner.email, &owner.password).status, 200);
}

#[test]
fn a_refresh_token_is_turned_and_its_second_use_ends_the_family() {
    let stage = Stage::own();
    let first = sign_in(&stage);
    let client = stage.host.client();
    let refresh = |token: &Value| client.post("/api/auth/refresh", &json!({"refresh_token": token})).unwrap();

    let answer = refresh(&first["refresh_token"]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let second = answer.json().unwrap();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let person = client.with_bearer(text(&second, "access_token"));
    assert_eq!(person.get("/api/auth/user").unwrap().status, 200);

    assert_eq!(refresh(&first["refresh_token"]).status, 401, "a used token that comes back was stolen");
    assert_eq!(refresh(&second["refresh_token"]).status, 401, "so the whole family is out");
    assert_eq!(person.get("/api/auth/user").unwrap().status, 401, "its session too");
}

#[test]
fn a_logout_ends_the_session() {
    let stage = Stage::own();
    let session = sign_in(&stage);
    let person = stage.host.client().with_bearer(text(&session, "access_token"));
    let answer = person.request("POST", "/api/logout").send().unwrap();
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
    assert_eq!(person.get("/api/auth/user").unwrap().status, 401);
    let refreshed = person
        .anonymous()
        .post("/api/auth/refresh", &json!({"refresh_token": session["refresh_token"]}))
        .unwrap();
    assert_eq!(refreshed.status, 401);
}

#[test]
fn a_token_lives_fifteen_minutes() {
    let stage = Stage::with_clock();
    let session = sign_in(&stage);
    let person = stage.host.client().with_bearer(text(&session, "access_token"));
    stage.pass(Duration::from_secs(14 * 60));
    assert_eq!(person.get("/api/auth/user").unwrap().status, 200);
    stage.pass(Duration::from_secs(2 * 60));
    let answer = person.get("/api/auth/user").unwrap();
    let code = text(&answer.json().unwrap()["error"], "code").to_owned();
    expect::problem(&answer, 401, &code);
    assert!(answer.header("www-authenticate").is_some());
}

#[test]
fn no_forged_token_holds() {
    let stage = Stage::own();
    let elsewhere = Stage::own();
    let token = text(&sign_in(&stage), "access_token").to_owned();
    let (header, payload) = parts(&token);
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, body) = token.rsplit_once('.').map(|(signed, _)| signed.split_once('.').unwrap()).unwrap();
    let none = encode(&json!({"alg": "none", "typ": "JWT"}));
    let hmac = encode(&json!({"alg": "HS256", "typ": "JWT", "kid": header["kid"]}));
    let mut grown = payload.clone();
    grown["exp"] = json!(4_000_000_000_u64);
    let signature = token.rsplit('.').next().unwrap();
    let foreign = text(&sign_in(&elsewhere), "access_token").to_owned();
    let (_, foreign_signature) = foreign.rsplit_once('.').unwrap();
    for (what, forged) in [
        ("unsigned", format!("{head}.{body}.")),
        ("without its signature part", format!("{head}.{body}")),
        ("alg none", format!("{none}.{body}.")),
        ("alg none with a signature", format!("{none}.{body}.{signature}")),
        ("HMAC by the public key", format!("{hmac}.{body}.{}", URL_SAFE_NO_PAD.encode([7; 32]))),
        ("prolonged", format!("{head}.{}.{signature}", encode(&grown))),
        ("another installation's", foreign.clone()),
        ("another installation's signature", format!("{head}.{body}.{foreign_signature}")),
        ("not a token", "abc".to_owned()),
        ("no key of ours", format!("sbx_{}", "a".repeat(43))),
        ("empty", String::new()),
    ] {
        let answer = stage.host.client().with_bearer(&forged).get("/api/v1/automation/rules").unwrap();
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        let code = text(&answer.json().unwrap()["error"], "code").to_owned();
        expect::problem(&answer, 401, &code);
    }
    assert_eq!(stage.host.client().with_bearer(&token).get("/api/v1/automation/rules").unwrap().status, 200);
}

#[test]
fn an_api_key_does_what_its_owner_may_and_names_its_tenant() {
    let client = Stage::shared_client();
    assert_eq!(client.get("/api/v1/automation/rules").unwrap().status, 200);
    let accepted = post(
        &client,
        "/api/v1/events",
        &json!({"event": "contact_created", "data": {"contact_id": "c-1"}}),
        202,
    );
    assert_eq!(accepted["duplicate"], false);
}

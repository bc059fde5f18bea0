//! `/api/v1/admin/clients`, `/api/v1/oauth`: programs that get tokens, ask about them and give them up.

use crate::{
    expect,
    stage::{Stage, data, fresh, get, id, login, post, text},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{path::Path, process::Command, time::Duration};
use tests::{Answer, Client};

const FORM: &str = "application/x-www-form-urlencoded";

/// A client of the tenant: its id and secret.
pub fn client(owner: &Client, permissions: &[&str]) -> (String, String) {
    let body = json!({"name": fresh("client"), "permissions": permissions});
    let made = post(owner, "/api/v1/admin/clients", &body, 201);
    (id(&made), text(&made, "client_secret").to_owned())
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Posts a form, with `Authorization` if it is given.
pub fn form(anybody: &Client, path: &str, authorization: Option<&str>, body: &str) -> Answer {
    let request = anybody.request("POST", path).body(FORM, body);
    match authorization {
        Some(value) => request.header("Authorization", value).send().unwrap(),
        None => request.send().unwrap(),
    }
}

/// A token of the client.
pub fn token(anybody: &Client, (id, secret): &(String, String), more: &str) -> String {
    let body = format!("grant_type=client_credentials{more}");
    let answer = form(anybody, "/api/v1/oauth/token", Some(&basic(id, secret)), &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    text(&answer.json().unwrap(), "access_token").to_owned()
}

/// An error of RFC 6749, section 5.2.
#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    let body = answer.json().unwrap();
    assert_eq!((answer.status, &body["error"]), (status, &json!(error)), "{body}");
    assert!(body["error_description"].as_str().is_some_and(|words| words.len() > 10), "{body}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{body}");
}

#[test]
fn a_client_gets_a_token_and_does_what_it_asked_for() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let client = client(&owner, &["rules:read", "jobs:read"]);
    let answer = form(
        &anybody,
        "/api/v1/oauth/token",
        Some(&basic(&client.0, &client.1)),
        "grant_type=client_credentials&scope=rules%3Aread",
    );
    let given = answer.json().unwrap();
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!((&given["scope"], given.get("refresh_token")), (&json!("rules:read"), None));
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        (Some("no-store"), Some("no-cache"))
    );
    let narrow = anybody.with_bearer(text(&given, "access_token"));
    assert_eq!(narrow.get("/api/v1/automation/rules").unwrap().status, 200);
    assert_eq!(narrow.get("/acme-corp/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&narrow.get("/api/v1/jobs").unwrap(), 403, "FORBIDDEN");
    expect::problem(&narrow.get("/api/v1/auth/user").unwrap(), 403, "SESSION_REQUIRED");
    // In the body, and by the tenant's own path.
    let body = format!("grant_type=client_credentials&client_id={}&client_secret={}", client.0, client.1);
    for path in ["/api/oauth/token", "/acme-corp/api/v1/oauth/token"] {
        let answer = form(&anybody, path, None, &body);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let whole = anybody.with_bearer(text(&answer.json().unwrap(), "access_token"));
        assert_eq!(whole.get("/api/v1/jobs").unwrap().status, 200);
    }
    let shown = get(&owner, &format!("/api/v1/admin/clients/{}", client.0));
    assert!(shown["last_used_at"].is_string() && shown.get("client_secret").is_none(), "{shown}");
    assert!(!shown.to_string().contains(&client.1));
    let audit = get(&owner, "/api/v1/admin/audit?limit=200").to_string();
    assert!(audit.contains("client.created") && !audit.contains(&client.1));
    assert!(!stage.host.log().contains(&client.1), "the log holds a secret");
}

#[test]
fn every_fault_is_said_as_the_rfcs_say_it() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let one = client(&owner, &["rules:read"]);
    let right = basic(&one.0, &one.1);
    let (token_at, grant) = ("/api/v1/oauth/token", "grant_type=client_credentials");
    for (authorization, body, status, error) in [
        (Some(right.as_str()), "", 400, "invalid_request"),
        (Some(&right), "grant_type=", 400, "invalid_request"),
        (Some(&right), "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        (Some(&right), "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (Some(&right), "grant_type=client_credentials&scope=rules%3Awrite", 400, "invalid_scope"),
        (Some(&right), "grant_type=client_credentials&scope=everything", 400, "invalid_scope"),
        (Some(&right), "grant_type=client_credentials&client_secret=x", 400, "invalid_request"),
        (None, grant, 401, "invalid_client"),
        (None, "grant_type=client_credentials&client_id=nobody&client_secret=x", 401, "invalid_client"),
        (None, "grant_type=client_credentials&client_secret=x", 400, "invalid_request"),
        (Some(&basic(&one.0, "wrong")), grant, 401, "invalid_client"),
        (Some("Basic !!!"), grant, 401, "invalid_client"),
    ] {
        refused(&form(&anybody, token_at, authorization, body), status, error);
    }
    let json =
        anybody.request("POST", token_at).header("Authorization", &right).json(&json!({"grant_type": "x"}));
    refused(&json.send().unwrap(), 400, "invalid_request");
    let query = format!("{token_at}?{grant}");
    refused(&form(&anybody, &query, Some(&right), grant), 400, "invalid_request");
    refused(&form(&anybody, "/globex/api/v1/oauth/token", Some(&right), grant), 401, "invalid_client");
    assert_eq!(anybody.get(token_at).unwrap().status, 405);
    // A parameter that nobody knows is of no account.
    let odd = form(&anybody, token_at, Some(&right), &format!("{grant}&audience=x&scope="));
    assert_eq!(odd.status, 200, "{}", odd.text());
}

#[test]
fn wrong_secrets_are_slowed_down() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let one = client(&owner, &["rules:read"]);
    let ask = |secret: &str| {
        form(&anybody, "/api/v1/oauth/token", Some(&basic(&one.0, secret)), "grant_type=client_credentials")
    };
    for _ in 0..10 {
        refused(&ask("wrong"), 401, "invalid_client");
    }
    let blocked = ask(&one.1);
    assert_eq!(blocked.status, 429, "{}", blocked.text());
    let wait: u64 = blocked.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    std::thread::sleep(Duration::from_secs(wait + 1));
    assert_eq!(ask(&one.1).status, 200);
    let audit = get(&owner, "/api/v1/admin/audit?limit=200").to_string();
    assert!(audit.contains("client.refused"), "{audit}");
}

#[test]
fn a_secret_turns_and_a_revoked_client_stops_at_the_next_request() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let old = client(&owner, &["rules:read"]);
    let at = format!("/api/v1/admin/clients/{}", old.0);
    let turned = post(&owner, &format!("{at}/secret/rotate"), &json!({"overlap_hours": 1}), 200);
    let new = (old.0.clone(), text(&turned, "client_secret").to_owned());
    assert!(turned["old_secret_until"].is_string() && new.1 != old.1, "{turned}");
    let (one, two) = (token(&anybody, &old, ""), token(&anybody, &new, ""));
    let again = post(&owner, &format!("{at}/secret/rotate"), &json!({"overlap_hours": 0}), 200);
    for secret in [&old.1, &new.1] {
        let body = "grant_type=client_credentials";
        let answer = form(&anybody, "/api/v1/oauth/token", Some(&basic(&old.0, secret)), body);
        refused(&answer, 401, "invalid_client");
    }
    let newest = (old.0.clone(), text(&again, "client_secret").to_owned());
    for bearer in [&one, &two, &token(&anybody, &newest, "")] {
        assert_eq!(anybody.with_bearer(bearer).get("/api/v1/automation/rules").unwrap().status, 200);
    }
    expect::fields(
        &owner.post(&format!("{at}/secret/rotate"), &json!({"overlap_hours": 169})).unwrap(),
        400,
        "VALIDATION_ERROR",
        &["overlap_hours"],
    );
    assert_eq!(owner.delete(&at).unwrap().status, 204);
    let gone = anybody.with_bearer(&one).get("/api/v1/automation/rules").unwrap();
    expect::problem(&gone, 401, "CREDENTIAL_INVALID");
    assert_eq!(get(&owner, &at)["state"], "revoked");
    expect::problem(&owner.patch(&at, &json!({"name": "x"})).unwrap(), 409, "REVOKED");
}

#[test]
fn introspection_tells_the_live_state_to_its_own_tenant_only() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let asker = client(&owner, &["tokens:introspect"]);
    let ask = |token: &str| -> Value {
        let authorization = basic(&asker.0, &asker.1);
        let body = format!("token={token}");
        let answer = form(&anybody, "/api/v1/oauth/introspect", Some(&authorization), &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()
    };
    let credentials = stage.host.credentials().unwrap();
    let session = login(&anybody, &credentials.email, &credentials.password).json().unwrap();
    let person = ask(text(&session, "access_token"));
    assert_eq!((&person["active"], &person["client_id"]), (&json!(true), &json!("signalbox")), "{person}");
    assert_eq!((&person["username"], &person["tenant"]), (&json!(credentials.email), &json!("acme-corp")));
    assert_eq!(person["sid"], session["session_id"]);
    assert_eq!(ask(text(&session, "refresh_token"))["token_type"], "refresh_token");
    assert_eq!(ask(stage.key())["token_type"], "api_key");
    let own = ask(&token(&anybody, &asker, ""));
    assert_eq!((&own["sub"], &own["scope"]), (&json!(asker.0), &json!("tokens:introspect")), "{own}");

    // The other tenant's, the worthless and the ended are all the same.
    let (_, other) = stage.other_tenant();
    let others = client(&other, &["rules:read"]);
    let inactive = json!({"active": false});
    for worthless in [&token(&anybody, &others, ""), "x", "a.b.c"] {
        assert_eq!(ask(worthless), inactive);
    }
    anybody.with_bearer(text(&session, "access_token")).request("POST", "/api/v1/logout").send().unwrap();
    assert_eq!(ask(text(&session, "access_token")), inactive, "a revoked session is inactive");
    assert_eq!(ask(text(&session, "refresh_token")), inactive);

    // Who may ask: a bearer with the permission; nobody else.
    let by_key = form(&owner, "/api/v1/oauth/introspect", None, &format!("token={}", stage.key()));
    assert_eq!(by_key.json().unwrap()["active"], true);
    refused(&form(&anybody, "/api/v1/oauth/introspect", None, "token=x"), 401, "invalid_client");
    let small = client(&owner, &["rules:read"]);
    let small_token = anybody.with_bearer(&token(&anybody, &small, ""));
    refused(&form(&small_token, "/api/v1/oauth/introspect", None, "token=x"), 403, "insufficient_scope");
    let authorization = basic(&asker.0, &asker.1);
    refused(&form(&anybody, "/api/v1/oauth/introspect", Some(&authorization), ""), 400, "invalid_request");
    let forged = anybody.with_bearer("a.b.c");
    refused(&form(&forged, "/api/v1/oauth/introspect", None, "token=x"), 401, "invalid_token");
}

#[test]
fn a_token_is_given_up_by_who_holds_it() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let credentials = stage.host.credentials().unwrap();
    let revoke = |authorization: Option<&str>, token: &str| {
        form(&anybody, "/api/v1/oauth/revoke", authorization, &format!("token={token}"))
    };
    let rules = |bearer: &str| anybody.with_bearer(bearer).get("/api/v1/automation/rules").unwrap().status;
    for kind in ["refresh_token", "access_token"] {
        let session = login(&anybody, &credentials.email, &credentials.password).json().unwrap();
        let access = text(&session, "access_token");
        assert_eq!(rules(access), 200);
        for _ in 0..2 {
            assert_eq!(revoke(None, text(&session, kind)).status, 200);
            assert_eq!(rules(access), 401, "{kind}");
        }
    }
    let (one, two) = (client(&owner, &["rules:read"]), client(&owner, &["rules:read"]));
    let bearer = token(&anybody, &one, "");
    refused(&revoke(None, &bearer), 401, "invalid_client");
    refused(&revoke(Some(&basic(&two.0, &two.1)), &bearer), 400, "unauthorized_client");
    assert_eq!(rules(&bearer), 200);
    assert_eq!(revoke(Some(&basic(&one.0, &one.1)), &bearer).status, 200);
    assert_eq!(rules(&bearer), 401);
    assert_eq!(revoke(None, "nothing-at-all").status, 200);
    refused(&revoke(None, stage.key()), 400, "unsupported_token_type");
    refused(&form(&anybody, "/api/v1/oauth/revoke", None, ""), 400, "invalid_request");
}

#[test]
fn the_metadata_tell_what_there_is() {
    let stage = Stage::own();
    let anybody = stage.host.client();
    let base = stage.host.credentials().unwrap().base_url;
    let plain = get(&anybody, "/.well-known/oauth-authorization-server");
    assert_eq!(plain["issuer"], json!(base));
    for name in ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"] {
        let path =
            text(&plain, name).strip_prefix(base.as_str()).unwrap_or_else(|| panic!("{name}: {plain}"));
        assert_ne!(anybody.get(path).unwrap().status, 404, "{name} leads nowhere");
    }
    assert!(plain.get("authorization_endpoint").is_none() && plain.get("userinfo_endpoint").is_none());
    let openid = get(&anybody, "/.well-known/openid-configuration");
    assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    assert_eq!((&openid["jwks_uri"], &openid["issuer"]), (&plain["jwks_uri"], &plain["issuer"]));
}

#[test]
fn a_key_turns_ends_and_stays_at_home() {
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let body = json!({"name": fresh("key"), "permissions": ["rules:read"]});
    let made = post(&owner, "/api/v1/admin/api-keys", &body, 201);
    let (at, key) = (format!("/api/v1/admin/api-keys/{}", id(&made)), text(&made, "key").to_owned());
    let status = |key: &str| anybody.with_bearer(key).get("/api/v1/automation/rules").unwrap();
    let turned = post(&owner, &format!("{at}/rotate"), &json!({"overlap_hours": 1}), 201);
    let new = text(&turned, "key").to_owned();
    assert_eq!((status(&key).status, status(&new).status), (200, 200));
    let old = get(&owner, &at);
    assert_eq!(old["replaced_by"], turned["id"], "{old}");
    // Found among those that end, and not among those that lie idle: it was used a moment ago.
    let ending = get(&owner, "/api/v1/admin/api-keys?expires_before=2100-01-01T00:00:00Z");
    assert_eq!(data(&ending).iter().map(id).collect::<Vec<_>>(), [id(&made)]);
    let idle = get(&owner, "/api/v1/admin/api-keys?unused_since=2020-01-01T00:00:00Z");
    assert_eq!(data(&idle).len(), 0, "{idle}");
    let at_new = format!("/api/v1/admin/api-keys/{}", id(&turned));
    let away = owner.patch(&at_new, &json!({"networks": ["203.0.113.0/24"]})).unwrap();
    assert_eq!(away.status, 200, "{}", away.text());
    expect::problem(&status(&new), 403, "ADDRESS_NOT_ALLOWED");
    let home =
        owner.patch(&at_new, &json!({"networks": ["127.0.0.0/8", "::1"], "expires_at": null})).unwrap();
    assert_eq!(home.status, 200, "{}", home.text());
    assert_eq!(status(&new).status, 200);
    let faulty = owner.patch(&at_new, &json!({"networks": ["x"], "rate_per_minute": 0})).unwrap();
    expect::fields(&faulty, 400, "VALIDATION_ERROR", &["networks[0]", "rate_per_minute"]);
    let mass = owner.patch(&at_new, &json!({"permissions": ["access:write"]})).unwrap();
    expect::problem(&mass, 400, "VALIDATION_ERROR");
}

#[test]
fn libraries_that_know_nothing_of_us_get_along_with_the_metadata_alone() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/counterparts/jose");
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|said| said.status.success());
    if !has_node || !Path::new(folder).join("node_modules/jose").exists() {
        eprintln!("skipped: needs node, and `npm install` in tests/counterparts/jose");
        return;
    }
    let stage = Stage::own();
    let (owner, anybody) = (stage.client(), stage.host.client());
    let one = client(&owner, &["rules:read", "tokens:introspect"]);
    let credentials = stage.host.credentials().unwrap();
    let session = login(&anybody, &credentials.email, &credentials.password).json().unwrap();
    let said = Command::new("node")
        .current_dir(folder)
        .args(["verify.mjs", &credentials.base_url, &one.0, &one.1, "rules:read tokens:introspect"])
        .arg(text(&session, "access_token"))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{words}");
    let seen: Value = serde_json::from_slice(&said.stdout).unwrap();
    println!("{seen:#}");
    assert_eq!((&seen["own"]["client_id"], &seen["own"]["sub"]), (&json!(one.0), &json!(one.0)));
    assert_eq!(seen["own"]["scope"], "rules:read tokens:introspect");
    let person = &seen["others"][0];
    assert_eq!((&person["client_id"], &person["amr"]), (&json!("signalbox"), &json!(["pwd"])), "{person}");
    assert!(person["auth_time"].is_i64() && person["sid"] == session["session_id"], "{person}");
    assert_eq!((&seen["before"]["active"], &seen["after"]), (&json!(true), &json!({"active": false})));
}

//! `/api/login`, `/api/callback`, `/api/v1/sso`, `/api/v1/admin/sso`: people come in by their tenant's own identity provider.
//!
//! The providers are real ones of others, run by Node.js; where that is not to be had the walks are skipped, with a word.

use crate::{
    expect,
    stage::{ORIGIN, Stage, data, fresh, get, id, post, text},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::net::TcpListener;
use tests::{Answer, Browser, Client, Counterpart, encode, form};

/// A port that nobody listens on at this moment.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn role(client: &Client, name: &str) -> String {
    let roles = get(client, "/api/v1/admin/roles");
    id(data(&roles).iter().find(|role| text(role, "name") == name).unwrap())
}

/// A connection of the seeded tenant, and its provider.
struct Scene {
    stage: Stage,
    connection: Value,
    provider: Counterpart,
}

impl Scene {
    /// With a real OpenID Connect provider; `more` is told to it beside what it needs.
    fn oidc(more: &Value) -> Option<Self> {
        let stage = Stage::own();
        let owner = stage.client();
        let port = free_port();
        let body = json!({
            "kind": "oidc", "name": "Acme's own", "issuer": format!("http://127.0.0.1:{port}"), "client_id": "signalbox",
            "client_secret": "a secret of the client", "domains": ["acme.example"], "create_users": true,
            "default_role_ids": [role(&owner, "viewer")],
            "role_mapping": [{"claim": "groups", "value": "dev", "role_id": role(&owner, "editor")}],
        });
        let connection = post(&owner, "/api/v1/admin/sso/connections", &body, 201);
        assert!(!connection.to_string().contains("a secret of the client"), "{connection}");
        let mut asked = json!({
            "port": port, "client_id": "signalbox", "client_secret": "a secret of the client",
            "redirect_uri": connection["redirect_uri"],
            "account": {"sub": "ana-1", "email": "ana@acme.example", "email_verified": true, "name": "Ana Li",
                "groups": ["dev", "other"]},
        });
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let provider = Counterpart::start("oidc", &asked.to_string()).unwrap()?;
        Some(Self { stage, connection, provider })
    }

    /// With a real SAML provider.
    fn saml(more: &Value) -> Option<Self> {
        let stage = Stage::own();
        let owner = stage.client();
        let mut asked = json!({
            "account": {"id": "ana-1", "email": "ana@acme.example", "name": "Ana Li", "groups": ["dev", "other"]}
        });
        for (name, value) in more.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let provider = Counterpart::start("saml", &asked.to_string()).unwrap()?;
        let metadata = Browser::new().get(&format!("{}/metadata", provider.url)).unwrap().text();
        let body = json!({
            "kind": "saml", "name": "Acme's own", "metadata": metadata, "domains": ["acme.example"],
            "create_users": true, "trust_email": true,
            "role_mapping": [{"claim": "groups", "value": "dev", "role_id": role(&owner, "editor")}],
        });
        let connection = post(&owner, "/api/v1/admin/sso/connections", &body, 201);
        Some(Self { stage, connection, provider })
    }

    fn here(&self, path: &str) -> String {
        format!("http://{}{path}", self.stage.host.address())
    }

    /// Where people are sent back to, on the port that this program really has.
    fn home(&self, url: &str) -> String {
        let start = url.find("/api/").unwrap();
        self.here(&url[start..])
    }

    /// The browser goes to the provider and would come back to the answer.
    fn away(&self, browser: &Browser, more: &str) -> String {
        let path = format!("/api/login?tenant=acme-corp&connection={}{more}", id(&self.connection));
        let arrival = browser.follow(&self.here(&path), text(&self.connection, "redirect_uri")).unwrap();
        assert!(arrival.url.contains("/callback"), "{}: {}", arrival.url, arrival.answer.text());
        self.home(&arrival.url)
    }

    /// The browser goes to the SAML provider and gets its form.
    fn form(&self, browser: &Browser, more: &str) -> (String, Vec<(String, String)>) {
        let path = format!("/acme-corp/api/v1/login?connection={}{more}", id(&self.connection));
        let page = browser.follow(&self.here(&path), "nowhere").unwrap().answer;
        let (action, fields) = form(&page.text()).unwrap_or_else(|| panic!("{}", page.text()));
        (self.home(&action), fields)
    }
}

fn member(scene: &Scene, answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session = answer.json().unwrap();
    get(&scene.stage.host.client().with_bearer(text(&session, "access_token")), "/api/v1/auth/user")
}

#[test]
fn a_person_comes_in_by_a_real_openid_provider() {
    let Some(scene) = Scene::oidc(&json!({})) else { return };
    let tested = post(
        &scene.stage.client(),
        &format!("/api/v1/admin/sso/connections/{}/test", id(&scene.connection)),
        &json!({}),
        200,
    );
    assert_eq!(tested["faults"], json!([]), "{tested}");

    let browser = Browser::new();
    let back = scene.away(&browser, "");
    let strange = Browser::new().get(&back).unwrap();
    expect::problem(&strange, 401, "SIGN_ON_STATE_INVALID");
    // Another browser spent it: begin again.
    expect::problem(&browser.get(&back).unwrap(), 401, "SIGN_ON_STATE_INVALID");
    let back = scene.away(&browser, "");
    let user = member(&scene, &browser.get(&back).unwrap());
    assert_eq!((text(&user, "email"), text(&user, "name")), ("ana@acme.example", "Ana Li"));
    let mut roles: Vec<&str> =
        user["roles"].as_array().unwrap().iter().filter_map(|role| role.as_str()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["editor", "viewer"], "{user}");
    expect::problem(&browser.get(&back).unwrap(), 401, "SIGN_ON_STATE_INVALID");

    // With a cookie, and on to a page.
    let back = scene.away(&browser, "&redirect_to=%2Fstart%3Fx%3D1");
    let answer = browser.get(&back).unwrap();
    assert_eq!((answer.status, answer.header("location")), (303, Some("/start?x=1")), "{}", answer.text());
    let again = browser.get(&scene.here("/api/v1/auth/user")).unwrap();
    assert_eq!(again.json().unwrap()["id"], user["id"]);
    let actions: Vec<String> = data(&get(&scene.stage.client(), "/api/v1/admin/audit?limit=50"))
        .iter()
        .map(|row| text(row, "action").to_owned())
        .collect();
    for action in ["connection.created", "user.created", "user.linked", "sign_on.refused"] {
        assert!(actions.contains(&action.to_owned()), "{action}: {actions:?}");
    }
}

#[test]
fn a_frontend_gets_its_tokens_by_a_code() {
    // This provider tells the address in the token itself; the others of this file at the userinfo endpoint only.
    let Some(scene) = Scene::oidc(&json!({"conform": false})) else { return };
    let owner = scene.stage.client();
    let verifier = fresh("a-verifier-that-the-frontend-made-up-for-itself");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let page = encode(&format!("{ORIGIN}/signed-on"));
    let browser = Browser::new();
    let back = scene.away(&browser, &format!("&redirect_to={page}&response=code&code_challenge={challenge}"));
    let answer = browser.get(&back).unwrap();
    let place = answer.header("location").unwrap_or_default();
    let start = format!("{ORIGIN}/signed-on?sign_on_code=");
    let code = place.strip_prefix(&start).unwrap_or_else(|| panic!("{place}: {}", answer.text()));
    let client = owner.anonymous();
    let redeem = |verifier: &str| {
        client.post("/api/v1/auth/sign-on/token", &json!({"code": code, "code_verifier": verifier})).unwrap()
    };
    let user = member(&scene, &redeem(&verifier));
    assert_eq!(text(&user, "email"), "ana@acme.example");
    expect::problem(&redeem(&verifier), 401, "SIGN_ON_CODE_INVALID");
}

#[test]
fn a_no_of_the_person_is_told() {
    let Some(scene) = Scene::oidc(&json!({"refuse": true})) else { return };
    let browser = Browser::new();
    let refused = browser.get(&scene.away(&browser, "")).unwrap();
    let body = expect::problem(&refused, 403, "SIGN_ON_DENIED");
    assert!(text(&body["error"], "message").contains("access_denied, The person said no"), "{body}");
    let refused = browser.get(&scene.away(&browser, "&redirect_to=/start")).unwrap();
    assert_eq!(refused.header("location"), Some("/start?sign_on_error=SIGN_ON_DENIED"));
}

#[test]
fn a_person_comes_in_by_a_real_saml_provider() {
    for more in [json!({}), json!({"sign_response": true})] {
        let Some(scene) = Scene::saml(&more) else { return };
        let browser = Browser::new();
        let (action, fields) = scene.form(&browser, "");
        let user = member(&scene, &browser.post(&action, &fields).unwrap());
        assert_eq!((text(&user, "email"), text(&user, "name")), ("ana@acme.example", "Ana Li"));
        assert_eq!(user["roles"], json!(["editor"]), "{user}");
        expect::problem(&browser.post(&action, &fields).unwrap(), 401, "SIGN_ON_STATE_INVALID");

        // Something was changed after it was signed.
        let (action, mut fields) = scene.form(&browser, "");
        let standard = base64::engine::general_purpose::STANDARD;
        let xml = String::from_utf8(standard.decode(&fields[0].1).unwrap()).unwrap();
        fields[0].1 = standard.encode(xml.replace("ana@acme.example", "bob@acme.example"));
        expect::problem(&browser.post(&action, &fields).unwrap(), 401, "SIGN_ON_NOT_PROVEN");

        // Another browser.
        let (action, fields) = scene.form(&browser, "");
        let strange = Browser::new().post(&action, &fields).unwrap();
        expect::problem(&strange, 401, "SIGN_ON_STATE_INVALID");

        // With a cookie, and on to a page.
        let (action, fields) = scene.form(&browser, "&redirect_to=/start");
        let answer = browser.post(&action, &fields).unwrap();
        assert_eq!((answer.status, answer.header("location")), (303, Some("/start")), "{}", answer.text());
        let again = browser.get(&scene.here("/api/v1/auth/user")).unwrap();
        assert_eq!(again.json().unwrap()["id"], user["id"]);
        assert!(!scene.provider.url.is_empty());
    }
}

#[test]
fn a_connection_is_kept_by_who_may_do_everything() {
    let client = Stage::shared_client();
    let body = |name: &str| {
        json!({"kind": "oidc", "name": name, "issuer": "https://login.acme.example", "client_id": "us",
            "client_secret": "hunter2 hunter2", "domains": ["acme.example"]})
    };
    let name = fresh("connection");
    let made = post(&client, "/api/v1/admin/sso/connections", &body(&name), 201);
    let path = format!("/api/v1/admin/sso/connections/{}", id(&made));
    assert_eq!((&made["has_client_secret"], &made["is_active"]), (&json!(true), &json!(true)));
    let again = client.post("/api/v1/admin/sso/connections", &body(&name)).unwrap();
    expect::problem(&again, 409, "CONNECTION_NAME_TAKEN");
    let stale = client
        .request("PATCH", &path)
        .header("If-Match", "\"7\"")
        .json(&json!({"name": "x"}))
        .send()
        .unwrap();
    expect::problem(&stale, 412, "PRECONDITION_FAILED");
    let changed =
        client.patch(&path, &json!({"is_active": false, "client_secret": ""})).unwrap().json().unwrap();
    assert_eq!((&changed["has_client_secret"], &changed["is_active"]), (&json!(false), &json!(false)));
    let audit = get(&client, &format!("/api/v1/admin/audit?subject={}", id(&made)));
    assert!(!audit.to_string().contains("hunter2"), "{audit}");

    // Whoever may change settings but not everything does not choose whose word is taken.
    let key = json!({"name": fresh("key"), "permissions": ["settings:write"]});
    let key = post(&client, "/api/v1/admin/api-keys", &key, 201);
    let lesser = client.anonymous().with_bearer(text(&key, "key"));
    let refused = lesser.post("/api/v1/admin/sso/connections", &body(&fresh("connection"))).unwrap();
    expect::problem(&refused, 403, "BEYOND_OWN_PERMISSIONS");
    assert_eq!(client.delete(&path).unwrap().status, 204);
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn nobody_is_sent_where_the_operator_does_not_allow() {
    let client = Stage::shared_stranger();
    for place in
        ["https://evil.example/", "//evil.example", "/%5Cevil.example", "javascript:alert(1)", "evil"]
    {
        let answer = client.get(&format!("/api/login?tenant=acme-corp&redirect_to={place}")).unwrap();
        let body = expect::problem(&answer, 400, "VALIDATION_ERROR");
        assert_eq!(body["error"]["details"][0]["field"], "redirect_to", "{place}");
    }
    let unknown = client.get("/api/login?tenant=nobody").unwrap();
    expect::problem(&unknown, 404, "SIGN_ON_UNKNOWN");
    expect::problem(&client.get("/api/callback?state=x&code=y").unwrap(), 401, "SIGN_ON_STATE_INVALID");
    expect::problem(&client.get("/acme-corp/api/v1/callback").unwrap(), 401, "SIGN_ON_STATE_INVALID");
}

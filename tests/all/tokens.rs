//! Attacks on tokens: each is tried with the installation's own key where that makes it stronger, and each refusal is seen.

use crate::{
    expect,
    oauth::{client, token},
    stage::{Stage, id, login, post, text},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_compact::{KeyPair, Seed};
use serde_json::{Value, json};
use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};
use tests::Answer;

/// An installation whose signing key the attacker has read from its secrets: what a signature alone is worth.
struct Scene {
    stage: Stage,
    session: Value,
    header: Value,
    claims: Value,
    pair: KeyPair,
}

fn part(token: &str, place: usize) -> Value {
    let text = token.split('.').nth(place).unwrap_or_default();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap_or_default()).unwrap_or_default()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn sign(pair: &KeyPair, header: &Value, claims: &Value) -> String {
    let body = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(*pair.sk.sign(&body, None));
    format!("{body}.{signature}")
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn scene() -> Scene {
    let stage = Stage::own();
    let secrets = fs::read_to_string(stage.host.state().path().join("secrets.toml")).unwrap();
    let line = secrets.lines().find(|line| line.starts_with("signing_keys")).unwrap();
    let seed = line.split(':').nth(1).unwrap().trim_end_matches('"');
    let seed = URL_SAFE_NO_PAD.decode(seed).unwrap();
    let pair = KeyPair::from_seed(Seed::from_slice(&seed).unwrap());
    let owner = stage.host.credentials().unwrap();
    let session = login(&stage.host.client(), &owner.email, &owner.password).json().unwrap();
    let token = text(&session, "access_token");
    Scene { header: part(token, 0), claims: part(token, 1), stage, session, pair }
}

impl Scene {
    fn show(&self, token: &str) -> Answer {
        self.stage.host.client().with_bearer(token).get("/api/v1/automation/rules").unwrap()
    }

    /// The owner's own token with other claims and another header, soundly signed.
    fn with(&self, header: &[(&str, Value)], claims: &[(&str, Value)]) -> String {
        let change = |from: &Value, by: &[(&str, Value)]| {
            let mut changed = from.clone();
            for (name, value) in by {
                if value.is_null() {
                    changed.as_object_mut().unwrap().remove(*name);
                } else {
                    changed[*name] = value.clone();
                }
            }
            changed
        };
        sign(&self.pair, &change(&self.header, header), &change(&self.claims, claims))
    }

    #[track_caller]
    fn refused(&self, what: &str, token: &str, code: &str) {
        let answer = self.show(token);
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        expect::problem(&answer, 401, code);
    }
}

#[test]
fn a_soundly_signed_copy_opens_so_that_the_refusals_below_mean_something() {
    let scene = scene();
    assert_eq!(scene.show(&scene.with(&[], &[])).status, 200);
    assert_eq!(scene.show(&scene.with(&[], &[("exp", json!(now() + 60))])).status, 200);
}

#[test]
fn time_is_kept_to_the_second() {
    let scene = scene();
    let past = scene.with(&[], &[("exp", json!(now() - 1))]);
    scene.refused("expired by a second", &past, "TOKEN_EXPIRED");
    let early = scene.with(&[], &[("nbf", json!(now() + 30)), ("exp", json!(now() + 900))]);
    scene.refused("not yet valid", &early, "CREDENTIAL_INVALID");
    let future = scene.with(&[], &[("iat", json!(now() + 600)), ("exp", json!(now() + 900))]);
    scene.refused("signed in the future", &future, "CREDENTIAL_INVALID");
    scene.refused("without an end", &scene.with(&[], &[("exp", Value::Null)]), "CREDENTIAL_INVALID");
}

#[test]
fn algorithms_and_keys_are_ours_to_choose() {
    let scene = scene();
    let own = text(&scene.session, "access_token");
    let (body, signature) = own.rsplit_once('.').unwrap();
    let claims = body.split('.').nth(1).unwrap();
    let kid = scene.header["kid"].clone();
    let head = |value: Value| encode(&value);
    for (what, alg) in
        [("none", "none"), ("None", "None"), ("NONE", "nOnE"), ("HMAC", "HS256"), ("RSA", "RS256")]
    {
        let header = head(json!({"alg": alg, "typ": "at+jwt", "kid": kid}));
        for end in ["", signature, &URL_SAFE_NO_PAD.encode([7; 32])] {
            scene.refused(what, &format!("{header}.{claims}.{end}"), "CREDENTIAL_INVALID");
        }
    }
    let foreign = KeyPair::from_seed(Seed::from_slice(&[9; 32]).unwrap());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(*foreign.pk)});
    for (what, header) in [
        ("another key under our name", json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid})),
        ("its own key brought along", json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "jwk": jwk})),
        (
            "its own key set named",
            json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "x", "jku": "https://attacker.test/jwks.json"}),
        ),
        ("no key named", json!({"alg": "EdDSA", "typ": "at+jwt"})),
    ] {
        scene.refused(what, &sign(&foreign, &header, &scene.claims), "CREDENTIAL_INVALID");
    }
    for kid in
        ["", "k1' OR '1'='1", "../../../../dev/null", "k1\u{0}", "K1", " k1", "k1,k1", &"k".repeat(4000)]
    {
        let odd = scene.with(&[("kid", json!(kid))], &[]);
        scene.refused("a key id that is none of ours", &odd, "CREDENTIAL_INVALID");
    }
    for kid in [json!(1), json!(["k1"]), json!({"k1": 1}), Value::Null] {
        scene.refused("a key id that is no text", &scene.with(&[("kid", kid)], &[]), "CREDENTIAL_INVALID");
    }
    let critical = scene.with(&[("crit", json!(["exp"]))], &[]);
    scene.refused("an extension that must be understood", &critical, "CREDENTIAL_INVALID");
}

#[test]
fn a_token_for_others_or_of_another_kind_is_refused() {
    let scene = scene();
    for (what, name, value) in [
        ("another issuer", "iss", json!("https://attacker.test")),
        ("an issuer with a slash", "iss", json!(format!("{}/", text(&scene.claims, "iss")))),
        ("no issuer", "iss", Value::Null),
        ("for somebody else", "aud", json!("other")),
        ("for nobody", "aud", json!([])),
        ("no audience", "aud", Value::Null),
        ("no subject", "sub", Value::Null),
        ("a subject that is no id", "sub", json!("owner")),
        ("no session", "sid", Value::Null),
        ("a session that is none", "sid", json!("ses_00000000000000000000000000")),
        ("another tenant's name", "tenant", json!("nobody-at-all")),
        ("a tenant's name that is none", "tenant", json!("acme-corp' OR 1=1")),
        ("a scope beside the session", "scope", json!("access:write")),
    ] {
        scene.refused(what, &scene.with(&[], &[(name, value)]), "CREDENTIAL_INVALID");
    }
    for kind in [json!("JWT"), json!("id+jwt"), json!("logout+jwt"), Value::Null] {
        scene.refused("another kind", &scene.with(&[("typ", kind)], &[]), "CREDENTIAL_INVALID");
    }
}

#[test]
fn another_tenants_name_on_a_sound_token_opens_nothing_of_it() {
    let scene = scene();
    let (slug, other) = scene.stage.other_tenant();
    let moved = scene.with(&[], &[("tenant", json!(slug))]);
    scene.refused("a person of another tenant", &moved, "CREDENTIAL_INVALID");
    // A client is known in its own tenant only, by token and by id.
    let anybody = scene.stage.host.client();
    let theirs = client(&other, &["rules:read"]);
    let sound = token(&anybody, &theirs, "");
    assert_eq!(scene.show(&sound).status, 200);
    let mut claims = part(&sound, 1);
    claims["tenant"] = json!("acme-corp");
    scene.refused(
        "a client of another tenant",
        &sign(&scene.pair, &scene.header, &claims),
        "CREDENTIAL_INVALID",
    );
    let owner = scene.stage.client();
    let at = format!("/api/v1/admin/clients/{}", theirs.0);
    for answer in [
        owner.get(&at).unwrap(),
        owner.delete(&at).unwrap(),
        owner.patch(&at, &json!({"name": "x"})).unwrap(),
        owner.post(&format!("{at}/secret/rotate"), &json!({})).unwrap(),
    ] {
        expect::problem(&answer, 404, "NOT_FOUND");
    }
    assert_eq!(scene.show(&sound).status, 200, "nothing was changed");
    // Its scope cannot be widened beyond what the client has, whoever signed it.
    claims["tenant"] = json!(slug);
    claims["scope"] = json!("rules:read access:write settings:write");
    let wide = sign(&scene.pair, &scene.header, &claims);
    let by_wide = anybody.with_bearer(&wide);
    assert_eq!(by_wide.get("/api/v1/automation/rules").unwrap().status, 200);
    expect::problem(&by_wide.get("/api/v1/admin/clients").unwrap(), 403, "FORBIDDEN");
}

#[test]
fn one_kind_of_credential_is_not_another() {
    let scene = scene();
    let refresh = text(&scene.session, "refresh_token");
    scene.refused("a refresh token as an access token", refresh, "CREDENTIAL_INVALID");
    let owner = scene.stage.client();
    let anybody = scene.stage.host.client();
    let (client_id, secret) = client(&owner, &["rules:read"]);
    scene.refused("a client's secret as a bearer", &secret, "CREDENTIAL_INVALID");
    scene.refused("a client's id as a bearer", &client_id, "CREDENTIAL_INVALID");
    let access = json!({"refresh_token": text(&scene.session, "access_token")});
    let turned = anybody.post("/api/v1/auth/refresh", &access).unwrap();
    expect::problem(&turned, 401, "REFRESH_TOKEN_INVALID");
    let clients = token(&anybody, &(client_id, secret), "");
    let turned = anybody.post("/api/v1/auth/refresh", &json!({"refresh_token": clients})).unwrap();
    expect::problem(&turned, 401, "REFRESH_TOKEN_INVALID");
    let cookie = anybody
        .request("GET", "/api/v1/automation/rules")
        .header("Cookie", format!("__Host-signalbox={}", text(&scene.session, "access_token")));
    expect::problem(&cookie.send().unwrap(), 401, "CREDENTIAL_INVALID");
}

#[test]
fn the_over_long_and_the_broken_are_refused_quietly() {
    let scene = scene();
    let own = text(&scene.session, "access_token").to_owned();
    let long = scene.with(&[], &[("padding", json!("x".repeat(5000)))]);
    scene.refused("longer than any of ours", &long, "CREDENTIAL_INVALID");
    for text in [
        format!("{own}."),
        format!("{own}.{own}"),
        format!(".{own}"),
        own.replace('.', ".."),
        own.replace('-', "+").replace('_', "/"),
        format!("{own}="),
        own[..own.len() - 1].to_owned(),
        "..".to_owned(),
        "x".repeat(7000),
    ] {
        if text != own {
            scene.refused("broken", &text, "CREDENTIAL_INVALID");
        }
    }
    assert_eq!(scene.show(&own).status, 200);
}

#[test]
fn nobody_gives_a_program_what_they_lack() {
    let scene = scene();
    let owner = scene.stage.client();
    let anybody = scene.stage.host.client();
    let small = client(&owner, &["access:write", "access:read"]);
    let bearer = anybody.with_bearer(&token(&anybody, &small, ""));
    for path in ["/api/v1/admin/clients", "/api/v1/admin/api-keys"] {
        let wish = json!({"name": "More", "permissions": ["settings:write"]});
        expect::problem(&bearer.post(path, &wish).unwrap(), 403, "BEYOND_OWN_PERMISSIONS");
    }
    let at = format!("/api/v1/admin/clients/{}", small.0);
    let wider = bearer.patch(&at, &json!({"permissions": ["access:write", "settings:write"]})).unwrap();
    expect::problem(&wider, 403, "BEYOND_OWN_PERMISSIONS");
    let strong = id(&post(
        &owner,
        "/api/v1/admin/clients",
        &json!({"name": "S", "permissions": ["settings:write"]}),
        201,
    ));
    let stolen = bearer.post(&format!("/api/v1/admin/clients/{strong}/secret/rotate"), &json!({})).unwrap();
    expect::problem(&stolen, 403, "BEYOND_OWN_PERMISSIONS");
}

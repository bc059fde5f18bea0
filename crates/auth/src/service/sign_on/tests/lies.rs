//! Who is refused? Each attack that a sound provider cannot show, with its refusal.

use super::*;
use crate::service::{stage::START, test_connection};

const REFUSED: Option<&str> = Some("SIGN_ON_NOT_PROVEN");
const STATE: Option<&str> = Some("SIGN_ON_STATE_INVALID");

/// What becomes of a sign-on whose token says something else than the truth.
#[track_caller]
fn check(lie: impl Fn(&mut Value, &mut Value) + Send + 'static, wanted: Option<&'static str>) {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    scene.fake.lie(lie);
    assert_eq!(scene.sign_on(&connection, &ana()).err(), wanted);
    let refusals = scene.stage.audited("acme-corp").iter().filter(|one| *one == "sign_on.refused").count();
    assert_eq!(refusals, usize::from(wanted.is_some()), "each refusal is on record");
}

fn shift(claims: &mut Value, name: &str, seconds: i64) {
    claims[name] = (START.seconds() + seconds).into();
}

fn without(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

#[test]
fn a_token_for_another_question_client_or_of_another_issuer() {
    check(|_, claims| claims["nonce"] = "another".into(), REFUSED);
    check(|_, claims| without(claims, "nonce"), REFUSED);
    check(|_, claims| claims["aud"] = "another".into(), REFUSED);
    check(|_, claims| claims["aud"] = json!(["signalbox", "another"]), REFUSED);
    check(|_, claims| claims["aud"] = json!([]), REFUSED);
    check(|_, claims| claims["aud"] = json!(["signalbox"]), None);
    check(|_, claims| claims["azp"] = "another".into(), REFUSED);
    check(|_, claims| claims["azp"] = "signalbox".into(), None);
    check(|_, claims| claims["iss"] = "https://evil.example".into(), REFUSED);
    check(|_, claims| claims["iss"] = "https://login.acme.example/".into(), REFUSED);
    check(|_, claims| claims["sub"] = "".into(), REFUSED);
    check(|_, claims| claims["sub"] = "x".repeat(256).into(), REFUSED);
    check(|_, claims| claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into(), REFUSED);
}

#[test]
fn a_token_of_another_time_by_a_second() {
    check(|_, claims| shift(claims, "exp", -59), None);
    check(|_, claims| shift(claims, "exp", -60), REFUSED);
    check(|_, claims| shift(claims, "nbf", 60), None);
    check(|_, claims| shift(claims, "nbf", 61), REFUSED);
    check(|_, claims| claims["nbf"] = "soon".into(), REFUSED);
    check(|_, claims| shift(claims, "iat", 60), None);
    check(|_, claims| shift(claims, "iat", 61), REFUSED);
    check(|_, claims| without(claims, "exp"), REFUSED);
}

#[test]
fn a_token_that_is_not_signed_or_by_a_secret_that_everybody_knows() {
    check(|header, _| header["alg"] = "none".into(), REFUSED);
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let try_with = |algorithm: &'static str, signature: fn(&str) -> Vec<u8>| {
        scene.fake.lie(move |header, _| header["alg"] = algorithm.into());
        scene.fake.told().signature = Some(signature);
        scene.sign_on(&connection, &ana()).err()
    };
    assert_eq!(try_with("none", |_| Vec::new()), REFUSED);
    // HMAC with the public key as its secret, as naive code would take it.
    let by_public_key = |text: &str| {
        let public = Key::ed(1).public();
        hmac(&URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap(), text.as_bytes())
    };
    assert_eq!(try_with("HS256", by_public_key), REFUSED);
    assert_eq!(try_with("HS256", |text| hmac(b"the client's secret", text.as_bytes())), REFUSED);
    assert_eq!(try_with("EdDSA", |_| vec![0; 64]), REFUSED);
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (place, one) in secret.iter().enumerate() {
            block[place] ^= one;
        }
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

#[test]
fn keys_may_turn_and_are_asked_for_once_a_minute() {
    let mut scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    scene.sign_on(&connection, &ana()).unwrap();
    assert_eq!((scene.fake.count("/jwks"), scene.fake.count("/openid-configuration")), (1, 1));
    scene.fake.told().keys.push(("second".to_owned(), Key::ed(2)));
    scene.sign_on(&connection, &ana()).unwrap();
    assert_eq!((scene.fake.count("/jwks"), scene.fake.count("/openid-configuration")), (2, 1));
    // A key that the provider does not publish: asked for at most once a minute.
    scene.fake.lie(|header, _| header["kid"] = "third".into());
    for _ in 0..3 {
        assert_eq!(scene.sign_on(&connection, &ana()).err(), REFUSED);
    }
    assert_eq!(scene.fake.count("/jwks"), 2);
    scene.stage.now = scene.stage.now + Span::minutes(1);
    assert_eq!(scene.sign_on(&connection, &ana()).err(), REFUSED);
    assert_eq!(scene.fake.count("/jwks"), 3);
    // A key that was withdrawn opens nothing, whatever it is called.
    scene.fake.lie(|_, _| ());
    scene.fake.told().published = Some(vec![Key::ed(3).public()]);
    scene.stage.now = scene.stage.now + Span::minutes(10);
    scene.fake.lie(|_, claims| {
        shift(claims, "iat", 600);
        shift(claims, "exp", 900);
    });
    assert_eq!(scene.sign_on(&connection, &ana()).err(), REFUSED);
}

#[test]
fn a_return_is_good_once_for_ten_minutes_in_the_browser_that_began() {
    let mut scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let leave = |scene: &Scene| scene.leave(&connection, Answer::Json);
    let approve = |scene: &Scene, away: &Away| scene.fake.approve(&away.asked, &ana());
    let come = |scene: &Scene, returned: Returned| logged_in(scene.come_back(returned)).err();

    let away = leave(&scene);
    let code = approve(&scene, &away);
    assert_eq!(come(&scene, away.back(&code)), None);
    assert_eq!(come(&scene, away.back(&code)), STATE, "the same return twice");
    assert_eq!(come(&scene, leave(&scene).back(&code)), REFUSED, "an old code in a fresh sign-on");

    let (one, two) = (leave(&scene), leave(&scene));
    let stolen = approve(&scene, &one);
    assert_eq!(come(&scene, two.back(&stolen)), REFUSED, "a code of another sign-on: PKCE tells");

    let (victim, attacker) = (leave(&scene), leave(&scene));
    let code = approve(&scene, &attacker);
    let asked_before = scene.fake.count("/token");
    let fixed = Returned { browser: Some(victim.begun.browser.clone()), ..attacker.back(&code) };
    assert_eq!(come(&scene, fixed), STATE, "the state of another browser");
    assert_eq!(come(&scene, attacker.back(&code)), STATE, "and it is spent");
    let away = leave(&scene);
    assert_eq!(come(&scene, Returned { browser: None, ..away.back("x") }), STATE, "no browser");
    assert_eq!(scene.fake.count("/token"), asked_before, "no code is shown to the provider for any of these");

    for tenant in ["acme-corp", "nobody"] {
        let state = Secret::new(format!("sbo_{tenant}_{}", "0".repeat(64)));
        assert_eq!(come(&scene, Returned { state, ..away.back("x") }), STATE, "a state that nobody made");
    }
    let state = Secret::new("x".to_owned());
    assert_eq!(come(&scene, Returned { state, ..away.back("x") }), STATE, "no state of ours at all");

    let late = leave(&scene);
    let code = approve(&scene, &late);
    scene.stage.now = scene.stage.now + ATTEMPT_LIFE;
    assert_eq!(come(&scene, late.back(&code)), STATE, "too late");
}

#[test]
fn an_answer_of_one_connection_is_none_of_another() {
    let scene = Scene::new();
    let own = scene.connect(Scene::patch("Own"));
    let other = scene.connect(Scene::patch("Other"));
    for (connection, what) in [(Some(other), "another connection's address"), (None, "the shared address")] {
        let away = scene.leave(&own, Answer::Json);
        let code = scene.fake.approve(&away.asked, &ana());
        assert!(away.asked["redirect_uri"].ends_with(own.as_str()));
        let mixed = Returned { connection, ..away.back(&code) };
        assert_eq!(logged_in(scene.come_back(mixed)).err(), STATE, "{what}");
    }
    // RFC 9207: whoever names somebody else is not believed, and no code is spent on them.
    let away = scene.leave(&own, Answer::Json);
    let code = Secret::new(scene.fake.approve(&away.asked, &ana()));
    let reply = Reply::Code { code, issuer: Some("https://evil.example".to_owned()) };
    assert_eq!(logged_in(scene.come_back(Returned { reply, ..away.back("") })).err(), REFUSED);
    assert_eq!(scene.fake.count("/token"), 0);
}

#[test]
fn the_shared_address_needs_a_provider_that_names_itself() {
    let scene = Scene::new();
    scene.fake.told().document =
        Some(|document| document["authorization_response_iss_parameter_supported"] = true.into());
    let shared = scene.connect(ConnectionPatch { shared_callback: Some(true), ..Scene::patch("Own") });
    for (issuer, wanted) in [(Some(ISSUER), None), (None, REFUSED), (Some("https://evil.example"), REFUSED)] {
        let away = scene.leave(&shared, Answer::Json);
        assert_eq!(away.asked["redirect_uri"], "https://signalbox.example/api/v1/callback");
        let code = Secret::new(scene.fake.approve(&away.asked, &ana()));
        let reply = Reply::Code { code, issuer: issuer.map(str::to_owned) };
        let outcome = scene.come_back(Returned { connection: None, reply, ..away.back("") });
        assert_eq!(logged_in(outcome).err(), wanted, "{issuer:?}");
    }
}

#[test]
fn a_no_is_told_in_words_and_spends_the_state() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let place = ReturnTo::parse("/start", &[]).unwrap();
    let away = scene.leave(&connection, Answer::Cookie(place.clone()));
    let reply = Reply::Refusal {
        error: "access_denied".to_owned(),
        description: Some("The person said no.\u{7}".to_owned()),
        issuer: None,
    };
    let failed = scene.come_back(Returned { reply, ..away.back("") }).unwrap_err();
    assert_eq!(failed.return_to, Some(place));
    let words = failed.error.to_string();
    assert!(words.contains("access_denied, The person said no"), "{words}");
    assert_eq!(logged_in(scene.come_back(away.back("x"))).err(), STATE);
}

#[test]
fn a_provider_leads_nobody_into_the_house() {
    const CHANGES: [fn(&mut Value); 6] = [
        |document| document["jwks_uri"] = "https://127.0.0.1/jwks".into(),
        |document| document["jwks_uri"] = "http://login.acme.example/jwks".into(),
        |document| document["jwks_uri"] = "https://jobs.spin.internal/jwks".into(),
        |document| document["token_endpoint"] = "https://10.0.0.1/token".into(),
        |document| document["issuer"] = "https://evil.example".into(),
        |document| document["code_challenge_methods_supported"] = json!(["plain"]),
    ];
    let scene = Scene::new();
    for (number, change) in CHANGES.into_iter().enumerate() {
        scene.fake.told().document = Some(change);
        let connection = scene.connect(Scene::patch(&format!("Own {number}")));
        let begun = scene.begin(Scene::wish("acme-corp", Some(&connection), None));
        assert_eq!(begun.unwrap_err().code(), "SIGN_ON_PROVIDER_FAILED", "{number}");
        let tested = test_connection(&scene.stage.db, &scene.owner, scene.outside(), &connection);
        let tested = block_on(tested).unwrap();
        assert_eq!(tested.faults.len(), 1, "{:?}", tested.faults);
    }
    let asked = scene.fake.told().asked.clone();
    assert!(asked.iter().all(|url| url.starts_with("https://login.acme.example/")), "{asked:?}");
}

#[test]
fn who_does_not_say_which_is_asked_and_strangers_learn_nothing() {
    let scene = Scene::new();
    let begin = |tenant: &str, email: Option<&str>| {
        scene.begin(Scene::wish(tenant, None, email)).map(drop).map_err(|error| error.code())
    };
    assert_eq!(begin("acme-corp", None), Err("SIGN_ON_UNKNOWN"));
    assert_eq!(begin("nobody", None), Err("SIGN_ON_UNKNOWN"));
    scene.connect(Scene::patch("Own"));
    assert_eq!(begin("acme-corp", None), Ok(()));
    let domains = Some(vec!["acme.test".to_owned()]);
    scene.connect(ConnectionPatch { domains, ..Scene::patch("Other") });
    assert_eq!(begin("acme-corp", None), Err("SIGN_ON_CONNECTION_NEEDED"));
    assert_eq!(begin("acme-corp", Some("ana@acme.test")), Ok(()));
    scene.stage.meddle("UPDATE tenants SET state = 'suspended'");
    assert_eq!(begin("acme-corp", Some("ana@acme.test")), Err("SIGN_ON_UNKNOWN"));
}

/// A panic would end the instance, and with it other people's requests.
#[test]
fn a_token_that_is_bent_anywhere_ends_nothing_and_opens_nothing() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let length = std::sync::Arc::new(std::sync::Mutex::new(0));
    let seen = std::sync::Arc::clone(&length);
    scene.fake.told().bend = Some(Box::new(move |token| {
        *seen.lock().unwrap() = token.len();
        token.to_owned()
    }));
    assert_eq!(scene.sign_on(&connection, &ana()).err(), None);
    let length = *length.lock().unwrap();
    for place in (0..length).step_by(3) {
        for with in ["", ".", "A", "=", "\u{e9}"] {
            scene.fake.told().bend = Some(Box::new(move |token| {
                let bent = format!("{}{with}{}", &token[..place], &token[place + 1..]);
                // The same text, or the same bytes by other letters, is no bend.
                if bent == token { String::new() } else { bent }
            }));
            let outcome = scene.sign_on(&connection, &ana()).err();
            assert!(outcome.is_some(), "{with:?} at {place}");
        }
    }
}

//! What does a sound sign-on bring? A user, roles, a session; and what may a person bring along?

use super::*;

#[test]
fn a_new_person_gets_a_user_and_is_known_by_their_subject_afterwards() {
    let scene = Scene::new();
    let viewer = scene.role("viewer");
    let patch = ConnectionPatch { default_roles: Some(vec![viewer.to_string()]), ..Scene::patch("Own") };
    let connection = scene.connect(patch);
    let first = scene.sign_on(&connection, &ana()).unwrap();
    assert_eq!(first.member.user.email.as_str(), "ana@acme.example");
    assert_eq!(first.member.user.name, "Ana Li");
    assert_eq!((role_names(&first.member), first.member.user.has_password), (vec!["viewer"], false));
    assert!(scene.stage.check(&Credential::Bearer(first.access_token)).is_ok());

    // The address changed at the provider: still the same person.
    let again = scene.sign_on(&connection, &person("ana-1", "ana.li@elsewhere.example")).unwrap();
    assert_eq!(again.member.user.id, first.member.user.id);
    assert_eq!(again.member.user.email.as_str(), "ana@acme.example");
    let audited = scene.stage.audited("acme-corp");
    let wanted = [
        "connection.created",
        "user.created",
        "role.bound",
        "user.linked",
        "session.created",
        "session.created",
    ];
    assert_eq!(&audited[3..], wanted);
}

#[test]
fn a_user_who_exists_is_linked_once() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let user = scene.user("ana@acme.example", None);
    assert_eq!(scene.sign_on(&connection, &ana()).unwrap().member.user.id, user);
    // Somebody else who got the address at the provider since.
    let swapped = scene.sign_on(&connection, &person("eve-2", "ana@acme.example"));
    assert_eq!(swapped.err(), Some("SIGN_ON_LINKED_ELSEWHERE"));
}

#[test]
fn addresses_that_nobody_checked_open_nothing() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    scene.user("ana@acme.example", None);
    for verified in [json!(false), Value::Null, json!("false"), json!(1)] {
        let mut said = ana();
        said["email_verified"] = verified.clone();
        let outcome = scene.sign_on(&connection, &said);
        assert!(matches!(outcome, Err("SIGN_ON_EMAIL_UNVERIFIED" | "SIGN_ON_NOT_PROVEN")), "{verified}");
    }
    scene.fake.told().aside = Some(json!({"sub": "ana-1"}));
    let outcome = scene.sign_on(&connection, &json!({"sub": "ana-1"}));
    assert_eq!(outcome.err(), Some("SIGN_ON_EMAIL_MISSING"));
}

#[test]
fn roles_follow_the_claims_and_others_stay() {
    let scene = Scene::new();
    let mapping =
        |value: &str, role: &str| ("groups".to_owned(), value.to_owned(), scene.role(role).to_string());
    let connection = scene.connect(ConnectionPatch {
        mapping: Some(vec![mapping("dev", "editor"), mapping("ops", "operator")]),
        default_roles: Some(vec![scene.role("viewer").to_string()]),
        ..Scene::patch("Own")
    });
    let with = |groups: Value| {
        let mut said = ana();
        said["groups"] = groups;
        scene.sign_on(&connection, &said).unwrap().member
    };
    assert_eq!(role_names(&with(json!(["dev", "other"]))), ["editor", "viewer"]);
    assert_eq!(role_names(&with(json!("ops"))), ["operator", "viewer"]);
    assert_eq!(role_names(&with(json!([]))), ["viewer"]);
}

#[test]
fn the_owners_role_is_never_given_or_taken() {
    let scene = Scene::new();
    let owner = scene.role("owner").to_string();
    let patch = ConnectionPatch {
        mapping: Some(vec![("groups".to_owned(), "boss".to_owned(), owner.clone())]),
        default_roles: Some(vec![owner]),
        ..Scene::patch("Own")
    };
    assert_eq!(scene.try_connect(&scene.owner, patch).unwrap_err().fields().len(), 2);
    // An owner who signs on stays one.
    let domains = Some(vec!["acme-corp.test".to_owned()]);
    let connection = scene.connect(ConnectionPatch { domains, ..Scene::patch("Own") });
    let boss = scene.sign_on(&connection, &person("boss", "owner@acme-corp.test")).unwrap();
    assert!(boss.member.is_owner);
}

#[test]
fn only_who_may_do_everything_decides_which_provider_is_believed() {
    let scene = Scene::new();
    let mut call = scene.owner.clone();
    call.principal.permissions = [kernel::Permission::SettingsWrite].into_iter().collect();
    let made = scene.try_connect(&call, Scene::patch("Own"));
    assert_eq!(made.unwrap_err().code(), "BEYOND_OWN_PERMISSIONS");
}

#[test]
fn a_frontend_fetches_tokens_with_its_own_verifier_once() {
    use sha2::Digest as _;
    let mut scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let verifier = Secret::new("a verifier that the frontend made up".to_owned());
    let place = ReturnTo::parse("https://app.example/x", &["https://app.example".to_owned()]).unwrap();
    let code = |scene: &Scene| {
        let challenge = Secret::new(sha2::Sha256::digest(verifier.expose()).into());
        let away = scene.leave(&connection, Answer::Code(place.clone(), challenge));
        let code = scene.fake.approve(&away.asked, &ana());
        match scene.come_back(away.back(&code)) {
            Ok(Ended::Code(to, code)) if to == place => code,
            other => panic!("{other:?}"),
        }
    };
    let redeem = |scene: &Scene, code: &Secret<String>, verifier: &Secret<String>| {
        let tokens = scene.stage.gate.tokens();
        let outcome = block_on(redeem_sign_on(&scene.stage.db, tokens, &scene.stage.visit(), code, verifier));
        outcome.map(drop).map_err(|error| error.code())
    };
    const REFUSED: Result<(), &str> = Err("SIGN_ON_CODE_INVALID");
    let one = code(&scene);
    assert_eq!(redeem(&scene, &one, &verifier), Ok(()));
    assert_eq!(redeem(&scene, &one, &verifier), REFUSED, "twice");
    let two = code(&scene);
    assert_eq!(redeem(&scene, &two, &Secret::new("another".to_owned())), REFUSED, "another's verifier");
    assert_eq!(redeem(&scene, &two, &verifier), REFUSED, "and it is gone");
    let three = code(&scene);
    scene.stage.now = scene.stage.now + HANDOFF_LIFE;
    assert_eq!(redeem(&scene, &three, &verifier), REFUSED, "too late");
}

#[test]
fn a_tenant_can_refuse_passwords_but_never_its_owners() {
    let scene = Scene::new();
    scene.user("ana@acme.example", Some(PASSWORD));
    assert!(scene.stage.login(None, "ana@acme.example", PASSWORD).is_ok());
    let off = r#"UPDATE tenants SET settings = '{"sign_on": {"password_allowed": false}}'"#;
    scene.stage.meddle(off);
    let outcome = scene.stage.login(None, "ana@acme.example", PASSWORD);
    assert_eq!(outcome.unwrap_err().code(), "PASSWORD_LOGIN_OFF");
    let wrong = scene.stage.login(None, "ana@acme.example", "wrong");
    assert_eq!(wrong.unwrap_err().code(), "LOGIN_FAILED", "only who knows the password learns of it");
    assert!(scene.stage.login(None, "owner@acme-corp.test", PASSWORD).is_ok());
}

#[test]
fn each_signature_that_is_taken_is_taken() {
    for key in [Key::ed(9), Key::p256(), Key::rsa()] {
        let scene = Scene::new();
        let connection = scene.connect(Scene::patch("Own"));
        scene.fake.told().keys = vec![("only".to_owned(), key)];
        assert_eq!(scene.sign_on(&connection, &ana()).err(), None);
    }
}

#[test]
fn what_the_token_lacks_is_asked_for() {
    let scene = Scene::new();
    let mapping = vec![("groups".to_owned(), "dev".to_owned(), scene.role("editor").to_string())];
    let connection = scene.connect(ConnectionPatch { mapping: Some(mapping), ..Scene::patch("Own") });
    let mut aside = ana();
    aside["groups"] = json!(["dev"]);
    aside["updated_at"] = 1_700_000_000.into();
    scene.fake.told().aside = Some(aside.clone());
    let member = scene.sign_on(&connection, &json!({"sub": "ana-1"})).unwrap().member;
    assert_eq!((member.user.email.as_str(), role_names(&member)), ("ana@acme.example", vec!["editor"]));
    // What was not signed vouches for no signed address.
    let unverified = json!({"sub": "bo-2", "email": "bo@acme.example"});
    aside["sub"] = "bo-2".into();
    scene.fake.told().aside = Some(aside.clone());
    assert_eq!(scene.sign_on(&connection, &unverified).err(), Some("SIGN_ON_EMAIL_UNVERIFIED"));
    // An answer about somebody else.
    aside["sub"] = "eve-3".into();
    scene.fake.told().aside = Some(aside);
    assert_eq!(scene.sign_on(&connection, &json!({"sub": "ana-1"})).err(), Some("SIGN_ON_NOT_PROVEN"));
}

#[test]
fn who_is_disabled_or_of_a_suspended_tenant_stays_out() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    scene.sign_on(&connection, &ana()).unwrap();
    for (meddling, code) in [
        ("UPDATE users SET state = 'disabled' WHERE email = 'ana@acme.example'", "USER_DISABLED"),
        ("UPDATE tenants SET state = 'suspended'", "TENANT_SUSPENDED"),
    ] {
        let away = scene.leave(&connection, Answer::Json);
        let answer = scene.fake.approve(&away.asked, &ana());
        scene.stage.meddle(meddling);
        assert_eq!(logged_in(scene.come_back(away.back(&answer))).err(), Some(code));
    }
}

#[test]
fn secrets_stand_nowhere_in_clear() {
    let scene = Scene::new();
    let connection = scene.connect(Scene::patch("Own"));
    let away = scene.leave(&connection, Answer::Json);
    for secret in ["the client's secret", away.state().expose(), away.begun.browser.text().expose()] {
        let sql = "SELECT (SELECT COUNT(*) FROM sign_on_connections WHERE instr(config, ?1) OR instr(secret, ?1))
            + (SELECT COUNT(*) FROM sign_on_attempts WHERE instr(hex(state_hash) || hex(browser_hash), upper(?1)))
            + (SELECT COUNT(*) FROM audit_entries WHERE instr(after, ?1)) AS n";
        let found = block_on(async {
            let mut lease = scene.stage.db.read().await.unwrap();
            lease.all_tenants().unwrap().one::<i64>(sql, [secret.into()]).await.unwrap()
        });
        assert_eq!(found, Some(0));
    }
}

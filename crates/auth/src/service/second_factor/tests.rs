//! Can somebody come past the second factor? Tests of the whole way, from enrolment to refusal.

use crate::service::{
    stage::{PASSWORD, START, Stage},
    *,
};
use crate::{
    Checked, Credential, FactorError, Method, Methods, SettingsPatch, Unbounded, UserState,
    totp::tests::shown,
};
use futures::executor::block_on;
use kernel::{Fault, Permission, Permissions, Secret, Span};

const OWNER: &str = "owner@acme-corp.test";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// A tenant whose owner has an authenticator app.
struct Scene {
    stage: Stage,
    seed: String,
    recovery: Vec<Secret<String>>,
    first: LoggedIn,
}

fn scene() -> Scene {
    let mut stage = Stage::new();
    stage.set_up("acme-corp");
    let first = stage.login(None, OWNER, PASSWORD).unwrap();
    let call = stage.as_bearer(&first.access_token);
    let enrolment = block_on(enrol_totp(&stage.db, &stage.vault, &call)).unwrap();
    let seed = enrolment.secret.expose().clone();
    let code = secret(&shown(&seed, stage.now));
    let recovery = block_on(confirm_totp(&stage.db, &stage.vault, &call, &code)).unwrap();
    // The code that confirmed is used up.
    stage.now = START + Span::seconds(30);
    Scene { stage, seed, recovery, first }
}

impl Scene {
    fn code(&self) -> Secret<String> {
        secret(&shown(&self.seed, self.stage.now))
    }

    fn login(&self, password: &str, otp: Option<&Secret<String>>) -> Result<LoggedIn, AuthError> {
        let asked = Login {
            tenant: None,
            email: OWNER.parse().unwrap(),
            password: secret(password),
            otp: otp.cloned(),
            cookie: true,
        };
        let stage = &self.stage;
        block_on(login(&stage.db, stage.gate.tokens(), &Unbounded, &stage.vault, &stage.visit(), asked))
    }

    /// The token of a login that waits.
    fn waits(&self) -> Secret<String> {
        match self.login(PASSWORD, None) {
            Err(AuthError::Factor(FactorError::Required(waiting))) => waiting.token().clone(),
            other => panic!("{other:?}"),
        }
    }

    fn verify(&self, token: &Secret<String>, code: &Secret<String>) -> Result<LoggedIn, AuthError> {
        let stage = &self.stage;
        let (keys, visit) = (stage.gate.tokens(), stage.visit());
        let shown = Shown::Code(code.clone());
        block_on(verify_second_factor(&stage.db, keys, &stage.vault, &visit, token, &shown))
    }

    fn check(&self, logged_in: &LoggedIn) -> Result<Checked, AuthError> {
        self.stage.check(&Credential::Bearer(logged_in.access_token.clone()))
    }

    fn require(&self, required: bool) {
        let call = self.stage.call(kernel::Principal::system("acme-corp".parse().unwrap()));
        let patch = SettingsPatch { two_factor_required: Some(required), ..SettingsPatch::default() };
        block_on(change_settings(&self.stage.db, &call, None, patch)).unwrap();
    }
}

fn code_of<T: std::fmt::Debug>(outcome: Result<T, AuthError>) -> &'static str {
    outcome.unwrap_err().code()
}

#[test]
fn a_login_waits_for_the_code_and_goes_on() {
    let mut scene = scene();
    assert_eq!(scene.recovery.len(), 10);
    let token = scene.waits();
    let logged_in = scene.verify(&token, &scene.code()).unwrap();
    assert!(logged_in.cookie.is_some() && !logged_in.must_enrol);
    let checked = scene.check(&logged_in).unwrap();
    assert_eq!(checked.principal.permissions, Permissions::all());
    assert_eq!(code_of(scene.verify(&token, &scene.recovery[0])), "MFA_TOKEN_INVALID");
    // Along with the password.
    scene.stage.now = START + Span::seconds(60);
    assert!(scene.login(PASSWORD, Some(&scene.code())).is_ok());
    assert!(scene.login(PASSWORD, Some(&scene.recovery[0])).is_ok());
    assert_eq!(code_of(scene.login(PASSWORD, Some(&scene.recovery[0]))), "OTP_INVALID");
    let audited = scene.stage.audited("acme-corp");
    assert!(audited.contains(&"factor.totp_enrolled".to_owned()));
    assert!(audited.contains(&"factor.recovery_code_used".to_owned()));
    assert_eq!(audited.last().unwrap(), "login.second_factor_refused");
}

#[test]
fn nothing_is_told_of_factors_before_the_password_is_right() {
    let scene = scene();
    for code in [None, Some(&scene.code()), Some(&secret("000000"))] {
        assert_eq!(code_of(scene.login("wrong password", code)), "LOGIN_FAILED");
    }
    // The right code beside the wrong password was not used up.
    assert!(scene.login(PASSWORD, Some(&scene.code())).is_ok());
}

#[test]
fn a_code_counts_once_also_in_a_race() {
    let scene = scene();
    let code = scene.code();
    let (one, other) = (scene.waits(), scene.waits());
    assert!(scene.verify(&one, &code).is_ok());
    assert_eq!(code_of(scene.verify(&other, &code)), "OTP_INVALID");
    assert_eq!(code_of(scene.login(PASSWORD, Some(&code))), "OTP_INVALID");
    // The one before it, which the window would let in, is older than the last that was used.
    let earlier = secret(&shown(&scene.seed, START));
    assert_eq!(code_of(scene.verify(&other, &earlier)), "OTP_INVALID");
}

#[test]
fn the_first_code_confirms_and_does_not_log_in() {
    let mut scene = scene();
    scene.stage.now = START;
    assert_eq!(code_of(scene.login(PASSWORD, Some(&scene.code()))), "OTP_INVALID");
}

#[test]
fn five_wrong_codes_end_a_login_and_more_are_slowed() {
    let mut scene = scene();
    let token = scene.waits();
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(code_of(scene.verify(&token, &secret("000000"))));
    }
    assert_eq!(answers[..5], ["OTP_INVALID"; 5]);
    assert_eq!(answers[5], "MFA_TOKEN_INVALID");
    assert_eq!(
        code_of(scene.verify(&token, &scene.code())),
        "MFA_TOKEN_INVALID",
        "the right one comes too late"
    );
    // A new login does not reset the brake, although the password is right each time.
    let refusal = scene.login(PASSWORD, Some(&scene.code())).unwrap_err();
    assert_eq!(refusal.code(), "LOGIN_BLOCKED");
    assert!(refusal.retry_after().is_some());
    // From another address the owner comes in.
    scene.stage.address = Some("198.51.100.7".to_owned());
    assert!(scene.login(PASSWORD, Some(&scene.code())).is_ok());
}

#[test]
fn a_waiting_login_is_of_one_user_for_five_minutes_and_one_password() {
    let mut scene = scene();
    let globex = scene.stage.set_up("globex");
    let token = scene.waits();
    // Under another tenant's name the token is none.
    let moved = secret(&token.expose().replace("acme-corp", "globex"));
    assert_eq!(code_of(scene.verify(&moved, &scene.code())), "MFA_TOKEN_INVALID");
    for text in ["", "sbm", "sbm_acme-corp_00", globex.api_key.expose()] {
        assert_eq!(code_of(scene.verify(&secret(text), &scene.code())), "MFA_TOKEN_INVALID", "{text}");
    }
    // A token is no credential.
    for credential in [Credential::Bearer(token.clone()), Credential::Cookie(token.clone())] {
        assert_eq!(code_of(scene.stage.check(&credential)), "CREDENTIAL_INVALID");
    }
    scene.stage.now = scene.stage.now + Span::minutes(5);
    assert_eq!(code_of(scene.verify(&token, &scene.code())), "MFA_TOKEN_INVALID");

    let token = scene.waits();
    scene.stage.meddle("UPDATE users SET password_hash = NULL");
    assert_eq!(code_of(scene.verify(&token, &scene.code())), "MFA_TOKEN_INVALID");
}

#[test]
fn who_is_disabled_or_suspended_meanwhile_stays_out() {
    let scene = scene();
    let token = scene.waits();
    scene.stage.meddle("UPDATE tenants SET state = 'suspended'");
    assert_eq!(code_of(scene.verify(&token, &scene.code())), "TENANT_SUSPENDED");
    scene.stage.meddle("UPDATE tenants SET state = 'active'");
    scene.stage.meddle(&format!("UPDATE users SET state = '{}'", UserState::Disabled.as_str()));
    assert_eq!(code_of(scene.verify(&token, &scene.code())), "USER_DISABLED");
}

#[test]
fn enrolling_ends_sessions_of_one_factor_and_lifts_this_one() {
    let mut stage = Stage::new();
    stage.set_up("acme-corp");
    let other = stage.login(None, OWNER, PASSWORD).unwrap();
    let this = stage.login(None, OWNER, PASSWORD).unwrap();
    let call = stage.as_bearer(&this.access_token);
    // What was begun first does not count any more.
    let begun = block_on(enrol_totp(&stage.db, &stage.vault, &call)).unwrap();
    let seed = block_on(enrol_totp(&stage.db, &stage.vault, &call)).unwrap().secret;
    let confirm =
        |stage: &Stage, code: &str| block_on(confirm_totp(&stage.db, &stage.vault, &call, &secret(code)));
    let wrong = confirm(&stage, &shown(begun.secret.expose(), stage.now)).unwrap_err();
    assert_eq!((wrong.code(), wrong.fields()[0].field.as_str()), ("VALIDATION_ERROR", "otp"));
    assert!(stage.login(None, OWNER, PASSWORD).is_ok(), "nothing is asked for yet");
    assert_eq!(confirm(&stage, &shown(seed.expose(), stage.now)).unwrap().len(), 10);
    assert!(stage.check(&Credential::Bearer(other.access_token)).is_err());
    assert!(stage.check(&Credential::Bearer(this.access_token)).is_ok());
    assert_eq!(code_of(confirm(&stage, &shown(seed.expose(), stage.now))), "TOTP_NOT_BEGUN");
    assert_eq!(code_of(block_on(enrol_totp(&stage.db, &stage.vault, &call))), "TOTP_ENROLLED");
    // The refresh token goes on: the session showed its code.
    stage.now = START + Span::minutes(1);
    let again =
        block_on(refresh(&stage.db, stage.gate.tokens(), &stage.vault, &stage.visit(), &this.refresh_token))
            .unwrap();
    assert!(!again.must_enrol);
}

#[test]
fn under_the_policy_a_session_without_a_factor_can_only_enrol() {
    let mut scene = scene();
    let owner = scene.stage.as_bearer(&scene.first.access_token);
    let new = crate::NewUser::new("ana@example.com", "Ana", Some(PASSWORD)).unwrap();
    block_on(create_user(&scene.stage.db, &owner, new)).unwrap();
    let before = scene.stage.login(None, "ana@example.com", PASSWORD).unwrap();
    assert!(!before.must_enrol);
    scene.require(true);
    // A session that was there is bound from its next request on; a new one from the start.
    let after = scene.stage.login(None, "ana@example.com", PASSWORD).unwrap();
    assert!(after.must_enrol);
    for logged_in in [&before, &after] {
        let principal = scene.check(logged_in).unwrap().principal;
        assert!(principal.assurance.lacks_factor);
        assert_eq!(principal.permissions, Permissions::NONE);
    }
    // Refreshing does not lead past it.
    let stage = &scene.stage;
    let turned =
        block_on(refresh(&stage.db, stage.gate.tokens(), &stage.vault, &stage.visit(), &after.refresh_token))
            .unwrap();
    assert!(turned.must_enrol && scene.check(&turned).unwrap().principal.assurance.lacks_factor);
    // Nor does the cookie.
    let cookie = Credential::Cookie(after.cookie.unwrap());
    assert!(stage.check(&cookie).unwrap().principal.assurance.lacks_factor);
    // Who has shown a factor is not bound.
    assert!(scene.check(&scene.first).unwrap().principal.may(Permission::AccessWrite));

    let call = stage.as_bearer(&turned.access_token);
    let seed = block_on(enrol_totp(&stage.db, &stage.vault, &call)).unwrap().secret;
    let code = secret(&shown(seed.expose(), stage.now));
    block_on(confirm_totp(&stage.db, &stage.vault, &call, &code)).unwrap();
    assert!(!scene.check(&turned).unwrap().principal.assurance.lacks_factor);
    // Losing it binds the session again.
    scene.stage.now = scene.stage.now + Span::seconds(30);
    let stage = &scene.stage;
    let call = stage.as_bearer(&turned.access_token);
    block_on(remove_totp(&stage.db, &Unbounded, &stage.vault, &call, &Proof::Password(secret(PASSWORD))))
        .unwrap();
    assert!(scene.check(&turned).unwrap().principal.assurance.lacks_factor);
}

#[test]
fn every_other_way_in_ends_at_the_same_question() {
    let scene = scene();
    // As whatever proved something else ends: a link that was sent, an invitation, single sign-on that does not count.
    let enter = |methods: Methods| {
        let stage = &scene.stage;
        let tenant: kernel::TenantId = "acme-corp".parse().unwrap();
        let mut tx = block_on(stage.db.begin()).unwrap();
        let outcome = block_on(async {
            let mut scope = tx.scope(&tenant);
            let member = scene.first.member.clone();
            let entrance = logins::Entrance { cookie: true, methods };
            logins::start(&mut scope, stage.gate.tokens(), &stage.visit(), member, entrance).await
        });
        block_on(finish(tx, outcome))
    };
    let password = Methods::only(Method::Password);
    for methods in [password, Methods::only(Method::Link), password.with(Method::Link), Methods::default()] {
        let Err(AuthError::Factor(FactorError::Required(waiting))) = enter(methods) else {
            panic!("{methods} opened");
        };
        // The waiting stayed, although the answer is a refusal.
        assert_eq!(code_of(scene.verify(waiting.token(), &secret("000000"))), "OTP_INVALID");
    }
    assert!(enter(Methods::only(Method::SingleSignOn)).is_ok());
    let call = scene.stage.call(kernel::Principal::system("acme-corp".parse().unwrap()));
    let patch = SettingsPatch { two_factor_sign_on_counts: Some(false), ..SettingsPatch::default() };
    block_on(change_settings(&scene.stage.db, &call, None, patch)).unwrap();
    assert_eq!(code_of(enter(Methods::only(Method::SingleSignOn))), "OTP_REQUIRED");
}

#[test]
fn the_person_is_told() {
    let scene = scene();
    let stage = &scene.stage;
    let call = stage.as_bearer(&scene.first.access_token);
    scene.login(PASSWORD, Some(&scene.recovery[0])).unwrap();
    block_on(new_recovery_codes(&stage.db, &stage.vault, &call)).unwrap();
    block_on(remove_totp(&stage.db, &Unbounded, &stage.vault, &call, &Proof::Password(secret(PASSWORD))))
        .unwrap();
    let sql = "SELECT group_concat(notice, ' ') AS id FROM (SELECT notice FROM letters ORDER BY letter_id)";
    let told = block_on(async {
        let mut lease = stage.db.read().await.unwrap();
        lease.all_tenants().unwrap().one::<String>(sql, []).await.unwrap().unwrap()
    });
    let mut told: Vec<&str> = told.split(' ').collect();
    told.sort_unstable();
    assert_eq!(told, ["recovery_code_used", "recovery_codes_made", "two_factor_added", "two_factor_removed"]);
}

#[test]
fn removing_the_app_needs_the_password_or_a_code() {
    let scene = scene();
    let (stage, call) = (&scene.stage, scene.stage.as_bearer(&scene.first.access_token));
    let remove = |proof: Proof| block_on(remove_totp(&stage.db, &Unbounded, &stage.vault, &call, &proof));
    for (proof, field) in [
        (Proof::Password(secret("wrong")), "password"),
        (Proof::Code(secret("000000")), "otp"),
        (Proof::Code(secret(&shown(&scene.seed, START))), "otp"),
    ] {
        let fault = remove(proof).unwrap_err();
        assert_eq!(fault.fields()[0].field, field);
    }
    remove(Proof::Code(scene.code())).unwrap();
    let (factors, _) = block_on(crate::service::factors(&stage.db, &call)).unwrap();
    assert_eq!(factors, crate::Factors::default(), "recovery codes are gone too");
    assert!(scene.login(PASSWORD, None).is_ok());
    assert_eq!(
        stage.audited("acme-corp").iter().filter(|action| *action == "session.confirmation_refused").count(),
        3
    );
}

#[test]
fn somebody_who_manages_users_removes_anothers_factors_and_not_their_own() {
    let scene = scene();
    let stage = &scene.stage;
    let owner = stage.as_bearer(&scene.first.access_token);
    let id = scene.first.member.user.id.clone();
    assert_eq!(code_of(block_on(remove_factors(&stage.db, &stage.vault, &owner, &id))), "OWN_FACTORS");
    // Whoever may do less than the owner cannot.
    let new = crate::NewUser::new("ana@example.com", "Ana", Some(PASSWORD)).unwrap();
    block_on(create_user(&stage.db, &owner, new)).unwrap();
    let ana = stage.login(None, "ana@example.com", PASSWORD).unwrap();
    let ana = stage.as_bearer(&ana.access_token);
    assert_eq!(
        code_of(block_on(remove_factors(&stage.db, &stage.vault, &ana, &id))),
        "BEYOND_OWN_PERMISSIONS"
    );
    let token = scene.waits();
    let system = stage.call(kernel::Principal::system("acme-corp".parse().unwrap()));
    block_on(remove_factors(&stage.db, &stage.vault, &system, &id)).unwrap();
    assert!(scene.check(&scene.first).is_err());
    assert_eq!(code_of(scene.verify(&token, &scene.code())), "MFA_TOKEN_INVALID");
    assert!(scene.login(PASSWORD, None).is_ok());
    assert!(stage.audited("acme-corp").contains(&"user.factors_removed".to_owned()));
}

#[test]
fn a_proof_counts_for_fifteen_minutes() {
    let mut scene = scene();
    let access = || crate::NewApiKey::new("CI", &["access:write".into()], None, None, START).unwrap();
    let call = |scene: &Scene| scene.stage.as_bearer(&scene.first.access_token);
    assert!(block_on(create_api_key(&scene.stage.db, &call(&scene), access())).is_ok());
    scene.stage.now = START + Span::minutes(15);
    let (visit, token) = (scene.stage.visit(), scene.first.refresh_token.clone());
    let again =
        block_on(refresh(&scene.stage.db, scene.stage.gate.tokens(), &scene.stage.vault, &visit, &token));
    scene.first = again.unwrap();
    assert_eq!(
        code_of(block_on(create_api_key(&scene.stage.db, &call(&scene), access()))),
        "CONFIRMATION_REQUIRED"
    );
    let harmless = crate::NewApiKey::new("CI", &["rules:read".into()], None, None, START).unwrap();
    assert!(block_on(create_api_key(&scene.stage.db, &call(&scene), harmless)).is_ok());
    let wrong = Proof::Password(secret("wrong"));
    assert!(
        block_on(confirm(&scene.stage.db, &Unbounded, &scene.stage.vault, &call(&scene), &wrong)).is_err()
    );
    assert!(must_be_confirmed(&call(&scene)).is_err());
    let right = Proof::Password(secret(PASSWORD));
    let until =
        block_on(confirm(&scene.stage.db, &Unbounded, &scene.stage.vault, &call(&scene), &right)).unwrap();
    assert_eq!(until, scene.stage.now + Span::minutes(15));
    assert!(block_on(create_api_key(&scene.stage.db, &call(&scene), access())).is_ok());
}

#[test]
fn recovery_codes_are_renewed_and_the_old_ones_are_void() {
    let scene = scene();
    let stage = &scene.stage;
    let call = stage.as_bearer(&scene.first.access_token);
    let fresh = block_on(new_recovery_codes(&stage.db, &stage.vault, &call)).unwrap();
    assert_eq!(code_of(scene.login(PASSWORD, Some(&scene.recovery[1]))), "OTP_INVALID");
    assert!(scene.login(PASSWORD, Some(&fresh[0])).is_ok());
    let (factors, required) = block_on(crate::service::factors(&stage.db, &call)).unwrap();
    assert_eq!((factors.recovery_codes, required), (9, false));
}

#[test]
fn no_secret_stands_in_the_database_in_clear() {
    let scene = scene();
    let bytes = totp_rs::Secret::try_from_base32(&scene.seed).unwrap().as_bytes().to_vec();
    let sql = "SELECT (SELECT COUNT(*) FROM totp_factors WHERE instr(sealed, ?1)) + (SELECT COUNT(*) FROM audit_entries
        WHERE instr(after, ?2) OR instr(after, ?3)) AS n";
    let parameters = [bytes.into(), scene.seed.as_str().into(), scene.recovery[0].expose().as_str().into()];
    let found = block_on(async {
        let mut lease = scene.stage.db.read().await.unwrap();
        lease.all_tenants().unwrap().one::<i64>(sql, parameters).await.unwrap()
    });
    assert_eq!(found, Some(0));
}

#[test]
fn a_seed_that_was_moved_to_another_user_does_not_open() {
    let scene = scene();
    let stage = &scene.stage;
    let owner = stage.as_bearer(&scene.first.access_token);
    let new = crate::NewUser::new("ana@example.com", "Ana", Some(PASSWORD)).unwrap();
    let ana = block_on(create_user(&stage.db, &owner, new)).unwrap().user.id;
    stage.meddle(&format!("UPDATE totp_factors SET user_id = '{ana}'"));
    let asked = Login {
        tenant: None,
        email: "ana@example.com".parse().unwrap(),
        password: secret(PASSWORD),
        otp: Some(scene.code()),
        cookie: false,
    };
    let outcome =
        block_on(login(&stage.db, stage.gate.tokens(), &Unbounded, &stage.vault, &stage.visit(), asked));
    assert_eq!(code_of(outcome), "INTERNAL");
}

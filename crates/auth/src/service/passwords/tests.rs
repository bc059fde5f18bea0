//! What is asked of a change of password, and of a link to a new one.

use super::*;
use crate::{
    Credential, Purpose, Unbounded,
    service::{
        Forgotten, forgot_password,
        stage::{PASSWORD, Stage},
    },
};
use futures::executor::block_on;
use kernel::Fault;

const OWNER: &str = "owner@acme-corp.test";
const NEW: &str = "a new and better one";

fn change(stage: &Stage, call: &Call, present: &str, new: &str) -> Result<(), AuthError> {
    let secret = |text: &str| Secret::new(text.to_owned());
    block_on(change_password(&stage.db, &Unbounded, &stage.vault, call, &secret(present), &secret(new)))
}

#[test]
fn a_change_ends_the_other_sessions() {
    let stage = Stage::new();
    stage.set_up("acme-corp");
    let other = stage.login(None, OWNER, PASSWORD).unwrap();
    let this = stage.login(None, OWNER, PASSWORD).unwrap();
    let call = stage.as_bearer(&this.access_token);
    change(&stage, &call, PASSWORD, NEW).unwrap();
    assert!(stage.check(&Credential::Bearer(this.access_token)).is_ok());
    assert!(stage.check(&Credential::Bearer(other.access_token)).is_err());
    assert!(matches!(stage.login(None, OWNER, PASSWORD), Err(AuthError::LoginFailed)));
    assert!(stage.login(None, OWNER, NEW).is_ok());
    assert!(stage.audited("acme-corp").contains(&"user.password_changed".to_owned()));
}

#[test]
fn it_needs_the_present_password_and_guessing_is_slowed() {
    let stage = Stage::new();
    let key = stage.as_bearer(&stage.set_up("acme-corp").api_key);
    let call = stage.as_bearer(&stage.login(None, OWNER, PASSWORD).unwrap().access_token);
    let fault = change(&stage, &call, PASSWORD, "short").unwrap_err();
    assert_eq!(fault.fields()[0].field, "new_password");
    for _ in 0..10 {
        let fault = change(&stage, &call, "wrong", NEW).unwrap_err();
        assert_eq!(fault.fields()[0].field, "current_password");
    }
    assert!(matches!(change(&stage, &call, PASSWORD, NEW), Err(AuthError::LoginBlocked(_))));
    assert!(matches!(change(&stage, &key, PASSWORD, NEW), Err(AuthError::NeedsSession)));
}

fn forgot(stage: &Stage, tenant: Option<&str>, email: &str) {
    let asked = Forgotten { tenant: tenant.map(|slug| slug.parse().unwrap()), email: email.parse().unwrap() };
    block_on(forgot_password(&stage.db, stage.post(), &stage.visit(), &asked)).unwrap();
}

fn reset(stage: &Stage, link: &TicketSecret, new: &str) -> Result<(), AuthError> {
    let new = Secret::new(new.to_owned());
    block_on(reset_password(&stage.db, &Unbounded, &stage.vault, &stage.visit(), link, &new))
}

fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "")
}

#[test]
fn a_link_sets_a_new_password_once_and_ends_all_sessions() {
    let stage = Stage::new();
    stage.set_up("acme-corp");
    let before = stage.login(None, OWNER, PASSWORD).unwrap();
    forgot(&stage, None, OWNER);
    let link = stage.link_to(OWNER);
    // A password that will not do leaves the link as it is.
    assert_eq!(reset(&stage, &link, "short").unwrap_err().fields()[0].field, "new_password");
    reset(&stage, &link, NEW).unwrap();
    assert!(stage.check(&Credential::Bearer(before.access_token)).is_err());
    assert_eq!(code(stage.login(None, OWNER, PASSWORD)), "LOGIN_FAILED");
    assert!(stage.login(None, OWNER, NEW).is_ok());
    assert_eq!(code(reset(&stage, &link, "yet another password")), "LINK_INVALID");
    let purposes: Vec<Purpose> = stage.letters().iter().map(|(_, purpose, _)| *purpose).collect();
    assert_eq!(purposes, [Purpose::PasswordReset, Purpose::SecurityNotice]);
    let audited = stage.audited("acme-corp");
    assert!(audited.contains(&"user.password_forgotten".to_owned()));
    assert!(audited.contains(&"user.password_reset".to_owned()));
}

#[test]
fn a_newer_link_ends_the_older_and_a_link_ends_after_half_an_hour() {
    let mut stage = Stage::new();
    stage.set_up("acme-corp");
    forgot(&stage, None, OWNER);
    let first = stage.link_to(OWNER);
    stage.now = stage.now + kernel::Span::minutes(1);
    forgot(&stage, None, OWNER);
    let second = stage.link_to(OWNER);
    assert_eq!(code(reset(&stage, &first, NEW)), "LINK_INVALID");
    stage.now = stage.now + kernel::Span::minutes(30);
    assert_eq!(code(reset(&stage, &second, NEW)), "LINK_INVALID");
}

#[test]
fn nobody_learns_whose_an_address_is() {
    let stage = Stage::new();
    stage.set_up("acme-corp");
    let (counted, counter) = stage.db.counted();
    let statements = |tenant: Option<&str>, email: &str| {
        let asked =
            Forgotten { tenant: tenant.map(|slug| slug.parse().unwrap()), email: email.parse().unwrap() };
        counter.restart();
        block_on(forgot_password(&counted, stage.post(), &stage.visit(), &asked)).unwrap();
        counter.take()
    };
    assert_eq!(statements(None, OWNER), statements(None, "nobody@acme-corp.test"));
    assert_eq!(statements(Some("acme-corp"), OWNER), statements(Some("globex"), "nobody@acme-corp.test"));
    assert_eq!(stage.letters().len(), 2, "nobody gets no letter");
}

#[test]
fn an_address_in_two_tenants_gets_a_letter_for_each_and_is_not_flooded() {
    let stage = Stage::new();
    stage.set_up("acme-corp");
    stage.set_up("globex");
    stage.meddle("UPDATE users SET email = 'ana@example.com'");
    forgot(&stage, None, "ana@example.com");
    assert_eq!(stage.letters().len(), 2);
    for _ in 0..10 {
        forgot(&stage, None, "ana@example.com");
    }
    assert_eq!(stage.letters().len(), 8, "four times in a row, and then slowly");
}

#[test]
fn who_is_disabled_or_comes_by_another_way_gets_no_letter() {
    let stage = Stage::new();
    stage.set_up("acme-corp");
    for sql in [
        "UPDATE users SET state = 'disabled'",
        "UPDATE users SET state = 'active'; ",
        "UPDATE tenants SET settings = '{\"sign_on\":{\"password_allowed\":false}}'",
        "UPDATE tenants SET settings = '{}', state = 'suspended'",
    ] {
        stage.meddle(sql.trim_end_matches("; "));
        if !sql.ends_with("; ") {
            forgot(&stage, Some("acme-corp"), OWNER);
        }
    }
    assert_eq!(stage.letters().len(), 0);
    stage.meddle("UPDATE tenants SET state = 'active'");
    forgot(&stage, Some("acme-corp"), OWNER);
    let link = stage.link_to(OWNER);
    stage.meddle("UPDATE users SET state = 'disabled'");
    assert_eq!(code(reset(&stage, &link, NEW)), "LINK_INVALID");
}

#[test]
fn earlier_passwords_do_not_come_back_and_as_many_as_the_tenant_says_are_kept() {
    let stage = Stage::new();
    let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
    let patch = crate::SettingsPatch { password_history: Some(2), ..Default::default() };
    block_on(crate::service::change_settings(&stage.db, &owner, None, patch)).unwrap();
    let call = stage.as_bearer(&stage.login(None, OWNER, PASSWORD).unwrap().access_token);
    let names = ["password number one", "password number two", "password number three"];
    let [one, two, three] = names;
    assert!(
        change(&stage, &call, PASSWORD, PASSWORD).unwrap_err().fields()[0].message.contains("the last 2")
    );
    change(&stage, &call, PASSWORD, one).unwrap();
    assert_eq!(code(change(&stage, &call, one, PASSWORD)), "VALIDATION_ERROR");
    change(&stage, &call, one, two).unwrap();
    assert_eq!(code(change(&stage, &call, two, one)), "VALIDATION_ERROR");
    change(&stage, &call, two, three).unwrap();
    // The first is out of memory by now.
    change(&stage, &call, three, PASSWORD).unwrap();
    let kept = block_on(async {
        let mut lease = stage.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) AS n FROM password_history";
        lease.all_tenants().unwrap().one::<i64>(sql, []).await.unwrap()
    });
    assert_eq!(kept, Some(2));
}

#[test]
fn the_tenants_policy_holds_for_new_passwords() {
    let stage = Stage::new();
    let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
    let patch = crate::SettingsPatch { password_min_length: Some(15), ..Default::default() };
    block_on(crate::service::change_settings(&stage.db, &owner, None, patch)).unwrap();
    let call = stage.as_bearer(&stage.login(None, OWNER, PASSWORD).unwrap().access_token);
    for (new, wanted) in [
        ("fourteen signs", "15 to 256"),
        ("owner acme-corp signalbox", "your address"),
        ("qwertyuiopasdfgh", "many people"),
    ] {
        let error = change(&stage, &call, PASSWORD, new).unwrap_err();
        assert!(error.fields()[0].message.contains(wanted), "{new}: {:?}", error.fields());
    }
}

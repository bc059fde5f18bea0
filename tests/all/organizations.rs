//! `/api/v1/admin/organizations`: how those who run the installation make, suspend, resume and delete tenants, and nobody else.

use crate::{
    expect,
    stage::{SOON, Stage, data, fresh, get, id, login, post, rule_for, tell, text},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Answer, Client, eventually};

const PATH: &str = "/api/v1/admin/organizations";
const PASSWORD: &str = "correct horse battery staple 9";

/// A client of the platform's administrator.
fn administrator(stage: &Stage) -> Client {
    let (email, password) = stage.host.credentials().unwrap().platform;
    let answer = login(&stage.host.client(), &email, &password);
    assert_eq!(answer.status, 200, "{}", answer.text());
    stage.host.client().with_bearer(text(&answer.json().unwrap(), "access_token"))
}

fn patch(client: &Client, slug: &str, body: &Value) -> Answer {
    client.request("PATCH", &format!("{PATH}/{slug}")).json(body).send().unwrap()
}

fn suspend(client: &Client, slug: &str, reason: &str) {
    let answer = patch(client, slug, &json!({"state": "suspended", "reason": reason}));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn an_administrator_makes_tenants_and_sees_all_of_them() {
    let stage = Stage::own();
    let admin = administrator(&stage);
    let slug = fresh("initech");
    let owner = json!({"email": "bill@initech.example", "name": "Bill", "password": PASSWORD});
    let made = admin.post(PATH, &json!({"id": slug, "name": "Initech", "owner": owner})).unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("location"), Some(format!("{PATH}/{slug}").as_str()));
    let again = json!({"id": slug, "name": "Initech", "owner": {"email": "eve@example.com", "name": "Eve"}});
    expect::problem(&admin.post(PATH, &again).unwrap(), 409, "TENANT_EXISTS");
    for reserved in ["platform", "api", "www", "hooks"] {
        let body = json!({"id": reserved, "name": "X", "owner": {"email": "eve@example.com", "name": "Eve"}});
        expect::fields(&admin.post(PATH, &body).unwrap(), 400, "VALIDATION_ERROR", &["id"]);
    }
    let bill = login(&stage.host.client(), "bill@initech.example", PASSWORD);
    assert_eq!(bill.json().unwrap()["user"]["roles"], json!(["owner"]), "{}", bill.text());

    let slugs = |query: &str| -> Vec<String> {
        data(&get(&admin, &format!("{PATH}?{query}"))).iter().map(id).collect()
    };
    assert_eq!(slugs(""), ["acme-corp".to_owned(), slug.clone(), "platform".to_owned()]);
    assert_eq!(slugs("q=INITECH"), std::slice::from_ref(&slug));
    suspend(&admin, &slug, "Unpaid");
    assert_eq!(slugs("state=suspended"), [slug]);
    expect::fields(&admin.get(&format!("{PATH}?state=gone")).unwrap(), 400, "VALIDATION_ERROR", &["state"]);
    expect::problem(&admin.get(&format!("{PATH}/nobody-at-all")).unwrap(), 404, "NOT_FOUND");
    let audited = get(&admin, "/api/v1/admin/audit?action=tenant.*");
    let actions: Vec<&str> = data(&audited).iter().map(|row| text(row, "action")).collect();
    assert_eq!(actions, ["tenant.suspended", "tenant.created", "tenant.created"], "{audited}");
}

#[test]
fn an_ordinary_tenants_people_see_and_change_only_their_own() {
    let stage = Stage::own();
    let (slug, _) = stage.other_tenant();
    for client in [stage.client(), stage.person()] {
        let seen: Vec<String> = data(&get(&client, PATH)).iter().map(id).collect();
        assert_eq!(seen, ["acme-corp"]);
        for other in [slug.as_str(), "platform", "nobody-at-all"] {
            expect::problem(&client.get(&format!("{PATH}/{other}")).unwrap(), 404, "NOT_FOUND");
            expect::problem(&patch(&client, other, &json!({"name": "Mine"})), 404, "NOT_FOUND");
            let gone = client.delete(&format!("{PATH}/{other}")).unwrap();
            expect::problem(&gone, 403, "FORBIDDEN");
        }
        let renamed = patch(&client, "acme-corp", &json!({"name": "Acme Inc"}));
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        let resumed = patch(&client, "acme-corp", &json!({"state": "suspended", "reason": "x"}));
        expect::fields(&resumed, 400, "VALIDATION_ERROR", &["state", "reason"]);
        let body =
            json!({"id": fresh("mine"), "name": "Mine", "owner": {"email": "a@example.com", "name": "A"}});
        expect::problem(&client.post(PATH, &body).unwrap(), 403, "FORBIDDEN");
    }
    // Nor does the operator's set-up make a second platform, or anybody else one.
    let body =
        json!({"tenant": "platform", "name": "Mine", "email": "eve@example.com", "password": PASSWORD});
    expect::problem(&stage.operator().post("/internal/setup", &body).unwrap(), 409, "TENANT_EXISTS");
}

#[test]
fn a_suspended_tenant_is_told_why_on_every_way_and_its_jobs_wait() {
    let stage = Stage::with_clock();
    let (admin, owner) = (administrator(&stage), stage.client());
    let account = stage.host.credentials().unwrap();
    let session = login(&stage.host.client(), &account.email, &account.password).json().unwrap();
    let person = stage.host.client().with_bearer(text(&session, "access_token"));

    let only = fresh("deal");
    let mut later = tell("late@example.com", "After all");
    later["delay"] = json!(60);
    post(&owner, "/api/v1/automation/rules", &rule_for(&only, &json!([later])), 201);
    let accepted = post(&owner, "/api/v1/events", &crate::stage::event_for(&only, "Big"), 202);
    let job = crate::stage::first_job(&accepted);

    suspend(&admin, "acme-corp", "The invoice of May is open.");
    let refused = |answer: &Answer| {
        let body = expect::problem(answer, 403, "TENANT_SUSPENDED");
        assert!(body["error"]["message"].as_str().unwrap().contains("The invoice of May is open."), "{body}");
    };
    let event = crate::stage::event_for(&only, "Another");
    for client in [&owner, &person] {
        for path in
            ["/api/v1/automation/rules", "/api/v1/jobs", "/api/v1/admin/users", "/api/v1/notifications/inbox"]
        {
            refused(&client.get(path).unwrap());
        }
        refused(&client.post("/api/v1/events", &event).unwrap());
        refused(&client.request("POST", "/api/v1/logout").send().unwrap());
    }
    refused(&login(&stage.host.client(), &account.email, &account.password));
    let body = json!({"refresh_token": session["refresh_token"]});
    refused(&stage.host.client().post("/api/v1/auth/refresh", &body).unwrap());
    // A wrong password is not told what is the matter.
    let wrong = login(&stage.host.client(), &account.email, "not the password");
    expect::problem(&wrong, 401, "LOGIN_FAILED");

    stage.pass(Duration::from_secs(3600));
    stage.tick();
    let resumed = patch(&admin_again(&stage, &admin), "acme-corp", &json!({"state": "active"}));
    assert_eq!(resumed.status, 200, "{}", resumed.text());
    crate::stage::job(&owner, &job, "done");
    let job = get(&owner, &format!("/api/v1/jobs/{job}"));
    let attempts =
        job["attempts"].as_array().or_else(|| job["tries"].as_array()).cloned().unwrap_or_default();
    assert_eq!(attempts.len(), 1, "it waited and was not tried meanwhile: {job}");
    assert_eq!(data(&get(&owner, "/api/v1/admin/audit?action=tenant.*&limit=2")).len(), 2);
}

/// The administrator, whose access token may have ended while the clock moved.
fn admin_again(stage: &Stage, admin: &Client) -> Client {
    if admin.get(PATH).unwrap().status == 200 { admin.clone_unconnected() } else { administrator(stage) }
}

#[test]
fn only_a_suspended_tenant_is_deleted_and_then_nothing_of_it_is_left() {
    let stage = Stage::own();
    let admin = administrator(&stage);
    let (slug, other) = stage.other_tenant();
    crate::tenants::furnish(&other);
    let there = format!("{PATH}/{slug}");
    expect::problem(&admin.delete(&there).unwrap(), 409, "ORGANIZATION_NOT_SUSPENDED");
    for answer in [
        admin.delete(&format!("{PATH}/platform")),
        Ok(patch(&admin, "platform", &json!({"state": "suspended", "reason": "x"}))),
    ] {
        expect::problem(&answer.unwrap(), 409, "ORGANIZATION_PLATFORM");
    }
    suspend(&admin, &slug, "They left");
    let deleted = admin.delete(&there).unwrap();
    assert_eq!(
        (deleted.status, &deleted.json().unwrap()["state"]),
        (202, &json!("deleting")),
        "{}",
        deleted.text()
    );
    let gone = eventually(SOON, || Some(admin.get(&there).unwrap()).filter(|answer| answer.status == 404));
    assert!(gone.is_some(), "still there: {}", get(&admin, &there));
    expect::problem(&other.get("/api/v1/automation/rules").unwrap(), 401, "CREDENTIAL_INVALID");
    let jobs = get(&admin, "/api/v1/jobs?kind=erase_tenant");
    assert_eq!(data(&jobs).len(), 1, "{jobs}");
    let audited = get(&admin, "/api/v1/admin/audit?action=tenant.*&limit=3");
    let actions: Vec<&str> = data(&audited).iter().map(|row| text(row, "action")).collect();
    assert_eq!(actions, ["tenant.removed", "tenant.given_up", "tenant.suspended"], "{audited}");
    assert_eq!(get(&admin, "/api/v1/admin/audit/verify")["holds"], true);

    // The slug is free again, and what comes there finds nothing of before.
    let owner = json!({"email": "new@example.com", "name": "New", "password": PASSWORD});
    post(&admin, PATH, &json!({"id": slug, "name": "Anew", "owner": owner}), 201);
    let session = login(&stage.host.client(), "new@example.com", PASSWORD).json().unwrap();
    let new = stage.host.client().with_bearer(text(&session, "access_token"));
    assert_eq!(data(&get(&new, "/api/v1/automation/rules")).len(), 0);
    assert_eq!(stage.client().get("/api/v1/automation/rules").unwrap().status, 200, "the others go on");
}

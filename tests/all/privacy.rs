//! A person's data: all of it for them, none of it after their erasure; and nothing for longer than the tenant says.

use crate::{
    expect,
    stage::{SOON, Stage, data, event_for, get, id, login, post, rule_for, tell, text},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command, time::Duration};
use tests::eventually;

const EMAIL: &str = "anneliese.testperson@example.com";
const NAME: &str = "Anneliese Testperson";
const PASSWORD: &str = "a passphrase of hers 7";

fn ana(stage: &Stage) -> String {
    stage.user(&stage.client(), EMAIL, NAME, PASSWORD, &[]).0
}

/// How often a text stands in the files of the database.
fn in_files(state: &Path, text: &str) -> usize {
    let wanted = text.to_lowercase().into_bytes();
    fs::read_dir(state.join("sqlite"))
        .unwrap()
        .flatten()
        .map(|file| fs::read(file.path()).unwrap().to_ascii_lowercase())
        .map(|bytes| bytes.windows(wanted.len()).filter(|window| *window == wanted).count())
        .sum()
}

#[test]
fn a_person_gets_all_of_it_and_is_gone_when_erased() {
    let stage = Stage::own();
    let client = stage.client();
    let ana = ana(&stage);
    let answer = login(&stage.host.client(), EMAIL, PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session = answer.json().unwrap();
    let herself = stage.host.client().with_bearer(text(&session, "access_token"));
    post(&client, "/api/v1/automation/rules", &rule_for("hers", &json!([tell(EMAIL, "For you")])), 201);
    let accepted = post(&client, "/api/v1/events", &event_for("hers", EMAIL), 202);
    crate::stage::job(&client, &crate::stage::first_job(&accepted), "done");

    let task = json!({"title": "Hers", "assignee": EMAIL, "description": format!("Ask {EMAIL}")});
    let task = id(&post(&client, "/api/v1/tasks", &task, 201));
    post(&herself, &format!("/api/v1/tasks/{task}/comments"), &json!({"text": format!("I am {EMAIL}")}), 201);
    post(&client, "/api/v1/tasks", &json!({"title": EMAIL, "labels": [EMAIL]}), 201);

    let own = get(&herself, "/api/v1/auth/export");
    assert_eq!((text(&own["person"], "email"), &own["next"]), (EMAIL, &Value::Null), "{own}");
    for section in ["user", "roles", "sessions", "api_keys", "messages", "tasks", "task_comments", "audit"] {
        assert!(own["sections"][section].is_array(), "{section} is missing: {own}");
    }
    assert_eq!(own["sections"]["messages"][0]["body"], "For you", "{own}");
    assert_eq!(own["sections"]["tasks"][0]["title"], "Hers", "{own}");
    assert!(text(&own["sections"]["task_comments"][0], "text").starts_with("I am "), "{own}");
    assert!(!own.to_string().contains("argon2") && !own.to_string().contains("hash"), "{own}");
    let hers = post(&client, &format!("/api/v1/admin/users/{ana}/export"), &json!({}), 200);
    assert_eq!(hers["sections"]["user"], own["sections"]["user"]);

    let erase = format!("/api/v1/admin/users/{ana}/erase");
    let slip = client.post(&erase, &json!({"confirm": "somebody@example.com"})).unwrap();
    expect::problem(&slip, 422, "ERASURE_NOT_CONFIRMED");
    let begun = client.post(&erase, &json!({"confirm": EMAIL})).unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(herself.get("/api/v1/auth/user").unwrap().status, 401, "they are out at once");
    let state = format!("/api/v1/admin/users/{ana}/erasure");
    let done = eventually(SOON, || Some(get(&client, &state)).filter(|now| text(now, "state") == "done"));
    let done = done.unwrap_or_else(|| panic!("is not done: {}", get(&client, &state)));
    assert!(done["counts"]["messages_deleted"].as_u64() >= Some(1), "{done}");
    assert_eq!(login(&stage.host.client(), EMAIL, PASSWORD).status, 401);
    assert_eq!(client.get(&format!("/api/v1/admin/users/{ana}")).unwrap().status, 404);
    let left = get(&client, &format!("/api/v1/tasks/{task}"));
    assert_eq!(left["assignee"], json!({"id": ana, "email": null, "name": null}), "the pseudonym keeps it");
    let verified = get(&client, "/api/v1/admin/audit/verify");
    assert_eq!(verified["holds"], true, "{verified}");
    let about = get(&client, &format!("/api/v1/admin/audit?subject={ana}&limit=200"));
    assert!(data(&about).iter().any(|row| row["action"] == "person.erased"), "{about}");

    let (_, state) = stage.host.terminate(Duration::from_secs(20)).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/signalbox");
    let compact = Command::new(program).arg("compact").arg("--state").arg(state.path()).output().unwrap();
    assert!(compact.status.success(), "{}", String::from_utf8_lossy(&compact.stderr));
    for text in [EMAIL, NAME] {
        assert_eq!(in_files(state.path(), text), 0, "{text} is left in the database");
    }
    assert!(in_files(state.path(), &ana) > 0, "the pseudonym stays");
}

#[test]
fn neither_the_last_owner_nor_oneself_is_erased() {
    let stage = Stage::own();
    let owner = stage.host.credentials().unwrap().email;
    let person = stage.person();
    let me = id(&get(&person, "/api/v1/auth/user"));
    let erase = format!("/api/v1/admin/users/{me}/erase");
    expect::problem(&person.post(&erase, &json!({"confirm": owner})).unwrap(), 403, "ERASURE_OF_ONESELF");
    expect::problem(&stage.client().post(&erase, &json!({"confirm": owner})).unwrap(), 409, "LAST_OWNER");
    let by_key = stage.client().get("/api/v1/auth/export").unwrap();
    expect::problem(&by_key, 403, "SESSION_REQUIRED");
}

#[test]
fn what_is_old_goes_by_itself_and_the_audit_still_holds() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let first = id(&post(&client, "/api/v1/events", &event_for("old", "Old"), 202));
    // The day's look at a new tenant finds nothing.
    stage.tick();
    stage.pass(Duration::from_secs(100 * 24 * 3600));
    let second = id(&post(&client, "/api/v1/events", &event_for("young", "Young"), 202));
    let gone = eventually(SOON, || {
        stage.tick();
        (client.get(&format!("/api/v1/events/{first}")).unwrap().status == 404).then_some(())
    });
    assert!(gone.is_some(), "an event of 100 days ago is still there");
    assert_eq!(client.get(&format!("/api/v1/events/{second}")).unwrap().status, 200);
    assert_eq!(get(&client, "/api/v1/admin/audit/verify")["holds"], true);

    let before = get(&client, "/api/v1/admin/audit/head");
    let settings = client.patch("/api/v1/admin/settings", &json!({"retention": {"audit_days": 50}})).unwrap();
    assert_eq!(settings.status, 200, "{}", settings.text());
    stage.pass(Duration::from_secs(25 * 3600));
    let cut = eventually(SOON, || {
        stage.tick();
        let cut = get(&client, "/api/v1/admin/audit?action=audit.retention");
        data(&cut).first().cloned()
    });
    let cut = cut.expect("old rows of the audit are still there");
    let verified = get(&client, "/api/v1/admin/audit/verify");
    assert_eq!(verified["holds"], true, "{verified}");
    let kept = get(
        &client,
        &format!("/api/v1/admin/audit/verify?sequence={}&hash={}", before["sequence"], text(&before, "hash")),
    );
    assert_eq!(kept["holds"], true, "a head that was kept still holds: {kept}");
    let first = client.get("/api/v1/admin/audit/export").unwrap().text();
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(first["sequence"].as_i64(), cut["after"]["removed_to"].as_i64().map(|to| to + 1));
    assert_eq!(first["previous"], cut["after"]["hash"]);
}

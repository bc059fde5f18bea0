//! `/api/v1/events`: what is accepted, found again, told apart.

use crate::{
    expect,
    stage::{
        SOON, Stage, data, event_for, first_job, fresh, get, id, look, message, post, rule_for, tell, text,
    },
};
use serde_json::json;
use tests::eventually;

#[test]
fn an_accepted_event_is_there_with_its_jobs() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let recipient = format!("{only}@example.com");
    let rule = post(
        &client,
        "/api/v1/automation/rules",
        &rule_for(&only, &json!([tell(&recipient, "{{opportunity_name}} is new")])),
        201,
    );
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Grüße & <b>more</b> {{x}}"), 202);
    assert_eq!(accepted["matched"], json!([id(&rule)]));

    let event = get(&client, &format!("/api/v1/events/{}", id(&accepted)));
    assert_eq!(event["data"]["opportunity_id"], only.as_str());
    let job = look(&client, &first_job(&accepted));
    assert!(matches!(text(&job, "state"), "queued" | "leased" | "done"), "{job}");
    // What an event carries is text, never a template or markup of ours.
    message(&client, &recipient, "Grüße & <b>more</b> {{x}} is new");
}

#[test]
fn every_matching_rule_has_its_own_jobs() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let two = json!([tell("one@example.com", "one"), tell("two@example.com", "two")]);
    let rules: Vec<String> =
        (0..3).map(|_| id(&post(&client, "/api/v1/automation/rules", &rule_for(&only, &two), 201))).collect();
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let mut matched: Vec<&str> =
        accepted["matched"].as_array().unwrap().iter().filter_map(|id| id.as_str()).collect();
    matched.sort_unstable();
    let mut wanted: Vec<&str> = rules.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    assert_eq!(matched, wanted);
    assert_eq!(accepted["jobs"].as_array().map(Vec::len), Some(6));
}

#[test]
fn events_are_filtered_by_trigger_and_rule() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let rule = id(&post(
        &client,
        "/api/v1/automation/rules",
        &rule_for(&only, &json!([tell("a@example.com", "a")])),
        201,
    ));
    let event = id(&post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202));
    let is_listed = |filter: &str| {
        let list = get(&client, &format!("/api/v1/events?limit=200&{filter}"));
        data(&list).iter().any(|entry| text(entry, "id") == event)
    };
    assert!(is_listed("trigger_id=opportunity_created"));
    assert!(!is_listed("trigger_id=lead_created"));
    assert!(is_listed(&format!("rule_id={rule}")));
}

#[test]
fn numbers_are_kept_exactly_as_sent() {
    let client = Stage::shared_client();
    let number = "123456789012345678901234567890.10";
    let body = format!(
        r#"{{"event": "high_value_opportunity", "data": {{"opportunity_id": "o-n", "opportunity_name": "Exact", "value": {number}}}}}"#
    );
    let answer = client.request("POST", "/api/v1/events").body("application/json", body).send().unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = id(&answer.json().unwrap());
    let event = client.get(&format!("/api/v1/events/{id}")).unwrap().text();
    assert!(event.contains(number), "the number was changed: {event}");
    message(&client, "sales-manager@example.com", &format!("Exact - ${number}"));
}

#[test]
fn the_same_event_twice_is_two_events() {
    let client = Stage::shared_client();
    let body = event_for(&fresh("o"), "Twice");
    let (one, two) =
        (post(&client, "/api/v1/events", &body, 202), post(&client, "/api/v1/events", &body, 202));
    assert_ne!(one["id"], two["id"], "only an explicit key makes a duplicate");
    assert_eq!((&one["duplicate"], &two["duplicate"]), (&json!(false), &json!(false)));
}

#[test]
fn missing_data_of_a_trigger_is_told_all_at_once() {
    let client = Stage::shared_client();
    let answer =
        client.post("/api/v1/events", &json!({"event": "opportunity_stage_changed", "data": {}})).unwrap();
    expect::fields(
        &answer,
        400,
        "VALIDATION_ERROR",
        &["data.opportunity_id", "data.old_stage", "data.new_stage"],
    );
}

#[test]
fn a_trace_tells_of_every_action() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let actions = json!([tell("x@example.com", "to x"), tell("y@example.com", "to y")]);
    post(&client, "/api/v1/automation/rules", &rule_for(&only, &actions), 201);
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let path = format!("/api/v1/events/{}/trace", id(&accepted));
    let whole = eventually(SOON, || {
        let trace = get(&client, &path).to_string();
        (trace.matches("\"done\"").count() >= 2).then_some(trace)
    })
    .unwrap_or_else(|| panic!("the jobs are not done: {}", get(&client, &path)));
    for job in accepted["jobs"].as_array().unwrap() {
        assert!(whole.contains(job.as_str().unwrap()), "{job} is missing in {whole}");
    }
}

//! `Idempotency-Key`: the same request again is the same answer again.

use crate::{
    expect,
    stage::{Stage, event_for, fresh, id, rule_for, tell},
};
use serde_json::{Value, json};
use std::thread;
use tests::{Answer, Client};

fn send(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    client.request("POST", path).header("Idempotency-Key", key).json(body).send().unwrap()
}

#[test]
fn the_same_key_and_body_give_the_stored_answer() {
    let client = Stage::shared_client();
    let path = "/api/v1/automation/rules";
    let (key, body) = (fresh("key"), rule_for(&fresh("o"), &json!([tell("a@example.com", "a")])));
    let first = send(&client, path, &key, &body);
    assert_eq!(first.status, 201, "{}", first.text());
    let again = send(&client, path, &key, &body);
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(again.header("etag"), first.header("etag"));

    // Also in the other form, which is not the one that was kept.
    let request = client.request("POST", path).header("Idempotency-Key", &key).json(&body);
    let wrapped = request.header("Accept", "application/vnd.api+json").send().unwrap().json().unwrap();
    assert_eq!(wrapped["data"]["type"], "rule", "{wrapped}");

    let mut other = body.clone();
    other["name"] = json!("Another");
    expect::problem(&send(&client, path, &key, &other), 422, "IDEMPOTENCY_MISMATCH");
}

#[test]
fn an_event_sent_again_under_its_key_is_one_event() {
    let client = Stage::shared_client();
    let (key, body) = (fresh("key"), event_for(&fresh("o"), "Once"));
    let first = send(&client, "/api/v1/events", &key, &body);
    assert_eq!(first.status, 202, "{}", first.text());
    let again = send(&client, "/api/v1/events", &key, &body);
    assert_eq!(again.status, 202, "{}", again.text());
    assert_eq!(id(&again.json().unwrap()), id(&first.json().unwrap()));
    expect::problem(
        &send(&client, "/api/v1/events", &key, &event_for("other", "Twice")),
        422,
        "IDEMPOTENCY_MISMATCH",
    );
}

#[test]
fn many_at_once_under_one_key_are_one() {
    let stage = Stage::shared();
    let (key, body) = (fresh("key"), event_for(&fresh("o"), "Race"));
    let answers: Vec<Answer> = thread::scope(|scope| {
        let senders: Vec<_> =
            (0..8).map(|_| scope.spawn(|| send(&stage.client(), "/api/v1/events", &key, &body))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    let mut ids: Vec<String> = Vec::new();
    for answer in &answers {
        match answer.status {
            202 => ids.push(id(&answer.json().unwrap())),
            409 => drop(expect::problem(answer, 409, "IDEMPOTENCY_RUNNING")),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one event, whoever asked: {ids:?}");
}

#[test]
fn a_refused_request_may_be_mended_under_its_key_only_as_itself() {
    let client = Stage::shared_client();
    let key = fresh("key");
    let bad = send(&client, "/api/v1/events", &key, &json!({"event": "no_such_trigger", "data": {}}));
    assert_eq!(bad.status, 400, "{}", bad.text());
    let again = send(&client, "/api/v1/events", &key, &json!({"event": "no_such_trigger", "data": {}}));
    assert_eq!(again.status, 400, "{}", again.text());
    let long = "k".repeat(300);
    let answer = send(&client, "/api/v1/events", &long, &event_for("x", "x"));
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["Idempotency-Key"]);
}

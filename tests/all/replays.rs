//! `/api/v1/webhooks/…/replay`: what failed, or was never sent, reaches the endpoint after all; counted first, watched, called off.

use crate::{
    expect,
    stage::{SOON, Stage, data, first_job, fresh, get, id, job, post, text},
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Receiver, Reply};

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
const REPLAYS: &str = "/api/v1/webhooks/replays";

/// An endpoint at `receiver` for deals of this name.
fn endpoint(client: &Client, receiver: &Receiver, only: &str) -> String {
    let wish = json!({"url": receiver.url("/hooks"), "event_types": ["sales.opportunity_created"],
        "filter": [{"type": "equals", "field": "opportunity_id", "value": only}], "retry_schedule": []});
    id(&post(client, ENDPOINTS, &wish, 201))
}

fn happen(client: &Client, only: &str, name: &str) -> Value {
    let event = json!({"event": "opportunity_created",
        "data": {"opportunity_id": only, "opportunity_name": name}});
    post(client, "/api/v1/events", &event, 202)
}

/// When the first deal came in, of which nobody knows yet.
fn since(client: &Client, only: &str) -> String {
    let first = happen(client, only, "first");
    text(&get(client, &format!("/api/v1/events/{}", id(&first))), "received_at").to_owned()
}

fn wish(which: &str, since: &str, dry_run: bool) -> Value {
    json!({"which": which, "since": since, "dry_run": dry_run})
}

#[test]
fn what_was_never_sent_is_counted_sent_and_told_of() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let only = fresh("o");
    let since = since(&client, &only);
    happen(&client, &only, "second");
    happen(&client, &fresh("o"), "another's");
    let endpoint = endpoint(&client, &receiver, &only);
    let path = format!("{ENDPOINTS}/{endpoint}/replay");
    let counted = post(&client, &path, &wish("never_sent", &since, true), 200);
    assert_eq!((&counted["count"], &counted["is_more"]), (&json!(2), &json!(false)), "{counted}");
    assert_eq!((&counted["per_minute"], &counted["takes_seconds"]), (&json!(600), &json!(1)));
    assert_eq!(receiver.deliveries().len(), 0, "counting changes nothing");

    let begun = post(&client, &path, &wish("never_sent", &since, false), 202);
    job(&client, text(&begun, "job_id"), "done");
    let taken = receiver.accepted(2, SOON).expect("both");
    let names: Vec<String> =
        taken.iter().map(|one| one.json()["data"]["opportunity_name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["first", "second"]);
    let replay = get(&client, &format!("{REPLAYS}/{}", id(&begun)));
    assert_eq!((text(&replay, "state"), &replay["total"], &replay["queued"]), ("done", &json!(2), &json!(2)));
    let list = get(&client, &format!("{ENDPOINTS}/{endpoint}/replays"));
    assert_eq!(data(&list)[0]["id"], replay["id"]);
    let again = post(&client, &path, &wish("never_sent", &since, true), 200);
    assert_eq!(again["count"], 0, "{again}");
}

#[test]
fn what_failed_comes_again_under_its_id() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Status(400)).unwrap();
    let only = fresh("o");
    let since = since(&client, &only);
    let endpoint = endpoint(&client, &receiver, &only);
    let accepted = happen(&client, &only, "second");
    let failed = first_job(&accepted);
    job(&client, &failed, "dead");
    receiver.reply(Reply::Accept);
    let path = format!("{ENDPOINTS}/{endpoint}/replay");
    let begun = post(&client, &path, &wish("failed", &since, false), 202);
    job(&client, &failed, "done");
    let ids: Vec<String> =
        receiver.deliveries().iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids, [failed.clone(), failed]);
    job(&client, text(&begun, "job_id"), "done");
    let replay = get(&client, &format!("{REPLAYS}/{}", id(&begun)));
    assert_eq!(replay["deliveries"]["done"], 1, "{replay}");
    let late = client.post(&format!("{REPLAYS}/{}/cancel", id(&begun)), &json!({})).unwrap();
    expect::problem(&late, 409, "WEBHOOK_REPLAY_ENDED");
}

#[test]
fn one_that_is_called_off_gives_back_what_waits() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let only = fresh("o");
    let since = since(&client, &only);
    for number in 0..5 {
        happen(&client, &only, &format!("Deal {number}"));
    }
    let endpoint = endpoint(&client, &receiver, &only);
    let path = format!("{ENDPOINTS}/{endpoint}/replay");
    let slow = json!({"which": "never_sent", "since": since, "per_minute": 1, "dry_run": false});
    stage.pass(Duration::from_secs(1));
    let begun = post(&client, &path, &slow, 202);
    receiver.accepted(1, SOON).expect("the first leaves at once");
    let cancelled = post(&client, &format!("{REPLAYS}/{}/cancel", id(&begun)), &json!({}), 200);
    assert_eq!(text(&cancelled, "state"), "cancelled");
    assert_eq!(cancelled["deliveries"]["waiting"], 0, "{cancelled}");
    for _ in 0..5 {
        stage.pass(Duration::from_secs(60));
        stage.tick();
    }
    assert_eq!(receiver.deliveries().len(), 1);
    let counted = post(&client, &path, &wish("never_sent", &since, true), 200);
    assert_eq!(counted["count"], 5, "what was called off was never sent: {counted}");
}

#[test]
fn all_that_is_wrong_is_told_and_one_that_is_off_is_refused() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let endpoint = endpoint(&client, &receiver, &fresh("o"));
    let path = format!("{ENDPOINTS}/{endpoint}/replay");
    let faulty = json!({"which": "all", "since": "yesterday", "until": "now", "per_minute": 0});
    let answer = client.post(&path, &faulty).unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
    let told = answer.json().unwrap();
    let fields: Vec<&str> = data_of(&told).iter().filter_map(|one| one["field"].as_str()).collect();
    assert_eq!(fields, ["which", "since", "until", "per_minute"]);
    let unknown =
        client.post(&path, &json!({"which": "failed", "since": "2020-01-01T00:00:00Z", "x": 1})).unwrap();
    expect::problem(&unknown, 400, "VALIDATION_ERROR");
    let long_ago = client.post(&path, &wish("never_sent", "2020-01-01T00:00:00Z", true)).unwrap();
    expect::problem(&long_ago, 400, "VALIDATION_ERROR");
    let off = json!({"is_active": false});
    assert_eq!(client.patch(&format!("{ENDPOINTS}/{endpoint}"), &off).unwrap().status, 200);
    let refused = client.post(&path, &wish("failed", "2020-01-01T00:00:00Z", false)).unwrap();
    expect::problem(&refused, 409, "WEBHOOK_ENDPOINT_DISABLED");
}

fn data_of(problem: &Value) -> &Vec<Value> {
    problem["error"]["details"].as_array().unwrap()
}

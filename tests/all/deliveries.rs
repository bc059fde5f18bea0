//! From a job to somebody's door: webhook and Slack channels, retries, dead letters, redrive.

use crate::stage::{
    SOON, Stage, data, delivering_job, event_for, fresh, get, id, job, look, post, rule_for, tell_by, text,
};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Receiver, Reply, eventually};

/// A channel to `receiver`, and a rule that tells by it; what the rule waits for is its `only`.
fn set_up(client: &Client, kind: &str, receiver: &Receiver) -> (String, String) {
    let (only, channel) = (fresh("o"), fresh("channel"));
    let body = json!({"name": channel, "kind": kind, "url": receiver.url("/in")});
    let made = post(client, "/api/v1/notifications/channels", &body, 201);
    assert!(!made.to_string().contains("/in\""), "the address may carry tokens and is shown masked: {made}");
    let actions = json!([tell_by(&channel, "team@example.com", "{{opportunity_name}} is here")]);
    post(client, "/api/v1/automation/rules", &rule_for(&only, &actions), 201);
    (only, channel)
}

fn send(client: &Client, only: &str, name: &str) -> Value {
    post(client, "/api/v1/events", &event_for(only, name), 202)
}

#[test]
fn slack_gets_what_slack_reads() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Slack).unwrap();
    let (only, _) = set_up(&client, "slack", &receiver);
    let accepted = send(&client, &only, "Ship & <anchor>");
    let taken =
        receiver.accepted(1, SOON).unwrap_or_else(|| panic!("nothing came: {:?}", receiver.deliveries()));
    // Slack's own escapes: https://docs.slack.dev/messaging/formatting-message-text
    assert_eq!(taken[0].json()["text"], "Ship &amp; &lt;anchor&gt; is here");
    job(&client, &delivering_job(&client, &accepted), "done");
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn a_customer_gets_the_message_with_its_key() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let accepted = send(&client, &only, "Ship");
    let taken =
        receiver.accepted(1, SOON).unwrap_or_else(|| panic!("nothing came: {:?}", receiver.deliveries()));
    let delivery = &taken[0];
    assert_eq!((delivery.method.as_str(), delivery.path.as_str()), ("POST", "/in"));
    assert!(delivery.json().to_string().contains("Ship is here"), "{}", delivery.json());
    assert_eq!(delivery.headers.get("content-type").map(String::as_str), Some("application/json"));
    assert!(
        delivery.headers.get("idempotency-key").is_some_and(|key| !key.is_empty()),
        "{:?}",
        delivery.headers
    );
    let trace = eventually(SOON, || {
        let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&accepted)));
        trace.to_string().contains("delivered").then_some(trace)
    });
    assert!(trace.is_some(), "{}", get(&client, &format!("/api/v1/events/{}/trace", id(&accepted))));
}

#[test]
fn a_receiver_that_was_away_gets_it_once() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let mut receiver = Receiver::start(Reply::Accept).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    receiver.stop();
    let id = delivering_job(&client, &send(&client, &only, "Patient"));
    let failed = tried(&client, &id, 1);
    assert_eq!(text(&failed, "state"), "queued", "{failed}");
    assert!(!text(&failed, "last_error").is_empty(), "{failed}");

    receiver.restart().unwrap();
    stage.pass(Duration::from_secs(3600));
    stage.tick();
    job(&client, &id, "done");
    assert_eq!(receiver.accepted(1, SOON).map(|taken| taken.len()), Some(1), "delivered once");
}

#[test]
fn a_wrong_address_ends_in_a_dead_letter_and_can_be_redriven() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(500)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let id = delivering_job(&client, &send(&client, &only, "Stubborn"));
    let mut count = 1;
    let dead = loop {
        let job = tried(&client, &id, count);
        if text(&job, "state") == "dead" {
            break job;
        }
        assert_eq!(text(&job, "state"), "queued", "{job}");
        assert!(count < 30, "is never given up: {job}");
        stage.pass(Duration::from_secs(24 * 3600));
        stage.tick();
        count += 1;
    };
    assert!(attempts(&dead) > 1, "{dead}");
    let tried = receiver.deliveries();
    assert_eq!(tried.len(), attempts(&dead));
    let keys: Vec<_> = tried.iter().filter_map(|delivery| delivery.headers.get("idempotency-key")).collect();
    assert!(
        keys.len() == tried.len() && keys.iter().all(|key| *key == keys[0]),
        "one delivery, one key: {keys:?}"
    );
    let letters = get(&client, "/api/v1/jobs/dead");
    assert!(data(&letters).iter().any(|letter| text(letter, "id") == id), "{letters}");

    receiver.reply(Reply::Accept);
    let path = format!("/api/v1/jobs/{id}/retry");
    let answer = client.request("POST", &path).send().unwrap();
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    job(&client, &id, "done");
    assert_eq!(receiver.accepted(1, SOON).map(|taken| taken.len()), Some(1));
    let again = client.request("POST", &path).send().unwrap();
    crate::expect::problem(&again, 409, "JOB_NOT_RETRYABLE");
}

#[test]
fn many_dead_letters_are_counted_before_they_are_redriven() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(410)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let ids: Vec<String> = (0..3)
        .map(|number| delivering_job(&client, &send(&client, &only, &format!("Gone {number}"))))
        .collect();
    for id in &ids {
        let mut count = 1;
        while text(&tried(&client, id, count), "state") != "dead" {
            assert!(count < 30, "is never given up");
            stage.pass(Duration::from_secs(24 * 3600));
            stage.tick();
            count += 1;
        }
    }
    receiver.reply(Reply::Accept);
    let path = "/api/v1/jobs/dead/redrive";
    assert_eq!(post(&client, path, &json!({}), 200)["count"], 3);
    assert_eq!(
        receiver.accepted(1, Duration::ZERO).map(|taken| taken.len()),
        None,
        "counting changes nothing"
    );
    assert_eq!(post(&client, path, &json!({"dry_run": false}), 200)["count"], 3);
    for id in &ids {
        job(&client, id, "done");
    }
    assert_eq!(receiver.accepted(3, SOON).map(|taken| taken.len()), Some(3));
}

#[test]
fn retry_after_is_kept() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::RetryAfter(503, 300)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let id = delivering_job(&client, &send(&client, &only, "Later"));
    assert_eq!(text(&tried(&client, &id, 1), "state"), "queued");
    assert_eq!(receiver.deliveries().len(), 1);
    receiver.reply(Reply::Accept);
    stage.pass(Duration::from_secs(200));
    stage.tick();
    assert_eq!(receiver.deliveries().len(), 1, "came before the receiver wanted it");
    stage.pass(Duration::from_secs(200));
    stage.tick();
    job(&client, &id, "done");
    assert_eq!(receiver.accepted(1, SOON).map(|taken| taken.len()), Some(1));
}

#[test]
fn a_cancelled_delivery_does_not_go_out() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(503)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let id = delivering_job(&client, &send(&client, &only, "Never mind"));
    tried(&client, &id, 1);
    receiver.reply(Reply::Accept);
    let answer = client.request("POST", &format!("/api/v1/jobs/{id}/cancel")).send().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    stage.pass(Duration::from_secs(24 * 3600));
    stage.tick();
    assert_eq!(text(&look(&client, &id), "state"), "cancelled");
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn a_receiver_that_hangs_is_given_up_on() {
    let stage = Stage::own();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Hang).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let id = delivering_job(&client, &send(&client, &only, "Silence"));
    // Longer than any attempt may take; another tenant's job would not wait for it.
    let job = eventually(Duration::from_secs(60), || {
        Some(look(&client, &id)).filter(|job| attempts(job) >= 1 && text(job, "state") == "queued")
    });
    assert!(job.is_some(), "still waiting: {}", look(&client, &id));
}

#[test]
fn addresses_of_ones_own_network_are_refused_by_default() {
    let stage = Stage::of_host(tests::Signalbox::start(&[]).unwrap());
    let client = stage.client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let channel = json!({"name": fresh("channel"), "kind": "webhook", "url": receiver.url("/in")});
    let answer = client.post("/api/v1/notifications/channels", &channel).unwrap();
    crate::expect::problem(&answer, 400, "VALIDATION_ERROR");
    // A name that leads to this machine is no better than its address.
    let named = json!({"name": fresh("channel"), "kind": "webhook", "url": receiver.url("/in").replace("127.0.0.1", "localhost")});
    let answer = client.post("/api/v1/notifications/channels", &named).unwrap();
    if answer.status == 201 {
        let only = fresh("o");
        let actions = json!([tell_by(text(&named, "name"), "team@example.com", "x")]);
        post(&client, "/api/v1/automation/rules", &rule_for(&only, &actions), 201);
        let id = delivering_job(&client, &send(&client, &only, "Inside"));
        tried(&client, &id, 1);
    } else {
        crate::expect::problem(&answer, 400, "VALIDATION_ERROR");
    }
    assert!(receiver.deliveries().is_empty(), "a private address was reached");
}

/// Waits until the job was tried so often and nobody holds it.
fn tried(client: &Client, id: &str, count: usize) -> Value {
    eventually(SOON, || {
        Some(look(client, id)).filter(|job| attempts(job) >= count && text(job, "state") != "leased")
    })
    .unwrap_or_else(|| panic!("was not tried {count} times: {}", look(client, id)))
}

fn attempts(job: &Value) -> usize {
    job["attempts"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

//! From a job to somebody's door: webhook and Slack channels, retries, dead letters, redrive.

use crate::stage::{SOON, Stage, event_for, first_job, fresh, get, id, job, post, rule_for, tell_by, text};
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
    let client = Stage::shared().client();
    let receiver = Receiver::start(Reply::Slack).unwrap();
    let (only, _) = set_up(&client, "slack", &receiver);
    let accepted = send(&client, &only, "Ship & <anchor>");
    let taken =
        receiver.accepted(1, SOON).unwrap_or_else(|| panic!("nothing came: {:?}", receiver.deliveries()));
    // Slack's own escapes: https://docs.slack.dev/messaging/formatting-message-text
    assert_eq!(taken[0].json()["text"], "Ship &amp; &lt;anchor&gt; is here");
    job(&client, &first_job(&accepted), "done");
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn a_customer_gets_the_message_with_its_key() {
    let client = Stage::shared().client();
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
    let accepted = send(&client, &only, "Patient");
    let id = first_job(&accepted);
    let failed = eventually(SOON, || {
        Some(get(&client, &format!("/api/v1/jobs/{id}"))).filter(|job| attempts(job) >= 1)
    });
    let failed = failed
        .unwrap_or_else(|| panic!("no attempt was made: {}", get(&client, &format!("/api/v1/jobs/{id}"))));
    assert_eq!(text(&failed, "state"), "queued", "{failed}");

    receiver.restart().unwrap();
    let done = eventually(Duration::from_secs(60), || {
        stage.pass(Duration::from_secs(60));
        Some(get(&client, &format!("/api/v1/jobs/{id}"))).filter(|job| text(job, "state") == "done")
    });
    assert!(done.is_some(), "not delivered: {}", get(&client, &format!("/api/v1/jobs/{id}")));
    assert_eq!(receiver.accepted(1, SOON).map(|taken| taken.len()), Some(1), "delivered once");
}

#[test]
fn a_wrong_address_ends_in_a_dead_letter_and_can_be_redriven() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(500)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let accepted = send(&client, &only, "Stubborn");
    let id = first_job(&accepted);
    let path = format!("/api/v1/jobs/{id}");
    let dead = eventually(Duration::from_secs(120), || {
        stage.pass(Duration::from_secs(3600));
        Some(get(&client, &path)).filter(|job| text(job, "state") == "dead")
    });
    let dead = dead.unwrap_or_else(|| panic!("does not die: {}", get(&client, &path)));
    assert!(attempts(&dead) > 1, "{dead}");
    let tried = receiver.deliveries();
    assert_eq!(tried.len(), attempts(&dead));
    let keys: Vec<_> = tried.iter().filter_map(|delivery| delivery.headers.get("idempotency-key")).collect();
    assert!(
        keys.len() == tried.len() && keys.iter().all(|key| *key == keys[0]),
        "one job, one key: {keys:?}"
    );
    let letters = get(&client, "/api/v1/jobs/dead");
    assert!(crate::stage::data(&letters).iter().any(|letter| text(letter, "id") == id), "{letters}");

    receiver.reply(Reply::Accept);
    let answer = client.request("POST", &format!("{path}/retry")).send().unwrap();
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    job(&client, &id, "done");
    assert_eq!(receiver.accepted(1, SOON).map(|taken| taken.len()), Some(1));
    let again = client.request("POST", &format!("{path}/retry")).send().unwrap();
    assert_eq!(again.status, 409, "what is done is not done again: {}", again.text());
}

#[test]
fn retry_after_is_kept() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::RetryAfter(503, 300)).unwrap();
    let (only, _) = set_up(&client, "webhook", &receiver);
    let accepted = send(&client, &only, "Later");
    let path = format!("/api/v1/jobs/{}", first_job(&accepted));
    let waiting =
        eventually(SOON, || Some(get(&client, &path)).filter(|job| attempts(job) >= 1)).expect("an attempt");
    assert_eq!(text(&waiting, "state"), "queued");
    assert_eq!(receiver.deliveries().len(), 1);
    receiver.reply(Reply::Accept);
    stage.pass(Duration::from_secs(200));
    assert!(receiver.accepted(1, Duration::from_secs(3)).is_none(), "came before the receiver wanted it");
    stage.pass(Duration::from_secs(200));
    assert!(receiver.accepted(1, Duration::from_secs(60)).is_some(), "{}", get(&client, &path));
}

#[test]
fn addresses_of_ones_own_network_are_refused_by_default() {
    let stage = Stage::of_host(tests::Signalbox::start(&[]).unwrap());
    let client = stage.client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let channel = json!({"name": fresh("channel"), "kind": "webhook", "url": receiver.url("/in")});
    let answer = client.post("/api/v1/notifications/channels", &channel).unwrap();
    if answer.status == 201 {
        let only = fresh("o");
        let actions = json!([tell_by(text(&channel, "name"), "team@example.com", "x")]);
        post(&client, "/api/v1/automation/rules", &rule_for(&only, &actions), 201);
        let id = first_job(&send(&client, &only, "Inside"));
        let path = format!("/api/v1/jobs/{id}");
        eventually(SOON, || Some(get(&client, &path)).filter(|job| attempts(job) >= 1)).expect("an attempt");
    } else {
        assert!((400..500).contains(&answer.status), "{}", answer.text());
    }
    assert!(receiver.deliveries().is_empty(), "a private address was reached");
}

fn attempts(job: &Value) -> usize {
    job["attempts"]
        .as_array()
        .map(Vec::len)
        .or_else(|| job["attempts"].as_u64().and_then(|count| usize::try_from(count).ok()))
        .unwrap_or_default()
}

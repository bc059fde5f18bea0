//! Do a rule's actions run one after the other, whatever comes between? Retries, a cancel, kill -9.

use crate::stage::{OPTIONS, SOON, Stage, data, event_for, fresh, get, id, job, look, post, rule_for, text};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tests::{Client, Delivery, Receiver, Reply, Signalbox, eventually};

/// How long jobs may take that a killed host held: a lease has to run out first.
const RECOVERY: Duration = Duration::from_secs(120);

/// An action that calls `receiver` at `path`, with the deal in the body.
fn call(receiver: &Receiver, path: &str) -> Value {
    json!({"type": "http_request", "parameters": {
        "url": receiver.url(path), "body": {"deal": "{{opportunity_name}}"}
    }})
}

/// A rule with these actions; gives what it waits for, and its id.
fn rule(client: &Client, actions: &[Value]) -> (String, String) {
    let only = fresh("o");
    let made = post(client, "/api/v1/automation/rules", &rule_for(&only, &json!(actions)), 201);
    (only, id(&made))
}

/// Sends the event; gives its jobs, in the order of the actions.
fn send(client: &Client, only: &str, name: &str) -> Vec<String> {
    let accepted = post(client, "/api/v1/events", &event_for(only, name), 202);
    let jobs = accepted["jobs"].as_array().unwrap_or_else(|| panic!("has no jobs: {accepted}"));
    jobs.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn detail(client: &Client, id: &str) -> Value {
    get(client, &format!("/api/v1/jobs/{id}"))
}

#[test]
fn the_second_action_waits_for_the_first_and_says_so() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(503)).unwrap();
    let (only, rule) = rule(&client, &[call(&receiver, "/one"), call(&receiver, "/two")]);
    let jobs = send(&client, &only, "Patience");
    let tried = eventually(SOON, || {
        let first = look(&client, &jobs[0]);
        (first["attempts"].as_u64() >= Some(1) && text(&first, "state") == "queued").then_some(())
    });
    assert!(tried.is_some(), "was not tried: {}", look(&client, &jobs[0]));

    let second = detail(&client, &jobs[1]);
    assert_eq!(
        (&second["job"]["waits_for"], &second["job"]["held_by"], &second["job"]["due_at"]),
        (&json!("job"), &json!(jobs[0]), &Value::Null),
        "{second}"
    );
    assert_eq!((&second["place"]["why"], &second["place"]["expected_at"]), (&json!("job"), &Value::Null));
    assert!(text(&second["place"], "message").contains(&jobs[0]), "{second}");
    let held = get(&client, &format!("/api/v1/jobs?held=true&rule_id={rule}"));
    assert_eq!(data(&held).iter().map(id).collect::<Vec<_>>(), [jobs[1].clone()], "{held}");
    let free = get(&client, &format!("/api/v1/jobs?held=false&rule_id={rule}"));
    assert_eq!(data(&free).iter().map(id).collect::<Vec<_>>(), [jobs[0].clone()], "{free}");
    crate::expect::problem(&client.get("/api/v1/jobs?held=perhaps").unwrap(), 400, "VALIDATION_ERROR");
    let answer = client.request("POST", &format!("/api/v1/jobs/{}/retry", jobs[1])).send().unwrap();
    crate::expect::problem(&answer, 409, "JOB_HELD");

    receiver.reply(Reply::Accept);
    stage.pass(Duration::from_secs(3600));
    stage.tick();
    job(&client, &jobs[1], "done");
    let paths: Vec<String> = receiver.accepted(2, SOON).unwrap().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["/one", "/two"]);
    // What came of it is told where somebody asks for the one job, and in no list.
    let left = detail(&client, &jobs[0])["result"].clone();
    assert_eq!(
        (&left["status"], &left["headers"]["content-type"]),
        (&json!(200), &json!("text/plain")),
        "{left}"
    );
    assert!(!get(&client, &format!("/api/v1/jobs?rule_id={rule}")).to_string().contains("content-type"));
}

#[test]
fn what_is_cancelled_takes_the_rest_of_its_run_along() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let mut first = call(&receiver, "/one");
    first["delay"] = json!("PT1H");
    let (only, _) = rule(&client, &[first, call(&receiver, "/two"), call(&receiver, "/three")]);
    let jobs = send(&client, &only, "Never mind");
    let answer = client.request("POST", &format!("/api/v1/jobs/{}/cancel", jobs[0])).send().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (place, reason) in [(0, "cancelled by hand"), (1, jobs[0].as_str()), (2, jobs[1].as_str())] {
        let job = look(&client, &jobs[place]);
        assert_eq!(text(&job, "state"), "cancelled", "{job}");
        assert!(text(&job, "reason").contains(reason), "{job}");
    }
    stage.pass(Duration::from_secs(7200));
    stage.tick();
    assert!(receiver.deliveries().is_empty());
    // By itself, one of them can be tried all the same.
    let answer = client.request("POST", &format!("/api/v1/jobs/{}/retry", jobs[1])).send().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    job(&client, &jobs[1], "done");
    assert_eq!(text(&look(&client, &jobs[2]), "state"), "cancelled");
}

#[test]
fn an_action_that_is_given_up_lets_the_rest_go_on() {
    let stage = Stage::with_clock();
    let client = stage.client();
    let receiver = Receiver::start(Reply::Status(410)).unwrap();
    let (only, _) = rule(&client, &[call(&receiver, "/one"), call(&receiver, "/two")]);
    let jobs = send(&client, &only, "Gone");
    job(&client, &jobs[1], "dead");
    assert_eq!(text(&look(&client, &jobs[0]), "state"), "dead");
    let paths: Vec<String> = receiver.deliveries().into_iter().map(|one| one.path).collect();
    assert_eq!(paths, ["/one", "/two"]);
    assert_eq!(detail(&client, &jobs[0])["result"]["status"], 410);
}

#[test]
fn chains_survive_a_kill() {
    let mut host = Signalbox::start(OPTIONS).unwrap();
    let key = host.credentials().unwrap().api_key;
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let paths = ["/one", "/two", "/three"];
    let actions: Vec<Value> = paths.iter().map(|path| call(&receiver, path)).collect();
    let (only, rule) = rule(&host.client().with_bearer(&key), &actions);
    let mut jobs: Vec<Vec<String>> = Vec::new();
    for round in 0..3 {
        let client = host.client().with_bearer(&key);
        let seen = receiver.deliveries().len();
        for number in 0..20 {
            jobs.push(send(&client, &only, &format!("deal-{round}-{number}.")));
        }
        // In the middle of it: some chains have begun, and hardly one has ended.
        let begun = eventually(SOON, || (receiver.deliveries().len() >= seen + 10 + 7 * round).then_some(()));
        assert!(begun.is_some(), "nothing was carried out");
        let state = host.kill();
        host = Signalbox::start_on(state, OPTIONS).unwrap();
    }
    let client = host.client().with_bearer(&key);
    let mut last = String::new();
    let whole = eventually(RECOVERY, || {
        for state in ["queued", "leased"] {
            let open = get(&client, &format!("/api/v1/jobs?rule_id={rule}&state={state}&limit=1"));
            if let Some(job) = data(&open).first() {
                last = job.to_string();
                std::thread::sleep(Duration::from_millis(200));
                return None;
            }
        }
        Some(())
    });
    assert!(whole.is_some(), "does not come to its end: {last}");
    for job in jobs.iter().flatten() {
        assert_eq!(text(&look(&client, job), "state"), "done");
    }
    let mut deals: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for delivery in receiver.deliveries() {
        deals.entry(text(&delivery.json(), "deal").to_owned()).or_default().push(delivery);
    }
    assert_eq!(deals.len(), jobs.len(), "a chain was lost, or one came out of nothing");
    for (deal, taken) in deals {
        // At least once each, one after the other; what came twice has the same key.
        let mut order: Vec<&str> = taken.iter().map(|one| one.path.as_str()).collect();
        order.dedup();
        assert_eq!(order, paths, "{deal}");
        for path in paths {
            let keys: BTreeSet<_> = taken
                .iter()
                .filter(|one| one.path == path)
                .map(|one| one.headers.get("idempotency-key"))
                .collect();
            assert_eq!(keys.len(), 1, "{deal} {path}");
        }
    }
}

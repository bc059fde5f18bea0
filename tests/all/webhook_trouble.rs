//! What if receivers of webhooks are slow, broken or hostile? Each trouble is seen and named, and nobody else waits for it.

use crate::{
    expect,
    stage::{SOON, Stage, data, event_for, first_job, fresh, get, id, job, look, post, text},
};
use serde_json::{Value, json};
use std::fs;
use tempfile::NamedTempFile;
use tests::{Client, Receiver, Reply, Signalbox, eventually};

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
const DELIVERIES: &str = "/api/v1/webhooks/deliveries";

/// An endpoint that gets the events of opportunities called `only`, of itself.
fn endpoint(client: &Client, url: &str, only: &str, more: &Value) -> String {
    let mut wish = json!({
        "url": url,
        "event_types": ["sales.opportunity_created"],
        "filter": [{"type": "equals", "field": "opportunity_id", "value": only}],
        "timeout": 5,
    });
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    id(&post(client, ENDPOINTS, &wish, 201))
}

/// Waits for the first attempt of the first delivery to an endpoint.
fn first_attempt(client: &Client, endpoint: &str) -> Value {
    let list = format!("{DELIVERIES}?endpoint_id={endpoint}");
    let found = eventually(SOON, || {
        let deliveries = get(client, &list);
        let first = data(&deliveries).first()?;
        let detail = get(client, &format!("{DELIVERIES}/{}", id(first)));
        detail["tries"][0].is_object().then(|| detail["tries"][0].clone())
    });
    found.unwrap_or_else(|| panic!("nothing was tried: {}", get(client, &list)))
}

#[test]
fn each_trouble_is_named_and_nobody_else_waits() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let elsewhere = Receiver::start(Reply::Accept).unwrap();
    let troubles = [
        ("timeout", Reply::Hang),
        ("connection", Reply::Reset),
        ("connection", Reply::Garbage),
        ("connection", Reply::EndlessHeaders),
        ("http_302", Reply::Redirect(elsewhere.url("/"))),
        ("http_500", Reply::Status(500)),
    ];
    let receivers: Vec<(&str, Receiver, String)> = troubles
        .into_iter()
        .map(|(failure, reply)| {
            let receiver = Receiver::start(reply).unwrap();
            let endpoint = endpoint(&client, &receiver.url("/in"), &only, &json!({}));
            (failure, receiver, endpoint)
        })
        .collect();
    let good = Receiver::start(Reply::Large(10 * 1024 * 1024)).unwrap();
    let well = endpoint(&client, &good.url("/in"), &only, &json!({}));
    let gone = {
        let mut gone = Receiver::start(Reply::Accept).unwrap();
        gone.stop();
        endpoint(&client, &gone.url("/in"), &only, &json!({}))
    };
    post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);

    let taken = first_attempt(&client, &well);
    assert_eq!((&taken["status"], &taken["failure"]), (&json!(200), &Value::Null), "{taken}");
    assert_eq!((text(&taken, "response_body").len(), &taken["response_is_cut"]), (8 * 1024, &json!(true)));
    // The one that hangs is still under way: nobody waited for it.
    let (_, hanging, slow) = &receivers[0];
    assert_eq!(hanging.deliveries().len(), 1);
    let under_way = get(&client, &format!("{DELIVERIES}?endpoint_id={slow}"));
    assert_eq!(data(&under_way)[0]["state"], "leased", "{under_way}");

    for (failure, _, endpoint) in &receivers {
        let attempt = first_attempt(&client, endpoint);
        assert_eq!(text(&attempt, "failure"), *failure, "{attempt}");
        assert!(text(&attempt, "detail").starts_with("The endpoint"), "{attempt}");
    }
    assert_eq!(text(&first_attempt(&client, &gone), "failure"), "connection");
    assert!(elsewhere.deliveries().is_empty(), "a redirect is not followed");
    let stats = get(&client, &format!("{ENDPOINTS}/{well}/stats"));
    assert_eq!((&stats["succeeded"], &stats["success_rate"]), (&json!(1), &json!(1.0)), "{stats}");
}

#[test]
fn what_lets_us_in_is_sent_and_masked_and_never_shown() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let receiver = Receiver::start(Reply::Echo).unwrap();
    let auth = json!({"auth": {"type": "bearer", "token": "hush-hush-hush"}, "headers": {"X-Env": "live"}});
    let endpoint = endpoint(&client, &receiver.url("/in"), &only, &auth);
    let shown = get(&client, &format!("{ENDPOINTS}/{endpoint}"));
    assert_eq!((&shown["auth"], &shown["headers"]), (&json!({"type": "bearer"}), &json!({"x-env": "live"})));
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let attempt = first_attempt(&client, &endpoint);
    assert_eq!(text(&attempt, "response_body"), "Bearer [secret]");
    let delivery = &receiver.deliveries()[0];
    assert_eq!(
        (delivery.headers["authorization"].as_str(), delivery.headers["x-env"].as_str()),
        ("Bearer hush-hush-hush", "live")
    );
    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&accepted)));
    let audit = get(&client, "/api/v1/admin/audit?limit=50");
    for said in [&shown, &trace, &audit, &get(&client, &format!("{DELIVERIES}?endpoint_id={endpoint}"))] {
        assert!(!said.to_string().contains("hush"), "{said}");
    }
}

#[test]
fn a_replaced_secret_signs_along_and_a_delivery_is_sent_again_under_its_id() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let endpoint = endpoint(&client, &receiver.url("/in"), &only, &json!({"signature": "v1a"}));
    let turned =
        post(&client, &format!("{ENDPOINTS}/{endpoint}/secret/rotate"), &json!({"signature": "v1"}), 200);
    assert!(text(&turned, "secret").starts_with("whsec_") && turned["secret_overlaps_until"].is_string());
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let first = receiver.accepted(1, SOON).expect("one webhook").remove(0);
    let signatures: Vec<&str> = first.headers["webhook-signature"].split(' ').collect();
    let kinds: Vec<&str> = signatures.iter().map(|one| one.split(',').next().unwrap()).collect();
    assert_eq!(kinds, ["v1", "v1a"]);
    let delivery = accepted["jobs"][0].as_str().unwrap();
    job(&client, delivery, "done");
    post(&client, &format!("{DELIVERIES}/{delivery}/retry"), &json!({}), 202);
    let again = receiver.accepted(2, SOON).expect("once more").remove(1);
    assert_eq!((&again.headers["webhook-id"], &again.body), (&first.headers["webhook-id"], &first.body));
    let found = get(&client, &format!("{DELIVERIES}?endpoint_id={endpoint}&event_id={}", id(&accepted)));
    assert_eq!((data(&found).len(), data(&found)[0]["id"].as_str()), (1, Some(delivery)));
    assert!(data(&get(&client, &format!("{DELIVERIES}?endpoint_id={endpoint}&status=500"))).is_empty());
}

#[test]
fn where_the_runtime_lets_us_reach_ourselves_nothing_leaves() {
    let open = NamedTempFile::new().unwrap();
    fs::write(open.path(), "[outbound_networking]\nblock_networks = []\n").unwrap();
    let stage =
        Stage::of_host(Signalbox::start(&["--runtime-config-file", open.path().to_str().unwrap()]).unwrap());
    let client = stage.client();
    // In code, private addresses are refused all the same.
    let refused = client.post(ENDPOINTS, &json!({"url": "http://127.0.0.1:1/"})).unwrap();
    expect::problem(&refused, 400, "VALIDATION_ERROR");
    let only = fresh("o");
    endpoint(&client, "https://example.com/in", &only, &json!({}));
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let put_back = eventually(SOON, || {
        let job = look(&client, &first_job(&accepted));
        (text(&job, "due_at") > text(&job, "created_at")).then_some(job)
    });
    let job = put_back.expect("it was looked at, and put back");
    assert_eq!((text(&job, "state"), &job["attempts"]), ("queued", &json!(0)), "{job}");
}

//! `/api/v1/webhooks`: what a rule sends reaches an endpoint of the customer's, who verifies it as Standard Webhooks 1.0 says.

use crate::{
    expect,
    stage::{SOON, Stage, data, event_for, first_job, fresh, get, id, job, post, rule_for, text},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::{Client, Delivery, Receiver, Reply};

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";

/// HMAC-SHA256 as RFC 2104 writes it down: not the code that is tested.
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

/// What a receiver does: whether the signature is that of this secret over id, time and body.
fn verifies(delivery: &Delivery, secret: &str) -> bool {
    let header = |name: &str| delivery.headers.get(name).cloned().unwrap_or_default();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&delivery.body);
    header("webhook-signature") == format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))
}

/// An endpoint at `receiver`: its id and its secret.
fn endpoint(client: &Client, receiver: &Receiver) -> (String, String) {
    let made =
        post(client, ENDPOINTS, &json!({"url": receiver.url("/hooks"), "description": "A customer"}), 201);
    (id(&made), text(&made, "secret").to_owned())
}

/// A rule that sends to `endpoint`; what it waits for is the result.
fn rule(client: &Client, endpoint: &str, more: &Value) -> String {
    let only = fresh("o");
    let mut parameters = json!({"endpoint": endpoint});
    let own = parameters.as_object_mut().unwrap();
    own.extend(more.as_object().unwrap().clone());
    let actions = json!([{"type": "send_webhook", "parameters": parameters}]);
    post(client, "/api/v1/automation/rules", &rule_for(&only, &actions), 201);
    only
}

#[test]
fn a_deal_reaches_the_customer_who_verifies_it() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let (endpoint, secret) = endpoint(&client, &receiver);
    let only = rule(&client, &endpoint, &json!({}));
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Big \"deal\""), 202);
    let taken = receiver.accepted(1, SOON).expect("one webhook");
    let delivery = &taken[0];
    assert_eq!((delivery.method.as_str(), delivery.path.as_str()), ("POST", "/hooks"));
    assert!(verifies(delivery, &secret), "{:?}", delivery.headers);
    // Not every receiver reads what comes in chunks.
    let length = delivery.headers.get("content-length").map(String::as_str);
    assert_eq!(length, Some(delivery.body.len().to_string().as_str()), "{:?}", delivery.headers);
    assert!(!verifies(delivery, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let event = get(&client, &format!("/api/v1/events/{}", id(&accepted)));
    assert_eq!(
        delivery.json(),
        json!({"type": "sales.opportunity_created", "timestamp": event["occurred_at"],
            "data": {"opportunity_id": only, "opportunity_name": "Big \"deal\""}})
    );
    let job = job(&client, &first_job(&accepted), "done");
    assert_eq!((text(&job, "kind"), &job["id"]), ("send_webhook", &json!(delivery.headers["webhook-id"])));
    let left = get(&client, &format!("/api/v1/jobs/{}", id(&job)));
    assert_eq!(left["result"]["status"], 200, "{left}");
}

#[test]
fn a_rule_says_type_and_data_itself() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let (endpoint, secret) = endpoint(&client, &receiver);
    let only = rule(
        &client,
        &endpoint,
        &json!({"type": "deal.made", "data": {"name": "{{opportunity_name}}", "fixed": 1}}),
    );
    post(&client, "/api/v1/events", &event_for(&only, "Big deal"), 202);
    let taken = receiver.accepted(1, SOON).expect("one webhook");
    assert!(verifies(&taken[0], &secret));
    let body = taken[0].json();
    assert_eq!(
        (&body["type"], &body["data"]),
        (&json!("deal.made"), &json!({"name": "Big deal", "fixed": 1}))
    );
}

#[test]
fn one_that_answers_410_is_switched_off() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Status(410)).unwrap();
    let (endpoint, _) = endpoint(&client, &receiver);
    let only = rule(&client, &endpoint, &json!({}));
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    job(&client, &first_job(&accepted), "dead");
    let off = get(&client, &format!("{ENDPOINTS}/{endpoint}"));
    assert_eq!((&off["is_active"], &off["disabled_reason"]), (&json!(false), &json!("gone")), "{off}");
    let refused = client.post(&format!("{ENDPOINTS}/{endpoint}/test"), &json!({})).unwrap();
    expect::problem(&refused, 409, "WEBHOOK_ENDPOINT_DISABLED");
    let later = post(&client, "/api/v1/events", &event_for(&only, "Another"), 202);
    let dead = job(&client, &first_job(&later), "dead");
    assert!(text(&dead, "last_error").starts_with("The webhook endpoint is switched off"), "{dead}");
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn a_test_is_sent_and_told_of() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let (endpoint, secret) = endpoint(&client, &receiver);
    let sent = post(&client, &format!("{ENDPOINTS}/{endpoint}/test"), &json!({}), 202);
    job(&client, &id(&sent), "done");
    let taken = receiver.accepted(1, SOON).expect("the test");
    assert!(verifies(&taken[0], &secret));
    assert_eq!(taken[0].json()["type"], "webhook.test");
}

#[test]
fn the_secret_is_shown_once() {
    let client = Stage::shared_client();
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let wish = json!({"url": "https://example.com/in", "secret": given});
    let key = fresh("key");
    let create =
        || client.request("POST", ENDPOINTS).header("Idempotency-Key", &key).json(&wish).send().unwrap();
    let made = create().json().unwrap();
    assert_eq!(text(&made, "secret"), given);
    expect::problem(&create(), 409, "IDEMPOTENCY_CONFIDENTIAL");
    let path = format!("{ENDPOINTS}/{}", id(&made));
    assert!(get(&client, &path).get("secret").is_none());
    let list = get(&client, &format!("{ENDPOINTS}?limit=200"));
    assert!(data(&list).iter().any(|one| one["id"] == made["id"]) && !list.to_string().contains("whsec_"));

    let stale =
        client.request("PATCH", &path).header("If-Match", "\"7\"").json(&json!({"is_active": false})).send();
    expect::problem(&stale.unwrap(), 412, "PRECONDITION_FAILED");
    let off =
        client.request("PATCH", &path).json(&json!({"is_active": false})).send().unwrap().json().unwrap();
    assert_eq!((&off["disabled_reason"], &off["version"]), (&json!("asked"), &json!(2)));
    let anew = client.request("PUT", &path).json(&json!({"url": "https://example.org/in"})).send().unwrap();
    let anew = anew.json().unwrap();
    assert_eq!((&anew["url"], &anew["is_active"]), (&json!("https://example.org/in"), &json!(true)));
    assert_eq!(client.request("DELETE", &path).send().unwrap().status, 204);
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn faulty_fields_and_addresses_inside_are_refused() {
    let client = Stage::shared_client();
    let wish = json!({"url": "http://self/", "secret": "hush", "description": "x".repeat(501)});
    let answer = client.post(ENDPOINTS, &wish).unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
    let fields: Vec<Value> = answer.json().unwrap()["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| detail["field"].clone())
        .collect();
    assert_eq!(fields, ["url", "description", "secret"]);
    let actions = json!([{"type": "send_webhook", "parameters": {"endpoint": "https://example.com/"}}]);
    let rule = client.post("/api/v1/automation/rules", &rule_for(&fresh("o"), &actions)).unwrap();
    expect::problem(&rule, 400, "VALIDATION_ERROR");
}

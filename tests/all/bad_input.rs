//! What comes of bad input? A table: each fault, the status and the code that it is answered with, in the one error shape.

use crate::{
    expect,
    stage::{Stage, fresh, rule_for, tell},
};
use serde_json::{Value, json};
use tests::{Answer, Client};

const EVENTS: &str = "/api/v1/events";
const RULES: &str = "/api/v1/automation/rules";

fn post_text(client: &Client, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    client.request("POST", path).body(kind, body).send().unwrap()
}

#[test]
fn a_body_that_cannot_be_read() {
    let client = Stage::shared_client();
    let nested =
        format!(r#"{{"event": "contact_created", "data": {}1{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let big = format!(
        r#"{{"event": "contact_created", "data": {{"contact_id": "{}"}}}}"#,
        "x".repeat(2 * 1024 * 1024)
    );
    for path in [EVENTS, RULES] {
        for (what, kind, body, status, code) in [
            ("not JSON", "application/json", "{\"event\": ".to_owned(), 400, "INVALID_JSON"),
            ("two values", "application/json", "{} {}".to_owned(), 400, "INVALID_JSON"),
            ("empty", "application/json", String::new(), 400, "INVALID_JSON"),
            ("XML", "application/xml", "<event/>".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("plain text", "text/plain", "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
            ("2 MiB", "application/json", big.clone(), 413, "BODY_TOO_LARGE"),
            ("1,000 levels", "application/json", nested.clone(), 400, "NESTING_TOO_DEEP"),
        ] {
            eprintln!("{path}: {what}");
            if what == "two values" && path == RULES {
                continue;
            }
            expect::problem(&post_text(&client, path, kind, body), status, code);
        }
        let answer = client.request("POST", path).header("Content-Length", "2").send();
        assert!(answer.is_ok_and(|answer| answer.status >= 400), "no content type at all");
    }
}

#[test]
fn not_utf8_in_the_body() {
    let client = Stage::shared_client();
    let body = b"{\"event\": \"contact_created\", \"data\": {\"contact_id\": \"\xff\xfe\"}}".to_vec();
    expect::problem(&post_text(&client, EVENTS, "application/json", body), 400, "INVALID_JSON");
}

#[test]
fn a_chunked_body_without_an_end_is_cut_at_the_limit() {
    let stage = Stage::shared();
    let mut bytes = format!(
        "POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        stage.key()
    )
    .into_bytes();
    for _ in 0..80 {
        bytes.extend_from_slice(b"8000\r\n");
        bytes.extend_from_slice(&[b' '; 0x8000]);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    expect::problem(&stage.client().raw(&bytes).unwrap(), 413, "BODY_TOO_LARGE");
}

#[test]
fn events_that_name_what_is_not_there() {
    let client = Stage::shared_client();
    let send = |body: Value| client.post(EVENTS, &body).unwrap();
    let data = json!({"opportunity_id": "o-1", "opportunity_name": "Deal", "value": 1});
    expect::fields(
        &send(json!({"event": "no_such_trigger", "data": data})),
        400,
        "UNKNOWN_TRIGGER",
        &["event"],
    );
    expect::fields(&send(json!({"event": "high_value_opportunity"})), 400, "VALIDATION_ERROR", &["data"]);
    expect::fields(
        &send(json!({"event": "high_value_opportunity", "data": {"opportunity_name": "Deal"}})),
        400,
        "VALIDATION_ERROR",
        &["data.opportunity_id", "data.value"],
    );
    for data in [json!([]), json!("text"), json!(null), json!(7)] {
        let answer = send(json!({"event": "high_value_opportunity", "data": data}));
        expect::problem(&answer, 400, "VALIDATION_ERROR");
    }
    let answer = send(json!({"event": "contact_created", "data": {"contact_id": "c"}, "urgent": true}));
    expect::problem(&answer, 400, "VALIDATION_ERROR");
    assert!(answer.text().contains("urgent"), "does not name the unknown field: {}", answer.text());
}

/// A sound rule with one thing replaced.
fn rule_with(place: &str, value: Value) -> Value {
    let mut rule = rule_for(&fresh("o"), &json!([tell("a@example.com", "Hello")]));
    *rule.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value;
    rule
}

#[test]
fn rules_that_name_what_is_not_there() {
    let client = Stage::shared_client();
    for (place, value, field) in [
        ("/module_type", json!("warehouse"), "module_type"),
        ("/trigger_id", json!("no_such_trigger"), "trigger_id"),
        ("/trigger_id", json!("contact_created"), "trigger_id"),
        ("/name", json!(""), "name"),
        ("/name", json!("x".repeat(100_000)), "name"),
        ("/conditions/0/type", json!("smells_like"), "conditions[0].type"),
        ("/conditions/0", json!({"type": "value_threshold", "value": "many"}), "conditions[0].value"),
        (
            "/conditions/0",
            json!({"type": "matches", "field": "opportunity_name", "value": "("}),
            "conditions[0].value",
        ),
        ("/actions/0/type", json!("make_coffee"), "actions[0].type"),
        ("/actions", json!([]), "actions"),
        ("/actions/0/parameters", json!({"recipient": "a@example.com"}), "actions[0].parameters.message"),
        (
            "/actions/0/parameters",
            json!({"recipient": "a@example.com", "message": "Hello {{"}),
            "actions[0].parameters.message",
        ),
    ] {
        let sent = rule_with(place, value);
        let answer = client.post(RULES, &sent).unwrap();
        eprintln!("{place}: {}", answer.text());
        expect::fields(&answer, 400, "VALIDATION_ERROR", &[field]);
    }
    let mut unknown = rule_with("/name", json!("Sound"));
    unknown["colour"] = json!("red");
    let answer = client.post(RULES, &unknown).unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
    assert!(answer.text().contains("colour"), "{}", answer.text());
}

#[test]
fn all_faulty_fields_at_once() {
    let client = Stage::shared_client();
    let mut rule = rule_with("/module_type", json!("warehouse"));
    rule["name"] = json!("");
    rule["conditions"][0]["type"] = json!("smells_like");
    rule["actions"][0]["type"] = json!("make_coffee");
    let answer = client.post(RULES, &rule).unwrap();
    let wanted = ["name", "module_type", "conditions[0].type", "actions[0].type"];
    expect::fields(&answer, 400, "VALIDATION_ERROR", &wanted);
}

#[test]
fn conditions_are_bounded() {
    let client = Stage::shared_client();
    let mut deep = json!({"type": "exists", "field": "opportunity_id", "value": true});
    for _ in 0..40 {
        deep = json!({"type": "all", "conditions": [deep]});
    }
    expect::problem(
        &client.post(RULES, &rule_with("/conditions", json!([deep]))).unwrap(),
        400,
        "VALIDATION_ERROR",
    );
    let one = json!({"type": "exists", "field": "opportunity_id", "value": true});
    let many = vec![one; 5000];
    expect::problem(
        &client.post(RULES, &rule_with("/conditions", json!(many))).unwrap(),
        400,
        "VALIDATION_ERROR",
    );
}

#[test]
fn headers_that_are_not_text() {
    let stage = Stage::shared();
    let client = stage.client();
    let junk = b"\xff\xfe\x80";
    let with = |name: &str| client.request("GET", RULES).header(name, junk).send().unwrap();
    // An id that is no text is not kept; one of ours takes its place.
    let answer = with("X-Request-Id");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("x-request-id").is_some_and(|id| !id.is_empty()));
    assert_eq!(with("traceparent").status, 200);
    expect::problem(&with("X-Tenant-ID"), 403, "TENANT_MISMATCH");
    let answer = stage
        .host
        .client()
        .request("GET", RULES)
        .header("Authorization", [b"Bearer ".as_slice(), junk].concat())
        .send();
    assert_eq!(answer.unwrap().status, 401);
    let event = json!({"event": "contact_created", "data": {"contact_id": "c-1"}});
    let answer = client.request("POST", EVENTS).header("Idempotency-Key", junk).json(&event).send().unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["Idempotency-Key"]);
    let answer = client
        .request("POST", EVENTS)
        .header("ce-specversion", "1.0")
        .header("ce-id", junk)
        .header("ce-source", "/x")
        .header("ce-type", "contact_created")
        .json(&json!({"contact_id": "c-1"}))
        .send()
        .unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
}

#[test]
fn paths_that_lead_nowhere() {
    let client = Stage::shared_client();
    for path in [
        "/api/v1/automation/rules/../../../../etc/passwd",
        "/api/v1/automation/rules/..",
        "/api/v1/automation/rules/%2e%2e%2fevents",
        "/api/v1/automation/rules/%00",
        "/api/v1/automation/rules/%ff%fe",
        "/api/v1/automation/rules/rul_",
        "/api/v1/automation/rules/evt_01jd0000000000000000000000",
        "/api/v1/events/%00/trace",
        "/api/v1/jobs/'%20OR%201=1--",
        "/api/v1/no/such/path",
        "/acme-corp/api/v1/no/such/path",
    ] {
        let answer = client.get(path).unwrap();
        assert!(matches!(answer.status, 400 | 404), "{path}: {} {}", answer.status, answer.text());
        let code = answer.json().unwrap()["error"]["code"].as_str().unwrap_or_default().to_owned();
        expect::problem(&answer, answer.status, &code);
    }
    expect::problem(
        &client.request("PATCH", EVENTS).json(&json!({})).send().unwrap(),
        405,
        "METHOD_NOT_ALLOWED",
    );
}

#[test]
fn queries_that_mean_nothing() {
    let client = Stage::shared_client();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=nonsense!", "cursor"),
        ("is_active=perhaps", "is_active"),
        ("module_type=warehouse", "module_type"),
    ] {
        let answer = client.get(&format!("{RULES}?{query}")).unwrap();
        eprintln!("{query}: {}", answer.text());
        let body = expect::problem(&answer, 400, "VALIDATION_ERROR");
        let named = body["error"]["details"].to_string();
        assert!(named.contains(field) || named.contains("query"), "{query}: {body}");
    }
}

//! `/api/v1/events` as CloudEvents 1.0 (<https://github.com/cloudevents/spec>): structured, binary and batch mode.

use crate::{
    expect,
    stage::{Stage, fresh, id, text},
};
use serde_json::{Value, json};
use tests::Client;

const PATH: &str = "/api/v1/events";
const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn cloud_event(id: &str, value: u32) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": "/crm/eu",
        "type": "high_value_opportunity",
        "time": "2026-01-02T03:04:05Z",
        "datacontenttype": "application/json",
        "data": {"opportunity_id": id, "opportunity_name": "Cloud", "value": value}
    })
}

fn send(client: &Client, kind: &str, body: &Value) -> tests::Answer {
    client.request("POST", PATH).body(kind, body.to_string()).send().unwrap()
}

#[test]
fn structured_mode() {
    let client = Stage::shared_client();
    let name = fresh("ce");
    let answer = send(&client, STRUCTURED, &cloud_event(&name, 20000));
    assert_eq!(answer.status, 202, "{}", answer.text());
    let accepted = answer.json().unwrap();
    assert_eq!(accepted["matched"].as_array().map(Vec::len), Some(1), "{accepted}");

    // Source and id are the key: the same again is the same event, whatever else it says.
    let again = send(&client, STRUCTURED, &cloud_event(&name, 20000)).json().unwrap();
    assert_eq!((&again["id"], &again["duplicate"]), (&accepted["id"], &json!(true)));
}

#[test]
fn binary_mode() {
    let client = Stage::shared_client();
    let name = fresh("ce");
    let answer = client
        .request("POST", PATH)
        .header("ce-specversion", "1.0")
        .header("ce-id", &name)
        .header("ce-source", "/crm/eu")
        .header("ce-type", "high_value_opportunity")
        .json(&json!({"opportunity_id": "o-3", "opportunity_name": "Binary", "value": 30000}))
        .send()
        .unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let accepted = answer.json().unwrap();
    assert_eq!(accepted["matched"].as_array().map(Vec::len), Some(1));
    let again = send(&client, STRUCTURED, &cloud_event(&name, 1)).json().unwrap();
    assert_eq!(again["id"], accepted["id"], "the modes are three spellings of one event");
}

#[test]
fn a_batch_is_answered_one_by_one() {
    let client = Stage::shared_client();
    let (one, two, three) = (fresh("ce"), fresh("ce"), fresh("ce"));
    let mut bad = cloud_event(&two, 0);
    bad["type"] = json!("no_such_trigger");
    let answer = send(&client, BATCH, &json!([cloud_event(&one, 11000), bad, cloud_event(&three, 12)]));
    assert!(matches!(answer.status, 202 | 207), "{} {}", answer.status, answer.text());
    let body = answer.json().unwrap();
    let results = body["results"].as_array().unwrap_or_else(|| panic!("is no list: {body}"));
    assert_eq!(results.len(), 3, "{body}");
    assert_eq!(results[0]["matched"].as_array().map(Vec::len), Some(1), "{body}");
    assert!(!text(&results[1]["error"], "code").is_empty(), "the bad one carries its error: {body}");
    assert_eq!(results[2]["matched"], json!([]), "{body}");
    for result in [&results[0], &results[2]] {
        let path = format!("{PATH}/{}", id(result));
        assert_eq!(client.get(&path).unwrap().status, 200, "the good ones are stored");
    }
}

#[test]
fn a_batch_has_at_most_a_thousand() {
    let client = Stage::shared_client();
    let many: Vec<Value> = (0..1001).map(|number| cloud_event(&format!("many-{number}"), 1)).collect();
    let answer = send(&client, BATCH, &Value::Array(many));
    assert!(matches!(answer.status, 400 | 413), "{} {}", answer.status, answer.text());
    let full: Vec<Value> =
        (0..1000).map(|number| cloud_event(&fresh(&format!("full-{number}")), 1)).collect();
    let answer = send(&client, BATCH, &Value::Array(full));
    assert!(matches!(answer.status, 202 | 207), "{} {}", answer.status, answer.text());
}

#[test]
fn what_a_cloud_event_lacks_is_told() {
    let client = Stage::shared_client();
    for lack in ["id", "source", "type", "specversion"] {
        let mut event = cloud_event(&fresh("ce"), 1);
        event.as_object_mut().unwrap().remove(lack);
        expect::fields(&send(&client, STRUCTURED, &event), 400, "VALIDATION_ERROR", &[lack]);
    }
    let mut old = cloud_event(&fresh("ce"), 1);
    old["specversion"] = json!("0.3");
    expect::fields(&send(&client, STRUCTURED, &old), 400, "VALIDATION_ERROR", &["specversion"]);
}

//! `/api/v1/automation/rules`: create, list with each filter, change, toggle, delete.

use crate::{
    expect,
    stage::{Stage, data, event_for, fresh, get, id, post, rule_for, tell, text},
};
use serde_json::{Value, json};

const RULES: &str = "/api/v1/automation/rules";

fn create(client: &tests::Client, name: &str) -> Value {
    post(client, RULES, &rule_for(name, &json!([tell("somebody@example.com", "Hello")])), 201)
}

fn is_listed(client: &tests::Client, filter: &str, rule: &str) -> bool {
    let list = get(client, &format!("{RULES}?limit=200&{filter}"));
    data(&list).iter().any(|entry| text(entry, "id") == rule)
}

#[test]
fn a_rule_is_found_by_each_filter_and_by_no_other() {
    let client = Stage::shared_client();
    let rule = id(&create(&client, &fresh("o")));
    for (filter, is_there) in [
        ("module_type=sales", true),
        ("module_type=crm", false),
        ("trigger_id=opportunity_created", true),
        ("trigger_id=deal_closed_won", false),
        ("is_active=true", true),
        ("is_active=false", false),
        ("module_type=sales&trigger_id=opportunity_created&is_active=true", true),
    ] {
        assert_eq!(is_listed(&client, filter, &rule), is_there, "{filter}");
    }
}

#[test]
fn a_toggled_rule_rests_and_comes_back() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let rule = id(&create(&client, &only));
    let matched = |client: &tests::Client| {
        post(client, "/api/v1/events", &event_for(&only, "Deal"), 202)["matched"].clone()
    };
    assert_eq!(matched(&client), json!([rule]));

    let toggle = |to: &str| {
        let answer = client.request("PUT", &format!("{RULES}/{rule}/toggle?is_active={to}")).send().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap()
    };
    assert_eq!(toggle("false")["is_active"], false);
    assert!(is_listed(&client, "is_active=false", &rule));
    assert_eq!(matched(&client), json!([]), "a resting rule does not match, from the very next event on");
    assert_eq!(toggle("true")["is_active"], true);
    assert_eq!(toggle("true")["is_active"], true, "twice is once");
    assert_eq!(matched(&client), json!([rule]));
    let answer = client.request("PUT", &format!("{RULES}/{rule}/toggle?is_active=maybe")).send().unwrap();
    expect::problem(&answer, 400, "VALIDATION_ERROR");
}

#[test]
fn a_change_holds_for_the_next_event() {
    let client = Stage::shared_client();
    let (only, other) = (fresh("o"), fresh("o"));
    let rule = create(&client, &only);
    let path = format!("{RULES}/{}", id(&rule));

    let mut whole = rule_for(&other, &json!([tell("somebody@example.com", "Changed")]));
    whole["name"] = json!("Another name");
    let answer = client.put(&path, &whole).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(get(&client, &path)["name"], "Another name");
    let matched =
        |only: &str| post(&client, "/api/v1/events", &event_for(only, "Deal"), 202)["matched"].clone();
    assert_eq!((matched(&only), matched(&other)), (json!([]), json!([id(&rule)])));

    let answer = client.patch(&path, &json!({"description": null, "name": "Only the name"})).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let patched = get(&client, &path);
    assert_eq!(patched["name"], "Only the name");
    assert_eq!(patched["conditions"], whole["conditions"], "what a patch does not name stays");
}

#[test]
fn a_deleted_rule_is_gone() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let path = format!("{RULES}/{}", id(&create(&client, &only)));
    assert_eq!(client.delete(&path).unwrap().status, 204);
    let gone = client.get(&path).unwrap();
    assert_eq!(gone.status, 404, "{}", gone.text());
    assert_eq!(client.delete(&path).unwrap().status, 404);
    assert_eq!(post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202)["matched"], json!([]));
}

#[test]
fn below_the_slug_it_is_the_same_rule() {
    let client = Stage::shared_client();
    let rule = id(&create(&client, &fresh("o")));
    assert_eq!(get(&client, &format!("/acme-corp{RULES}/{rule}"))["id"], rule.as_str());
    assert_eq!(
        get(&client, &format!("{RULES}/{rule}/"))["id"],
        rule.as_str(),
        "a slash at the end says nothing new"
    );
}

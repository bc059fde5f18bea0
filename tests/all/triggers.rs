//! `/api/v1/automation/triggers`: which triggers are there, how does a tenant make its own known, and what do rules on them see?

use crate::{
    expect,
    stage::{
        Stage, data, event_for, first_job, fresh, get, id, inbox, job, message, post, rule_for, tell, text,
    },
};
use serde_json::{Value, json};

const TRIGGERS: &str = "/api/v1/automation/triggers";
const RULES: &str = "/api/v1/automation/rules";

fn ids(list: &Value) -> Vec<String> {
    let mut ids: Vec<String> =
        data(list).iter().filter_map(|trigger| trigger["trigger_id"].as_str()).map(str::to_owned).collect();
    ids.sort();
    ids
}

#[test]
fn the_triggers_of_the_seeds_are_there() {
    let client = Stage::shared_client();
    let crm = ids(&get(&client, "/api/v1/automation/triggers?module_type=crm&limit=200"));
    for wanted in ["contact_created", "contact_status_changed", "contact_updated", "lead_created"] {
        assert!(crm.iter().any(|known| known == wanted), "{wanted}: {crm:?}");
    }
    let sales = get(&client, "/api/v1/automation/triggers?module_type=sales&limit=200");
    for wanted in [
        "deal_closed_lost",
        "deal_closed_won",
        "high_value_opportunity",
        "opportunity_created",
        "opportunity_stage_changed",
    ] {
        assert!(ids(&sales).iter().any(|known| known == wanted), "{wanted}");
    }
    let high = data(&sales).iter().find(|trigger| trigger["trigger_id"] == "high_value_opportunity").unwrap();
    assert_eq!((high["module_type"].as_str(), high["origin"].as_str()), (Some("sales"), Some("built_in")));
    let required = high["required_data"].to_string();
    assert!(required.contains("opportunity_id") && required.contains("value"), "{high}");
}

#[test]
fn a_trigger_of_ones_own_takes_what_fits_and_rules_hold_it_to_its_word() {
    let client = Stage::shared_client();
    let (module, name) = (fresh("support").replace('-', "_"), fresh("ticket").replace('-', "_"));
    post(&client, "/api/v1/automation/modules", &json!({"module_type": module, "name": "Support"}), 201);
    let trigger = json!({"trigger_id": name, "module_type": module, "description": "When a ticket is closed",
        "schema": {"type": "object", "required": ["ticket_id"], "additionalProperties": false, "properties": {
            "ticket_id": {"type": "string", "pattern": "^T-[0-9]+$"}, "hours": {"type": "number", "minimum": 0}}},
        "note": "the help desk sends it"});
    let unlike = client.post(TRIGGERS, &trigger).unwrap();
    expect::fields(&unlike, 400, "VALIDATION_ERROR", &["sample"]);
    let mut trigger = trigger;
    trigger["sample"] = json!({"ticket_id": "T-1", "hours": 2});
    let made = post(&client, TRIGGERS, &trigger, 201);
    assert_eq!(made["custom"], true, "{made}");

    // What is wrong with data and rules is said by its name.
    let event = |data: Value| json!({"event": name, "data": data});
    let answer = client.post("/api/v1/events", &event(json!({"ticket_id": "7", "hours": -1}))).unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["data.ticket_id", "data.hours"]);
    let recipient = fresh("desk");
    let rule = |field: &str| {
        json!({"name": fresh("rule"), "module_type": module, "trigger_id": name,
            "conditions": [{"type": "greater_than", "field": field, "value": 8}],
            "actions": [tell(&recipient, "{{ticket_id}} took {{hours}} hours")]})
    };
    expect::fields(
        &client.post(RULES, &rule("days")).unwrap(),
        400,
        "VALIDATION_ERROR",
        &["conditions[0].field"],
    );
    let rule = id(&post(&client, RULES, &rule("hours"), 201));
    post(&client, "/api/v1/events", &event(json!({"ticket_id": "T-1", "hours": 8})), 202);
    post(&client, "/api/v1/events", &event(json!({"ticket_id": "T-2", "hours": 8.5})), 202);
    message(&client, &recipient, "T-2 took 8.5 hours");
    assert_eq!(inbox(&client, &recipient).len(), 1);

    // A change under which the rule would no longer hold is refused with the rule; one that breaks nothing is the next version.
    let path = format!("{TRIGGERS}/{name}");
    let mut next = trigger.clone();
    next["schema"]["properties"] = json!({"ticket_id": {"type": "string"}});
    next["sample"] = json!({"ticket_id": "T-1"});
    let refused = client.put(&path, &next).unwrap();
    let said = expect::problem(&refused, 409, "IN_USE");
    assert!(said.to_string().contains(&rule), "{said}");
    next["schema"]["properties"]["hours"] = json!({"type": "number"});
    let changed = client.put(&path, &next).unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    let versions = get(&client, &format!("{path}/versions"));
    let numbers: Vec<i64> =
        data(&versions).iter().filter_map(|version| version["version"].as_i64()).collect();
    assert_eq!(numbers, [2, 1]);
    expect::problem(&client.delete(&path).unwrap(), 409, "IN_USE");
    assert_eq!(client.delete(&format!("{RULES}/{rule}")).unwrap().status, 204);
    assert_eq!(client.delete(&path).unwrap().status, 204);
    let gone = client.post("/api/v1/events", &event(json!({"ticket_id": "T-3"}))).unwrap();
    assert!(gone.status == 400 || gone.status == 422, "{}", gone.text());
}

#[test]
fn the_third_time_within_an_hour_for_the_same_deal_and_the_trace_counts() {
    let client = Stage::shared_client();
    let (only, recipient) = (fresh("o"), fresh("lead"));
    let mut rule = rule_for(&only, &json!([tell(&recipient, "for the third time: {{opportunity_name}}")]));
    rule["window"] = json!({"count": 3, "within": "PT1H", "key": "opportunity_name"});
    let rule = id(&post(&client, RULES, &rule, 201));
    let send = |name: &str| post(&client, "/api/v1/events", &event_for(&only, name), 202);
    let standings: Vec<String> = ["a", "b", "a", "a", "b"]
        .into_iter()
        .map(|name| {
            let event = id(&send(name));
            let trace = get(&client, &format!("/api/v1/events/{event}/trace"));
            let rules = trace["verdicts"]["rules"].as_array().unwrap().clone();
            let said = rules.into_iter().find(|said| said["rule_id"] == rule.as_str()).unwrap();
            text(&said, "standing").to_owned()
        })
        .collect();
    assert_eq!(standings, ["counting", "counting", "counting", "matched", "counting"]);
    message(&client, &recipient, "for the third time: a");
    assert_eq!(inbox(&client, &recipient).len(), 1);
}

#[test]
fn an_action_uses_what_the_one_before_it_left_and_waits_in_between() {
    let client = Stage::shared_client();
    let (only, recipient) = (fresh("o"), fresh("second"));
    let actions = json!([
        {"id": "first", "type": "publish_event", "parameters": {"trigger_id": "lead_created", "data": {"lead_id": "{{opportunity_id}}"}}},
        {"type": "wait", "parameters": {"for": "PT1S"}},
        tell(&recipient, "raised {{results.first.event_id}}"),
    ]);
    post(&client, RULES, &rule_for(&only, &actions), 201);
    let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let first = job(&client, &first_job(&accepted), "done");
    let raised = text(&first["result"], "event_id").to_owned();
    message(&client, &recipient, &format!("raised {raised}"));
}

#[test]
fn an_unknown_module_is_refused() {
    let client = Stage::shared_client();
    let answer = client.get("/api/v1/automation/triggers?module_type=warehouse").unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["module_type"]);
}

//! Does a rule tell what it would do before it does it? Backtests over what happened, shadows beside what happens, and reports.

use crate::{
    expect,
    stage::{Stage, data, event_for, first_job, fresh, get, id, job, post, rule_for, tell, text},
};
use serde_json::{Value, json};
use tests::Client;

const RULES: &str = "/api/v1/automation/rules";
const BACKTESTS: &str = "/api/v1/automation/backtests";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A backtest, carried through.
fn backtest(client: &Client, wish: &Value) -> Value {
    let made = post(client, &format!("{RULES}/backtest?wait=10"), wish, 202);
    let ended = tests::eventually(std::time::Duration::from_secs(30), || {
        let seen = get(client, &format!("{BACKTESTS}/{}", id(&made)));
        (text(&seen, "state") == "done").then_some(seen)
    });
    ended.unwrap_or_else(|| panic!("has not ended: {}", get(client, &format!("{BACKTESTS}/{}", id(&made)))))
}

/// The rule with one condition more.
fn also(rule: &mut Value, condition: Value) {
    rule["conditions"].as_array_mut().unwrap().push(condition);
}

#[test]
fn a_draft_is_held_against_what_happened() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let mut rule = rule_for(&only, &json!([tell("ada@example.com", "{{opportunity_name}}")]));
    let live = id(&post(&client, RULES, &rule, 201));
    for name in ["Small", "Big", "Bigger"] {
        let accepted = post(&client, "/api/v1/events", &event_for(&only, name), 202);
        job(&client, &first_job(&accepted), "done");
    }
    also(&mut rule, json!({"type": "contains", "field": "opportunity_name", "value": "Big"}));
    rule["actions"] = json!([tell("bob@example.com", "{{opportunity_name}}!")]);
    let wish = json!({"rule": rule, "rule_id": live, "since": LONG_AGO});
    let ended = backtest(&client, &wish);
    assert_eq!((&ended["total"], &ended["compared_to"]), (&ended["looked_at"], &json!(1)));
    let report = &ended["report"];
    for (name, count) in [
        ("matched_before", 3),
        ("matched_now", 2),
        ("newly_matched", 0),
        ("no_longer_matched", 1),
        ("changed_actions", 2),
    ] {
        assert_eq!(report[name], count, "{name} in {report:#}");
    }
    let gone = &report["examples"]["no_longer_matched"][0];
    assert_eq!(gone["now"]["decided_by"], "conditions[1]", "{gone:#}");
    let changes = &report["examples"]["changed_actions"][0]["changes"];
    assert_eq!(changes[0]["is"], "Big!", "{changes:#}");
    assert_eq!(
        report["recipients"][0],
        json!({"recipient": "bob@example.com", "messages_before": 0, "messages_now": 2})
    );

    let list = get(&client, &format!("{BACKTESTS}?rule_id={live}"));
    assert_eq!((text(&data(&list)[0], "id"), &data(&list)[0]["report"]), (text(&ended, "id"), &Value::Null));
    let path = format!("{BACKTESTS}/{}", id(&ended));
    assert_eq!(client.delete(&path).unwrap().status, 204);
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn what_cannot_be_held_against_anything_is_told() {
    let stage = Stage::shared();
    let client = stage.client();
    let path = format!("{RULES}/backtest");
    let rule = rule_for(&fresh("o"), &json!([{"type": "nothing"}]));
    let wish = json!({"rule": rule, "since": LONG_AGO});
    expect::fields(&client.post(&path, &wish).unwrap(), 400, "VALIDATION_ERROR", &["rule.actions[0].type"]);
    let wish = json!({"rule_id": "rul_", "since": "yesterday", "compare_to": "it"});
    let faults = ["rule_id", "since", "compare_to"];
    expect::fields(&client.post(&path, &wish).unwrap(), 400, "VALIDATION_ERROR", &faults);
    let blind = stage.key_with(&["rules:read", "rules:write"]);
    let rule = rule_for(&fresh("o"), &json!([tell("a", "b")]));
    let wish = json!({"rule": rule, "since": LONG_AGO});
    expect::problem(&blind.post(&path, &wish).unwrap(), 403, "OUT_OF_REACH");
}

#[test]
fn a_shadow_runs_beside_its_rule_and_takes_its_place() {
    let client = Stage::shared_client();
    let (only, other) = (fresh("o"), fresh("o"));
    let rule = id(&post(&client, RULES, &rule_for(&only, &json!([tell("ada@example.com", "old")])), 201));
    let path = format!("{RULES}/{rule}/shadow");
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
    let changes = json!({"changes": {"conditions": [{"type": "in", "field": "opportunity_id", "value": [only, other]}]}});
    let answer = client.put(&path, &changes).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());

    let both = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
    let newly = post(&client, "/api/v1/events", &event_for(&other, "Deal"), 202);
    assert_eq!((&both["matched"], &newly["matched"]), (&json!([rule]), &json!([])));
    let seen = get(&client, &path);
    assert_eq!((&seen["matched_by_both"], &seen["only_shadow"]), (&json!(1), &json!(1)), "{seen:#}");
    assert_eq!(seen["latest"][0]["event_id"], newly["id"], "{seen:#}");
    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&newly)));
    let shadows = trace.pointer("/verdicts/shadows").unwrap();
    assert!(shadows.as_array().unwrap().iter().any(|one| one["rule_id"] == rule.as_str()), "{shadows:#}");

    let promote = format!("{path}/promote");
    let refused = client.post(&promote, &json!({})).unwrap();
    expect::problem(&refused, 409, "SHADOW_DIVERGES");
    let terms = json!({"max_divergence": 1, "min_events": 2, "note": "tried for a day"});
    let promoted = post(&client, &promote, &terms, 200);
    assert_eq!(promoted["version"], 2);
    let version = get(&client, &format!("{RULES}/{rule}/versions/2"));
    assert_eq!((text(&version, "change"), text(&version, "note")), ("promoted", "tried for a day"));
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
    let next = post(&client, "/api/v1/events", &event_for(&other, "Deal"), 202);
    assert_eq!(next["matched"], json!([rule]), "from the very next event on");
}

#[test]
fn a_rule_that_can_never_match_is_found() {
    let client = Stage::shared_client();
    let mut rule = rule_for(&fresh("o"), &json!([tell("a", "b")]));
    also(&mut rule, json!({"type": "equals", "field": "opportunity_id", "value": "another"}));
    let made = post(&client, RULES, &rule, 201);
    let found = get(&client, &format!("{RULES}/{}/analysis", id(&made)));
    let finding = &found["findings"][0];
    assert_eq!(finding["code"], "never_matches", "{found:#}");
    assert_eq!(finding["clauses"], json!(["conditions[0]", "conditions[1]"]));
    assert!(made["warnings"].to_string().contains("can never hold"), "{made:#}");
    let all = get(&client, &format!("{RULES}/analysis?limit=200"));
    assert!(data(&all).iter().any(|one| one["rule_id"] == made["id"]), "{all:#}");
}

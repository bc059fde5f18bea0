//! Does the whole story run? From the first login to the trace, as a newcomer would walk it by hand.

use crate::{
    expect::steady,
    stage::{Stage, data, get, id, inbox, login, message, post, text},
};
use serde_json::json;

/// The rule of the seeds, word for word.
fn high_value_deal_alert(name: &str) -> serde_json::Value {
    json!({
        "name": name,
        "description": "Notify sales manager about deals over $10,000",
        "module_type": "sales",
        "trigger_id": "high_value_opportunity",
        "conditions": [{"type": "value_threshold", "value": 10000}],
        "actions": [{
            "type": "send_notification",
            "parameters": {
                "recipient": "sales-manager@example.com",
                "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}"
            }
        }]
    })
}

#[test]
fn an_event_becomes_a_message_and_the_trace_explains_it() {
    let stage = Stage::own();
    let owner = stage.host.credentials().unwrap();
    assert_eq!(owner.tenant, "acme-corp");

    // 2. Log in.
    let answer = login(&stage.host.client(), &owner.email, &owner.password);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let session = answer.json().unwrap();
    assert_eq!(session["token_type"], "Bearer");
    let person = stage.host.client().with_bearer(text(&session, "access_token"));

    // 3. Triggers and the rule, which the empty state was seeded with.
    let triggers = get(&person, "/api/v1/automation/triggers?module_type=sales");
    assert!(
        data(&triggers).iter().any(|trigger| trigger["trigger_id"] == "high_value_opportunity"),
        "{triggers}"
    );
    let rules = get(&person, "/api/v1/automation/rules?trigger_id=high_value_opportunity");
    assert_eq!(data(&rules).len(), 1, "{rules}");
    let rule = id(&data(&rules)[0]);
    insta::assert_snapshot!("the_seeded_rule", steady(&data(&rules)[0]));

    // 4. The event.
    let event = json!({
        "event": "high_value_opportunity",
        "data": {"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500}
    });
    let accepted = post(&person, "/api/v1/events", &event, 202);
    assert_eq!(accepted["matched"], json!([rule]), "{accepted}");
    assert_eq!(accepted["jobs"].as_array().map(Vec::len), Some(1), "{accepted}");
    assert_eq!(accepted["duplicate"], false);
    insta::assert_snapshot!("the_event_is_accepted", steady(&accepted));

    // 5. The message.
    message(&person, "sales-manager@example.com", "New high-value opportunity: Big deal - $12500");
    assert_eq!(inbox(&person, "sales-manager@example.com").len(), 1);

    // 6. The trace.
    let job = crate::stage::first_job(&accepted);
    crate::stage::job(&person, &job, "done");
    let trace = get(&person, &format!("/api/v1/events/{}/trace", id(&accepted)));
    let whole = trace.to_string();
    for part in [id(&accepted), rule, job, "value_threshold".to_owned(), "Big deal".to_owned()] {
        assert!(whole.contains(&part), "the trace does not tell of {part}: {trace}");
    }
    insta::assert_snapshot!("the_trace", steady(&trace));
}

#[test]
fn below_the_threshold_nothing_happens_and_the_trace_says_why() {
    let stage = Stage::shared();
    let client = stage.client();
    let event = json!({
        "event": "high_value_opportunity",
        "data": {"opportunity_id": "o-2", "opportunity_name": "Small deal", "value": 9999.99}
    });
    let accepted = post(&client, "/api/v1/events", &event, 202);
    assert_eq!((&accepted["matched"], &accepted["jobs"]), (&json!([]), &json!([])));
    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&accepted)));
    assert!(trace.to_string().contains("value_threshold"), "does not name the clause that failed: {trace}");
}

#[test]
fn the_rule_of_the_seeds_is_created_as_its_example_shows() {
    let stage = Stage::shared();
    let client = stage.client();
    let name = crate::stage::fresh("High Value Deal Alert");
    let sent = high_value_deal_alert(&name);
    // The example names its tenant in the header.
    let answer = client
        .request("POST", "/api/v1/automation/rules")
        .header("X-Tenant-ID", "acme-corp")
        .json(&sent)
        .send()
        .unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let rule = answer.json().unwrap();
    for field in ["name", "description", "module_type", "trigger_id", "conditions", "actions"] {
        assert_eq!(rule[field], sent[field], "{field}");
    }
    assert_eq!((&rule["tenant_id"], &rule["is_active"]), (&json!("acme-corp"), &json!(true)));
    assert!(text(&rule, "created_at").ends_with('Z') && text(&rule, "updated_at").ends_with('Z'));
    assert_eq!(client.delete(&format!("/api/v1/automation/rules/{}", id(&rule))).unwrap().status, 204);
}

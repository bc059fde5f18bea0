//! `/api/v1/automation/triggers`: which triggers are there?

use crate::{
    expect,
    stage::{Stage, data, get},
};
use serde_json::Value;

fn ids(list: &Value) -> Vec<String> {
    let mut ids: Vec<String> =
        data(list).iter().filter_map(|trigger| trigger["trigger_id"].as_str()).map(str::to_owned).collect();
    ids.sort();
    ids
}

#[test]
fn the_built_in_triggers_are_those_of_the_seeds() {
    let client = Stage::shared_client();
    let crm = ids(&get(&client, "/api/v1/automation/triggers?module_type=crm"));
    assert_eq!(crm, ["contact_created", "contact_status_changed", "contact_updated", "lead_created"]);
    let sales = get(&client, "/api/v1/automation/triggers?module_type=sales");
    assert_eq!(
        ids(&sales),
        [
            "deal_closed_lost",
            "deal_closed_won",
            "high_value_opportunity",
            "opportunity_created",
            "opportunity_stage_changed"
        ]
    );
    let high = data(&sales).iter().find(|trigger| trigger["trigger_id"] == "high_value_opportunity").unwrap();
    assert_eq!(high["module_type"], "sales");
    let required = high["required_data"].to_string();
    assert!(required.contains("opportunity_id") && required.contains("value"), "{high}");
}

#[test]
fn an_unknown_module_is_refused() {
    let client = Stage::shared_client();
    let answer = client.get("/api/v1/automation/triggers?module_type=warehouse").unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["module_type"]);
}

//! How often may somebody come? Every quota over all instances, each with its headers.

use crate::{
    expect,
    stage::{Stage, post, text},
};
use serde_json::{Value, json};

fn policies(answer: &tests::Answer) -> Vec<String> {
    let header = answer.header("ratelimit-policy").unwrap_or_default();
    header.split(", ").map(str::to_owned).collect()
}

#[test]
fn searches_and_bulk_operations_are_the_tenants_own_and_can_be_set() {
    let stage = Stage::own();
    let owner = stage.client();
    let search = || owner.get("/api/v1/admin/audit?text=deal").unwrap();
    let first = search();
    assert!(policies(&first).contains(&"\"search\";q=30;w=60".to_owned()), "{:?}", policies(&first));
    assert!(policies(&first).iter().any(|policy| policy.starts_with("\"default\"")));
    let patch = json!({"limits": {"search_per_minute": 1, "bulk_per_hour": 2}});
    assert_eq!(owner.patch("/api/v1/admin/settings", &patch).unwrap().status, 200);
    let refused = search();
    expect::problem(&refused, 429, "RATE_LIMITED");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(owner.get("/api/v1/admin/audit").unwrap().status, 200, "a plain list is no search");
    let redrive = || owner.post("/api/v1/jobs/dead/redrive", &json!({"dry_run": false})).unwrap();
    let statuses: Vec<u16> = (0..3).map(|_| redrive().status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(post(&owner, "/api/v1/jobs/dead/redrive", &json!({}), 200)["dry_run"], true);
    let (_, other) = stage.other_tenant();
    assert_eq!(other.get("/api/v1/admin/audit?text=deal").unwrap().status, 200, "another tenant has its own");
}

#[test]
fn a_batch_takes_as_many_as_it_has() {
    let stage = Stage::own();
    let wish = json!({"name": "small", "permissions": ["events:write"], "rate_per_minute": 50});
    let key = post(&stage.client(), "/api/v1/admin/api-keys", &wish, 201);
    let sender = stage.host.client().with_bearer(text(&key, "key"));
    let send = |count: usize| {
        let events: Vec<Value> = (0..count)
            .map(|number| {
                json!({"specversion": "1.0", "id": format!("{count}-{number}"), "source": "/tests",
                    "type": "contact_created", "data": {"contact_id": "c-1"}})
            })
            .collect();
        let body = Value::from(events).to_string();
        sender
            .request("POST", "/api/v1/events")
            .body("application/cloudevents-batch+json", body)
            .send()
            .unwrap()
    };
    let whole = send(40);
    assert_eq!(whole.status, 202, "{}", whole.text());
    let refused = send(30);
    expect::problem(&refused, 429, "RATE_LIMITED");
    assert!(policies(&refused).contains(&"\"default\";q=50;w=60".to_owned()), "{:?}", policies(&refused));
}

//! `ETag` and `If-Match`: a change meets the version that its author saw, or is refused.

use crate::{
    expect,
    stage::{Stage, fresh, id, post, rule_for, tell},
};
use serde_json::json;

#[test]
fn a_stale_change_is_refused() {
    let client = Stage::shared_client();
    let body = rule_for(&fresh("o"), &json!([tell("a@example.com", "a")]));
    let path =
        format!("/api/v1/automation/rules/{}", id(&post(&client, "/api/v1/automation/rules", &body, 201)));
    let seen = client.get(&path).unwrap().header("etag").expect("a resource has an ETag").to_owned();
    assert!(seen.starts_with('"') && seen.ends_with('"'), "{seen}");

    let change = |tag: &str, name: &str| {
        client.request("PATCH", &path).header("If-Match", tag).json(&json!({"name": name})).send().unwrap()
    };
    let changed = change(&seen, "First");
    assert_eq!(changed.status, 200, "{}", changed.text());
    let now = changed.header("etag").expect("a change tells the new ETag").to_owned();
    assert_ne!(now, seen);
    let stale = change(&seen, "Second");
    assert_eq!(stale.status, 412, "{}", stale.text());
    let code = stale.json().unwrap()["error"]["code"].as_str().unwrap_or_default().to_owned();
    expect::problem(&stale, 412, &code);
    assert_eq!(client.get(&path).unwrap().json().unwrap()["name"], "First");
    assert_eq!(change("\"no tag of ours\"", "Third").status, 412);
    assert_eq!(change("*", "Fourth").status, 200);
    assert_eq!(change(&now, "Fifth").status, 412);

    let whole = client.request("PUT", &path).header("If-Match", &seen).json(&body).send().unwrap();
    assert_eq!(whole.status, 412, "{}", whole.text());
    let delete = client.request("DELETE", &path).header("If-Match", &seen).send().unwrap();
    assert_eq!(delete.status, 412, "{}", delete.text());
}

//! What does a list look like, and one resource as JSON:API? Every list, one shape; every page, once.

use crate::stage::{Stage, data, fresh, get, id, post, rule_for, tell, text};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn pages_hold_everything_once() {
    let client = Stage::shared_client();
    let made: BTreeSet<String> = (0..5)
        .map(|_| {
            id(&post(
                &client,
                "/api/v1/automation/rules",
                &rule_for(&fresh("o"), &json!([tell("a@example.com", "a")])),
                201,
            ))
        })
        .collect();
    let mut seen = Vec::new();
    let mut path = "/api/v1/automation/rules?limit=2".to_owned();
    for _ in 0..500 {
        let page = get(&client, &path);
        assert!(data(&page).len() <= 2, "{page}");
        assert_eq!(page["meta"]["limit"], 2);
        assert!(
            text(&page["meta"], "timestamp").ends_with('Z') && !page["meta"]["version"].is_null(),
            "{page}"
        );
        assert!(text(&page["links"], "self").starts_with("/api/v1/automation/rules"), "{page}");
        seen.extend(data(&page).iter().map(id));
        match page["links"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let once: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "an entry came twice");
    // Other tests delete rules meanwhile; ours are all there.
    assert!(made.is_subset(&once), "missing: {:?}", made.difference(&once));
}

#[test]
fn links_stay_below_the_slug_that_was_asked() {
    let client = Stage::shared_client();
    let page = get(&client, "/acme-corp/api/v1/automation/triggers?limit=1");
    assert!(text(&page["links"], "self").starts_with("/acme-corp/api/v1/"), "{page}");
    if let Some(next) = page["links"]["next"].as_str() {
        assert_eq!(client.get(next).unwrap().status, 200);
    }
}

#[test]
fn one_resource_as_json_api() {
    let client = Stage::shared_client();
    let body = rule_for(&fresh("o"), &json!([tell("a@example.com", "a")]));
    let rule = post(&client, "/api/v1/automation/rules", &body, 201);
    let path = format!("/api/v1/automation/rules/{}", id(&rule));
    let answer = client.request("GET", &path).header("Accept", "application/vnd.api+json").send().unwrap();
    assert_eq!(answer.header("content-type"), Some("application/vnd.api+json"));
    let wrapped = answer.json().unwrap();
    assert_eq!(wrapped["data"]["id"], rule["id"]);
    assert_eq!(wrapped["data"]["attributes"]["name"], rule["name"]);
    assert!(!text(&wrapped["data"], "type").is_empty());
    assert!(text(&wrapped["meta"], "timestamp").ends_with('Z') && !wrapped["meta"]["version"].is_null());
    assert_eq!(wrapped["links"]["self"], path.as_str());
}

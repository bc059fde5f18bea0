//! Two tenants: can one see or change anything of the other? Every route of the OpenAPI document, with the other's credential, ids,
//! header and slug.

use crate::{
    expect,
    operation_list::{Operation, operations},
    stage::{Stage, fresh, post, rule_for, tell},
};
use serde_json::json;
use tests::{Answer, Client};

/// Stands in everything of the first tenant's that a test can name; in no answer to the other.
const MARK: &str = "acmeonly";

/// The first tenant with something of everything, and the other one's credential.
struct Two {
    stage: Stage,
    /// The other tenant's client.
    other: Client,
    /// The other tenant's slug.
    slug: String,
}

impl Two {
    fn set_up() -> Self {
        let stage = Stage::own();
        let client = stage.client();
        furnish(&client);
        let (slug, other) = stage.other_tenant();
        let limits = json!({"limits": {"bulk_per_hour": 1000}});
        assert_eq!(
            other.request("PATCH", "/api/v1/admin/settings").json(&limits).send().unwrap().status,
            200
        );
        Self { stage, other, slug }
    }
}

/// Makes one of everything that a tenant can have.
pub fn furnish(client: &Client) {
    // Whoever tries every route imports more than an hour allows.
    let limits = json!({"limits": {"bulk_per_hour": 1000}});
    assert_eq!(client.request("PATCH", "/api/v1/admin/settings").json(&limits).send().unwrap().status, 200);
    let only = fresh(MARK);
    let recipient = format!("{MARK}@example.com");
    let mut later = tell(&recipient, MARK);
    later["delay"] = json!("PT1H");
    let rule = rule_for(&only, &json!([tell(&recipient, MARK), later]));
    let made = post(client, "/api/v1/automation/rules", &rule, 201);
    let shadow = json!({"changes": {"description": MARK}});
    let path = format!("/api/v1/automation/rules/{}/shadow", crate::stage::id(&made));
    assert_eq!(client.put(&path, &shadow).unwrap().status, 200);
    let backtest = json!({"rule": rule, "since": "2020-01-01T00:00:00Z"});
    // Waited for: else it would change by itself while others look.
    post(client, "/api/v1/automation/rules/backtest?wait=10", &backtest, 202);
    let channel = json!({"name": fresh(MARK), "kind": "webhook", "url": "http://127.0.0.1:9/acmeonly"});
    post(client, "/api/v1/notifications/channels", &channel, 201);
    let endpoint = json!({"url": "http://127.0.0.1:9/acmeonly", "description": MARK});
    let endpoint = crate::stage::id(&post(client, "/api/v1/webhooks/endpoints", &endpoint, 201));
    // Nobody is there: it leaves a delivery that does not change by itself.
    let tried = post(client, &format!("/api/v1/webhooks/endpoints/{endpoint}/test"), &json!({}), 202);
    crate::stage::job(client, &crate::stage::id(&tried), "dead");
    let data = json!({"contact_id": "{{ body.only }}"});
    let source = json!({"name": fresh(MARK), "preset": "unverified", "mapping": {"trigger_id": "contact_created", "data": data}});
    let source = post(client, "/api/v1/webhooks/sources", &source, 201);
    let door =
        crate::stage::text(&source, "url").split_once("/hooks/").map(|(_, place)| format!("/hooks/{place}"));
    let source = crate::stage::id(&source);
    let sent = post(&client.anonymous(), &door.unwrap(), &json!({"only": MARK}), 202);
    let path = format!("/api/v1/webhooks/sources/{source}/requests/{}", crate::stage::id(&sent));
    let work = crate::stage::text(&crate::stage::get(client, &path), "job_id").to_owned();
    crate::stage::job(client, &work, "done");
    let replay = json!({"which": "failed", "since": "2020-01-01T00:00:00Z", "dry_run": false});
    let replay = post(client, &format!("/api/v1/webhooks/endpoints/{endpoint}/replay"), &replay, 202);
    // Waited for, like a backtest.
    crate::stage::job(client, crate::stage::text(&replay, "job_id"), "done");
    crate::stage::job(client, &crate::stage::id(&tried), "dead");
    post(client, "/api/v1/webhooks/portal-links", &json!({"customer": MARK}), 201);
    for name in [MARK.to_owned(), format!("{MARK}_empty")] {
        let kind = json!({"type": name, "module_type": "delivery", "schema": {"properties": {"name": {"type": "string"}}}});
        post(client, "/api/v1/records/types", &kind, 201);
    }
    for path in ["crm/contacts", "crm/leads", "sales/opportunities", "records/acmeonly"] {
        post(client, &format!("/api/v1/{path}"), &json!({"name": only}), 201);
    }
    for _ in 0..4 {
        let task = json!({"title": fresh(MARK), "assignee": recipient});
        let task = crate::stage::id(&post(client, "/api/v1/tasks", &task, 201));
        post(client, &format!("/api/v1/tasks/{task}/comments"), &json!({"text": MARK}), 201);
    }
    let schedule = json!({"name": fresh(MARK), "cron": "0 9 * * *", "data": {"only": MARK}});
    let schedule = crate::stage::id(&post(client, "/api/v1/schedules", &schedule, 201));
    post(client, &format!("/api/v1/schedules/{schedule}/run"), &json!({}), 200);
    // Each leaves a job that waits for its hour: one to be called off, one to be hurried.
    for _ in 0..2 {
        let event = crate::stage::event_for(&only, MARK);
        let accepted = post(client, "/api/v1/events", &event, 202);
        crate::stage::job(client, &crate::stage::first_job(&accepted), "done");
    }
}

/// What must not be seen in any answer to the other tenant.
fn assert_blind(what: &str, answer: &Answer) {
    assert!(!answer.text().contains(MARK), "{what} shows the other tenant's: {}", answer.text());
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
}

#[test]
fn the_others_ids_are_as_good_as_none() {
    let two = Two::set_up();
    let owner = two.stage.client();
    let operations = operations(&owner);
    let before = everything(&owner, &operations);
    for operation in &operations {
        let Some(path) = operation.path_of(&owner) else {
            continue;
        };
        let what = format!("{} {path} by the other tenant", operation.method);
        let answer = operation.request(&two.other, &path).send().unwrap();
        assert_blind(&what, &answer);
        if operation.has_id() && !operation.is_public {
            assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
            // The same answer as for an id that nobody has.
            let nobodys = operation.request(&two.other, &operation.path_of_nobody(&path)).send().unwrap();
            assert_eq!(answer.status, nobodys.status, "{what}: {} | {}", answer.text(), nobodys.text());
            let code = |answer: &Answer| answer.json().unwrap_or_default()["error"]["code"].clone();
            assert_eq!(code(&answer), code(&nobodys), "{what}");
        }
    }
    assert_eq!(before, everything(&owner, &operations), "the other tenant changed something");
}

#[test]
fn naming_the_other_tenant_is_refused_and_so_is_naming_nobodys() {
    let two = Two::set_up();
    let owner = two.stage.client();
    for operation in operations(&owner).iter().filter(|one| !one.is_public && !one.is_operators()) {
        let Some(path) = operation.path_of(&owner) else {
            continue;
        };
        for (named, whose) in [("acme-corp", "the other's"), ("nobody-at-all", "nobody's")] {
            let what = format!("{} {path} naming {whose} tenant", operation.method);
            let by_header = operation.request(&two.other, &path).header("X-Tenant-ID", named).send().unwrap();
            assert_blind(&what, &by_header);
            expect::problem(&by_header, 403, "TENANT_MISMATCH");
            let by_path = operation.request(&two.other, &format!("/{named}{path}")).send().unwrap();
            assert_blind(&what, &by_path);
            expect::problem(&by_path, 403, "TENANT_MISMATCH");
        }
    }
    let slug = &two.slug;
    let own = two
        .other
        .request("GET", &format!("/{slug}/api/v1/automation/rules"))
        .header("X-Tenant-ID", slug)
        .send()
        .unwrap();
    assert_eq!(own.status, 200, "its own name is welcome: {}", own.text());
    let torn = two
        .other
        .request("GET", &format!("/{slug}/api/v1/automation/rules"))
        .header("X-Tenant-ID", "acme-corp")
        .send();
    expect::problem(&torn.unwrap(), 403, "TENANT_MISMATCH");
}

#[test]
fn an_event_meets_only_its_own_tenants_rules() {
    let two = Two::set_up();
    let only = fresh("o");
    let rule = rule_for(&only, &json!([tell("a@example.com", "a")]));
    post(&two.stage.client(), "/api/v1/automation/rules", &rule, 201);
    let accepted = post(&two.other, "/api/v1/events", &crate::stage::event_for(&only, "x"), 202);
    assert_eq!(accepted["matched"], json!([]));
    // The same key in two tenants is two keys.
    for client in [two.stage.client(), two.other] {
        let answer = client
            .request("POST", "/api/v1/events")
            .header("Idempotency-Key", "the-same-in-both")
            .json(&json!({"event": "contact_created", "data": {"contact_id": "c-1"}}))
            .send()
            .unwrap();
        assert_eq!(
            (answer.status, &answer.json().unwrap()["duplicate"]),
            (202, &json!(false)),
            "{}",
            answer.text()
        );
    }
}

/// All that the owner can read, for a comparison; without what changes by being looked at.
fn everything(owner: &Client, operations: &[Operation]) -> Vec<(String, String)> {
    operations
        .iter()
        // That somebody exported is itself on record, and so is what the owner's key was refused here.
        .filter(|operation| {
            !operation.template.ends_with("/export") && !operation.template.contains("/audit")
        })
        .filter(|operation| operation.method == "GET" && !operation.is_public && !operation.is_operators())
        .filter_map(|operation| operation.path_of(owner))
        .filter_map(|path| {
            // What only a person in a session can read is not there for a key.
            let mut body = owner.get(&path).ok().filter(|answer| answer.status == 200)?.json().ok()?;
            // Figures are of the last hours: the hours pass.
            for name in ["since", "until"].iter().filter(|_| path.ends_with("/stats")) {
                body.as_object_mut().map(|figures| figures.remove(*name));
            }
            if let Some(meta) = body.get_mut("meta").and_then(|meta| meta.as_object_mut()) {
                meta.remove("timestamp");
            }
            for entry in body.pointer_mut("/data").and_then(|data| data.as_array_mut()).into_iter().flatten()
            {
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove("last_used_at");
                }
            }
            Some((path, body.to_string()))
        })
        .collect()
}

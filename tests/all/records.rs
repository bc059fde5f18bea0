//! `/api/v1/crm/…`, `/api/v1/sales/…`: do contacts, leads and deals raise what they should, and does a rule move them?

use crate::{
    expect,
    stage::{SOON, Stage, data, fresh, get, id, job, message, post, text},
};
use serde_json::{Value, json};
use tests::{Answer, Client, eventually};

const CONTACTS: &str = "/api/v1/crm/contacts";
const LEADS: &str = "/api/v1/crm/leads";
const DEALS: &str = "/api/v1/sales/opportunities";

/// A rule on a trigger of one record only.
fn rule(trigger: &str, module: &str, conditions: Value, actions: Value) -> Value {
    json!({"name": fresh("rule"), "module_type": module, "trigger_id": trigger, "conditions": conditions, "actions": actions})
}

fn patch(client: &Client, path: &str, body: &Value) -> Value {
    let answer = client.patch(path, body).unwrap();
    assert_eq!(answer.status, 200, "PATCH {path} {body}: {}", answer.text());
    answer.json().unwrap()
}

/// The newest event of a trigger that is about a record.
fn event_about(client: &Client, trigger: &str, record: &str) -> Value {
    let found = eventually(SOON, || {
        let list = get(client, &format!("/api/v1/events?trigger_id={trigger}&limit=200"));
        data(&list).iter().find(|event| event["subject"] == record).cloned()
    });
    found.unwrap_or_else(|| panic!("no {trigger} about {record}"))
}

#[test]
fn a_status_that_changes_is_told_with_what_it_was_and_is() {
    let client = Stage::shared_client();
    let (name, recipient) = (fresh("Ada"), format!("{}@example.com", fresh("sales")));
    let actions = json!([{"type": "send_notification", "parameters":
        {"recipient": recipient, "message": "{{contact_name}} went from {{old_status}} to {{new_status}}"}}]);
    let conditions = json!([{"type": "equals", "field": "contact_name", "value": name},
        {"type": "changed_to", "field": "status", "value": "customer"}]);
    post(
        &client,
        "/api/v1/automation/rules",
        &rule("contact_status_changed", "crm", conditions, actions),
        201,
    );

    let made =
        post(&client, CONTACTS, &json!({"name": name, "email": "ada@example.com", "labels": ["vip"]}), 201);
    assert_eq!((text(&made, "status"), &made["phone"], &made["version"]), ("lead", &Value::Null, &json!(1)));
    let path = format!("{CONTACTS}/{}", id(&made));
    let moved = patch(&client, &path, &json!({"status": "customer"}));
    assert_eq!(moved["version"], 2);
    message(&client, &recipient, &format!("{name} went from lead to customer"));

    let event = event_about(&client, "contact_status_changed", &id(&made));
    assert_eq!(event["data"]["changes"], json!({"status": {"old": "lead", "new": "customer"}}));
    assert_eq!(event["data"]["email"], "ada@example.com");
    for trigger in ["contact_created", "contact_updated"] {
        event_about(&client, trigger, &id(&made));
    }
    assert_eq!(client.delete(&path).unwrap().status, 204);
    event_about(&client, "contact_deleted", &id(&made));
    expect::problem(&client.get(&path).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn a_rule_moves_a_deal_and_the_trace_shows_the_chain() {
    let client = Stage::shared_client();
    let name = fresh("Big deal");
    let only = |field: &str| json!({"type": "equals", "field": field, "value": name});
    let conditions = json!([only("opportunity_name"), {"type": "value_threshold", "value": 25000}]);
    let actions = json!([{"type": "update_status", "parameters": {"entity_id": "{{opportunity_id}}", "new_status": "negotiation"}}]);
    post(
        &client,
        "/api/v1/automation/rules",
        &rule("high_value_opportunity", "sales", conditions, actions),
        201,
    );
    let recipient = format!("{}@example.com", fresh("lead"));
    let tell = json!([{"type": "send_notification", "parameters": {"recipient": recipient, "message": "{{old_stage}} → {{new_stage}}"}}]);
    let conditions = json!([only("opportunity_name")]);
    post(
        &client,
        "/api/v1/automation/rules",
        &rule("opportunity_stage_changed", "sales", conditions, tell),
        201,
    );

    let deal = post(&client, DEALS, &json!({"name": name, "value": "25000.50", "currency": "eur"}), 201);
    assert_eq!((deal["value"].to_string(), text(&deal, "currency")), ("25000.50".to_owned(), "EUR"));
    message(&client, &recipient, "prospecting → negotiation");
    let now = get(&client, &format!("{DEALS}/{}", id(&deal)));
    assert_eq!((text(&now, "stage"), &now["version"]), ("negotiation", &json!(2)));

    let high = event_about(&client, "high_value_opportunity", &id(&deal));
    let moved = event_about(&client, "opportunity_stage_changed", &id(&deal));
    assert_eq!((&moved["parent_id"], &moved["depth"]), (&high["id"], &json!(1)), "{moved}");
    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&high)));
    let whole = trace.to_string();
    for part in [id(&moved), "update_status".to_owned(), "went to negotiation".to_owned()] {
        assert!(whole.contains(&part), "the trace does not tell of {part}: {trace}");
    }
}

#[test]
fn what_an_action_cannot_do_is_a_dead_letter_that_says_so() {
    let client = Stage::shared_client();
    let name = fresh("Deal");
    let conditions = json!([{"type": "equals", "field": "opportunity_name", "value": name}]);
    let actions = json!([{"type": "update_status", "parameters": {"entity_id": "{{opportunity_id}}", "new_status": "sold"}}]);
    post(
        &client,
        "/api/v1/automation/rules",
        &rule("opportunity_created", "sales", conditions, actions),
        201,
    );
    let deal = post(&client, DEALS, &json!({"name": name}), 201);
    let event = event_about(&client, "opportunity_created", &id(&deal));
    let trace = get(&client, &format!("/api/v1/events/{}/trace", id(&event)));
    let planned = trace["jobs"][0]["id"].as_str().unwrap_or_default().to_owned();
    let dead = job(&client, &planned, "dead");
    assert!(text(&dead, "last_error").contains("stage: must be one of prospecting"), "{dead}");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let client = Stage::shared_client();
    let sent = json!({"email": "ada", "status": "asleep", "colour": "red", "labels": "vip"});
    let answer = client.post(CONTACTS, &sent).unwrap();
    expect::fields(&answer, 400, "VALIDATION_ERROR", &["email", "status", "colour", "labels"]);
    let ours =
        client.post(CONTACTS, &json!({"name": "Ada", "id": "x", "version": 1, "created_at": "now"})).unwrap();
    expect::fields(&ours, 400, "VALIDATION_ERROR", &["id", "version", "created_at"]);
    for body in [json!([]), json!("text"), json!(7)] {
        expect::problem(&client.post(CONTACTS, &body).unwrap(), 400, "VALIDATION_ERROR");
    }
    let deal = post(&client, DEALS, &json!({"name": fresh("Deal")}), 201);
    let path = format!("{DEALS}/{}", id(&deal));
    let close = |body: Value| client.patch(&path, &body).unwrap();
    expect::fields(&close(json!({"stage": "closed_lost"})), 400, "VALIDATION_ERROR", &["lost_reason"]);
    expect::fields(&close(json!({"stage": "closed_won"})), 400, "VALIDATION_ERROR", &["value"]);
    expect::fields(&close(json!({"contact_id": id(&deal)})), 400, "VALIDATION_ERROR", &["contact_id"]);
    assert_eq!(close(json!({"stage": "closed_lost", "lost_reason": "price"})).status, 200);
    let event = event_about(&client, "deal_closed_lost", &id(&deal));
    assert_eq!(event["data"]["reason"], "price");
}

#[test]
fn a_record_is_written_whole_in_part_and_only_as_it_was_seen() {
    let client = Stage::shared_client();
    let external = fresh("ext");
    let answer =
        client.post(CONTACTS, &json!({"name": "Ada", "phone": "1", "external_id": external})).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let made = answer.json().unwrap();
    let path = format!("{CONTACTS}/{}", id(&made));
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let seen = answer.header("etag").unwrap().to_owned();
    let change = |method: &str, tag: &str, body: &Value| -> Answer {
        client.request(method, &path).header("If-Match", tag).json(body).send().unwrap()
    };
    let same = change("PATCH", &seen, &json!({"phone": "1"}));
    assert_eq!((same.status, same.header("etag")), (200, Some(seen.as_str())), "nothing changed");
    let changed = change("PATCH", &seen, &json!({"phone": null, "company": "Engines"}));
    assert_eq!(changed.json().unwrap()["phone"], Value::Null);
    expect::problem(&change("PATCH", &seen, &json!({"phone": "2"})), 412, "PRECONDITION_FAILED");
    let now = changed.header("etag").unwrap().to_owned();
    let whole = change("PUT", &now, &json!({"name": "Ada King"})).json().unwrap();
    assert_eq!((&whole["company"], &whole["external_id"]), (&Value::Null, &Value::Null));
    expect::problem(&change("DELETE", &now, &json!({})), 412, "PRECONDITION_FAILED");

    let twice = json!({"name": "Ada", "external_id": external});
    post(&client, CONTACTS, &twice, 201);
    let taken = client.post(CONTACTS, &twice).unwrap();
    expect::fields(&taken, 409, "EXTERNAL_ID_TAKEN", &["external_id"]);
    let put = |query: &str, body: Value| client.post(&format!("{CONTACTS}?{query}"), &body).unwrap();
    let changed = put("on_match=update", json!({"external_id": external, "phone": "7"}));
    let body = changed.json().unwrap();
    assert_eq!(
        (changed.status, text(&body, "name"), text(&body, "phone")),
        (200, "Ada", "7"),
        "{}",
        changed.text()
    );
    let email = format!("{}@example.com", fresh("new"));
    assert_eq!(put("on_match=update&match=email", json!({"email": email})).status, 201);
    assert_eq!(
        put("on_match=skip&match=email", json!({"email": email.to_uppercase(), "phone": "9"}))
            .json()
            .unwrap()["phone"],
        Value::Null
    );
    expect::fields(
        &put("on_match=update", json!({"name": "Ada"})),
        400,
        "VALIDATION_ERROR",
        &["external_id"],
    );
    let key = fresh("key");
    let again = || {
        client
            .request("POST", CONTACTS)
            .header("Idempotency-Key", &key)
            .json(&json!({"name": key}))
            .send()
            .unwrap()
    };
    assert_eq!(again().json().unwrap()["id"], again().json().unwrap()["id"]);
}

#[test]
fn a_list_is_filtered_searched_and_goes_on_under_any_order() {
    let stage = Stage::own();
    let client = stage.client();
    let owner = "sam@example.com";
    for (name, value) in [("Zoë", "10"), ("ann", "9.5"), ("Émile", "100"), ("Bob", "10.00"), ("Carl", "2000")]
    {
        post(
            &client,
            DEALS,
            &json!({"name": format!("{name} deal"), "value": value, "owner": owner, "labels": [name]}),
            201,
        );
    }
    post(&client, DEALS, &json!({"name": "Dora deal", "owner": "eve@example.com"}), 201);
    let names = |query: &str| -> Vec<String> {
        let list = get(&client, &format!("{DEALS}?{query}"));
        data(&list).iter().map(|deal| text(deal, "name").replace(" deal", "")).collect()
    };
    assert_eq!(names("sort=name"), ["ann", "Bob", "Carl", "Dora", "Émile", "Zoë"]);
    assert_eq!(names("sort=-value"), ["Carl", "Émile", "Bob", "Zoë", "ann", "Dora"]);
    assert_eq!(names("value_min=9.5&value_max=10&sort=name"), ["ann", "Bob", "Zoë"]);
    assert_eq!(names("owner=EVE@example.com"), ["Dora"]);
    assert_eq!(names("label=ann"), ["ann"]);
    assert_eq!(names("q=emi"), ["Émile"]);
    assert_eq!(names("q=deal%20ca&stage=prospecting"), ["Carl"]);
    assert_eq!(names("field.owner=sam%40example.com&sort=created_at&limit=2"), ["Zoë", "ann"]);
    let mut seen = Vec::new();
    let mut path = format!("{DEALS}?sort=-value&limit=2");
    loop {
        let page = get(&client, &path);
        seen.extend(data(&page).iter().map(|deal| text(deal, "name").replace(" deal", "")));
        match page["links"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["Carl", "Émile", "Bob", "Zoë", "ann", "Dora"]);
    for (query, field) in [
        ("stage=sold", "stage"),
        ("colour=red", "colour"),
        ("sort=colour", "sort"),
        ("value_min=x", "value_min"),
        ("q=!", "q"),
    ] {
        expect::fields(&client.get(&format!("{DEALS}?{query}")).unwrap(), 400, "VALIDATION_ERROR", &[field]);
    }
    // A search counts as one; a plain list does not.
    let limit = json!({"limits": {"search_per_minute": 1}});
    assert_eq!(client.patch("/api/v1/admin/settings", &limit).unwrap().status, 200);
    expect::problem(&client.get(&format!("{DEALS}?q=deal")).unwrap(), 429, "RATE_LIMITED");
    assert_eq!(client.get(DEALS).unwrap().status, 200);
    let (_, other) = stage.other_tenant();
    assert_eq!(data(&get(&other, &format!("{DEALS}?q=deal"))).len(), 0);
}

#[test]
fn a_lead_becomes_a_contact_and_a_deal_in_one_go() {
    let client = Stage::shared_client();
    let email = format!("{}@example.com", fresh("ada"));
    let lead = post(
        &client,
        LEADS,
        &json!({"name": "Ada", "email": email, "company": "Engines", "value": 500, "source": "web"}),
        201,
    );
    let path = format!("{LEADS}/{}/convert", id(&lead));
    let done = post(&client, &path, &json!({"opportunity": {"stage": "qualification"}}), 200);
    assert_eq!(text(&done, "status"), "converted");
    let contact = get(&client, &format!("{CONTACTS}/{}", text(&done, "contact_id")));
    assert_eq!((text(&contact, "name"), text(&contact, "company")), ("Ada", "Engines"));
    let deal = get(&client, &format!("{DEALS}/{}", text(&done, "opportunity_id")));
    assert_eq!(
        (text(&deal, "stage"), &deal["contact_id"], &deal["value"]),
        ("qualification", &contact["id"], &json!(500))
    );
    let event = event_about(&client, "lead_converted", &id(&lead));
    assert_eq!(event["data"]["contact_id"], contact["id"]);
    expect::problem(&client.post(&path, &json!({})).unwrap(), 409, "LEAD_CONVERTED");

    let second = post(&client, LEADS, &json!({"email": email}), 201);
    let done = post(&client, &format!("{LEADS}/{}/convert", id(&second)), &json!({"opportunity": null}), 200);
    assert_eq!((&done["contact_id"], &done["opportunity_id"]), (&contact["id"], &Value::Null));
    // Whoever deletes the contact takes it out of the deal, too.
    assert_eq!(client.delete(&format!("{CONTACTS}/{}", text(&contact, "id"))).unwrap().status, 204);
    assert_eq!(get(&client, &format!("{DEALS}/{}", id(&deal)))["contact_id"], Value::Null);
}

#[test]
fn a_permission_for_one_module_does_not_reach_the_other() {
    let stage = Stage::own();
    let owner = stage.client();
    let deal = post(&owner, DEALS, &json!({"name": "Deal"}), 201);
    let role = json!({"name": fresh("role"), "permissions": ["records:read", "records:write"]});
    let role = id(&post(&owner, "/api/v1/admin/roles", &role, 201));
    let (user, client) = stage.user(
        &owner,
        &format!("{}@example.com", fresh("crm")),
        "Ana",
        "correct horse battery staple 9",
        &[],
    );
    let bind = |scope: &str| {
        let binding = json!({"user_id": user, "role_id": role, "scope": scope});
        post(&owner, "/api/v1/admin/role-bindings", &binding, 201)
    };
    bind("module:crm");
    post(&client, CONTACTS, &json!({"name": "Ada"}), 201);
    assert_eq!(data(&get(&client, DEALS)).len(), 0);
    expect::problem(&client.get(&format!("{DEALS}/{}", id(&deal))).unwrap(), 404, "NOT_FOUND");
    expect::problem(&client.post(DEALS, &json!({"name": "Mine"})).unwrap(), 403, "OUT_OF_REACH");
    expect::problem(&client.get(&format!("{DEALS}/export")).unwrap(), 403, "OUT_OF_REACH");
    bind(&format!("resource:{}", id(&deal)));
    assert_eq!(data(&get(&client, &format!("{DEALS}?sort=name"))).len(), 1);
    patch(&client, &format!("{DEALS}/{}", id(&deal)), &json!({"value": 1}));
}

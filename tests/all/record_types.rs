//! `/api/v1/records/…`: a tenant's own fields, statuses and types.

use crate::{
    expect,
    stage::{Stage, data, fresh, get, id, post, text},
};
use serde_json::{Value, json};
use tests::Client;

const TYPES: &str = "/api/v1/records/types";
const CONTACTS: &str = "/api/v1/crm/contacts";

fn project() -> Value {
    json!({
        "type": "project", "module_type": "delivery", "title": "Project", "status_field": "phase",
        "statuses": ["open", "running", "done"],
        "schema": {"properties": {"name": {"type": "string"}, "phase": {"type": "string"}, "budget": {"type": "number", "minimum": 0.10},
            "due": {"type": "string", "format": "date"}}, "required": ["name"]}
    })
}

#[test]
fn a_tenants_own_fields_stand_beside_the_built_in_ones() {
    let stage = Stage::own();
    let client = stage.client();
    let types = get(&client, TYPES);
    let names: Vec<&str> = data(&types).iter().map(|kind| text(kind, "type")).collect();
    assert_eq!(names, ["contact", "lead", "opportunity"]);
    let path = format!("{TYPES}/contact");
    let schema = json!({"properties": {"industry": {"enum": ["steel", "glass"]}, "seats": {"type": "integer", "maximum": 500}}});
    let changed = client
        .patch(&path, &json!({"schema": schema, "statuses": ["lead", "prospect", "customer", "partner"]}))
        .unwrap();
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"1\"")), "{}", changed.text());
    let ada = post(
        &client,
        CONTACTS,
        &json!({"name": "Ada", "industry": "steel", "seats": 7, "status": "partner"}),
        201,
    );
    assert_eq!((text(&ada, "industry"), &ada["seats"]), ("steel", &json!(7)));
    let bad = client.post(CONTACTS, &json!({"name": "Bob", "industry": "wood", "seats": "7"})).unwrap();
    expect::fields(&bad, 400, "VALIDATION_ERROR", &["industry", "seats"]);
    let found = get(&client, &format!("{CONTACTS}?field.industry=steel&status=partner"));
    assert_eq!(data(&found).len(), 1);

    // What stored records do not fit is refused with their number and ids.
    let stricter =
        json!({"schema": {"properties": {"industry": {"enum": ["glass"]}, "seats": {"type": "integer"}}}});
    let refused = client.patch(&path, &stricter).unwrap();
    let said = expect::problem(&refused, 409, "TYPE_BREAKS_RECORDS");
    assert!(said.to_string().contains(&id(&ada)), "{said}");
    expect::problem(
        &client.patch(&path, &json!({"statuses": ["lead"]})).unwrap(),
        409,
        "TYPE_BREAKS_RECORDS",
    );
    let stale = client
        .request("PATCH", &path)
        .header("If-Match", "\"0\"")
        .json(&json!({"title": "Person"}))
        .send()
        .unwrap();
    expect::problem(&stale, 412, "PRECONDITION_FAILED");
    expect::problem(&client.delete(&path).unwrap(), 409, "TYPE_BUILT_IN");
    // A rule sees the field by its name.
    let event = data(&get(&client, "/api/v1/events?trigger_id=contact_created"))[0].clone();
    assert_eq!(event["data"]["industry"], "steel");
    let (_, other) = stage.other_tenant();
    expect::fields(
        &other.post(CONTACTS, &json!({"name": "Ada", "industry": "steel"})).unwrap(),
        400,
        "VALIDATION_ERROR",
        &["industry"],
    );
}

#[test]
fn an_opportunity_is_of_high_value_where_the_tenant_says() {
    let stage = Stage::own();
    let client = stage.client();
    let path = format!("{TYPES}/opportunity");
    assert_eq!(get(&client, &path)["high_value"], 10_000);
    let changed = client.patch(&path, &json!({"high_value": "500.50"})).unwrap();
    assert_eq!(changed.json().unwrap()["high_value"].to_string(), "500.50");
    let raised = || data(&get(&client, "/api/v1/events?trigger_id=high_value_opportunity")).len();
    let deal = post(&client, "/api/v1/sales/opportunities", &json!({"name": "Deal", "value": "500.49"}), 201);
    assert_eq!(raised(), 0);
    let path = format!("/api/v1/sales/opportunities/{}", id(&deal));
    for value in ["500.50", "1", "900"] {
        assert_eq!(client.patch(&path, &json!({"value": value})).unwrap().status, 200);
    }
    assert_eq!(raised(), 1, "it reaches it once");
}

#[test]
fn a_type_of_ones_own_has_routes_of_its_own() {
    let stage = Stage::own();
    let client = stage.client();
    let made = post(&client, TYPES, &project(), 201);
    assert_eq!(
        made["triggers"],
        json!(["project_created", "project_updated", "project_status_changed", "project_deleted"])
    );
    expect::problem(&client.post(TYPES, &project()).unwrap(), 409, "TYPE_TAKEN");
    // The module that it names is listed, though nobody made it.
    let modules = |client: &Client| {
        let listed = get(client, "/api/v1/automation/modules?limit=100");
        data(&listed)
            .iter()
            .map(|module| (text(module, "module_type").to_owned(), module["custom"] == true))
            .collect::<Vec<_>>()
    };
    assert!(modules(&client).contains(&("delivery".to_owned(), true)));
    let bridge = r#"{"name": "Bridge", "budget": 12500.50, "external_id": "p-1"}"#;
    let bridge =
        client.request("POST", "/api/v1/records/project").body("application/json", bridge).send().unwrap();
    assert_eq!(bridge.status, 201, "{}", bridge.text());
    let bridge = bridge.json().unwrap();
    assert_eq!((text(&bridge, "phase"), bridge["budget"].to_string()), ("open", "12500.50".to_owned()));
    let path = format!("/api/v1/records/project/{}", id(&bridge));
    let bad = client.patch(&path, &json!({"budget": 0.0999, "phase": "begun", "due": "soon"})).unwrap();
    expect::fields(&bad, 400, "VALIDATION_ERROR", &["budget", "phase", "due"]);
    assert_eq!(client.patch(&path, &json!({"phase": "running"})).unwrap().json().unwrap()["version"], 2);
    assert_eq!(data(&get(&client, "/api/v1/records/project?q=bri&status=running")).len(), 1);
    expect::problem(&client.get(&format!("{CONTACTS}/{}", id(&bridge))).unwrap(), 404, "NOT_FOUND");
    expect::problem(&client.get("/api/v1/records/nothing").unwrap(), 404, "NOT_FOUND");
    // Built-in types are found here, too.
    let name = fresh("Ada");
    let ada = post(&client, "/api/v1/records/contact", &json!({"name": name}), 201);
    assert_eq!(text(&get(&client, &format!("{CONTACTS}/{}", id(&ada))), "name"), name);

    expect::problem(&client.delete(&format!("{TYPES}/project")).unwrap(), 409, "TYPE_IN_USE");
    assert_eq!(client.delete(&path).unwrap().status, 204);
    assert_eq!(client.delete(&format!("{TYPES}/project")).unwrap().status, 204);
    expect::problem(&client.get("/api/v1/records/project").unwrap(), 404, "NOT_FOUND");
    assert!(modules(&client).iter().all(|(module, _)| module != "delivery"));
}

#[test]
fn a_schema_that_could_cost_without_end_is_refused() {
    let client = Stage::shared_client();
    for (place, value, field) in [
        ("/type", json!("contact"), "type"),
        ("/type", json!("My Type"), "type"),
        ("/module_type", json!("Delivery!"), "module_type"),
        (
            "/schema",
            json!({"properties": {"name": {"$ref": "https://example.com/x"}}}),
            "schema.properties.name.$ref",
        ),
        ("/schema/properties/name", json!({"pattern": "(a+)+$(?=b)"}), "schema.properties.name"),
        ("/schema/properties/name", json!({"type": "money"}), "schema.properties.name.type"),
        ("/schema/properties", json!({"id": {}}), "schema.properties.id"),
        ("/statuses", json!(["open", "open"]), "statuses"),
        ("/status_field", json!("mood"), "status_field"),
    ] {
        let mut sent = project();
        *sent.pointer_mut(place).unwrap() = value;
        let answer = client.post(TYPES, &sent).unwrap();
        eprintln!("{place}: {}", answer.text());
        let body = expect::problem(&answer, 400, "VALIDATION_ERROR");
        assert!(body.to_string().contains(&format!("\"{field}")), "{field}: {body}");
    }
    let mut unknown = project();
    unknown["colour"] = json!("red");
    assert!(client.post(TYPES, &unknown).unwrap().text().contains("colour"));
}

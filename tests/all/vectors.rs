//! Do native and wasm agree? Every vector of the language (`crates/language/vectors/*.json`), and some hundred cases that were drawn at
//! random, go through the component, by `POST /api/v1/automation/rules/test`, and each verdict must come back to the letter.

use crate::stage::{Stage, post};
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use tests::Client;

/// The fewest vectors that there are.
const FEWEST: usize = 1_200;
/// The schema of vectors that name none.
const OPEN: &str = r#"{"type":"object"}"#;

/// A vector's parts as they stand in its file: numbers keep their text.
type Vector = BTreeMap<String, Box<RawValue>>;

fn files() -> Vec<PathBuf> {
    let language = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/language");
    let folder = fs::read_dir(language.join("vectors")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = folder.chain([language.join("tests/at_random.json")]).collect();
    files.sort();
    files
}

fn raw<'a>(vector: &'a Vector, name: &str) -> Option<&'a str> {
    vector.get(name).map(|value| value.get())
}

fn text(vector: &Vector, name: &str, plain: &str) -> String {
    raw(vector, name).map_or_else(|| plain.to_owned(), |text| serde_json::from_str(text).unwrap())
}

/// JSON with its names in order and nothing between.
fn canonical(text: &str) -> String {
    serde_json::from_str::<Value>(text).unwrap().to_string()
}

/// Makes a trigger of the tenant's own with this schema; its events are about records of which nothing is said.
fn trigger(client: &Client, number: usize, schema: &str) -> String {
    // The first one is what the vectors call it.
    let name = if number == 0 { "example_event".to_owned() } else { format!("example_event_{number}") };
    let schema: Value = serde_json::from_str(schema).unwrap();
    let body = json!({"trigger_id": name, "module_type": "sales", "schema": schema,
        "record_type": "example", "record_field": "record_id"});
    post(client, "/api/v1/automation/triggers", &body, 201);
    name
}

/// What is posted: put together from the file's own text, so that no number is written anew.
fn request(vector: &Vector, trigger: &str) -> String {
    let conditions = raw(vector, "conditions").unwrap();
    let data = raw(vector, "payload").unwrap();
    let at = text(vector, "now", "2026-03-02T10:00:00Z");
    let mut body = format!(
        r#"{{"rule": {{"name": "A vector", "module_type": "sales", "trigger_id": "{trigger}", "conditions": {conditions},
        "actions": [{{"type": "send_notification", "parameters": {{"recipient": "a@example.com", "message": "m"}}}}]}},
        "data": {data}, "at": "{at}""#
    );
    for name in ["record", "event"] {
        if let Some(part) = raw(vector, name) {
            body.push_str(&format!(r#", "{name}": {part}"#));
        }
    }
    body.push('}');
    body
}

/// What the component says to a vector, as its file has it.
fn asked(client: &Client, name: &str, body: &str) -> String {
    let answer = client
        .request("POST", "/api/v1/automation/rules/test")
        .body("application/json", body)
        .send()
        .unwrap();
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    let mut said: Value = answer.json().unwrap();
    let mut verdict = said["verdict"].take();
    let standing = verdict.as_object_mut().unwrap().remove("standing").unwrap();
    let wanted = if verdict["matched"] == true { "matched" } else { "not_matched" };
    assert_eq!(standing, wanted, "{name}");
    verdict.to_string()
}

#[test]
fn the_component_says_what_the_vectors_say() {
    let stage = Stage::own();
    let owner = stage.client();
    let wish = json!({"name": "vectors", "permissions": ["rules:read", "rules:write"], "rate_per_minute": 1_000_000});
    let key = post(&owner, "/api/v1/admin/api-keys", &wish, 201);
    let client = stage.host.client().with_bearer(key["key"].as_str().unwrap());

    let mut by_zone: BTreeMap<String, Vec<Vector>> = BTreeMap::new();
    let mut schemas = BTreeSet::new();
    for file in files() {
        let vectors: Vec<Vector> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for vector in vectors {
            schemas.extend(raw(&vector, "schema").map(canonical));
            by_zone.entry(text(&vector, "zone", "UTC")).or_default().push(vector);
        }
    }
    let all: Vec<String> = [OPEN.to_owned()].into_iter().chain(schemas).collect();
    let triggers: BTreeMap<String, String> = all
        .into_iter()
        .enumerate()
        .map(|(number, schema)| (schema.clone(), trigger(&owner, number, &schema)))
        .collect();

    let mut count = 0;
    let mut wrong = Vec::new();
    for (zone, vectors) in by_zone {
        let set = owner.patch("/api/v1/admin/settings", &json!({"time_zone": zone})).unwrap();
        assert_eq!(set.status, 200, "{zone}: {}", set.text());
        for vector in vectors {
            count += 1;
            let name = text(&vector, "name", "");
            let schema = raw(&vector, "schema").map_or_else(|| OPEN.to_owned(), canonical);
            let said = asked(&client, &name, &request(&vector, &triggers[&schema]));
            let wanted = canonical(raw(&vector, "verdict").unwrap());
            if said != wanted {
                wrong.push(format!("{name}:\n  component {said}\n  file      {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} disagree:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= FEWEST, "{count} vectors");
}

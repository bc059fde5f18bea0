//! `/api/v1/automation/rules/{id}/diff|runs|stats`, `…/export|import`, `/recipes`, `/limits`: what people do with rules besides
//! writing them.

use crate::{
    expect,
    stage::{Stage, data, event_for, first_job, fresh, get, id, job, post, rule_for, tell, text},
};
use serde_json::{Value, json};
use tests::{Answer, Client};

const RULES: &str = "/api/v1/automation/rules";
const RECIPES: &str = "/api/v1/automation/recipes";

fn import(client: &Client, query: &str, kind: &str, file: &str) -> Answer {
    client.request("POST", &format!("{RULES}/import{query}")).body(kind, file).send().unwrap()
}

fn imported(client: &Client, query: &str, file: &str) -> Value {
    let answer = import(client, query, "application/yaml", file);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().unwrap()
}

fn export(client: &Client, query: &str) -> String {
    let answer = client.get(&format!("{RULES}/export{query}")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// What became of each rule of an import: `created`.
fn became(answer: &Value) -> Vec<&str> {
    answer["rules"].as_array().unwrap().iter().map(|rule| text(rule, "became")).collect()
}

#[test]
fn a_difference_is_told_to_programs_and_to_people() {
    let client = Stage::shared_client();
    let mut rule = rule_for(&fresh("o"), &json!([tell("a@example.com", "Hello")]));
    rule["conditions"].as_array_mut().unwrap().push(json!({"type": "value_threshold", "value": 10000}));
    rule["actions"].as_array_mut().unwrap().push(json!({"type": "http_request", "parameters": {
        "url": "https://example.com/in", "headers": {"Authorization": "Bearer hush-1"}}}));
    let made = post(&client, RULES, &rule, 201);
    let path = format!("{RULES}/{}", id(&made));
    rule["conditions"][1]["value"] = json!(12000);
    rule["actions"][1]["parameters"]["headers"]["Authorization"] = json!("Bearer hush-2");
    rule["is_active"] = json!(false);
    assert_eq!(client.put(&path, &rule).unwrap().status, 200);

    let said = get(&client, &format!("{path}/diff?from=1"));
    assert_eq!((&said["from"], &said["to"]), (&json!(1), &json!(2)));
    let lines: Vec<&str> =
        said["changes"].as_array().unwrap().iter().map(|line| text(line, "text")).collect();
    assert!(
        lines.contains(&"condition 2: value 10000 → 12000") && lines.contains(&"switched off"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(!said.to_string().contains("hush"), "a secret is told: {said}");
    let patch = said["patch"].as_array().unwrap();
    assert!(
        patch.contains(&json!({"op": "replace", "path": "/conditions/1/value", "value": 12000})),
        "{patch:?}"
    );
    let nothing = get(&client, &format!("{path}/diff?from=2&to=2"));
    assert_eq!((&nothing["patch"], &nothing["changes"]), (&json!([]), &json!([])));

    let missing = client.get(&format!("{path}/diff?from=7")).unwrap();
    expect::problem(&missing, 404, "NOT_FOUND");
    expect::fields(&client.get(&format!("{path}/diff")).unwrap(), 400, "VALIDATION_ERROR", &["from"]);
    let both = client.get(&format!("{path}/diff?from=x&to=y")).unwrap();
    expect::fields(&both, 400, "VALIDATION_ERROR", &["from", "to"]);
}

#[test]
fn what_is_exported_here_is_the_same_there() {
    let stage = Stage::own();
    let client = stage.client();
    post(
        &client,
        "/api/v1/automation/modules",
        &json!({"module_type": "warehouse", "name": "Warehouse"}),
        201,
    );
    post(
        &client,
        "/api/v1/automation/triggers",
        &json!({"trigger_id": "stock_low", "module_type": "warehouse", "description": "Little is left",
            "schema": {"type": "object", "properties": {"article": {}}, "required": ["article"]},
            "sample": {"article": "yes"}}),
        201,
    );
    for (key, value) in
        [("exact", "10000.50"), ("huge", "1e400"), ("date", "\"2026-01-31\""), ("no", "\"no\"")]
    {
        let rule = format!(
            r#"{{"name": "Rule {key}", "key": "{key}", "module_type": "warehouse", "trigger_id": "stock_low",
                "labels": ["git"], "description": "One\nTwo: Grüße 🎉",
                "conditions": [{{"type": "equals", "field": "article", "value": {value}}}],
                "actions": [{{"type": "send_notification", "parameters": {{"recipient": "a@example.com", "message": "{{{{article}}}}"}}}}]}}"#
        );
        let answer = client.request("POST", RULES).body("application/json", rule).send().unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let answer = client.get(&format!("{RULES}/export?label=git")).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/yaml"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"rules.yaml\""));
    let file = answer.text();
    assert!(file.contains("10000.50") && file.contains("trigger_id: stock_low"), "{file}");
    assert!(!file.contains("rul_") && !file.contains("created_at"), "{file}");

    let (_, other) = stage.other_tenant();
    let trial = imported(&other, "?dry_run=true", &file);
    assert_eq!((&trial["dry_run"], &trial["created"]), (&json!(true), &json!(4)));
    assert_eq!(trial["triggers"], json!([{"name": "stock_low", "became": "created"}]));
    assert!(!export(&other, "").contains("exact"), "a trial changes nothing");
    let made = imported(&other, "", &file);
    assert_eq!(became(&made), ["created"; 4]);
    assert_eq!(export(&other, "?label=git"), file, "YAML came back otherwise");
    let json_file = export(&client, "?label=git&format=json");
    let again = import(&other, "", "application/json", &json_file);
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(became(&again.json().unwrap()), ["unchanged"; 4]);
    assert_eq!(export(&other, "?label=git&format=json"), json_file, "JSON came back otherwise");
}

/// A file with one rule of this key.
fn file_of(key: &str, value: &str) -> String {
    format!(
        "signalbox: {{version: 1}}\nrules:\n  - key: {key}\n    name: Rule of a file\n    labels: [{key}]\n    module_type: sales\n    \
         trigger_id: high_value_opportunity\n    conditions:\n      - {{type: value_threshold, value: {value}}}\n    actions:\n      \
         - type: send_notification\n        parameters: {{recipient: a@example.com, message: Hello}}\n"
    )
}

#[test]
fn a_file_makes_changes_leaves_and_deletes() {
    let stage = Stage::own();
    let client = stage.client();
    let key = fresh("file");
    let made = imported(&client, "?note=first", &file_of(&key, "10000"));
    assert_eq!((became(&made), &made["created"]), (vec!["created"], &json!(1)));
    let rule = text(&made["rules"][0], "id").to_owned();
    assert_eq!(became(&imported(&client, "", &file_of(&key, "10000"))), ["unchanged"]);
    let changed = imported(&client, "?note=second", &file_of(&key, "12000.50"));
    assert_eq!(changed["rules"][0]["changes"][0]["text"], "condition 1: value 10000 → 12000.50");
    let versions = get(&client, &format!("{RULES}/{rule}/versions"));
    let said: Vec<(&str, &str)> =
        data(&versions).iter().map(|one| (text(one, "change"), text(one, "note"))).collect();
    assert_eq!(said, [("imported", "second"), ("imported", "first")], "unchanged rules get no version");

    let refused = import(&client, "?mode=create_only", "application/yaml", &file_of(&key, "1"));
    expect::fields(&refused, 400, "VALIDATION_ERROR", &["rules[0].key"]);
    let empty = "signalbox: {version: 1}\nrules: []\n";
    let gone = imported(&client, &format!("?mode=replace_all&label={key}"), empty);
    assert_eq!((became(&gone), &gone["deleted"]), (vec!["deleted"], &json!(1)));
    assert_eq!(client.get(&format!("{RULES}/{rule}")).unwrap().status, 404);
    assert_eq!(data(&get(&client, RULES)).len(), 1, "the seeded rule has another label");
}

#[test]
fn a_faulty_file_changes_nothing_and_names_every_fault() {
    let client = Stage::shared_client();
    let key = fresh("sound");
    let sound = file_of(&key, "1");
    let faulty = format!(
        "{sound}  - {{key: x, name: X, module_type: sales, trigger_id: high_value_opportunity, priority: high}}\n  - {{name: Y, colour: red}}\n"
    );
    let answer = import(&client, "", "application/yaml", &faulty);
    expect::fields(
        &answer,
        400,
        "VALIDATION_ERROR",
        &["rules[1].priority", "rules[2].key", "rules[2].colour"],
    );
    let faulty = format!(
        "{sound}  - key: {key}-2\n    name: X\n    module_type: sales\n    trigger_id: high_value_opportunity\n    \
         conditions: [{{type: value_threshold, value: many}}]\n    actions: [{{type: make_coffee}}]\n"
    );
    // A trial, because what is found against the tenant counts as a bulk operation otherwise.
    let answer = import(&client, "?dry_run=true", "application/yaml", &faulty);
    let places = ["rules[1].conditions[0].value", "rules[1].actions[0].type"];
    expect::fields(&answer, 400, "VALIDATION_ERROR", &places);
    assert!(data(&get(&client, &format!("{RULES}?label={key}"))).is_empty(), "half a file was kept");

    for (what, file) in [
        ("an anchor", "signalbox: &a {version: 1}\nrules: []"),
        ("an alias", "signalbox: {version: 1}\nrules: [*a]"),
        ("a tag", "signalbox: {version: !!int 1}\nrules: []"),
        ("a key twice", "signalbox: {version: 1}\nrules: []\nrules: []"),
        ("depth", &format!("signalbox: {{version: 1}}\nrules: {}{}", "[".repeat(5000), "]".repeat(5000))),
        ("no YAML", "a: [1"),
        ("two documents", "signalbox: {version: 1}\n---\nrules: []"),
    ] {
        eprintln!("{what}");
        expect::problem(&import(&client, "", "application/yaml", file), 400, "FILE_UNREADABLE");
    }
    expect::problem(&import(&client, "", "application/json", "{"), 400, "FILE_UNREADABLE");
    expect::problem(&import(&client, "", "text/csv", "a,b"), 415, "UNSUPPORTED_MEDIA_TYPE");
    for mebibytes in [1, 3, 9] {
        let large = format!("signalbox: {{version: 1}}\nrules: []\n#{}", "x".repeat(mebibytes * 1024 * 1024));
        expect::problem(&import(&client, "", "application/yaml", &large), 413, "BODY_TOO_LARGE");
    }
    let wrong = import(&client, "?mode=some&dry_run=perhaps", "application/yaml", &sound);
    expect::fields(&wrong, 400, "VALIDATION_ERROR", &["mode", "dry_run"]);
    let wrong = import(&client, "?label=git", "application/yaml", &sound);
    expect::fields(&wrong, 400, "VALIDATION_ERROR", &["label"]);
}

#[test]
fn imports_are_bulk_operations_and_so_are_their_trials() {
    let stage = Stage::own();
    let client = stage.client();
    let empty = "signalbox: {version: 1}\nrules: []\n";
    for query in ["?dry_run=true", ""] {
        for _ in 0..5 {
            imported(&client, query, empty);
        }
    }
    for query in ["", "?dry_run=true"] {
        expect::problem(&import(&client, query, "application/yaml", empty), 429, "RATE_LIMITED");
    }
}

#[test]
fn an_import_is_done_once_under_its_key() {
    let stage = Stage::own();
    let client = stage.client();
    let file = file_of(&fresh("once"), "1");
    let send = || {
        let request =
            client.request("POST", &format!("{RULES}/import")).header("Idempotency-Key", fresh("k"));
        request.body("application/yaml", file.as_str())
    };
    let request = send();
    let (first, second) = (request.send().unwrap(), request.send().unwrap());
    assert_eq!((first.status, first.text()), (200, second.text()), "the same answer again");
    assert_eq!(became(&send().send().unwrap().json().unwrap()), ["unchanged"]);
}

#[test]
fn a_recipe_becomes_a_rule_that_does_what_it_says() {
    let client = Stage::shared_client();
    let all = get(&client, &format!("{RECIPES}?limit=200"));
    assert!(data(&all).len() >= 24, "{}", data(&all).len());
    let renewal = get(&client, &format!("{RECIPES}?module_type=sales&q=RENEWAL"));
    assert_eq!(data(&renewal).iter().map(id).collect::<Vec<_>>(), ["renewal-ahead"]);
    let page = get(&client, &format!("{RECIPES}?limit=2"));
    let next = get(&client, text(&page["links"], "next"));
    assert_eq!([data(&page).as_slice(), data(&next)].concat(), data(&all)[..4]);

    let recipe = get(&client, &format!("{RECIPES}/high-value-deal"));
    assert_eq!(recipe["parameters"]["properties"]["threshold"]["default"], 10000);
    let path = format!("{RECIPES}/high-value-deal/use");
    let name = fresh("Large");
    let wish = json!({"name": name, "parameters": {"threshold": 25000, "recipient": "b@example.com"}});
    let answer = client.post(&path, &wish).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let rule = answer.json().unwrap();
    assert_eq!(answer.header("location"), Some(format!("{RULES}/{}", id(&rule)).as_str()));
    assert_eq!((&rule["is_active"], &rule["name"]), (&json!(false), &json!(name)));
    assert_eq!(rule["conditions"][0]["value"], 25000);
    assert_eq!((&rule["warnings"], &rule["version"]), (&json!([]), &json!(1)));
    for (value, matched) in [(25000, true), (24999, false)] {
        let trial = json!({"data": {"opportunity_id": "o-1", "opportunity_name": "Deal", "value": value}});
        let said = post(&client, &format!("{RULES}/{}/test", id(&rule)), &trial, 200);
        assert_eq!(said["matched"], matched, "{said}");
    }
    let faulty = client.post(&path, &json!({"parameters": {"threshold": "much", "colour": "red"}})).unwrap();
    let places = ["parameters.threshold", "parameters.colour"];
    expect::fields(&faulty, 400, "VALIDATION_ERROR", &places);
    expect::problem(&client.post(&format!("{RECIPES}/nobody/use"), &json!({})).unwrap(), 404, "NOT_FOUND");
    expect::problem(&client.get(&format!("{RECIPES}/nobody")).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn a_run_is_pinned_to_its_version_and_counted() {
    let client = Stage::shared_client();
    let only = fresh("o");
    let made = post(&client, RULES, &rule_for(&only, &json!([tell("a@example.com", "Hello")])), 201);
    let path = format!("{RULES}/{}", id(&made));
    assert_eq!(data(&get(&client, &format!("{path}/runs"))).len(), 0);
    let send = || {
        let accepted = post(&client, "/api/v1/events", &event_for(&only, "Deal"), 202);
        job(&client, &first_job(&accepted), "done");
        accepted
    };
    let first = send();
    assert_eq!(client.patch(&path, &json!({"description": "Changed"})).unwrap().status, 200);
    let second = send();

    let list = get(&client, &format!("{path}/runs"));
    let runs: Vec<(String, &Value, &str)> = data(&list)
        .iter()
        .map(|run| (text(run, "event_id").to_owned(), &run["rule_version"], text(run, "state")))
        .collect();
    assert_eq!(runs, [(id(&second), &json!(2), "done"), (id(&first), &json!(1), "done")]);
    let run = &data(&list)[1];
    assert_eq!(run["jobs"], first["jobs"]);
    let times = [text(run, "matched_at"), text(run, "started_at"), text(run, "ended_at")];
    assert!(times.is_sorted() && times.iter().all(|time| time.ends_with('Z')), "{times:?}");
    assert_eq!(data(&get(&client, &format!("{path}/runs?state=failed"))).len(), 0);
    let page = get(&client, &format!("{path}/runs?limit=1&state=done"));
    assert_eq!(text(&data(&page)[0], "event_id"), id(&second));
    let next = get(&client, text(&page["links"], "next"));
    assert_eq!(text(&data(&next)[0], "event_id"), id(&first));
    let wrong = client.get(&format!("{path}/runs?state=lost&since=yesterday")).unwrap();
    expect::fields(&wrong, 400, "VALIDATION_ERROR", &["state", "since"]);

    let stats = get(&client, &format!("{path}/stats"));
    for span in ["day", "week"] {
        let counts = &stats[span];
        assert_eq!((&counts["matched"], &counts["states"]), (&json!(2), &json!({"done": 2})), "{stats}");
        assert!(
            counts["p50_ms"].as_i64() <= counts["p95_ms"].as_i64() && counts["p50_ms"].is_i64(),
            "{stats}"
        );
    }
    let nobodys = client.get(&format!("{RULES}/rul_01hf7yat00zzzzzzzzzzzzzzzz/runs")).unwrap();
    expect::problem(&nobodys, 404, "NOT_FOUND");
}

#[test]
fn limits_say_how_much_is_used() {
    let stage = Stage::own();
    let client = stage.client();
    let said = get(&client, "/api/v1/automation/limits");
    let limits = said["limits"].as_array().unwrap();
    let names: Vec<&str> = limits.iter().map(|limit| text(limit, "name")).collect();
    assert_eq!(names, ["rules", "triggers", "modules"]);
    assert_eq!(
        (&limits[0]["used"], &limits[0]["most"], limits[0]["warns_at"].to_string()),
        (&json!(1), &json!(20_000), "0.800".to_owned())
    );
    assert!(limits.iter().all(|limit| limit["is_near"] == false && text(limit, "advice").len() > 20));
}

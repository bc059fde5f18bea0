//! Does every vector still get its verdict? `vectors/*.json` are the language of conditions by example: a rule, data, the
//! verdict with its explanation, and what is planned. `SIGNALBOX_WRITE_VECTORS=1` writes explanations anew; whether a
//! rule matches is never rewritten.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use language::{Facts, Moment, Occasion};
use rules::{Catalogue, Decision, Definition, Draft, PlannedAction, Rule, try_out};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn rule(said: &Value) -> Rule {
    let definition = Definition::check(Draft {
        name: Some("A vector".to_owned()),
        module_type: Some("sales".to_owned()),
        trigger_id: Some("opportunity_created".to_owned()),
        conditions: Some(said["conditions"].clone()),
        actions: Some(said.get("actions").cloned().unwrap_or_else(|| {
            json!([{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": "m"}}])
        })),
        ..Draft::default()
    }, &Catalogue::default());
    let id = "rul_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
    Rule::new(id, definition.unwrap(), kernel::Instant::default())
}

fn planned(action: &PlannedAction) -> Value {
    let warnings: Vec<String> = action.warnings.iter().map(ToString::to_string).collect();
    let retry = action.retry.map(|retry| {
        json!({
            "max_attempts": retry.max_attempts,
            "first_wait_ms": retry.first_wait.as_millis(),
            "max_wait_ms": retry.max_wait.as_millis(),
        })
    });
    json!({
        "type": action.kind.as_str(),
        "parameters": action.parameters,
        "delay_ms": action.delay.as_millis(),
        "retry": retry,
        "warnings": warnings,
    })
}

fn plan(decision: &Decision) -> Value {
    match &decision.actions {
        Ok(actions) => actions.iter().map(planned).collect(),
        Err(fault) => json!({"fault": fault.to_string()}),
    }
}

/// What a vector's rule says: to its payload and record, at its time in its zone.
fn tried(vector: &Value) -> Decision {
    let text = |name: &str, plain: &str| vector.get(name).and_then(Value::as_str).unwrap_or(plain).to_owned();
    let moment = Moment {
        now: text("now", "2026-03-02T10:00:00Z").parse().unwrap(),
        zone: text("zone", "UTC").parse().unwrap(),
    };
    let occasion = Occasion {
        trigger: "opportunity_created",
        source: "api",
        occurred: moment.now,
        ..Occasion::default()
    };
    let facts = Facts::new(&vector["payload"], vector.get("record"), occasion, moment);
    try_out(&rule(&vector["rule"]), &Catalogue::default(), &facts)
}

fn types(verdict: &Value) -> Vec<String> {
    let clauses = verdict["clauses"].as_array().unwrap().iter();
    clauses.map(|clause| clause["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_vector_gets_its_verdict() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let write = std::env::var_os("SIGNALBOX_WRITE_VECTORS").is_some();
    let mut count = 0;
    let mut kinds = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let mut vectors = rules::payload::read(&fs::read_to_string(&file).unwrap()).unwrap();
        for vector in vectors.as_array_mut().unwrap() {
            count += 1;
            let name = format!("{}: {}", file.display(), vector["name"]);
            let decision = tried(vector);
            let verdict = decision.told();
            kinds.extend(types(&verdict));
            assert_eq!(verdict["matched"], vector["verdict"]["matched"], "{name}");
            let planned = plan(&decision);
            if write {
                vector["verdict"] = verdict;
                if vector["rule"].get("actions").is_some() {
                    vector["planned"] = planned;
                }
                continue;
            }
            assert_eq!(verdict, vector["verdict"], "{name}");
            if let Some(wanted) = vector.get("planned") {
                assert_eq!(&planned, wanted, "{name}");
            }
        }
        if write {
            fs::write(&file, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
        }
    }
    assert!(count >= 60, "{count} vectors");
    let all =
        language::kind::KINDS.iter().map(|kind| kind.name).chain(language::kind::GROUPS.iter().copied());
    let missing: Vec<&str> = all.filter(|name| !kinds.contains(*name)).collect();
    assert!(missing.is_empty(), "every type has a vector: {missing:?} have none");
}

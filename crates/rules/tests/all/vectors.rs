//! Does every rule plan what it should? `vectors/*.json` are actions and templates by example: a rule, the data of an event, the verdict
//! of its conditions, and what is planned. What conditions say is shown by the vectors of the language.
//!
//! `SIGNALBOX_WRITE_VECTORS=1` writes explanations anew; whether a rule matches, and what it plans, is never rewritten, save where
//! nothing is planned yet.

use language::{Facts, Moment, Occasion};
use rules::{Catalogue, Decision, Definition, Draft, PlannedAction, Rule, try_out};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

#[path = "../../../language/tests/vectors/layout.rs"]
mod layout;

/// The fewest vectors that there are.
const FEWEST: usize = 100;

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

#[test]
fn every_vector_is_planned_as_it_should() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let write = std::env::var_os("SIGNALBOX_WRITE_VECTORS").is_some();
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let mut vectors = rules::payload::read(&fs::read_to_string(&file).unwrap()).unwrap();
        for vector in vectors.as_array_mut().unwrap() {
            let name = format!("{}: {}", file.display(), vector["name"]);
            assert!(names.insert(vector["name"].to_string()), "{name} is there twice");
            let decision = tried(vector);
            let (verdict, planned) = (decision.told(), plan(&decision));
            if verdict["matched"] != vector["verdict"]["matched"] {
                wrong.push(format!("{name} is not so: {}", verdict["because"]));
            } else if vector.get("planned").is_some_and(|wanted| *wanted != planned) {
                wrong.push(format!("{name} plans otherwise: {planned}"));
            } else if write {
                vector["verdict"] = verdict;
                vector["planned"] = planned;
            } else if verdict != vector["verdict"] {
                wrong.push(format!("{name} is explained otherwise: {verdict}"));
            } else if vector.get("planned").is_none() {
                wrong.push(format!("{name} does not say what is planned: {planned}"));
            }
        }
        if write {
            fs::write(&file, layout::file(&vectors)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} vectors are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(names.len() >= FEWEST, "{} vectors", names.len());
}

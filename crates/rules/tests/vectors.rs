//! Does every vector still get its verdict? `vectors/*.json` are the language of conditions by example: a rule, data, the
//! verdict with its explanation, and what is planned. `SIGNALBOX_WRITE_VECTORS=1` writes explanations anew; whether a
//! rule matches is never rewritten.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use rules::{Actions, Conditions, Decision, Definition, Draft, PlannedAction, Rule, try_out};
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
    });
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
            let decision = try_out(&rule(&vector["rule"]), &vector["payload"]);
            kinds.extend(decision.verdict.clauses.iter().map(|clause| clause.kind));
            let verdict = decision.verdict.to_json();
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
    assert_eq!(kinds.len(), 23, "every type has a vector: {kinds:?}");
}

#[test]
fn what_is_read_twice_is_the_same() {
    let list = json!([{"type": "any", "conditions": [{"type": "changed", "field": "status"}]}]);
    let data = json!({"old_status": 1, "new_status": 2});
    let verdict = || Conditions::read(&list).unwrap().evaluate(&data);
    assert_eq!(verdict(), verdict());
    assert!(Actions::read(&json!([])).is_err());
}

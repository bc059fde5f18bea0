//! Does every vector get its verdict? `vectors/*.json` are conditions and expressions by example, a file for each theme: conditions,
//! the data of an event, and the verdict with its explanation. `name` says what a vector shows; what it leaves out is as
//! [`moment`] and [`occasion`] have it.
//!
//! Whether conditions hold is written by people. `SIGNALBOX_WRITE_VECTORS=1` writes explanations anew, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use language::{Conditions, Facts, Look, Moment, Occasion, Vocabulary, kind, payload, words};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

#[path = "vectors/layout.rs"]
mod layout;

/// The fewest vectors that there are.
const FEWEST: usize = 1_000;
/// What a vector may say.
const NAMES: &[&str] =
    &["name", "schema", "conditions", "payload", "record", "event", "now", "zone", "verdict"];

/// Every file with its vectors, by name.
fn files() -> Vec<(PathBuf, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let vectors = payload::read(&fs::read_to_string(&file).unwrap()).unwrap();
        (file, vectors)
    };
    files.into_iter().map(read).collect()
}

fn text<'a>(vector: &'a Value, name: &str, plain: &'a str) -> &'a str {
    vector.get(name).and_then(Value::as_str).unwrap_or(plain)
}

/// A Monday morning in UTC, unless the vector says otherwise.
fn moment(vector: &Value) -> Moment {
    Moment {
        now: text(vector, "now", "2026-03-02T10:00:00Z").parse().unwrap(),
        zone: text(vector, "zone", "UTC").parse().unwrap(),
    }
}

/// An event that came over the API, about nothing, at that very moment, unless the vector says otherwise.
fn occasion(vector: &Value) -> Occasion<'_> {
    let event = vector.get("event").unwrap_or(&Value::Null);
    Occasion {
        id: text(event, "id", ""),
        trigger: "example_event",
        source: text(event, "source", "api"),
        subject: event.get("subject").and_then(Value::as_str),
        actor: text(event, "actor", ""),
        occurred: event
            .get("occurred_at")
            .map_or(moment(vector).now, |at| at.as_str().unwrap().parse().unwrap()),
        depth: event.get("depth").and_then(Value::as_u64).map_or(0, |depth| depth.try_into().unwrap()),
    }
}

/// The conditions as a rule would keep them: only payloads keep the very text of a number with an exponent.
fn conditions(vector: &Value) -> Result<Conditions, String> {
    let schema = vector.get("schema").cloned().unwrap_or_else(|| json!({"type": "object"}));
    let said: Value = serde_json::from_str(&vector["conditions"].to_string()).unwrap();
    Conditions::read(&said, &Vocabulary::new(&schema, Some(&json!(true))))
        .map_err(|faults| format!("{faults:?}"))
}

/// What they say to the vector's facts, in words.
fn verdict(conditions: &Conditions, vector: &Value, look: Look) -> Value {
    let facts = Facts::new(&vector["payload"], vector.get("record"), occasion(vector), moment(vector));
    let verdict = conditions.evaluate(&facts, look);
    let told = words::told(&Value::Object(verdict.to_json()), verdict.holds());
    let matched = ("matched".to_owned(), verdict.holds().into());
    told.as_object().unwrap().clone().into_iter().chain([matched]).collect()
}

fn types(verdict: &Value) -> impl Iterator<Item = String> {
    let clauses = verdict["clauses"].as_array().unwrap().iter();
    clauses.map(|clause| clause["type"].as_str().unwrap().to_owned())
}

#[test]
fn every_vector_gets_its_verdict() {
    let write = std::env::var_os("SIGNALBOX_WRITE_VECTORS").is_some();
    let mut wrong = Vec::new();
    for (file, mut vectors) in files() {
        for vector in vectors.as_array_mut().unwrap() {
            let name = format!("{}: {}", file.display(), vector["name"]);
            let conditions = match conditions(vector) {
                Ok(conditions) => conditions,
                Err(faults) => {
                    wrong.push(format!("{name} cannot be read: {faults}"));
                    continue;
                }
            };
            let whole = verdict(&conditions, vector, Look::Whole);
            let quick = verdict(&conditions, vector, Look::Quick);
            assert_eq!(
                quick["matched"], whole["matched"],
                "{name}: looked at quickly, it is another verdict"
            );
            assert_eq!(
                quick["decided_by"], whole["decided_by"],
                "{name}: quickly, another condition decides"
            );
            if whole["matched"] != vector["verdict"]["matched"] {
                wrong.push(format!("{name} is not so: {}", whole["because"]));
            } else if write {
                vector["verdict"] = whole;
            } else if whole != vector["verdict"] {
                wrong.push(format!("{name} is explained otherwise: {whole}"));
            }
        }
        if write {
            fs::write(&file, layout::file(&vectors)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} vectors are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_type_has_vectors_and_every_vector_a_name() {
    let mut names = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (file, vectors) in files() {
        for vector in vectors.as_array().unwrap() {
            let name = text(vector, "name", "").to_owned();
            let other: Vec<&String> =
                vector.as_object().unwrap().keys().filter(|key| !NAMES.contains(&key.as_str())).collect();
            assert!(other.is_empty(), "{}: {name} says {other:?}", file.display());
            assert!(!name.is_empty() && names.insert(name.clone()), "{}: {name:?} twice", file.display());
            let matched = vector["verdict"]["matched"].as_bool().unwrap();
            seen.extend(types(&vector["verdict"]).map(|kind| (kind, matched)));
        }
    }
    assert!(names.len() >= FEWEST, "{} vectors", names.len());
    let all = kind::KINDS.iter().map(|kind| kind.name).chain(kind::GROUPS.iter().copied());
    let missing: Vec<_> = all
        .flat_map(|name| [(name.to_owned(), true), (name.to_owned(), false)])
        .filter(|wanted| !seen.contains(wanted))
        .collect();
    assert!(missing.is_empty(), "every type has a vector that matches and one that does not: {missing:?}");
}

fn document(name: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules").join(name);
    fs::read_to_string(file).unwrap()
}

/// Every vector, by name.
fn by_name() -> BTreeMap<String, Value> {
    let all = files().into_iter().flat_map(|(_, vectors)| vectors.as_array().unwrap().clone());
    all.map(|vector| (text(&vector, "name", "").to_owned(), vector)).collect()
}

#[test]
fn what_is_said_for_those_who_come_from_elsewhere_is_shown_by_vectors() {
    let vectors = by_name();
    let document = document("coming-from.md");
    let mut rows = 0;
    for line in document.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, ours, name] = cells.as_slice() else { panic!("three cells: {line}") };
        if ["---", "vector"].contains(name) {
            continue;
        }
        rows += 1;
        let vector = vectors.get(*name).unwrap_or_else(|| panic!("there is no vector {name:?}"));
        let ours: Value = serde_json::from_str(ours.trim_matches('`')).unwrap();
        let ours = if ours.is_array() { ours } else { json!([ours]) };
        assert_eq!(ours, vector["conditions"], "{name}");
        assert_eq!(vector["verdict"]["matched"], true, "{name}");
        let other = ["it is not", "it does not"].into_iter().any(|ending| {
            let other = vectors.get(&format!("{name}, which {ending}"));
            other.is_some_and(|other| {
                other["conditions"] == vector["conditions"] && other["verdict"]["matched"] == false
            })
        });
        assert!(other, "beside {name:?} stands one that does not match");
    }
    assert!(rows >= 80, "{rows} rows");
}

#[test]
fn what_the_guide_to_conditions_shows_is_so() {
    let document = document("conditions.md");
    let said: BTreeSet<String> =
        by_name().values().map(|vector| text(&vector["verdict"], "because", "").to_owned()).collect();
    let mut quoted = Vec::new();
    let (mut block, mut inside) = (String::new(), false);
    for line in document.lines() {
        match (line, line.strip_prefix("> ")) {
            ("```json", _) => inside = true,
            ("```", _) => {
                inside = false;
                // The first one shows all of a rule's conditions.
                let block = std::mem::take(&mut block);
                if let Ok(clause) = serde_json::from_str::<Value>(&block) {
                    let vector = json!({"conditions": [clause]});
                    assert_eq!(conditions(&vector).err(), None, "{block}");
                }
            }
            (line, _) if inside => block.push_str(line),
            (_, Some(quote)) if quote.contains("matched: ") => quoted.push(quote.to_owned()),
            (_, Some(more)) => quoted.last_mut().unwrap().push_str(&format!(" {more}")),
            _ => {}
        }
    }
    assert!(quoted.len() >= 8, "{quoted:?}");
    for quote in quoted {
        assert!(said.contains(&quote), "no vector says {quote:?}");
    }
    for kind in kind::KINDS.iter().map(|kind| kind.name).chain(kind::GROUPS.iter().copied()) {
        assert!(document.contains(&format!("`{kind}`")) || kind == "expression", "{kind} is not told");
    }
}

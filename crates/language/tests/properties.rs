//! What holds for all conditions and all data? Nothing panics, nothing costs more than it may or than was said, negation is
//! negation, order changes no verdict, and a quick look finds what a whole one does. Some of what was drawn is kept, so that the component
//! can be asked the same (`tests/all/vectors.rs` of the tests from outside).

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use language::{
    BUDGET, Conditions, Facts, Look, Moment, Occasion, Outcome, Vocabulary, kind,
    payload::{self, Needed},
    words,
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const FIELDS: &[&str] = &[
    "value",
    "status",
    "a.b",
    "a.c[0]",
    "tags",
    "missing",
    "old_status",
    "new_status",
    "any",
    "closes",
    "items",
    "ip",
    "record.limit",
    "record.status",
    "event.occurred_at",
    "event.depth",
    "data.value",
];

const EXPRESSIONS: &[&str] = &[
    "value > 1",
    "status == 'a'",
    "has(a.b) && a.b == any",
    "tags.exists(t, t == status)",
    "any.all(x, x != null)",
    "missing == 1",
    "value / 0 > 1",
    "items.exists(i, i.price * i.count > 2)",
    "record.limit < value",
    "timestamp(closes) < now",
    "any",
    "1 in tags",
    "size(any) > 2",
    "status.matches('a|b') ? value in [1, 2] : event.depth == 0",
    "data == any",
    "any.x.y.z",
    "tags.join('-').size() < 9",
];

fn number() -> impl Strategy<Value = Value> {
    "-?(0|[1-9][0-9]{0,35})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
        .prop_map(|text| payload::read(&text).unwrap())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        number(),
        "[a-c1.]{0,3}".prop_map(Value::from),
        "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:00(Z|[+-]0[0-9]:00)?)?"
            .prop_map(Value::from),
        "1[0-9]{1,2}\\.0\\.[0-9]{1,3}\\.1|::1".prop_map(Value::from),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[abcxyz]|type|field|value|conditions|condition|", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = Value> {
    let item = (scalar(), -3_i64..3).prop_map(|(price, count)| json!({"price": price, "count": count}));
    let items = prop::collection::vec(item, 0..4);
    let tags = prop::collection::vec(scalar(), 0..4);
    (scalar(), scalar(), anything(), anything(), scalar(), tags, items).prop_map(
        |(value, status, b, any, old, tags, items)| {
            json!({"value": value, "status": status, "a": {"b": b, "c": [any]}, "tags": tags, "items": items, "any": any,
                "closes": old, "ip": "10.0.3.1", "old_status": old, "new_status": status})
        },
    )
}

/// Two lists are short; of all else nothing is known.
fn schema() -> Value {
    json!({"type": "object", "properties": {
        "items": {"type": "array", "maxItems": 4, "items": {"type": "object"}},
        "tags": {"type": "array", "maxItems": 4},
    }})
}

fn vocabulary() -> Vocabulary {
    Vocabulary::new(&schema(), Some(&json!({})))
}

/// What a clause of a kind may want, and some that none may.
fn wanted() -> impl Strategy<Value = Value> {
    prop_oneof![
        anything(),
        (-3_i64..3).prop_map(|low| json!([low, 3])),
        prop::collection::vec(scalar(), 1..4).prop_map(Value::from),
        Just(json!("today+P7D")),
        Just(json!("P1W")),
        Just(json!(["mon", "fri"])),
        Just(json!(["22:00", "06:30"])),
        Just(json!("10.0.0.0/8")),
        Just(json!({"at_least": 1, "at_most": 2})),
        Just(json!(["2026-01-01", "now"])),
        "[a-c*.]{1,3}".prop_map(Value::from),
        prop::sample::select(EXPRESSIONS).prop_map(Value::from),
    ]
}

/// A clause of any kind, right or wrong.
fn any_clause() -> impl Strategy<Value = Value> {
    let kinds: Vec<&'static str> = kind::KINDS.iter().map(|kind| kind.name).collect();
    let field = prop::option::weighted(0.9, prop::sample::select(FIELDS));
    let value = prop::option::weighted(0.85, wanted());
    let other = prop::option::weighted(0.1, prop::sample::select(FIELDS));
    let fold = prop::option::weighted(0.2, any::<bool>());
    (prop::sample::select(kinds), field, value, other, fold).prop_map(|(kind, field, value, other, fold)| {
        let mut clause = serde_json::Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                clause.insert(name.to_owned(), value);
            }
        };
        put("type", Some(kind.into()));
        put("field", field.filter(|_| kind != "expression").map(Value::from));
        put("value_field", other.filter(|_| value.is_none()).map(Value::from));
        put("value", value);
        put("ignore_case", fold.map(Value::from));
        Value::Object(clause)
    })
}

/// A clause that can be read: those that cannot are taken for a plain one.
fn clause() -> impl Strategy<Value = Value> {
    any_clause().prop_map(|clause| match Conditions::read(&json!([clause]), &vocabulary()) {
        Ok(_) => clause,
        Err(_) => json!({"type": "expression", "value": "value == status"}),
    })
}

fn grouped(clause: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    clause.prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        let list = prop::sample::select(&["items", "items", "tags", "tags", "any"][..]);
        let share = prop::sample::select(&["any_item", "every_item", "no_item"][..]);
        let of_item = prop::sample::select(vec![
            json!({"type": "greater_than", "field": "item.price", "value": 1}),
            json!({"type": "equals", "field": "item", "value": "a"}),
            json!({"type": "expression", "value": "item.price * item.count > value"}),
        ]);
        prop_oneof![
            many.clone().prop_map(|conditions| json!({"type": "all", "conditions": conditions})),
            many.clone().prop_map(|conditions| json!({"type": "any", "conditions": conditions})),
            inner.prop_map(|condition| json!({"type": "not", "condition": condition})),
            (share, list, of_item, many).prop_map(|(share, list, of_item, mut conditions)| {
                conditions.push(of_item);
                json!({"type": share, "field": list, "conditions": conditions})
            }),
        ]
    })
}

fn condition() -> impl Strategy<Value = Value> {
    grouped(clause())
}

fn facts<'a>(data: &'a Value, record: Option<&'a Value>) -> Facts<'a> {
    let moment =
        Moment { now: "2026-03-29T00:30:00Z".parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() };
    Facts::new(data, record, Occasion { id: "evt_1", trigger: "t", ..Occasion::default() }, moment)
}

/// Whether conditions hold, looked at in both ways, which agree; `None` if they are too dear.
fn holds(conditions: &[Value], data: &Value) -> Option<bool> {
    let record = json!({"limit": 1, "status": "a"});
    let facts = facts(data, Some(&record));
    let read = match Conditions::read(&Value::from(conditions.to_vec()), &vocabulary()) {
        Ok(read) => read,
        Err(faults) => {
            assert!(faults.iter().all(|fault| fault.message.contains("a rule may cost")), "{faults:?}");
            return None;
        }
    };
    let (quick, whole) = (read.evaluate(&facts, Look::Quick), read.evaluate(&facts, Look::Whole));
    assert!(quick.cost <= BUDGET && whole.cost <= BUDGET);
    assert_ne!(whole.outcome, Outcome::Spent);
    assert_eq!(quick.outcome, whole.outcome);
    assert_eq!(quick.decided_by(), whole.decided_by());
    assert!(quick.cost <= whole.cost);
    // The data is within the bounds that the schema, or its silence, sets.
    assert!(whole.cost <= read.cost(), "{} of {} for {conditions:?} on {data}", whole.cost, read.cost());
    Some(quick.holds())
}

proptest! {
    #[test]
    fn anything_may_be_read_asked_and_told(list in anything(), clauses in prop::collection::vec(grouped(any_clause()), 0..4), data in anything(), record in prop::option::of(anything())) {
        for list in [list, Value::from(clauses)] {
            let Ok(conditions) = Conditions::read(&list, &Vocabulary::open()) else { continue };
            let facts = facts(&data, record.as_ref());
            for look in [Look::Quick, Look::Whole] {
                let verdict = conditions.evaluate(&facts, look);
                prop_assert!(verdict.cost <= BUDGET);
                let kept = Value::Object(verdict.to_json());
                let told = words::told(&kept, verdict.holds());
                prop_assert!(told["because"].is_string());
                for clause in told["clauses"].as_array().unwrap() {
                    prop_assert!(!clause["why"].as_str().unwrap().is_empty(), "{told}");
                }
            }
            let _ = (conditions.required_equalities(), conditions.look_at_record(), conditions.cost());
        }
    }

    #[test]
    fn anything_may_be_told(kept in anything(), clauses in prop::collection::vec(anything(), 0..4), matched in any::<bool>()) {
        let _ = words::told(&kept, matched);
        let _ = words::told(&json!({"decided_by": kept, "clauses": clauses}), matched);
    }

    #[test]
    fn negation_is_negation(condition in condition(), data in payload()) {
        let negated = json!({"type": "not", "condition": condition.clone()});
        if let (Some(not), Some(so)) = (holds(&[negated], &data), holds(&[condition], &data)) {
            prop_assert_ne!(not, so);
        }
    }

    #[test]
    fn negative_types_negate_positive_ones(clause in clause(), data in payload()) {
        let kind = kind::find(clause["type"].as_str().unwrap()).unwrap();
        if let Some(positive) = kind.opposite_of {
            let mut other = clause.clone();
            other["type"] = positive.into();
            if let (Some(not), Some(so)) = (holds(&[clause], &data), holds(&[other], &data)) {
                prop_assert_ne!(not, so);
            }
        }
    }

    #[test]
    fn order_changes_no_verdict(conditions in prop::collection::vec(condition(), 0..5), data in payload()) {
        let mut turned = conditions.clone();
        turned.reverse();
        prop_assert_eq!(holds(&conditions, &data), holds(&turned, &data));
        if !conditions.is_empty() {
            let any = |conditions: &[Value]| json!({"type": "any", "conditions": conditions});
            prop_assert_eq!(holds(&[any(&conditions)], &data), holds(&[any(&turned)], &data));
        }
    }

    #[test]
    fn what_is_not_needed_has_no_say(conditions in prop::collection::vec(condition(), 0..4), data in payload()) {
        let Ok(read) = Conditions::read(&Value::from(conditions), &vocabulary()) else { return Ok(()) };
        let mut needed = Needed::default();
        read.need(&mut needed);
        let sieved = payload::read_needed(&data.to_string(), &needed).unwrap();
        let said = |data: &Value| {
            let facts = facts(data, None);
            let verdict = read.evaluate(&facts, Look::Whole);
            (verdict.outcome, Value::Object(verdict.to_json()))
        };
        prop_assert_eq!(said(&sieved), said(&data), "of {:?}", needed);
    }

    #[test]
    fn the_clause_that_decided_is_among_the_findings(conditions in prop::collection::vec(condition(), 0..4), data in payload()) {
        let facts = facts(&data, None);
        let Ok(read) = Conditions::read(&Value::from(conditions), &vocabulary()) else { return Ok(()) };
        let verdict = read.evaluate(&facts, Look::Quick);
        let kept = verdict.to_json();
        if let Some(path) = verdict.decided_by() {
            prop_assert!(kept["clauses"].as_array().unwrap().iter().any(|clause| clause["path"] == path));
        }
        prop_assert!(verdict.holds() || verdict.decided_by().is_some());
    }
}

/// How many drawn cases are kept.
const KEPT: usize = 200;

/// What the conditions of a kept case say, in words; `None` if they cannot be read.
fn told(case: &Value) -> Option<Value> {
    let said: Value = serde_json::from_str(&case["conditions"].to_string()).unwrap();
    let read = Conditions::read(&said, &vocabulary()).ok()?;
    let moment = Moment {
        now: case["now"].as_str().unwrap().parse().unwrap(),
        zone: case["zone"].as_str().unwrap().parse().unwrap(),
    };
    let occasion = Occasion { source: "api", occurred: moment.now, ..Occasion::default() };
    let facts = Facts::new(&case["payload"], case.get("record"), occasion, moment);
    let verdict = read.evaluate(&facts, Look::Whole);
    let told = words::told(&Value::Object(verdict.to_json()), verdict.holds());
    let matched = ("matched".to_owned(), verdict.holds().into());
    Some(told.as_object().unwrap().clone().into_iter().chain([matched]).collect())
}

/// Cases at random, always the same, each a line.
fn drawn() -> String {
    let mut runner = TestRunner::deterministic();
    let can_be_read = |clause: &Value| Conditions::read(&json!([clause]), &vocabulary()).is_ok();
    let clause = any_clause().prop_filter("it can be read", can_be_read);
    let strategy = (prop::collection::vec(grouped(clause), 1..3), payload());
    let mut lines = Vec::new();
    while lines.len() < KEPT {
        let (conditions, payload) = strategy.new_tree(&mut runner).unwrap().current();
        let mut case = serde_json::Map::new();
        let mut put = |name: &str, value: Value| case.insert(name.to_owned(), value);
        put("name", format!("at random {}", lines.len() + 1).into());
        put("schema", schema());
        put("conditions", conditions.into());
        put("payload", payload);
        put("record", json!({"limit": 1, "status": "a"}));
        put("now", "2026-03-29T00:30:00Z".into());
        put("zone", "Europe/Berlin".into());
        let case = Value::Object(case);
        if let Some(verdict) = told(&case) {
            let mut case = case;
            case.as_object_mut().unwrap().insert("verdict".to_owned(), verdict);
            lines.push(case.to_string());
        }
    }
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[test]
fn cases_at_random_keep_their_verdicts() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/at_random.json");
    if std::env::var_os("SIGNALBOX_WRITE_VECTORS").is_some() {
        fs::write(&file, drawn()).unwrap();
    }
    let cases = payload::read(&fs::read_to_string(&file).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    let matched = cases.iter().filter(|case| case["verdict"]["matched"] == true).count();
    assert!(cases.len() == KEPT && (KEPT / 10..KEPT).contains(&matched), "{matched} of {}", cases.len());
    for case in cases {
        assert_eq!(told(case).as_ref(), Some(&case["verdict"]), "{}", case["name"]);
    }
}

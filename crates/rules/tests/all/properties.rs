//! What holds for every rule and all data? Nothing panics, and the index hides no rule. What holds for conditions alone is
//! asked in crates/language.

use crate::stage::Fixed;
use kernel::{Instant, RuleId};
use language::{Conditions, Facts, Look, Vocabulary};
use proptest::prelude::*;
use rules::{Actions, Catalogue, Definition, Draft, Recall, Rule, RuleBook, try_out};
use serde_json::{Value, json};

const FIELDS: &[&str] = &["value", "status", "a.b", "a.c[0]", "tags", "missing", "old_status", "new_status"];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
            .prop_map(|text| rules::payload::read(&text).unwrap()),
        "[a-c1.]{0,3}".prop_map(Value::from),
        Just(json!("2026-01-31T09:30:00Z")),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[abc]|type|field|value|conditions|condition", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = Value> {
    (anything(), anything(), anything(), anything(), anything()).prop_map(|(value, status, b, c, old)| {
        json!({"value": value, "status": status, "a": {"b": b, "c": [c]}, "tags": [old.clone()],
            "old_status": old, "new_status": status})
    })
}

fn clause() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(FIELDS);
    let number = -3_i64..3;
    prop_oneof![
        (field.clone(), number.clone())
            .prop_map(|(field, value)| json!({"type": "value_threshold", "field": field, "value": value})),
        (field.clone(), number.clone())
            .prop_map(|(field, value)| json!({"type": "less_than", "field": field, "value": value})),
        (field.clone(), number)
            .prop_map(|(field, value)| json!({"type": "between", "field": field, "value": [value, 3]})),
        (field.clone(), anything())
            .prop_map(|(field, value)| json!({"type": "equals", "field": field, "value": value})),
        (field.clone(), anything())
            .prop_map(|(field, value)| json!({"type": "not_equals", "field": field, "value": value})),
        (field.clone(), scalar())
            .prop_map(|(field, value)| json!({"type": "in", "field": field, "value": [value, 1]})),
        (field.clone(), "[a-c1.]{1,2}")
            .prop_map(|(field, value)| json!({"type": "contains", "field": field, "value": value})),
        (field.clone(), any::<bool>())
            .prop_map(|(field, value)| json!({"type": "exists", "field": field, "value": value})),
        (field.clone(), "[a-c1.]{1,2}")
            .prop_map(|(field, value)| json!({"type": "matches", "field": field, "value": value})),
        Just(json!({"type": "changed", "field": "status"})),
        scalar().prop_map(|value| json!({"type": "changed_to", "field": "status", "value": value})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    clause().prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            many.clone().prop_map(|conditions| json!({"type": "all", "conditions": conditions})),
            many.prop_map(|conditions| json!({"type": "any", "conditions": conditions})),
            inner.prop_map(|condition| json!({"type": "not", "condition": condition})),
        ]
    })
}

fn rule(number: i64, conditions: &[Value], stops: bool) -> Rule {
    let at = Instant::from_millis(1_700_000_000_000 + number);
    let definition = Definition::check(
        Draft {
            name: Some("A rule".to_owned()),
            module_type: Some("crm".to_owned()),
            trigger_id: Some("contact_created".to_owned()),
            conditions: Some(Value::from(conditions.to_vec())),
            actions: Some(
                json!([{"type": "send_notification", "parameters": {"recipient": "{{status}}", "message": "{{value}}"}}]),
            ),
            priority: Some(number % 3),
            stop_on_match: Some(stops),
            ..Draft::default()
        },
        &Catalogue::default(),
    );
    Rule::new(RuleId::new(at, &Fixed(7)), definition.unwrap(), at)
}

proptest! {
    #[test]
    fn anything_may_be_read_and_evaluated(conditions in anything(), actions in anything(), data in anything()) {
        if let Ok(conditions) = Conditions::read(&conditions, &Vocabulary::open()) {
            let _ = conditions.evaluate(&Facts::of(&data), Look::Whole).to_json();
        }
        let _ = Actions::read(&actions, &Vocabulary::open(), &Catalogue::default());
    }

    #[test]
    fn any_text_may_be_a_template(text in "[{}% a-z.|()\"'0-9~*-]{0,40}", data in payload()) {
        let message = format!("{{{{{text}}}}} {{{{ value }}}}");
        let said = json!([{"type": "http_request", "parameters": {"url": "https://example.com/{{status}}", "body": [text, message]}}]);
        if Actions::read(&said, &Vocabulary::open(), &Catalogue::default()).is_ok() {
            let mut rule = rule(0, &[], false);
            rule.definition.actions = said;
            let _ = try_out(&rule, &Catalogue::default(), &Facts::of(&data));
        }
    }

    #[test]
    fn the_index_hides_no_rule(all in prop::collection::vec(prop::collection::vec(condition(), 0..3), 0..70), data in payload()) {
        let rules: Vec<Rule> = (0..).zip(&all).map(|(number, conditions)| rule(number, conditions, false)).collect();
        let facts = Facts::of(&data);
        let decisions = RuleBook::new(&rules, &Catalogue::default()).decide("contact_created", &facts, &Recall::default());
        let tried = |rule: &Rule| try_out(rule, &Catalogue::default(), &facts);
        let mut found: Vec<&RuleId> = Vec::new();
        for decision in &decisions.listed {
            let alone = tried(rules.iter().find(|rule| rule.id == decision.rule_id).unwrap());
            prop_assert_eq!((decision.standing, &decision.actions), (alone.standing, &alone.actions));
            if decision.matched() {
                found.push(&decision.rule_id);
            }
        }
        found.sort();
        let mut wanted: Vec<&RuleId> = rules.iter().filter(|rule| tried(rule).matched()).map(|rule| &rule.id).collect();
        wanted.sort();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(decisions.listed.len() + decisions.unlisted, rules.len());
    }
}

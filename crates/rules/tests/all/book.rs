//! In what order are rules asked, when does it stop, and what is listed?

use crate::stage::Fixed;
use kernel::{Instant, RuleId};
use language::Facts;
use rules::{Catalogue, Decisions, Definition, Draft, MOST_EXPLAINED, Recall, Rule, RuleBook, Standing};
use serde_json::{Value, json};

fn rule(name: &str, conditions: Value, priority: i64, stop: bool) -> Rule {
    let at = Instant::from_millis(1_700_000_000_000 + i64::from(name.bytes().last().unwrap()));
    let definition = Definition::check(
        Draft {
            name: Some(name.to_owned()),
            module_type: Some("sales".to_owned()),
            trigger_id: Some("deal_closed_won".to_owned()),
            conditions: Some(conditions),
            actions: Some(
                json!([{"type": "send_notification", "parameters": {"recipient": "a", "message": "{{value}}"}}]),
            ),
            priority: Some(priority),
            stop_on_match: Some(stop),
            ..Draft::default()
        },
        &Catalogue::default(),
    );
    Rule::new(RuleId::new(at, &Fixed(0)), definition.unwrap(), at)
}

fn book(rules: &[Rule]) -> RuleBook {
    RuleBook::new(rules, &Catalogue::default())
}

fn decide(book: &RuleBook, trigger: &str, data: &Value) -> Decisions {
    book.decide(trigger, &Facts::of(data), &Recall::default())
}

fn check(rules: &[Rule], data: Value, wanted: &[(&str, Standing)]) {
    let decisions = decide(&book(rules), "deal_closed_won", &data);
    let said: Vec<(&str, Standing)> =
        decisions.listed.iter().map(|decision| (&*decision.name, decision.standing)).collect();
    assert_eq!(said, wanted);
}

#[test]
fn higher_priorities_come_first_then_older_rules_until_one_stops() {
    let big = json!([{"type": "value_threshold", "value": 100}]);
    let rules = [
        rule("rule 3", json!([]), 0, false),
        rule("rule 2", big, 0, true),
        rule("rule 1", json!([]), 0, false),
        rule("rule 9", json!([]), 7, false),
    ];
    use Standing::{Matched, NotAsked, NotMatched};
    check(
        &rules,
        json!({"value": 1}),
        &[("rule 9", Matched), ("rule 1", Matched), ("rule 2", NotMatched), ("rule 3", Matched)],
    );
    check(
        &rules,
        json!({"value": 100}),
        &[("rule 9", Matched), ("rule 1", Matched), ("rule 2", Matched), ("rule 3", NotAsked)],
    );
    let decisions = decide(&book(&rules), "deal_closed_won", &json!({"value": 100}));
    let last = decisions.listed.last().unwrap();
    let because = last.told()["because"].as_str().unwrap().to_owned();
    assert!(because.starts_with("not asked: rule rule 2 (rul_"), "{because}");
    assert_eq!(last.actions, Ok(Vec::new()));
    assert!(decide(&book(&rules), "deal_closed_lost", &json!({})).listed.is_empty());
}

#[test]
fn rules_that_are_off_are_not_in_the_book_and_broken_ones_say_so() {
    let mut off = rule("rule 1", json!([]), 0, false);
    off.definition.is_active = false;
    let mut broken = rule("rule 2", json!([]), 0, false);
    broken.definition.conditions = json!([{"type": "gone"}]);
    let book = book(&[off, broken]);
    assert_eq!(book.len(), 1);
    let decisions = decide(&book, "deal_closed_won", &json!({}));
    assert_eq!(decisions.listed[0].standing, Standing::Broken);
    let told = decisions.listed[0].told();
    assert!(told["because"].as_str().unwrap().contains("conditions[0].type"), "{told}");
}

#[test]
fn of_many_rules_that_cannot_match_some_are_explained_and_the_rest_counted() {
    let mut rules: Vec<Rule> = (0..200)
        .map(|number| {
            rule("rule 1", json!([{"type": "equals", "field": "owner", "value": number}]), -number, false)
        })
        .collect();
    rules.push(rule("last 2", json!([{"type": "in", "field": "owner", "value": [150]}]), -1000, false));
    let decisions = decide(&book(&rules), "deal_closed_won", &json!({"owner": "150"}));
    let matched: Vec<&str> = decisions
        .listed
        .iter()
        .filter(|decision| decision.matched())
        .map(|decision| &*decision.name)
        .collect();
    assert_eq!(matched, ["rule 1", "last 2"]);
    assert_eq!(decisions.listed.len(), MOST_EXPLAINED + 2);
    assert_eq!(decisions.unlisted, 201 - MOST_EXPLAINED - 2);
}

/// The book of these rules, which must say the same of all payloads as one in which nothing can be looked up.
fn agreed(mut rules: Vec<Rule>, payloads: &[Value]) -> RuleBook {
    let indexed = book(&rules);
    for rule in &mut rules {
        let conditions = &rule.definition.conditions;
        rule.definition.conditions =
            json!([{"type": "any", "conditions": [{"type": "all", "conditions": conditions}]}]);
    }
    let plain = book(&rules);
    for data in payloads {
        let matched = |book: &RuleBook| -> Vec<String> {
            let decisions = decide(book, "deal_closed_won", data);
            assert_eq!(decisions.listed.len() + decisions.unlisted, rules.len());
            let matched = decisions.listed.iter().filter(|decision| decision.matched());
            matched.map(|decision| decision.name.to_string()).collect()
        };
        assert_eq!(matched(&indexed), matched(&plain), "{data}");
    }
    indexed
}

fn assert_few_are_asked(book: &RuleBook, data: &Value, most: usize) {
    let decisions = decide(book, "deal_closed_won", data);
    assert!(
        decisions.listed.len() <= MOST_EXPLAINED + most,
        "only what can match is asked: {}",
        decisions.listed.len()
    );
}

#[test]
fn rules_are_found_by_the_numbers_that_they_need() {
    let rules = (0..200_u8).map(|number| {
        let value = json!(i64::from(number) * 10);
        let conditions = match number % 4 {
            0 => json!([{"type": "value_threshold", "value": value}]),
            1 => json!([{"type": "less_than", "field": "value", "value": value}]),
            2 => {
                json!([{"type": "between", "field": "value", "value": [value, i64::from(number) * 10 + 15]}])
            }
            _ => json!([{"type": "greater_than", "field": "value", "value": value.to_string()},
                {"type": "less_or_equal", "field": "value", "value": 1500}]),
        };
        rule(&format!("{number:03}"), conditions, i64::from(number), false)
    });
    let values = json!([-1, 0, 20, 1005.5, "1500", 1990, "much", null]);
    let payloads: Vec<Value> =
        values.as_array().unwrap().iter().map(|value| json!({"value": value})).collect();
    let indexed = agreed(rules.collect(), &payloads);
    assert_few_are_asked(&indexed, &json!({"value": 0}), 52);
}

#[test]
fn rules_are_found_by_the_texts_that_they_need() {
    let rules = (0..200_u8).map(|number| {
        let value = format!("Deal {number}");
        let conditions = match number % 4 {
            0 => json!([{"type": "contains", "field": "name", "value": value}]),
            1 => json!([{"type": "contains", "field": "name", "value": value, "ignore_case": true}]),
            2 => json!([{"type": "starts_with", "field": "name", "value": value}]),
            _ => json!([{"type": "ends_with", "field": "name", "value": number.to_string()},
                {"type": "contains", "field": "name", "value": "deal", "ignore_case": true}]),
        };
        rule(&format!("{number:03}"), conditions, i64::from(number), false)
    });
    let names = json!([
        "Deal 120 and DEAL 121", "deal 13", "a Deal 7", ["Deal 4", "deal 5", 7], [], "", 7, null, {"a": "Deal 8"},
    ]);
    let payloads: Vec<Value> = names.as_array().unwrap().iter().map(|name| json!({"name": name})).collect();
    let indexed = agreed(rules.collect(), &payloads);
    // Those that need "deal" are all asked.
    assert_few_are_asked(&indexed, &json!({"name": "Deal 120"}), 50 + 4);
    assert_few_are_asked(&indexed, &json!({"name": "Offer 120"}), 0);
}

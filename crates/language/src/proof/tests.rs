//! Is what is claimed true? By examples, and by trying random events against random conditions.

use super::*;
use crate::{Facts, Look, Vocabulary, value::folded};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(list: &Value) -> Conditions {
    Conditions::read(list, &Vocabulary::open()).unwrap()
}

/// The paths of the conditions that contradict each other.
fn against(ground: &Ground<'_>, list: &Value) -> Option<Vec<String>> {
    let contradiction = read(list).contradiction(ground)?;
    Some(contradiction.clauses.iter().map(|path| path.to_string()).collect())
}

fn never(list: Value) {
    let ground = Ground::open(Tz::UTC);
    assert!(against(&ground, &list).is_some(), "{list}");
}

fn may(list: Value) {
    let ground = Ground::open(Tz::UTC);
    assert_eq!(against(&ground, &list), None, "{list}");
}

fn asks(kind: &str, field: &str, value: Value) -> Value {
    json!({"type": kind, "field": field, "value": value})
}

#[test]
fn numbers_that_no_number_is() {
    never(json!([asks("greater_than", "v", json!(5)), asks("less_than", "v", json!("5.0"))]));
    never(json!([asks("greater_than", "v", json!(5)), asks("less_or_equal", "data.v", json!(5))]));
    may(json!([asks("greater_or_equal", "v", json!(5)), asks("less_or_equal", "v", json!(5))]));
    never(json!([
        asks("greater_or_equal", "v", json!(5)),
        asks("less_or_equal", "v", json!(5)),
        asks("not_in", "v", json!([5, "5"]))
    ]));
    // The text "5.0" is neither the text "5" nor out of the range.
    may(json!([asks("between", "v", json!([5, 5])), asks("not_equals", "v", json!("5"))]));
    never(json!([asks("between", "v", json!([5, 5])), asks("not_equals", "v", json!(5))]));
    may(json!([
        asks("greater_than", "v", json!(5)),
        asks("less_than", "v", json!("5.00000000000000000001"))
    ]));
    never(json!([asks("value_threshold", "value", json!(1)), asks("starts_with", "value", json!("a"))]));
    // The number 5 is the same as both texts, and no text is.
    may(json!([asks("equals", "v", json!("5.0")), asks("equals", "v", json!("5"))]));
    never(json!([
        asks("equals", "v", json!("5.0")),
        asks("equals", "v", json!("5")),
        asks("contains", "v", json!("5"))
    ]));
    never(json!([asks("greater_than", "v", json!(1)), {"type": "exists", "field": "v", "value": false}]));
}

#[test]
fn texts_that_no_text_is() {
    never(json!([asks("equals", "v", json!("a")), asks("equals", "v", json!("b"))]));
    never(json!([asks("in", "v", json!(["a", "b"])), asks("not_in", "v", json!(["b", "a", "c"]))]));
    may(json!([asks("in", "v", json!(["a", "b"])), asks("not_in", "v", json!(["b", "c"]))]));
    never(json!([asks("equals", "v", json!("abc")), asks("matches", "v", json!("^x"))]));
    never(json!([asks("starts_with", "v", json!("ab")), asks("starts_with", "v", json!("b"))]));
    may(json!([asks("starts_with", "v", json!("ab")), asks("starts_with", "v", json!("a"))]));
    never(json!([asks("starts_with", "v", json!("ab")), asks("not_contains", "v", json!("b"))]));
    never(json!([asks("ends_with", "v", json!("ab")), asks("not_ends_with", "v", json!("b"))]));
    may(json!([asks("starts_with", "v", json!("AB")),
        {"type": "starts_with", "field": "v", "value": "ab", "ignore_case": true}]));
    never(json!([{"type": "equals", "field": "v", "value": "Ab", "ignore_case": true},
        {"type": "not_contains", "field": "v", "value": "B", "ignore_case": true}]));
    may(json!([{"type": "equals", "field": "v", "value": "Ab", "ignore_case": true},
        {"type": "not_contains", "field": "v", "value": "B"}]));
    never(json!([{"type": "is_empty", "field": "v"}, asks("contains", "v", json!("x"))]));
    never(json!([asks("before", "v", json!("2026-01-01")), asks("after", "v", json!("2026-01-01"))]));
    may(json!([asks("before", "v", json!("today")), asks("after", "v", json!("2026-01-01"))]));
    never(json!([asks("matches", "v", json!("a")), asks("not_matches", "v", json!("a"))]));
    may(json!([asks("matches", "v", json!("a")), asks("not_matches", "v", json!("b"))]));
}

#[test]
fn lists_and_what_stands_above() {
    never(json!([asks("count", "v", json!({"at_least": 3})), asks("count", "v", json!({"at_most": 2}))]));
    never(json!([{"type": "is_empty", "field": "v"}, asks("any_of", "v", json!(["a"]))]));
    never(json!([asks("any_of", "v", json!(["a", "b"])), asks("none_of", "v", json!(["b", "a", "c"]))]));
    may(json!([asks("any_of", "v", json!(["a", "b"])), asks("none_of", "v", json!(["b"]))]));
    never(json!([asks("all_of", "v", json!(["a", "b"])), asks("none_of", "v", json!(["b"]))]));
    never(json!([asks("equals", "c.name", json!("x")), {"type": "exists", "field": "c", "value": false}]));
    never(json!([asks("equals", "c[0].name", json!("x")), asks("equals", "c", json!("text"))]));
    let item = |kind: &str, inner: Value| json!({"type": kind, "field": "v", "conditions": inner});
    let two = json!([asks("greater_than", "item.p", json!(5)), asks("less_than", "item.p", json!(2))]);
    let few = json!({"properties": {"v": {"type": "array", "maxItems": 9, "items": true}}});
    let list = json!([item("any_item", two)]);
    let never_met = Conditions::read(&list, &Vocabulary::new(&few, None)).unwrap();
    assert!(never_met.contradiction(&Ground::open(Tz::UTC)).is_some());
    let priced = json!([{"type": "exists", "field": "item.p"}]);
    let empty = json!({"type": "is_empty", "field": "v"});
    never(json!([item("no_item", priced.clone()), item("any_item", priced.clone())]));
    never(json!([item("no_item", priced.clone()), item("every_item", priced.clone())]));
    never(json!([item("every_item", priced.clone()), empty]));
    may(json!([item("no_item", priced), empty]));
}

#[test]
fn changes_go_from_one_value_to_one_other() {
    let to = |value: &str| json!({"type": "changed_to", "field": "status", "value": value});
    let from = |value: &str| json!({"type": "changed_from", "field": "status", "value": value});
    never(json!([to("won"), to("lost")]));
    may(json!([from("open"), to("won")]));
    never(json!([to("won"), {"type": "not", "condition": {"type": "changed", "field": "status"}}]));
    may(json!([to("won"), {"type": "not", "condition": from("open")}]));
    never(json!([from("open"), to("won"), {"type": "not", "condition": to("won")}]));
}

#[test]
fn groups_are_followed_and_the_culprits_named() {
    let ground = Ground::open(Tz::UTC);
    let (low, high) = (asks("less_than", "v", json!(1)), asks("greater_than", "v", json!(9)));
    let list = json!([asks("equals", "w", json!(1)), low, asks("exists", "x", json!(true)), high]);
    assert_eq!(against(&ground, &list).unwrap(), ["conditions[1]", "conditions[3]"]);
    let any = json!([{"type": "any", "conditions": [low, asks("equals", "w", json!(2))]}, high, asks("equals", "w", json!(1))]);
    assert_eq!(against(&ground, &any).unwrap(), ["conditions[0]", "conditions[1]", "conditions[2]"]);
    let all = json!([asks("equals", "w", json!(2)), {"type": "all", "conditions": [low, asks("equals", "w", json!(2)), high]}]);
    assert_eq!(
        against(&ground, &all).unwrap(),
        ["conditions[1].conditions[0]", "conditions[1].conditions[2]"]
    );
    never(
        json!([{"type": "not", "condition": {"type": "any", "conditions": [low, {"type": "not", "condition": low}]}}]),
    );
}

#[test]
fn the_ground_has_a_say() {
    let schema = json!({"type": "object", "required": ["stage"], "properties": {
        "stage": {"enum": ["open", "won"]}, "value": {"type": "number", "minimum": 0}, "n": {"type": "integer"}}});
    let ground = Ground::open(Tz::UTC).of_trigger("deal_closed_won").with_schema(&schema);
    let says = |list: Value| read(&list).contradiction(&ground).map(|found| found.by_schema);
    assert_eq!(says(json!([asks("equals", "stage", json!("lost"))])), Some(true));
    assert_eq!(says(json!([asks("equals", "stage", json!("won"))])), None);
    assert_eq!(says(json!([asks("less_than", "value", json!(0))])), Some(true));
    assert_eq!(says(json!([asks("exists", "stage", json!(false))])), Some(true));
    assert_eq!(says(json!([asks("equals", "event.trigger_id", json!("other"))])), Some(true));
    assert_eq!(
        says(json!([asks("greater_than", "n", json!(1)), asks("less_than", "n", json!(2))])),
        Some(true)
    );
    assert_eq!(says(json!([asks("equals", "v", json!(1)), asks("equals", "v", json!(2))])), Some(false));
    assert!(read(&json!([asks("in", "stage", json!(["won", "open"]))])).always_hold(&ground));
    assert!(!read(&json!([asks("in", "stage", json!(["won"]))])).always_hold(&ground));
    assert!(read(&json!([])).always_hold(&ground));
}

#[test]
fn some_conditions_follow_from_others() {
    let ground = Ground::open(Tz::UTC);
    let follows = |one: Value, other: Value| read(&one).follow_from(&read(&other), &ground);
    let above = |value: i32| asks("greater_than", "v", json!(value));
    assert!(follows(json!([above(5)]), json!([above(9), asks("equals", "w", json!(1))])));
    assert!(!follows(json!([above(9)]), json!([above(5)])));
    assert!(follows(json!([]), json!([above(5)])));
    let pattern = asks("matches", "w", json!("^a"));
    assert!(follows(json!([pattern]), json!([above(5), pattern])));
    assert!(follows(json!([asks("exists", "v", json!(true))]), json!([above(5)])));
    assert!(follows(
        json!([{"type": "any", "conditions": [above(5), asks("less_than", "v", json!(2))]}]),
        json!([asks("between", "v", json!([7, 8]))])
    ));
    // Looking at every item of a large list may spend the budget, and then it does not hold.
    let items = json!([{"type": "any_item", "field": "v", "conditions": [asks("equals", "item", json!(1))]}]);
    assert!(!follows(items.clone(), items));
}

#[test]
fn lower_case_stays_as_it_is() {
    for letter in '\0'..=char::MAX {
        let text = letter.to_string();
        let once = folded(&text).into_owned();
        assert_eq!(folded(&once), once, "{letter:?}");
    }
}

/// Values in which clauses and events meet.
fn values() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(5),
        serde_json::from_str("5.00").unwrap(),
        serde_json::from_str("1e9999999999999999").unwrap(),
        json!(-3),
        json!(6),
        json!("5"),
        json!("5.0"),
        json!("ten"),
        json!("TEN"),
        json!("tenth"),
        json!(" "),
        json!(""),
        json!("2026-01-31"),
        json!("2026-02-01T09:30:00Z"),
        json!([]),
        json!([5]),
        json!(["ten", 5]),
        json!({}),
        json!({"a": 5}),
        json!({"a": "ten"}),
    ])
}

fn clause() -> impl Strategy<Value = Value> {
    let kinds: Vec<&str> = crate::kind::KINDS.iter().map(|kind| kind.name).collect();
    let fields = prop::sample::select(vec!["v", "v.a", "w", "v[0]", "old_w"]);
    (prop::sample::select(kinds), fields, values(), values(), any::<bool>(), any::<bool>()).prop_map(
        |(kind, field, one, other, listed, fold)| {
            let kind_of = crate::kind::find(kind).unwrap();
            use crate::kind::Takes;
            let value = match kind_of.takes {
                Takes::List => json!([one, other]),
                Takes::Range if listed => json!([-3, 5]),
                Takes::Range => json!(["2026-01-01", "2026-01-31"]),
                Takes::Count if listed => json!({"at_least": 1, "at_most": 2}),
                Takes::Count => json!(1),
                Takes::Span => json!("P1D"),
                Takes::Weekdays => json!(["mon", "sat"]),
                Takes::Hours => json!(["08:00", "12:00"]),
                Takes::Networks => json!(["10.0.0.0/8"]),
                Takes::Time if listed => json!("2026-01-31"),
                Takes::Time => json!("2026-02-01"),
                Takes::Truth => json!(listed),
                Takes::Wildcard => json!("t*n"),
                Takes::Pattern => json!("^te"),
                _ => one,
            };
            let mut said = json!({"type": kind, "field": field});
            if kind_of.takes != Takes::Nothing {
                said["value"] = value;
            }
            if kind_of.has_case && fold {
                said["ignore_case"] = json!(true);
            }
            said
        },
    )
}

fn condition() -> impl Strategy<Value = Value> {
    clause().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|inner| json!({"type": "all", "conditions": inner})),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|inner| json!({"type": "any", "conditions": inner})),
            inner.clone().prop_map(|inner| json!({"type": "not", "condition": inner})),
            (prop::sample::select(vec!["any_item", "every_item", "no_item"]), inner)
                .prop_map(|(kind, inner)| json!({"type": kind, "field": "v", "conditions": [inner]})),
        ]
    })
}

/// Conditions that read; the others are left out.
fn conditions() -> impl Strategy<Value = Value> {
    prop::collection::vec(condition(), 1..5)
        .prop_map(Value::Array)
        .prop_filter("does not read", |list| Conditions::read(list, &Vocabulary::open()).is_ok())
}

fn event() -> impl Strategy<Value = Value> {
    let field = || prop::option::of(values());
    (field(), field(), field(), field()).prop_map(|(v, w, old, new)| {
        let fields = [("v", v), ("w", w), ("old_w", old), ("new_w", new)];
        let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(there.collect())
    })
}

fn meets(conditions: &Conditions, event: &Value) -> bool {
    conditions.evaluate(&Facts::of(event), Look::Quick).holds()
}

proptest! {
    #[test]
    fn nothing_is_claimed_that_is_not_so(
        one in conditions(),
        other in conditions(),
        events in prop::collection::vec(event(), 60),
    ) {
        let ground = Ground::open(Tz::UTC);
        let (one, other) = (read(&one), read(&other));
        let never = one.contradiction(&ground).is_some();
        let always = one.always_hold(&ground);
        let follows = one.follow_from(&other, &ground);
        for event in &events {
            let met = meets(&one, event);
            prop_assert!(!(never && met), "never, but {event} meets it");
            prop_assert!(!always || met, "always, but not {event}");
            prop_assert!(!(follows && meets(&other, event)) || met, "follows, but not for {event}");
        }
    }

    #[test]
    fn whatever_holds_follows_from_itself(one in conditions()) {
        let one = read(&one);
        prop_assert!(one.follow_from(&one, &Ground::open(Tz::UTC)) || !one.is_affordable());
    }
}

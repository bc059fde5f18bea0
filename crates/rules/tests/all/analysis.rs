//! Is what is found about rules true? By examples in a database, and by trying random events against random rules of a trigger with
//! a schema.

use crate::stage::{Fixed, by, database};
use chrono_tz::Tz;
use db::Db;
use futures::executor::block_on;
use kernel::{Bounded, Instant, PageRequest, Principal, RuleId};
use language::{Facts, Moment, Occasion};
use proptest::prelude::*;
use rules::{
    Catalogue, Definition, Draft, Finding, Recall, Rule, RuleBook, RuleFilter, Standing, TriggerDraft,
    service::{self, analysis, triggers},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};

struct Yard {
    db: Db,
    at: AtomicI64,
}

impl Yard {
    fn new() -> Self {
        Self { db: database(), at: AtomicI64::new(1_700_000_000_000) }
    }

    fn who(&self) -> Bounded {
        let now = Instant::from_millis(self.at.fetch_add(1, Ordering::Relaxed));
        by(Principal::system("acme-corp".parse().unwrap()), now)
    }

    fn make(&self, draft: Draft) -> (Rule, Vec<String>) {
        let made = block_on(service::create(&self.db, &self.who(), draft, None)).unwrap();
        (made.rule, made.warnings.iter().map(ToString::to_string).collect())
    }

    fn found(&self, rule: &Rule) -> Vec<Finding> {
        block_on(async {
            let who = self.who();
            let mut lease = self.db.read().await.unwrap();
            analysis::one(&mut lease.scope(who.tenant()).unwrap(), &who, &rule.id).await.unwrap().findings
        })
    }
}

fn draft(name: &str, conditions: Value) -> Draft {
    Draft {
        name: Some(name.to_owned()),
        module_type: Some("sales".to_owned()),
        trigger_id: Some("deal_closed_won".to_owned()),
        conditions: Some(conditions),
        actions: Some(
            json!([{"type": "send_notification", "parameters": {"recipient": "a", "message": name}}]),
        ),
        ..Draft::default()
    }
}

fn above(value: i64) -> Value {
    json!([{"type": "greater_than", "field": "value", "value": value}])
}

fn raising(name: &str, on: &str, raises: &str, data: Value, conditions: Value) -> Draft {
    Draft {
        trigger_id: Some(on.to_owned()),
        actions: Some(json!([{"type": "publish_event", "parameters": {"trigger_id": raises, "data": data}}])),
        ..draft(name, conditions)
    }
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(Finding::code).collect()
}

#[test]
fn who_saves_a_rule_is_told_what_is_certain() {
    let yard = Yard::new();
    let (_, warnings) = yard.make(draft("sound", above(5)));
    assert_eq!(warnings, Vec::<String>::new());
    let never = json!([{"type": "less_than", "field": "value", "value": 1}, {"type": "greater_than", "field": "value", "value": 5}]);
    let (rule, warnings) = yard.make(draft("never", never));
    let said = "conditions: can never hold: conditions[0] and conditions[1] exclude each other; change or remove one";
    assert_eq!(warnings, [said]);
    assert_eq!(codes(&yard.found(&rule)), ["never_matches"]);
    let (_, warnings) = yard.make(draft("always", json!([{"type": "exists", "field": "value"}])));
    assert_eq!(warnings, ["conditions: hold for every event of the trigger: they could be left out"]);
    // None at all is meant so, and only the report tells it.
    let (rule, warnings) = yard.make(draft("none", json!([])));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(codes(&yard.found(&rule)), ["always_matches"]);
    let (_, warnings) = yard.make(Draft { name: Some("twice".to_owned()), ..draft("sound", above(5)) });
    assert!(warnings[0].starts_with("rule: says what sound (rul_"), "{warnings:?}");
}

#[test]
fn a_rule_that_is_never_asked_when_it_matters_names_the_one_before_it() {
    let yard = Yard::new();
    let stops = |name: &str, value: i64, priority: i64| Draft {
        stop_on_match: Some(true),
        priority: Some(priority),
        ..draft(name, above(value))
    };
    let (first, _) = yard.make(stops("first", 5, 1));
    let (behind, warnings) = yard.make(draft("behind", above(9)));
    assert!(warnings[0].starts_with("priority: lets first (rul_"), "{warnings:?}");
    assert!(matches!(&yard.found(&behind)[..], [Finding::ShadowedBy(by)] if by.rule_id == first.id));
    // A wider one, one before it, and one behind a rule that counts first are asked.
    for asked in [
        draft("wider", above(1)),
        Draft { priority: Some(2), ..draft("before", above(9)) },
        Draft { trigger_id: Some("high_value_opportunity".to_owned()), ..draft("elsewhere", above(9)) },
    ] {
        let (rule, warnings) = yard.make(asked);
        assert_eq!((warnings, yard.found(&rule)), (Vec::new(), Vec::new()));
    }
    let paced = rules::PaceSaid { window: Some(json!({"count": 2, "within": "PT1M"})), ..Default::default() };
    let counts =
        Draft { trigger_id: Some("high_value_opportunity".to_owned()), pace: paced, ..stops("counts", 5, 1) };
    yard.make(counts);
    let other = Draft { trigger_id: Some("high_value_opportunity".to_owned()), ..draft("other", above(9)) };
    assert_eq!(yard.make(other).1, Vec::<String>::new());
}

#[test]
fn loops_are_followed_through_the_data_that_is_raised() {
    let yard = Yard::new();
    let won = |reason: &str| json!({"opportunity_id": "{{opportunity_id}}", "reason": reason});
    let lost = json!([{"type": "equals", "field": "reason", "value": "price"}]);
    yard.make(raising(
        "lost",
        "deal_closed_lost",
        "high_value_opportunity",
        json!({"opportunity_id": "o", "value": 1}),
        lost.clone(),
    ));
    yard.make(raising(
        "high",
        "high_value_opportunity",
        "deal_closed_won",
        json!({"opportunity_id": "o", "value": 2}),
        above(0),
    ));
    let (rule, warnings) =
        yard.make(raising("won", "deal_closed_won", "deal_closed_lost", won("price"), json!([])));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("by way of lost (rul_") && warnings[0].contains(" and high (rul_"),
        "{warnings:?}"
    );
    assert_eq!(codes(&yard.found(&rule)), ["always_matches", "loop"]);
    // Another reason does not set off the second rule.
    let (rule, warnings) =
        yard.make(raising("calm", "deal_closed_won", "deal_closed_lost", won("time"), json!([])));
    assert_eq!((warnings.len(), codes(&yard.found(&rule))), (0, vec!["always_matches"]));
    let (_, warnings) =
        yard.make(raising("self", "deal_closed_lost", "deal_closed_lost", won("price"), lost));
    assert_eq!(warnings.iter().filter(|text| text.contains("itself off")).count(), 1, "{warnings:?}");
}

#[test]
fn tasks_that_make_tasks_go_on_and_on() {
    let making = |name: &str, trigger: &str, assignee: Option<&str>| {
        let mut task = json!({"title": "Call back"});
        if let Some(assignee) = assignee {
            task["assignee"] = json!(assignee);
        }
        Draft {
            trigger_id: Some(trigger.to_owned()),
            module_type: Some("tasks".to_owned()),
            actions: Some(json!([{"type": "create_task", "parameters": task}])),
            ..draft(name, json!([{"type": "exists", "field": "assignee"}]))
        }
    };
    for (trigger, assignee, loops) in [
        ("task_created", None, true),
        ("task_assigned", Some("ana@example.com"), true),
        ("task_assigned", None, false),
        ("task_completed", Some("ana@example.com"), false),
    ] {
        let yard = Yard::new();
        let (rule, _) = yard.make(making(trigger, trigger, assignee));
        assert_eq!(codes(&yard.found(&rule)).contains(&"loop"), loops, "{trigger} {assignee:?}");
    }
}

#[test]
fn the_schema_of_an_own_trigger_counts_and_all_rules_are_listed() {
    let yard = Yard::new();
    let own = TriggerDraft {
        trigger_id: Some("ticket_closed".to_owned()),
        module_type: Some("sales".to_owned()),
        schema: Some(
            json!({"type": "object", "required": ["state"], "properties": {"state": {"enum": ["done", "void"]}}}),
        ),
        ..TriggerDraft::default()
    };
    block_on(triggers::create(&yard.db, &yard.who(), own, None)).unwrap();
    let on = |value: &str| Draft {
        trigger_id: Some("ticket_closed".to_owned()),
        ..draft(value, json!([{"type": "equals", "field": "state", "value": value}]))
    };
    let (rule, warnings) = yard.make(on("open"));
    let said = "conditions: can never hold: conditions[0] cannot hold by the schema of the trigger; change or remove one";
    assert_eq!(warnings, [said]);
    let (sound, _) = yard.make(on("done"));
    let who = yard.who();
    let listed = block_on(async {
        let mut lease = yard.db.read().await.unwrap();
        let page = PageRequest::default();
        analysis::page(&mut lease.scope(who.tenant()).unwrap(), &who, &RuleFilter::default(), &page)
            .await
            .unwrap()
    });
    let found: Vec<(&RuleId, Vec<&str>)> =
        listed.items.iter().map(|one| (&one.rule.id, codes(&one.findings))).collect();
    assert_eq!(found, [(&rule.id, vec!["never_matches"]), (&sound.id, vec![])]);
}

const FIELDS: [&str; 3] = ["value", "stage", "tags"];

fn schema() -> impl Strategy<Value = Value> {
    let value = prop::sample::select(vec![
        json!(true),
        json!({"type": "number", "minimum": 2}),
        json!({"type": ["integer", "null"], "maximum": 5}),
        json!({"type": ["number", "string"]}),
    ]);
    let stage = prop::sample::select(vec![
        json!(true),
        json!({"enum": ["open", "won", 5]}),
        json!({"type": "string"}),
        json!({"const": "open"}),
    ]);
    let tags = prop::sample::select(vec![json!(true), json!({"type": "array", "items": {"type": "string"}})]);
    (value, stage, tags, prop::sample::subsequence(FIELDS.to_vec(), 0..=3), any::<bool>()).prop_map(
        |(value, stage, tags, required, open)| {
            json!({"type": "object", "properties": {"value": value, "stage": stage, "tags": tags},
                "required": required, "additionalProperties": open})
        },
    )
}

fn scalar() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(1),
        json!(2),
        json!(3.5),
        json!(5),
        json!("5"),
        json!("open"),
        json!("won"),
        json!("lost"),
        json!([]),
        json!(["won"]),
        json!(["open", "lost"]),
    ])
}

fn clause() -> impl Strategy<Value = Value> {
    let kinds = vec![
        "equals",
        "not_equals",
        "greater_than",
        "less_or_equal",
        "in",
        "not_in",
        "exists",
        "is_empty",
        "starts_with",
        "any_of",
        "none_of",
        "contains",
        "count",
    ];
    let field = prop::sample::select(FIELDS.to_vec());
    (prop::sample::select(kinds), field, scalar(), scalar(), any::<bool>()).prop_map(
        |(kind, field, one, other, truth)| {
            let value = match kind {
                "in" | "not_in" | "any_of" | "none_of" => json!([one, other]),
                "greater_than" | "less_or_equal" => {
                    if truth {
                        json!(2)
                    } else {
                        json!("4.5")
                    }
                }
                "exists" | "is_empty" => json!(truth),
                "starts_with" | "contains" => {
                    if truth {
                        json!("o")
                    } else {
                        json!("wo")
                    }
                }
                "count" => json!({"at_most": 1}),
                _ => one,
            };
            json!({"type": kind, "field": field, "value": value})
        },
    )
}

fn conditions() -> impl Strategy<Value = Value> {
    let group = prop::collection::vec(clause(), 1..3);
    let nested = (prop::sample::select(vec!["all", "any"]), group)
        .prop_map(|(kind, inner)| json!({"type": kind, "conditions": inner}));
    let negated = clause().prop_map(|inner| json!({"type": "not", "condition": inner}));
    prop::collection::vec(prop_oneof![3 => clause(), 1 => nested, 1 => negated], 0..4).prop_map(Value::from)
}

fn data() -> impl Strategy<Value = Value> {
    let field = || prop::option::of(scalar());
    (field(), field(), field()).prop_map(|(value, stage, tags)| {
        let fields = [("value", value), ("stage", stage), ("tags", tags)];
        let there = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(there.collect())
    })
}

proptest! {
    #[test]
    fn nothing_is_found_that_is_not_so(
        schema in schema(),
        first in conditions(),
        second in conditions(),
        events in prop::collection::vec(data(), 80),
    ) {
        let own = TriggerDraft {
            trigger_id: Some("ticket_closed".to_owned()),
            module_type: Some("sales".to_owned()),
            schema: Some(schema),
            sample: events.first().cloned(),
            ..TriggerDraft::default()
        };
        // A sample that does not fit says nothing about rules.
        let Ok(parts) = own.check(&Catalogue::default()) else { return Ok(()) };
        let trigger = rules::Trigger::new(parts, rules::Origin::Own, 1);
        let catalogue = Catalogue::new(vec![trigger.clone()], Vec::new());
        let rule = |name: &str, conditions: &Value, at: i64, stops: bool| {
            let draft = Draft {
                trigger_id: Some("ticket_closed".to_owned()),
                stop_on_match: Some(stops),
                ..draft(name, conditions.clone())
            };
            let at = Instant::from_millis(at);
            Definition::check(draft, &catalogue).ok().map(|definition| {
                Rule::new(RuleId::new(at, &Fixed(0)), definition, at)
            })
        };
        let (Some(first), Some(second)) = (rule("a", &first, 1, true), rule("b", &second, 2, false)) else {
            return Ok(());
        };
        let rules = [first, second];
        let findings = rules::findings(&rules[1], &rules, &[], &catalogue, Tz::UTC);
        let codes = codes(&findings);
        let book = RuleBook::new(&rules, &catalogue);
        for event in events.iter().filter(|event| trigger.check(event).is_ok()) {
            let facts = Facts::new(event, None, Occasion { trigger: "ticket_closed", ..Occasion::default() }, Moment::default());
            let decisions = book.decide("ticket_closed", &facts, &Recall::default());
            let alone = RuleBook::new(&rules[1..], &catalogue).decide("ticket_closed", &facts, &Recall::default());
            let matches = alone.listed[0].matched();
            let standing = decisions.listed[1].standing;
            prop_assert!(!(codes.contains(&"never_matches") && matches), "never, but {event}");
            prop_assert!(!codes.contains(&"always_matches") || matches, "always, but not {event}");
            prop_assert!(
                !(codes.contains(&"shadowed") && matches) || standing == Standing::NotAsked,
                "shadowed, but {event} comes through"
            );
        }
    }
}

//! How many rules can be asked in a second? `cargo bench -p rules` prints it for a rule of three clauses, for templates,
//! and for a tenant with many rules.

#![expect(clippy::unwrap_used, reason = "a bench may stop")]

use kernel::{Chance, Instant, RuleId};
use language::Facts;
use rules::{Catalogue, Definition, Draft, Recall, Rule, RuleBook};
use serde_json::{Value, json};
use std::{hint::black_box, time::Instant as Watch};

struct Fixed;
impl Chance for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn rule(number: i64, conditions: Value) -> Rule {
    let at = Instant::from_millis(number);
    let definition = Definition::check(
        Draft {
            name: Some("High Value Deal Alert".to_owned()),
            module_type: Some("sales".to_owned()),
            trigger_id: Some("high_value_opportunity".to_owned()),
            conditions: Some(conditions),
            actions: Some(json!([{"type": "send_notification", "parameters": {
                "recipient": "sales-manager@example.com",
                "message": "New high-value opportunity: {{opportunity_name}} - ${{value}}",
            }}])),
            ..Draft::default()
        },
        &Catalogue::default(),
    );
    Rule::new(RuleId::new(at, &Fixed), definition.unwrap(), at)
}

fn measure(what: &str, book: &RuleBook, data: &Value) {
    let rounds: u32 = 20_000;
    let watch = Watch::now();
    for _ in 0..rounds {
        let facts = Facts::of(black_box(data));
        black_box(book.decide("high_value_opportunity", &facts, &Recall::default()));
    }
    let nanos = watch.elapsed().as_nanos() / u128::from(rounds);
    println!("{what}: {nanos} ns an event, {} events/s", 1_000_000_000 / nanos.max(1));
}

fn main() {
    let three = json!([
        {"type": "value_threshold", "value": 10000},
        {"type": "contains", "field": "opportunity_name", "value": "deal"},
        {"type": "in", "field": "stage", "value": ["proposal", "negotiation"]},
    ]);
    let data = |value: i64, stage: &str| json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": value, "stage": stage, "owner": 7});
    let book = RuleBook::new(&[rule(0, three)], &Catalogue::default());
    measure("one rule of three clauses, not matched", &book, &data(12500, "won"));
    measure("one rule of three clauses, matched, one template", &book, &data(12500, "proposal"));
    for count in [10, 10_000] {
        let owned = |number: i64| {
            let owner = if number < 10 { 7 } else { number };
            rule(
                number,
                json!([{"type": "equals", "field": "owner", "value": owner}, {"type": "value_threshold", "value": 20000}]),
            )
        };
        let book = RuleBook::new(&(0..count).map(owned).collect::<Vec<_>>(), &Catalogue::default());
        measure(&format!("{count} rules of which 10 can match"), &book, &data(12500, "won"));
    }
}

//! Does a tenant with many rules wait longer? 10 rules against 10,000 of which the same 10 can match the event.

use crate::{
    Figures,
    cases::{TRIGGER, rule},
    watch::nanos,
};
use language::Facts;
use rules::{Catalogue, Recall, Rule, RuleBook};
use serde_json::{Value, json};
use std::hint::black_box;

/// How many can match, and how many there are.
const SIZES: [i64; 2] = [10, 10_000];

/// The conditions of the rule with this number.
type Means = fn(i64) -> Value;

/// By what the 10 are told from the others.
const MEANS: &[(&str, Means)] = &[
    ("equality", |number| {
        json!([{"type": "equals", "field": "owner", "value": if number < 10 { 7 } else { 1_000 + number }},
            {"type": "value_threshold", "value": 10_000}])
    }),
    ("a list", |number| {
        let own = if number < 10 { 7 } else { 1_000 + number };
        json!([{"type": "in", "field": "owner", "value": [own, 100_000 + own, 200_000 + own]},
            {"type": "value_threshold", "value": 10_000}])
    }),
    ("a threshold", |number| {
        let least = if number < 10 { 1_000 + number } else { 20_000 + number };
        json!([{"type": "value_threshold", "value": least},
            {"type": "contains", "field": "opportunity_name", "value": "deal"}])
    }),
    ("a part of a text", |number| {
        let part = if number < 10 { "deal".to_owned() } else { format!("deal {number}") };
        json!([{"type": "contains", "field": "opportunity_name", "value": part}])
    }),
];

/// How many rules a book is made of, to see what that takes.
const READ: i64 = 1_000;

/// The books.
pub(crate) struct Crowds {
    books: Vec<(String, RuleBook)>,
    rules: Vec<Rule>,
}

impl Crowds {
    pub(crate) fn new() -> Self {
        let mut books = Vec::new();
        for (means, conditions) in MEANS {
            for size in SIZES {
                let rules: Vec<Rule> = (0..size).map(|number| rule(number, &conditions(number))).collect();
                let name = format!("{size} rules, told apart by {means}");
                books.push((name, RuleBook::new(&rules, &Catalogue::default())));
            }
        }
        Self { books, rules: (0..READ).map(|number| rule(number, &MEANS[0].1(number))).collect() }
    }

    pub(crate) fn measure(&self) -> Figures {
        let data = json!({"opportunity_id": "o-1", "opportunity_name": "Big deal", "value": 12500, "stage": "proposal", "owner": 7});
        let each = self.books.iter().map(|(name, book)| {
            let figure = nanos(1, || {
                let facts = Facts::of(black_box(&data));
                let decisions = book.decide(TRIGGER, &facts, &Recall::default());
                assert_eq!(
                    decisions.listed.iter().filter(|decision| decision.matched()).count(),
                    10,
                    "{name}"
                );
                black_box(decisions);
            });
            (name.clone(), figure)
        });
        let mut figures: Figures = each.collect();
        let made = nanos(self.rules.len(), || {
            black_box(RuleBook::new(black_box(&self.rules), &Catalogue::default()));
        });
        figures.insert("a rule of a book that is made".into(), made);
        figures
    }
}

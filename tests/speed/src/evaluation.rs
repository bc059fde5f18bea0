//! What does it take to ask one rule about one event? From the bare verdict to all that is kept and done.

use crate::{
    Figures,
    cases::{Cases, TRIGGER, rule},
    watch::nanos,
};
use language::{Conditions, Facts, Look, Vocabulary};
use rules::{Catalogue, Recall, RuleBook, payload};
use serde_json::Value;
use std::hint::black_box;

fn conditions(list: &Value) -> Conditions {
    Conditions::read(list, &Vocabulary::open()).expect("the conditions of the measurement hold")
}

fn holds(conditions: &Conditions, data: &Value) -> bool {
    conditions.evaluate(&Facts::of(data), Look::Quick).holds()
}

/// What clauses and expression say to each payload; they must agree.
pub(crate) fn verdicts(cases: &Cases) -> Vec<bool> {
    let (clauses, expression) = (conditions(&cases.clauses), conditions(&cases.expression));
    let say = |data| {
        let verdict = holds(&clauses, data);
        assert_eq!(verdict, holds(&expression, data), "the expression says otherwise of {data}");
        verdict
    };
    cases.payloads.iter().map(say).collect()
}

pub(crate) fn measure(cases: &Cases) -> Figures {
    let (clauses, expression) = (conditions(&cases.clauses), conditions(&cases.expression));
    let book = RuleBook::new(&[rule(0, &cases.clauses)], &Catalogue::default());
    let (matching, others): (Vec<&Value>, Vec<&Value>) =
        cases.payloads.iter().partition(|data| holds(&clauses, data));
    let all: Vec<&Value> = cases.payloads.iter().collect();
    let ask = |conditions: &Conditions, payloads: &[&Value]| {
        nanos(payloads.len(), || {
            for data in payloads {
                black_box(holds(conditions, black_box(data)));
            }
        })
    };
    let mut figures = Figures::new();
    figures.insert("verdict".into(), ask(&clauses, &all));
    figures.insert("verdict, matching".into(), ask(&clauses, &matching));
    figures.insert("verdict, not matching".into(), ask(&clauses, &others));
    figures.insert("verdict of an expression".into(), ask(&expression, &all));
    let explained = nanos(all.len(), || {
        for data in &all {
            let facts = Facts::of(black_box(data));
            black_box(clauses.evaluate(&facts, Look::Quick).to_json());
        }
    });
    figures.insert("verdict with what is kept of why".into(), explained);
    let decided = nanos(all.len(), || {
        for data in &all {
            let facts = Facts::of(black_box(data));
            black_box(book.decide(TRIGGER, &facts, &Recall::default()));
        }
    });
    figures.insert("decision with one template".into(), decided);
    let read = nanos(cases.texts.len(), || {
        for text in &cases.texts {
            black_box(payload::read(black_box(text)).ok());
        }
    });
    figures.insert("reading the payload".into(), read);
    let both = nanos(cases.texts.len(), || {
        for text in &cases.texts {
            let data = payload::read(black_box(text)).unwrap_or_default();
            black_box(holds(&clauses, &data));
        }
    });
    figures.insert("reading and verdict".into(), both);
    figures
}

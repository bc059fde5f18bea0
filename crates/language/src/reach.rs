//! Between which numbers must a field be for a rule to match? Rules that ask for a threshold are found by it.

use crate::{
    condition::{Asks, Condition, Conditions, Key},
    number::Decimal,
    path::{FieldPath, Root},
    question::{Operand, Question, Relation},
};
use serde_json::Value;
use std::cmp::Ordering;

/// The numbers between two ends, both included; an end that is `None` is open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reach {
    low: Option<Value>,
    high: Option<Value>,
}

impl Reach {
    /// Whether it has a low end.
    #[must_use]
    pub const fn has_floor(&self) -> bool {
        self.low.is_some()
    }

    /// Whether it has both ends.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.low.is_some() && self.high.is_some()
    }

    /// Whether a number is not below the low end.
    #[must_use]
    pub fn begins_by(&self, number: &Value) -> bool {
        self.low.as_ref().is_none_or(|low| compared(low, number).is_some_and(Ordering::is_le))
    }

    /// Whether a number is not above the high end.
    #[must_use]
    pub fn lasts_to(&self, number: &Value) -> bool {
        self.high.as_ref().is_none_or(|high| compared(high, number).is_some_and(Ordering::is_ge))
    }

    /// Which of two begins at the smaller number or, having no low end, ends there.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let ends = self.end().zip(other.end());
        ends.and_then(|(one, other)| compared(one, other)).unwrap_or(Ordering::Equal)
    }

    fn end(&self) -> Option<&Value> {
        self.low.as_ref().or(self.high.as_ref())
    }

    /// Both must hold; of two ends of a kind the first is kept, which lets more through and is no mistake.
    fn narrow(&mut self, other: Self) {
        self.low = self.low.take().or(other.low);
        self.high = self.high.take().or(other.high);
    }
}

/// Which of two numbers is greater; `None` if one is no number.
fn compared(left: &Value, right: &Value) -> Option<Ordering> {
    Some(Decimal::of(left)?.compare(&Decimal::of(right)?))
}

impl Conditions {
    /// The fields that must hold a number within a reach for the rule to match, each once. A reach may be wider than what the
    /// clauses ask, never narrower.
    #[must_use]
    pub fn required_reaches(&self) -> Vec<(Key<'_>, Reach)> {
        let mut found = Vec::new();
        gather(&self.all.written, &mut found);
        found
    }
}

fn gather<'a>(all: &'a [Condition], found: &mut Vec<(Key<'a>, Reach)>) {
    for condition in all {
        match &condition.asks {
            Asks::All(inner) => gather(&inner.written, found),
            Asks::Clause(clause) if clause.kind.opposite_of.is_none() => {
                let Some((field, reach)) = clause.field().zip(reach(&clause.question)) else { continue };
                match found.iter_mut().find(|(known, _)| known.path() == field) {
                    Some((_, known)) => known.narrow(reach),
                    None => found.push((Key(field), reach)),
                }
            }
            Asks::Clause(_) | Asks::Any(_) | Asks::Not(_) | Asks::Items(_) | Asks::Expression(_) => {}
        }
    }
}

fn reach(question: &Question) -> Option<Reach> {
    match question {
        Question::Compare(Relation::Above | Relation::AtLeast, Operand::Fixed(low)) => {
            Some(Reach { low: Some(low.clone()), high: None })
        }
        Question::Compare(Relation::Below | Relation::AtMost, Operand::Fixed(high)) => {
            Some(Reach { low: None, high: Some(high.clone()) })
        }
        Question::Within(low, high) => Some(Reach { low: Some(low.clone()), high: Some(high.clone()) }),
        _ => None,
    }
}

impl crate::clause::Clause {
    /// The one field that it looks at, if that is the same for all of an event.
    pub(crate) fn field(&self) -> Option<&FieldPath> {
        match &self.looks {
            crate::clause::Looks::At(path) if path.root() != Root::Item => Some(path),
            crate::clause::Looks::At(_) | crate::clause::Looks::Both(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facts, Look, Vocabulary};
    use proptest::prelude::*;
    use serde_json::json;

    fn read(conditions: &Value) -> Conditions {
        Conditions::read(conditions, &Vocabulary::open()).unwrap()
    }

    fn shown(conditions: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let read = read(conditions);
        let reaches = read.required_reaches();
        reaches.into_iter().map(|(key, reach)| (key.as_str().to_owned(), reach.low, reach.high)).collect()
    }

    #[test]
    fn what_must_hold_in_any_case_is_a_reach() {
        let conditions = json!([
            {"type": "value_threshold", "value": 10},
            {"type": "all", "conditions": [{"type": "less_than", "field": "value", "value": "99.5"}]},
            {"type": "between", "field": "record.score", "value": [1, 2]},
        ]);
        let wanted = [
            ("value".to_owned(), Some(json!(10)), Some(json!("99.5"))),
            ("record.score".to_owned(), Some(json!(1)), Some(json!(2))),
        ];
        assert_eq!(shown(&conditions), wanted);
    }

    #[test]
    fn what_need_not_hold_is_none() {
        let more = json!({"type": "greater_than", "field": "a", "value": 1});
        let conditions = json!([
            {"type": "not", "condition": more},
            {"type": "any", "conditions": [more, more]},
            {"type": "any_item", "field": "list", "conditions": [{"type": "greater_than", "field": "item.a", "value": 1}]},
            {"type": "greater_than", "field": "a", "value_field": "b"},
            {"type": "increased", "field": "a", "value": 3},
        ]);
        assert!(shown(&conditions).is_empty());
    }

    proptest! {
        #[test]
        fn a_rule_that_matches_is_within_its_reach(
            kind in prop::sample::select(vec!["greater_than", "greater_or_equal", "less_than", "less_or_equal"]),
            wanted in -3_i64..3, value in -3_i64..3,
        ) {
            let conditions = read(&json!([{"type": kind, "field": "a", "value": wanted}]));
            let data = json!({"a": value});
            let holds = conditions.evaluate(&Facts::of(&data), Look::Quick).holds();
            let reaches = conditions.required_reaches();
            let (_, reach) = &reaches[0];
            prop_assert!(!holds || (reach.begins_by(&data["a"]) && reach.lasts_to(&data["a"])));
        }
    }
}

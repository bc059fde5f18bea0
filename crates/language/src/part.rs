//! Which text must a field hold a part of for a rule to match? Rules that ask for one are found by it, all at once.

use crate::{
    clause::Clause,
    condition::{Asks, Condition, Conditions, Key},
    question::{Operand, Question},
    value::{folded, key},
};
use aho_corasick::AhoCorasick;
use serde_json::Value;
use std::collections::HashMap;

/// How many places are looked at for each part that is sought, before all of them pass for found.
const MOST_PLACES: usize = 16;

/// What must be part of a text, or one of a list, in whatever case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    text: String,
    /// What it is found by in a list.
    key: String,
}

/// Finds which of many parts a value holds, in one pass over it.
#[derive(Debug, Clone)]
pub struct PartFinder {
    /// `None` if there are too many to be sought together.
    texts: Option<AhoCorasick>,
    keys: HashMap<String, Vec<usize>>,
    count: usize,
}

impl Part {
    fn of(text: &str) -> Self {
        let key = key(&Value::String(text.to_owned())).unwrap_or_default();
        Self { text: folded(text).into_owned(), key: folded(&key).into_owned() }
    }

    /// How much it tells, in bytes: longer ones are in fewer texts.
    #[must_use]
    pub fn length(&self) -> usize {
        self.text.len()
    }
}

impl PartFinder {
    /// Of these parts, which it names by their places.
    #[must_use]
    pub fn new(parts: &[Part]) -> Self {
        let mut keys: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, part) in parts.iter().enumerate() {
            keys.entry(part.key.clone()).or_default().push(place);
        }
        let texts = AhoCorasick::new(parts.iter().map(|part| &part.text)).ok();
        Self { texts, keys, count: parts.len() }
    }

    /// The places of the parts that a value can hold, some more than once: all that it does hold, and all there are where looking
    /// would take too long.
    #[must_use]
    pub fn find(&self, value: &Value) -> Vec<usize> {
        match value {
            Value::String(text) => self.find_in(text).unwrap_or_else(|| (0..self.count).collect()),
            Value::Array(items) => {
                let keys = items.iter().filter_map(key);
                keys.filter_map(|key| self.keys.get(&*folded(&key))).flatten().copied().collect()
            }
            _ => Vec::new(),
        }
    }

    fn find_in(&self, text: &str) -> Option<Vec<usize>> {
        let most = self.count.saturating_mul(MOST_PLACES).saturating_add(text.len());
        let text = folded(text);
        let mut found = Vec::new();
        for place in self.texts.as_ref()?.find_overlapping_iter(&*text) {
            if found.len() == most {
                return None;
            }
            found.push(place.pattern().as_usize());
        }
        Some(found)
    }
}

impl Conditions {
    /// The fields that must hold a text as a part for the rule to match. A part is sought in any case and anywhere in the field, which
    /// may let more through than the clauses ask, never less.
    #[must_use]
    pub fn required_parts(&self) -> Vec<(Key<'_>, Part)> {
        let mut found = Vec::new();
        gather(&self.all.written, &mut found);
        found
    }
}

fn gather<'a>(all: &'a [Condition], found: &mut Vec<(Key<'a>, Part)>) {
    for condition in all {
        match &condition.asks {
            Asks::All(inner) => gather(&inner.written, found),
            Asks::Clause(clause) if clause.kind.opposite_of.is_none() => {
                found.extend(clause.field().zip(part(clause)).map(|(field, part)| (Key(field), part)));
            }
            Asks::Clause(_) | Asks::Any(_) | Asks::Not(_) | Asks::Items(_) | Asks::Expression(_) => {}
        }
    }
}

fn part(clause: &Clause) -> Option<Part> {
    match &clause.question {
        Question::Contains(Operand::Fixed(Value::String(text)))
        | Question::StartsWith(Operand::Fixed(Value::String(text)))
        | Question::EndsWith(Operand::Fixed(Value::String(text))) => Some(Part::of(text)),
        _ => None,
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

    fn parts(conditions: &Conditions) -> Vec<Part> {
        conditions.required_parts().into_iter().map(|(_, part)| part).collect()
    }

    #[test]
    fn what_must_hold_in_any_case_is_a_part() {
        let conditions = read(&json!([
            {"type": "contains", "field": "name", "value": "Deal"},
            {"type": "all", "conditions": [{"type": "starts_with", "field": "record.code", "value": "X-", "ignore_case": true}]},
            {"type": "ends_with", "field": "file", "value": ".pdf"},
        ]));
        let found = conditions.required_parts();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(key, part)| (key.as_str(), part.text.as_str())).collect();
        assert_eq!(found, [("name", "deal"), ("record.code", "x-"), ("file", ".pdf")]);
    }

    #[test]
    fn what_need_not_hold_is_none() {
        let part = json!({"type": "contains", "field": "a", "value": "x"});
        let conditions = read(&json!([
            {"type": "not", "condition": part},
            {"type": "any", "conditions": [part, part]},
            {"type": "not_contains", "field": "a", "value": "x"},
            {"type": "contains", "field": "a", "value": 7},
            {"type": "contains", "field": "a", "value_field": "b"},
            {"type": "any_item", "field": "list", "conditions": [{"type": "contains", "field": "item.a", "value": "x"}]},
        ]));
        assert!(conditions.required_parts().is_empty());
    }

    #[test]
    fn parts_that_are_everywhere_pass_for_found() {
        let every: Vec<Part> = (1..200).map(|length| Part::of(&"a".repeat(length))).collect();
        let finder = PartFinder::new(&every);
        let all: Vec<usize> = (0..199).collect();
        assert_eq!(finder.find(&json!("a".repeat(50_000))), all);
        assert_eq!(finder.find(&json!("aab")), [0, 1, 0]);
    }

    proptest! {
        #[test]
        fn a_rule_that_matches_is_found_by_its_part(
            kind in prop::sample::select(vec!["contains", "starts_with", "ends_with"]),
            ignore_case: bool,
            wanted in "[aAbßſsSΣσς1e.]{1,3}",
            value in prop_oneof![
                "[aAbßſsSΣσς1e.]{0,6}".prop_map(Value::from),
                prop::collection::vec(prop_oneof!["[aAbßſsSΣσς1e.]{1,3}".prop_map(Value::from), Just(json!(1)), Just(json!(null))], 0..4)
                    .prop_map(Value::from),
                Just(json!(1)),
            ],
        ) {
            let conditions = read(&json!([{"type": kind, "field": "a", "value": wanted, "ignore_case": ignore_case}]));
            let data = json!({"a": value});
            let holds = conditions.evaluate(&Facts::of(&data), Look::Quick).holds();
            let found = PartFinder::new(&parts(&conditions)).find(&data["a"]);
            prop_assert!(!holds || found.contains(&0), "{data} {found:?}");
        }
    }
}

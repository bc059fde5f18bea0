//! When does a rule apply? A tree of conditions, read from JSON and checked once, when the rule is saved.
//!
//! A clause is `{"type", "field", "value"}`; `all` and `any` hold `conditions`, `not` holds a `condition`.

use crate::{
    explain::Shown,
    path::FieldPath,
    test::{KINDS, Test},
};
use kernel::{FieldFault, Fields};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The most conditions in a rule, groups counted.
pub(crate) const MOST_CLAUSES: usize = 50;
/// The deepest nesting of groups.
pub(crate) const DEEPEST: usize = 8;
/// The published names of the condition types that look at a change.
const CHANGES: &[&str] = &["changed", "changed_from", "changed_to"];
/// The field that `value_threshold` looks at when none is named.
const DEFAULT_FIELD: &str = "value";

/// One condition of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// Where it stands in the rule: `conditions[0].conditions[1]`.
    pub(crate) path: Arc<str>,
    /// What it asks.
    pub(crate) asks: Asks,
}

/// What a condition asks.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// That all of these hold.
    All(Vec<Condition>),
    /// That one of these holds.
    Any(Vec<Condition>),
    /// That this does not hold.
    Not(Box<Condition>),
    /// Something of a field.
    Clause(Clause),
}

/// A question about one field.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    /// The name of its type, as published.
    pub(crate) kind: &'static str,
    /// The field that it looks at.
    pub(crate) field: FieldPath,
    /// Its path as text, shared with explanations.
    pub(crate) name: Arc<str>,
    /// What it wants of the field.
    pub(crate) question: Question,
    /// The `value` as it stands in the rule, for explanations.
    pub(crate) wanted: Option<Arc<Shown>>,
}

/// What a clause wants of its field.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// Something of the value that stands there.
    Value(Test),
    /// That the value is another than before.
    Change(Change),
}

/// That a field changed, seen in the pair that the data carries: `old_status` and `new_status`.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Where the value before stands.
    pub(crate) old: FieldPath,
    /// Where the value now stands.
    pub(crate) new: FieldPath,
    /// What the value before must be.
    pub(crate) from: Option<Value>,
    /// What the value now must be.
    pub(crate) to: Option<Value>,
}

/// A rule's conditions, checked: all of them must hold.
#[derive(Debug, Clone)]
pub struct Conditions(pub(crate) Vec<Condition>);

impl Conditions {
    /// Reads the JSON list of a rule's conditions. An empty list always holds.
    ///
    /// # Errors
    /// Every faulty part with its path: `conditions[0].type`.
    pub fn read(list: &Value) -> Result<Self, Vec<FieldFault>> {
        let mut reader = Reader { fields: Fields::new(), count: 0 };
        let all = reader.list(list, "conditions", 1);
        if reader.count > MOST_CLAUSES {
            reader.fields.fault(
                "conditions",
                format!(
                    "holds {} conditions, groups counted; at most {MOST_CLAUSES} are allowed: split the rule",
                    reader.count
                ),
            );
        }
        reader.fields.done().map(|()| Self(all))
    }

    /// Field and value of every equality without which the rule cannot match.
    pub(crate) fn required_equalities(&self) -> Vec<(&FieldPath, &Value)> {
        let mut found = Vec::new();
        gather(&self.0, &mut found);
        found
    }
}

fn gather<'a>(all: &'a [Condition], found: &mut Vec<(&'a FieldPath, &'a Value)>) {
    for condition in all {
        match &condition.asks {
            Asks::All(inner) => gather(inner, found),
            Asks::Clause(clause) => found.extend(clause.equality()),
            Asks::Any(_) | Asks::Not(_) => {}
        }
    }
}

impl Clause {
    /// The field that must equal the value for the clause to hold, if there is one.
    fn equality(&self) -> Option<(&FieldPath, &Value)> {
        match &self.question {
            Question::Value(Test::Equals(value)) => Some((&self.field, value)),
            Question::Change(Change { new, to: Some(to), .. }) => Some((new, to)),
            Question::Change(Change { old, from: Some(from), .. }) => Some((old, from)),
            Question::Value(_) | Question::Change(_) => None,
        }
    }
}

struct Reader {
    fields: Fields,
    count: usize,
}

impl Reader {
    fn list(&mut self, list: &Value, path: &str, depth: usize) -> Vec<Condition> {
        let Some(items) = list.as_array() else {
            self.fields.fault(path, "must be a list of conditions");
            return Vec::new();
        };
        let read = |(index, item)| self.condition(item, format!("{path}[{index}]"), depth);
        items.iter().enumerate().filter_map(read).collect()
    }

    fn condition(&mut self, value: &Value, path: String, depth: usize) -> Option<Condition> {
        self.count = self.count.saturating_add(1);
        if depth > DEEPEST {
            let message =
                format!("nests deeper than {DEEPEST} levels: flatten the groups, or split the rule");
            self.fields.fault(path, message);
            return None;
        }
        let Some(object) = value.as_object() else {
            self.fields.fault(path, "must be an object with a type");
            return None;
        };
        let Some(kind) = object.get("type").and_then(Value::as_str) else {
            self.fields.fault(format!("{path}.type"), format!("must name a condition type: {}", known()));
            return None;
        };
        let asks = match kind {
            "all" => Asks::All(self.group(object, &path, depth)),
            "any" => Asks::Any(self.group(object, &path, depth)),
            "not" => Asks::Not(Box::new(self.negated(object, &path, depth)?)),
            _ => Asks::Clause(self.clause(kind, object, &path)?),
        };
        Some(Condition { path: path.into(), asks })
    }

    fn group(&mut self, object: &Map<String, Value>, path: &str, depth: usize) -> Vec<Condition> {
        self.only(object, path, &["type", "conditions"]);
        let inner = format!("{path}.conditions");
        match object.get("conditions") {
            Some(Value::Array(items)) if items.is_empty() => {
                self.fields.fault(inner, "must hold at least one condition");
                Vec::new()
            }
            Some(list) => self.list(list, &inner, depth.saturating_add(1)),
            None => {
                self.fields.fault(inner, "is missing: a group holds a list of conditions");
                Vec::new()
            }
        }
    }

    fn negated(&mut self, object: &Map<String, Value>, path: &str, depth: usize) -> Option<Condition> {
        self.only(object, path, &["type", "condition"]);
        let inner = format!("{path}.condition");
        match object.get("condition") {
            Some(condition) => self.condition(condition, inner, depth.saturating_add(1)),
            None => {
                self.fields.fault(inner, "is missing: not holds the one condition that must not hold");
                None
            }
        }
    }

    fn clause(&mut self, kind: &str, object: &Map<String, Value>, path: &str) -> Option<Clause> {
        let Some(kind) = KINDS.iter().chain(CHANGES).copied().find(|known| *known == kind) else {
            let shown: String = kind.chars().take(100).collect();
            let message = format!("{shown:?} is not a condition type; the types are {}", known());
            self.fields.fault(format!("{path}.type"), message);
            return None;
        };
        self.only(object, path, &["type", "field", "value"]);
        let field = self.field(kind, object, path);
        let wanted = object.get("value");
        let question = if CHANGES.contains(&kind) {
            self.change(kind, field.as_ref(), wanted, path).map(Question::Change)
        } else {
            self.fields.take(&format!("{path}.value"), Test::read(kind, wanted)).map(Question::Value)
        };
        let field = field?;
        Some(Clause {
            kind,
            name: field.as_str().into(),
            field,
            question: question?,
            wanted: wanted.map(|value| Arc::new(Shown::of(value))),
        })
    }

    fn change(
        &mut self,
        kind: &str,
        field: Option<&FieldPath>,
        wanted: Option<&Value>,
        path: &str,
    ) -> Option<Change> {
        let (from, to) = match (kind, wanted) {
            ("changed_from", Some(value)) => (Some(value.clone()), None),
            ("changed_to", Some(value)) => (None, Some(value.clone())),
            ("changed", None) => (None, None),
            ("changed", Some(_)) => {
                let message = "must be left out: changed takes any change; see changed_from and changed_to";
                self.fields.fault(format!("{path}.value"), message);
                return None;
            }
            _ => {
                let message = "is missing: the value that the field changed from or to";
                self.fields.fault(format!("{path}.value"), message);
                return None;
            }
        };
        let field = field?;
        let (Some(old), Some(new)) = (field.prefixed("old_"), field.prefixed("new_")) else {
            let message = "must end in a name, because old_ and new_ go before it";
            self.fields.fault(format!("{path}.field"), message);
            return None;
        };
        Some(Change { old, new, from, to })
    }

    fn field(&mut self, kind: &str, object: &Map<String, Value>, path: &str) -> Option<FieldPath> {
        let place = format!("{path}.field");
        match object.get("field") {
            Some(Value::String(text)) => self.fields.take(&place, text.parse()),
            Some(_) => {
                self.fields.fault(place, "must be text: a path such as value or contact.name");
                None
            }
            None if kind == "value_threshold" => DEFAULT_FIELD.parse().ok(),
            None => {
                self.fields.fault(place, "is missing: name the field that the clause looks at");
                None
            }
        }
    }

    fn only(&mut self, object: &Map<String, Value>, path: &str, allowed: &[&str]) {
        for key in object.keys().filter(|key| !allowed.contains(&key.as_str())) {
            let shown: String = key.chars().take(100).collect();
            self.fields.fault(
                format!("{path}.{shown}"),
                format!("is not a field of this condition; it takes {}", allowed.join(", ")),
            );
        }
    }
}

/// The published names of all condition types.
fn known() -> String {
    format!("all, any, not, {}, {}", KINDS.join(", "), CHANGES.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(conditions: &Value) -> Vec<String> {
        let faults = Conditions::read(conditions).expect_err("a fault");
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faulty_parts_are_told_at_once() {
        let said = faults(&json!([
            {"type": "equals", "value": 1},
            {"type": "greater_than", "field": "value", "value": "much", "feild": 1},
            {"type": "any", "conditions": []},
            {"type": "not", "condition": {"type": "between", "field": "a..b", "value": [2, 1]}},
            {"type": "changed", "field": "status", "value": 1},
            {"type": "changed_to", "field": "items[0]", "value": 1},
            {"field": "value"},
            5,
        ]));
        assert_eq!(
            said,
            [
                "conditions[0].field: is missing: name the field that the clause looks at",
                "conditions[1].feild: is not a field of this condition; it takes type, field, value",
                "conditions[1].value: must be a number, or a decimal as text such as \"10000.50\"",
                "conditions[2].conditions: must hold at least one condition",
                "conditions[3].condition.field: must be a path such as value, contact.name or items[0].price",
                "conditions[3].condition.value: has its low end above its high end, so it could never hold: swap them",
                "conditions[4].value: must be left out: changed takes any change; see changed_from and changed_to",
                "conditions[5].field: must end in a name, because old_ and new_ go before it",
                "conditions[6].type: must name a condition type: all, any, not, value_threshold, equals, not_equals, \
                 greater_than, greater_or_equal, less_than, less_or_equal, between, in, not_in, contains, starts_with, \
                 ends_with, exists, matches, before, after, changed, changed_from, changed_to",
                "conditions[7]: must be an object with a type",
            ]
        );
    }

    #[test]
    fn unknown_types_name_the_known_ones() {
        for kind in ["expression", "Equals", "regex"] {
            let [said] = &faults(&json!([{"type": kind, "field": "a", "value": 1}]))[..] else {
                panic!("one fault")
            };
            assert!(said.starts_with(&format!(
                "conditions[0].type: {kind:?} is not a condition type; the types are all,"
            )));
        }
    }

    #[test]
    fn values_of_the_wrong_kind_are_refused() {
        for (kind, value) in [
            ("value_threshold", json!(null)),
            ("in", json!([])),
            ("in", json!("web")),
            ("contains", json!("")),
            ("contains", json!(["a"])),
            ("starts_with", json!(1)),
            ("exists", json!("yes")),
            ("between", json!([1])),
            ("between", json!([1, "x"])),
            ("before", json!("2026-01-31")),
            ("matches", json!("(")),
            ("matches", json!("(?=a)")),
            ("matches", json!("a".repeat(257))),
            ("matches", json!("\\w{1000}{1000}")),
        ] {
            let said = faults(&json!([{"type": kind, "field": "a", "value": value}]));
            assert!(said.len() == 1 && said[0].starts_with("conditions[0].value: "), "{kind} {said:?}");
        }
        assert_eq!(
            faults(&json!([{"type": "equals", "field": "a"}])),
            ["conditions[0].value: is missing: what the field is compared to"]
        );
    }

    #[test]
    fn size_is_bounded() {
        let clause = json!({"type": "exists", "field": "a"});
        assert!(Conditions::read(&json!(vec![clause.clone(); 50])).is_ok());
        assert!(faults(&json!(vec![clause.clone(); 51]))[0].contains("holds 51 conditions"));
        let nested = |levels: usize| {
            (1..levels).fold(clause.clone(), |inner, _| json!({"type": "not", "condition": inner}))
        };
        assert!(Conditions::read(&json!([nested(8)])).is_ok());
        assert!(faults(&json!([nested(9)]))[0].contains("nests deeper than 8 levels"));
        assert_eq!(faults(&json!({})), ["conditions: must be a list of conditions"]);
    }
}

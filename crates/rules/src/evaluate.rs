//! Do a rule's conditions hold for this data? Every clause is looked at, so that every clause can be explained.
//!
//! A value of the wrong type is never an error: the clause does not hold, and the explanation says why. Negative types
//! (`not_equals`, `not_in`) are the exact negation of their positive ones, so they hold for what is not there.

use crate::{
    condition::{Asks, Change, Clause, Condition, Conditions, Question},
    explain::{Finding, Seen, Shown, Sight, Standing, Verdict},
    number::Decimal,
    test::{Test, instant},
};
use serde_json::Value;
use std::{fmt::Write as _, sync::Arc};

impl Conditions {
    /// Whether all conditions hold for `data`, and why.
    #[must_use]
    pub fn evaluate(&self, data: &Value) -> Verdict {
        let mut clauses = Vec::with_capacity(self.0.len());
        let whole = all("the rule", &self.0, data, &mut clauses);
        let standing = if whole.holds { Standing::Matched } else { Standing::NotMatched };
        let because = match (self.0.len(), whole.holds) {
            (0, _) => "matched: the rule has no conditions".to_owned(),
            (1, true) => format!("matched: {}", whole.why),
            (count, true) => format!("matched: all {count} conditions hold"),
            (_, false) => format!("not matched: {}", whole.why),
        };
        Verdict { standing, decided_by: whole.decider, because, clauses }
    }
}

/// What came of one condition or group.
struct Outcome {
    holds: bool,
    /// The condition that decided, where one did.
    decider: Option<Arc<str>>,
    why: String,
}

/// All must hold: the first that does not decides; if there is only one, it decides in any case.
fn all(name: &str, conditions: &[Condition], data: &Value, found: &mut Vec<Finding>) -> Outcome {
    let mut failed = None;
    let mut last = None;
    for condition in conditions {
        let outcome = look(condition, data, found);
        if !outcome.holds && failed.is_none() {
            failed = Some(outcome);
        } else {
            last = Some(outcome);
        }
    }
    match (failed, last) {
        (Some(failed), _) => failed,
        (None, Some(only)) if conditions.len() == 1 => only,
        (None, _) => Outcome {
            holds: true,
            decider: None,
            why: format!("all {} conditions of {name} hold", conditions.len()),
        },
    }
}

/// One must hold: the first that does decides; if there is only one, it decides in any case.
fn any(path: &Arc<str>, conditions: &[Condition], data: &Value, found: &mut Vec<Finding>) -> Outcome {
    let mut held = None;
    let mut last = None;
    for condition in conditions {
        let outcome = look(condition, data, found);
        if outcome.holds && held.is_none() {
            held = Some(outcome);
        } else {
            last = Some(outcome);
        }
    }
    match (held, last) {
        (Some(held), _) => held,
        (None, Some(only)) if conditions.len() == 1 => only,
        (None, _) => Outcome {
            holds: false,
            decider: Some(Arc::clone(path)),
            why: format!("none of the {} conditions of {path} holds", conditions.len()),
        },
    }
}

/// Looks at one condition and notes what was found: a group stands before what it holds.
fn look(condition: &Condition, data: &Value, found: &mut Vec<Finding>) -> Outcome {
    let path = &condition.path;
    let place = found.len();
    let (kind, mut outcome) = match &condition.asks {
        Asks::Clause(clause) => {
            let (holds, sight, why) = clause.look(data);
            found.push(Finding {
                path: Arc::clone(path),
                kind: clause.kind,
                holds,
                sight: Some(sight),
                why: why.clone(),
            });
            return Outcome { holds, decider: Some(Arc::clone(path)), why };
        }
        Asks::All(inner) => ("all", all(path, inner, data, found)),
        Asks::Any(inner) => ("any", any(path, inner, data, found)),
        Asks::Not(inner) => ("not", {
            let inner = look(inner, data, found);
            let so = if inner.holds { "holds, and must not" } else { "does not hold, as wanted" };
            Outcome {
                holds: !inner.holds,
                why: format!("{path}.condition {so}: {}", inner.why),
                decider: inner.decider,
            }
        }),
    };
    if outcome.decider.is_none() {
        outcome.decider = Some(Arc::clone(path));
    }
    let group =
        Finding { path: Arc::clone(path), kind, holds: outcome.holds, sight: None, why: outcome.why.clone() };
    found.insert(place, group);
    outcome
}

impl Clause {
    fn look(&self, data: &Value) -> (bool, Sight, String) {
        let (holds, seen, why) = match &self.question {
            Question::Value(test) => self.look_at_value(test, data),
            Question::Change(change) => self.look_at_change(change, data),
        };
        let sight = Sight { field: Arc::clone(&self.name), wanted: self.wanted.clone(), seen };
        (holds, sight, why)
    }

    fn look_at_value(&self, test: &Test, data: &Value) -> (bool, Seen, String) {
        let there = self.field.find(data);
        let (holds, flaw) = holds(test, there);
        let mut why = String::with_capacity(96);
        let seen = there.map(Shown::of);
        // Writing to a String cannot fail.
        let _ = match &seen {
            Some(shown) => write!(why, "{} is {shown}{flaw}", self.name),
            None => write!(why, "{} is not in the data", self.name),
        };
        let _ = write!(why, "; wanted {}", self.wish(test));
        (holds, seen.map_or(Seen::Nothing, Seen::Value), why)
    }

    fn look_at_change(&self, change: &Change, data: &Value) -> (bool, Seen, String) {
        let (old, new) = (change.old.find(data), change.new.find(data));
        let shown = (old.map(Shown::of), new.map(Shown::of));
        let meets =
            |wanted: &Option<Value>, value: &Value| wanted.as_ref().is_none_or(|wanted| same(value, wanted));
        let stayed = old.zip(new).is_some_and(|(old, new)| same(old, new));
        let holds = match (old, new) {
            (Some(old), Some(new)) => !stayed && meets(&change.from, old) && meets(&change.to, new),
            _ => false,
        };
        let went = match (&shown.0, &shown.1) {
            (Some(_), Some(new)) if stayed => format!("{} stayed {new}", self.name),
            (Some(old), Some(new)) => format!("{} went from {old} to {new}", self.name),
            (None, Some(_)) => format!("{} is not in the data", change.old),
            (Some(_), None) => format!("{} is not in the data", change.new),
            (None, None) => format!("{} and {} are not in the data", change.old, change.new),
        };
        let wanted = self.wanted.as_deref().map(Shown::to_string).unwrap_or_default();
        let wish = match (&change.from, &change.to) {
            (Some(_), _) => format!("a change from {wanted}"),
            (None, Some(_)) => format!("a change to {wanted}"),
            (None, None) => "a change".to_owned(),
        };
        (holds, Seen::Change(shown.0, shown.1), format!("{went}; wanted {wish}"))
    }

    /// What the clause wants, in words.
    fn wish(&self, test: &Test) -> Wish<'_> {
        let words = match test {
            Test::Compare(relation, _) => relation.words(),
            Test::Between(..) => "a number within",
            Test::Equals(_) => "exactly",
            Test::NotEquals(_) => "anything but",
            Test::In(_) => "one of",
            Test::NotIn(_) => "none of",
            Test::Contains(_) => "something that contains",
            Test::StartsWith(_) => "a text that starts with",
            Test::EndsWith(_) => "a text that ends with",
            Test::Exists(true) => return Wish("it to be there", None),
            Test::Exists(false) => return Wish("it not to be there", None),
            Test::Matches(_) => "a text that matches",
            Test::Before(_) => "a time before",
            Test::After(_) => "a time after",
        };
        Wish(words, self.wanted.as_deref())
    }
}

/// A wish in words, and the value that it names.
struct Wish<'a>(&'static str, Option<&'a Shown>);

impl std::fmt::Display for Wish<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0)?;
        self.1.map_or(Ok(()), |wanted| write!(out, " {wanted}"))
    }
}

const NOT_A_NUMBER: &str = ", which is not a number";
const NOT_A_TEXT: &str = ", which is not a text";
const NOT_A_TIME: &str = ", which is not a time of RFC 3339";
const NOT_A_CONTAINER: &str = ", which is neither a text nor a list";

/// Whether the test holds for what stands there, and what is wrong with that, if it is of the wrong type.
fn holds(test: &Test, there: Option<&Value>) -> (bool, &'static str) {
    match (test, there) {
        (Test::Exists(wanted), there) => (there.is_some() == *wanted, ""),
        (Test::NotEquals(wanted), there) => (!there.is_some_and(|value| same(value, wanted)), ""),
        (Test::NotIn(choices), there) => (!there.is_some_and(|value| one_of(value, choices)), ""),
        (_, None) => (false, ""),
        (Test::Compare(relation, wanted), Some(value)) => compared(value, |number| {
            Decimal::of(wanted).is_some_and(|wanted| relation.holds(number.compare(&wanted)))
        }),
        (Test::Between(low, high), Some(value)) => compared(value, |number| {
            Decimal::of(low).is_some_and(|low| number.compare(&low).is_ge())
                && Decimal::of(high).is_some_and(|high| number.compare(&high).is_le())
        }),
        (Test::Equals(wanted), Some(value)) => (same(value, wanted), ""),
        (Test::In(choices), Some(value)) => (one_of(value, choices), ""),
        (Test::Contains(wanted), Some(value)) => contains(value, wanted),
        (Test::StartsWith(start), Some(value)) => texted(value, |text| text.starts_with(start.as_str())),
        (Test::EndsWith(end), Some(value)) => texted(value, |text| text.ends_with(end.as_str())),
        (Test::Matches(pattern), Some(value)) => texted(value, |text| pattern.is_match(text)),
        (Test::Before(limit), Some(value)) => timed(value, |time| time < *limit),
        (Test::After(limit), Some(value)) => timed(value, |time| time > *limit),
    }
}

fn compared(value: &Value, holds: impl Fn(&Decimal<'_>) -> bool) -> (bool, &'static str) {
    Decimal::of(value).map_or((false, NOT_A_NUMBER), |number| (holds(&number), ""))
}

fn texted(value: &Value, holds: impl Fn(&str) -> bool) -> (bool, &'static str) {
    value.as_str().map_or((false, NOT_A_TEXT), |text| (holds(text), ""))
}

fn timed(
    value: &Value,
    holds: impl Fn(chrono::DateTime<chrono::FixedOffset>) -> bool,
) -> (bool, &'static str) {
    let time = value.as_str().and_then(instant);
    time.map_or((false, NOT_A_TIME), |time| (holds(time), ""))
}

fn contains(value: &Value, wanted: &Value) -> (bool, &'static str) {
    match (value, wanted) {
        (Value::String(text), Value::String(part)) => (text.contains(part.as_str()), ""),
        (Value::Array(items), wanted) => (one_of(wanted, items), ""),
        _ => (false, NOT_A_CONTAINER),
    }
}

fn one_of(value: &Value, choices: &[Value]) -> bool {
    choices.iter().any(|choice| same(value, choice))
}

/// Whether two values are the same: numbers by what they are worth (12500 is 12500.00, and is the text "12500"), texts
/// letter by letter, lists and objects part by part.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            match (Decimal::of(left), Decimal::of(right)) {
                (Some(left), Some(right)) => left.compare(&right).is_eq(),
                _ => left == right,
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_), _)
        | (Value::Number(_), _) => left == right,
    }
}

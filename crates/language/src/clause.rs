//! What does one clause ask? A [`Question`] about a field, or an expression, read from its JSON.

use crate::{
    condition::Reader,
    cost,
    kind::{self, Kind, Takes},
    path::{FieldPath, Root},
    question::{Asked, Operand, Question},
    value::size,
    verdict::Shown,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A question about one field.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    pub(crate) kind: &'static Kind,
    /// What it looks at.
    pub(crate) looks: Looks,
    /// The name of what it looks at, for explanations.
    pub(crate) name: Arc<str>,
    /// What it wants.
    pub(crate) question: Question,
    pub(crate) ignore_case: bool,
    /// The `value` as it stands in the rule, or the name of the field that holds it, for explanations.
    pub(crate) wanted: Option<Shown>,
    /// How much there is of a list of values that it wants.
    choices: u64,
}

/// What a clause looks at.
#[derive(Debug, Clone)]
pub(crate) enum Looks {
    /// A field.
    At(FieldPath),
    /// A field's values before and now.
    Both(Pair),
}

/// Where the values of a field before and now stand: `old_status` and `new_status`, or `changes.status.old` and
/// `changes.status.new`.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The pairs of fields, before and now; the first that is there counts.
    places: [(FieldPath, FieldPath); 2],
}

impl Pair {
    pub(crate) fn of(path: &FieldPath) -> Option<Self> {
        let apart = (path.prefixed("old_")?, path.prefixed("new_")?);
        let together = (path.within("changes", "old")?, path.within("changes", "new")?);
        Some(Self { places: [apart, together] })
    }

    pub(crate) fn sides(&self) -> impl Iterator<Item = &FieldPath> {
        self.places.iter().flat_map(|(old, new)| [old, new])
    }

    /// The values before and now.
    pub(crate) fn find<'a>(&self, view: crate::path::View<'a>) -> (Option<&'a Value>, Option<&'a Value>) {
        let [apart, together] = &self.places;
        let find = |(old, new): &(FieldPath, FieldPath)| (old.find(view), new.find(view));
        match find(apart) {
            (None, None) => find(together),
            found => found,
        }
    }
}

impl Clause {
    /// The field that must be one of the values for the clause to hold, if there is one.
    pub(crate) fn equality(&self) -> Option<(&FieldPath, &[Value])> {
        if self.ignore_case || self.kind.opposite_of.is_some() {
            return None;
        }
        match (&self.looks, &self.question) {
            (Looks::At(path), Question::Equals(Operand::Fixed(value))) if path.root() != Root::Item => {
                Some((path, std::slice::from_ref(value)))
            }
            (Looks::At(path), Question::In(Operand::Fixed(values))) if path.root() != Root::Item => {
                Some((path, values))
            }
            _ => None,
        }
    }

    /// All that it looks at.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &FieldPath> {
        let (one, both) = match &self.looks {
            Looks::At(path) => (Some(path), None),
            Looks::Both(pair) => (None, Some(pair.sides())),
        };
        one.into_iter().chain(both.into_iter().flatten()).chain(self.against())
    }

    /// The field that the clause's own is held against.
    pub(crate) fn against(&self) -> Option<&FieldPath> {
        match &self.question {
            Question::Compare(_, Operand::Field(path))
            | Question::Equals(Operand::Field(path))
            | Question::In(Operand::Field(path))
            | Question::Contains(Operand::Field(path))
            | Question::StartsWith(Operand::Field(path))
            | Question::EndsWith(Operand::Field(path))
            | Question::AnyOf(Operand::Field(path))
            | Question::AllOf(Operand::Field(path))
            | Question::Before(Operand::Field(path))
            | Question::After(Operand::Field(path)) => Some(path),
            _ => None,
        }
    }

    /// How many events it lets through, as far as its type tells: 0 for few.
    pub(crate) fn yields(&self) -> u8 {
        if self.kind.opposite_of.is_some() {
            return 3;
        }
        match &self.question {
            Question::Equals(_)
            | Question::Change { to: Some(_), .. }
            | Question::Change { from: Some(_), .. } => 0,
            Question::Exists(_) | Question::Empty(_) => 3,
            Question::In(_) | Question::OnDate(_) => 1,
            _ => 2,
        }
    }

    /// What looking costs at most, if its fields hold as many bytes as `bytes` says.
    pub(crate) fn cost(&self, bytes: impl Fn(&FieldPath) -> u64) -> u64 {
        let seen = match &self.looks {
            Looks::At(path) => bytes(path),
            Looks::Both(pair) => pair.sides().map(&bytes).max().unwrap_or_default(),
        };
        self.cost_of(seen, self.against().map_or(0, bytes))
    }

    /// What looking at so many bytes costs, held against so many others.
    pub(crate) fn cost_of(&self, seen: u64, against: u64) -> u64 {
        let listed = |choices: &Operand<Vec<Value>>| match choices {
            Operand::Fixed(_) => self.choices,
            Operand::Field(_) => against,
        };
        match &self.question {
            Question::Exists(_) | Question::Empty(_) | Question::Count { .. } => 1,
            Question::Compare(..) | Question::Within(..) | Question::Moved { .. } => {
                cost::scan(seen).saturating_add(cost::scan(against))
            }
            Question::Equals(_)
            | Question::Change { .. }
            | Question::Contains(_)
            | Question::StartsWith(_)
            | Question::EndsWith(_) => cost::scan(seen).saturating_add(cost::scan(against)),
            Question::In(choices) => cost::scan(seen).saturating_add(cost::list(listed(choices))),
            Question::AnyOf(choices) | Question::AllOf(choices) => cost::pairs(seen, listed(choices)),
            Question::Matches(_, weight) => cost::search(seen, *weight),
            Question::Before(_)
            | Question::After(_)
            | Question::During(..)
            | Question::OnDate(_)
            | Question::Last(_)
            | Question::Next(_)
            | Question::Weekdays(_)
            | Question::Hours(..) => cost::TIME,
            Question::Networks(networks) => cost::list(u64::try_from(networks.len()).unwrap_or(u64::MAX)),
        }
    }
}

impl Reader<'_> {
    pub(crate) fn clause(&mut self, kind: &str, object: &Map<String, Value>, path: &str) -> Option<Clause> {
        let Some(kind) = kind::find(kind) else {
            let shown: String = kind.chars().take(100).collect();
            let message = format!("{shown:?} is not a condition type; the types are {}", kind::known());
            self.fields.fault(format!("{path}.type"), message);
            return None;
        };
        let mut allowed = vec!["type", "field", "value"];
        allowed.extend(kind.takes_field.then_some("value_field"));
        allowed.extend(kind.has_case.then_some("ignore_case"));
        self.only(object, path, &allowed);
        let looks = self.looks(kind, object, path);
        let value_field = self.value_field(kind, object, path);
        let ignore_case = self.ignore_case(object, path);
        let value = object.get("value");
        let asked = Asked { value, value_field: value_field.clone(), ignore_case };
        let question = self.fields.take(&format!("{path}.value"), Question::read(kind, asked));
        let (looks, name) = looks?;
        let wanted = match &value_field {
            Some(path) => Some(Shown::field(path.as_str())),
            None => value.map(Shown::of),
        };
        let question = question?;
        let choices = question.choices().iter().fold(0, |sum: u64, choice| sum.saturating_add(size(choice)));
        Some(Clause { kind, looks, name: name.into(), question, ignore_case, wanted, choices })
    }

    fn looks(&mut self, kind: &Kind, object: &Map<String, Value>, path: &str) -> Option<(Looks, String)> {
        let changes =
            matches!(kind.takes, Takes::Nothing | Takes::MaybeNumber) || kind.name.starts_with("changed_");
        if let (true, Some(Value::String(text))) = (changes, object.get("field")) {
            return self
                .changing(text, &format!("{path}.field"))
                .map(|pair| (Looks::Both(pair), text.clone()));
        }
        let field = self.field(object, path, kind.default_field)?;
        let name = field.as_str().to_owned();
        Some((Looks::At(field), name))
    }

    fn value_field(&mut self, kind: &Kind, object: &Map<String, Value>, path: &str) -> Option<FieldPath> {
        if !kind.takes_field {
            return None;
        }
        let place = format!("{path}.value_field");
        match (object.get("value_field")?, object.get("value")) {
            (_, Some(_)) => {
                self.fields.fault(place, "must be left out where there is a value");
                None
            }
            (Value::String(text), None) => self.path(text, &place),
            (_, None) => {
                self.fields.fault(place, "must be text: a path such as record.limit");
                None
            }
        }
    }

    fn ignore_case(&mut self, object: &Map<String, Value>, path: &str) -> bool {
        match object.get("ignore_case") {
            None => false,
            Some(Value::Bool(truth)) => *truth,
            Some(_) => {
                self.fields.fault(format!("{path}.ignore_case"), "must be true or false");
                false
            }
        }
    }
}

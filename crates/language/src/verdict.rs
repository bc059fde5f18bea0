//! What was found when conditions were looked at? A [`Verdict`]: whether they hold, which one decided, and what each saw. It
//! borrows from rule and event, so that looking costs no copies; [`Verdict::to_json`] is what is kept, and
//! [`crate::words::told`] puts it into words when somebody asks.

use crate::{
    condition::{Asks, Condition},
    expression::EXPRESSION,
};
use serde_json::{Map, Value};
use std::fmt::Write;

/// The most of a value that an explanation shows, in characters.
const LONGEST_SHOWN: usize = 200;

/// A value as an explanation shows it: whole if it is short, else the beginning of its JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The value, the cut text, or the name of a field.
    value: Value,
    kind: ShownKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShownKind {
    Whole,
    Cut,
    Field,
}

impl Shown {
    /// Shows `value`.
    pub(crate) fn of(value: &Value) -> Self {
        let whole = |value: &Value| Self { value: value.clone(), kind: ShownKind::Whole };
        let mut head = Head::default();
        match value {
            Value::Null | Value::Bool(_) => return whole(value),
            Value::Number(number) if number.as_str().len() <= LONGEST_SHOWN => return whole(value),
            Value::String(text) if text.len() <= LONGEST_SHOWN => return whole(value),
            Value::String(text) => head.take(text),
            Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                // An error means that the head is full: there is more of the value than it takes.
                let _ = write!(head, "{value}");
            }
        }
        if head.full {
            Self { value: Value::String(format!("{}…", head.text)), kind: ShownKind::Cut }
        } else {
            whole(value)
        }
    }

    /// Shows the name of a field.
    pub(crate) fn field(name: &str) -> Self {
        Self { value: name.into(), kind: ShownKind::Field }
    }

    /// Puts it into an explanation, under `name`; that it was cut, or is a field, under names made of that one.
    fn put(&self, name: &str, said: &mut Map<String, Value>) {
        said.insert(name.to_owned(), self.value.clone());
        match self.kind {
            ShownKind::Whole => {}
            ShownKind::Cut => {
                said.insert(format!("{name}_cut"), Value::Bool(true));
            }
            ShownKind::Field => {
                said.insert(format!("{name}_field"), Value::Bool(true));
            }
        }
    }
}

/// The first characters of a text that may be long.
#[derive(Default)]
struct Head {
    text: String,
    count: usize,
    full: bool,
}

impl Head {
    fn take(&mut self, text: &str) {
        for letter in text.chars() {
            if self.count == LONGEST_SHOWN {
                self.full = true;
                return;
            }
            self.count = self.count.saturating_add(1);
            self.text.push(letter);
        }
    }
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.take(text);
        if self.full { Err(std::fmt::Error) } else { Ok(()) }
    }
}

/// Why a value could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    NotANumber,
    NotAText,
    NotATime,
    NotAList,
    NotAContainer,
    NotAnAddress,
    /// The field that holds what is wanted is not there.
    NothingWanted,
    /// The field that holds what is wanted holds nothing that could be wanted.
    WantedUnfit,
}

impl Flaw {
    /// The published name, and how a sentence goes on that began with the value.
    pub(crate) const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::NotANumber, "not_a_number", ", which is not a number"),
        (Self::NotAText, "not_a_text", ", which is not a text"),
        (Self::NotATime, "not_a_time", ", which is not a time of RFC 3339 or a day"),
        (Self::NotAList, "not_a_list", ", which is not a list"),
        (Self::NotAContainer, "not_a_container", ", which is neither a text nor a list"),
        (Self::NotAnAddress, "not_an_address", ", which is not an IP address"),
        (Self::NothingWanted, "nothing_wanted", ""),
        (Self::WantedUnfit, "wanted_unfit", ""),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(flaw, ..)| *flaw == self).map_or("", |(_, name, _)| name)
    }
}

/// What a condition saw.
#[derive(Debug, Clone)]
pub(crate) enum Seen<'a> {
    /// A group: nothing of its own.
    Group,
    /// A field's value, if it is there, and that of the field it is held against.
    Value { value: Option<&'a Value>, against: Option<&'a Value>, flaw: Option<Flaw> },
    /// A field's values before and now.
    Change(Option<&'a Value>, Option<&'a Value>),
    /// A list: how many items it has, and which one decided. `None` where there is no list.
    Items(Option<(usize, Option<usize>)>),
    /// What an expression came to, or why it came to nothing, and the fields that it names with what they hold.
    Computed { value: Option<bool>, fault: Option<String>, named: Vec<(&'a str, &'a Value)> },
}

/// What was found about one condition.
#[derive(Debug, Clone)]
pub(crate) struct Finding<'a> {
    pub(crate) condition: &'a Condition,
    pub(crate) holds: bool,
    pub(crate) seen: Seen<'a>,
    /// The finding that decided a group, if one did.
    pub(crate) decider: Option<usize>,
}

/// What came of looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All conditions hold.
    Holds,
    /// One does not.
    Fails,
    /// The rule's budget was spent before it was known.
    Spent,
}

/// Whether conditions hold, and why.
#[derive(Debug, Clone)]
pub struct Verdict<'a> {
    /// What came of looking.
    pub outcome: Outcome,
    /// What it cost, in units.
    pub cost: u64,
    pub(crate) findings: Vec<Finding<'a>>,
    /// The finding that decided; `None` if it took all of them, or none was asked.
    pub(crate) decider: Option<usize>,
}

impl Verdict<'_> {
    /// Whether all conditions hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.outcome == Outcome::Holds
    }

    /// The path of the condition that decided; `None` if it took all of them, or none was asked.
    #[must_use]
    pub fn decided_by(&self) -> Option<&str> {
        self.decider.and_then(|place| self.findings.get(place)).map(|finding| &*finding.condition.path)
    }

    /// The types of all conditions that were looked at.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.findings.iter().map(Finding::kind)
    }

    /// As it is kept with the event: `{decided_by?, clauses: [{path, type, holds, field?, wanted?, seen? …}]}`, every condition
    /// that was looked at, groups before what they hold.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut said = Map::new();
        if let Some(path) = self.decided_by() {
            said.insert("decided_by".to_owned(), path.into());
        }
        said.insert("clauses".to_owned(), self.findings.iter().map(Finding::to_json).collect());
        said
    }
}

impl Finding<'_> {
    fn kind(&self) -> &'static str {
        match &self.condition.asks {
            Asks::All(_) => "all",
            Asks::Any(_) => "any",
            Asks::Not(_) => "not",
            Asks::Items(items) => items.share.name(),
            Asks::Clause(clause) => clause.kind.name,
            Asks::Expression(_) => EXPRESSION,
        }
    }

    fn to_json(&self) -> Value {
        // Put together by hand: the json! macro would write numbers anew.
        let mut said = Map::new();
        let mut put = |name: &str, value: Value| said.insert(name.to_owned(), value);
        put("path", Value::from(&*self.condition.path));
        put("type", Value::from(self.kind()));
        put("holds", Value::Bool(self.holds));
        match &self.condition.asks {
            Asks::Clause(clause) => {
                if !clause.name.is_empty() {
                    put("field", Value::from(&*clause.name));
                }
                if let Some(wanted) = &clause.wanted {
                    wanted.put("wanted", &mut said);
                }
            }
            Asks::Items(items) => {
                put("field", Value::from(&*items.name));
            }
            Asks::Expression(expression) => expression.wanted.put("wanted", &mut said),
            Asks::All(_) | Asks::Any(_) | Asks::Not(_) => {}
        }
        self.seen.put(&mut said);
        Value::Object(said)
    }
}

impl Seen<'_> {
    fn put(&self, said: &mut Map<String, Value>) {
        let mut show = |name: &str, value: Option<&Value>| {
            if let Some(value) = value {
                Shown::of(value).put(name, said);
            }
        };
        match self {
            Self::Group => {}
            Self::Value { value, against, flaw } => {
                show("seen", *value);
                show("against", *against);
                if let Some(flaw) = flaw {
                    said.insert("flaw".to_owned(), flaw.name().into());
                }
            }
            Self::Change(old, new) => {
                show("old", *old);
                show("new", *new);
            }
            Self::Items(list) => {
                if let Some((count, decider)) = list {
                    said.insert("count".to_owned(), (*count).into());
                    if let Some(place) = decider {
                        said.insert("item".to_owned(), (*place).into());
                    }
                }
            }
            Self::Computed { value, fault, named } => {
                show("seen", value.map(Value::Bool).as_ref());
                if let Some(fault) = fault {
                    said.insert("fault".to_owned(), fault.as_str().into());
                }
                let saw = named.iter().map(|(name, value)| {
                    let mut saw = Map::new();
                    saw.insert("field".to_owned(), Value::from(*name));
                    Shown::of(value).put("seen", &mut saw);
                    Value::Object(saw)
                });
                let saw: Vec<Value> = saw.collect();
                if !saw.is_empty() {
                    said.insert("saw".to_owned(), Value::Array(saw));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn long_values_are_cut() {
        let mut said = Map::new();
        Shown::of(&json!("ä".repeat(201))).put("seen", &mut said);
        assert_eq!(said["seen"].as_str().unwrap().chars().count(), 201);
        assert_eq!(said["seen_cut"], true);
        let list = json!(vec![1; 500]);
        assert!(Shown::of(&list).value.as_str().unwrap().starts_with("[1,1,1"));
        assert_eq!(Shown::of(&json!([1, 2])).value, json!([1, 2]));
    }
}

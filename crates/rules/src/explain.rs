//! Why did a rule match, or not? A [`Verdict`] says it clause by clause, in words and as data.

use serde_json::{Map, Value};
use std::{fmt::Write, sync::Arc};

/// The most of a value that an explanation shows, in characters.
const LONGEST_SHOWN: usize = 200;

/// A value as an explanation shows it: whole if it is short, else the beginning of its JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The value, or the cut text.
    pub value: Value,
    /// Whether it was cut.
    pub cut: bool,
}

impl Shown {
    /// Shows `value`.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let whole = |value: &Value| Self { value: value.clone(), cut: false };
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
            Self { value: Value::String(format!("{}…", head.text)), cut: true }
        } else {
            whole(value)
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

impl std::fmt::Display for Shown {
    /// As JSON; what was cut as its bare beginning.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.value, self.cut) {
            (Value::String(text), true) => out.write_str(text),
            (value, _) => write!(out, "{value}"),
        }
    }
}

/// What a clause saw in the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A value.
    Value(Shown),
    /// Nothing: the field is not there.
    Nothing,
    /// The values before and now of a changed field; `None` where the field is not there.
    Change(Option<Shown>, Option<Shown>),
}

/// What was found about one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The field that the clause looked at.
    pub field: Arc<str>,
    /// The `value` of the clause, if it has one.
    pub wanted: Option<Arc<Shown>>,
    /// What stood there.
    pub seen: Seen,
}

/// What was found about one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the condition stands in the rule: `conditions[0].conditions[1]`.
    pub path: Arc<str>,
    /// Its type.
    pub kind: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen, if it is a clause; `None` for a group.
    pub sight: Option<Sight>,
    /// Why, in words.
    pub why: String,
}

/// How a rule stands to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its conditions hold.
    Matched,
    /// They do not.
    NotMatched,
    /// They were not looked at: a rule before it stopped the matching.
    NotAsked,
    /// They cannot be read any more.
    Broken,
}

impl Standing {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::NotMatched => "not_matched",
            Self::NotAsked => "not_asked",
            Self::Broken => "broken",
        }
    }
}

/// Whether a rule matched, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How the rule stands to the event.
    pub standing: Standing,
    /// The condition that decided; `None` if it took all of them, or none was asked.
    pub decided_by: Option<Arc<str>>,
    /// Why, in a sentence.
    pub because: String,
    /// Every condition in the rule's order, groups before what they hold.
    pub clauses: Vec<Finding>,
}

impl Verdict {
    /// A rule whose conditions were not looked at.
    pub(crate) fn unasked(standing: Standing, because: String) -> Self {
        Self { standing, decided_by: None, because, clauses: Vec::new() }
    }

    /// Whether the rule matched.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.standing == Standing::Matched
    }

    /// Compact JSON, as it is kept with the event.
    #[must_use]
    pub fn to_json(&self) -> Value {
        // Put together by hand: the json! macro would write numbers anew.
        let mut said = Map::new();
        let mut put = |key: &str, value: Value| said.insert(key.to_owned(), value);
        put("matched", Value::Bool(self.matched()));
        put("standing", Value::from(self.standing.as_str()));
        put("because", Value::from(self.because.as_str()));
        if let Some(path) = &self.decided_by {
            put("decided_by", Value::from(&**path));
        }
        put("clauses", self.clauses.iter().map(Finding::to_json).collect());
        Value::Object(said)
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        let mut said = Map::new();
        let mut put = |key: &str, value: Value| said.insert(key.to_owned(), value);
        put("path", Value::from(&*self.path));
        put("type", Value::from(self.kind));
        put("holds", Value::Bool(self.holds));
        put("why", Value::from(self.why.as_str()));
        if let Some(sight) = &self.sight {
            put("field", Value::from(&*sight.field));
            if let Some(wanted) = &sight.wanted {
                put("wanted", wanted.value.clone());
            }
            match &sight.seen {
                Seen::Value(shown) => {
                    put("seen", shown.value.clone());
                    if shown.cut {
                        put("cut", Value::Bool(true));
                    }
                }
                Seen::Nothing => {}
                Seen::Change(old, new) => {
                    let sides = [("old", old), ("new", new)].into_iter();
                    let there = sides
                        .filter_map(|(name, shown)| Some((name.to_owned(), shown.as_ref()?.value.clone())));
                    put("seen", Value::Object(there.collect()));
                }
            }
        }
        Value::Object(said)
    }
}

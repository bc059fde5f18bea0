//! What is to be done to answer an expression? Its parts with names, kinds and functions settled, so that asking looks nothing
//! up but the event.

use super::{check, function::Function, run, shape::Lens, syntax, syntax::Operator, token::Slip};
use crate::{
    Vocabulary,
    cost::{Meter, Spent},
    moment::When,
    path::{FieldPath, Root, View},
    vocabulary::Holds,
};
use chrono::TimeDelta;
use regex::Regex;
use rust_decimal::Decimal as Amount;

/// The longest expression, in characters.
const LONGEST: usize = 2_000;

/// An expression, checked.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    text: Box<str>,
    root: Node,
    cost: u64,
    warnings: Vec<String>,
    names_record: bool,
    fields: Vec<FieldPath>,
}

/// What an expression came to: true or false, or why it came to nothing.
pub(crate) type Answer = Result<bool, String>;

/// Something to do, and where in the text it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) act: Act,
    pub(crate) at: (usize, usize),
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Null,
    Truth(bool),
    Number(Amount),
    Text(Box<str>),
    Span(TimeDelta),
    /// A time that the expression says, as conditions say it.
    When(When),
    Root(Root, Lens),
    Now,
    Zone,
    /// The value that a macro has at hand, counted from the outermost macro.
    Variable(usize),
    Field(Box<Node>, Box<str>, Lens),
    Index(Box<[Node; 2]>, Lens),
    /// Whether what a path leads to is there.
    Has(Box<Node>),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Not(Box<Node>),
    Minus(Box<Node>),
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Choice(Box<[Node; 3]>),
    Pair(Operator, Box<[Node; 2]>),
    Call(Function, Box<[Node]>),
    /// A pattern to find, and what looking for it weighs.
    Matches(Box<Node>, Regex, u64),
    Each(Box<Each>),
}

/// Something to do for each item of a list.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    pub(crate) what: Macro,
    pub(crate) list: Node,
    /// Which items it is done for, if not for all.
    pub(crate) only: Option<Node>,
    pub(crate) body: Node,
}

/// What is made of the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Program {
    /// Reads an expression that must be true or false; `item` is what the items hold that the conditions around it are about.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with the expression.
    pub(crate) fn read(text: &str, vocabulary: &Vocabulary, item: Option<&Holds>) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("must be an expression of at most {LONGEST} characters"));
        }
        let refused = |slip: Slip| format!("is not an expression: {} ({})", slip.what, place(text, slip.at));
        let part = syntax::read(text).map_err(refused)?;
        let checked = check::check(text, &part, vocabulary, item).map_err(refused)?;
        Ok(Self {
            text: text.into(),
            root: checked.root,
            cost: checked.cost,
            warnings: checked.warnings,
            names_record: checked.names_record,
            fields: checked.fields,
        })
    }

    /// What asking costs at most, in units, for payloads within the schema's bounds.
    pub(crate) const fn cost(&self) -> u64 {
        self.cost
    }

    /// What may be a mistake and is no fault, as ends of sentences that begin with the expression.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether it looks at the record that the event is about.
    pub(crate) const fn names_record(&self) -> bool {
        self.names_record
    }

    /// The fields that it names and that are there, with what they hold: for explanations.
    pub(crate) fn named<'a>(&'a self, view: View<'a>) -> Vec<(&'a str, &'a serde_json::Value)> {
        self.fields.iter().filter_map(|path| Some((path.as_str(), path.find(view)?))).collect()
    }

    /// Whether it is true for these facts.
    pub(crate) fn evaluate<'a>(&'a self, view: View<'a>, meter: &mut Meter) -> Result<Answer, Spent> {
        run::answer(&self.root, &self.text, view, meter)
    }
}

/// Where in a text a byte stands, for people.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count().saturating_add(1);
    if text.contains('\n') { format!("line {line}, column {column}") } else { format!("column {column}") }
}

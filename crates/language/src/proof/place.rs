//! Can all that is claimed of one place be true at once? Looked at kind by kind: for nothing, null, true and false the clauses
//! themselves answer; numbers, texts, lists and times are taken as sets.
//!
//! Where this does not know, it says that it can be.

use super::{
    ground::{Field, KINDS, Kind, Number, has_whole},
    line::Line,
    text::Texts,
};
use crate::{
    Moment,
    clause::Clause,
    number::Decimal,
    question::{Operand, Question, Relation},
    value::same_but,
};
use serde_json::Value;

/// Something that is said of what stands at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Saying<'a> {
    /// What a clause asks, put positively.
    Clause(&'a Clause),
    /// That it is this value.
    Same(&'a Value, bool),
    /// That it is a list with something in it.
    Filled,
    /// That it is a list.
    List,
    /// That it is an object.
    Object,
}

/// A saying, and whether it is to be true.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim<'a> {
    pub(super) saying: Saying<'a>,
    pub(super) is_true: bool,
}

/// How a set of things stands to those of which a saying is true.
pub(super) struct Around<T> {
    /// It is true of none but these.
    pub(super) most: Line<T>,
    /// It is true of all of these.
    pub(super) least: Line<T>,
}

impl<T: Ord + Clone> Around<T> {
    pub(super) fn exactly(line: Line<T>) -> Self {
        Self { most: line.clone(), least: line }
    }

    pub(super) fn unknown() -> Self {
        Self { most: Line::all(true), least: Line::all(false) }
    }

    /// Those of which it may be as claimed.
    pub(super) fn claimed(self, is_true: bool) -> Line<T> {
        if is_true { self.most } else { self.least.not() }
    }
}

/// Whether something can stand there of which all claims are true.
pub(super) fn can_be(field: &Field<'_>, claims: &[Claim<'_>], moment: &Moment) -> bool {
    KINDS.into_iter().filter(|kind| field.may_be(*kind)).any(|kind| match kind {
        Kind::Absent => agree(None, claims, moment),
        Kind::Null => agree(Some(&Value::Null), claims, moment),
        Kind::True => agree(Some(&Value::Bool(true)), claims, moment),
        Kind::False => agree(Some(&Value::Bool(false)), claims, moment),
        Kind::Number => number(field, claims) || unreadable(field, claims),
        Kind::Text => Texts::of(claims, moment).can_be(field, moment),
        Kind::List => list(claims),
        Kind::Object => object(claims),
    })
}

/// Whether the claims are true of this very value, as far as can be said.
pub(super) fn agree(value: Option<&Value>, claims: &[Claim<'_>], moment: &Moment) -> bool {
    claims.iter().all(|claim| claim.saying.answer(value, moment).is_none_or(|answer| answer == claim.is_true))
}

impl Saying<'_> {
    /// Whether it is true of this value; `None` if that depends on something else.
    fn answer(&self, value: Option<&Value>, moment: &Moment) -> Option<bool> {
        Some(match self {
            Self::Clause(clause) => return clause.settled(value, moment),
            Self::Same(wanted, ignore_case) => {
                value.is_some_and(|value| same_but(value, wanted, *ignore_case))
            }
            Self::Filled => value.and_then(Value::as_array).is_some_and(|items| !items.is_empty()),
            Self::List => value.is_some_and(Value::is_array),
            Self::Object => value.is_some_and(Value::is_object),
        })
    }

    /// The values that it names, one of which must stand there; `None` if it names none.
    pub(super) fn choices(&self) -> Option<(&[Value], bool)> {
        match self {
            Self::Clause(clause) => match &clause.question {
                Question::Equals(Operand::Fixed(value)) => {
                    Some((std::slice::from_ref(value), clause.ignore_case))
                }
                Question::In(Operand::Fixed(values)) => Some((values, clause.ignore_case)),
                _ => None,
            },
            Self::Same(value, ignore_case) => Some((std::slice::from_ref(*value), *ignore_case)),
            Self::Filled | Self::List | Self::Object => None,
        }
    }

    pub(super) fn question(&self) -> Option<&Question> {
        if let Self::Clause(clause) = self { Some(&clause.question) } else { None }
    }
}

pub(super) fn points(values: &[Value], takes: impl Fn(&Value) -> bool) -> Line<Number> {
    Line::points(values.iter().filter(|value| takes(value)).filter_map(Number::of).collect())
}

/// Those numbers that stand so to another.
fn ray(relation: Relation, wanted: &Value) -> Option<Line<Number>> {
    let wanted = Number::of(wanted)?;
    Some(match relation {
        Relation::Above => Line::from(wanted, true),
        Relation::AtLeast => Line::from(wanted, false),
        Relation::Below => Line::up_to(wanted, true),
        Relation::AtMost => Line::up_to(wanted, false),
    })
}

/// The numbers for which a question about numbers holds; `None` if it is none, or not known.
pub(super) fn amounts(question: &Question) -> Option<Line<Number>> {
    match question {
        Question::Compare(relation, Operand::Fixed(wanted)) => ray(*relation, wanted),
        Question::Within(low, high) => {
            let (low, high) = (Number::of(low)?, Number::of(high)?);
            Some(Line::from(low, false).and(&Line::up_to(high, false)))
        }
        _ => None,
    }
}

/// Whether a question about this kind of thing has one answer for all of that kind.
pub(super) fn constant(question: &Question, kind: Kind) -> Option<bool> {
    let texts = kind == Kind::Text;
    let lists = kind == Kind::List;
    match question {
        Question::Exists(wanted) => Some(*wanted),
        Question::Empty(wanted) => (kind == Kind::Number).then_some(!*wanted),
        Question::Compare(..) | Question::Within(..) => {
            if lists || kind == Kind::Object {
                Some(false)
            } else {
                None
            }
        }
        Question::Equals(_) | Question::In(_) => None,
        Question::Contains(_) => {
            if texts || lists {
                None
            } else {
                Some(false)
            }
        }
        Question::AnyOf(_) | Question::AllOf(_) => {
            if lists {
                None
            } else {
                Some(false)
            }
        }
        Question::Count { .. } => {
            if kind == Kind::Number {
                Some(false)
            } else {
                None
            }
        }
        Question::StartsWith(_)
        | Question::EndsWith(_)
        | Question::Matches(..)
        | Question::Before(_)
        | Question::After(_)
        | Question::During(..)
        | Question::OnDate(_)
        | Question::Last(_)
        | Question::Next(_)
        | Question::Weekdays(_)
        | Question::Hours(..)
        | Question::Networks(_) => {
            if texts {
                None
            } else {
                Some(false)
            }
        }
        // They are asked of two values, never of one.
        Question::Change { .. } | Question::Moved { .. } => None,
    }
}

/// The numbers of which a saying is true.
fn of_number(saying: &Saying<'_>) -> Around<Number> {
    if let Some((values, _)) = saying.choices() {
        return Around::exactly(points(values, |_| true));
    }
    let Some(question) = saying.question() else { return Around::exactly(Line::all(false)) };
    match (constant(question, Kind::Number), amounts(question)) {
        (Some(answer), _) => Around::exactly(Line::all(answer)),
        (None, Some(line)) => Around::exactly(line),
        (None, None) => Around::unknown(),
    }
}

/// Whether a number can stand there that can be read.
fn number(field: &Field<'_>, claims: &[Claim<'_>]) -> bool {
    let line = claims.iter().fold(field.numbers.clone(), |line, claim| {
        line.and(&of_number(&claim.saying).claimed(claim.is_true))
    });
    if field.is_whole { has_whole(&line) } else { !line.is_empty() }
}

/// Whether a number can stand there that is too long to be read: nothing is known of what it equals.
fn unreadable(field: &Field<'_>, claims: &[Claim<'_>]) -> bool {
    field
        .values
        .as_ref()
        .is_none_or(|values| values.iter().any(|value| value.is_number() && Decimal::of(value).is_none()))
        && claims.iter().all(|claim| {
            let unread = |value: &Value| value.is_number() && Decimal::of(value).is_none();
            let may_be_true = match (&claim.saying, claim.saying.choices()) {
                (_, Some((values, _))) => values.iter().any(unread),
                (Saying::Clause(clause), None) => match &clause.question {
                    Question::Compare(..) | Question::Within(..) => false,
                    question => constant(question, Kind::Number).unwrap_or(true),
                },
                (_, None) => false,
            };
            let may_be_false = match &claim.saying {
                Saying::Clause(clause) => constant(&clause.question, Kind::Number) != Some(true),
                _ => true,
            };
            if claim.is_true { may_be_true } else { may_be_false }
        })
}

/// Whether a list can stand there.
fn list(claims: &[Claim<'_>]) -> bool {
    let constant = |claim: &Claim<'_>| match &claim.saying {
        Saying::List => Some(true),
        Saying::Filled => None,
        Saying::Object => Some(false),
        Saying::Same(wanted, _) => (!wanted.is_array()).then_some(false),
        Saying::Clause(clause) => {
            let choices = claim.saying.choices().map(|(values, _)| values);
            let none = choices.is_some_and(|values| !values.iter().any(Value::is_array));
            constant(&clause.question, Kind::List).or(none.then_some(false))
        }
    };
    claims.iter().all(|claim| constant(claim).is_none_or(|constant| constant == claim.is_true))
        && !sizes(claims, true).is_empty()
        && !contradict_in_lists(claims)
}

/// How much there may be of something: items, fields or letters. A text may be empty and have letters: blanks.
pub(super) fn sizes(claims: &[Claim<'_>], by_emptiness: bool) -> Line<u64> {
    let filled = || Line::from(1, false);
    claims.iter().fold(Line::all(true), |sizes, claim| {
        let size = match &claim.saying {
            Saying::Filled => Some(filled()),
            Saying::List | Saying::Object | Saying::Same(..) => None,
            Saying::Clause(clause) => match &clause.question {
                Question::Empty(wanted) if by_emptiness => {
                    Some(if *wanted { filled().not() } else { filled() })
                }
                Question::Count { least, most } => Some(between(*least, *most)),
                Question::Contains(_) | Question::AnyOf(_) if claim.is_true => Some(filled()),
                _ => None,
            },
        };
        match size {
            Some(size) => sizes.and(&if claim.is_true { size } else { size.not() }),
            None => sizes,
        }
    })
}

/// The whole numbers from one to another.
fn between(least: u64, most: u64) -> Line<u64> {
    let from = Line::from(least, false);
    match most.checked_add(1) {
        Some(beyond) => from.and(&Line::up_to(beyond, true)),
        None => from,
    }
}

/// The values of which a list is said to have one, and whether without regard to case.
fn items<'a>(claim: &Claim<'a>) -> Option<(&'a [Value], bool)> {
    let Saying::Clause(clause) = claim.saying else { return None };
    match &clause.question {
        Question::Contains(Operand::Fixed(value)) => Some((std::slice::from_ref(value), clause.ignore_case)),
        Question::AnyOf(Operand::Fixed(values)) => Some((values, clause.ignore_case)),
        _ => None,
    }
}

/// Whether a list must have something in it that it must not have.
fn contradict_in_lists(claims: &[Claim<'_>]) -> bool {
    let kept_out = |wanted: &Value, ignore_case: bool| {
        let without = claims.iter().filter(|claim| !claim.is_true).filter_map(items);
        without
            .into_iter()
            .any(|(values, folds)| folds == ignore_case && values.iter().any(|value| value == wanted))
    };
    claims.iter().filter(|claim| claim.is_true).any(|claim| match claim.saying {
        Saying::Clause(clause) => match &clause.question {
            Question::AllOf(Operand::Fixed(values)) => {
                values.iter().any(|value| kept_out(value, clause.ignore_case))
            }
            _ => {
                items(claim).is_some_and(|(values, folds)| values.iter().all(|value| kept_out(value, folds)))
            }
        },
        _ => false,
    })
}

/// Whether an object can stand there.
fn object(claims: &[Claim<'_>]) -> bool {
    claims.iter().all(|claim| {
        let constant = match &claim.saying {
            Saying::Object => Some(true),
            Saying::List | Saying::Filled => Some(false),
            Saying::Same(wanted, _) => (!wanted.is_object()).then_some(false),
            Saying::Clause(clause) => constant(&clause.question, Kind::Object).or_else(|| {
                let (values, _) = claim.saying.choices()?;
                (!values.iter().any(Value::is_object)).then_some(false)
            }),
        };
        constant.is_none_or(|constant| constant == claim.is_true)
    }) && !sizes(claims, true).is_empty()
}

//! Can a text stand at a place of which all that is claimed is true? It begins with, ends with and holds what it must, and reads as
//! a number or not.
//!
//! Where this does not know, it says that it can be.

use super::{
    ground::{Field, Kind, Number},
    line::Line,
    place::{Around, Claim, Saying, agree, amounts, constant, points, sizes},
};
use crate::{
    Moment,
    number::Decimal,
    question::{Operand, Question},
    value::folded,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What texts must begin with, end with or hold.
#[derive(Default)]
struct Pieces<'a> {
    starts: Vec<(&'a str, bool)>,
    ends: Vec<(&'a str, bool)>,
    inner: Vec<(&'a str, bool)>,
}

/// Claims about a text.
pub(super) struct Texts<'a> {
    claims: &'a [Claim<'a>],
    has: Pieces<'a>,
    lacks: Pieces<'a>,
    /// When it is, if it says a time; whether it must say one.
    times: Line<DateTime<Utc>>,
    is_time: bool,
    /// Whether it must be empty but for blanks.
    is_blank: bool,
}

impl<'a> Texts<'a> {
    pub(super) fn of(claims: &'a [Claim<'a>], moment: &Moment) -> Self {
        let mut texts = Self {
            claims,
            has: Pieces::default(),
            lacks: Pieces::default(),
            times: Line::all(true),
            is_time: false,
            is_blank: false,
        };
        for claim in claims {
            let Saying::Clause(clause) = claim.saying else { continue };
            let pieces = if claim.is_true { &mut texts.has } else { &mut texts.lacks };
            let piece = |wanted: &'a Value| wanted.as_str().map(|text| (text, clause.ignore_case));
            match &clause.question {
                Question::StartsWith(Operand::Fixed(wanted)) => pieces.starts.extend(piece(wanted)),
                Question::EndsWith(Operand::Fixed(wanted)) => pieces.ends.extend(piece(wanted)),
                Question::Contains(Operand::Fixed(wanted)) => pieces.inner.extend(piece(wanted)),
                Question::Empty(wanted) => texts.is_blank |= *wanted == claim.is_true,
                question => {
                    if let Some(times) = times(question, moment) {
                        texts.is_time |= claim.is_true;
                        texts.times = texts.times.and(&if claim.is_true { times } else { times.not() });
                    }
                }
            }
        }
        texts
    }

    /// Whether a text can stand there: one that reads as a number, or another.
    pub(super) fn can_be(&self, field: &Field<'_>, moment: &Moment) -> bool {
        if self.has.contradict(&self.lacks)
            || (self.is_time && self.times.is_empty())
            || (self.is_blank && self.has.all().any(|piece| !piece.trim().is_empty()))
            || sizes(self.claims, false).is_empty()
        {
            return false;
        }
        [true, false].into_iter().any(|is_number| {
            let fits = |text: &str| Decimal::read(text).is_some() == is_number;
            let told = |text: &str| {
                field
                    .values
                    .as_ref()
                    .is_none_or(|values| values.iter().any(|value| value.as_str() == Some(text)))
            };
            if !self.claims.iter().all(|claim| may_be_text(claim, is_number))
                || (is_number && self.has.all().any(|piece| !piece.chars().all(is_of_number)))
            {
                return false;
            }
            match self.candidates(field, is_number) {
                Some(texts) => texts
                    .into_iter()
                    .filter_map(Value::as_str)
                    .filter(|text| fits(text) && told(text))
                    .any(|text| agree(Some(&Value::String(text.to_owned())), self.claims, moment)),
                None => (!is_number || self.amounts_left()) && self.folded_left(is_number, moment),
            }
        })
    }

    /// The values one of which must stand there to the letter, if they are told.
    fn candidates(&self, field: &Field<'a>, is_number: bool) -> Option<Vec<&'a Value>> {
        let exact = self.claims.iter().filter(|claim| claim.is_true).filter_map(|claim| {
            let (values, ignore_case) = match &claim.saying {
                Saying::Clause(clause) => match &clause.question {
                    Question::Equals(Operand::Fixed(value)) => {
                        (std::slice::from_ref(value), clause.ignore_case)
                    }
                    Question::In(Operand::Fixed(values)) => (values.as_slice(), clause.ignore_case),
                    _ => return None,
                },
                Saying::Same(value, ignore_case) => (std::slice::from_ref(*value), *ignore_case),
                Saying::Filled | Saying::List | Saying::Object => return None,
            };
            // A number is the same as many texts that say it.
            let many = ignore_case || (is_number && values.iter().any(Value::is_number));
            (!many).then(|| values.iter().collect::<Vec<_>>())
        });
        let told = field.values.clone();
        exact.chain(told).min_by_key(Vec::len)
    }

    /// Whether numbers are left that the text may say.
    fn amounts_left(&self) -> bool {
        let line = self
            .claims
            .iter()
            .fold(Line::all(true), |line, claim| line.and(&of_digits(&claim.saying).claimed(claim.is_true)));
        !line.is_empty()
    }

    /// Whether something is left where a text must be one of some without regard to case.
    fn folded_left(&self, is_number: bool, moment: &Moment) -> bool {
        // How patterns ignore case is their own way.
        let folding = |claim: &&Claim<'_>| match claim.saying {
            Saying::Clause(clause) => clause.ignore_case && !matches!(clause.question, Question::Matches(..)),
            Saying::Same(_, ignore_case) => ignore_case,
            Saying::Filled | Saying::List | Saying::Object => false,
        };
        let claims: Vec<Claim<'_>> = self.claims.iter().filter(folding).copied().collect();
        let must = claims.iter().filter(|claim| claim.is_true).filter_map(|claim| claim.saying.choices());
        let choices = must.map(|(values, _)| values).min_by_key(|values| values.len());
        let Some(choices) = choices else { return true };
        if is_number && choices.iter().any(Value::is_number) {
            return true;
        }
        // Claims that ignore case say the same of a text and of its lower case.
        choices
            .iter()
            .filter_map(Value::as_str)
            .any(|text| agree(Some(&Value::String(folded(text).into_owned())), &claims, moment))
    }
}

/// The numbers that a text may say of which a saying is true.
fn of_digits(saying: &Saying<'_>) -> Around<Number> {
    if let Some((values, _)) = saying.choices() {
        // A text is the same as a number that it says, but not as another text that says it.
        return Around { most: points(values, |_| true), least: points(values, Value::is_number) };
    }
    match saying.question().and_then(amounts) {
        Some(line) => Around::exactly(line),
        None => Around::unknown(),
    }
}

/// Whether a claim may be true of some text: of one that reads as a number, or of one that does not.
fn may_be_text(claim: &Claim<'_>, is_number: bool) -> bool {
    let constant = match &claim.saying {
        Saying::Filled | Saying::List | Saying::Object => Some(false),
        Saying::Same(value, _) => says_nothing_of_text(std::slice::from_ref(*value), is_number),
        Saying::Clause(clause) => match &clause.question {
            Question::Compare(..) | Question::Within(..) => (!is_number).then_some(false),
            Question::Empty(wanted) => is_number.then_some(!*wanted),
            Question::Contains(Operand::Fixed(wanted)) => (!wanted.is_string()).then_some(false),
            question => match claim.saying.choices() {
                Some((values, _)) => says_nothing_of_text(values, is_number),
                None => constant(question, Kind::Text),
            },
        },
    };
    constant.is_none_or(|constant| constant == claim.is_true)
}

/// That no such text is one of these values, if that is certain.
fn says_nothing_of_text(values: &[Value], is_number: bool) -> Option<bool> {
    let may_be = |value: &Value| value.is_string() || (is_number && value.is_number());
    (!values.iter().any(may_be)).then_some(false)
}

/// The times for which a question about fixed times holds.
fn times(question: &Question, moment: &Moment) -> Option<Line<DateTime<Utc>>> {
    let at = |when: &crate::When| if when.is_fixed() { when.utc(moment) } else { None };
    match question {
        Question::Before(Operand::Fixed(when)) => Some(Line::up_to(at(when)?, true)),
        Question::After(Operand::Fixed(when)) => Some(Line::from(at(when)?, true)),
        Question::During(from, to) => Some(Line::from(at(from)?, false).and(&Line::up_to(at(to)?, true))),
        _ => None,
    }
}

/// Whether a letter may stand in a text that reads as a number.
fn is_of_number(letter: char) -> bool {
    letter.is_ascii_digit() || "+-.eE".contains(letter)
}

impl Pieces<'_> {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().chain(&self.ends).chain(&self.inner).map(|(piece, _)| *piece)
    }

    /// Whether a text with these pieces is none, or has one that it must not have.
    fn contradict(&self, lacks: &Self) -> bool {
        let apart = |fits: fn(&str, &str) -> bool, pieces: &[(&str, bool)]| {
            pieces.iter().enumerate().any(|(place, (one, folds))| {
                pieces.iter().skip(place.saturating_add(1)).any(|(other, also)| {
                    if *folds || *also {
                        let (one, other) = (folded(one), folded(other));
                        !fits(&one, &other) && !fits(&other, &one)
                    } else {
                        !fits(one, other) && !fits(other, one)
                    }
                })
            })
        };
        let meets = |fits: fn(&str, &str) -> bool, has: &[(&str, bool)], lacks: &[(&str, bool)]| {
            has.iter().any(|(has, folds)| {
                lacks.iter().any(|(lacks, also)| match (folds, also) {
                    (_, true) => fits(&folded(has), &folded(lacks)),
                    (false, false) => fits(has, lacks),
                    (true, false) => false,
                })
            })
        };
        let starts: fn(&str, &str) -> bool = |text, start| text.starts_with(start);
        let ends: fn(&str, &str) -> bool = |text, end| text.ends_with(end);
        let holds: fn(&str, &str) -> bool = |text, part| text.contains(part);
        apart(starts, &self.starts)
            || apart(ends, &self.ends)
            || meets(starts, &self.starts, &lacks.starts)
            || meets(ends, &self.ends, &lacks.ends)
            || [&self.starts, &self.ends, &self.inner].iter().any(|has| meets(holds, has, &lacks.inner))
    }
}

//! What do two values come to, added or taken away? Exact decimals of 28 digits, times and spans, texts and lists; what does not
//! fit into its bounds is a fault.

use super::{
    run::{Came, Run, Stop, amount, fault},
    syntax::Operator,
    value::{List, Number, Text, Val},
};
use crate::cost;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use rust_decimal::Decimal as Amount;

/// The longest span, in seconds, back and forth: ten thousand years, as in CEL.
const LONGEST: i64 = 315_576_000_000;

/// What the operator makes of two values; `None` if it takes none of their kinds.
pub(crate) fn of<'a>(
    operator: Operator,
    left: &Val<'a>,
    right: &Val<'a>,
    run: &mut Run<'_, 'a>,
) -> Result<Option<Val<'a>>, Stop> {
    match (left, right) {
        (Val::Number(left), Val::Number(right)) => numbers(operator, left, right).map(Some),
        (Val::Text(left), Val::Text(right)) if operator == Operator::Add => {
            let bytes = left.len().saturating_add(right.len());
            run.spend(cost::list(u64::try_from(bytes).unwrap_or(u64::MAX)))?;
            Ok(Some(Val::text([&**left, &**right].concat())))
        }
        (Val::List(left), Val::List(right)) if operator == Operator::Add => {
            let mut items = Vec::new();
            for list in [left, right] {
                for place in 0..list.len() {
                    run.spend(1)?;
                    items.extend(run.item(list, place)?);
                }
            }
            Ok(Some(Val::List(List::Made(items.into()))))
        }
        (Val::Time(time), Val::Span(span)) | (Val::Span(span), Val::Time(time))
            if operator == Operator::Add =>
        {
            shifted(*time, *span).map(Some)
        }
        (Val::Time(time), Val::Span(span)) if operator == Operator::Subtract => {
            shifted(*time, -*span).map(Some)
        }
        (Val::Time(left), Val::Time(right)) if operator == Operator::Subtract => {
            bounded(Some(left.signed_duration_since(right))).map(Some)
        }
        (Val::Span(left), Val::Span(right)) => match operator {
            Operator::Add => bounded(left.checked_add(right)).map(Some),
            Operator::Subtract => bounded(left.checked_sub(right)).map(Some),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn numbers<'a>(operator: Operator, left: &Number<'a>, right: &Number<'a>) -> Came<'a> {
    let (left, right) = (amount(left)?, amount(right)?);
    let divides = matches!(operator, Operator::Divide | Operator::Remainder);
    if divides && right.is_zero() {
        return fault(format!("{} {} 0 divides by zero", left.normalize(), operator.sign()));
    }
    let result = match operator {
        Operator::Add => exact_sum(left, right),
        Operator::Subtract => exact_sum(left, -right),
        Operator::Multiply => exact_product(left, right),
        Operator::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    match result {
        Some(number) => Ok(Val::number(number)),
        None => fault(format!(
            "{} {} {} has more digits than can be computed with, which are 28",
            left.normalize(),
            operator.sign(),
            right.normalize()
        )),
    }
}

/// The sum, if it can be kept to the last digit: the library rounds what it cannot hold.
fn exact_sum(left: Amount, right: Amount) -> Option<Amount> {
    let sum = left.checked_add(right)?;
    (sum.checked_sub(left)? == right && sum.checked_sub(right)? == left).then_some(sum)
}

/// The product, if it can be kept to the last digit.
fn exact_product(left: Amount, right: Amount) -> Option<Amount> {
    let (left, right) = (left.normalize(), right.normalize());
    let places = left.scale().saturating_add(right.scale());
    left.checked_mul(right).filter(|_| places <= Amount::MAX_SCALE)
}

pub(crate) fn negated(value: Val<'_>) -> Came<'_> {
    match value {
        Val::Number(number) => Ok(Val::number(-amount(&number)?)),
        other => fault(format!("- takes a number, and {} is none", other.shown())),
    }
}

/// A time that CEL knows: from the year 1 to 9999.
pub(crate) fn within_years<'a>(time: Option<DateTime<Utc>>) -> Came<'a> {
    match time.filter(|time| (1..=9999).contains(&time.year())) {
        Some(time) => Ok(Val::Time(time)),
        None => fault("a timestamp is not within the years 1 to 9999"),
    }
}

fn shifted<'a>(time: DateTime<Utc>, span: TimeDelta) -> Came<'a> {
    within_years(time.checked_add_signed(span))
}

/// A span that CEL knows: ten thousand years at most.
pub(crate) fn bounded<'a>(span: Option<TimeDelta>) -> Came<'a> {
    match span.filter(|span| span.num_seconds().unsigned_abs() <= LONGEST.unsigned_abs()) {
        Some(span) => Ok(Val::Span(span)),
        None => fault("a duration is longer than ten thousand years"),
    }
}

/// The sum of a list's numbers.
pub(crate) fn total<'a>(list: &List<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    let mut total = Amount::ZERO;
    for place in 0..list.len() {
        run.spend(1)?;
        match run.item(list, place)? {
            Some(Val::Number(number)) => match exact_sum(total, amount(&number)?) {
                Some(more) => total = more,
                None => return fault("a sum has more digits than can be computed with, which are 28"),
            },
            Some(other) => return fault(format!("sum() adds numbers, and {} is none", other.shown())),
            None => {}
        }
    }
    Ok(Val::number(total))
}

/// Part of a text, from one letter to before another.
pub(crate) fn part<'a>(text: &Text<'a>, from: usize, to: usize) -> Option<Text<'a>> {
    let at = |place: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(place);
    let (from, to) = (at(from)?, at(to)?);
    match text {
        Text::Sent(text) => text.get(from..to).map(Text::Sent),
        Text::Made(text) => text.get(from..to).map(|part| Text::Made(part.into())),
    }
}

//! What do functions make of texts, and texts of other values? Places count letters (code points), as in CEL's extension for
//! texts.

use super::{
    function::Function,
    run::{Came, Run, Stop, amount, fault, units},
    sum,
    value::{List, Number, Text, Val, cut, place, said_span, said_time},
};
use crate::{cost, number::Decimal};
use rust_decimal::{Decimal as Amount, RoundingStrategy};

/// What looking at so many bytes costs, when something is made of them.
fn made(bytes: usize) -> u64 {
    cost::list(units(bytes, 1))
}

fn scanned(bytes: usize) -> u64 {
    cost::scan(units(bytes, 1))
}

pub(crate) fn size<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Text(text) => {
            run.spend(scanned(text.len()))?;
            Ok(Val::count(text.chars().count()))
        }
        Val::List(list) => Ok(Val::count(list.len())),
        Val::Map(map) => Ok(Val::count(map.len())),
        other => fault(format!("size() takes a text, a list or a map, and {} is none", other.shown())),
    }
}

/// `string()`
pub(crate) fn said<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Text(_) => Ok(value.clone()),
        Val::Truth(truth) => Ok(Val::text(truth.to_string())),
        Val::Number(Number::Amount(amount)) => Ok(Val::text(amount.normalize().to_string())),
        Val::Number(Number::Long(text)) => {
            run.spend(scanned(text.len()))?;
            Ok(Val::Text(Text::Sent(text)))
        }
        Val::Time(time) => Ok(Val::text(said_time(*time))),
        Val::Span(span) => Ok(Val::text(said_span(*span))),
        Val::Null | Val::List(_) | Val::Map(_) => {
            fault(format!("string() makes no text of {}", value.shown()))
        }
    }
}

/// `decimal()` and `double()`
pub(crate) fn number<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Number(_) => Ok(value.clone()),
        Val::Text(text) => {
            run.spend(scanned(text.len()))?;
            match Decimal::read(text).and_then(|number| number.amount()) {
                Some(amount) => Ok(Val::number(amount)),
                None => fault(format!("{} is no decimal of at most 28 digits", value.shown())),
            }
        }
        other => fault(format!("decimal() makes no number of {}", other.shown())),
    }
}

/// `int()`: without what stands behind the point; the seconds since 1970 of a timestamp.
pub(crate) fn whole<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Number(number) => Ok(Val::number(amount(number)?.trunc())),
        Val::Time(time) => Ok(Val::number(Amount::from(time.timestamp()))),
        Val::Text(text) => {
            run.spend(scanned(text.len()))?;
            match Decimal::read(text).and_then(|number| number.amount()) {
                Some(amount) if amount.is_integer() => Ok(Val::number(amount)),
                Some(_) | None => fault(format!("{} is no whole number of at most 28 digits", value.shown())),
            }
        }
        other => fault(format!("int() makes no number of {}", other.shown())),
    }
}

/// `bool()`, of the texts that CEL takes for a truth.
pub(crate) fn truth<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Truth(_) => Ok(value.clone()),
        Val::Text(text) => {
            run.spend(scanned(text.len()))?;
            match &**text {
                "true" | "TRUE" | "True" | "t" | "1" => Ok(Val::Truth(true)),
                "false" | "FALSE" | "False" | "f" | "0" => Ok(Val::Truth(false)),
                _ => fault(format!("{} is neither \"true\" nor \"false\"", value.shown())),
            }
        }
        other => fault(format!("bool() makes no truth of {}", other.shown())),
    }
}

/// The functions of `math` that take one number.
pub(crate) fn rounded<'a>(function: Function, value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    run.spend(1)?;
    let Val::Number(number) = value else {
        return fault(format!("math takes a number, and {} is none", value.shown()));
    };
    let number = amount(number)?;
    Ok(Val::number(match function {
        Function::Abs => number.abs(),
        Function::Ceil => number.ceil(),
        Function::Floor => number.floor(),
        Function::Trunc => number.trunc(),
        Function::Round => number.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero),
        _ if number.is_zero() => Amount::ZERO,
        _ if number.is_sign_negative() => Amount::NEGATIVE_ONE,
        _ => Amount::ONE,
    }))
}

/// A text, if the value is one.
fn text<'v, 'a>(value: Option<&'v Val<'a>>) -> Result<&'v Text<'a>, Stop> {
    match value {
        Some(Val::Text(text)) => Ok(text),
        Some(other) => fault(format!("this function takes a text, and {} is none", other.shown())),
        None => fault("a text is missing"),
    }
}

/// A count of letters or pieces, if a value says one; a negative one stands for all.
fn count(value: Option<&Val<'_>>) -> Result<Option<usize>, Stop> {
    match value {
        None => Ok(None),
        Some(Val::Number(Number::Amount(amount))) if amount.is_sign_negative() && amount.is_integer() => {
            Ok(None)
        }
        Some(Val::Number(number)) => match place(*number) {
            Some(place) => Ok(Some(place)),
            None => fault("a count must be a whole number"),
        },
        Some(other) => fault(format!("a count must be a number, and {} is none", other.shown())),
    }
}

/// A place in a text.
fn letter(value: Option<&Val<'_>>, most: usize) -> Result<Option<usize>, Stop> {
    match value {
        None => Ok(None),
        Some(Val::Number(number)) => match place(*number).filter(|place| *place <= most) {
            Some(place) => Ok(Some(place)),
            None => fault(format!("a text of {most} characters has no such place")),
        },
        Some(other) => fault(format!("a place must be a number, and {} is none", other.shown())),
    }
}

/// The functions of one text.
pub(crate) fn call<'a>(
    function: Function,
    own: &Text<'a>,
    with: &[Val<'a>],
    run: &mut Run<'_, 'a>,
) -> Came<'a> {
    let other = || text(with.first());
    match function {
        Function::Contains => {
            let part = other()?;
            run.spend(scanned(own.len()).saturating_add(scanned(part.len())))?;
            Ok(Val::Truth(own.contains(&**part)))
        }
        Function::StartsWith => {
            let start = other()?;
            run.spend(scanned(own.len().min(start.len())))?;
            Ok(Val::Truth(own.starts_with(&**start)))
        }
        Function::EndsWith => {
            let end = other()?;
            run.spend(scanned(own.len().min(end.len())))?;
            Ok(Val::Truth(own.ends_with(&**end)))
        }
        Function::LowerAscii => {
            run.spend(made(own.len()))?;
            Ok(Val::text(own.to_ascii_lowercase()))
        }
        Function::UpperAscii => {
            run.spend(made(own.len()))?;
            Ok(Val::text(own.to_ascii_uppercase()))
        }
        Function::Trim => {
            run.spend(made(own.len()))?;
            Ok(match own {
                Text::Sent(text) => Val::Text(Text::Sent(text.trim())),
                Text::Made(text) => Val::text(text.trim()),
            })
        }
        Function::Split => split(own, other()?, count(with.get(1))?, run),
        Function::Replace => replaced(own, other()?, text(with.get(1))?, count(with.get(2))?, run),
        Function::Substring | Function::CharAt => {
            run.spend(made(own.len()))?;
            let length = own.chars().count();
            let from = letter(with.first(), length)?.unwrap_or_default();
            let to = if function == Function::CharAt {
                from.saturating_add(1).min(length)
            } else {
                letter(with.get(1), length)?.unwrap_or(length)
            };
            if from > to {
                return fault("a part of a text ends before it begins");
            }
            sum::part(own, from, to)
                .map_or_else(|| fault("a text has no such place"), |part| Ok(Val::Text(part)))
        }
        Function::IndexOf | Function::LastIndexOf => {
            let part = other()?;
            run.spend(made(own.len()).saturating_add(made(part.len())))?;
            found(function, own, part, with.get(1))
        }
        _ => fault(format!("this function does not take {}", cut(own))),
    }
}

/// The place where a text stands in another; -1 if it does not.
fn found<'a>(function: Function, own: &str, part: &str, from: Option<&Val<'a>>) -> Came<'a> {
    let length = own.chars().count();
    let from = letter(from, length)?;
    let at = |place: usize| own.char_indices().map(|(at, _)| at).chain([own.len()]).nth(place);
    let start = from.and_then(at);
    let found = if function == Function::IndexOf {
        let start = start.unwrap_or_default();
        own.get(start..).and_then(|rest| rest.find(part)).map(|found| found.saturating_add(start))
    } else {
        // The last one that begins no later than `from`.
        let end = start.unwrap_or(own.len()).saturating_add(part.len()).min(own.len());
        let end = (0..=end).rev().find(|end| own.is_char_boundary(*end)).unwrap_or_default();
        own.get(..end).and_then(|head| head.rfind(part))
    };
    Ok(match found {
        Some(found) => Val::count(own.get(..found).map(|head| head.chars().count()).unwrap_or_default()),
        None => Val::number(Amount::NEGATIVE_ONE),
    })
}

fn split<'a>(own: &Text<'a>, separator: &str, most: Option<usize>, run: &mut Run<'_, 'a>) -> Came<'a> {
    run.spend(made(own.len()))?;
    let mut pieces: Vec<Val<'a>> = Vec::new();
    // An empty separator stands between all letters.
    let step = |text: &str| match separator {
        "" => {
            text.chars().next().map(char::len_utf8).filter(|first| *first < text.len()).map(|end| (end, end))
        }
        separator => text.find(separator).map(|end| (end, end.saturating_add(separator.len()))),
    };
    let mut rest = 0;
    if most != Some(0) && !(separator.is_empty() && own.is_empty()) {
        loop {
            run.spend(1)?;
            let text = own.get(rest..).unwrap_or_default();
            let last = most.is_some_and(|most| pieces.len().saturating_add(1) >= most);
            let Some((end, next)) = step(text).filter(|_| !last) else {
                pieces.push(slice(own, rest, own.len()));
                break;
            };
            pieces.push(slice(own, rest, rest.saturating_add(end)));
            rest = rest.saturating_add(next);
        }
    }
    Ok(Val::List(List::Made(pieces.into())))
}

fn slice<'a>(text: &Text<'a>, from: usize, to: usize) -> Val<'a> {
    match text {
        Text::Sent(text) => Val::Text(Text::Sent(text.get(from..to).unwrap_or_default())),
        Text::Made(text) => Val::text(text.get(from..to).unwrap_or_default()),
    }
}

fn replaced<'a>(own: &str, old: &str, new: &str, most: Option<usize>, run: &mut Run<'_, 'a>) -> Came<'a> {
    run.spend(scanned(own.len()))?;
    let count = own.matches(old).count().min(most.unwrap_or(usize::MAX));
    let bytes = own.len().saturating_add(count.saturating_mul(new.len()));
    let bytes = bytes.saturating_sub(count.saturating_mul(old.len()));
    run.spend(made(bytes))?;
    Ok(Val::text(own.replacen(old, new, count)))
}

pub(crate) fn joined<'a>(list: &List<'a>, separator: Option<&Val<'a>>, run: &mut Run<'_, 'a>) -> Came<'a> {
    let separator = separator.map(|separator| text(Some(separator))).transpose()?;
    let separator: &str = separator.map_or("", |separator| separator);
    let mut whole = String::new();
    for place in 0..list.len() {
        run.spend(1)?;
        if place > 0 {
            run.spend(units(separator.len(), 16))?;
            whole.push_str(separator);
        }
        match run.item(list, place)? {
            Some(Val::Text(text)) => {
                run.spend(units(text.len(), 16))?;
                whole.push_str(&text);
            }
            Some(other) => return fault(format!("join() takes texts, and {} is none", other.shown())),
            None => {}
        }
    }
    Ok(Val::text(whole))
}

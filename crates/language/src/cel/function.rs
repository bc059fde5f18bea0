//! Which functions does an expression know? Their names, what they take, what they come to and what they cost; the names are
//! those of CEL and of its extension libraries for texts, lists and mathematics.

use super::{
    calendar,
    run::{Came, Run, fault},
    shape::{ANYTHING, Shape},
    sum, text,
    value::{Val, order},
};
use crate::cost::{self, TIME};
use std::{cmp::Ordering, sync::Arc};

/// A part of a time, or a whole count of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Size,
    Kind,
    ToText,
    ToNumber,
    ToWhole,
    ToTruth,
    ToTime,
    ToSpan,
    Any,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Join,
    Replace,
    Substring,
    IndexOf,
    LastIndexOf,
    CharAt,
    Clock(Clock),
    Abs,
    Ceil,
    Floor,
    Round,
    Trunc,
    Sign,
    Greatest,
    Least,
    Sum,
    Min,
    Max,
}

/// What a function takes in one of its places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    Anything,
    Number,
    Text,
    /// A text, a list or a map.
    Sized,
    List,
    TimeOrSpan,
    /// The name of a time zone.
    Zone,
}

/// How a function is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `name(a, b)`
    Free,
    /// `a.name(b)`
    Member,
    /// Either way.
    Both,
}

/// A function as expressions know it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) style: Style,
    pub(crate) function: Function,
    /// What it takes; of a function that takes any number of values, what it takes in each.
    pub(crate) takes: &'static [Wants],
    /// How many of these must be there.
    pub(crate) least: usize,
    pub(crate) any_number: bool,
}

const fn free(name: &'static str, function: Function, takes: &'static [Wants]) -> Known {
    Known { name, style: Style::Free, function, takes, least: takes.len(), any_number: false }
}

const fn member(name: &'static str, function: Function, takes: &'static [Wants], least: usize) -> Known {
    Known { name, style: Style::Member, function, takes, least, any_number: false }
}

const fn clock(name: &'static str, clock: Clock) -> Known {
    member(name, Function::Clock(clock), &[Wants::TimeOrSpan, Wants::Zone], 1)
}

const fn many(name: &'static str, function: Function) -> Known {
    Known { any_number: true, ..free(name, function, &[Wants::Anything]) }
}

/// All functions; `matches` and the macros are read elsewhere.
pub(crate) const KNOWN: &[Known] = &[
    Known { style: Style::Both, ..free("size", Function::Size, &[Wants::Sized]) },
    free("type", Function::Kind, &[Wants::Anything]),
    free("string", Function::ToText, &[Wants::Anything]),
    free("decimal", Function::ToNumber, &[Wants::Anything]),
    free("double", Function::ToNumber, &[Wants::Anything]),
    free("int", Function::ToWhole, &[Wants::Anything]),
    free("bool", Function::ToTruth, &[Wants::Anything]),
    free("timestamp", Function::ToTime, &[Wants::Anything]),
    free("duration", Function::ToSpan, &[Wants::Anything]),
    free("dyn", Function::Any, &[Wants::Anything]),
    member("contains", Function::Contains, &[Wants::Text, Wants::Text], 2),
    member("startsWith", Function::StartsWith, &[Wants::Text, Wants::Text], 2),
    member("endsWith", Function::EndsWith, &[Wants::Text, Wants::Text], 2),
    member("lowerAscii", Function::LowerAscii, &[Wants::Text], 1),
    member("upperAscii", Function::UpperAscii, &[Wants::Text], 1),
    member("trim", Function::Trim, &[Wants::Text], 1),
    member("split", Function::Split, &[Wants::Text, Wants::Text, Wants::Number], 2),
    member("join", Function::Join, &[Wants::List, Wants::Text], 1),
    member("replace", Function::Replace, &[Wants::Text, Wants::Text, Wants::Text, Wants::Number], 3),
    member("substring", Function::Substring, &[Wants::Text, Wants::Number, Wants::Number], 2),
    member("indexOf", Function::IndexOf, &[Wants::Text, Wants::Text, Wants::Number], 2),
    member("lastIndexOf", Function::LastIndexOf, &[Wants::Text, Wants::Text, Wants::Number], 2),
    member("charAt", Function::CharAt, &[Wants::Text, Wants::Number], 2),
    clock("getFullYear", Clock::FullYear),
    clock("getMonth", Clock::Month),
    clock("getDate", Clock::Date),
    clock("getDayOfMonth", Clock::DayOfMonth),
    clock("getDayOfYear", Clock::DayOfYear),
    clock("getDayOfWeek", Clock::DayOfWeek),
    clock("getHours", Clock::Hours),
    clock("getMinutes", Clock::Minutes),
    clock("getSeconds", Clock::Seconds),
    clock("getMilliseconds", Clock::Milliseconds),
    free("math.abs", Function::Abs, &[Wants::Number]),
    free("math.ceil", Function::Ceil, &[Wants::Number]),
    free("math.floor", Function::Floor, &[Wants::Number]),
    free("math.round", Function::Round, &[Wants::Number]),
    free("math.trunc", Function::Trunc, &[Wants::Number]),
    free("math.sign", Function::Sign, &[Wants::Number]),
    many("math.greatest", Function::Greatest),
    many("math.least", Function::Least),
    member("sum", Function::Sum, &[Wants::List], 1),
    member("min", Function::Min, &[Wants::List], 1),
    member("max", Function::Max, &[Wants::List], 1),
];

impl Wants {
    /// Whether something of that shape can be taken.
    pub(crate) const fn takes(self, shape: &Shape) -> bool {
        match (self, shape) {
            (Self::Anything, _) | (_, Shape::Anything(_)) => true,
            (Self::Number, Shape::Number)
            | (Self::Text | Self::Zone, Shape::Text(_))
            | (Self::Sized, Shape::Text(_) | Shape::List(..) | Shape::Object(_) | Shape::Map(..))
            | (Self::List, Shape::List(..))
            | (Self::TimeOrSpan, Shape::Time | Shape::Span) => true,
            (Self::Number | Self::Text | Self::Sized | Self::List | Self::TimeOrSpan | Self::Zone, _) => {
                false
            }
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Anything => "anything",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Sized => "a text, a list or a map",
            Self::List => "a list",
            Self::TimeOrSpan => "a timestamp or a duration",
            Self::Zone => "the name of a time zone",
        }
    }
}

/// How many bytes a text has at most, if it is one.
const fn length(shape: Option<&Shape>) -> u64 {
    match shape {
        Some(Shape::Text(bytes) | Shape::Anything(bytes)) => *bytes,
        Some(_) | None => 0,
    }
}

/// How many items a list has at most, and how large they are together.
fn listed(shape: Option<&Shape>) -> (u64, Shape) {
    shape.and_then(Shape::items).map_or((0, Shape::Null), |(item, count)| (count, item))
}

impl Function {
    /// What it comes to.
    pub(crate) fn gives(self, takes: &[Shape]) -> Shape {
        let first = takes.first();
        match self {
            Self::ToTruth | Self::Contains | Self::StartsWith | Self::EndsWith => Shape::Truth,
            Self::Kind => Shape::Text(16),
            Self::ToText => Shape::Text(length(first).max(64)),
            Self::CharAt => Shape::Text(4),
            Self::ToTime => Shape::Time,
            Self::ToSpan => Shape::Span,
            Self::Any => Shape::Anything(first.map_or(0, Shape::bytes)),
            Self::LowerAscii | Self::UpperAscii | Self::Trim | Self::Substring => Shape::Text(length(first)),
            Self::Split => {
                let bytes = length(first);
                Shape::List(Arc::new(Shape::Text(bytes)), bytes.saturating_add(1))
            }
            Self::Join => {
                let (count, item) = listed(first);
                Shape::Text(item.bytes().saturating_add(length(takes.get(1))).saturating_mul(count))
            }
            Self::Replace => Shape::Text(replaced(takes)),
            Self::Min | Self::Max => match listed(first).1 {
                Shape::Null => ANYTHING,
                item => item,
            },
            Self::Size
            | Self::ToNumber
            | Self::ToWhole
            | Self::IndexOf
            | Self::LastIndexOf
            | Self::Clock(_)
            | Self::Abs
            | Self::Ceil
            | Self::Floor
            | Self::Round
            | Self::Trunc
            | Self::Sign
            | Self::Greatest
            | Self::Least
            | Self::Sum => Shape::Number,
        }
    }

    /// What calling it costs at most, besides making what it takes.
    pub(crate) fn costs(self, takes: &[Shape]) -> u64 {
        let first = takes.first();
        let (own, other) = (length(first), length(takes.get(1)));
        match self {
            Self::Kind | Self::Any => 0,
            Self::Size => cost::scan(own),
            Self::ToText => cost::list(own),
            Self::ToNumber | Self::ToWhole | Self::ToTruth | Self::ToSpan => cost::scan(own),
            Self::ToTime => cost::scan(own).saturating_add(TIME),
            Self::Contains => cost::scan(own).saturating_add(cost::scan(other)),
            Self::StartsWith | Self::EndsWith => cost::scan(own.min(other)),
            Self::LowerAscii
            | Self::UpperAscii
            | Self::Trim
            | Self::Substring
            | Self::IndexOf
            | Self::LastIndexOf
            | Self::CharAt => cost::list(own).saturating_add(cost::list(other)),
            Self::Split => cost::list(own).saturating_add(own).saturating_add(1),
            Self::Join => {
                let (count, item) = listed(first);
                let bytes = item.bytes().saturating_add(other).saturating_mul(count);
                cost::list(bytes).saturating_add(count.saturating_mul(2))
            }
            Self::Replace => cost::scan(own).saturating_add(cost::list(replaced(takes))),
            Self::Clock(_) => TIME.saturating_mul(2),
            Self::Abs | Self::Ceil | Self::Floor | Self::Round | Self::Trunc | Self::Sign => 1,
            Self::Greatest | Self::Least | Self::Sum => {
                let several = u64::try_from(takes.len()).unwrap_or(u64::MAX);
                listed(first).0.max(several).saturating_mul(2)
            }
            Self::Min | Self::Max => {
                let (count, item) = listed(first);
                count.saturating_mul(cost::scan(length(Some(&item))).saturating_add(TIME))
            }
        }
    }
}

/// How long a text is at most in which another was replaced: an empty one stands before and behind each letter.
fn replaced(takes: &[Shape]) -> u64 {
    let (own, new) = (length(takes.first()), length(takes.get(2)));
    own.saturating_add(1).saturating_mul(new).saturating_add(own)
}

/// Calls a function.
pub(crate) fn call<'a>(function: Function, with: &[Val<'a>], run: &mut Run<'_, 'a>) -> Came<'a> {
    match (function, with) {
        (Function::Size, [value]) => text::size(value, run),
        (Function::Kind, [value]) => Ok(Val::Text(super::value::Text::Sent(value.kind()))),
        (Function::Any, [value]) => Ok(value.clone()),
        (Function::ToText, [value]) => text::said(value, run),
        (Function::ToNumber, [value]) => text::number(value, run),
        (Function::ToWhole, [value]) => text::whole(value, run),
        (Function::ToTruth, [value]) => text::truth(value, run),
        (Function::ToTime, [value]) => calendar::time(value, run),
        (Function::ToSpan, [value]) => calendar::span(value, run),
        (Function::Clock(clock), [value, zone @ ..]) => calendar::clock(clock, value, zone.first(), run),
        (Function::Join, [Val::List(list), separator @ ..]) => text::joined(list, separator.first(), run),
        (Function::Sum, [Val::List(list)]) => sum::total(list, run),
        (Function::Min, [Val::List(list)]) => furthest(list, Ordering::Less, run),
        (Function::Max, [Val::List(list)]) => furthest(list, Ordering::Greater, run),
        (Function::Greatest | Function::Least, with) => {
            let wanted = if function == Function::Greatest { Ordering::Greater } else { Ordering::Less };
            match with {
                [Val::List(list)] => furthest_number(list, wanted, run),
                with => furthest_number(&super::value::List::Made(with.into()), wanted, run),
            }
        }
        (Function::Sum | Function::Min | Function::Max | Function::Join, [other, ..]) => {
            fault(format!("this function takes a list, and {} is none", other.shown()))
        }
        (
            Function::Abs
            | Function::Ceil
            | Function::Floor
            | Function::Round
            | Function::Trunc
            | Function::Sign,
            [value],
        ) => text::rounded(function, value, run),
        (function, [Val::Text(own), with @ ..]) => text::call(function, own, with, run),
        (_, [other, ..]) => fault(format!("this function takes a text, and {} is none", other.shown())),
        (_, []) => fault("a function was given nothing"),
    }
}

/// The item of a list before which, or behind which, all others come.
fn furthest<'a>(list: &super::value::List<'a>, wanted: Ordering, run: &mut Run<'_, 'a>) -> Came<'a> {
    let mut furthest: Option<Val<'a>> = None;
    for place in 0..list.len() {
        run.spend(1)?;
        let Some(item) = run.item(list, place)? else { continue };
        if let Val::Text(text) = &item {
            run.spend(super::run::units(text.len(), 64))?;
        }
        let Some(known) = &furthest else {
            furthest = Some(item);
            continue;
        };
        match order(&item, known) {
            Some(found) if found == wanted => furthest = Some(item),
            Some(_) => {}
            None => return fault(format!("{} and {} have no order", known.shown(), item.shown())),
        }
    }
    furthest.map_or_else(|| fault("a list without items has no least and no greatest"), Ok)
}

/// The same for numbers only.
fn furthest_number<'a>(list: &super::value::List<'a>, wanted: Ordering, run: &mut Run<'_, 'a>) -> Came<'a> {
    match furthest(list, wanted, run)? {
        number @ Val::Number(_) => Ok(number),
        other => fault(format!("numbers are greatest or least here, and {} is none", other.shown())),
    }
}

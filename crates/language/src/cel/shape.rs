//! What does a part of an expression come to? Its shape, as far as it is known before any event: which kind of value, and how
//! large it is at most.

use crate::{
    cost,
    vocabulary::{Fields, Holds},
};
use std::sync::Arc;

/// How large something is taken to be of which nothing is known, in bytes.
const UNKNOWN: u64 = 4_096;
/// How many bytes a number, a time or a span takes at most.
const SMALL: u64 = 64;

/// The kind of a value and its bounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// Anything of at most so many bytes: CEL's `dyn`.
    Anything(u64),
    Null,
    Truth,
    Number,
    Time,
    Span,
    /// A text of at most so many bytes.
    Text(u64),
    /// At most so many such items.
    List(Arc<Shape>, u64),
    /// An object of the event's data, of the record or of the event.
    Object(Arc<Fields>),
    /// Keys and values that an expression put together, at most so many.
    Map(Arc<(Shape, Shape)>, u64),
}

/// The shape of a field that the schema does not name.
pub(crate) const ANYTHING: Shape = Shape::Anything(UNKNOWN);

impl Shape {
    /// The shape of what a field holds.
    pub(crate) fn of(holds: &Holds) -> Self {
        match holds {
            Holds::Anything => ANYTHING,
            Holds::Truth => Self::Truth,
            Holds::Number => Self::Number,
            Holds::Time => Self::Time,
            Holds::Text(_) => Self::Text(cost::bytes(holds).saturating_sub(1)),
            Holds::List(item, _) => Self::List(Arc::new(Self::of(item)), cost::items(holds)),
            Holds::Object(fields) => Self::Object(Arc::new(fields.clone())),
        }
    }

    /// How many bytes it takes at most, one for each part that has none.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Anything(bytes) => *bytes,
            Self::Null | Self::Truth => 1,
            Self::Number | Self::Time | Self::Span => SMALL,
            Self::Text(bytes) => bytes.saturating_add(1),
            Self::List(item, count) => item.bytes().saturating_mul(*count).saturating_add(1),
            Self::Object(fields) => cost::bytes_of_fields(fields),
            Self::Map(pair, count) => {
                let both = pair.0.bytes().saturating_add(pair.1.bytes());
                both.saturating_mul(*count).saturating_add(1)
            }
        }
    }

    /// What a list of it holds, or the keys of a map, and how many at most; `None` if it is neither.
    pub(crate) fn items(&self) -> Option<(Self, u64)> {
        match self {
            Self::Anything(bytes) => Some((self.clone(), (*bytes).min(cost::items(&Holds::Anything)))),
            Self::List(item, count) => Some(((**item).clone(), *count)),
            Self::Object(fields) => {
                let named = u64::try_from(fields.named.len()).unwrap_or(u64::MAX);
                let others = if fields.open { cost::items(&Holds::Anything) } else { 0 };
                Some((Self::Text(UNKNOWN), named.saturating_add(others)))
            }
            Self::Map(pair, count) => Some((pair.0.clone(), *count)),
            Self::Null | Self::Truth | Self::Number | Self::Time | Self::Span | Self::Text(_) => None,
        }
    }

    /// What it is, in words.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Anything(_) => "anything",
            Self::Null => "null",
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Time => "a timestamp",
            Self::Span => "a duration",
            Self::Text(_) => "a text",
            Self::List(..) => "a list",
            Self::Object(_) | Self::Map(..) => "a map",
        }
    }

    /// Whether it is, or may be, of the same kind as another.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anything(_), _) | (_, Self::Anything(_)) => true,
            (Self::List(left, few), Self::List(right, many)) => *few == 0 || *many == 0 || left.may_be(right),
            (Self::Object(_) | Self::Map(..), Self::Object(_) | Self::Map(..)) => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether it may be compared for equality with another: null with everything.
    pub(crate) fn may_equal(&self, other: &Self) -> bool {
        matches!(self, Self::Null) || matches!(other, Self::Null) || self.may_be(other)
    }

    /// The shape of what has either shape.
    pub(crate) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Self::Text((*left).max(*right)),
            (Self::List(_, 0), Self::List(..)) => other.clone(),
            (Self::List(..), Self::List(_, 0)) => self.clone(),
            (Self::List(left, few), Self::List(right, many)) => {
                Self::List(Arc::new(left.or(right)), (*few).max(*many))
            }
            _ if self == other => self.clone(),
            _ => Self::Anything(self.bytes().max(other.bytes())),
        }
    }
}

/// How values of JSON are read: a decimal in a text is a number, and a text a time, where the schema says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lens {
    /// As they are.
    Plain,
    Number,
    Time,
    /// Each item of a list through this one.
    Items(Box<Lens>),
}

impl Lens {
    pub(crate) fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Number => Self::Number,
            Shape::Time => Self::Time,
            Shape::List(item, _) => match Self::of(item) {
                Self::Plain => Self::Plain,
                lens => Self::Items(Box::new(lens)),
            },
            Shape::Anything(_)
            | Shape::Null
            | Shape::Truth
            | Shape::Span
            | Shape::Text(_)
            | Shape::Object(_)
            | Shape::Map(..) => Self::Plain,
        }
    }

    /// How the items of a list are read.
    pub(crate) const fn inner(&self) -> &Self {
        match self {
            Self::Items(inner) => inner,
            Self::Plain | Self::Number | Self::Time => &Self::Plain,
        }
    }
}

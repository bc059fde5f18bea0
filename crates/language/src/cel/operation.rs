//! What does an operator come to, and what does it cost? As far as it is known before any event, from the shapes of what stands
//! on its two sides.

use super::{shape::Shape, syntax::Operator};
use crate::cost::{self, TIME};
use std::sync::Arc;

/// How much a sum is whose kind is not known: a number, a time or a span, or more where texts or lists are added.
const SMALL: u64 = 64;

/// What an operator makes of two shapes; `None` if it takes no such two.
pub(crate) fn gives(operator: Operator, left: &Shape, right: &Shape) -> Option<Shape> {
    match operator {
        Operator::Equal | Operator::Unequal => left.may_equal(right).then_some(Shape::Truth),
        Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
            (has_order(left) && has_order(right) && left.may_be(right)).then_some(Shape::Truth)
        }
        Operator::In => {
            let fits = match right {
                Shape::List(item, count) => *count == 0 || left.may_equal(item),
                Shape::Object(_) => left.may_be(&Shape::Text(0)),
                Shape::Map(pair, count) => *count == 0 || left.may_be(&pair.0),
                Shape::Anything(_) => true,
                _ => false,
            };
            fits.then_some(Shape::Truth)
        }
        Operator::Multiply | Operator::Divide | Operator::Remainder => {
            let number = |shape: &Shape| matches!(shape, Shape::Number | Shape::Anything(_));
            (number(left) && number(right)).then_some(Shape::Number)
        }
        Operator::Add => added(left, right),
        Operator::Subtract => subtracted(left, right),
    }
}

fn has_order(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Anything(_) | Shape::Truth | Shape::Number | Shape::Time | Shape::Span | Shape::Text(_)
    )
}

fn added(left: &Shape, right: &Shape) -> Option<Shape> {
    use Shape::{Anything, List, Number, Span, Text, Time};
    match (left, right) {
        (Number, Number | Anything(_)) | (Anything(_), Number) => Some(Number),
        (Text(left) | Anything(left), Text(right)) | (Text(left), Anything(right)) => {
            Some(Text(left.saturating_add(*right)))
        }
        (List(..), List(..) | Anything(_)) | (Anything(_), List(..)) => {
            let (one, few) = left.items()?;
            let (other, many) = right.items()?;
            Some(List(Arc::new(one.or(&other)), few.saturating_add(many)))
        }
        (Time, Span | Anything(_)) | (Span | Anything(_), Time) => Some(Time),
        (Span, Span) => Some(Span),
        (Span, Anything(_)) | (Anything(_), Span) => Some(Anything(SMALL)),
        (Anything(left), Anything(right)) => {
            Some(Anything(left.saturating_add(*right).saturating_add(SMALL)))
        }
        _ => None,
    }
}

fn subtracted(left: &Shape, right: &Shape) -> Option<Shape> {
    use Shape::{Anything, Number, Span, Time};
    match (left, right) {
        (Number, Number | Anything(_)) | (Anything(_), Number) => Some(Number),
        (Time | Anything(_), Time) | (Span, Span | Anything(_)) => Some(Span),
        (Time, Span) => Some(Time),
        (Time | Anything(_), Anything(_)) | (Anything(_), Span) => Some(Anything(SMALL)),
        _ => None,
    }
}

/// How many bytes a text has at most, if it may be one.
const fn length(shape: &Shape) -> Option<u64> {
    match shape {
        Shape::Text(bytes) | Shape::Anything(bytes) => Some(*bytes),
        _ => None,
    }
}

const fn is_container(shape: &Shape) -> bool {
    matches!(shape, Shape::Anything(_) | Shape::List(..) | Shape::Object(_) | Shape::Map(..))
}

/// What comparing for equality costs at most.
pub(crate) fn equality(left: &Shape, right: &Shape) -> u64 {
    let texts = length(left).zip(length(right)).map_or(0, |(left, right)| left.min(right) / 64);
    let parts = if is_container(left) && is_container(right) {
        cost::scan(left.bytes()).saturating_add(cost::scan(right.bytes()))
    } else {
        0
    };
    texts.max(parts)
}

/// What reading a value of JSON costs, if it has that shape.
pub(crate) const fn reading(shape: &Shape) -> u64 {
    match shape {
        Shape::Number | Shape::Anything(_) => 1,
        Shape::Time => TIME,
        _ => 0,
    }
}

/// What an operator costs at most, besides what stands on its sides; `widest` is how many keys the widest map has that the
/// expression puts together.
pub(crate) fn costs(operator: Operator, left: &Shape, right: &Shape, widest: u64) -> u64 {
    match operator {
        Operator::Equal | Operator::Unequal => equality(left, right),
        Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
            length(left).zip(length(right)).map_or(0, |(left, right)| left.min(right) / 64)
        }
        Operator::In => {
            let entry = reading(&Shape::Anything(0)).saturating_add(widest);
            right.items().map_or(entry, |(item, count)| {
                let each = equality(left, &item).saturating_add(reading(&item)).saturating_add(1);
                each.saturating_mul(count).max(entry)
            })
        }
        Operator::Add => {
            let texts = length(left).zip(length(right));
            let texts = texts.map_or(0, |(left, right)| cost::list(left.saturating_add(right)));
            let lists = left.items().zip(right.items()).map_or(0, |((one, few), (other, many))| {
                let each = reading(&one).max(reading(&other)).saturating_add(1);
                few.saturating_add(many).saturating_mul(each)
            });
            texts.max(lists)
        }
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => 0,
    }
}

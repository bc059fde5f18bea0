//! Which values of an ordered kind are meant? A set of them, cut out of a line: exact for decimals of any length, for times and
//! for sizes.

use std::cmp::Ordering;

/// Where a stretch ends, and whether that point is left out; `None` if it does not end.
type End<'a, T> = Option<(&'a T, bool)>;

/// Where a line is cut: just before a value, or just after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

/// A set of values: membership changes at each cut, from left to right.
#[derive(Debug, Clone)]
pub(super) struct Line<T> {
    /// Whether what lies before the first cut belongs to it.
    from_start: bool,
    cuts: Vec<(T, Side)>,
}

fn compare<T: Ord>(left: &(T, Side), right: &(T, Side)) -> Ordering {
    left.0.cmp(&right.0).then(left.1.cmp(&right.1))
}

impl<T: Ord + Clone> Line<T> {
    /// All values, or none.
    pub(super) const fn all(are: bool) -> Self {
        Self { from_start: are, cuts: Vec::new() }
    }

    /// Values from this one on; without it, if it is left `out`.
    pub(super) fn from(value: T, out: bool) -> Self {
        let side = if out { Side::After } else { Side::Before };
        Self { from_start: false, cuts: vec![(value, side)] }
    }

    /// Values up to this one; without it, if it is left `out`.
    pub(super) fn up_to(value: T, out: bool) -> Self {
        Self::from(value, !out).not()
    }

    /// These values alone.
    pub(super) fn points(mut values: Vec<T>) -> Self {
        values.sort();
        values.dedup_by(|left, right| (*left).cmp(right).is_eq());
        let cuts = values.into_iter().flat_map(|value| [(value.clone(), Side::Before), (value, Side::After)]);
        Self { from_start: false, cuts: cuts.collect() }
    }

    /// All other values.
    pub(super) fn not(mut self) -> Self {
        self.from_start = !self.from_start;
        self
    }

    /// The values that belong to both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.cuts.iter().peekable(), other.cuts.iter().peekable());
        let (mut in_left, mut in_right) = (self.from_start, other.from_start);
        let mut both = Self { from_start: in_left && in_right, cuts: Vec::new() };
        let mut inside = both.from_start;
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return both,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => compare(one, other),
            };
            let mut cut = None;
            if order.is_le() {
                cut = left.next();
                in_left = !in_left;
            }
            if order.is_ge() {
                cut = right.next();
                in_right = !in_right;
            }
            if (in_left && in_right) != inside {
                inside = !inside;
                both.cuts.extend(cut.cloned());
            }
        }
    }

    /// Whether no value belongs to it. Between any two different values there is another, as far as this knows.
    pub(super) fn is_empty(&self) -> bool {
        !self.from_start && self.cuts.is_empty()
    }

    /// The stretches that it has, each with its ends and whether these are left out; `None` where it has no end.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (End<'_, T>, End<'_, T>)> {
        let starts = self.from_start.then_some(None).into_iter();
        let mut ends = starts.chain(self.cuts.iter().map(Some));
        std::iter::from_fn(move || {
            let low = ends.next()?;
            let high = ends.next().flatten();
            let low = low.map(|(value, side)| (value, *side == Side::After));
            Some((low, high.map(|(value, side)| (value, *side == Side::Before))))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(line: &Line<i32>) -> Vec<i32> {
        let inside = |value: &i32| {
            line.stretches().any(|(low, high)| {
                low.is_none_or(|(low, out)| value > low || (!out && value == low))
                    && high.is_none_or(|(high, out)| value < high || (!out && value == high))
            })
        };
        (-5..=5).filter(inside).collect()
    }

    #[test]
    fn sets_are_cut_out_and_put_together() {
        assert_eq!(members(&Line::from(3, false)), [3, 4, 5]);
        assert_eq!(members(&Line::from(3, true)), [4, 5]);
        assert_eq!(members(&Line::up_to(-3, false)), [-5, -4, -3]);
        assert_eq!(members(&Line::up_to(-3, true)), [-5, -4]);
        assert_eq!(members(&Line::points(vec![2, -1, 2])), [-1, 2]);
        let middle = Line::from(-2, false).and(&Line::up_to(2, true));
        assert_eq!(members(&middle), [-2, -1, 0, 1]);
        assert_eq!(members(&middle.clone().not()), [-5, -4, -3, 2, 3, 4, 5]);
        assert_eq!(members(&middle.and(&Line::points(vec![0, 1, 2]).not())), [-2, -1]);
        assert!(Line::from(1, true).and(&Line::up_to(1, false)).is_empty());
        assert!(!Line::from(1, false).and(&Line::up_to(1, false)).is_empty());
        assert!(Line::<i32>::all(true).not().is_empty());
        assert_eq!(members(&Line::all(true).and(&Line::points(vec![4]))), [4]);
    }
}

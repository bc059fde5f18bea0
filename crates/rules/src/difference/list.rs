//! Which items of two lists belong together? Equal ones, in order, as many as there are; of those between them, one is the other
//! changed if they are of a kind.

use serde_json::Value;

/// An item of two lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// It was at the one place and is at the other.
    Both(usize, usize),
    /// It was there.
    Was(usize),
    /// It is there.
    Is(usize),
}

/// Puts the items of two lists together. Lists are short (a rule has at most 50 conditions), so a table of all pairs will do;
/// longer ones are paired place by place.
pub(super) fn paired(was: &[Value], is: &[Value]) -> Vec<Pair> {
    const LONGEST: usize = 200;
    let equal = if was.len() > LONGEST || is.len() > LONGEST { Vec::new() } else { longest_equal(was, is) };
    let mut pairs = Vec::new();
    let (mut before_was, mut before_is) = (0, 0);
    for (at_was, at_is) in equal.into_iter().chain([(was.len(), is.len())]) {
        between(was, is, before_was..at_was, before_is..at_is, &mut pairs);
        if at_was < was.len() && at_is < is.len() {
            pairs.push(Pair::Both(at_was, at_is));
        }
        (before_was, before_is) = (at_was.saturating_add(1), at_is.saturating_add(1));
    }
    pairs
}

/// The places of a longest common subsequence.
fn longest_equal(was: &[Value], is: &[Value]) -> Vec<(usize, usize)> {
    let width = is.len().saturating_add(1);
    // How many are equal from a place in the one and a place in the other on.
    let mut equal = vec![0_usize; was.len().saturating_add(1).saturating_mul(width)];
    let at = |one: usize, other: usize| one.saturating_mul(width).saturating_add(other);
    let look =
        |equal: &[usize], one: usize, other: usize| equal.get(at(one, other)).copied().unwrap_or_default();
    for (one, left) in was.iter().enumerate().rev() {
        for (other, right) in is.iter().enumerate().rev() {
            let count = if left == right {
                look(&equal, one.saturating_add(1), other.saturating_add(1)).saturating_add(1)
            } else {
                look(&equal, one.saturating_add(1), other).max(look(&equal, one, other.saturating_add(1)))
            };
            if let Some(cell) = equal.get_mut(at(one, other)) {
                *cell = count;
            }
        }
    }
    let (mut one, mut other, mut found) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (was.get(one), is.get(other)) {
        if left == right {
            found.push((one, other));
            (one, other) = (one.saturating_add(1), other.saturating_add(1));
        } else if look(&equal, one.saturating_add(1), other) >= look(&equal, one, other.saturating_add(1)) {
            one = one.saturating_add(1);
        } else {
            other = other.saturating_add(1);
        }
    }
    found
}

/// Pairs what stands between equal items.
fn between(
    was: &[Value],
    is: &[Value],
    from: std::ops::Range<usize>,
    to: std::ops::Range<usize>,
    pairs: &mut Vec<Pair>,
) {
    let mut left = from.filter_map(|place| Some((place, was.get(place)?))).collect::<Vec<_>>();
    for place in to {
        let Some(item) = is.get(place) else { continue };
        match left.iter().position(|(_, before)| are_of_a_kind(before, item)) {
            Some(found) => {
                // Those before it are gone: order is kept, so that the lines read from top to bottom.
                let mut passed = left.drain(..=found).map(|(place, _)| place).collect::<Vec<_>>();
                let partner = passed.pop();
                pairs.extend(passed.into_iter().map(Pair::Was));
                pairs.extend(partner.map(|partner| Pair::Both(partner, place)));
            }
            None => pairs.push(Pair::Is(place)),
        }
    }
    pairs.extend(left.into_iter().map(|(place, _)| Pair::Was(place)));
}

/// Whether one may be the other changed: both of the same type and, where they have one, the same name.
fn are_of_a_kind(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => one.get("type") == other.get("type"),
        _ => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(was: Value, is: Value) -> String {
        let said =
            paired(was.as_array().unwrap(), is.as_array().unwrap()).into_iter().map(|pair| match pair {
                Pair::Both(was, is) => format!("{was}={is}"),
                Pair::Was(place) => format!("-{place}"),
                Pair::Is(place) => format!("+{place}"),
            });
        said.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn items_are_found_where_they_moved_to() {
        let of = |kind: &str, value: u32| json!({"type": kind, "value": value});
        assert_eq!(check(json!([1, 2, 3]), json!([1, 2, 3])), "0=0 1=1 2=2");
        assert_eq!(check(json!([]), json!([of("a", 1)])), "+0");
        assert_eq!(
            check(json!([of("a", 1), of("b", 1)]), json!([of("c", 0), of("a", 1), of("b", 2)])),
            "+0 0=1 1=2"
        );
        assert_eq!(check(json!([of("a", 1), of("b", 1), of("c", 1)]), json!([of("c", 1)])), "-0 -1 2=0");
        assert_eq!(check(json!([of("a", 1), of("b", 1)]), json!([of("b", 2), of("a", 2)])), "-0 1=0 +1");
        let long: Vec<Value> = (0..300).map(|place| json!(place)).collect();
        assert_eq!(paired(&long, &long[1..]).len(), 300);
    }
}

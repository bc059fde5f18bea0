//! Which of two numbers is greater? Compared as they were written, digit by digit: no size, no rounding.
//!
//! Payloads carry amounts as JSON numbers or as decimal text (`"12500.00"`). Both are read here in the grammar of
//! RFC 8259, section 6, and compared by sign, magnitude and digits, so 40 digits compare as right as two.

use rust_decimal::Decimal as Amount;
use serde_json::Value;
use std::cmp::Ordering;

/// The most digits of a number that one can compute with: 2⁹⁶ has 29.
const AMOUNT_DIGITS: usize = 29;

/// A decimal, borrowed from the text that it was written in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// The digits before and after the point, from the first that is not 0.
    whole: &'a [u8],
    fraction: &'a [u8],
    /// How many places before (or, negative, after) the point the first digit stands.
    magnitude: i64,
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

fn without_leading_zeros(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| *byte != b'0').unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

fn places(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl<'a> Decimal<'a> {
    /// Reads a JSON number's text; `None` if it is none, or its exponent has more than 15 digits.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (negative, rest) = match bytes.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let (whole, rest) = digits(rest);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix(b".") {
            Some(rest) => digits(rest),
            None => (&[][..], rest),
        };
        if fraction.is_empty() && bytes.contains(&b'.') {
            return None;
        }
        let exponent = exponent(rest)?;
        let whole = without_leading_zeros(whole);
        let significant = if whole.is_empty() { without_leading_zeros(fraction) } else { fraction };
        let zeros = places(fraction.len().saturating_sub(significant.len()));
        Some(Self {
            negative,
            whole,
            fraction: significant,
            magnitude: places(whole.len()).saturating_sub(zeros).saturating_add(exponent),
        })
    }

    /// The number that `value` is: a JSON number, or a text that is written as one.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::read(number.as_str()),
            Value::String(text) => Self::read(text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn all(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn is_zero(&self) -> bool {
        self.all().all(|digit| digit == b'0')
    }

    /// How many digits count: those between the first and the last that is not 0.
    pub(crate) fn significant(&self) -> usize {
        self.all()
            .enumerate()
            .filter(|(_, digit)| *digit != b'0')
            .last()
            .map_or(0, |(place, _)| place.saturating_add(1))
    }

    /// Where its first digit stands: 3 for 125, 0 for 0.5.
    pub(crate) fn magnitude(&self) -> i64 {
        if self.is_zero() { 0 } else { self.magnitude }
    }

    fn signum(&self) -> i8 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn padded(&self, length: usize) -> impl Iterator<Item = u8> {
        self.all().chain(std::iter::repeat(b'0')).take(length)
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        let longest = self
            .whole
            .len()
            .saturating_add(self.fraction.len())
            .max(other.whole.len().saturating_add(other.fraction.len()));
        self.magnitude.cmp(&other.magnitude).then_with(|| self.padded(longest).cmp(other.padded(longest)))
    }

    /// Which is greater, exactly.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.signum().cmp(&other.signum()).then_with(|| match self.signum() {
            0 => Ordering::Equal,
            1 => self.compare_size(other),
            _ => other.compare_size(self),
        })
    }

    /// The number as one can compute with it: exactly, or not at all. It has room for 28 digits, 28 places after the point
    /// among them.
    pub(crate) fn amount(&self) -> Option<Amount> {
        let count = self.significant();
        if count > AMOUNT_DIGITS {
            return None;
        }
        let digits = self.all().take(count);
        let size = digits.fold(0_i128, |sum, digit| sum * 10 + i128::from(digit.saturating_sub(b'0')));
        let exponent = self.magnitude().saturating_sub(places(count));
        let (factor, scale) = if exponent > 0 {
            (10_i128.checked_pow(u32::try_from(exponent).ok()?)?, 0)
        } else {
            (1, u32::try_from(exponent.saturating_neg()).ok()?)
        };
        let size = size.checked_mul(factor)?;
        Amount::try_from_i128_with_scale(if self.negative { -size } else { size }, scale).ok()
    }

    /// One text for all ways to write the same number: `1.50e1` and `15` are both `15e2`.
    pub(crate) fn canonical(&self) -> String {
        let sign = if self.signum() < 0 { "-" } else { "" };
        let kept: String = self.all().take(self.significant()).map(char::from).collect();
        format!("{sign}{kept}e{}", self.magnitude())
    }
}

/// The exponent after `e`; 0 if nothing is left, `None` if something else is.
fn exponent(rest: &[u8]) -> Option<i64> {
    let Some((first, rest)) = rest.split_first() else {
        return Some(0);
    };
    if !first.eq_ignore_ascii_case(&b'e') {
        return None;
    }
    let (negative, rest) = match rest.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        Some(_) | None => (false, rest),
    };
    let (figures, nothing) = digits(rest);
    let kept = without_leading_zeros(figures);
    if figures.is_empty() || !nothing.is_empty() || kept.len() > 15 {
        return None;
    }
    let size = kept.iter().fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0')))
    });
    Some(if negative { size.saturating_neg() } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(left: &str, wanted: Ordering, right: &str) {
        let (a, b) = (Decimal::read(left).unwrap(), Decimal::read(right).unwrap());
        assert_eq!(a.compare(&b), wanted, "{left} to {right}");
        assert_eq!(b.compare(&a), wanted.reverse(), "{right} to {left}");
        assert_eq!(a.canonical() == b.canonical(), wanted == Ordering::Equal, "{left}, {right}");
    }

    #[test]
    fn numbers_compare_as_written() {
        check("12500", Ordering::Equal, "12500.00");
        check("1.25e4", Ordering::Equal, "12500");
        check("0.1", Ordering::Less, "0.10000000000000000000000000000000001");
        check(
            "9999999999999999999999999999999999999999",
            Ordering::Less,
            "10000000000000000000000000000000000000000",
        );
        check(
            "1234567890123456789012345678901234567891",
            Ordering::Greater,
            "1234567890123456789012345678901234567890",
        );
        check("-2", Ordering::Less, "-1");
        check("-0.0", Ordering::Equal, "0");
        check("0e999", Ordering::Equal, "0");
        check("1e400", Ordering::Greater, "9e399");
        check("1e-400", Ordering::Greater, "0");
        check("0.00012", Ordering::Equal, "12e-5");
        check("100", Ordering::Equal, "1e2");
        check("0.05", Ordering::Less, "0.5");
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "",
            "-",
            "+1",
            "007",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1 ",
            "0x1",
            "1_000",
            "1,5",
            "NaN",
            "1e9999999999999999",
        ] {
            assert!(Decimal::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn amounts_are_exact_or_none() {
        for (text, wanted) in [
            ("12500.50", Some("12500.5")),
            ("-1e3", Some("-1000")),
            ("0.0000000000000000000000000001", Some("0.0000000000000000000000000001")),
            ("79228162514264337593543950335", Some("79228162514264337593543950335")),
            ("-0", Some("0")),
            ("0e999", Some("0")),
            ("79228162514264337593543950336", None),
            ("0.00000000000000000000000000001", None),
            ("1e400", None),
            ("1e29", None),
            ("123456789012345678901234567890.1", None),
        ] {
            let amount = Decimal::read(text).unwrap().amount().map(|amount| amount.to_string());
            assert_eq!(amount.as_deref(), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_integers(a in any::<i64>(), b in any::<i64>()) {
            let (left, right) = (a.to_string(), b.to_string());
            let compared = Decimal::read(&left).unwrap().compare(&Decimal::read(&right).unwrap());
            prop_assert_eq!(compared, a.cmp(&b));
        }

        #[test]
        fn never_panics(text in "[-+0-9.eE]{0,30}") {
            if let Some(number) = Decimal::read(&text) {
                prop_assert_eq!(number.compare(&number), Ordering::Equal);
                if let Some(amount) = number.amount() {
                    let said = amount.to_string();
                    prop_assert_eq!(Decimal::read(&said).unwrap().compare(&number), Ordering::Equal);
                }
            }
        }
    }
}

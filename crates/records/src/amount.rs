//! What is it worth? An [`Amount`] is a decimal of at most 28 digits, exact from the request to the row and back.

use rust_decimal::Decimal;
use serde_json::{Number, Value};
use std::{fmt, str::FromStr};

/// The value is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a number, or a decimal as text, of at most 28 digits: 12500 or \"12500.00\"")]
pub struct AmountError;

/// An exact decimal. It keeps the places that it was written with: 12500.00 stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(Decimal);

impl Amount {
    /// The amount that a JSON number, or a text that is written as one, says.
    ///
    /// # Errors
    /// [`AmountError`], also for more digits than can be kept: nothing is rounded.
    pub fn read(value: &Value) -> Result<Self, AmountError> {
        match value {
            Value::Number(number) => number.as_str().parse(),
            Value::String(text) => text.parse(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(AmountError),
        }
    }

    /// The JSON number with all its digits.
    #[must_use]
    pub fn to_json(self) -> Value {
        Value::Number(Number::from_string_unchecked(self.0.to_string()))
    }

    /// Whether it is more than nothing.
    #[must_use]
    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }

    /// A text that sorts as the amounts do, byte by byte, however they were written. The empty text sorts before all.
    ///
    /// Of a positive number: `2`, then how many places stand before the point (50 added, so that two digits do), then the
    /// digits without the zeros at the end. Of a negative one the same digit by digit from 9 down, with an end that is greater
    /// than any digit.
    #[must_use]
    pub fn key(self) -> String {
        let plain = self.0.normalize();
        if plain.is_zero() {
            return "1".to_owned();
        }
        let digits = plain.mantissa().unsigned_abs().to_string();
        let scale = i64::from(plain.scale());
        let places = i64::try_from(digits.len()).unwrap_or_default() - scale + 50;
        if plain.is_sign_positive() {
            return format!("2{places:02}{digits}");
        }
        let turned: String = digits.bytes().map(|digit| char::from(b'9' - (digit - b'0'))).collect();
        format!("0{:02}{turned}~", 99 - places)
    }
}

impl FromStr for Amount {
    type Err = AmountError;
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        // What stands before the exponent must be exact, too: to read the whole would round it.
        let read = match text.split_once(['e', 'E']) {
            Some((base, _)) => Decimal::from_str_exact(base).and_then(|_| Decimal::from_scientific(text)),
            None => Decimal::from_str_exact(text),
        };
        let mut amount = read.ok().filter(|_| plain).ok_or(AmountError)?;
        if amount.is_zero() {
            amount.set_sign_positive(true);
        }
        Ok(Self(amount))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn every_digit_is_kept() {
        for (given, wanted) in [
            (json!(12500), "12500"),
            (json!("12500.00"), "12500.00"),
            (json!(" 0.10 "), "0.10"),
            (json!("-0"), "0"),
            (json!("1e4"), "10000"),
            (json!("1234567890123456789012345.678"), "1234567890123456789012345.678"),
        ] {
            assert_eq!(Amount::read(&given).unwrap().to_string(), wanted, "{given}");
        }
        let exact: Value = serde_json::from_str("12500.00").unwrap();
        assert_eq!(Amount::read(&exact).unwrap().to_json().to_string(), "12500.00");
        for given in [json!(null), json!(true), json!("much"), json!(""), json!("1_000"), json!("0x10")] {
            assert_eq!(Amount::read(&given), Err(AmountError), "{given}");
        }
        // Rounding would be a lie about money.
        assert_eq!("0.00000000000000000000000000001".parse::<Amount>(), Err(AmountError));
        assert_eq!("123456789012345678901234567890".parse::<Amount>(), Err(AmountError));
    }

    proptest! {
        #[test]
        fn keys_sort_as_amounts_do(one in any::<(i64, u8)>(), other in any::<(i64, u8)>()) {
            let amount = |(digits, scale): (i64, u8)| Amount(Decimal::new(digits, u32::from(scale % 20)));
            let (one, other) = (amount(one), amount(other));
            prop_assert_eq!(one.key().cmp(&other.key()), one.cmp(&other), "{} {}", one.key(), other.key());
        }
    }

    #[test]
    fn keys_of_neighbours() {
        let said = [
            "-1000", "-1.55", "-1.5", "-0.1", "-0.01", "0", "0.001", "0.1", "1", "1.5", "1.55", "2", "10",
            "12500",
        ];
        let keys: Vec<String> = said.iter().map(|text| text.parse::<Amount>().unwrap().key()).collect();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(keys, sorted);
        assert_eq!("12500".parse::<Amount>().unwrap().key(), "12500.00".parse::<Amount>().unwrap().key());
    }
}

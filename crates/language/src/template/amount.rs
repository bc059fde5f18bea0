//! How is an amount written? Exactly: rounded as invoices are (a half away from zero), with the signs of a locale, never by way of
//! a double.

use super::{
    currency,
    filter::{Call, Given, Made},
    locale::{self, Locale},
};
use minijinja::Value as Slot;
use rust_decimal::{Decimal as Amount, RoundingStrategy};

/// The most digits behind the point.
const MOST_DIGITS: u32 = 28;

/// The locale that is named, or English.
///
/// # Errors
/// The name is none that is known; only what a template writes out is refused for that.
pub(super) fn check_locale(given: &Given, place: usize) -> Result<(), String> {
    match given.text(place)? {
        Some(tag) if locale::find(tag).is_none() => {
            Err(format!("does not know the locale {tag:?}; it knows {}", locale::known()))
        }
        Some(_) | None => Ok(()),
    }
}

/// The locale that is named. One that the data names and nobody knows is no reason to say nothing: it is English then.
pub(super) fn locale(given: &Given, place: usize) -> Result<&'static Locale, String> {
    let named = given.text(place)?.and_then(locale::find);
    named.or_else(locale::plain).ok_or_else(|| "knows no locale".to_owned())
}

pub(super) fn check(given: &Given) -> Result<(), String> {
    given.count(0, MOST_DIGITS)?;
    check_locale(given, 1)
}

pub(super) fn check_money(given: &Given) -> Result<(), String> {
    match given.text(0)? {
        Some(code) if currency::find(code).is_none() => {
            Err(format!("does not know the currency {code:?}: write its code in ISO 4217, such as \"EUR\""))
        }
        Some(_) | None => check_locale(given, 1),
    }
}

/// `money("EUR", "de")`: 12.500,00 €
pub(super) fn money(call: &mut Call<'_, '_, '_>) -> Made {
    let amount = call.amount()?;
    let locale = locale(&call.given, 1)?;
    let said = call.given.text(0)?.unwrap_or_default();
    let (sign, digits) = match currency::find(said) {
        Some(code) => (locale.symbol(code).to_owned(), currency::digits(code)),
        // A code that is newer than this list, or older.
        None if said.len() == 3 && said.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            (said.to_ascii_uppercase(), 2)
        }
        None => {
            let shown: String = said.chars().take(40).collect();
            return Err(format!("takes a currency, and {shown:?} is none"));
        }
    };
    let amount = rounded(amount, digits);
    let number = written(amount.abs(), Some(digits), locale);
    let [positive, negative] = locale.money;
    let layout = if below_zero(amount) { negative } else { positive };
    Ok(Slot::from(laid_out(layout, &number, &sign, locale)))
}

/// `number(2, "de")`: 12.500,50
pub(super) fn number(call: &mut Call<'_, '_, '_>) -> Made {
    let amount = call.amount()?;
    plain(call, amount, "#")
}

/// `percent(1, "de")` of 0.125: 12,5 %
pub(super) fn percent(call: &mut Call<'_, '_, '_>) -> Made {
    let amount = call.amount()?.checked_mul(Amount::ONE_HUNDRED);
    let amount = amount.ok_or_else(|| "takes a number of at most 26 digits".to_owned())?;
    let layout = locale(&call.given, 1)?.percent;
    plain(call, amount, layout)
}

fn plain(call: &Call<'_, '_, '_>, amount: Amount, layout: &str) -> Made {
    let locale = locale(&call.given, 1)?;
    let digits = call.given.count(0, MOST_DIGITS)?;
    let amount = digits.map_or(amount.normalize(), |digits| rounded(amount, digits));
    let number = written(amount.abs(), digits, locale);
    let minus = if below_zero(amount) { locale.minus } else { "" };
    Ok(Slot::from(format!("{minus}{}", laid_out(layout, &number, "", locale))))
}

fn rounded(amount: Amount, digits: u32) -> Amount {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

fn below_zero(amount: Amount) -> bool {
    amount.is_sign_negative() && !amount.is_zero()
}

/// A number without its sign: with so many digits behind the point, or as many as it has.
fn written(amount: Amount, digits: Option<u32>, locale: &Locale) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let count = digits.map_or(fraction.len(), |digits| usize::try_from(digits).unwrap_or_default());
    let grouped = grouped(whole, locale);
    if count == 0 { grouped } else { format!("{grouped}{}{fraction:0<count$}", locale.decimal) }
}

/// Digits in groups of three.
fn grouped(digits: &str, locale: &Locale) -> String {
    if digits.len() < locale.least_group {
        return digits.to_owned();
    }
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place) % 3 == 0 {
            grouped.push_str(locale.group);
        }
        grouped.push(digit);
    }
    grouped
}

/// Number and currency where the locale has them. A code of letters does not touch the number.
fn laid_out(layout: &str, number: &str, sign: &str, locale: &Locale) -> String {
    let mut out = String::new();
    let mut rest = layout.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '#' => out.push_str(number),
            '-' => out.push_str(locale.minus),
            '¤' => {
                out.push_str(sign);
                if rest.peek() == Some(&'#') && sign.ends_with(char::is_alphabetic) {
                    out.push('\u{a0}');
                }
            }
            other => out.push(other),
        }
    }
    out
}

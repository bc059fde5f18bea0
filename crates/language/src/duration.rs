//! How long is `PT5M`? Durations of ISO 8601, or seconds as a number.

use kernel::Span;
use serde_json::Value;

/// The longest duration: 366 days.
pub const LONGEST: Span = Span::days(366);

const SHAPE: &str =
    "must be an ISO 8601 duration such as \"PT5M\" or \"P1DT12H\", or seconds as a whole number";
const SIZE: &str = "must be from 0 to 366 days";

/// Reads a duration from a rule.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins with the field.
pub fn read(value: &Value) -> Result<Span, &'static str> {
    let span = match value {
        Value::Number(number) => seconds(number.as_i64().ok_or(SHAPE)?)?,
        Value::String(text) => iso(text)?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(SHAPE),
    };
    if (Span::default()..=LONGEST).contains(&span) { Ok(span) } else { Err(SIZE) }
}

/// The duration in ISO 8601, in whole seconds: `P1DT2H`.
#[must_use]
pub fn write(span: Span) -> String {
    let all = span.as_millis().max(0) / 1_000;
    let part = |count: i64, unit: &str| if count > 0 { format!("{count}{unit}") } else { String::new() };
    let days = part(all / 86_400, "D");
    let rest = all % 86_400;
    let time = [part(rest / 3_600, "H"), part(rest % 3_600 / 60, "M"), part(rest % 60, "S")].concat();
    match (days.as_str(), time.as_str()) {
        ("", "") => "PT0S".to_owned(),
        (days, "") => format!("P{days}"),
        (days, time) => format!("P{days}T{time}"),
    }
}

fn seconds(count: i64) -> Result<Span, &'static str> {
    if (0..=LONGEST.as_millis()).contains(&count) { Ok(Span::seconds(count)) } else { Err(SIZE) }
}

/// Weeks, days, hours, minutes and seconds. Years and months have no fixed length and are refused.
fn iso(text: &str) -> Result<Span, &'static str> {
    let body = text.strip_prefix('P').ok_or(SHAPE)?;
    let (days, time) = match body.split_once('T') {
        Some((_, "")) => return Err(SHAPE),
        Some((days, time)) => (days, time),
        None if body.is_empty() => return Err(SHAPE),
        None => (body, ""),
    };
    let days = sum(days, &[('W', 7 * 86_400), ('D', 86_400)])?;
    let time = sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    seconds(days.saturating_add(time))
}

/// The seconds of parts such as `1H30M`, each unit at most once and in order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Result<i64, &'static str> {
    let mut total = 0_i64;
    let mut units = units.iter();
    while !text.is_empty() {
        let end = text.find(|letter: char| !letter.is_ascii_digit()).ok_or(SHAPE)?;
        let (figures, rest) = text.split_at_checked(end).ok_or(SHAPE)?;
        let unit = rest.chars().next().ok_or(SHAPE)?;
        let (_, size) = units.find(|(letter, _)| *letter == unit).ok_or(SHAPE)?;
        let count: i64 = figures.parse().map_err(|_| SHAPE)?;
        total = total.saturating_add(count.saturating_mul(*size));
        text = rest.get(unit.len_utf8()..).unwrap_or_default();
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in ["PT0S", "PT5S", "PT5M", "PT2H", "P1D", "P3DT1H", "P1DT2H3M4S"] {
            assert_eq!(write(read(&text.into()).unwrap()), text);
        }
        assert_eq!(write(Span::seconds(86_400 + 90)), "P1DT1M30S");
    }
    use serde_json::json;

    #[test]
    fn durations() {
        for (value, wanted) in [
            (json!("PT5M"), Ok(Span::minutes(5))),
            (json!("PT0S"), Ok(Span::default())),
            (json!("P1DT12H"), Ok(Span::hours(36))),
            (json!("P2W"), Ok(Span::days(14))),
            (json!("PT1H30M5S"), Ok(Span::seconds(5405))),
            (json!(90), Ok(Span::seconds(90))),
            (json!("P366D"), Ok(Span::days(366))),
            (json!("P367D"), Err(SIZE)),
            (json!(-1), Err(SIZE)),
            (json!(99_999_999_999_i64), Err(SIZE)),
            (json!("PT999999999999999999H"), Err(SIZE)),
            (json!("P1M"), Err(SHAPE)),
            (json!("P1Y"), Err(SHAPE)),
            (json!("PT"), Err(SHAPE)),
            (json!("P"), Err(SHAPE)),
            (json!("PT5"), Err(SHAPE)),
            (json!("PT5M1H"), Err(SHAPE)),
            (json!("PTäM"), Err(SHAPE)),
            (json!("5m"), Err(SHAPE)),
            (json!(1.5), Err(SHAPE)),
            (json!(null), Err(SHAPE)),
        ] {
            assert_eq!(read(&value), wanted, "{value}");
        }
    }
}

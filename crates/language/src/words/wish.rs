//! What does a clause want, in words? Spans, days, bounds and choices as one says them.

use super::{place_of, shown, text, truth};
use crate::{
    kind::{self, Takes},
    number::Decimal,
};
use serde_json::{Map, Value};

/// The days as rules name them, and as one does.
const DAYS: &[(&str, &str)] = &[
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];
/// The units of a span, before and behind its `T`.
const UNITS: &[(bool, char, &str)] = &[
    (false, 'Y', "year"),
    (false, 'M', "month"),
    (false, 'W', "week"),
    (false, 'D', "day"),
    (true, 'H', "hour"),
    (true, 'M', "minute"),
    (true, 'S', "second"),
];

/// What a clause of this kind wants.
pub(super) fn wish(kind: &str, clause: &Map<String, Value>) -> String {
    let no = clause.get("wanted") == Some(&Value::Bool(false));
    match kind {
        "exists" => return if no { "it not to be there" } else { "it to be there" }.to_owned(),
        "is_empty" => return if no { "it not to be empty" } else { "it to be empty" }.to_owned(),
        _ => {}
    }
    let Some(kind) = kind::find(kind) else { return "something else".to_owned() };
    let ignoring_case = if truth(clause, "ignore_case") { ", ignoring case" } else { "" };
    match wanted(kind.takes, kind.name, clause) {
        Some(wanted) => {
            let which_is = match (kind.name, text(clause, "wanted_local")) {
                (_, "") => String::new(),
                ("within_last", local) => format!(", since {local}"),
                ("within_next", local) => format!(", until {local}"),
                (_, local) => format!(", which is {local}"),
            };
            format!("{} {wanted}{which_is}{ignoring_case}", kind.wish)
        }
        None => kind.wish.to_owned(),
    }
}

fn wanted(takes: Takes, kind: &str, clause: &Map<String, Value>) -> Option<String> {
    let plain = shown(clause, "wanted")?;
    if truth(clause, "wanted_field") {
        return Some(of_field(&plain, clause));
    }
    // What was cut is shown as it is.
    let value = clause.get("wanted").filter(|_| !truth(clause, "wanted_cut"))?;
    let said = match (takes, value) {
        (Takes::Range, Value::Array(ends)) => range(ends),
        (Takes::Hours, Value::Array(ends)) => Some(listed(ends, bare, " until ")),
        (Takes::Weekdays, Value::Array(days)) => Some(listed(days, day, " or ")),
        (Takes::Networks, Value::Array(networks)) => Some(listed(networks, bare, " or ")),
        (Takes::Networks, Value::String(network)) => Some(network.clone()),
        (Takes::List, Value::Array(choices)) => {
            Some(listed(choices, Value::to_string, if kind == "all_of" { " and " } else { " or " }))
        }
        (Takes::Span, Value::String(text)) => span(text),
        (Takes::Count, Value::Object(bounds)) => count(bounds),
        _ => None,
    };
    Some(said.unwrap_or(plain))
}

/// What another field has, which stands in place of a value.
fn of_field(name: &str, clause: &Map<String, Value>) -> String {
    match (shown(clause, "against"), text(clause, "flaw")) {
        (None, _) => format!("{name}, which is not in the {}", place_of(name)),
        (Some(against), "wanted_unfit") => {
            format!("{name}, which is {against} and nothing that it could be held against")
        }
        (Some(against), _) => format!("{name}, which is {against}"),
    }
}

/// A text without its quotes.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn day(value: &Value) -> String {
    let name = DAYS.iter().find(|(known, _)| value.as_str() == Some(*known));
    name.map_or_else(|| value.to_string(), |(_, name)| (*name).to_owned())
}

/// `a, b or c`.
fn listed(values: &[Value], say: impl Fn(&Value) -> String, last: &str) -> String {
    let mut said: Vec<String> = values.iter().map(say).collect();
    match (said.pop(), said.is_empty()) {
        (None, _) => String::new(),
        (Some(only), true) => only,
        (Some(end), false) => format!("{}{last}{end}", said.join(", ")),
    }
}

fn range(ends: &[Value]) -> Option<String> {
    let [low, high] = ends else { return None };
    let numbers = Decimal::of(low).is_some() && Decimal::of(high).is_some();
    Some(format!("{low} {} {high}", if numbers { "to" } else { "until" }))
}

/// `7 days`, `1 day and 12 hours`; one of one unit is the unit alone.
fn span(text: &str) -> Option<String> {
    let mut parts = Vec::new();
    let (mut figures, mut timed) = (String::new(), false);
    for letter in text.strip_prefix('P')?.chars() {
        match letter {
            'T' => timed = true,
            '0'..='9' => figures.push(letter),
            unit => {
                let (.., name) =
                    UNITS.iter().find(|(of_time, known, _)| (*of_time, *known) == (timed, unit))?;
                let plural = if figures == "1" { "" } else { "s" };
                parts.push((figures.clone(), format!("{name}{plural}")));
                figures.clear();
            }
        }
    }
    if let [(figures, unit)] = parts.as_slice()
        && figures == "1"
    {
        return Some(unit.clone());
    }
    let parts: Vec<Value> = parts.iter().map(|(figures, unit)| format!("{figures} {unit}").into()).collect();
    Some(listed(&parts, bare, " and "))
}

fn count(bounds: &Map<String, Value>) -> Option<String> {
    match (bounds.get("at_least"), bounds.get("at_most")) {
        (Some(least), Some(most)) if least == most => Some(least.to_string()),
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(kind: &str, wanted: Value, said: &str) {
        let clause = Map::from_iter([("wanted".to_owned(), wanted)]);
        assert_eq!(wish(kind, &clause), said);
    }

    #[test]
    fn wishes_read_as_one_says_them() {
        check("between", json!([10, "20.5"]), "something from 10 to \"20.5\"");
        check("between", json!(["today", "tomorrow"]), "something from \"today\" until \"tomorrow\"");
        check("in", json!(["a", 1, null]), "one of \"a\", 1 or null");
        check("in", json!(["a"]), "one of \"a\"");
        check("all_of", json!(["a", "b"]), "a list with all of \"a\" and \"b\"");
        check("within_last", json!("P7D"), "a time within the last 7 days");
        check("within_next", json!("P1M"), "a time within the next month");
        check("within_next", json!("P1DT1H30M"), "a time within the next 1 day, 1 hour and 30 minutes");
        check("weekday_in", json!(["mon", "sun"]), "a time on Monday or Sunday");
        check("time_of_day", json!(["09:00", "17:30"]), "a time of the day from 09:00 until 17:30");
        check("count", json!({"at_least": 2}), "a count of at least 2");
        check("count", json!({"at_least": 2, "at_most": 3}), "a count of 2 to 3");
        check("count", json!(2), "a count of 2");
        check("in_network", json!(["10.0.0.0/8", "::1"]), "an address in 10.0.0.0/8 or ::1");
        check("exists", json!(false), "it not to be there");
    }
}

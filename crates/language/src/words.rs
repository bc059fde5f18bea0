//! Why did a rule match, or not, in words? What was kept of a verdict is put into sentences when somebody asks.

use crate::{condition::DEEPEST, kind, value::same, verdict::Flaw};
use serde_json::{Map, Value};

/// A verdict as it is kept ([`crate::Verdict::to_json`]), with a sentence `why` for each condition and `because` for the whole.
/// `matched` says whether the conditions hold. Fields that are none of the verdict's stay as they are.
#[must_use]
pub fn told(kept: &Value, matched: bool) -> Value {
    let Some(object) = kept.as_object() else { return kept.clone() };
    let clauses: Vec<Map<String, Value>> = object
        .get("clauses")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|clause| clause.as_object().cloned())
        .collect();
    let mut told = object.clone();
    if !object.contains_key("because") {
        told.insert("because".to_owned(), because(object, &clauses, matched).into());
    }
    let said = (0..clauses.len()).filter_map(|place| {
        let mut clause = clauses.get(place)?.clone();
        clause.insert("why".to_owned(), why(&clauses, place).into());
        Some(Value::Object(clause))
    });
    told.insert("clauses".to_owned(), said.collect());
    Value::Object(told)
}

fn because(verdict: &Map<String, Value>, clauses: &[Map<String, Value>], matched: bool) -> String {
    let head = if matched { "matched" } else { "not matched" };
    let decider = text(verdict, "decided_by");
    let top: Vec<usize> = (0..clauses.len()).filter(|place| is_child(clauses, *place, "")).collect();
    // The one at the top that decided says it all: it tells what decided within it.
    let deciding = top.iter().find(|place| {
        clauses.get(**place).is_some_and(|clause| {
            let path = text(clause, "path");
            !decider.is_empty() && (decider == path || decider.starts_with(&format!("{path}.")))
        })
    });
    match (deciding, top.len()) {
        (Some(place), _) => format!("{head}: {}", why(clauses, *place)),
        (None, 0) => format!("{head}: the rule has no conditions"),
        (None, count) => format!("{head}: all {count} conditions hold"),
    }
}

/// Whether the finding at `place` stands directly below `path` (the top, if that is empty).
fn is_child(clauses: &[Map<String, Value>], place: usize, path: &str) -> bool {
    let own = clauses.get(place).map(|clause| text(clause, "path")).unwrap_or_default();
    let rest = if path.is_empty() {
        Some(own)
    } else {
        own.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'))
    };
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn truth(object: &Map<String, Value>, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A value as a sentence shows it: as JSON, what was cut as its bare beginning.
fn shown(object: &Map<String, Value>, name: &str) -> Option<String> {
    let value = object.get(name)?;
    let bare = truth(object, &format!("{name}_cut")) || truth(object, &format!("{name}_field"));
    Some(match (value, bare) {
        (Value::String(text), true) => text.clone(),
        (value, _) => value.to_string(),
    })
}

/// Why the condition at `place` holds, or not.
fn why(clauses: &[Map<String, Value>], place: usize) -> String {
    let Some(clause) = clauses.get(place) else { return String::new() };
    let (path, holds) = (text(clause, "path"), truth(clause, "holds"));
    // What was kept nests no deeper; what claims to is not followed.
    if path.matches('.').count() > DEEPEST {
        return String::new();
    }
    let inner = || (0..clauses.len()).filter(|inner| is_child(clauses, *inner, path));
    let said = |wanted: bool| {
        inner().find(|inner| clauses.get(*inner).is_some_and(|clause| truth(clause, "holds") == wanted))
    };
    match text(clause, "type") {
        "all" => match (said(false), inner().count()) {
            (Some(failed), _) => why(clauses, failed),
            (None, 1) => inner().next().map(|only| why(clauses, only)).unwrap_or_default(),
            (None, count) => format!("all {count} conditions of {path} hold"),
        },
        "any" => match (said(true), inner().count()) {
            (Some(held), _) => why(clauses, held),
            (None, 1) => inner().next().map(|only| why(clauses, only)).unwrap_or_default(),
            (None, count) => format!("none of the {count} conditions of {path} holds"),
        },
        "not" => {
            let so = if holds { "does not hold, as wanted" } else { "holds, and must not" };
            let why = inner().next().map(|inner| why(clauses, inner)).unwrap_or_default();
            format!("{path}.condition {so}: {why}")
        }
        "any_item" | "every_item" | "no_item" => {
            let failed = said(false).map(|failed| why(clauses, failed));
            items(clause, failed.as_deref())
        }
        "expression" => expression(clause),
        "changed" | "changed_from" | "changed_to" | "increased" | "decreased" => change(clause),
        kind => value(clause, kind),
    }
}

fn items(clause: &Map<String, Value>, failed: Option<&str>) -> String {
    let (kind, field, holds) = (text(clause, "type"), text(clause, "field"), truth(clause, "holds"));
    let Some(count) = clause.get("count") else {
        return format!(
            "{field} is not a list{}",
            if holds { ", so no item meets the conditions" } else { "" }
        );
    };
    match (kind, clause.get("item")) {
        ("every_item", Some(place)) => {
            format!(
                "{field}[{place}], one of {count}, does not meet the conditions: {}",
                failed.unwrap_or_default()
            )
        }
        ("every_item", None) if holds => format!("each of the {count} items of {field} meets the conditions"),
        ("every_item", None) => format!("{field} has no items, and each must meet the conditions"),
        (_, Some(place)) => format!("{field}[{place}], one of {count}, meets the conditions"),
        (_, None) => format!("none of the {count} items of {field} meets the conditions"),
    }
}

fn expression(clause: &Map<String, Value>) -> String {
    let wanted = shown(clause, "wanted").unwrap_or_default();
    let saw = saw(clause);
    match (clause.get("fault").and_then(Value::as_str), shown(clause, "seen")) {
        (Some(fault), _) => {
            format!("the expression came to nothing: {fault}{saw}; wanted this to be true: {wanted}")
        }
        (None, seen) => {
            format!("the expression is {}{saw}; wanted this to be true: {wanted}", seen.unwrap_or_default())
        }
    }
}

/// The fields that an expression names, with what they held.
fn saw(clause: &Map<String, Value>) -> String {
    let fields = clause.get("saw").and_then(Value::as_array).into_iter().flatten();
    let mut said: Vec<String> = fields
        .filter_map(Value::as_object)
        .filter_map(|saw| Some(format!("{} is {}", text(saw, "field"), shown(saw, "seen")?)))
        .collect();
    match (said.pop(), said.is_empty()) {
        (None, _) => String::new(),
        (Some(only), true) => format!(", where {only}"),
        (Some(last), false) => format!(", where {} and {last}", said.join(", ")),
    }
}

fn change(clause: &Map<String, Value>) -> String {
    let field = text(clause, "field");
    let (old, new) = (shown(clause, "old"), shown(clause, "new"));
    let stayed = clause.get("old").zip(clause.get("new")).is_some_and(|(old, new)| same(old, new));
    let went = match (&old, &new) {
        (Some(_), Some(new)) if stayed => format!("{field} stayed {new}"),
        (Some(old), Some(new)) => format!("{field} went from {old} to {new}"),
        (None, Some(_)) => format!("the value of {field} before is not in the data"),
        (Some(_), None) => format!("the value of {field} now is not in the data"),
        (None, None) => format!("the values of {field} before and now are not in the data"),
    };
    let wish = match (text(clause, "type"), shown(clause, "wanted")) {
        ("increased", None) => "a rise".to_owned(),
        ("decreased", None) => "a fall".to_owned(),
        (kind, wanted) => wish(kind, clause, wanted),
    };
    format!("{went}; wanted {wish}")
}

fn value(clause: &Map<String, Value>, kind: &str) -> String {
    let field = text(clause, "field");
    let flaw = text(clause, "flaw");
    let flawed = Flaw::ALL.iter().find(|(_, name, _)| *name == flaw).map_or("", |(_, _, words)| words);
    let seen = match shown(clause, "seen") {
        Some(seen) => format!("{field} is {seen}{flawed}"),
        None => format!("{field} is not in the {}", place_of(field)),
    };
    format!("{seen}; wanted {}", wish(kind, clause, shown(clause, "wanted")))
}

/// Where a field is looked for.
fn place_of(field: &str) -> &'static str {
    match field.split(['.', '[']).next() {
        Some("record") => "record",
        Some("event") => "event",
        Some("item") => "item",
        Some(_) | None => "data",
    }
}

/// What a clause wants, in words.
fn wish(kind: &str, clause: &Map<String, Value>, wanted: Option<String>) -> String {
    let no = clause.get("wanted") == Some(&Value::Bool(false));
    match kind {
        "exists" => return if no { "it not to be there" } else { "it to be there" }.to_owned(),
        "is_empty" => return if no { "it not to be empty" } else { "it to be empty" }.to_owned(),
        _ => {}
    }
    let words = kind::find(kind).map_or("something else", |kind| kind.wish);
    let Some(wanted) = wanted else { return words.to_owned() };
    if !truth(clause, "wanted_field") {
        return format!("{words} {wanted}");
    }
    match (shown(clause, "against"), text(clause, "flaw")) {
        (None, _) => format!("{words} {wanted}, which is not in the {}", place_of(&wanted)),
        (Some(against), "wanted_unfit") => {
            format!("{words} {wanted}, which is {against} and nothing that it could be held against")
        }
        (Some(against), _) => format!("{words} {wanted}, which is {against}"),
    }
}

//! How is a change said to people? By what a rule calls its parts: `condition 2: value 10000 → 12000`.

use super::{
    Line,
    list::{Pair, paired},
};
use crate::record::mask_at;
use serde_json::Value;

/// The longest value that stands in a line, in characters.
const LONGEST: usize = 80;
/// The deepest that a change is looked for; below, the whole is said to have changed.
const DEEPEST: usize = 32;

/// The lines of two documents of definitions.
pub(super) fn lines(was: &Value, is: &Value) -> Vec<Line> {
    let mut telling = Telling { lines: Vec::new() };
    for name in [
        "name",
        "key",
        "description",
        "labels",
        "module_type",
        "trigger_id",
        "is_active",
        "priority",
        "stop_on_match",
    ] {
        telling.top(name, was.get(name), is.get(name));
    }
    for name in ["active_hours", "window", "absence", "throttle", "debounce", "concurrency"] {
        let place = Place::top(name);
        telling.value(&place, name, was.get(name), is.get(name));
    }
    for (name, noun) in [("conditions", "condition"), ("actions", "action")] {
        telling.parts(&Place::top(name), noun, list_of(was, name), list_of(is, name));
    }
    telling.lines
}

fn list_of<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Where something stands.
#[derive(Clone)]
struct Place(Vec<String>);

impl Place {
    fn top(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    fn at(&self, name: impl ToString) -> Self {
        let mut path = self.0.clone();
        path.push(name.to_string());
        Self(path)
    }

    /// A value that stands here, without what lets somebody in elsewhere.
    fn masked(&self, value: Option<&Value>) -> Option<Value> {
        let mut value = value?.clone();
        mask_at(&self.0, &mut value);
        Some(value)
    }

    /// `actions[0].parameters.message`
    fn path(&self) -> String {
        self.0.iter().fold(String::new(), |path, name| {
            let is_place = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            match (path.is_empty(), is_place) {
                (true, _) => name.clone(),
                (false, true) => format!("{path}[{name}]"),
                (false, false) => format!("{path}.{name}"),
            }
        })
    }
}

struct Telling {
    lines: Vec<Line>,
}

impl Telling {
    fn line(&mut self, place: &Place, text: String, was: Option<&Value>, is: Option<&Value>) {
        self.lines.push(Line { path: place.path(), text, was: place.masked(was), is: place.masked(is) });
    }

    /// A field that every rule has.
    fn top(&mut self, name: &str, was: Option<&Value>, is: Option<&Value>) {
        if was == is {
            return;
        }
        let truth = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or_default();
        let place = Place::top(name);
        let text = match name {
            "is_active" => if truth(is) { "switched on" } else { "switched off" }.to_owned(),
            "stop_on_match" if truth(is) => "rules after it are no longer asked when it matches".to_owned(),
            "stop_on_match" => "rules after it are asked again when it matches".to_owned(),
            "labels" => labels(was, is),
            "trigger_id" => changed("trigger", was, is),
            "module_type" => changed("module", was, is),
            // Null in a document stands for none.
            _ => match (was.filter(|was| !was.is_null()), is.filter(|is| !is.is_null())) {
                (None, Some(is)) => added(name, is),
                (Some(_), None) => format!("{name} removed"),
                (was, is) => changed(name, was, is),
            },
        };
        self.line(&place, text, was, is);
    }

    /// Conditions or actions, each by its number: `condition 2`, and within a group `condition 2.1`.
    fn parts(&mut self, place: &Place, noun: &str, was: &[Value], is: &[Value]) {
        for pair in paired(was, is) {
            match pair {
                Pair::Both(before, now) => {
                    let place = place.at(now);
                    if let (Some(before), Some(now_is)) = (was.get(before), is.get(now)) {
                        self.part(&place, &numbered(noun, now), before, now_is);
                    }
                }
                Pair::Was(before) => {
                    let text = format!("{} removed{}", numbered(noun, before), kind_of(was.get(before)));
                    self.line(&place.at(before), text, was.get(before), None);
                }
                Pair::Is(now) => {
                    let text = format!("{} added{}", numbered(noun, now), kind_of(is.get(now)));
                    self.line(&place.at(now), text, None, is.get(now));
                }
            }
        }
    }

    /// A condition or an action that may have changed.
    fn part(&mut self, place: &Place, noun: &str, was: &Value, is: &Value) {
        let (Some(before), Some(now)) = (was.as_object(), is.as_object()) else {
            return self.value(place, noun, Some(was), Some(is));
        };
        let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
        for name in names {
            let (was, is) = (before.get(name), now.get(name));
            let place = place.at(name);
            match (was, is) {
                _ if was == is => {}
                _ if place.0.len() > DEEPEST => self.value(&place, &format!("{noun}: {name}"), was, is),
                (Some(Value::Array(was)), Some(Value::Array(is))) if name == "conditions" => {
                    self.parts(&place, noun, was, is);
                }
                (Some(was), Some(is)) if name == "condition" => {
                    self.part(&place, &format!("{noun}.1"), was, is)
                }
                (Some(Value::Object(was)), Some(Value::Object(is))) if name == "parameters" => {
                    let names = was.keys().chain(is.keys().filter(|name| !was.contains_key(*name)));
                    for name in names {
                        let (was, is) = (was.get(name), is.get(name));
                        self.value(&place.at(name), &format!("{noun}: {name}"), was, is);
                    }
                }
                _ => self.value(&place, &format!("{noun}: {name}"), was, is),
            }
        }
    }

    /// Any other value: objects field by field, all else as a whole.
    fn value(&mut self, place: &Place, noun: &str, was: Option<&Value>, is: Option<&Value>) {
        if was == is {
            return;
        }
        match (was, is) {
            (Some(Value::Object(was)), Some(Value::Object(is))) if place.0.len() <= DEEPEST => {
                let names = was.keys().chain(is.keys().filter(|name| !was.contains_key(*name)));
                for name in names {
                    self.value(&place.at(name), &format!("{noun}.{name}"), was.get(name), is.get(name));
                }
            }
            _ => {
                let (before, now) = (place.masked(was), place.masked(is));
                let text = match (&before, &now) {
                    (None, Some(now)) => added(noun, now),
                    (Some(_), None) => format!("{noun} removed"),
                    // Both are masked, or both are nothing.
                    (before, now) if before == now => format!("{noun} changed"),
                    (before, now) => changed(noun, before.as_ref(), now.as_ref()),
                };
                self.line(place, text, was, is);
            }
        }
    }
}

/// `condition 2`; within `condition 2`, `condition 2.1`.
fn numbered(noun: &str, place: usize) -> String {
    let number = place.saturating_add(1);
    if noun.contains(' ') { format!("{noun}.{number}") } else { format!("{noun} {number}") }
}

fn kind_of(value: Option<&Value>) -> String {
    let kind = value.and_then(|value| value.get("type")).and_then(Value::as_str);
    kind.map(|kind| format!(" ({})", kind.chars().take(LONGEST).collect::<String>())).unwrap_or_default()
}

/// A value that is short enough for a line.
fn short(value: Option<&Value>) -> Option<String> {
    let text = value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    (text.chars().count() <= LONGEST).then_some(text)
}

fn changed(noun: &str, was: Option<&Value>, is: Option<&Value>) -> String {
    match (short(was), short(is)) {
        (Some(was), Some(is)) => format!("{noun} {was} → {is}"),
        _ => format!("{noun} changed"),
    }
}

fn added(noun: &str, is: &Value) -> String {
    short(Some(is)).map_or_else(|| format!("{noun} added"), |is| format!("{noun} added: {is}"))
}

fn labels(was: Option<&Value>, is: Option<&Value>) -> String {
    let names = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().map(ToString::to_string).collect()
    };
    let (was, is) = (names(was), names(is));
    let gone = was.iter().filter(|label| !is.contains(label)).map(|label| format!("label {label} removed"));
    let new = is.iter().filter(|label| !was.contains(label)).map(|label| format!("label {label} added"));
    gone.chain(new).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(was: Value, is: Value) -> Vec<String> {
        lines(&was, &is).into_iter().map(|line| format!("{} | {}", line.path, line.text)).collect()
    }

    #[test]
    fn changes_are_said_as_people_say_them() {
        let was = json!({
            "name": "Alert", "description": null, "labels": ["a", "b"], "is_active": true, "priority": 0, "stop_on_match": false,
            "trigger_id": "deal_closed_won",
            "conditions": [
                {"type": "exists", "field": "value", "value": true},
                {"type": "greater_than", "field": "value", "value": 10000},
                {"type": "any", "conditions": [{"type": "equals", "field": "a", "value": 1}, {"type": "not", "condition": {"type": "equals", "field": "b", "value": 2}}]},
            ],
            "actions": [{"type": "send_notification", "parameters": {"recipient": "a@example.com", "message": "x".repeat(100)}}],
            "throttle": {"limit": 1, "per": "PT1H"},
        });
        let mut is = was.clone();
        is["description"] = json!("For large deals");
        is["labels"] = json!(["b", "c"]);
        is["is_active"] = json!(false);
        is["stop_on_match"] = json!(true);
        is["conditions"][1]["value"] = json!(12000);
        is["conditions"][2]["conditions"][0]["value"] = json!(3);
        is["conditions"][2]["conditions"][1]["condition"]["field"] = json!("c");
        is["conditions"].as_array_mut().unwrap().push(json!({"type": "changed", "field": "stage"}));
        is["actions"][0]["parameters"]["message"] = json!("y".repeat(100));
        is["actions"][0]["parameters"]["title"] = json!("New");
        is["actions"][0]["delay"] = json!("PT5M");
        is["throttle"]["limit"] = json!(3);
        is["window"] = json!({"count": 3, "within": "PT10M"});
        assert_eq!(
            check(was.clone(), is.clone()),
            [
                "description | description added: \"For large deals\"",
                "labels | label \"a\" removed, label \"c\" added",
                "is_active | switched off",
                "stop_on_match | rules after it are no longer asked when it matches",
                "window | window added: {\"count\":3,\"within\":\"PT10M\"}",
                "throttle.limit | throttle.limit 1 → 3",
                "conditions[1].value | condition 2: value 10000 → 12000",
                "conditions[2].conditions[0].value | condition 3.1: value 1 → 3",
                "conditions[2].conditions[1].condition.field | condition 3.2.1: field \"b\" → \"c\"",
                "conditions[3] | condition 4 added (changed)",
                "actions[0].parameters.message | action 1: message changed",
                "actions[0].parameters.title | action 1: title added: \"New\"",
                "actions[0].delay | action 1: delay added: \"PT5M\"",
            ]
        );
        assert_eq!(check(was.clone(), was.clone()), [""; 0]);
        let back = check(is, was);
        assert!(
            back.contains(&"is_active | switched on".to_owned())
                && back.contains(&"window | window removed".to_owned()),
            "{back:?}"
        );
        assert!(back.contains(&"conditions[3] | condition 4 removed (changed)".to_owned()), "{back:?}");
    }

    #[test]
    fn what_lets_somebody_in_is_never_said() {
        let with = |token: &str, query: &str| {
            json!({"conditions": [], "actions": [{"type": "http_request", "parameters": {
                "url": format!("https://example.com/in?token={query}"), "headers": {"Authorization": token}}}]})
        };
        let lines = lines(&with("hush-1", "hush-2"), &with("hush-3", "hush-4"));
        let said: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(said, ["action 1: headers.Authorization changed", "action 1: url changed"]);
        assert!(!format!("{lines:?}").contains("hush"), "{lines:?}");
        let gone = super::lines(&with("hush-1", "hush-2"), &json!({"conditions": [], "actions": []}));
        assert!(gone.len() == 1 && !format!("{gone:?}").contains("hush"), "{gone:?}");
    }
}

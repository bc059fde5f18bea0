//! What must hold for anything that somebody who writes rules may send? Each target takes bytes: a text, and behind a byte 0, if
//! there is one, an event's data as JSON. It panics where something does not hold.

use language::{BUDGET, Conditions, Facts, Look, Moment, Occasion, Outcome, Vocabulary, payload, template, words};
use serde_json::{Value, json};

/// Data for texts that bring none.
const DATA: &str = r#"{"value": 12500.50, "money": "99.90", "long": 1234567890123456789012345678901234567890, "status": "open",
    "old_status": "new", "new_status": "open", "closes": "2026-01-31", "at": "2026-03-29T02:30:00", "tags": ["a", "b", 1, null], "name": "Ä b",
    "items": [{"price": 1.5, "count": 2, "sku": "A"}, {"price": 1e400}], "contact": {"email": "a@b.c", "phone": null}, "nothing": null}"#;

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "value": {"type": ["number", "string"]}, "status": {"type": "string", "maxLength": 20},
        "closes": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "maxItems": 20},
        "items": {"type": "array", "maxItems": 20, "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
        "contact": {"type": "object", "additionalProperties": false, "properties": {"email": {"type": "string"}, "phone": {}}},
    }})
}

fn parts(bytes: &[u8]) -> (String, Value) {
    let text = String::from_utf8_lossy(bytes);
    let (said, data) = text.split_once('\0').unwrap_or((&text, DATA));
    let data = payload::read(data).or_else(|_| payload::read(DATA)).unwrap_or_default();
    (said.to_owned(), data)
}

fn moment() -> Moment {
    Moment {
        now: "2026-03-29T00:30:00Z".parse().unwrap_or_default(),
        zone: "Europe/Berlin".parse().unwrap_or_default(),
    }
}

fn ask(list: &Value, data: &Value) {
    for vocabulary in [Vocabulary::open(), Vocabulary::new(&schema(), Some(&json!({"type": "object"})))] {
        let Ok(conditions) = Conditions::read(list, &vocabulary) else { continue };
        let facts = Facts::new(data, Some(data), Occasion::default(), moment());
        let quick = conditions.evaluate(&facts, Look::Quick);
        let whole = conditions.evaluate(&facts, Look::Whole);
        assert!(quick.cost <= BUDGET && whole.cost <= BUDGET, "it costs more than it may");
        if whole.outcome != Outcome::Spent {
            assert_eq!(quick.outcome, whole.outcome, "two looks find two things");
            assert_eq!(quick.decided_by(), whole.decided_by(), "two looks are decided by two conditions");
        }
        let told = words::told(&Value::Object(whole.to_json()), whole.holds());
        assert!(told["because"].is_string(), "there is no reason");
        let _ = (conditions.cost(), conditions.look_at_record(), conditions.required_equalities(), conditions.warnings());
    }
}

/// A list of conditions as JSON.
pub fn conditions(bytes: &[u8]) {
    let (said, data) = parts(bytes);
    let Ok(list) = payload::read(&said) else { return };
    ask(&list, &data);
    ask(&json!([{"type": "not", "condition": list}]), &data);
    let _ = words::told(&list, true);
}

/// An expression in CEL.
pub fn expressions(bytes: &[u8]) {
    let (said, data) = parts(bytes);
    ask(&json!([{"type": "expression", "value": said}]), &data);
    let of_items = json!([{"type": "expression", "value": said}]);
    ask(&json!([{"type": "any_item", "field": "items", "conditions": of_items}]), &data);
}

/// A template.
pub fn templates(bytes: &[u8]) {
    let (said, data) = parts(bytes);
    for address in [false, true] {
        let mut templates = template::Templates::new();
        let Ok(Some(added)) = templates.add(&said, address, &Vocabulary::open()) else { continue };
        let facts = Facts::new(&data, Some(&data), Occasion::default(), moment());
        if let Ok(rendered) = templates.render(added.id, &template::Context::with_results(&facts, &data)) {
            assert!(rendered.text.len() <= 64 * 1024, "it comes to more than it may");
        }
    }
}

//! Does a mapping say what it should? One `check` for each side: what may be saved, and what comes of a request.

use super::*;
use ::webhooks::inbound::Preset;
use serde_json::from_str;

fn source() -> Source {
    Source {
        id: "src_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
        name: "Billing".to_owned(),
        description: None,
        preset: Preset::GitHub,
        secret_count: 1,
        has_verify_token: false,
        networks: Vec::new(),
        mapping: Mapping { trigger: String::new(), data: None, id: None },
        rate_per_minute: 1,
        keep_days: 1,
        is_active: true,
        version: 1,
        created_at: Instant::from_millis(0),
        updated_at: Instant::from_millis(0),
    }
}

fn mapping(trigger: &str, data: Option<Value>) -> Mapping {
    Mapping { trigger: trigger.to_owned(), data, id: Some("{{ body.id }}".to_owned()) }
}

const BODY: &str = r#"{"id": 7, "type": "invoice.paid", "amount": 12345678901234567890.10, "lines": [{"name": "a"}, {"name": "b"}],
    "none": null, "nested": {"deep": true}}"#;

fn mapped(mapping: &Mapping) -> Result<Mapped, FieldFault> {
    let headers = [("content-type", "application/json"), ("x-topic", "orders/create"), ("x-topic", "again")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = source();
    let seen = Seen {
        source: &source,
        headers: &headers,
        body: BODY.as_bytes(),
        id: Some("d-1"),
        kind: Some("push"),
        at: Instant::from_millis(1_700_000_000_000),
    };
    read(mapping).unwrap().map(&seen, chrono_tz::Tz::UTC)
}

/// What a text of the data comes to.
fn check(template: &str, wanted: Value) {
    let made = mapped(&mapping("t", Some(json!({"x": template})))).unwrap();
    assert_eq!(made.data.get("x").cloned().unwrap_or_default(), wanted, "{template}");
}

#[test]
fn a_place_alone_keeps_what_it_is_and_other_texts_are_texts() {
    check("{{ body.amount }}", from_str("12345678901234567890.10").unwrap());
    check("{{body.lines}}", json!([{"name": "a"}, {"name": "b"}]));
    check("{{ body.lines[1].name }}", json!("b"));
    check("{{ body['nested'].deep }}", json!(true));
    check(r#"{{ headers["x-topic"] }}"#, json!("orders/create, again"));
    check("{{ kind }}", json!("push"));
    check("{{ id }}", json!("d-1"));
    check("{{ source.name }}", json!("Billing"));
    check("{{ body.none }}", json!(null));
    check("{{ body.amount }} EUR", json!("12345678901234567890.10 EUR"));
    check("{{ body.type | upper }}", json!("INVOICE.PAID"));
    check("{% if body.nested.deep %}yes{% endif %}", json!("yes"));
    check("{{ now }}", json!("2023-11-14T22:13:20.000Z"));
    check("as it is", json!("as it is"));
}

#[test]
fn what_is_not_there_is_left_out_or_stands_empty_and_is_told() {
    let data = json!({"gone": "{{ body.gone }}", "list": ["{{ body.gone }}"], "text": "<{{ body.gone }}>"});
    let made = mapped(&mapping("t", Some(data))).unwrap();
    assert_eq!(made.data, json!({"list": [null], "text": "<>"}));
    let mut told: Vec<&str> = made.warnings.iter().map(|fault| fault.field.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["mapping.data.gone", "mapping.data.list[0]", "mapping.data.text"]);
}

#[test]
fn trigger_and_id_are_texts_and_the_data_an_object() {
    let made = mapped(&mapping(" {{ body.type }} ", None)).unwrap();
    assert_eq!((made.trigger.as_str(), made.id.as_deref()), ("invoice.paid", Some("7")));
    assert_eq!(made.data, from_str::<Value>(BODY).unwrap());
    assert_eq!(mapped(&mapping("t", Some(json!("{{ body.nested }}")))).unwrap().data, json!({"deep": true}));
    let faults = [
        mapped(&mapping("{{ body.gone }}", None)).unwrap_err().field,
        mapped(&mapping("{{ body.nested }}", None)).unwrap_err().field,
        mapped(&mapping("t", Some(json!("{{ body.amount }}")))).unwrap_err().field,
    ];
    assert_eq!(faults, ["mapping.trigger_id", "mapping.trigger_id", "mapping.data"]);
}

#[test]
fn every_faulty_field_of_a_mapping_is_named() {
    let catalogue = Catalogue::default();
    let named = |mapping: &Mapping| -> Vec<String> {
        faults(mapping, &catalogue).into_iter().map(|fault| fault.field).collect()
    };
    let data = json!({"a": "{{ payload.x }}", "b": ["{{ body.x | nosuchfilter }}"], "c": "{{ body.", "d": "{{ body.x }}"});
    let wrong =
        Mapping { id: Some("{% include 'x' %}".to_owned()), ..mapping("no_such_trigger", Some(data)) };
    assert_eq!(
        named(&wrong),
        ["mapping.data.a", "mapping.data.b[0]", "mapping.data.c", "mapping.id", "mapping.trigger_id"]
    );
    assert_eq!(named(&mapping("{{ kind }}", Some(json!([1])))), ["mapping.data"]);
    assert_eq!(named(&mapping("{{ kind }}", Some(json!({"a": "x".repeat(70_000)})))), ["mapping.data"]);
    assert_eq!(named(&mapping(&"{{ kind }}".repeat(60), None)), ["mapping.trigger_id"]);
    assert_eq!(named(&mapping("{{ kind }}", None)), [""; 0]);
}

#[test]
fn only_a_place_alone_is_a_place() {
    let steps = |text: &str| place(text).map(|(steps, _)| steps.len());
    for (text, wanted) in [
        ("{{ body }}", Some(1)),
        ("{{body.a_1.b}}", Some(3)),
        ("{{ body.a[0]['b c'] }}", Some(4)),
        ("{{ body.a-b }}", None),
        ("{{ body.a }}{{ body.b }}", None),
        ("{{ body.a|upper }}", None),
        ("{{ body.a }} ", Some(2)),
        ("x{{ body.a }}", None),
        ("{{ body..a }}", None),
        ("{{ body[a] }}", None),
        ("{{ now }}", None),
        ("{{ other.a }}", None),
    ] {
        assert_eq!(steps(text), wanted, "{text}");
    }
}

#[test]
fn a_short_mapping_does_not_come_to_a_long_outcome() {
    let source = source();
    let body = format!(r#"{{"long": "{}"}}"#, "x".repeat(300 * 1024));
    let seen = Seen {
        source: &source,
        headers: &[],
        body: body.as_bytes(),
        id: None,
        kind: None,
        at: Instant::from_millis(0),
    };
    let outcome = |times: usize| {
        let data = json!({"all": vec!["{{ body.long }}"; times]});
        read(&mapping("t", Some(data))).unwrap().map(&seen, chrono_tz::Tz::UTC)
    };
    assert!(outcome(3).is_ok());
    assert_eq!(outcome(4).unwrap_err().field, "mapping.data.all[3]");
}

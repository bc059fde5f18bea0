//! How does an event arrive? As `{event, data}`, or as a CloudEvent 1.0.2 in structured, binary or batch mode
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md>).
//!
//! Data is kept as the text that was sent, so a number beyond 64 bits stays what it was. A CloudEvent's `type` names the
//! trigger: `deal_closed_won`, or with its module, `sales.deal_closed_won`. (source, id) is its key.

use crate::{Dedupe, EventError, NewEvent, fingerprint};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{FieldFault, Fields, Instant};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The media type of one structured CloudEvent.
pub const STRUCTURED_TYPE: &str = "application/cloudevents+json";
/// The media type of a batch of CloudEvents.
pub const BATCH_TYPE: &str = "application/cloudevents-batch+json";
/// The most events in a batch.
pub const BATCH_LIMIT: usize = 1000;

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn whole(message: impl std::fmt::Display) -> EventError {
    EventError::Fields(vec![FieldFault::new("body", message)])
}

fn members(body: &str) -> Result<Members<'_>, EventError> {
    serde_json::from_str(body).map_err(|_| whole("must be a JSON object"))
}

/// A member that is a non-empty text.
fn text(members: &mut Members<'_>, name: &str, fields: &mut Fields) -> Option<String> {
    let raw = members.remove(name)?;
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) if !text.is_empty() && text.len() <= 2048 => Some(text),
        Ok(_) | Err(_) => {
            fields.fault(name, "must be a text of 1 to 2,048 bytes");
            None
        }
    }
}

fn required(found: Option<String>, name: &str, fields: &mut Fields) -> String {
    if found.is_none() && fields.is_sound() {
        fields.fault(name, "is missing");
    }
    found.unwrap_or_default()
}

fn data(members: &mut Members<'_>, fields: &mut Fields) -> String {
    let raw = members.remove("data").map_or("{}", RawValue::get);
    if !raw.trim_start().starts_with('{') {
        fields.fault("data", "must be a JSON object");
    }
    raw.to_owned()
}

/// `{event, data}`, with the sender's `Idempotency-Key` if there was one.
///
/// # Errors
/// [`EventError::Fields`] with all faulty fields.
pub fn plain(body: &str, key: Option<&str>) -> Result<NewEvent, EventError> {
    let mut members = members(body)?;
    let mut fields = Fields::new();
    let trigger = text(&mut members, "event", &mut fields);
    let trigger = required(trigger, "event", &mut fields);
    let data = data(&mut members, &mut fields);
    for name in members.keys() {
        fields.fault(name, "is not a field of an event; there are event and data");
    }
    fields.done().map_err(EventError::Fields)?;
    let dedupe =
        key.map(|key| Dedupe { key: format!("key:{key}"), fingerprint: fingerprint(&trigger, &data) });
    Ok(NewEvent {
        trigger,
        data,
        source: "api".to_owned(),
        external_id: None,
        subject: None,
        occurred: None,
        dedupe,
    })
}

/// One structured CloudEvent.
///
/// # Errors
/// [`EventError::Fields`] with all faulty fields.
pub fn structured(body: &str) -> Result<NewEvent, EventError> {
    let mut members = members(body)?;
    let mut fields = Fields::new();
    let mut take = |name: &str| text(&mut members, name, &mut fields);
    let attributes = Binary {
        specversion: take("specversion"),
        id: take("id"),
        source: take("source"),
        kind: take("type"),
        time: take("time"),
        subject: take("subject"),
        content_type: take("datacontenttype"),
    };
    let data = match members.get("data_base64") {
        None => data(&mut members, &mut fields),
        Some(raw) => decoded(raw, &mut fields),
    };
    cloud(attributes, data, fields)
}

fn decoded(raw: &RawValue, fields: &mut Fields) -> String {
    let bytes = serde_json::from_str::<String>(raw.get()).ok().and_then(|text| STANDARD.decode(text).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    match text.filter(|text| serde_json::from_str::<Members<'_>>(text).is_ok()) {
        Some(text) => text,
        None => {
            fields.fault("data_base64", "must be the base64 of a JSON object");
            String::new()
        }
    }
}

/// The attributes of a CloudEvent: of a binary one its `ce-…` headers, without the prefix.
#[derive(Debug, Clone, Default)]
pub struct Binary {
    /// `1.0`.
    pub specversion: Option<String>,
    /// The sender's id.
    pub id: Option<String>,
    /// Where it happened.
    pub source: Option<String>,
    /// What happened: the trigger.
    pub kind: Option<String>,
    /// When, of RFC 3339.
    pub time: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// The data's media type; JSON unless said otherwise.
    pub content_type: Option<String>,
}

/// One CloudEvent in binary mode: attributes from headers, the body is the data.
///
/// # Errors
/// [`EventError::Fields`] with all faulty fields.
pub fn binary(attributes: Binary, body: &str) -> Result<NewEvent, EventError> {
    let mut fields = Fields::new();
    if serde_json::from_str::<Members<'_>>(body).is_err() {
        fields.fault("data", "must be a JSON object");
    }
    cloud(attributes, body.to_owned(), fields)
}

fn cloud(attributes: Binary, data: String, mut fields: Fields) -> Result<NewEvent, EventError> {
    match attributes.specversion.as_deref() {
        Some("1.0") => {}
        Some(_) => fields.fault("specversion", "must be 1.0"),
        None => fields.fault("specversion", "is missing"),
    }
    for (name, value) in [("id", &attributes.id), ("source", &attributes.source), ("type", &attributes.kind)]
    {
        if value.is_none() {
            fields.fault(name, "is missing");
        }
    }
    if let Some(kind) = &attributes.content_type {
        let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if plain != "application/json" && !plain.ends_with("+json") {
            fields.fault("datacontenttype", "must be JSON");
        }
    }
    let occurred = match &attributes.time {
        Some(time) => fields.take("time", time.parse::<Instant>()),
        None => None,
    };
    fields.done().map_err(EventError::Fields)?;
    let (id, source) = (attributes.id.unwrap_or_default(), attributes.source.unwrap_or_default());
    let trigger = attributes.kind.unwrap_or_default();
    // The length keeps (a, bc) apart from (ab, c).
    let key = format!("ce:{}:{source}:{id}", source.len());
    Ok(NewEvent {
        dedupe: Some(Dedupe { key, fingerprint: fingerprint(&trigger, &data) }),
        trigger,
        data,
        source,
        external_id: Some(id),
        subject: attributes.subject,
        occurred,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(outcome: Result<NewEvent, EventError>) -> Vec<String> {
        match outcome {
            Err(EventError::Fields(fields)) => fields.iter().map(ToString::to_string).collect(),
            other => panic!("expected faulty fields, got {other:?}"),
        }
    }

    #[test]
    fn data_stays_as_sent() {
        let body =
            r#"{"event": "deal_closed_won", "data": {"value": 123456789012345678901234567890.10,  "a":1}}"#;
        let event = plain(body, None).unwrap();
        assert_eq!(event.data, r#"{"value": 123456789012345678901234567890.10,  "a":1}"#);
        assert_eq!(event.dedupe, None);
    }

    #[test]
    fn the_plain_form_names_every_fault() {
        assert_eq!(faults(plain("[]", None)), ["body: must be a JSON object"]);
        assert_eq!(faults(plain("{}", None)), ["event: is missing"]);
        assert_eq!(
            faults(plain(r#"{"event": 1, "data": [], "more": 2}"#, None)),
            [
                "event: must be a text of 1 to 2,048 bytes",
                "data: must be a JSON object",
                "more: is not a field of an event; there are event and data",
            ]
        );
    }

    #[test]
    fn a_structured_event_is_keyed_by_source_and_id() {
        let body = r#"{"specversion":"1.0","id":"1","source":"/crm","type":"lead_created","data":{"lead_id":"l"},
            "time":"2026-01-01T00:00:00Z","comexampleext":"kept out"}"#;
        let event = structured(body).unwrap();
        assert_eq!(event.dedupe.unwrap().key, "ce:4:/crm:1");
        assert_eq!(event.occurred, Some(Instant::from_millis(1_767_225_600_000)));
        let other = structured(&body.replace(r#""data":{"lead_id":"l"}"#, r#""data_base64":"eyJhIjoxfQ==""#))
            .unwrap();
        assert_eq!(other.data, r#"{"a":1}"#);
    }

    #[test]
    fn a_cloudevent_names_every_fault() {
        assert_eq!(
            faults(structured("{}")),
            ["specversion: is missing", "id: is missing", "source: is missing", "type: is missing",]
        );
        let body = r#"{"specversion":"0.3","id":"1","source":"s","type":"t","time":"noon","datacontenttype":"text/xml","data":3}"#;
        assert_eq!(faults(structured(body)).len(), 4);
    }
}

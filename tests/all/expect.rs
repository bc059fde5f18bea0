//! What does every answer look like? The shapes that the contract promises, checked in one place.

use serde_json::Value;
use tests::Answer;

/// An error: the envelope of the contract, this status, and this code if one is named.
#[track_caller]
pub fn problem(answer: &Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/json"), "an error is JSON, this is {kind:?}: {}", answer.text());
    let body = answer.json().unwrap();
    let error = &body["error"];
    assert_eq!(error["code"], code, "{body}");
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "says too little: {body}");
    assert!(error["details"].is_array(), "has no details: {body}");
    let request = error["request_id"].as_str().unwrap_or_default();
    assert!(
        !request.is_empty() && answer.header("x-request-id") == Some(request),
        "names no request: {body}"
    );
    body
}

/// An error that names these faulty fields, all of them at once.
#[track_caller]
pub fn fields(answer: &Answer, status: u16, code: &str, wanted: &[&str]) {
    let body = problem(answer, status, code);
    let named: Vec<&str> = body["error"]["details"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|detail| detail["field"].as_str())
        .collect();
    for field in wanted {
        assert!(named.contains(field), "{field} is not among {named:?}: {body}");
    }
}

/// The body as text with ids and times blotted out, for snapshots.
pub fn steady(value: &Value) -> String {
    serde_json::to_string_pretty(&blotted(value)).unwrap()
}

fn blotted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(blot(text)),
        Value::Array(values) => values.iter().map(blotted).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), blotted(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn blot(text: &str) -> String {
    text.split(' ').map(blotted_word).collect::<Vec<_>>().join(" ")
}

fn blotted_word(word: &str) -> String {
    let is_id = word.split_once('_').is_some_and(|(prefix, rest)| {
        (2..=4).contains(&prefix.len())
            && rest.len() >= 20
            && rest.chars().all(|sign| sign.is_ascii_alphanumeric())
    });
    if is_id {
        return format!("[{}]", word.split('_').next().unwrap_or_default());
    }
    let is_time = word.ends_with('Z') && word.get(4..5) == Some("-") && word.get(10..11) == Some("T");
    let is_trace = word.len() == 55 && word.starts_with("00-");
    match (is_time, is_trace) {
        (true, _) => "[time]".to_owned(),
        (_, true) => "[traceparent]".to_owned(),
        (false, false) => word.to_owned(),
    }
}

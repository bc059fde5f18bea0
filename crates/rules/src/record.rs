//! What does the audit say of a rule? All that it says, without what lets somebody in elsewhere.

use crate::{Rule, document::document};
use serde_json::Value;

/// The rule as the audit shows it: what headers hold is left out, and what stands behind a URL's question mark.
pub(crate) fn seen(rule: &Rule) -> Value {
    let mut said = document(&rule.definition);
    if let Some(actions) = said.get_mut("actions") {
        mask(actions);
    }
    if let Some(object) = said.as_object_mut() {
        object.insert("version".to_owned(), rule.version.into());
    }
    said
}

/// Masks a value that stands at a place of a rule's document, names and numbers from the top: what is below actions as
/// [`seen`] masks it.
pub(crate) fn mask_at(place: &[String], value: &mut Value) {
    let names: Vec<&str> = place.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => {
            if let Some(actions) = value.get_mut("actions") {
                mask(actions);
            }
        }
        ["actions"] => mask(value),
        ["actions", _] => mask_action(value),
        ["actions", _, "parameters"] => mask_parameters(value),
        ["actions", _, "parameters", "headers"] => mask_headers(value),
        ["actions", _, "parameters", "headers", ..] => *value = "…".into(),
        ["actions", _, "parameters", "url"] => mask_url(value),
        _ => {}
    }
}

fn mask(actions: &mut Value) {
    actions.as_array_mut().into_iter().flatten().for_each(mask_action);
}

fn mask_action(action: &mut Value) {
    if let Some(parameters) = action.get_mut("parameters") {
        mask_parameters(parameters);
    }
}

fn mask_parameters(parameters: &mut Value) {
    if let Some(headers) = parameters.get_mut("headers") {
        mask_headers(headers);
    }
    if let Some(url) = parameters.get_mut("url") {
        mask_url(url);
    }
}

fn mask_headers(headers: &mut Value) {
    for (_, header) in headers.as_object_mut().into_iter().flatten() {
        *header = "…".into();
    }
}

fn mask_url(url: &mut Value) {
    if let Some(bare) = url.as_str().map(without_secrets) {
        *url = bare.into();
    }
}

/// A URL without its user and its query.
fn without_secrets(url: &str) -> String {
    let (bare, hidden) = url.split_once('?').map_or((url, ""), |(bare, _)| (bare, "?…"));
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |place| rest.split_at(place));
            let host =
                authority.rsplit_once('@').map_or(authority.to_owned(), |(_, host)| format!("…@{host}"));
            format!("{scheme}://{host}{path}{hidden}")
        }
        None => format!("{bare}{hidden}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_lets_somebody_in_is_left_out() {
        let mut actions = json!([
            {"type": "http_request", "parameters": {"url": "https://u:p@example.com/in?token=hush",
                "headers": {"Authorization": "Bearer hush"}, "body": {"a": 1}}},
            {"type": "send_notification", "parameters": {"recipient": "ana@example.com", "message": "Hello"}},
        ]);
        mask(&mut actions);
        let text = actions.to_string();
        assert!(!text.contains("hush") && !text.contains("u:p"), "{text}");
        assert!(text.contains("https://…@example.com/in?…") && text.contains("ana@example.com"), "{text}");
        assert_eq!(without_secrets("{{url}}"), "{{url}}");
    }
}

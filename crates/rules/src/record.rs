//! What does the audit say of a rule? All that it says, without what lets somebody in elsewhere.

use crate::Rule;
use serde_json::{Value, json};

/// The rule as the audit shows it: what headers hold is left out, and what stands behind a URL's question mark.
pub(crate) fn seen(rule: &Rule) -> Value {
    let mut actions = rule.definition.actions.clone();
    mask(&mut actions);
    json!({
        "version": rule.version,
        "name": rule.definition.name,
        "description": rule.definition.description,
        "module_type": rule.definition.module_type,
        "trigger_id": rule.definition.trigger_id,
        "conditions": rule.definition.conditions,
        "actions": actions,
        "is_active": rule.definition.is_active,
        "priority": rule.definition.priority,
        "stop_on_match": rule.definition.stop_on_match,
    })
}

fn mask(actions: &mut Value) {
    for action in actions.as_array_mut().into_iter().flatten() {
        let Some(parameters) = action.get_mut("parameters").and_then(Value::as_object_mut) else { continue };
        for header in parameters.get_mut("headers").and_then(Value::as_object_mut).into_iter().flatten() {
            *header.1 = "…".into();
        }
        let bare = parameters.get("url").and_then(Value::as_str).map(without_secrets);
        if let (Some(bare), Some(url)) = (bare, parameters.get_mut("url")) {
            *url = bare.into();
        }
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

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

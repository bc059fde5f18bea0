//! How is an operation tried from a terminal? By a `curl` that can be pasted.

use crate::{
    example::example,
    html::anchor,
    outline::{Access, Form, Operation, Parameter},
};
use serde_json::Value;

/// The command for an operation of a service that answers at `base`.
pub(crate) fn curl(document: &Value, base: &str, operation: &Operation<'_>) -> String {
    let mut url = format!("{base}{}", operation.path);
    for parameter in operation.parameters.iter().filter(|parameter| parameter.place == "path") {
        url = url.replace(&format!("{{{}}}", parameter.name), &stand_in(parameter));
    }
    let query: Vec<String> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == "query" && parameter.required)
        .map(|parameter| format!("{}={}", parameter.name, stand_in(parameter)))
        .collect();
    if !query.is_empty() {
        url = format!("{url}?{}", query.join("&"));
    }
    let method = operation.method.to_uppercase();
    let start = if method == "GET" { "curl".to_owned() } else { format!("curl -X {method}") };
    let mut lines = vec![format!("{start} {}", quoted(&url))];
    if !matches!(operation.access, Access::Everybody) {
        lines.push(r#"-H "Authorization: Bearer $TOKEN""#.to_owned());
    }
    for parameter in operation.parameters.iter().filter(|one| one.place == "header" && one.required) {
        lines.push(format!("-H {}", quoted(&format!("{}: {}", parameter.name, stand_in(parameter)))));
    }
    if let Some(form) = operation.body.as_ref().and_then(|body| preferred(&body.forms)) {
        lines.push(format!("-H {}", quoted(&format!("Content-Type: {}", form.media))));
        let value = form.example.cloned().unwrap_or_else(|| example(document, form.schema));
        let text = match &value {
            Value::String(text) if !form.media.contains("json") => text.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        lines.push(format!("-d '{}'", text.replace('\'', r"'\''")));
    }
    lines.join(" \\\n  ")
}

/// Plain JSON, if the body may be that.
fn preferred<'a>(forms: &'a [Form<'a>]) -> Option<&'a Form<'a>> {
    forms.iter().find(|form| form.media == "application/json").or_else(|| forms.first())
}

/// An example if there is one, else a variable of the shell for the reader to set.
fn stand_in(parameter: &Parameter<'_>) -> String {
    let given = parameter.example.or_else(|| parameter.schema.get("example"));
    match given {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => format!("${}", anchor(parameter.name).replace('-', "_").to_uppercase()),
    }
}

/// In double quotes, so that variables are filled and nothing else happens.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '`') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::areas;
    use serde_json::json;

    fn check(path: &str, method: &str, operation: Value, wanted: &str) {
        let document = json!({"paths": {path: {method: operation}}});
        let areas = areas(&document);
        assert_eq!(curl(&document, "http://127.0.0.1:3000", &areas[0].operations[0]), wanted);
    }

    #[test]
    fn what_is_needed_and_no_more() {
        check("/health", "get", json!({}), r#"curl "http://127.0.0.1:3000/health""#);
        check(
            "/rules/{id}/toggle",
            "put",
            json!({
                "security": [{"bearer": []}],
                "parameters": [
                    {"name": "id", "in": "path", "required": true},
                    {"name": "is_active", "in": "query", "required": true, "example": true},
                    {"name": "limit", "in": "query"},
                ],
            }),
            "curl -X PUT \"http://127.0.0.1:3000/rules/$ID/toggle?is_active=true\" \\\n  -H \"Authorization: Bearer $TOKEN\"",
        );
    }

    #[test]
    fn quotes_stay_inside_the_body() {
        check(
            "/x",
            "post",
            json!({"requestBody": {"content": {
                "application/cloudevents+json": {"schema": {}},
                "application/json": {"schema": {}, "example": {"a": "it's"}},
            }}}),
            "curl -X POST \"http://127.0.0.1:3000/x\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{\n  \"a\": \"it'\\''s\"\n}'",
        );
    }
}

//! What stands in a document? Areas, the operations of each, and what each operation takes and gives.

use crate::html::anchor;
use serde_json::Value;

/// The methods, in the order in which people look for them.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Where operations stand that name no area.
const ELSEWHERE: &str = "other";

pub(crate) struct Area<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) operations: Vec<Operation<'a>>,
}

pub(crate) struct Operation<'a> {
    /// Unique on the page.
    pub(crate) anchor: String,
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) description: &'a str,
    pub(crate) deprecated: bool,
    pub(crate) access: Access,
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) body: Option<Body<'a>>,
    pub(crate) answers: Vec<Answer<'a>>,
}

/// Who may call.
pub(crate) enum Access {
    Everybody,
    AnyCredential,
    Permission(String),
}

pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    /// path, query, header or cookie
    pub(crate) place: &'a str,
    pub(crate) required: bool,
    pub(crate) description: &'a str,
    pub(crate) schema: &'a Value,
    pub(crate) example: Option<&'a Value>,
}

pub(crate) struct Body<'a> {
    pub(crate) required: bool,
    pub(crate) description: &'a str,
    pub(crate) forms: Vec<Form<'a>>,
}

/// A media type and what is in it.
pub(crate) struct Form<'a> {
    pub(crate) media: &'a str,
    pub(crate) schema: &'a Value,
    pub(crate) example: Option<&'a Value>,
}

pub(crate) struct Answer<'a> {
    pub(crate) status: &'a str,
    pub(crate) description: &'a str,
    pub(crate) forms: Vec<Form<'a>>,
    /// The answer is our error envelope, which is shown once for all.
    pub(crate) is_fault: bool,
}

/// The text under `key`, or nothing.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether `key` is true.
pub(crate) fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// What `value` points at if it is a `$ref` into the document, else itself.
pub(crate) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The areas of a document, in the order of its tags.
pub(crate) fn areas(document: &Value) -> Vec<Area<'_>> {
    let mut areas: Vec<Area<'_>> = list(document, "tags")
        .map(|tag| Area {
            name: text(tag, "name"),
            description: text(tag, "description"),
            operations: Vec::new(),
        })
        .collect();
    for (path, item) in object(document, "paths") {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let name = list(operation, "tags").next().and_then(Value::as_str).unwrap_or(ELSEWHERE);
            let operation = outline(document, method, path, item, operation);
            match areas.iter_mut().find(|area| area.name == name) {
                Some(area) => area.operations.push(operation),
                None => areas.push(Area { name, description: "", operations: vec![operation] }),
            }
        }
    }
    areas.retain(|area| !area.operations.is_empty());
    areas
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn object<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn outline<'a>(
    document: &'a Value,
    method: &'static str,
    path: &'a str,
    item: &'a Value,
    operation: &'a Value,
) -> Operation<'a> {
    let parameters = list(item, "parameters").chain(list(operation, "parameters"));
    let mut parameters: Vec<Parameter<'a>> =
        parameters.map(|parameter| parameter_of(resolved(document, parameter))).collect();
    parameters.sort_by_key(|parameter| {
        let place = ["path", "query", "header", "cookie"].iter().position(|place| *place == parameter.place);
        (place, !parameter.required)
    });
    Operation {
        anchor: anchor(&format!("{method} {path}")),
        method,
        path,
        summary: text(operation, "summary"),
        description: text(operation, "description"),
        deprecated: is(operation, "deprecated"),
        access: access(operation),
        parameters,
        body: operation.get("requestBody").map(|body| body_of(document, resolved(document, body))),
        answers: object(operation, "responses")
            .map(|(status, answer)| answer_of(document, status, resolved(document, answer)))
            .collect(),
    }
}

/// The permission stands in the security requirement, or in the description: "Needs `jobs:read`."
fn access(operation: &Value) -> Access {
    let needs: Vec<&Value> = list(operation, "security").collect();
    let open =
        needs.is_empty() || needs.iter().any(|need| need.as_object().is_some_and(|one| one.is_empty()));
    if open {
        return Access::Everybody;
    }
    let scopes: Vec<&str> = needs
        .iter()
        .filter_map(|need| need.as_object())
        .flat_map(|schemes| schemes.values())
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let said = text(operation, "description")
        .split("Needs `")
        .nth(1)
        .and_then(|rest| rest.split('`').next())
        .filter(|word| word.contains(':'));
    match (scopes.first(), said) {
        (Some(_), _) => Access::Permission(scopes.join(", ")),
        (None, Some(permission)) => Access::Permission(permission.to_owned()),
        (None, None) => Access::AnyCredential,
    }
}

fn parameter_of(parameter: &Value) -> Parameter<'_> {
    Parameter {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        required: is(parameter, "required"),
        description: text(parameter, "description"),
        schema: parameter.get("schema").unwrap_or(&Value::Null),
        example: example_of(parameter),
    }
}

fn body_of<'a>(document: &'a Value, body: &'a Value) -> Body<'a> {
    Body {
        required: is(body, "required"),
        description: text(body, "description"),
        forms: forms(document, body),
    }
}

fn answer_of<'a>(document: &'a Value, status: &'a str, answer: &'a Value) -> Answer<'a> {
    let forms = forms(document, answer);
    let is_fault = status.starts_with(['4', '5'])
        && forms.iter().all(|form| text(form.schema, "$ref").ends_with("/FaultBody"));
    Answer { status, description: text(answer, "description"), forms, is_fault }
}

fn forms<'a>(document: &'a Value, holder: &'a Value) -> Vec<Form<'a>> {
    object(holder, "content")
        .map(|(media, form)| Form {
            media,
            schema: form.get("schema").unwrap_or(&Value::Null),
            example: example_of(form).or_else(|| {
                let (_, first) = object(form, "examples").next()?;
                resolved(document, first).get("value")
            }),
        })
        .collect()
}

fn example_of(holder: &Value) -> Option<&Value> {
    holder.get("example")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(operation: &Value, wanted: &str) {
        let access = match access(operation) {
            Access::Everybody => "everybody".to_owned(),
            Access::AnyCredential => "any".to_owned(),
            Access::Permission(name) => name,
        };
        assert_eq!(access, wanted, "{operation}");
    }

    #[test]
    fn who_may_call() {
        check(&json!({}), "everybody");
        check(&json!({"security": [{}]}), "everybody");
        check(&json!({"security": [{"bearer": []}]}), "any");
        check(&json!({"security": [{"bearer": ["jobs:read"]}]}), "jobs:read");
        check(
            &json!({"security": [{"bearer": []}], "description": "Newest first. Needs `jobs:read`."}),
            "jobs:read",
        );
        check(&json!({"security": [{"bearer": []}], "description": "Needs `limit` rows."}), "any");
    }

    #[test]
    fn areas_come_in_the_order_of_the_tags_and_methods_in_theirs() {
        let document = json!({
            "tags": [{"name": "rules"}, {"name": "jobs"}, {"name": "empty"}],
            "paths": {
                "/jobs": {"delete": {"tags": ["jobs"]}, "get": {"tags": ["jobs"]}},
                "/rules": {"get": {"tags": ["rules"]}},
                "/x": {"get": {}},
            },
        });
        let seen: Vec<(&str, Vec<&str>)> = areas(&document)
            .iter()
            .map(|area| (area.name, area.operations.iter().map(|operation| operation.method).collect()))
            .collect();
        assert_eq!(seen, [("rules", vec!["get"]), ("jobs", vec!["get", "delete"]), ("other", vec!["get"])]);
    }
}

//! Which operations are there, and how is each called? Read from the OpenAPI document, so that a new route is tested by existing.

use crate::stage::{fresh, get, rule_for, tell};
use serde_json::{Value, json};
use tests::{Client, Request};

/// One method on one path.
pub struct Operation {
    /// `POST`.
    pub method: String,
    /// As in the document: `/api/v1/automation/rules/{id}`.
    pub template: String,
    /// Whether it needs no credential.
    pub is_public: bool,
    body: Option<Body>,
}

/// What an operation is sent.
enum Body {
    Json(Value),
    Csv(String),
}

/// All operations of the document, those that destroy last.
pub fn operations(client: &Client) -> Vec<Operation> {
    let document = get(client, "/api/v1/openapi.json");
    let mut found = Vec::new();
    for (template, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if !["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            let security = operation.get("security").or_else(|| document.get("security"));
            let needs = security
                .and_then(Value::as_array)
                .is_some_and(|needs| needs.iter().any(|need| need != &json!({})));
            found.push(Operation {
                method: method.to_uppercase(),
                template: template.clone(),
                // The OAuth endpoints say who may in OAuth's own way: oauth.rs looks at that.
                is_public: !needs || template.starts_with("/api/v1/oauth/"),
                body: body(method, template, operation, &document),
            });
        }
    }
    let rank = |operation: &Operation| match operation.method.as_str() {
        "GET" => 0,
        // A logout ends what the others need.
        "POST" if operation.template.ends_with("/logout") => 3,
        "POST" => 1,
        "PUT" | "PATCH" => 2,
        _ => 4,
    };
    found.sort_by(|one, other| (rank(one), &one.template).cmp(&(rank(other), &other.template)));
    found
}

impl Operation {
    /// Whether it is the operator's, who shows the internal token and is of no tenant.
    pub fn is_operators(&self) -> bool {
        self.template.starts_with("/internal/")
    }

    /// Whether its path holds an id.
    pub fn has_id(&self) -> bool {
        self.template.contains('{')
    }

    /// The path with ids that `owner` really has, taken from the lists above them; none if a list is empty or absent.
    pub fn path_of(&self, owner: &Client) -> Option<String> {
        // Recipes come with the program and are everybody's.
        let is_everybodys = self.is_public || self.template.contains("/automation/recipes/");
        if is_everybodys && self.has_id() {
            return None;
        }
        let mut path = self.template.clone();
        while let Some(open) = path.find('{') {
            let close = path[open..].find('}')? + open;
            if &path[open..=close] == "{type}" {
                let own = self.type_of(owner)?;
                path.replace_range(open..=close, &own);
                continue;
            }
            let list = owner.get(list_of(&path[..open - 1])).ok()?;
            if list.status != 200 {
                return None;
            }
            let list = list.json().ok()?;
            let own = list["data"].as_array()?.iter().find_map(id_of)?;
            path.replace_range(open..=close, &own);
        }
        Some(path)
    }

    /// A type of records of the owner's own: one that has records, unless the type itself is meant.
    fn type_of(&self, owner: &Client) -> Option<String> {
        let list = owner.get("/api/v1/records/types").ok()?.json().ok()?;
        let names: Vec<String> = list["data"]
            .as_array()?
            .iter()
            .filter(|kind| kind["custom"] == true)
            .filter_map(|kind| kind["type"].as_str().map(str::to_owned))
            .collect();
        if self.template.contains("/types/") { names.last().cloned() } else { names.first().cloned() }
    }

    /// The same path with an id that nobody has.
    pub fn path_of_nobody(&self, path: &str) -> String {
        let parts = self.template.split('/').zip(path.split('/'));
        let changed = parts.map(
            |(template, part)| {
                if template.starts_with('{') { nobodys(part) } else { part.to_owned() }
            },
        );
        changed.collect::<Vec<_>>().join("/")
    }

    /// The request, with a body that fits where one is wanted.
    pub fn request<'a>(&self, client: &'a Client, path: &str) -> Request<'a> {
        let query = match path {
            path if path.ends_with("/toggle") => "?is_active=true",
            path if path.ends_with("/diff") => "?from=1",
            path if path.ends_with("/schedules/preview") => "?cron=0%209%20*%20*%20*",
            _ => "",
        };
        let request = client.request(&self.method, &format!("{path}{query}"));
        match &self.body {
            Some(Body::Json(body)) => request.json(body),
            Some(Body::Csv(text)) => request.body("text/csv", text.as_str()),
            None => request,
        }
    }

    /// Whether it reads a body.
    pub fn takes_body(&self) -> bool {
        self.body.is_some()
    }

    /// As it stands in a list.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

/// The list from which an id is taken: of tasks and jobs only those that allow every move.
fn list_of(path: &str) -> &str {
    match path {
        "/api/v1/tasks" => "/api/v1/tasks?state=open",
        "/api/v1/jobs" => "/api/v1/jobs?state=queued",
        path => path,
    }
}

fn id_of(entry: &Value) -> Option<String> {
    // What is built in belongs to nobody and is everybody's.
    if entry["custom"] == false || entry["built_in"] == true {
        return None;
    }
    ["id", "trigger_id", "tenant_id"].iter().find_map(|name| entry[*name].as_str()).map(str::to_owned)
}

/// An id of the same kind whose last signs differ.
fn nobodys(id: &str) -> String {
    let kept = id.len().saturating_sub(6);
    let end = if id.ends_with("000000") { "000001" } else { "000000" };
    id.get(..kept).map_or_else(|| "nobody".to_owned(), |start| format!("{start}{end}"))
}

/// A body that the operation takes: one of ours where the shape is not enough, else one made from its schema.
fn body(method: &str, template: &str, operation: &Value, document: &Value) -> Option<Body> {
    let contents = operation.pointer("/requestBody/content")?;
    let only = fresh("route");
    if contents.get("text/csv").is_some() {
        return Some(Body::Csv(format!("name\n{only}\n")));
    }
    let ours = match (method, template) {
        ("patch", "/api/v1/records/types/{type}") => Some(json!({"title": only})),
        ("post" | "put", path) if is_record(path) => Some(json!({"name": only})),
        ("post" | "put", path)
            if path.ends_with("/automation/rules") || path.ends_with("/automation/rules/{id}") =>
        {
            Some(rule_for(&only, &json!([tell("route@example.com", "Hello")])))
        }
        ("post", path) if path.ends_with("/rules/import") => {
            Some(json!({"signalbox": {"version": 1}, "rules": []}))
        }
        ("post", path) if path.ends_with("/rollback") => Some(json!({"version": 1})),
        ("post", path) if path.ends_with("/rules/{id}/test") => {
            Some(json!({"data": {"opportunity_id": "o-1", "opportunity_name": "Deal", "value": 1}}))
        }
        ("post", path) if path.ends_with("/rules/backtest") => {
            let rule = rule_for(&only, &json!([tell("route@example.com", "Hello")]));
            Some(json!({"rule": rule, "since": "2020-01-01T00:00:00Z"}))
        }
        ("put", path) if path.ends_with("/rules/{id}/shadow") => Some(json!({"changes": {"priority": 1}})),
        ("post", "/api/v1/events") => {
            Some(json!({"event": "contact_created", "data": {"contact_id": "c-1"}}))
        }
        ("post" | "put", path) if path.contains("/notifications/channels") && !path.ends_with("/test") => {
            Some(json!({"name": only, "kind": "webhook", "url": "https://example.com/in"}))
        }
        ("post" | "put", path) if path.ends_with("/schedules") || path.ends_with("/schedules/{id}") => {
            Some(json!({"name": only, "cron": "0 9 * * MON-FRI", "time_zone": "Europe/Berlin"}))
        }
        ("post" | "put", path)
            if path.ends_with("/webhooks/sources") || path.ends_with("/webhooks/sources/{id}") =>
        {
            Some(json!({"name": only, "preset": "unverified", "mapping": {"trigger_id": "contact_created"}}))
        }
        ("patch", path) if path.ends_with("/comments/{comment_id}") => Some(json!({"text": only})),
        ("post", path) if path.ends_with("/webhooks/endpoints/{id}/replay") => {
            Some(json!({"which": "failed", "since": "2020-01-01T00:00:00Z"}))
        }
        ("patch", "/api/v1/webhooks/endpoints/{id}") => Some(json!({"description": only})),
        ("post" | "put", path)
            if path.ends_with("/webhooks/endpoints") || path.ends_with("/webhooks/endpoints/{id}") =>
        {
            Some(json!({"url": "https://example.com/in", "description": only}))
        }
        ("patch", "/api/v1/tasks/{id}") => Some(json!({"title": only})),
        ("patch", "/api/v1/admin/settings") => Some(json!({"password": {"min_length": 12}})),
        ("patch", _) => Some(json!({"name": only})),
        _ => None,
    };
    let schema = contents.get("application/json").and_then(|content| content.get("schema"));
    ours.or_else(|| Some(made(schema?, document, 0))).map(Body::Json)
}

/// Whether the path is that of records, or of one.
fn is_record(path: &str) -> bool {
    let list = path.trim_end_matches("/{id}");
    ["/contacts", "/leads", "/opportunities", "/records/{type}"].iter().any(|end| list.ends_with(end))
}

/// A value of this schema: required fields only, the first of alternatives.
fn made(schema: &Value, document: &Value, depth: usize) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    let within = |schema: &Value| made(schema, document, depth + 1);
    if let Some(target) =
        schema["$ref"].as_str().and_then(|place| document.pointer(place.trim_start_matches('#')))
    {
        return within(target);
    }
    for example in ["example", "default", "const"] {
        if let Some(example) = schema.get(example) {
            return example.clone();
        }
    }
    if let Some(first) = schema.pointer("/examples/0").or_else(|| schema.pointer("/enum/0")) {
        return first.clone();
    }
    if let Some(first) = schema.pointer("/oneOf/0").or_else(|| schema.pointer("/anyOf/0")) {
        return within(first);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
    match kind {
        "string" => json!("2030-01-01T00:00:00.000Z"),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([within(&schema["items"])]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|name| (name.to_owned(), within(&schema["properties"][name]))).collect()
        }
    }
}

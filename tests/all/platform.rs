//! `/health`, `/metrics`, `/docs`, the OpenAPI document, and what stands on every answer.

use crate::stage::{ORIGIN, Stage, get};
use serde_json::Value;

#[test]
fn health_is_told_to_everybody() {
    let client = Stage::shared_stranger();
    for path in ["/health/live", "/health/ready", "/health/startup", "/health"] {
        let answer = client.get(path).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let whole = get(&client, "/health").to_string();
    for part in ["database", "schema"] {
        assert!(whole.contains(part), "does not tell of the {part}: {whole}");
    }
}

/// The suite that every adapter of the database runs, here inside a component.
#[test]
fn the_port_to_the_database_keeps_its_promises_in_wasm() {
    let stage = Stage::shared();
    let client = stage.operator();
    let answer = client.request("POST", "/internal/database/contract").send().unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn metrics_are_prometheus_text() {
    let answer = Stage::shared_stranger().get("/metrics").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap_or_default().starts_with("text/plain"));
    let text = answer.text();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
        assert!(name.starts_with("signalbox_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(text.contains("# TYPE signalbox_"), "{text}");
    assert!(!text.contains("acme-corp"), "metrics name no tenant");
}

#[test]
fn the_document_is_whole() {
    let document = get(&Stage::shared_stranger(), "/api/v1/openapi.json");
    assert!(
        document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        document["openapi"]
    );
    let mut names = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in
            methods.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters")
        {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(!name.is_empty(), "{method} {path} has no operationId");
            names.push(name);
            let told =
                operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
            assert!(!told.is_empty(), "{method} {path} does not say what it does");
            let answers = operation["responses"].as_object().unwrap();
            assert!(
                answers.keys().any(|status| status.starts_with('2') || status.starts_with('3')),
                "{method} {path}"
            );
            if path.starts_with("/api/") {
                assert!(
                    answers.keys().any(|status| status.starts_with('4')),
                    "{method} {path} tells no error"
                );
            }
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have one operationId");
    references_resolve(&document, &document);
}

fn references_resolve(document: &Value, within: &Value) {
    match within {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                let place =
                    reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
                assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
            }
            fields.values().for_each(|value| references_resolve(document, value));
        }
        Value::Array(values) => values.iter().for_each(|value| references_resolve(document, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_page_works_offline() {
    let answer = Stage::shared_stranger().get("/docs").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap_or_default().starts_with("text/html"));
    let page = answer.text();
    for far in ["src=\"http", "src='http", "href=\"https://cdn", "@import", "//unpkg", "//cdn"] {
        assert!(!page.contains(far), "the page fetches something: {far}");
    }
    assert!(page.contains("openapi.json"));
}

#[test]
fn headers_on_every_answer() {
    let stage = Stage::shared();
    let client = stage.client();
    for path in ["/api/v1/automation/rules", "/api/v1/no/such/path", "/health/live"] {
        let answer = client.get(path).unwrap();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(
            answer.header("x-request-id").is_some() && answer.header("content-length").is_some(),
            "{path}"
        );
    }
    let answer =
        client.request("GET", "/api/v1/automation/rules").header("X-Request-Id", "mine-123").send().unwrap();
    assert_eq!(answer.header("x-request-id"), Some("mine-123"));
    let answer =
        client.request("GET", "/api/v1/automation/rules").header("X-Request-Id", "two words").send().unwrap();
    assert_ne!(answer.header("x-request-id"), Some("two words"));
    let limited = client.get("/api/v1/automation/rules").unwrap();
    assert!(limited.header("ratelimit").is_some() && limited.header("ratelimit-policy").is_some());
}

#[test]
fn browsers_of_known_origins_may_call() {
    let client = Stage::shared_stranger();
    let preflight = |origin: &str| {
        client
            .request("OPTIONS", "/api/v1/events")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization, content-type")
            .send()
            .unwrap()
    };
    let known = preflight(ORIGIN);
    assert!(matches!(known.status, 200 | 204), "{}", known.status);
    assert_eq!(known.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(known.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    assert!(
        known.header("access-control-allow-headers").is_some_and(|headers| headers.contains("authorization"))
    );
    let stranger = preflight("https://evil.example");
    assert_eq!(stranger.header("access-control-allow-origin"), None);
    let answer = client.request("GET", "/health/live").header("Origin", ORIGIN).send().unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
}

#[test]
fn what_is_for_ourselves_is_closed() {
    let stage = Stage::shared();
    for path in [
        "/internal/openapi.json",
        "/internal/jobs/tick",
        "/acme-corp/internal/jobs/tick",
        "/internal/metrics",
    ] {
        for client in [stage.host.client(), stage.client()] {
            for method in ["GET", "POST"] {
                let answer = client.request(method, path).send().unwrap();
                assert!(matches!(answer.status, 401 | 403 | 404 | 405), "{method} {path}: {}", answer.status);
            }
        }
    }
}

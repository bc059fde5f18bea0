//! Is the page whole, harmless and self-contained?

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panicking")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use manual::{Page, page};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

fn sample() -> Page {
    let document: Value = serde_json::from_str(include_str!("sample.json")).unwrap();
    page(&document, "http://127.0.0.1:3000", "/api/v1/openapi.json")
}

/// Elements that never have an end tag.
const VOID: [&str; 4] = ["meta", "wbr", "br", "link"];

/// Walks over the tags; panics unless they nest.
fn nests(html: &str) {
    let mut open: Vec<String> = Vec::new();
    let body = html.replace("<!doctype html>", "");
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{tag}");
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn values(html: &str, attribute: &str) -> Vec<String> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_link_leads_somewhere_on_the_page() {
    let html = sample().html;
    nests(&html);
    let ids = values(&html, "id");
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for link in values(&html, "href") {
        match link.strip_prefix('#') {
            Some(id) => assert!(unique.contains(&id.to_owned()), "{link} leads nowhere"),
            None => assert_eq!(link, "/api/v1/openapi.json"),
        }
    }
}

#[test]
fn nothing_is_loaded_and_the_policy_forbids_it() {
    let Page { html, policy } = sample();
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for forbidden in ["<script", " src=", " style=", "@import", "url(", " onclick", "<link"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn an_operation_says_what_it_takes() {
    let html = sample().html;
    for wanted in [
        "<code>rules:write</code>",
        "<span class=\"method\">PATCH</span>",
        "<var>{id}</var>",
        "curl -X POST &quot;http://127.0.0.1:3000/api/v1/automation/rules&quot;",
        "-H &quot;Content-Type: application/json&quot;",
        "<code class=\"name\">trigger_id</code> <span class=\"kind\">string</span> <span class=\"must\">required</span>",
        "New high-value opportunity: {{opportunity_name}}",
        "array of Condition, as above",
        "no credential",
        "The shape of every error",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
}

/// Writes the page where somebody may look at it: `MANUAL_PAGE=/tmp/page.html cargo test -p manual`.
#[test]
fn it_can_be_looked_at() {
    if let Ok(file) = std::env::var("MANUAL_PAGE") {
        std::fs::write(file, sample().html).unwrap();
    }
}

#[test]
fn hostile_words_stay_words() {
    let evil = "</style><script>alert(1)</script>\"'&";
    let document = json!({
        "info": {"title": evil, "version": evil, "description": evil},
        "tags": [{"name": evil, "description": evil}],
        "paths": {format!("/{evil}/{{{evil}}}"): {"post": {
            "tags": [evil], "summary": evil, "description": evil, "security": [{"bearer": [evil]}],
            "parameters": [{"name": evil, "in": evil, "description": evil, "example": evil,
                "schema": {"type": evil, "format": evil, "pattern": evil, "default": evil, "enum": [evil]}}],
            "requestBody": {"description": evil, "content": {evil: {"schema": {"type": "object", "title": evil,
                "required": [evil], "properties": {evil: {"type": "string", "description": evil, "const": evil}}}}}},
            "responses": {evil: {"description": evil, "content": {evil: {"schema": {"$ref": evil}}}}},
        }}},
    });
    let html = page(&document, evil, evil).html;
    nests(&html);
    assert!(!html.contains("<script"));
    assert!(!html.contains("alert(1)</script>"));
}

#[test]
fn whatever_is_sent_makes_a_page() {
    for document in [
        json!(null),
        json!([]),
        json!({"paths": []}),
        json!({"paths": {"/x": {"get": null}}}),
        json!({"paths": {"/x": []}}),
    ] {
        nests(&page(&document, "", "/").html);
    }
}

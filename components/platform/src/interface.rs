//! What does the whole system offer? Every component says its part; an instance puts them together once.

use crate::error::PlatformError;
use bytes::Bytes;
use edge::{Problem, World, log};
use futures::future::join_all;
use http::Method;
use kernel::Secret;
use manual::{About, Part};
use send_wrapper::SendWrapper;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// The components that have a part beside this one, by their names in spin.toml.
const OTHERS: [&str; 7] = ["auth", "rules", "triggers", "records", "notifications", "jobs", "tasks"];
/// Where a component says its part.
const FRAGMENT: &str = "/internal/openapi.json";
/// Where the document is to be had.
const DOCUMENT: &str = "/api/v1/openapi.json";

const DESCRIPTION: &str = include_str!("interface.md");
const AREAS: [(&str, &str); 14] = [
    ("auth", "Signing in and out, sessions, tokens and the keys that verify them."),
    ("admin", "Who works here and what they may do: organizations, users, roles, API keys, the audit trail."),
    ("triggers", "What can happen: the built-in triggers of each module, and a tenant's own."),
    ("events", "What happened: accepted once, kept for good, and explained by its trace."),
    ("schedules", "What happens by itself: events at cron expressions and instants, in time zones."),
    ("rules", "What follows: conditions on an event, and the actions to take when they hold."),
    ("crm", "Whom it is done with: contacts and leads, which raise events when they change."),
    ("sales", "What is being sold: opportunities, from the first stage to a deal that is won or lost."),
    ("records", "Records of any type, a tenant's own types among them, and what each type is made of."),
    ("tasks", "Who has to do what, and until when: tasks, who has them, what is said about them."),
    ("jobs", "What is being done: the queue, its retries, and what was given up."),
    ("notifications", "Who is told: channels, messages, deliveries and the inbox."),
    ("platform", "How the system is. Needs no credential and tells nothing of any tenant."),
    ("internal", "For the operator's own calls, with the internal token."),
];

/// The document and the page that shows it.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) document: Bytes,
    pub(crate) page: Bytes,
    /// The page's Content-Security-Policy.
    pub(crate) policy: String,
}

static KEPT: OnceLock<Interface> = OnceLock::new();

/// The interface, put together at the first question.
///
/// # Errors
/// [`PlatformError::Missing`] if a component does not say its part: there is no document with holes.
pub(crate) async fn interface(world: &World, own: Value) -> Result<&'static Interface, Problem> {
    if let Some(kept) = KEPT.get() {
        return Ok(kept);
    }
    let mut parts =
        SendWrapper::new(join_all(OTHERS.map(|component| part(component, &world.settings.internal_token))))
            .await
            .into_iter()
            .collect::<Result<Vec<Part>, PlatformError>>()?;
    parts.push(Part { name: "platform".to_owned(), document: own });
    let servers = [
        json!({"url": "/", "description": "The credential decides the tenant."}),
        json!({
            "url": "/{tenant}",
            "description": "The same API paths below a tenant's slug, which must be the credential's.",
            "variables": {"tenant": {"default": "acme-corp", "description": "The tenant's slug."}},
        }),
    ];
    let about = About {
        title: "Signalbox",
        version: env!("CARGO_PKG_VERSION"),
        description: DESCRIPTION,
        servers: &servers,
        areas: &AREAS,
    };
    let document = manual::merge(&about, parts)?;
    let page = manual::page(&document, &world.settings.public_url, DOCUMENT);
    Ok(KEPT.get_or_init(|| Interface {
        document: Bytes::from(document.to_string()),
        page: Bytes::from(page.html),
        policy: page.policy,
    }))
}

async fn part(component: &'static str, token: &Secret<String>) -> Result<Part, PlatformError> {
    let missing = |why: String| {
        log::warning(&format!("the OpenAPI document lacks the part of {component}: {why}"));
        PlatformError::Missing(component)
    };
    let answer = guest::call(component, Method::GET, FRAGMENT, Some(token), &[]).await.map_err(missing)?;
    if answer.status != 200 {
        return Err(missing(format!("it answered {}", answer.status)));
    }
    let document = serde_json::from_slice(&answer.body).map_err(|error| missing(error.to_string()))?;
    Ok(Part { name: component.to_owned(), document })
}

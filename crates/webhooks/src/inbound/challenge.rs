//! What does a provider ask before it sends anything? Each wants to see that somebody at the address knows what is coming.

use super::{Preset, Received};
use serde_json::Value;

/// What is answered instead of taking an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// This text, as `text/plain`.
    Text(String),
    /// No body, and these headers.
    Headers(Vec<(&'static str, String)>),
}

/// The longest challenge that is answered, in bytes.
const LONGEST: usize = 1_000;

/// Answers what asks for an answer; `None` if the request is none of them. `method` and the fields of the query are as they came. What
/// Slack asks is signed like all it sends, so it is verified before; the others cannot be.
#[must_use]
pub fn challenge(
    preset: &Preset,
    method: &str,
    query: &[(String, String)],
    received: &Received<'_>,
    verify_token: Option<&str>,
) -> Option<Challenge> {
    let field = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let text = |text: &str| {
        let sound = text.len() <= LONGEST && !text.chars().any(char::is_control);
        sound.then(|| Challenge::Text(text.to_owned()))
    };
    match method {
        // Meta: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
        "GET" if field("hub.mode") == Some("subscribe") => {
            let known = verify_token.filter(|token| !token.is_empty())?;
            let given = field("hub.verify_token")?;
            bool::from(subtle::ConstantTimeEq::ct_eq(known.as_bytes(), given.as_bytes()))
                .then(|| field("hub.challenge").and_then(text))
                .flatten()
        }
        // Microsoft Graph: https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
        "POST" if received.body.is_empty() => text(field("validationToken")?),
        "POST" if *preset == Preset::Slack => {
            let body: Value = serde_json::from_slice(received.body).ok()?;
            if body.get("type")? != "url_verification" {
                return None;
            }
            text(body.get("challenge")?.as_str()?)
        }
        // CloudEvents HTTP webhook 1.0, section 4.
        "OPTIONS" => {
            let origin = received.header("webhook-request-origin").ok()??;
            let sound = origin.len() <= LONGEST && origin.bytes().all(|byte| byte.is_ascii_graphic());
            sound.then(|| {
                Challenge::Headers(vec![
                    ("webhook-allowed-origin", origin.to_owned()),
                    ("webhook-allowed-rate", "*".to_owned()),
                    ("allow", "POST".to_owned()),
                ])
            })
        }
        _ => None,
    }
}

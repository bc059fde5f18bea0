//! What does a provider ask before it sends anything? Each wants to see that somebody at the address knows what is coming.

use super::{Received, Refusal, mac};
use kernel::Secret;
use serde_json::Value;

/// What is answered instead of taking an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// This text, as `text/plain`.
    Text(String),
    /// No body, and these headers.
    Headers(Vec<(&'static str, String)>),
}

/// How a request came, beside its headers and body.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `GET`, `POST`, `OPTIONS`.
    pub method: &'a str,
    /// The fields of its query, decoded.
    pub query: &'a [(String, String)],
}

/// The longest challenge that is answered, in bytes.
const LONGEST: usize = 1_000;

impl Asked<'_> {
    fn field(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Answers what is asked without a signature; `None` if the request asks nothing.
///
/// # Errors
/// [`Refusal`], where it asks and must not be answered.
pub fn unsigned(
    asked: &Asked<'_>,
    received: &Received<'_>,
    verify_token: Option<&Secret<String>>,
) -> Result<Option<Challenge>, Refusal> {
    match asked.method {
        "GET" if asked.field("hub.mode") == Some("subscribe") => meta(asked, verify_token).map(Some),
        // Microsoft Graph: https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
        "POST" if received.body.is_empty() => asked.field("validationToken").map(text).transpose(),
        // CloudEvents HTTP webhook 1.0, section 4.
        "OPTIONS" => {
            let Some(origin) = received.header("webhook-request-origin")? else { return Ok(None) };
            let is_sound = origin.len() <= LONGEST && origin.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_sound {
                return Err(Refusal::Malformed("webhook-request-origin".to_owned()));
            }
            Ok(Some(Challenge::Headers(vec![
                ("webhook-allowed-origin", origin.to_owned()),
                ("webhook-allowed-rate", "*".to_owned()),
                ("allow", "POST".to_owned()),
            ])))
        }
        _ => Ok(None),
    }
}

/// Meta: <https://developers.facebook.com/docs/graph-api/webhooks/getting-started>.
fn meta(asked: &Asked<'_>, verify_token: Option<&Secret<String>>) -> Result<Challenge, Refusal> {
    let (known, given) = verify_token.zip(asked.field("hub.verify_token")).ok_or(Refusal::VerifyToken)?;
    if !mac::same(known.expose().as_bytes(), given.as_bytes()) {
        return Err(Refusal::VerifyToken);
    }
    text(asked.field("hub.challenge").unwrap_or_default())
}

/// Answers what Slack asks, which is signed like all that it sends: so it is verified before
/// (<https://docs.slack.dev/reference/events/url_verification>).
#[must_use]
pub fn signed(received: &Received<'_>) -> Option<Challenge> {
    // No event of Slack's says this type at its top.
    let body: Value = serde_json::from_slice(received.body).ok()?;
    let asks = body.get("type").and_then(Value::as_str) == Some("url_verification");
    let challenge = body.get("challenge").and_then(Value::as_str).filter(|_| asks)?;
    text(challenge).ok()
}

/// What is given back is short, and no markup of a page: it goes out as `text/plain`, which no browser may take for anything else.
fn text(text: &str) -> Result<Challenge, Refusal> {
    let is_sound = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    is_sound.then(|| Challenge::Text(text.to_owned())).ok_or(Refusal::Challenge)
}

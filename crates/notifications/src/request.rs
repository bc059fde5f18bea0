//! What is sent to the other end, and what does its answer mean?

use crate::{ChannelKind, Delivery, Message, Method, Setup, Target};
use kernel::{Instant, Secret, Span, TenantId, Trace};
use serde_json::json;

/// A request that is ready to leave. Redirects are not to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The word in the request line.
    pub method: Method,
    /// The whole address, tokens and all.
    pub url: Secret<String>,
    /// All headers but the connection's own and the length.
    pub headers: Vec<(String, Secret<String>)>,
    /// The body: JSON.
    pub body: String,
    /// The kind of channel: how [`judge`] reads the answer.
    pub kind: ChannelKind,
}

/// The request that carries `message` to the other end. The delivery's id is its idempotency key, the same at each
/// attempt.
#[must_use]
pub fn outbound(
    setup: &Setup,
    target: &Target,
    headers: Vec<(String, Secret<String>)>,
    tenant: &TenantId,
    message: &Message,
    delivery: &Delivery,
    trace: &Trace,
) -> Outbound {
    let ours = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let (method, body, key) = match setup {
        Setup::Slack => (Method::Post, slack_body(message), None),
        Setup::Webhook { method, .. } => (
            *method,
            webhook_body(tenant, message, delivery),
            Some(ours("Idempotency-Key", delivery.id.as_str())),
        ),
    };
    let mut all = vec![
        ours("Content-Type", "application/json"),
        ours("User-Agent", "Signalbox"),
        ours("traceparent", trace.as_str()),
    ];
    all.extend(key);
    all.extend(headers);
    Outbound {
        method,
        url: Secret::new(target.expose().to_owned()),
        headers: all,
        body,
        kind: setup.kind(),
    }
}

fn webhook_body(tenant: &TenantId, message: &Message, delivery: &Delivery) -> String {
    json!({
        "id": message.id.as_str(),
        "delivery_id": delivery.id.as_str(),
        "tenant_id": tenant.as_str(),
        "recipient": message.recipient.as_str(),
        "title": message.title,
        "body": message.body,
        "event_id": message.event_id.as_ref().map(kernel::EventId::as_str),
        "created_at": message.created_at.to_string(),
    })
    .to_string()
}

/// The title in bold over the body.
fn slack_body(message: &Message) -> String {
    let body = slack_escaped(&message.body);
    let text = match &message.title {
        Some(title) => format!("*{}*\n{body}", slack_escaped(title)),
        None => body,
    };
    json!({ "text": text }).to_string()
}

/// The three characters that Slack reads as control characters, and no others
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>). So no message can mention a channel.
fn slack_escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What the other end answered.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// Its `Retry-After`, if it has one.
    pub retry_after: Option<&'a str>,
    /// The beginning of its body.
    pub body: &'a str,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The name of the host has no address.
    Unresolved,
    /// The operator's rules forbid the address that the name has.
    Forbidden,
    /// Nobody accepted a connection.
    Unreachable,
    /// The other end's certificate or TLS is not in order.
    Insecure,
    /// No answer came in time.
    Slow,
    /// The connection broke before the answer was complete: the message may have arrived.
    Lost,
}

/// What an attempt means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It arrived.
    Delivered,
    /// It will never arrive like this.
    Refused {
        /// What went wrong and what to do, for people.
        words: String,
    },
    /// It may arrive later.
    Later {
        /// What went wrong, for people.
        words: String,
        /// How long the other end asks to wait.
        retry_after: Option<Span>,
    },
}

impl Failure {
    /// What it means that there was no answer.
    #[must_use]
    pub fn judge(self) -> Judgement {
        let words = match self {
            Self::Unresolved => "The host of the channel's address was not found. Check the address.",
            Self::Forbidden => {
                return Judgement::Refused {
                    words: "The channel's address leads to a network that the operator forbids. Use a public address."
                        .to_owned(),
                };
            }
            Self::Unreachable => "The host of the channel's address accepted no connection.",
            Self::Insecure => "No secure connection came about: check the host's certificate.",
            Self::Slow => "No answer came in time.",
            Self::Lost => "The connection broke before the answer was complete; the message may have arrived.",
        };
        Judgement::Later {
            words: words.to_owned(),
            retry_after: None,
        }
    }
}

/// What an answer means: 2xx is success; 408, 425, 429 and 5xx may pass; all else, redirects too, is for good.
///
/// Nothing of a webhook's answer is repeated: it may hold what its reader should not see.
#[must_use]
pub fn judge(kind: ChannelKind, answer: &Answer<'_>, now: Instant) -> Judgement {
    let status = answer.status;
    let later = |words: String| Judgement::Later {
        words,
        retry_after: answer.retry_after.and_then(|text| wait(text, now)),
    };
    let by_slack = match kind {
        ChannelKind::Slack => slack_words(answer.body),
        ChannelKind::InApp | ChannelKind::Webhook => None,
    };
    match status {
        200..=299 => Judgement::Delivered,
        429 => later(format!("The other end answered {status}: too many messages at once.")),
        408 | 425 | 500.. => later(match by_slack {
            Some((code, words)) => format!("Slack answered {status} {code}: {words}"),
            None => format!("The other end answered {status}, which may pass."),
        }),
        300..=399 => Judgement::Refused {
            words: format!(
                "The other end answered {status}, a redirect, which is not followed. Set the channel's address to \
                 where it leads."
            ),
        },
        _ => Judgement::Refused {
            words: match by_slack {
                Some((code, words)) => format!("Slack answered {status} {code}: {words}"),
                None => refused(kind, status),
            },
        },
    }
}

fn refused(kind: ChannelKind, status: u16) -> String {
    let hint = match (kind, status) {
        (ChannelKind::Slack, 404 | 410) => {
            "this incoming webhook is not there any more. Make a new one in Slack and set the channel's address to it."
        }
        (_, 401 | 403) => "it does not let us in. Check the channel's address and headers.",
        (_, 404 | 410) => "nothing is there. Check the channel's address.",
        (_, 405) => "it does not take this method. Check the channel's method.",
        (_, 413) => "the message is too long for it.",
        _ => "it refuses the message.",
    };
    format!("The other end answered {status}: {hint}")
}

/// What Slack's codes mean (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>).
fn slack_words(body: &str) -> Option<(&'static str, &'static str)> {
    const CODES: [(&str, &str); 15] = [
        ("invalid_payload", "it cannot read the message."),
        ("no_text", "the message has no text."),
        ("too_many_attachments", "the message has too many attachments."),
        ("user_not_found", "the user that the webhook writes to is not there. Make a new webhook in Slack."),
        ("action_prohibited", "an administrator of the workspace restricts this webhook. Ask them to allow it."),
        (
            "posting_to_general_channel_denied",
            "only administrators may write to this Slack channel. Choose another one.",
        ),
        ("team_disabled", "the workspace is disabled."),
        ("invalid_token", "the webhook's address is wrong or was revoked. Make a new webhook in Slack."),
        ("channel_not_found", "the Slack channel is not there. Make a new webhook in Slack."),
        ("no_service_id", "the webhook's address is incomplete. Copy it anew from Slack."),
        ("no_service", "the webhook was removed or is disabled. Make a new one in Slack."),
        ("no_team", "the workspace is not there. Check the channel's address."),
        ("no_active_hooks", "the webhook is disabled. Make a new one in Slack."),
        ("channel_is_archived", "the Slack channel is archived. Reopen it, or choose another one."),
        ("rollup_error", "something went wrong at Slack, which may pass."),
    ];
    CODES.into_iter().find(|(code, _)| body.trim() == *code)
}

/// `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3). What is past or unreadable asks for nothing.
fn wait(text: &str, now: Instant) -> Option<Span> {
    let text = text.trim();
    let span = match text.parse::<u32>() {
        Ok(seconds) => Span::seconds(i64::from(seconds)),
        Err(_) => {
            let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
            Instant::from_millis(date.timestamp_millis()).since(now)
        }
    };
    (span > Span::default()).then_some(span)
}

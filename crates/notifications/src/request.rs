//! What is sent to the other end, and what does its answer mean?

use crate::{ChannelKind, Message, Method, Setup};
use kernel::{DeliveryId, Instant, Secret, Span, Target, TenantId, Trace};
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
pub(crate) fn outbound(
    setup: &Setup,
    target: &Target,
    headers: Vec<(String, Secret<String>)>,
    tenant: &TenantId,
    message: &Message,
    delivery: &DeliveryId,
    trace: &Trace,
) -> Outbound {
    let ours = |name: &str, value: &str| (name.to_owned(), Secret::new(value.to_owned()));
    let (method, body, key) = match setup {
        Setup::Slack => (Method::Post, slack_body(message), None),
        Setup::Webhook { method, .. } => (
            *method,
            webhook_body(tenant, message, delivery),
            Some(ours("Idempotency-Key", delivery.as_str())),
        ),
    };
    let mut all = vec![
        ours("Content-Type", "application/json"),
        ours("User-Agent", "Signalbox"),
        ours("traceparent", trace.as_str()),
    ];
    all.extend(key);
    all.extend(headers);
    Outbound { method, url: Secret::new(target.expose().to_owned()), headers: all, body, kind: setup.kind() }
}

fn webhook_body(tenant: &TenantId, message: &Message, delivery: &DeliveryId) -> String {
    json!({
        "id": message.id.as_str(),
        "delivery_id": delivery.as_str(),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The operator's rules forbid the address that the host has.
    Forbidden,
    /// No complete answer came in time.
    Slow,
    /// No connection came about, or it broke; with words for the end of a sentence.
    Broken(String),
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
    /// What it means that there was no answer. Where a connection broke the message may have arrived all the same:
    /// its idempotency key lets the other end see that.
    #[must_use]
    pub fn judge(self) -> Judgement {
        let words = match self {
            Self::Forbidden => {
                let words = "The channel's address leads to a network that the operator forbids. Use a public address.";
                return Judgement::Refused { words: words.to_owned() };
            }
            Self::Slow => "No complete answer came in time.".to_owned(),
            Self::Broken(words) => format!("The connection failed: {words}."),
        };
        Judgement::Later { words, retry_after: None }
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
        retry_after: answer.retry_after.and_then(|text| retry_after(text, now)),
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
        (
            "action_prohibited",
            "an administrator of the workspace restricts this webhook. Ask them to allow it.",
        ),
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
#[must_use]
pub fn retry_after(text: &str, now: Instant) -> Option<Span> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    fn message(title: Option<&str>, body: &str) -> Message {
        Message {
            id: "msg_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            recipient: "Sales-Manager@example.com".parse().unwrap(),
            title: title.map(str::to_owned),
            body: body.to_owned(),
            event_id: Some("evt_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()),
            job_id: Some("job_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()),
            created_at: NOW,
            deliveries: Vec::new(),
        }
    }

    /// The request as it stands on the line.
    fn rendered(setup: &Setup, url: &str, headers: &[(&str, &str)], message: &Message) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned())))
            .collect();
        let request = outbound(
            setup,
            &Target::parse(url, false).unwrap(),
            headers,
            &"acme-corp".parse().unwrap(),
            message,
            &"dlv_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            &Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap(),
        );
        assert!(!format!("{request:?}").contains("token"), "a request's Debug shows no secret");
        let mut text = format!("{} {}\n", request.method, request.url.expose());
        for (name, value) in &request.headers {
            writeln!(text, "{name}: {}", value.expose()).unwrap();
        }
        format!("{text}\n{}", request.body)
    }

    #[test]
    fn a_webhook_gets_the_message_as_json() {
        let setup = Setup::Webhook { method: Method::Put, header_names: vec!["Authorization".to_owned()] };
        insta::assert_snapshot!(rendered(
            &setup,
            "https://example.com/hook?token=1",
            &[("Authorization", "Bearer token")],
            &message(Some("A big deal"), "New high-value opportunity: \"Big\" <deal> - $12500\n🚂"),
        ));
    }

    #[test]
    fn a_webhook_gets_null_for_what_is_not_there() {
        let setup = Setup::Webhook { method: Method::Post, header_names: Vec::new() };
        let mut bare = message(None, "x");
        bare.event_id = None;
        insta::assert_snapshot!(rendered(&setup, "https://example.com/", &[], &bare));
    }

    #[test]
    fn slack_gets_text_with_its_control_characters_escaped() {
        insta::assert_snapshot!(rendered(
            &Setup::Slack,
            "https://hooks.slack.com/services/T0/B0/token",
            &[],
            &message(Some("R&D <!here>"), "a < b && <!channel> <https://evil.example|click> &amp;"),
        ));
    }

    #[test]
    fn what_the_answers_mean() {
        let slack = |status, body| (ChannelKind::Slack, status, body);
        let webhook = |status| (ChannelKind::Webhook, status, "<html>private</html>");
        let mut table = String::new();
        let statuses = [
            200, 204, 301, 307, 400, 401, 403, 404, 405, 408, 410, 413, 418, 422, 425, 429, 500, 501, 503,
            599,
        ];
        let answers = statuses.into_iter().map(webhook).chain([
            slack(200, "ok"),
            slack(302, ""),
            slack(400, "invalid_payload"),
            slack(400, "no_text\n"),
            slack(400, "too_many_attachments"),
            slack(400, "user_not_found"),
            slack(403, "action_prohibited"),
            slack(403, "posting_to_general_channel_denied"),
            slack(403, "team_disabled"),
            slack(403, "invalid_token"),
            slack(404, "channel_not_found"),
            slack(404, "no_service_id"),
            slack(404, "no_service"),
            slack(404, "no_team"),
            slack(404, "no_active_hooks"),
            slack(404, "<html>"),
            slack(410, "channel_is_archived"),
            slack(410, ""),
            slack(429, "rate_limited"),
            slack(500, "rollup_error"),
            slack(503, ""),
        ]);
        for (kind, status, body) in answers {
            let answer = Answer { status, retry_after: Some("30"), body };
            let (verdict, words) = match judge(kind, &answer, NOW) {
                Judgement::Delivered => ("delivered", String::new()),
                Judgement::Refused { words } => ("refused", words),
                Judgement::Later { words, retry_after } => {
                    assert_eq!(retry_after, Some(Span::seconds(30)));
                    ("later", words)
                }
            };
            writeln!(table, "{kind} {status} {verdict:9} {words}").unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn what_the_lack_of_an_answer_means() {
        let mut table = String::new();
        for failure in
            [Failure::Forbidden, Failure::Slow, Failure::Broken("the name does not resolve".to_owned())]
        {
            let (verdict, words) = match failure.judge() {
                Judgement::Delivered => ("delivered", String::new()),
                Judgement::Refused { words } => ("refused", words),
                Judgement::Later { words, .. } => ("later", words),
            };
            writeln!(table, "{verdict:9} {words}").unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn how_long_the_other_end_asks_to_wait() {
        for (text, wanted) in [
            ("30", Some(Span::seconds(30))),
            (" 1 ", Some(Span::seconds(1))),
            ("4294967295", Some(Span::seconds(4_294_967_295))),
            ("0", None),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("Tue, 14 Nov 2023 22:14:20 GMT", Some(Span::seconds(60))),
            ("Tue, 14 Nov 2023 22:13:20 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(retry_after(text, NOW), wanted, "{text:?}");
        }
    }
}

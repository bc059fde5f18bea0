//! In which words is something told to a customer? What happened, what it means, and what they can do about it: nothing of the tenant's
//! inside, whatever the records say.

use super::html::Html;
use crate::{Circuit, Disabled, Endpoint, Health, Reason};
use kernel::{Instant, Span};

/// An instant, for people and for programs.
pub(super) fn time(at: Instant) -> Html {
    let said = at.to_chrono().map(|time| time.format("%-d %b %Y, %H:%M:%S").to_string());
    let said = said.unwrap_or_else(|| at.to_string());
    Html::new().raw("<time datetime=\"").text(&at.to_string()).raw("\">").text(&said).raw(" UTC</time>")
}

/// How long something took.
pub(super) fn duration(span: Span) -> String {
    let millis = span.as_millis().max(0);
    if millis < 1_000 {
        return format!("{millis} ms");
    }
    format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
}

/// How an endpoint stands: a word, how good that is, and a sentence.
pub(super) struct Standing {
    pub(super) word: &'static str,
    /// A class of the style: how it looks, which is never all that says it.
    pub(super) tone: &'static str,
    pub(super) sentence: Html,
}

pub(super) fn standing(endpoint: &Endpoint, health: &Health, now: Instant) -> Standing {
    let say = |text: &'static str| Html::new().raw(text);
    if let Some(Disabled { at, reason }) = endpoint.disabled {
        let why = match reason {
            Reason::Asked => "It was switched off by hand ",
            Reason::Gone => "It answered 410 (gone), which asks us to stop, ",
            Reason::Failing => "Nothing arrived there for five days, so it was switched off ",
        };
        let sentence = say(why).with(&time(at)).raw(". Nothing is sent to it until you switch it on.");
        return Standing { word: "Off", tone: "off", sentence };
    }
    match health.circuit {
        Circuit::Open { until } | Circuit::HalfOpen { until } if until > now => {
            let sentence = say("Several deliveries in a row failed. Sending is paused and tried again ");
            Standing { word: "Paused", tone: "bad", sentence: sentence.with(&time(until)).raw(".") }
        }
        Circuit::Closed | Circuit::Open { .. } | Circuit::HalfOpen { .. } => match health.failing_since {
            Some(since) => {
                let sentence = say("Deliveries have been failing since ").with(&time(since));
                let sentence = sentence.raw(". After five days of that it is switched off.");
                Standing { word: "Failing", tone: "bad", sentence }
            }
            None => match health.last_success {
                Some(at) => {
                    let sentence = say("The last delivery arrived ").with(&time(at)).raw(".");
                    Standing { word: "Working", tone: "good", sentence }
                }
                None => {
                    let sentence = say("Nothing has arrived yet since it was set up or changed.");
                    Standing { word: "On", tone: "plain", sentence }
                }
            },
        },
    }
}

/// What went wrong with an attempt that reached out for the endpoint, by the word that is kept of it.
pub(super) fn failure(word: Option<&str>, status: Option<u16>) -> String {
    match (word, status) {
        (None, _) => "Your endpoint took it.".to_owned(),
        (Some(_), Some(status)) => format!("Your endpoint answered {status}{}", hint(status)),
        (Some("timeout"), None) => {
            "Your endpoint gave no complete answer in time. Answer first, then do the work.".to_owned()
        }
        (Some("forbidden_address"), None) => {
            "The address leads to a private network, where nothing is sent. Use one that can be reached from the internet."
                .to_owned()
        }
        (Some("token"), None) => {
            "The access token that your endpoint asks for could not be had. Whoever gave you the link to this page can look into it."
                .to_owned()
        }
        (Some(_), None) => {
            "No connection to your endpoint could be made, or it broke off. Is the address right, and its certificate valid?"
                .to_owned()
        }
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => ", a redirect, which is not followed. Set the address to where it leads.",
        401 | 403 => ": it does not let us in. Does it verify with the present secret?",
        404 | 405 => ": nothing takes webhooks there. Check the address.",
        410 => ": it is gone. The endpoint was switched off; correct the address, then switch it on.",
        429 => ": too many requests at once. Sending slows down.",
        500.. => ", which may pass.",
        _ => ": it refuses what was sent.",
    }
}

/// What is said of an attempt that did not get as far as the endpoint.
pub(super) const UNSENT: &str =
    "It could not be sent. If this stays so, whoever gave you the link to this page can look into it.";
/// The same of one whose sender stopped half-way.
pub(super) const LOST: &str =
    "It was interrupted on our side. It may have arrived; the next attempt has the same id.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::tests::stage;

    #[test]
    fn durations() {
        let said = [0, 999, 1_000, 1_250, 29_990].map(|millis| duration(Span::millis(millis)));
        assert_eq!(said, ["0 ms", "999 ms", "1.0 s", "1.2 s", "29.9 s"]);
    }

    #[test]
    fn times_are_for_people_and_programs() {
        assert_eq!(
            time(Instant::from_millis(1_700_000_000_123)).finish(),
            "<time datetime=\"2023-11-14T22:13:20.123Z\">14 Nov 2023, 22:13:20 UTC</time>"
        );
    }

    #[test]
    fn how_an_endpoint_stands() {
        let now = Instant::from_millis(1_700_000_000_000);
        let word = |endpoint: &Endpoint, health: &Health| standing(endpoint, health, now).word;
        let on = stage::endpoint(&["sales.*"]);
        let mut off = on.clone();
        off.disabled = Some(Disabled { at: now, reason: Reason::Gone });
        assert!(standing(&off, &Health::default(), now).sentence.finish().contains("410"));
        let open = Health {
            circuit: Circuit::Open { until: now + Span::seconds(1) },
            failing_since: Some(now),
            ..Health::default()
        };
        let failing = Health { failing_since: Some(now), ..Health::default() };
        let well = Health { last_success: Some(now), ..Health::default() };
        assert_eq!(
            [
                word(&off, &well),
                word(&on, &open),
                word(&on, &failing),
                word(&on, &well),
                word(&on, &Health::default())
            ],
            ["Off", "Paused", "Failing", "Working", "On"]
        );
    }

    #[test]
    fn failures_say_what_to_do() {
        assert_eq!(failure(None, Some(204)), "Your endpoint took it.");
        assert_eq!(failure(Some("http_503"), Some(503)), "Your endpoint answered 503, which may pass.");
        for word in ["timeout", "connection", "forbidden_address", "token"] {
            assert!(failure(Some(word), None).ends_with(['.', '?']), "{word}");
        }
    }
}

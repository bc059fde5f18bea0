//! What does an endpoint's answer mean, or that there was none?

use crate::Sign;
use kernel::Span;

/// The largest part of an answer that is kept, in bytes.
pub(crate) const KEPT: usize = 8 * 1024;
/// What stands where a secret stood.
const MASK: &str = "[secret]";
/// A shorter one is no secret, and its text is everywhere.
const SECRET_LEAST: usize = 4;

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came<'a> {
    /// An answer with this status, which asks to wait so long.
    Answer {
        /// The status.
        status: u16,
        /// What `Retry-After` says.
        retry_after: Option<Span>,
    },
    /// Its address leads where the operator does not let us go.
    Forbidden,
    /// No complete answer in time, in seconds.
    Slow(i64),
    /// No connection, or one that broke; in words.
    Broken(&'a str),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Taken,
    /// It is tried again.
    Later {
        /// How long the endpoint asks to wait.
        retry_after: Option<Span>,
    },
    /// The endpoint is gone: it is switched off.
    Gone,
    /// It will never arrive.
    Hopeless,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What is to be done.
    pub verdict: Verdict,
    /// What it says of the endpoint.
    pub sign: Sign,
    /// What went wrong, in a word: `http_500`, `timeout`, `connection`, `forbidden_address`; `None` if nothing did.
    pub failure: Option<String>,
    /// What happened, in a sentence.
    pub words: String,
}

/// What a request came to.
#[must_use]
pub fn judge(came: Came<'_>) -> Judgement {
    let (verdict, sign, failure, words) = match came {
        Came::Answer { status: 200..=299, .. } => {
            return Judgement {
                verdict: Verdict::Taken,
                sign: Sign::Well,
                failure: None,
                words: "The endpoint took it.".to_owned(),
            };
        }
        Came::Answer { status, retry_after } => {
            let verdict = if status == 410 { Verdict::Gone } else { Verdict::Later { retry_after } };
            (verdict, sign(status, retry_after), format!("http_{status}"), said(status))
        }
        Came::Forbidden => (
            Verdict::Hopeless,
            Sign::Unwell,
            "forbidden_address".to_owned(),
            "The endpoint's address leads to a network that the operator forbids. Use a public address."
                .to_owned(),
        ),
        Came::Slow(seconds) => (
            Verdict::Later { retry_after: None },
            Sign::Unwell,
            "timeout".to_owned(),
            format!("The endpoint gave no complete answer within {seconds} s."),
        ),
        Came::Broken(words) => (
            Verdict::Later { retry_after: None },
            Sign::Unwell,
            "connection".to_owned(),
            format!("The endpoint gave no answer: {words}."),
        ),
    };
    Judgement { verdict, sign, failure: Some(failure), words }
}

/// What a status that is no success says of the endpoint: of the thing alone that was sent, or of all.
fn sign(status: u16, retry_after: Option<Span>) -> Sign {
    match status {
        429 => Sign::Busy { wait: retry_after },
        502 | 504 => Sign::Overloaded { wait: retry_after },
        503 if retry_after.is_some() => Sign::Overloaded { wait: retry_after },
        400 | 409 | 411..=416 | 418..=428 | 431 | 451 => Sign::Picky,
        _ => Sign::Unwell,
    }
}

fn said(status: u16) -> String {
    let hint = match status {
        410 => {
            return "The endpoint answered 410: it is gone. It was switched off; correct its address, then switch it on."
                .to_owned();
        }
        300..=399 => "a redirect, which is not followed. Set the endpoint's address to where it leads.",
        401 | 403 => "it does not let us in. Does it verify with the endpoint's present secret?",
        404 | 405 => "nothing takes webhooks there. Check the endpoint's address.",
        429 => "too many requests at once.",
        500.. => "which may pass.",
        _ => "it refuses the request.",
    };
    let colon = if (300..=399).contains(&status) || status >= 500 { "," } else { ":" };
    format!("The endpoint answered {status}{colon} {hint}")
}

/// What is kept of an answer: its beginning as text, secrets masked; and whether it is cut.
#[must_use]
pub(crate) fn kept(body: &[u8], secrets: &[&str]) -> (String, bool) {
    let is_cut = body.len() >= KEPT;
    let mut text = String::from_utf8_lossy(body.get(..body.len().min(KEPT)).unwrap_or_default()).into_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SECRET_LEAST) {
        text = text.replace(secret, MASK);
        if is_cut {
            text.truncate(text.len().saturating_sub(begun(&text, secret)));
        }
    }
    (text, is_cut)
}

/// How many bytes at the end of a text may be the beginning of a secret that was cut.
fn begun(text: &str, secret: &str) -> usize {
    let ends = (SECRET_LEAST..secret.len()).rev();
    ends.filter_map(|end| secret.get(..end)).find(|start| text.ends_with(start)).map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Judgement {
        judge(Came::Answer { status, retry_after: None })
    }

    #[test]
    fn what_the_answers_mean() {
        assert_eq!((answer(200).verdict, answer(204).failure), (Verdict::Taken, None));
        assert_eq!(answer(410).verdict, Verdict::Gone);
        assert!(answer(410).words.starts_with("The endpoint answered 410: it is gone."));
        assert_eq!(
            answer(302).words,
            "The endpoint answered 302, a redirect, which is not followed. Set the endpoint's address to where it leads."
        );
        assert_eq!(
            answer(401).words,
            "The endpoint answered 401: it does not let us in. Does it verify with the endpoint's present secret?"
        );
        assert_eq!(answer(400).words, "The endpoint answered 400: it refuses the request.");
        assert_eq!(
            (answer(503).words.as_str(), answer(503).failure.as_deref()),
            ("The endpoint answered 503, which may pass.", Some("http_503"))
        );
    }

    #[test]
    fn what_they_say_of_the_endpoint() {
        for status in [400, 409, 415, 422] {
            assert_eq!(answer(status).sign, Sign::Picky, "{status}");
        }
        for status in [301, 401, 404, 408, 500, 503] {
            assert_eq!(answer(status).sign, Sign::Unwell, "{status}");
        }
        let wait = Some(Span::seconds(7));
        assert_eq!(judge(Came::Answer { status: 503, retry_after: wait }).sign, Sign::Overloaded { wait });
        assert_eq!(answer(502).sign, Sign::Overloaded { wait: None });
        assert_eq!(answer(429).sign, Sign::Busy { wait: None });
    }

    #[test]
    fn no_answer_has_a_name() {
        let failures =
            [Came::Forbidden, Came::Slow(15), Came::Broken("reset")].map(|came| judge(came).failure.unwrap());
        assert_eq!(failures, ["forbidden_address", "timeout", "connection"]);
        assert_eq!(judge(Came::Forbidden).verdict, Verdict::Hopeless);
    }

    #[test]
    fn secrets_in_an_answer_are_masked_and_long_ones_cut() {
        let (text, is_cut) = kept(b"you sent Bearer hush-hush", &["hush-hush", ""]);
        assert_eq!((text.as_str(), is_cut), ("you sent Bearer [secret]", false));
        let (text, is_cut) = kept(&vec![b'x'; KEPT + 1], &[]);
        assert_eq!((text.len(), is_cut), (KEPT, true));
        let mut cut = vec![b'x'; KEPT];
        cut[KEPT - 6..].copy_from_slice(b"hush-h");
        assert!(kept(&cut, &["hush-hush"]).0.ends_with('x'));
    }
}

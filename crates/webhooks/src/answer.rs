//! What does an endpoint's answer mean? 2xx: it has it. 410: it wants nothing more. All else may pass: Standard Webhooks 1.0 has
//! senders try again.
//!
//! Nothing of the answer is repeated in words: it may hold what its reader should not see.

use kernel::Span;

/// What an attempt means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It arrived.
    Taken,
    /// The endpoint is gone, and nothing more is to be sent there.
    Gone {
        /// What happened, for people.
        words: String,
    },
    /// It may arrive later.
    Later {
        /// What went wrong, for people.
        words: String,
        /// How long the endpoint asks to wait.
        retry_after: Option<Span>,
    },
}

/// What an answer with this status means; `retry_after` is how long it asks to wait.
#[must_use]
pub fn judge(status: u16, retry_after: Option<Span>) -> Judgement {
    let hint = match status {
        200..=299 => return Judgement::Taken,
        410 => {
            let words = "The endpoint answered 410: it is gone. It was switched off; correct its address, then switch it on.";
            return Judgement::Gone { words: words.to_owned() };
        }
        300..=399 => "a redirect, which is not followed. Set the endpoint's address to where it leads.",
        401 | 403 => "it does not let us in. Does it verify with the endpoint's present secret?",
        404 | 405 => "nothing takes webhooks there. Check the endpoint's address.",
        429 => "too many requests at once.",
        500.. => "which may pass.",
        _ => "it refuses the request.",
    };
    let colon = if (300..=399).contains(&status) || status >= 500 { "," } else { ":" };
    Judgement::Later { words: format!("The endpoint answered {status}{colon} {hint}"), retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16) -> String {
        match judge(status, None) {
            Judgement::Taken => "taken".to_owned(),
            Judgement::Gone { words } => format!("gone: {words}"),
            Judgement::Later { words, .. } => words,
        }
    }

    #[test]
    fn what_the_answers_mean() {
        assert_eq!((said(200), said(204)), ("taken".to_owned(), "taken".to_owned()));
        assert!(said(410).starts_with("gone: The endpoint answered 410: it is gone."));
        assert_eq!(
            said(302),
            "The endpoint answered 302, a redirect, which is not followed. Set the endpoint's address to where it leads."
        );
        assert_eq!(
            said(401),
            "The endpoint answered 401: it does not let us in. Does it verify with the endpoint's present secret?"
        );
        assert_eq!(said(400), "The endpoint answered 400: it refuses the request.");
        assert_eq!(said(503), "The endpoint answered 503, which may pass.");
        let later = judge(429, Some(Span::seconds(7)));
        assert!(
            matches!(later, Judgement::Later { retry_after: Some(wait), .. } if wait == Span::seconds(7))
        );
    }
}

//! What else is to be said? That something was done, that it could not be, that a link opens nothing.

use super::{Frame, frame::document, html::Html};
use kernel::Kind;

/// What was done just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// An endpoint was changed.
    Changed,
    /// One was switched on.
    On,
    /// One was switched off.
    Off,
    /// One was deleted.
    Deleted,
    /// A test is on its way.
    Tested,
    /// A delivery is sent again.
    Again,
}

impl Done {
    const ALL: [Self; 6] = [Self::Changed, Self::On, Self::Off, Self::Deleted, Self::Tested, Self::Again];

    /// As it stands in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::On => "on",
            Self::Off => "off",
            Self::Deleted => "deleted",
            Self::Tested => "tested",
            Self::Again => "again",
        }
    }

    /// What an address says; nothing if it says nothing that we know.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.as_str() == text)
    }

    pub(super) fn notice(self) -> Html {
        let words = match self {
            Self::Changed => "The endpoint was changed.",
            Self::On => "The endpoint is switched on. What waits for it is sent now.",
            Self::Off => "The endpoint is switched off. Nothing is sent to it until you switch it on.",
            Self::Deleted => "The endpoint was deleted. Nothing is sent to it any more.",
            Self::Tested => "The test is on its way. Load this page again to see what came of it.",
            Self::Again => "It is sent again. Load this page again to see what came of it.",
        };
        Html::new().raw("<div class=\"notice good\" role=\"status\"><p>").raw(words).raw("</p></div>")
    }
}

/// The page of a link that opens nothing (any more).
#[must_use]
pub fn closed() -> String {
    alone(
        "This link is not valid any more",
        Html::new()
            .raw("<p>Links to this page work for a limited time only, and this one is over, was ended, or was not copied whole.</p>")
            .raw("<p>Ask for a new one where you got it: go back to the settings of the product that led you here, and open the webhooks from there.</p>"),
    )
}

/// The page for somebody who left.
#[must_use]
pub fn left() -> String {
    alone(
        "You have left",
        Html::new().raw("<p>This browser does not know your link any more. To come back, open the webhooks where you did before.</p>"),
    )
}

/// The page that tells why something was not done; in the frame of a link, if one is known. `request` names it in our log.
#[must_use]
pub fn refused(frame: Option<&Frame<'_>>, kind: Kind, words: &str, request: &str) -> String {
    let (title, text) = match kind {
        Kind::Unauthenticated => return closed(),
        Kind::NotFound => (
            "There is nothing here",
            Html::new().raw("<p>What you look for was deleted, or never was here. The list of endpoints shows those that there are.</p>"),
        ),
        Kind::TooMany => (
            "Too many requests",
            Html::new().raw("<p>You, or others at your address, were too fast. Wait a minute, then load this page again.</p>"),
        ),
        Kind::Internal | Kind::Unavailable => (
            "This did not work",
            Html::new()
                .raw("<p>Something failed on our side. Try again in a minute. If it stays so, tell whoever gave you the link to this page: the request was <code>")
                .text(request)
                .raw("</code>.</p>"),
        ),
        Kind::Stale => (
            "The endpoint has changed meanwhile",
            Html::new().raw("<p>Somebody changed the endpoint after you opened the page, so nothing was done. Open it anew, look at how it is now, and try again.</p>"),
        ),
        Kind::Invalid
        | Kind::Forbidden
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::Unsupported
        | Kind::Unprocessable => ("This was not done", Html::new().raw("<p>").text(words).raw("</p>")),
    };
    match frame {
        Some(frame) => {
            let home =
                "<p class=\"row\"><a class=\"button\" href=\"/portal/webhooks\">To the endpoints</a></p>";
            let main = Html::new().raw("<h1>").raw(title).raw("</h1>").with(&text).raw(home);
            frame.page(title, &main)
        }
        None => alone(title, text),
    }
}

fn alone(title: &'static str, text: Html) -> String {
    let body = Html::new()
        .raw("<main id=\"main\" tabindex=\"-1\"><h1>")
        .raw(title)
        .raw("</h1>")
        .with(&text)
        .raw("</main>");
    document(title, &body)
}

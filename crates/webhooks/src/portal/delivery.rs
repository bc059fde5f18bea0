//! What does a customer see of what was sent? A line in a table, and a page with each attempt.

use super::{
    Done, Frame, HOME,
    html::Html,
    words::{LOST, UNSENT, duration, failure, time},
};
use crate::Answered;
use kernel::{EndpointId, Instant, JobId, Span};

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits; until when, if that is known.
    Waiting(Option<Instant>),
    /// It is under way.
    UnderWay,
    /// It arrived.
    Arrived,
    /// It was given up.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

impl DeliveryState {
    const fn word(self) -> &'static str {
        match self {
            Self::Waiting(_) => "Waiting",
            Self::UnderWay => "Under way",
            Self::Arrived => "Delivered",
            Self::Failed => "Failed",
            Self::Cancelled => "Called off",
        }
    }

    const fn tone(self) -> &'static str {
        match self {
            Self::Waiting(_) | Self::UnderWay => "plain",
            Self::Arrived => "good",
            Self::Failed => "bad",
            Self::Cancelled => "off",
        }
    }
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLine {
    /// Its id.
    pub id: JobId,
    /// The type of its event, if it is known.
    pub kind: Option<String>,
    /// Where it is.
    pub state: DeliveryState,
    /// When it was made.
    pub created: Instant,
    /// Attempts begun.
    pub attempts: u32,
    /// What the last of them was answered.
    pub status: Option<u16>,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// 1, 2, 3 …
    pub number: u32,
    /// When it began.
    pub started: Instant,
    /// How long it took.
    pub duration: Span,
    /// What came of it, if it got as far as the endpoint: what went wrong, in a word.
    pub reached: Option<Option<String>>,
    /// Whether its sender stopped half-way.
    pub is_lost: bool,
    /// What the endpoint answered.
    pub answer: Option<Answered>,
}

/// What a delivery carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// This body.
    Body(String),
    /// Its event is not kept any more.
    Gone,
    /// It is not known before it leaves.
    Later,
}

/// Whether a delivery can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It can.
    Open,
    /// Its endpoint is switched off.
    Off,
    /// It is under way, or held by another.
    Busy,
}

/// What stands on the page of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySight {
    /// The delivery.
    pub line: DeliveryLine,
    /// Where it goes: id and address.
    pub endpoint: (EndpointId, String),
    /// What it carries.
    pub content: Content,
    /// Its attempts, in order.
    pub attempts: Vec<Try>,
    /// Whether it can be sent again.
    pub retry: Retry,
}

/// Deliveries as a table. The roles are said because on small screens the style shows rows as blocks, which some browsers take to be no
/// table any more.
pub(super) fn table(lines: &[DeliveryLine], is_latest: bool) -> Html {
    let caption = if is_latest { "The latest first" } else { "Older ones, the latest of them first" };
    Html::new()
        .raw("<table role=\"table\"><caption>")
        .raw(caption)
        .raw("</caption><thead role=\"rowgroup\"><tr role=\"row\">")
        .each(["Time", "Event", "State", "Answer", "Attempts"], |name| {
            Html::new().raw("<th scope=\"col\" role=\"columnheader\">").raw(name).raw("</th>")
        })
        .raw("</tr></thead><tbody role=\"rowgroup\">")
        .each(lines, row)
        .raw("</tbody></table>")
}

fn row(line: &DeliveryLine) -> Html {
    Html::new()
        .raw("<tr role=\"row\"><th scope=\"row\" role=\"rowheader\" data-name=\"Time\"><a href=\"")
        .text(&format!("{HOME}/deliveries/{}", line.id))
        .raw("\">")
        .with(&time(line.created))
        .raw("</a></th><td role=\"cell\" data-name=\"Event\"><span>")
        .text(line.kind.as_deref().unwrap_or("–"))
        .raw("</span></td><td role=\"cell\" data-name=\"State\"><span>")
        .with(&state(line.state))
        .raw("</span></td><td role=\"cell\" data-name=\"Answer\"><span>")
        .text(&line.status.map_or_else(|| "–".to_owned(), |status| status.to_string()))
        .raw("</span></td><td role=\"cell\" data-name=\"Attempts\"><span>")
        .text(&line.attempts.to_string())
        .raw("</span></td></tr>")
}

fn state(state: DeliveryState) -> Html {
    Html::new().raw("<span class=\"state ").raw(state.tone()).raw("\">").raw(state.word()).raw("</span>")
}

fn sentence(line: &DeliveryLine) -> Html {
    match line.state {
        DeliveryState::Waiting(Some(at)) if line.attempts > 0 => {
            Html::new().raw("It is tried again ").with(&time(at)).raw(", or later if the endpoint is spared.")
        }
        DeliveryState::Waiting(_) => Html::new().raw("It waits for its turn."),
        DeliveryState::UnderWay => {
            Html::new().raw("It is being sent at this moment. Load this page again to see what came of it.")
        }
        DeliveryState::Arrived => Html::new().raw("Your endpoint took it."),
        DeliveryState::Failed => Html::new().raw("It did not arrive, and is not tried again by itself."),
        DeliveryState::Cancelled => Html::new().raw("It was called off, and is not sent."),
    }
}

/// The page of a delivery.
#[must_use]
pub fn page(frame: &Frame<'_>, sight: &DeliverySight, done: Option<Done>) -> String {
    let line = &sight.line;
    let (endpoint, url) = &sight.endpoint;
    let main = Html::new()
        .with(&done.map(Done::notice).unwrap_or_default())
        .raw("<p class=\"trail\"><a href=\"/portal/webhooks\">All endpoints</a> / <a class=\"url\" href=\"")
        .text(&format!("{HOME}/endpoints/{endpoint}"))
        .raw("\">")
        .text(url)
        .raw("</a></p><h1>Delivery of ")
        .text(line.kind.as_deref().unwrap_or("an event"))
        .raw("</h1><p>")
        .with(&state(line.state))
        .raw(" ")
        .with(&sentence(line))
        .raw("</p><dl><dt>Made</dt><dd>")
        .with(&time(line.created))
        .raw("</dd><dt><code>webhook-id</code></dt><dd><code>")
        .text(line.id.as_str())
        .raw("</code></dd></dl>")
        .with(&again(frame, sight))
        .with(&attempts(&sight.attempts))
        .with(&content(&sight.content));
    frame.page("Delivery", &main)
}

fn again(frame: &Frame<'_>, sight: &DeliverySight) -> Html {
    match sight.retry {
        Retry::Busy => Html::new(),
        Retry::Off => Html::new().raw("<p>To send it again, switch its endpoint on first.</p>"),
        Retry::Open => {
            let button = match sight.line.state {
                DeliveryState::Waiting(_) => "<button class=\"second\">Send it now</button>",
                DeliveryState::UnderWay
                | DeliveryState::Arrived
                | DeliveryState::Failed
                | DeliveryState::Cancelled => "<button class=\"second\">Send it again</button>",
            };
            let form = frame.form(&format!("/deliveries/{}/again", sight.line.id), &Html::new().raw(button));
            Html::new().raw("<div class=\"row\">").with(&form).raw("</div>")
        }
    }
}

fn attempts(all: &[Try]) -> Html {
    let html = Html::new().raw("<h2>Attempts</h2>");
    if all.is_empty() {
        return html.raw("<p>There was none yet.</p>");
    }
    html.each(all, attempt)
}

fn attempt(one: &Try) -> Html {
    let status = one.answer.as_ref().map(|answer| answer.status);
    let words = match &one.reached {
        Some(word) => failure(word.as_deref(), status),
        None if one.is_lost => LOST.to_owned(),
        None => UNSENT.to_owned(),
    };
    let answer = one.answer.as_ref().map_or_else(Html::new, answer);
    Html::new()
        .raw("<h3>Attempt ")
        .text(&one.number.to_string())
        .raw("</h3><p>")
        .text(&words)
        .raw("</p><dl><dt>Began</dt><dd>")
        .with(&time(one.started))
        .raw("</dd><dt>Took</dt><dd>")
        .text(&duration(one.duration))
        .raw("</dd>")
        .with(&status.map_or_else(Html::new, |status| {
            Html::new().raw("<dt>Status</dt><dd>").text(&status.to_string()).raw("</dd>")
        }))
        .raw("</dl>")
        .with(&answer)
}

fn answer(answer: &Answered) -> Html {
    if answer.body.is_empty() {
        return Html::new();
    }
    let kind = answer.content_type.as_deref().unwrap_or("no type");
    Html::new()
        .raw("<details><summary>What your endpoint answered (")
        .text(kind)
        .raw(")</summary><pre tabindex=\"0\"><code>")
        .text(&answer.body)
        .raw("</code></pre>")
        .when(answer.is_cut, |html| html.raw("<p class=\"soft\">There was more, which is not kept.</p>"))
        .raw("</details>")
}

fn content(content: &Content) -> Html {
    let html = Html::new().raw("<h2>What is sent</h2>");
    match content {
        Content::Body(body) => html.raw("<pre tabindex=\"0\"><code>").text(body).raw("</code></pre>"),
        Content::Later => html.raw("<p>It is put together when it is sent.</p>"),
        Content::Gone => html.raw("<p>The event is not kept any more.</p>"),
    }
}

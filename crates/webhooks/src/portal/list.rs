//! Which endpoints has a customer? The first page.

use super::{CUSTOMER_ENDPOINTS_MAX, Done, Frame, HOME, html::Html, words::standing};
use crate::{Endpoint, service::Seen};

/// The page of a customer's endpoints; `next` is where it goes on.
#[must_use]
pub fn page(frame: &Frame<'_>, endpoints: &[Seen], next: Option<&str>, done: Option<Done>) -> String {
    let main = Html::new()
        .with(&done.map(Done::notice).unwrap_or_default())
        .raw("<h1>Webhook endpoints</h1><p>")
        .text(frame.tenant)
        .raw(" tells your programs what happens, by HTTP requests to the addresses that stand here. Each request is signed with a \
              secret of its endpoint.</p>");
    let add = Html::new()
        .raw("<p class=\"row\"><a class=\"button\" href=\"/portal/webhooks/new\">Add an endpoint</a></p>");
    let main = if endpoints.is_empty() {
        main.raw("<div class=\"empty\"><p>There is no endpoint yet. Add one to be told of events.</p></div>")
            .with(&add)
    } else {
        let is_full = i64::try_from(endpoints.len()).is_ok_and(|count| count >= CUSTOMER_ENDPOINTS_MAX);
        let main = if is_full {
            main.raw(
                "<p>There are as many endpoints as there may be. Delete one to make room for another.</p>",
            )
        } else {
            main.with(&add)
        };
        main.raw("<ul class=\"list\">").each(endpoints, |seen| line(frame, seen)).raw("</ul>")
    };
    let main = match next {
        Some(next) => {
            main.raw("<p><a href=\"/portal/webhooks?after=").text(next).raw("\">More endpoints</a></p>")
        }
        None => main,
    };
    frame.page("Endpoints", &main)
}

fn line(frame: &Frame<'_>, Seen { endpoint, health, .. }: &Seen) -> Html {
    let standing = standing(endpoint, health, frame.now);
    Html::new()
        .raw("<li><h2><a class=\"url\" href=\"")
        .text(&format!("{HOME}/endpoints/{}", endpoint.id))
        .raw("\">")
        .text(&endpoint.url)
        .raw("</a></h2><p><span class=\"state ")
        .raw(standing.tone)
        .raw("\">")
        .raw(standing.word)
        .raw("</span> ")
        .with(&standing.sentence)
        .raw("</p>")
        .with(&described(endpoint))
        .raw("<p class=\"soft\">Gets ")
        .with(&gets(endpoint))
        .raw(".</p></li>")
}

fn described(endpoint: &Endpoint) -> Html {
    endpoint
        .description
        .as_deref()
        .map_or_else(Html::new, |text| Html::new().raw("<p>").text(text).raw("</p>"))
}

/// What an endpoint gets, in a few words.
pub(super) fn gets(endpoint: &Endpoint) -> Html {
    const FEW: usize = 3;
    let kinds = &endpoint.event_types;
    match kinds.len() {
        0 => Html::new().raw("only what is sent to it in particular"),
        _ if kinds.iter().any(|kind| kind.as_str() == "*") => Html::new().raw("all events"),
        count => {
            let few = kinds.iter().take(FEW).enumerate();
            let said = few.fold(Html::new(), |html, (place, kind)| {
                html.when(place > 0, |html| html.raw(", ")).raw("<code>").text(kind.as_str()).raw("</code>")
            });
            said.when(count > FEW, |html| html.text(&format!(" and {} more", count.saturating_sub(FEW))))
        }
    }
}

//! What does a customer see of one endpoint? How it stands, what was sent there, and all that can be done with it.

use super::{
    DeliveryLine, Done, Frame, HOME, OVERLAPS, Offer,
    delivery::table,
    html::Html,
    list::gets,
    words::{standing, time},
};
use crate::{Endpoint, service::Seen};

/// What stands on the page of an endpoint.
#[derive(Debug)]
pub struct EndpointSight<'a> {
    /// The endpoint.
    pub seen: &'a Seen,
    /// Of which types it can be sent an example.
    pub offer: &'a Offer,
    /// The latest deliveries, or those before some.
    pub deliveries: &'a [DeliveryLine],
    /// Whether these are the latest.
    pub is_latest: bool,
    /// Where they go on.
    pub next: Option<&'a str>,
    /// What was done just now.
    pub done: Option<Done>,
}

/// The page of an endpoint.
#[must_use]
pub fn page(frame: &Frame<'_>, sight: &EndpointSight<'_>) -> String {
    let endpoint = &sight.seen.endpoint;
    let main = Html::new()
        .with(&sight.done.map(Done::notice).unwrap_or_default())
        .raw("<p class=\"trail\"><a href=\"/portal/webhooks\">All endpoints</a></p><h1 class=\"url\">")
        .text(&endpoint.url)
        .raw("</h1>")
        .with(&about(frame, sight.seen))
        .with(&switches(frame, endpoint))
        .with(&deliveries(sight))
        .with(&test(frame, sight))
        .with(&rotation(frame, sight.seen))
        .raw("<h2>Delete the endpoint</h2><p>What waits for it is not sent any more. This cannot be taken back.</p><p class=\"row\"><a class=\"button danger\" href=\"")
        .text(&place(endpoint, "/delete"))
        .raw("\">Delete …</a></p>");
    frame.page(&endpoint.url, &main)
}

fn place(endpoint: &Endpoint, more: &str) -> String {
    format!("{HOME}/endpoints/{}{more}", endpoint.id)
}

/// The version that the customer saw, for a form.
fn version(endpoint: &Endpoint) -> Html {
    let version = endpoint.version.to_string();
    Html::new().raw("<input type=\"hidden\" name=\"version\" value=\"").text(&version).raw("\">")
}

fn about(frame: &Frame<'_>, seen: &Seen) -> Html {
    let endpoint = &seen.endpoint;
    let standing = standing(endpoint, &seen.health, frame.now);
    let description = endpoint
        .description
        .as_deref()
        .map_or_else(Html::new, |text| Html::new().raw("<dt>Description</dt><dd>").text(text).raw("</dd>"));
    let public = seen.public_key.as_deref().map_or_else(Html::new, |key| {
        Html::new().raw("<dt>Public key</dt><dd><code>").text(key).raw("</code></dd>")
    });
    let many = endpoint.event_types.len() > 3;
    let all = Html::new().each(&endpoint.event_types, |kind| {
        Html::new().raw("<li><code>").text(kind.as_str()).raw("</code></li>")
    });
    Html::new()
        .raw("<p><span class=\"state ")
        .raw(standing.tone)
        .raw("\">")
        .raw(standing.word)
        .raw("</span> ")
        .with(&standing.sentence)
        .raw("</p><dl>")
        .with(&description)
        .raw("<dt>Gets</dt><dd>")
        .when(many, |html| {
            html.raw("<details><summary>")
                .with(&gets(endpoint))
                .raw("</summary><ul class=\"all\">")
                .with(&all)
                .raw("</ul></details>")
        })
        .when(!many, |html| html.with(&gets(endpoint)))
        .raw("</dd>")
        .with(&public)
        .raw("<dt>Added</dt><dd>")
        .with(&time(endpoint.created_at))
        .raw("</dd></dl>")
}

fn switches(frame: &Frame<'_>, endpoint: &Endpoint) -> Html {
    let is_off = endpoint.disabled.is_some();
    let inside = version(endpoint);
    let inside = if is_off {
        inside.raw("<input type=\"hidden\" name=\"on\" value=\"yes\"><button>Switch on</button>")
    } else {
        inside.raw(
            "<input type=\"hidden\" name=\"on\" value=\"no\"><button class=\"second\">Switch off</button>",
        )
    };
    Html::new()
        .raw("<div class=\"row\"><a class=\"button second\" href=\"")
        .text(&place(endpoint, "/change"))
        .raw("\">Change</a>")
        .with(&frame.form(&format!("/endpoints/{}/switch", endpoint.id), &inside))
        .raw("</div>")
}

fn deliveries(sight: &EndpointSight<'_>) -> Html {
    let endpoint = &sight.seen.endpoint;
    let html = Html::new().raw("<h2 id=\"deliveries\">Deliveries</h2>");
    if sight.deliveries.is_empty() {
        let words = if sight.is_latest {
            "Nothing was sent there yet. Send a test to try it."
        } else {
            "There are no deliveries before these."
        };
        return html.raw("<p>").raw(words).raw("</p>");
    }
    let latest = (!sight.is_latest).then(|| {
        Html::new().raw("<a href=\"").text(&place(endpoint, "#deliveries")).raw("\">The latest</a> ")
    });
    let older = sight.next.map(|next| {
        let path = place(endpoint, &format!("?before={next}#deliveries"));
        Html::new().raw("<a href=\"").text(&path).raw("\">Older deliveries</a>")
    });
    html.with(&table(sight.deliveries, sight.is_latest))
        .raw("<p class=\"row\">")
        .with(&latest.unwrap_or_default())
        .with(&older.unwrap_or_default())
        .raw("</p>")
}

fn test(frame: &Frame<'_>, sight: &EndpointSight<'_>) -> Html {
    let endpoint = &sight.seen.endpoint;
    let html = Html::new().raw("<h2>Send a test</h2>");
    if endpoint.disabled.is_some() {
        return html.raw("<p>Switch the endpoint on first: nothing is sent to one that is off.</p>");
    }
    let options = Html::new().each(&sight.offer.choices, |choice| {
        Html::new().raw("<option value=\"").text(&choice.kind).raw("\">").text(&choice.kind).raw("</option>")
    });
    let inside = Html::new()
        .raw("<div class=\"field\"><label for=\"type\">Example of</label><p class=\"hint\" id=\"type-hint\">It is sent once, with made-up data, signed like any other.</p>")
        .raw("<select id=\"type\" name=\"type\" aria-describedby=\"type-hint\"><option value=\"\">webhook.test (nothing but a test)</option>")
        .with(&options)
        .raw("</select></div><button class=\"second\">Send the test</button>");
    html.with(&frame.form(&format!("/endpoints/{}/test", endpoint.id), &inside))
}

fn rotation(frame: &Frame<'_>, seen: &Seen) -> Html {
    let endpoint = &seen.endpoint;
    let overlaps = seen.overlaps_until.map_or_else(Html::new, |until| {
        Html::new().raw("<p>A secret that was replaced signs along until ").with(&time(until)).raw(".</p>")
    });
    let options = Html::new().each(&OVERLAPS, |(value, words)| {
        Html::new().raw("<option value=\"").raw(value).raw("\">").raw(words).raw("</option>")
    });
    let inside = version(endpoint)
        .raw("<div class=\"field\"><label for=\"overlap\">The present secret goes on signing for</label>")
        .raw("<p class=\"hint\" id=\"overlap-hint\">Long enough for you to put the new one in place. If the present one is known to somebody else, let it stop now.</p>")
        .raw("<select id=\"overlap\" name=\"overlap\" aria-describedby=\"overlap-hint\">")
        .with(&options)
        .raw("</select></div><button class=\"second\">Replace the secret</button>");
    Html::new()
        .raw("<h2>Replace the secret</h2><p>The secret that signs what is sent here is never shown again. If it was lost, or got known, replace it.</p>")
        .with(&overlaps)
        .with(&frame.form(&format!("/endpoints/{}/secret", endpoint.id), &inside))
}

/// The page that asks whether an endpoint is to be deleted.
#[must_use]
pub fn confirm(frame: &Frame<'_>, endpoint: &Endpoint) -> String {
    let inside = version(endpoint)
        .raw("<p class=\"row\"><button class=\"danger\">Delete the endpoint</button> <a class=\"button second\" href=\"")
        .text(&place(endpoint, ""))
        .raw("\">Keep it</a></p>");
    let main = Html::new()
        .raw("<h1>Delete this endpoint?</h1><p><span class=\"url\">")
        .text(&endpoint.url)
        .raw("</span></p><p>What waits for it is not sent any more, and its deliveries cannot be seen here. This cannot be taken back. To \
              stop for a while only, switch it off instead.</p>")
        .with(&frame.form(&format!("/endpoints/{}/delete", endpoint.id), &inside));
    frame.page("Delete an endpoint", &main)
}

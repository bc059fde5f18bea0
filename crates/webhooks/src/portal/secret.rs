//! How does a customer get a secret? Once, on the page that answers the form that made it, with how to verify by it.

use super::{Frame, HOME, html::Html, words::time};
use crate::{Endpoint, Signature, SigningKey};
use kernel::Instant;

/// A secret that was made just now.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Whose.
    pub endpoint: &'a Endpoint,
    /// The secret.
    pub key: &'a SigningKey,
    /// Whether the endpoint was there before.
    pub is_replaced: bool,
    /// Until when the one before it signs, too.
    pub overlaps_until: Option<Instant>,
}

const PYTHON: &str = r#"import base64, hashlib, hmac, time

def verify(secret: str, headers, body: bytes) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    sent = headers["webhook-timestamp"]
    signed = f"{headers['webhook-id']}.{sent}.".encode() + body
    ours = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    theirs = headers["webhook-signature"].encode().split()
    return abs(time.time() - int(sent)) < 300 and any(hmac.compare_digest(ours, one) for one in theirs)"#;

/// The page that shows it.
#[must_use]
pub fn page(frame: &Frame<'_>, shown: &Shown<'_>) -> String {
    let title = if shown.is_replaced { "The new secret" } else { "The endpoint was added" };
    let public = shown.key.public();
    let (name, secret) = match &public {
        // With a key of its own pair nobody verifies: they get what verifies, and that is no secret.
        Some(public) => ("Public key", public.clone()),
        None => ("Secret", shown.key.text().expose().clone()),
    };
    let main = Html::new()
        .raw("<h1>")
        .raw(title)
        .raw("</h1><p>Address: <span class=\"url\">")
        .text(&shown.endpoint.url)
        .raw("</span></p><div class=\"notice bad\"><p><strong>Copy it now: it is shown this once.</strong> Keep it where your program \
              reads it, and nowhere else. If it gets lost, replace it.</p></div><h2 id=\"secret\">")
        .raw(name)
        .raw("</h2><p><code class=\"secret\">")
        .text(&secret)
        .raw("</code></p>")
        .with(&overlap(shown))
        .with(&verifying(shown.endpoint.signature))
        .raw("<p class=\"row\"><a class=\"button\" href=\"")
        .text(&format!("{HOME}/endpoints/{}", shown.endpoint.id))
        .raw("\">I have copied it: go on</a></p>");
    frame.page(title, &main)
}

fn overlap(shown: &Shown<'_>) -> Html {
    match (shown.is_replaced, shown.overlaps_until) {
        (false, _) => Html::new(),
        (true, None) => Html::new().raw("<p>The secret before it signs no more: put this one in place now.</p>"),
        (true, Some(until)) => Html::new()
            .raw("<p>The secret before it signs along until ")
            .with(&time(until))
            .raw(". Until then each request carries a signature of both, so that you can change over in peace.</p>"),
    }
}

fn verifying(signature: Signature) -> Html {
    let html = Html::new()
        .raw("<h2>How to verify a request</h2><p>Each request is a POST with JSON in it and three headers, as \
              <a href=\"https://www.standardwebhooks.com\">Standard Webhooks</a> has it:</p><ul>")
        .raw("<li><code>webhook-id</code>: the same at every attempt. Who keeps those of a day takes each event once.</li>")
        .raw("<li><code>webhook-timestamp</code>: when it was signed, in seconds since 1970. Refuse what is more than five minutes off.</li>")
        .raw("<li><code>webhook-signature</code>: one or more signatures, with spaces between them. One that fits is enough.</li></ul>");
    let html = match signature {
        Signature::V1 => html
            .raw("<p>What is signed is the id, a dot, the timestamp, a dot, and the body as it came, before it is read as JSON: by \
                  HMAC-SHA256 with the bytes that stand in base64 behind <code>whsec_</code>. In Python:</p><pre tabindex=\"0\"><code>")
            .text(PYTHON)
            .raw("</code></pre>"),
        Signature::V1a => html.raw(
            "<p>What is signed is the id, a dot, the timestamp, a dot, and the body as it came, before it is read as JSON: by Ed25519. \
             The key that stands in base64 behind <code>whpk_</code> verifies what stands in base64 behind <code>v1a,</code>.</p>",
        ),
    };
    html.raw("<p>Answer with a status from 200 to 299 within some seconds, then do the work. Anything else is a failure, and is tried \
              again for some days.</p>")
}

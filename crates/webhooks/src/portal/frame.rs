//! What stands around every page? Its head, who it is for, the way back, and the style, which the policy allows by its hash and nothing else.

use super::{HOME, PortalLink, PortalToken, html::Html, words::time};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::Instant;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use url::Url;

const STYLE: &str = include_str!("style.css");
/// The field of every form that says by which page it was made.
pub(super) const FORM_TOKEN: &str = "form_token";

/// The policy under which all pages are shown.
#[must_use]
pub fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            STANDARD.encode(Sha256::digest(STYLE))
        )
    });
    &POLICY
}

/// What all pages of a link have about them.
#[derive(Debug)]
pub struct Frame<'a> {
    /// The tenant's name.
    pub tenant: &'a str,
    /// The link.
    pub link: &'a PortalLink,
    /// Its token, of which nothing but the forms' own is in any page.
    pub token: &'a PortalToken,
    /// When the page is made.
    pub now: Instant,
}

impl Frame<'_> {
    /// A form that posts to a path below [`HOME`], with what says that this page made it.
    pub(super) fn form(&self, path: &str, inside: &Html) -> Html {
        Html::new()
            .raw("<form method=\"post\" action=\"")
            .text(&format!("{HOME}{path}"))
            .raw("\">")
            .raw("<input type=\"hidden\" name=\"form_token\" value=\"")
            .text(self.token.form_token().expose())
            .raw("\">")
            .with(inside)
            .raw("</form>")
    }

    /// The whole page.
    pub(super) fn page(&self, title: &str, main: &Html) -> String {
        let back = self.link.return_url.as_deref().and_then(|text| Url::parse(text).ok());
        let back = back.map(|url| {
            Html::new()
                .raw("<li><a href=\"")
                .text(url.as_str())
                .raw("\">Back to ")
                .text(url.host_str().unwrap_or_default())
                .raw("</a></li>")
        });
        let leave = self.form("/leave", &Html::new().raw("<button class=\"quiet\">Leave this page</button>"));
        let body = Html::new()
            .raw("<header class=\"top\"><p class=\"brand\">")
            .text(self.tenant)
            .raw(" <span>Webhooks</span></p><nav aria-label=\"Pages\"><ul><li><a href=\"/portal/webhooks\">Endpoints</a></li>")
            .with(&back.unwrap_or_default())
            .raw("</ul></nav></header><main id=\"main\" tabindex=\"-1\">")
            .with(main)
            .raw("</main><footer><p>These are the endpoints of <strong>")
            .text(&self.link.customer)
            .raw("</strong>. Your link works until ")
            .with(&time(self.link.expires_at))
            .raw(".</p>")
            .with(&leave)
            .raw("</footer>");
        document(&format!("{title} – {} webhooks", self.tenant), &body)
    }
}

/// A whole document; `title` is what the window says.
pub(super) fn document(title: &str, body: &Html) -> String {
    Html::new()
        .raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex, nofollow\">\n<title>")
        .text(title)
        .raw("</title>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n")
        .with(body)
        .raw("\n</body>\n</html>\n")
        .finish()
}

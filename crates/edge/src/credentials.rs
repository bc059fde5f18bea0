//! How does a request show who it is? A bearer (an access token or an API key), or a session cookie with its CSRF token.

use auth::Credential;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, header};
use kernel::Secret;
use sha2::{Digest, Sha256};

/// The session cookie; the prefix makes browsers insist on HTTPS, no domain and the path `/`.
const COOKIE: &str = "__Host-signalbox";
/// What a browser keeps while its person is at an identity provider.
const SIGN_ON_COOKIE: &str = "__Host-signalbox-sign-on";

/// What opens the pages of a tenant's customer; where we are not reached over HTTPS, browsers take no cookie with the prefix.
const PORTAL_COOKIE: &str = "__Host-signalbox-portal";
const PLAIN_PORTAL_COOKIE: &str = "signalbox-portal";

/// The credential that the headers show, if any. A bearer goes before a cookie.
pub(crate) fn shown(headers: &HeaderMap) -> Option<Credential> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Credential::Bearer(Secret::new(token.trim().to_owned())));
    bearer.or_else(|| cookie(headers).map(|value| Credential::Cookie(Secret::new(value))))
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    cookie_named(headers, COOKIE)
}

fn cookie_named(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// The CSRF token that belongs to a session cookie: a hash of it, so that nobody can know it who cannot read the answer.
#[must_use]
pub fn csrf_token(cookie: &Secret<String>) -> String {
    let digest = Sha256::new().chain_update(b"signalbox csrf 1\0").chain_update(cookie.expose()).finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

/// `Set-Cookie` for a session; `None` ends it.
#[must_use]
pub fn session_cookie(value: Option<(&Secret<String>, i64)>) -> String {
    let (text, age) = value.map_or(("", 0), |(secret, seconds)| (secret.expose().as_str(), seconds));
    format!("{COOKIE}={text}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax")
}

/// What the browser kept from the beginning of a sign-on.
#[must_use]
pub fn sign_on_secret(headers: &HeaderMap) -> Option<Secret<String>> {
    cookie_named(headers, SIGN_ON_COOKIE).map(Secret::new)
}

/// `Set-Cookie` for what a browser keeps for `seconds` while its person is at an identity provider. A provider that sends
/// people back by a form (`by_form`) is another site that posts to us, which `Lax` would keep the cookie from.
#[must_use]
pub fn sign_on_cookie(value: &Secret<String>, seconds: i64, by_form: bool) -> String {
    let same_site = if by_form { "None" } else { "Lax" };
    let text = value.expose();
    format!("{SIGN_ON_COOKIE}={text}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite={same_site}")
}

/// What a browser keeps of the link by which a tenant's customer came; `is_https` says whether we are reached that way.
#[must_use]
pub fn portal_secret(headers: &HeaderMap, is_https: bool) -> Option<Secret<String>> {
    let name = if is_https { PORTAL_COOKIE } else { PLAIN_PORTAL_COOKIE };
    cookie_named(headers, name).map(Secret::new)
}

/// `Set-Cookie` for it, for so many seconds; `None` takes it away. `Strict` would keep it from the very page that a link on the tenant's own
/// site leads to, for browsers count the whole way there as coming from that site.
#[must_use]
pub fn portal_cookie(value: Option<(&Secret<String>, i64)>, is_https: bool) -> String {
    let (text, age) = value.map_or(("", 0), |(secret, seconds)| (secret.expose().as_str(), seconds));
    let (name, secure) = if is_https { (PORTAL_COOKIE, " Secure;") } else { (PLAIN_PORTAL_COOKIE, "") };
    format!("{name}={text}; Path=/; Max-Age={age};{secure} HttpOnly; SameSite=Lax")
}

/// Whether a cookie's request may go on: reading always, changing only with the token that belongs to the cookie.
pub(crate) fn csrf_holds(method: &Method, headers: &HeaderMap, credential: &Credential) -> bool {
    let Credential::Cookie(cookie) = credential else {
        return true;
    };
    if method.is_safe() {
        return true;
    }
    let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Secret::new(sent.to_owned()) == Secret::new(csrf_token(cookie))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_bearer_goes_before_a_cookie() {
        let both = headers(&[("authorization", "bearer abc"), ("cookie", "__Host-signalbox=xyz")]);
        assert!(matches!(shown(&both), Some(Credential::Bearer(token)) if token.expose() == "abc"));
        let cookie = headers(&[("cookie", "a=b; __Host-signalbox=xyz; c=d")]);
        assert!(matches!(shown(&cookie), Some(Credential::Cookie(value)) if value.expose() == "xyz"));
        assert!(shown(&headers(&[("authorization", "Basic abc")])).is_none());
    }

    #[test]
    fn a_customers_cookie_has_the_prefix_where_it_can() {
        let secret = Secret::new("xyz".to_owned());
        let secure = portal_cookie(Some((&secret, 60)), true);
        assert_eq!(secure, "__Host-signalbox-portal=xyz; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
        assert_eq!(
            portal_cookie(None, false),
            "signalbox-portal=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
        );
        // Nobody can pass the plain one off as the other.
        let plain = headers(&[("cookie", "signalbox-portal=xyz")]);
        assert!(portal_secret(&plain, true).is_none() && portal_secret(&plain, false) == Some(secret));
    }

    #[test]
    fn a_change_by_cookie_needs_its_token() {
        let cookie = Secret::new("xyz".to_owned());
        let right = headers(&[("x-csrf-token", &csrf_token(&cookie))]);
        let credential = Credential::Cookie(cookie);
        assert!(csrf_holds(&Method::GET, &HeaderMap::new(), &credential));
        assert!(!csrf_holds(&Method::POST, &HeaderMap::new(), &credential));
        assert!(!csrf_holds(&Method::POST, &headers(&[("x-csrf-token", "wrong")]), &credential));
        assert!(csrf_holds(&Method::POST, &right, &credential));
    }
}

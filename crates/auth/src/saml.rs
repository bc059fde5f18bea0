//! What does SAML 2.0 ask of whoever relies on it? A request by redirect, a signed answer by a form (Web Browser SSO
//! Profile, saml-profiles-2.0-os section 4.1), and metadata about ourselves.
//!
//! Only what was signed is ever read: the canonical text that the signature was checked against, and nothing beside it.

mod certificate;
mod metadata;
mod response;
mod signature;
mod xml;

pub(crate) use certificate::{Certificate, faults, sound_certificate};
pub(crate) use metadata::{IdentityProvider, own_metadata};
pub(crate) use response::{Expected, hear};
#[cfg(test)]
pub(crate) use signature::signing;

use crate::{
    SignOnError,
    digest::{self, Digest},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::Instant;

/// The largest document that is read, in bytes.
pub(crate) const DOCUMENT_MAX: usize = 256 * 1024;

pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(crate) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const BY_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const BY_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// Where we can be found by a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ourselves {
    /// What we are called: the address of our metadata.
    pub(crate) entity_id: String,
    /// Where answers are posted to.
    pub(crate) consumer: String,
}

/// The id of a request: `_` and 64 hexadecimal digits, for an id begins with no digit.
pub(crate) fn request_id(derived: &Digest) -> String {
    format!("_{}", digest::hex(derived.expose()))
}

/// Where the browser is sent: the provider's address with the request, deflated (saml-bindings-2.0-os, section 3.4).
pub(crate) fn redirect(us: &Ourselves, sso_url: &str, id: &str, relay: &str, now: Instant) -> String {
    let request = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{now}\" Destination=\"{}\" AssertionConsumerServiceURL=\"{}\" ProtocolBinding=\"{BY_POST}\">\
         <saml:Issuer>{}</saml:Issuer><samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>",
        xml::escape(sso_url),
        xml::escape(&us.consumer),
        xml::escape(&us.entity_id),
    );
    let deflated = STANDARD.encode(miniz_oxide::deflate::compress_to_vec(request.as_bytes(), 6));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &deflated)
        .append_pair("RelayState", relay)
        .finish();
    let joint = if sso_url.contains('?') { '&' } else { '?' };
    format!("{sso_url}{joint}{query}")
}

/// The XML of an answer that came by a form.
///
/// # Errors
/// [`SignOnError::Doubt`].
pub(crate) fn decode(text: &str) -> Result<String, SignOnError> {
    let doubt = |why: &str| SignOnError::Doubt(why.to_owned());
    let bare: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    if bare.len() / 4 > DOCUMENT_MAX / 3 {
        return Err(doubt("it is larger than 256 KiB"));
    }
    let bytes = STANDARD.decode(bare).map_err(|_| doubt("it is not base64"))?;
    String::from_utf8(bytes).map_err(|_| doubt("it is not UTF-8"))
}

/// What the form of a SAML answer says: the response, and what we sent along.
///
/// # Errors
/// [`SignOnError::State`] if one of the two is missing or stands there twice.
pub fn form(body: &[u8]) -> Result<(String, String), SignOnError> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let only = |name: &str| {
        let mut found = fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        found.next().filter(|_| found.next().is_none()).ok_or(SignOnError::State)
    };
    Ok((only("SAMLResponse")?, only("RelayState")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reads_back() {
        let us = Ourselves {
            entity_id: "https://us.example/meta?a&b".to_owned(),
            consumer: "https://us.example/acs".to_owned(),
        };
        let url = redirect(&us, "https://idp.example/sso?x=1", "_00", "the relay", Instant::from_millis(0));
        assert!(url.starts_with("https://idp.example/sso?x=1&SAMLRequest="));
        let url = url::Url::parse(&url).unwrap();
        let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["RelayState"], "the relay");
        let deflated = STANDARD.decode(&query["SAMLRequest"]).unwrap();
        let text = String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap();
        let document = xml::Tree::read(&text).unwrap();
        let root = document.root().unwrap();
        assert!(document.is(root, PROTOCOL, "AuthnRequest"));
        assert_eq!(document.attribute(root, "ID"), Some("_00"));
        assert_eq!(document.attribute(root, "IssueInstant"), Some("1970-01-01T00:00:00.000Z"));
        let issuer = document.only_child(root, ASSERTION, "Issuer").unwrap();
        assert_eq!(document.text(issuer).as_deref(), Some("https://us.example/meta?a&b"));
    }
}

//! What stands in a link? A text that says whose link it is, so that one look at a primary key finds it, and 256 bits of chance, of which
//! only the SHA-256 is kept: `sbp_<tenant>_<link>_<chance>`.

use crate::WebhookError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use kernel::{Chance, PortalLinkId, Secret, TenantId};
use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sbp";
/// How much chance, in bytes.
const BYTES: usize = 32;
/// What the token of forms is made of, besides the link's own.
const FORMS: &[u8] = b"signalbox portal forms 1";

/// The token of a portal link.
#[derive(Debug, Clone)]
pub struct PortalToken {
    pub(crate) tenant: TenantId,
    pub(crate) link: PortalLinkId,
    text: Secret<String>,
}

impl PortalToken {
    pub(crate) fn new(tenant: &TenantId, link: &PortalLinkId, chance: &dyn Chance) -> Self {
        let mut noise = [0_u8; BYTES];
        chance.fill(&mut noise);
        let noise = noise.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let place = link.as_str().trim_start_matches("ptl_");
        let text = Secret::new(format!("{PREFIX}_{tenant}_{place}_{noise}"));
        Self { tenant: tenant.clone(), link: link.clone(), text }
    }

    /// Reads a text that somebody showed.
    ///
    /// # Errors
    /// [`WebhookError::LinkClosed`] if it cannot be one of ours.
    pub fn read(text: &Secret<String>) -> Result<Self, WebhookError> {
        let parts: Vec<&str> = text.expose().split('_').collect();
        let [PREFIX, tenant, place, noise] = parts.as_slice() else {
            return Err(WebhookError::LinkClosed);
        };
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if noise.len() != BYTES.saturating_mul(2) || !noise.bytes().all(is_hex) {
            return Err(WebhookError::LinkClosed);
        }
        Ok(Self {
            tenant: tenant.parse().map_err(|_| WebhookError::LinkClosed)?,
            link: format!("ptl_{place}").parse().map_err(|_| WebhookError::LinkClosed)?,
            text: text.clone(),
        })
    }

    /// The text itself, for the link and the cookie.
    #[must_use]
    pub const fn text(&self) -> &Secret<String> {
        &self.text
    }

    /// The tenant that it says it is of.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> Secret<[u8; 32]> {
        Secret::new(Sha256::digest(self.text.expose()).into())
    }

    /// What every form of its pages carries: nobody can know it who cannot read the pages, and the link cannot be told from it.
    #[must_use]
    pub fn form_token(&self) -> Secret<String> {
        // An HMAC takes a key of any length; without one there is no token, which no form matches.
        let mac = Hmac::<Sha256>::new_from_slice(self.text.expose().as_bytes());
        let text = mac.map(|mac| URL_SAFE_NO_PAD.encode(mac.chain_update(FORMS).finalize().into_bytes()));
        Secret::new(text.unwrap_or_default())
    }

    /// Whether a form was made by a page of this link.
    #[must_use]
    pub fn made(&self, form_token: &Secret<String>) -> bool {
        let own = self.form_token();
        !own.expose().is_empty() && own == *form_token
    }

    /// The link with it.
    #[must_use]
    pub fn url(&self, public_url: &str) -> Secret<String> {
        Secret::new(format!("{public_url}{}?token={}", super::HOME, self.text.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Instant;

    struct Fixed(u8);
    impl Chance for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn token(number: u8) -> PortalToken {
        let id = PortalLinkId::new(Instant::from_millis(1), &Fixed(number));
        PortalToken::new(&"acme-corp".parse().unwrap(), &id, &Fixed(number))
    }

    #[test]
    fn a_token_reads_back() {
        let token = token(7);
        let url = token.url("https://signalbox.test");
        let (place, text) = url.expose().split_once("?token=").unwrap();
        assert_eq!(place, "https://signalbox.test/portal/webhooks");
        let read = PortalToken::read(&Secret::new(text.to_owned())).unwrap();
        assert_eq!((read.tenant.as_str(), &read.link), ("acme-corp", &token.link));
        assert_eq!(read.hash(), token.hash());
        let cut = text[..text.len() - 1].to_owned();
        for text in ["", "sbp", "sbp_acme-corp_x_y", &cut, &format!("{text}_x"), &text.to_uppercase()] {
            assert!(PortalToken::read(&Secret::new(text.to_owned())).is_err(), "{text}");
        }
        assert!(!format!("{token:?}").contains("0707"));
    }

    #[test]
    fn forms_are_of_one_link() {
        assert!(token(7).made(&token(7).form_token()));
        for other in ["", "x", token(8).form_token().expose(), token(7).text().expose()] {
            assert!(!token(7).made(&Secret::new(other.to_owned())), "{other}");
        }
    }
}

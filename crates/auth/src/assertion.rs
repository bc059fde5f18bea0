//! Did this client sign that it is itself? `private_key_jwt`: a JWT of the client's own, for us, good once and for
//! minutes (RFC 7521, RFC 7523, section 3).

use crate::digest;
use jwt_simple::{
    Error,
    algorithms::{
        ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _,
        PS256PublicKey, RS256PublicKey, RSAPublicKeyLike as _,
    },
    claims::{JWTClaims, NoCustomClaims},
    common::VerificationOptions,
    prelude::{Duration, UnixTimeStamp},
    token::Token,
};
use kernel::{ClientId, Instant, Secret, Span};
use std::collections::HashSet;

/// The longest life that an assertion may have from now on.
const LONGEST_LIFE: Span = Span::minutes(10);
/// How far a client's clock may be off.
const TOLERANCE: u64 = 30;
/// The longest assertion, in characters: one by RSA with 4096 bits has about 1,200.
const LONGEST: usize = 4096;

/// The algorithms that a client may sign with (RFC 7518, RFC 8037).
pub const ASSERTION_ALGORITHMS: [&str; 4] = ["EdDSA", "ES256", "PS256", "RS256"];

/// The text is not a public key that a client can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a JSON Web Key with an Ed25519, P-256 or RSA (2048 bits or more) public key, without the private part"
)]
pub struct AssertionKeyError;

/// A client's public key, as a JSON Web Key (RFC 7517) without a private part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionKey(String);

#[expect(clippy::large_enum_variant, reason = "made and dropped within one check")]
enum Reader {
    Ed25519(Ed25519PublicKey),
    P256(ES256PublicKey),
    Rsa(Option<RS256PublicKey>, Option<PS256PublicKey>),
}

impl AssertionKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`AssertionKeyError`].
    pub fn new(text: &str) -> Result<Self, AssertionKeyError> {
        let key = Self(text.to_owned());
        let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
            return Err(AssertionKeyError);
        };
        let private =
            ["d", "p", "q", "dp", "dq", "qi", "k", "priv"].iter().any(|name| value.get(name).is_some());
        if private || key.reader().is_none() { Err(AssertionKeyError) } else { Ok(key) }
    }

    /// The key as JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn reader(&self) -> Option<Reader> {
        let text = self.0.as_str();
        let ed25519 = || Ed25519PublicKey::from_jwk(text).ok().map(Reader::Ed25519);
        let p256 = || ES256PublicKey::from_jwk(text).ok().map(Reader::P256);
        // A key that says for which algorithm it is, is for that one; one that does not, for both.
        let rsa = || match (RS256PublicKey::from_jwk(text).ok(), PS256PublicKey::from_jwk(text).ok()) {
            (None, None) => None,
            (old, new) => Some(Reader::Rsa(old, new)),
        };
        ed25519().or_else(p256).or_else(rsa)
    }

    /// What an assertion of `client` for one of `audiences` says, if it is sound at `now`.
    ///
    /// # Errors
    /// `None` if it is not; why is nobody's business.
    pub(crate) fn verify(
        &self,
        text: &Secret<String>,
        client: &ClientId,
        audiences: &[String],
        now: Instant,
    ) -> Option<Assertion> {
        let text = text.expose();
        let header = Token::decode_metadata(text).ok()?;
        let demands = Some(demands(client, audiences, now));
        let claims: Result<JWTClaims<NoCustomClaims>, Error> = match (self.reader()?, header.algorithm()) {
            (Reader::Ed25519(key), "EdDSA") => key.verify_token(text, demands),
            (Reader::P256(key), "ES256") => key.verify_token(text, demands),
            (Reader::Rsa(Some(key), _), "RS256") => key.verify_token(text, demands),
            (Reader::Rsa(_, Some(key)), "PS256") => key.verify_token(text, demands),
            _ => return None,
        };
        let claims = claims.ok()?;
        let ends = Instant::from_millis(i64::try_from(claims.expires_at?.as_secs()).ok()?.checked_mul(1000)?);
        if ends <= now || ends > now + LONGEST_LIFE {
            return None;
        }
        let id = claims.jwt_id.filter(|id| !id.is_empty())?;
        Some(Assertion { hash: digest::of(&["assertion", &id]), ends })
    }
}

/// An assertion that was sound: it may be used once.
pub(crate) struct Assertion {
    /// SHA-256 of its id.
    pub(crate) hash: digest::Digest,
    /// When it may be forgotten.
    pub(crate) ends: Instant,
}

fn demands(client: &ClientId, audiences: &[String], now: Instant) -> VerificationOptions {
    let one = |text: &str| HashSet::from([text.to_owned()]);
    VerificationOptions {
        required_subject: Some(client.as_str().to_owned()),
        allowed_issuers: Some(one(client.as_str())),
        allowed_audiences: Some(audiences.iter().cloned().collect()),
        time_tolerance: Some(Duration::from_secs(TOLERANCE)),
        max_token_length: Some(LONGEST),
        artificial_time: Some(UnixTimeStamp::from_secs(now.seconds().max(0).unsigned_abs())),
        ..VerificationOptions::default()
    }
}

/// Whom an assertion says that it is of, before anything of it is believed: who asks may leave `client_id` out.
pub(crate) fn claimed(text: &Secret<String>) -> Option<ClientId> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    #[derive(serde::Deserialize)]
    struct Subject {
        sub: String,
    }
    let body = text.expose().split('.').nth(1).filter(|body| body.len() <= LONGEST)?;
    let claims: Subject = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
    claims.sub.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::{Noise, START};
    use jwt_simple::{
        algorithms::{ECDSAP256KeyPairLike as _, ES256KeyPair, Ed25519KeyPair, EdDSAKeyPairLike as _},
        claims::{Audiences, Claims},
    };

    const AUDIENCE: &str = "http://signalbox.test/api/v1/oauth/token";

    fn client() -> ClientId {
        ClientId::new(START, &Noise::new(1))
    }

    fn claims(client: &ClientId) -> JWTClaims<NoCustomClaims> {
        let at = |span: Span| UnixTimeStamp::from_secs((START + span).seconds().unsigned_abs());
        let mut claims = Claims::create(Duration::from_secs(60));
        claims.issued_at = Some(at(Span::default()));
        claims.invalid_before = None;
        claims.expires_at = Some(at(Span::minutes(1)));
        claims.issuer = Some(client.to_string());
        claims.subject = Some(client.to_string());
        claims.audiences = Some(Audiences::AsString(AUDIENCE.to_owned()));
        claims.jwt_id = Some("once".to_owned());
        claims
    }

    #[test]
    fn a_signature_of_the_clients_own_key_is_sound() {
        let client = client();
        let audiences = [AUDIENCE.to_owned()];
        let pair = Ed25519KeyPair::generate();
        let key = AssertionKey::new(&pair.public_key().to_jwk()).unwrap();
        let text = Secret::new(pair.sign(claims(&client)).unwrap());
        assert_eq!(claimed(&text), Some(client.clone()));
        let sound = key.verify(&text, &client, &audiences, START).unwrap();
        assert_eq!(sound.ends, START + Span::minutes(1));

        let p256 = ES256KeyPair::generate();
        let other = AssertionKey::new(&p256.public_key().to_jwk()).unwrap();
        let by_other = Secret::new(p256.sign(claims(&client)).unwrap());
        assert!(other.verify(&by_other, &client, &audiences, START).is_some());
        assert!(other.verify(&text, &client, &audiences, START).is_none());
        assert!(key.verify(&by_other, &client, &audiences, START).is_none());
    }

    #[test]
    fn what_is_not_for_us_or_not_now_is_refused() {
        let (one, two) = (client(), ClientId::new(START, &Noise::new(2)));
        let audiences = [AUDIENCE.to_owned()];
        let pair = Ed25519KeyPair::generate();
        let key = AssertionKey::new(&pair.public_key().to_jwk()).unwrap();
        let check = |change: &dyn Fn(&mut JWTClaims<NoCustomClaims>)| {
            let mut changed = claims(&one);
            change(&mut changed);
            let text = Secret::new(pair.sign(changed).unwrap());
            assert!(key.verify(&text, &one, &audiences, START).is_none());
        };
        check(&|claims| claims.audiences = Some(Audiences::AsString("https://elsewhere.test".to_owned())));
        check(&|claims| claims.audiences = None);
        check(&|claims| claims.subject = Some(two.to_string()));
        check(&|claims| claims.issuer = Some(two.to_string()));
        check(&|claims| claims.issuer = None);
        check(&|claims| claims.jwt_id = None);
        check(&|claims| claims.expires_at = None);
        let at = |span: Span| UnixTimeStamp::from_secs((START + span).seconds().unsigned_abs());
        check(&|claims| claims.expires_at = Some(at(Span::minutes(11))));
        check(&|claims| claims.expires_at = Some(at(Span::seconds(0))));
    }

    #[test]
    fn a_private_key_is_not_taken_and_neither_is_a_shared_one() {
        let pair = Ed25519KeyPair::generate();
        for text in
            [pair.to_jwk(), r#"{"kty": "oct", "k": "AAAA"}"#.to_owned(), "{}".to_owned(), String::new()]
        {
            assert_eq!(AssertionKey::new(&text), Err(AssertionKeyError), "{text}");
        }
    }
}

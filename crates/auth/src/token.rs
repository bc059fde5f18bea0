//! Is this token ours, and whom does it name? EdDSA over Ed25519, 15 minutes, nothing else.
//!
//! An access token is a JWT of the kind `at+jwt` (RFC 9068) with `iss`, `aud`, `sub` (the user), `jti`, `iat`, `nbf`, `exp`
//! and, as claims of ours, `sid` (the session) and `tenant`. It says who somebody is, not what they may do: that is looked
//! up, so that it can change at once.

use crate::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_simple::{
    JWTError,
    algorithms::{Ed25519KeyPair, Ed25519PublicKey, EdDSAKeyPairLike as _, EdDSAPublicKeyLike as _},
    claims::{Audiences, JWTClaims},
    common::{HeaderOptions, VerificationOptions},
    prelude::{Duration, UnixTimeStamp},
    token::Token,
};
use kernel::{Chance, Instant, Secret, SessionId, Span, TenantId, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFE: Span = Span::minutes(15);
/// Whom a token is for.
const AUDIENCE: &str = "signalbox";
const KIND: &str = "at+jwt";
const ALGORITHM: &str = "EdDSA";
/// Ours have about 500 characters.
const LONGEST: usize = 4096;
/// What stands before the 32 bytes of the seed in a PKCS #8 key of Ed25519 (RFC 8410, section 7).
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The variable with the keys does not read. Never says what was in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// There is no key.
    #[error(
        "there is no key; write one as `kid:` and 32 bytes of chance in base64url, such as `signalbox up` makes"
    )]
    Empty,
    /// An entry is not a key.
    #[error("entry {0} is not `kid:` and 32 bytes in base64url without padding")]
    Entry(usize),
    /// Two keys have one id.
    #[error("the key id {0} stands there twice")]
    Twice(String),
}

struct Key {
    id: String,
    pair: Ed25519KeyPair,
    public: Ed25519PublicKey,
}

/// The keys that tokens are signed with: the first signs, all verify.
#[derive(Clone)]
pub struct TokenKeys {
    first: Arc<Key>,
    others: Arc<[Key]>,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.all().map(|key| &key.id)).finish()
    }
}

impl TokenKeys {
    /// Reads the keys: `kid:seed`, one to a line or separated by commas; the seed is 32 bytes in base64url.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn from_variable(text: &Secret<String>) -> Result<Self, KeysError> {
        let entries = text.expose().split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let keys: Result<Vec<Key>, KeysError> = entries
            .enumerate()
            .map(|(place, entry)| read(entry).ok_or(KeysError::Entry(place.saturating_add(1))))
            .collect();
        let keys = keys?;
        for (place, key) in keys.iter().enumerate() {
            if keys.iter().skip(place.saturating_add(1)).any(|other| other.id == key.id) {
                return Err(KeysError::Twice(key.id.clone()));
            }
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeysError::Empty)?;
        Ok(Self { first: Arc::new(first), others: keys.collect() })
    }

    /// A new key, as an entry of the variable.
    #[must_use]
    pub fn generate(chance: &dyn Chance) -> Secret<String> {
        let mut seed = [0_u8; 32];
        chance.fill(&mut seed);
        Secret::new(format!("{}:{}", digest::noise::<6>(chance), URL_SAFE_NO_PAD.encode(seed)))
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&*self.first).chain(self.others.iter())
    }

    /// The public keys as a JSON Web Key Set (RFC 7517, RFC 8037): what `/.well-known/jwks.json` says.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        let keys: Vec<serde_json::Value> = self
            .all()
            .map(|key| {
                serde_json::json!({
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": ALGORITHM,
                    "kid": key.id,
                    "x": URL_SAFE_NO_PAD.encode(key.public.public_key().to_bytes()),
                })
            })
            .collect();
        serde_json::json!({ "keys": keys })
    }
}

fn read(entry: &str) -> Option<Key> {
    let (id, seed) = entry.split_once(':')?;
    let sound = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let seed = URL_SAFE_NO_PAD.decode(seed.trim_end_matches('=')).ok()?;
    if !sound || seed.len() != 32 {
        return None;
    }
    let der: Vec<u8> = PKCS8.into_iter().chain(seed).collect();
    let pair = Ed25519KeyPair::from_der(&der).ok()?.with_key_id(id);
    Some(Key { id: id.to_owned(), public: pair.public_key(), pair })
}

/// What a token of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// When the token ends.
    pub expires_at: Instant,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// It was one of ours and its time is over.
    Expired,
    /// It is not one of ours, or not yet valid.
    Invalid,
}

/// Our claims beside the registered ones. Only texts: the numbers stand among the registered.
#[derive(Serialize, Deserialize)]
struct Ours {
    sid: String,
    tenant: String,
}

/// Signs and verifies access tokens of one issuer.
#[derive(Debug, Clone)]
pub struct Tokens {
    keys: TokenKeys,
    issuer: Arc<str>,
}

impl Tokens {
    /// Tokens that `issuer` (our public URL) signs with `keys`.
    #[must_use]
    pub fn new(keys: TokenKeys, issuer: &str) -> Self {
        Self { keys, issuer: issuer.into() }
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    /// A token for a user in a session, from `now` on.
    ///
    /// # Errors
    /// Words for the log if it cannot be signed, which has no known cause.
    pub fn sign(
        &self,
        tenant: &TenantId,
        user: &UserId,
        session: &SessionId,
        now: Instant,
        chance: &dyn Chance,
    ) -> Result<Secret<String>, String> {
        let claims = JWTClaims {
            issued_at: Some(unix(now)),
            expires_at: Some(unix(now + ACCESS_TOKEN_LIFE)),
            invalid_before: Some(unix(now)),
            issuer: Some(self.issuer.to_string()),
            subject: Some(user.as_str().to_owned()),
            audiences: Some(Audiences::AsString(AUDIENCE.to_owned())),
            jwt_id: Some(digest::noise::<16>(chance)),
            nonce: None,
            custom: Ours { sid: session.as_str().to_owned(), tenant: tenant.as_str().to_owned() },
        };
        let options = HeaderOptions { content_type: None, signature_type: Some(KIND.to_owned()) };
        let signed = self.keys.first.pair.sign_with_options(claims, &options);
        signed.map(Secret::new).map_err(|error| error.to_string())
    }

    /// What a token says, if it is one of ours and valid at `now`, to the second, with no tolerance.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn verify(&self, token: &Secret<String>, now: Instant) -> Result<AccessClaims, TokenFault> {
        let text = token.expose();
        // The header only chooses among our keys; its algorithm must be the one that we sign with.
        let header = Token::decode_metadata(text).map_err(|_| TokenFault::Invalid)?;
        if header.algorithm() != ALGORITHM {
            return Err(TokenFault::Invalid);
        }
        let key = self.keys.all().find(|key| header.key_id() == Some(key.id.as_str()));
        let claims = key
            .ok_or(TokenFault::Invalid)?
            .public
            .verify_token::<Ours>(text, Some(self.demands(now)))
            .map_err(|error| match error.downcast_ref::<JWTError>() {
                Some(JWTError::TokenHasExpired) => TokenFault::Expired,
                _ => TokenFault::Invalid,
            })?;
        let read = |claims: JWTClaims<Ours>| {
            let seconds = i64::try_from(claims.expires_at?.as_secs()).ok()?;
            Some(AccessClaims {
                tenant: claims.custom.tenant.parse().ok()?,
                user: claims.subject?.parse().ok()?,
                session: claims.custom.sid.parse().ok()?,
                expires_at: Instant::from_millis(seconds.checked_mul(1000)?),
            })
        };
        let claims = read(claims).ok_or(TokenFault::Invalid)?;
        // The library lets a token pass in the very second of its end; RFC 7519 does not.
        if now >= claims.expires_at { Err(TokenFault::Expired) } else { Ok(claims) }
    }

    fn demands(&self, now: Instant) -> VerificationOptions {
        VerificationOptions {
            required_signature_type: Some(KIND.to_owned()),
            allowed_issuers: Some([self.issuer.to_string()].into()),
            allowed_audiences: Some([AUDIENCE.to_owned()].into()),
            time_tolerance: Some(Duration::from_secs(0)),
            max_token_length: Some(LONGEST),
            artificial_time: Some(unix(now)),
            ..VerificationOptions::default()
        }
    }
}

fn unix(at: Instant) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(at.seconds().max(0).unsigned_abs())
}

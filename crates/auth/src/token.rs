//! Is this token ours, and whom does it name? EdDSA over Ed25519, 15 minutes, nothing else.
//!
//! An access token is a JWT of the kind `at+jwt` (RFC 9068) with `iss`, `aud`, `sub`, `client_id`, `jti`, `iat`, `nbf`, `exp`
//! and, as a claim of ours, `tenant`. A person's names the session (`sid`), and when and how it was proved who they are
//! (`auth_time`, `amr`); a client's has its own id as `sub` and what was asked for as `scope`. It says who somebody is, and
//! what they asked for at most; what they may do is looked up, so that it can change at once.

use crate::{Session, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jwt_simple::{
    JWTError,
    algorithms::{Ed25519KeyPair, Ed25519PublicKey, EdDSAKeyPairLike as _, EdDSAPublicKeyLike as _},
    claims::{Audiences, JWTClaims},
    common::{HeaderOptions, VerificationOptions},
    prelude::{Duration, UnixTimeStamp},
    token::Token,
};
use kernel::{Chance, ClientId, Instant, Permission, Permissions, Secret, SessionId, Span, TenantId, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long an access token is good for.
pub const ACCESS_TOKEN_LIFE: Span = Span::minutes(15);
/// Whom a token is for.
pub(crate) const AUDIENCE: &str = "signalbox";
/// The client that people log in by: our own frontend and API, which RFC 9068 wants named.
pub(crate) const OWN_CLIENT: &str = "signalbox";
const KIND: &str = "at+jwt";
/// How tokens are signed (RFC 8037).
pub const TOKEN_ALGORITHM: &str = "EdDSA";
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
                    "alg": TOKEN_ALGORITHM,
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

/// Who shows a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// A person, in a session.
    Person(UserId, SessionId),
    /// A client, with what it asked for.
    Client(ClientId, Permissions),
}

/// What a token of ours says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// The tenant.
    pub tenant: TenantId,
    /// Who shows it.
    pub bearer: Bearer,
    /// Its own id.
    pub id: String,
    /// When it was signed.
    pub issued_at: Instant,
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

/// Our claims beside the registered ones, as they are written.
#[derive(Default, Serialize)]
struct Written {
    tenant: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<&'static str>>,
}

/// The same as they are read: only texts, because numbers do not come through where one struct lies in another.
#[derive(Deserialize)]
struct Ours {
    tenant: String,
    sid: Option<String>,
    scope: Option<String>,
}

/// Permissions as the `scope` of RFC 6749, section 3.3.
pub(crate) fn scope_text(permissions: Permissions) -> String {
    permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
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

    /// Who signs, as tokens say it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token for a person in their session, from `now` on.
    ///
    /// # Errors
    /// Words for the log if it cannot be signed, which has no known cause.
    pub fn sign(
        &self,
        tenant: &TenantId,
        session: &Session,
        now: Instant,
        chance: &dyn Chance,
    ) -> Result<Secret<String>, String> {
        let ours = Written {
            tenant: tenant.as_str().to_owned(),
            client_id: OWN_CLIENT.to_owned(),
            sid: Some(session.id.as_str().to_owned()),
            auth_time: Some(unix(session.confirmed_at).as_secs()),
            amr: Some(session.methods.iter().map(crate::Method::as_str).collect()),
            scope: None,
        };
        self.sign_for(session.user.as_str(), ours, now, chance)
    }

    /// A token for a client that asked for `scope`, from `now` on.
    ///
    /// # Errors
    /// Words for the log if it cannot be signed, which has no known cause.
    pub fn sign_for_client(
        &self,
        tenant: &TenantId,
        client: &ClientId,
        scope: Permissions,
        now: Instant,
        chance: &dyn Chance,
    ) -> Result<Secret<String>, String> {
        let ours = Written {
            tenant: tenant.as_str().to_owned(),
            client_id: client.as_str().to_owned(),
            scope: Some(scope_text(scope)),
            ..Written::default()
        };
        self.sign_for(client.as_str(), ours, now, chance)
    }

    fn sign_for(
        &self,
        subject: &str,
        ours: Written,
        now: Instant,
        chance: &dyn Chance,
    ) -> Result<Secret<String>, String> {
        let claims = JWTClaims {
            issued_at: Some(unix(now)),
            expires_at: Some(unix(now + ACCESS_TOKEN_LIFE)),
            invalid_before: Some(unix(now)),
            issuer: Some(self.issuer.to_string()),
            subject: Some(subject.to_owned()),
            audiences: Some(Audiences::AsString(AUDIENCE.to_owned())),
            jwt_id: Some(digest::noise::<16>(chance)),
            nonce: None,
            custom: ours,
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
        if header.algorithm() != TOKEN_ALGORITHM {
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
        let claims = read_claims(claims).ok_or(TokenFault::Invalid)?;
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

fn read_claims(claims: JWTClaims<Ours>) -> Option<AccessClaims> {
    let instant = |stamp: UnixTimeStamp| {
        Some(Instant::from_millis(i64::try_from(stamp.as_secs()).ok()?.checked_mul(1000)?))
    };
    let subject = claims.subject?;
    let bearer = match (claims.custom.sid, claims.custom.scope) {
        (Some(session), None) => Bearer::Person(subject.parse().ok()?, session.parse().ok()?),
        // A permission that this program does not know (any more) opens nothing.
        (None, Some(scope)) => Bearer::Client(
            subject.parse().ok()?,
            scope.split(' ').filter_map(|name| name.parse::<Permission>().ok()).collect(),
        ),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(AccessClaims {
        tenant: claims.custom.tenant.parse().ok()?,
        bearer,
        id: claims.jwt_id?,
        issued_at: instant(claims.issued_at?)?,
        expires_at: instant(claims.expires_at?)?,
    })
}

fn unix(at: Instant) -> UnixTimeStamp {
    UnixTimeStamp::from_secs(at.seconds().max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Method, Methods,
        service::stage::{Noise, START},
    };
    use jwt_simple::algorithms::{HS256Key, MACLike as _};
    use serde_json::{Value, json};

    const ISSUER: &str = "http://signalbox.test";

    fn keys(noise: &Noise) -> TokenKeys {
        TokenKeys::from_variable(&TokenKeys::generate(noise)).unwrap()
    }

    fn session(noise: &Noise) -> Session {
        let (id, user) = (SessionId::new(START, noise), UserId::new(START, noise));
        let methods = Methods::only(Method::Password).with(Method::OneTimeCode);
        Session::begin(id, user, None, None, methods, START)
    }

    struct Bench {
        noise: Noise,
        tokens: Tokens,
        token: Secret<String>,
    }

    fn bench() -> Bench {
        let noise = Noise::new(1);
        let tokens = Tokens::new(keys(&noise), ISSUER);
        let tenant = "acme-corp".parse().unwrap();
        let token = tokens.sign(&tenant, &session(&noise), START, &noise).unwrap();
        Bench { noise, tokens, token }
    }

    fn part(token: &str, place: usize) -> Value {
        let text = token.split('.').nth(place).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    /// A token with another header and other claims, signed by `sign`.
    fn forge(header: &Value, claims: &Value, sign: impl Fn(&str) -> Vec<u8>) -> Secret<String> {
        let body = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = URL_SAFE_NO_PAD.encode(sign(&body));
        Secret::new(format!("{body}.{signature}"))
    }

    impl Bench {
        /// The same token with changes, signed with the right key.
        fn changed(&self, change: impl Fn(&mut Value, &mut Value)) -> Secret<String> {
            let (mut header, mut claims) = (part(self.token.expose(), 0), part(self.token.expose(), 1));
            change(&mut header, &mut claims);
            forge(&header, &claims, |body| {
                let pair = self.tokens.keys.first.pair.key_pair();
                AsRef::<[u8]>::as_ref(&pair.as_ref().sk.sign(body, None)).to_vec()
            })
        }

        fn refused(&self, token: &Secret<String>, now: Instant, wanted: TokenFault) {
            assert_eq!(self.tokens.verify(token, now), Err(wanted), "{}", token.expose());
        }
    }

    #[test]
    fn a_token_says_who_and_nothing_of_what_they_may() {
        let bench = bench();
        let claims = bench.tokens.verify(&bench.token, START).unwrap();
        assert_eq!(claims.tenant.as_str(), "acme-corp");
        assert_eq!(claims.expires_at, START + ACCESS_TOKEN_LIFE);
        let header = part(bench.token.expose(), 0);
        assert_eq!(header["alg"], "EdDSA");
        assert_eq!(header["typ"], "at+jwt");
        let mut names: Vec<String> =
            part(bench.token.expose(), 1).as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(
            names,
            [
                "amr",
                "aud",
                "auth_time",
                "client_id",
                "exp",
                "iat",
                "iss",
                "jti",
                "nbf",
                "sid",
                "sub",
                "tenant"
            ]
        );
        let claims = part(bench.token.expose(), 1);
        assert_eq!((&claims["amr"], &claims["auth_time"]), (&json!(["pwd", "otp"]), &json!(START.seconds())));
        // The forger of the tests below makes sound tokens when nothing is changed.
        assert!(bench.tokens.verify(&bench.changed(|_, _| ()), START).is_ok());
    }

    #[test]
    fn time_is_kept_to_the_second() {
        let bench = bench();
        let end = START + ACCESS_TOKEN_LIFE;
        assert!(bench.tokens.verify(&bench.token, end - Span::millis(1)).is_ok());
        bench.refused(&bench.token, end, TokenFault::Expired);
        bench.refused(&bench.token, end + Span::seconds(1), TokenFault::Expired);
        bench.refused(&bench.token, START - Span::seconds(1), TokenFault::Invalid);
        let later = bench.changed(|_, claims| claims["nbf"] = json!(START.seconds() + 1));
        bench.refused(&later, START, TokenFault::Invalid);
        let endless = bench.changed(|_, claims| drop(claims.as_object_mut().unwrap().remove("exp")));
        bench.refused(&endless, START, TokenFault::Invalid);
    }

    #[test]
    fn other_algorithms_are_refused() {
        let bench = bench();
        let (header, claims) = (part(bench.token.expose(), 0), part(bench.token.expose(), 1));
        for algorithm in ["none", "None", "NONE", "", "HS256", "RS256", "ES256", "Ed25519", "eddsa"] {
            let mut header = header.clone();
            header["alg"] = json!(algorithm);
            bench.refused(&forge(&header, &claims, |_| Vec::new()), START, TokenFault::Invalid);
            bench.refused(
                &bench.changed(|header, _| header["alg"] = json!(algorithm)),
                START,
                TokenFault::Invalid,
            );
        }
        // The public key used as the secret of an HMAC, the classic confusion.
        let public = bench.tokens.keys.first.public.public_key().to_bytes();
        let mut header = header;
        header["alg"] = json!("HS256");
        let confused = HS256Key::from_bytes(&public).with_key_id(&bench.tokens.keys.first.id);
        let claims = JWTClaims::<jwt_simple::claims::NoCustomClaims>::new();
        bench.refused(&Secret::new(confused.authenticate(claims).unwrap()), START, TokenFault::Invalid);
    }

    #[test]
    fn other_keys_are_refused() {
        let bench = bench();
        let foreign = Tokens::new(keys(&bench.noise), ISSUER);
        let tenant = "acme-corp".parse().unwrap();
        let token = foreign.sign(&tenant, &session(&bench.noise), START, &bench.noise).unwrap();
        bench.refused(&token, START, TokenFault::Invalid);
        // The same, claiming to be signed with a key of ours.
        let claims = part(token.expose(), 1);
        let mut header = part(bench.token.expose(), 0);
        let sign = |body: &str| {
            let pair = foreign.keys.first.pair.key_pair();
            AsRef::<[u8]>::as_ref(&pair.as_ref().sk.sign(body, None)).to_vec()
        };
        bench.refused(&forge(&header, &claims, sign), START, TokenFault::Invalid);
        // And one that brings its own key along.
        let jwk = foreign.keys.jwks()["keys"][0].to_string();
        header["jwk"] = json!(jwk);
        header["jku"] = json!("https://attacker.test/jwks.json");
        bench.refused(&forge(&header, &claims, sign), START, TokenFault::Invalid);
        let nameless = bench.changed(|header, _| drop(header.as_object_mut().unwrap().remove("kid")));
        bench.refused(&nameless, START, TokenFault::Invalid);
    }

    #[test]
    fn a_changed_token_is_refused() {
        let bench = bench();
        let text = bench.token.expose();
        let parts: Vec<&str> = text.split('.').collect();
        let mut claims = part(text, 1);
        claims["tenant"] = json!("globex");
        let other = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2]);
        bench.refused(&Secret::new(other), START, TokenFault::Invalid);
        for cut in 0..text.len() {
            bench.refused(&Secret::new(text[..cut].to_owned()), START, TokenFault::Invalid);
        }
        let longer = format!("{text}.{}", parts[2]);
        for other in [
            longer,
            format!("{text}A"),
            format!(" {text}"),
            "a.b.c".to_owned(),
            "..".to_owned(),
            "x".repeat(9999),
        ] {
            bench.refused(&Secret::new(other), START, TokenFault::Invalid);
        }
    }

    #[test]
    fn other_claims_are_refused() {
        let bench = bench();
        for (name, value) in [
            ("iss", json!("http://attacker.test")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("aud", Value::Null),
            ("sub", json!("owner")),
            ("sub", Value::Null),
            ("sid", json!("ses_1")),
            ("sid", json!(7)),
            ("sid", Value::Null),
            ("tenant", json!("ACME")),
            ("tenant", json!("acme-corp' OR 1=1")),
            ("exp", json!("never")),
            ("exp", json!(-1)),
        ] {
            let other = bench.changed(|_, claims| {
                let claims = claims.as_object_mut().unwrap();
                if value.is_null() {
                    claims.remove(name)
                } else {
                    claims.insert(name.to_owned(), value.clone())
                };
            });
            bench.refused(&other, START, TokenFault::Invalid);
        }
        for kind in [json!("JWT"), json!("id+jwt"), Value::Null] {
            let other = bench.changed(|header, _| {
                let header = header.as_object_mut().unwrap();
                if kind.is_null() {
                    header.remove("typ")
                } else {
                    header.insert("typ".to_owned(), kind.clone())
                };
            });
            bench.refused(&other, START, TokenFault::Invalid);
        }
        let critical = bench.changed(|header, _| header["crit"] = json!(["exp"]));
        bench.refused(&critical, START, TokenFault::Invalid);
    }

    #[test]
    fn a_clients_token_says_what_it_asked_for_and_is_no_persons() {
        let bench = bench();
        let (tenant, client) = ("acme-corp".parse().unwrap(), ClientId::new(START, &bench.noise));
        let scope = Permissions::NONE.with(Permission::EventsWrite).with(Permission::RulesRead);
        let token = bench.tokens.sign_for_client(&tenant, &client, scope, START, &bench.noise).unwrap();
        let claims = part(token.expose(), 1);
        assert_eq!(
            (&claims["sub"], &claims["client_id"]),
            (&json!(client.as_str()), &json!(client.as_str()))
        );
        assert_eq!(claims["scope"], "rules:read events:write");
        let read = bench.tokens.verify(&token, START).unwrap();
        assert_eq!(read.bearer, Bearer::Client(client, scope));
        // A scope that only a later program knows is no scope here; a session beside it is nobody's.
        let other = Bench { token, ..bench };
        let odd = other.changed(|_, claims| claims["scope"] = json!("rules:read rules:own"));
        let Bearer::Client(_, read) = other.tokens.verify(&odd, START).unwrap().bearer else {
            unreachable!()
        };
        assert_eq!(read, Permissions::NONE.with(Permission::RulesRead));
        let both = other.changed(|_, claims| claims["sid"] = json!("ses_01hf7yat00zzzzzzzzzzzzzzzz"));
        other.refused(&both, START, TokenFault::Invalid);
    }

    #[test]
    fn keys_turn_without_a_break() {
        let noise = Noise::new(2);
        let (old, new) = (TokenKeys::generate(&noise), TokenKeys::generate(&noise));
        let read = |text: String| TokenKeys::from_variable(&Secret::new(text)).unwrap();
        let before = Tokens::new(read(old.expose().clone()), ISSUER);
        let after = Tokens::new(read(format!(" {}\n{}, ", new.expose(), old.expose())), ISSUER);
        let (tenant, session) = ("acme-corp".parse().unwrap(), session(&noise));
        let token = before.sign(&tenant, &session, START, &noise).unwrap();
        assert!(after.verify(&token, START).is_ok());
        let token = after.sign(&tenant, &session, START, &noise).unwrap();
        assert_eq!(before.verify(&token, START), Err(TokenFault::Invalid));
        assert_eq!(after.keys().jwks()["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_set_of_keys_says_what_is_wrong_with_it_and_never_what_it_is() {
        let seed = URL_SAFE_NO_PAD.encode([7; 32]);
        let check = |text: &str, wanted: KeysError| {
            let fault = TokenKeys::from_variable(&Secret::new(text.to_owned())).unwrap_err();
            assert!(!fault.to_string().contains(&seed));
            assert_eq!(fault, wanted, "{text}");
        };
        check("", KeysError::Empty);
        check(" ,\n", KeysError::Empty);
        check(&seed, KeysError::Entry(1));
        check(&format!("a:{seed},b:{seed}x"), KeysError::Entry(2));
        check(&format!("a b:{seed}"), KeysError::Entry(1));
        check(&format!("a:{seed},b:{seed},a:{seed}"), KeysError::Twice("a".to_owned()));
        let keys = TokenKeys::from_variable(&Secret::new(format!("a:{seed}"))).unwrap();
        assert_eq!(format!("{keys:?}"), r#"["a"]"#);
        let jwks = keys.jwks().to_string();
        assert!(jwks.contains(r#""kid":"a""#) && !jwks.contains(&seed) && !jwks.contains(r#""d""#), "{jwks}");
    }

    #[test]
    fn the_seed_is_an_ed25519_private_key_of_rfc_8032() {
        // RFC 8032, section 7.1, test 1.
        let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let keys = TokenKeys::from_variable(&Secret::new(format!("a:{seed}"))).unwrap();
        assert_eq!(keys.jwks()["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }
}

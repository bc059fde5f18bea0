//! Which provider do the tests play? One that keeps the protocol, unless it is told to lie.

use super::*;
use crate::{Fetch, Unfetched, service::stage::START};
use futures::future::{BoxFuture, FutureExt as _, ready};
use http::{Request, Response};
use sha2::{Digest as _, Sha256};
use std::sync::{Mutex, MutexGuard};

/// What a provider signs with.
pub(super) enum Key {
    Ed(Box<ed25519_dalek::SigningKey>),
    P256(Box<p256::ecdsa::SigningKey>),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl Key {
    pub(super) fn ed(seed: u8) -> Self {
        Self::Ed(Box::new(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
    }

    pub(super) fn p256() -> Self {
        Self::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()))
    }

    pub(super) fn rsa() -> Self {
        Self::Rsa(Box::new(rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap()))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    pub(super) fn public(&self) -> Value {
        match self {
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(key.verifying_key().as_bytes())})
            }
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                json!({"kty": "EC", "crv": "P-256", "x": encode(point.x().unwrap()), "y": encode(point.y().unwrap())})
            }
            Self::Rsa(key) => {
                use rsa::traits::PublicKeyParts as _;
                json!({"kty": "RSA", "n": encode(key.n().to_bytes_be()), "e": encode(key.e().to_bytes_be())})
            }
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(text).to_bytes().to_vec()
            }
            Self::P256(key) => {
                use p256::ecdsa::{Signature, signature::Signer as _};
                let signature: Signature = key.sign(text);
                signature.to_bytes().to_vec()
            }
            Self::Rsa(key) => {
                use rsa::{
                    pkcs1v15::SigningKey,
                    signature::{SignatureEncoding as _, Signer as _},
                };
                SigningKey::<rsa::sha2::Sha256>::new((**key).clone()).sign(text).to_vec()
            }
        }
    }
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Changes what is about to be signed: header, claims.
type Lie = Box<dyn Fn(&mut Value, &mut Value) + Send>;

/// Changes a token after it was signed.
type Bend = Box<dyn Fn(&str) -> String + Send>;

/// What a provider can be told.
pub(super) struct Told {
    /// Keys by id; the last one signs.
    pub(super) keys: Vec<(String, Key)>,
    /// What of them is published, if not all.
    pub(super) published: Option<Vec<Value>>,
    /// What is said instead of the truth.
    pub(super) lie: Option<Lie>,
    /// What stands instead of a signature.
    pub(super) signature: Option<fn(&str) -> Vec<u8>>,
    /// Bends what was signed.
    pub(super) bend: Option<Bend>,
    /// Changes the discovery document.
    pub(super) document: Option<fn(&mut Value)>,
    /// What is told at the userinfo endpoint instead of in the token.
    pub(super) aside: Option<Value>,
    /// Every address that was asked, in order.
    pub(super) asked: Vec<String>,
    codes: BTreeMap<String, (BTreeMap<String, String>, Value)>,
    count: usize,
}

/// A provider.
pub(super) struct Fake {
    issuer: String,
    told: Mutex<Told>,
}

impl Fake {
    pub(super) fn new(issuer: &str) -> Self {
        let told = Told {
            keys: vec![("first".to_owned(), Key::ed(1))],
            published: None,
            lie: None,
            signature: None,
            bend: None,
            document: None,
            aside: None,
            asked: Vec::new(),
            codes: BTreeMap::new(),
            count: 0,
        };
        Self { issuer: issuer.to_owned(), told: Mutex::new(told) }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    pub(super) fn lie(&self, lie: impl Fn(&mut Value, &mut Value) + Send + 'static) {
        self.told().lie = Some(Box::new(lie));
    }

    /// How often an address was asked.
    pub(super) fn count(&self, path: &str) -> usize {
        self.told().asked.iter().filter(|asked| asked.ends_with(path)).count()
    }

    /// The person says yes: a code.
    pub(super) fn approve(&self, asked: &BTreeMap<String, String>, person: &Value) -> String {
        let mut told = self.told();
        told.count += 1;
        let code = format!("code-{}", told.count);
        told.codes.insert(code.clone(), (asked.clone(), person.clone()));
        code
    }

    fn document(&self) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        });
        if let Some(change) = self.told().document {
            change(&mut document);
        }
        document
    }

    fn keys(&self) -> Value {
        let told = self.told();
        if let Some(published) = &told.published {
            return json!({"keys": published});
        }
        let publish = |(id, key): &(String, Key)| {
            let mut public = key.public();
            public["kid"] = id.as_str().into();
            public["use"] = "sig".into();
            public
        };
        json!({"keys": told.keys.iter().map(publish).collect::<Vec<Value>>()})
    }

    fn token(&self, request: &Request<Vec<u8>>) -> (u16, Value) {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(request.body()).into_owned().collect();
        // RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
        let known = base64::engine::general_purpose::STANDARD.encode("signalbox:the+client%27s+secret");
        if request.headers()["authorization"] != format!("Basic {known}") {
            return (401, json!({"error": "invalid_client"}));
        }
        let refused = (400, json!({"error": "invalid_grant"}));
        let Some((asked, person)) = self.told().codes.remove(&form["code"]) else {
            return refused;
        };
        let challenge = encode(Sha256::digest(&form["code_verifier"]));
        if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
            return refused;
        }
        let access = "the-access-token";
        let token = self.sign(&asked, &person, access);
        (
            200,
            json!({"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token,
                "not-before-policy": 0, "refresh_expires_in": 1800, "session_state": "x"}),
        )
    }

    fn sign(&self, asked: &BTreeMap<String, String>, person: &Value, access: &str) -> String {
        let told = self.told();
        let (id, key) = told.keys.last().unwrap();
        let mut header = json!({"alg": key.algorithm(), "kid": id, "typ": "JWT"});
        let now = START.seconds();
        let mut claims = json!({
            "iss": self.issuer, "aud": asked["client_id"], "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "updated_at": 1_700_000_000, "level": 7,
        });
        if matches!(key, Key::Rsa(_) | Key::P256(_)) {
            claims["at_hash"] = encode(&Sha256::digest(access)[..16]).into();
        }
        for (name, value) in person.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if let Some(lie) = &told.lie {
            lie(&mut header, &mut claims);
        }
        let text = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = told.signature.map_or_else(|| key.sign(text.as_bytes()), |forge| forge(&text));
        let token = format!("{text}.{}", encode(signature));
        told.bend.as_ref().map_or_else(|| token.clone(), |bend| bend(&token))
    }

    fn answer(&self, request: &Request<Vec<u8>>) -> (u16, Value) {
        match request.uri().path() {
            "/.well-known/openid-configuration" => (200, self.document()),
            "/jwks" => (200, self.keys()),
            "/token" => self.token(request),
            "/userinfo" => {
                assert_eq!(request.headers()["authorization"], "Bearer the-access-token");
                self.told().aside.clone().map_or((404, Value::Null), |aside| (200, aside))
            }
            path => panic!("the provider was asked for {path}"),
        }
    }
}

impl Fetch for Fake {
    fn fetch(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Response<Vec<u8>>, Unfetched>> {
        self.told().asked.push(request.uri().to_string());
        let (status, body) = self.answer(&request);
        let response = Response::builder().status(status).header("content-type", "application/json");
        ready(Ok(response.body(body.to_string().into_bytes()).unwrap())).boxed()
    }
}

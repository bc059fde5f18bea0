//! What stands in for a person's phone? A WebAuthn authenticator and its browser in software: P-256 keys, attestation `none`,
//! and every detail open to be told wrongly.
//!
//! Written from <https://www.w3.org/TR/webauthn-3/>, apart from the code that it tests.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// One passkey in it.
#[derive(Clone)]
pub struct Held {
    /// Its credential id.
    pub id: Vec<u8>,
    /// The user that the site named.
    pub handle: Vec<u8>,
    secret: SigningKey,
}

/// An authenticator, and the browser before it.
#[derive(Clone)]
pub struct Authenticator {
    /// What the browser says is the page's origin.
    pub origin: String,
    /// The domain whose hash it signs; that of the options, unless told otherwise.
    pub domain: Option<String>,
    /// Whether it verifies its person.
    pub verifies: bool,
    /// The signature counter.
    pub count: u32,
    /// Its passkeys; it shows the last.
    pub held: Vec<Held>,
    seed: u64,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// A byte string in CBOR (RFC 8949).
fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut all = match u8::try_from(length) {
        Ok(short) if short < 24 => vec![0x40 | short],
        Ok(short) => vec![0x58, short],
        Err(_) => [&[0x59], length.to_be_bytes().as_slice()].concat(),
    };
    all.extend_from_slice(bytes);
    all
}

impl Authenticator {
    /// A new one, before a page of `origin`; different for each `seed`.
    #[must_use]
    pub fn new(origin: &str, seed: u64) -> Self {
        let origin = origin.to_owned();
        Self { origin, domain: None, verifies: true, count: 0, held: Vec::new(), seed }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        })
        .to_string()
        .into_bytes()
    }

    fn data(&mut self, domain: &Value, attested: &[u8]) -> Vec<u8> {
        self.count += 1;
        let domain = self.domain.clone().unwrap_or_else(|| domain.as_str().unwrap_or_default().to_owned());
        let mut flags = 0x01;
        if self.verifies {
            flags |= 0x04;
        }
        if !attested.is_empty() {
            flags |= 0x40;
        }
        [hash(domain).as_slice(), &[flags], &self.count.to_be_bytes(), attested].concat()
    }

    /// What `navigator.credentials.create` gives, as `toJSON()` says it.
    pub fn create(&mut self, options: &Value) -> Value {
        let noise = hash(format!("{} {} {}", self.seed, self.origin, self.held.len()));
        let secret = SigningKey::from_slice(&noise).unwrap();
        let id = hash([noise.as_slice(), b"id"].concat());
        let point = secret.verifying_key().to_sec1_point(false);
        let point = point.as_bytes();
        // EC2, ES256, P-256 (RFC 9053).
        let key = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21],
            cbor_bytes(&point[1..33]).as_slice(),
            &[0x22],
            &cbor_bytes(&point[33..]),
        ]
        .concat();
        let attested = [[0; 16].as_slice(), &[0, 32], &id, &key].concat();
        let data = self.data(&options["rp"]["id"], &attested);
        let object =
            [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".as_slice(), cbor_bytes(&data).as_slice()]
                .concat();
        let handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap_or_default());
        self.held.push(Held { id: id.clone(), handle: handle.unwrap_or_default(), secret });
        json!({
            "id": encode(&id),
            "rawId": encode(&id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(self.client_data("webauthn.create", options)),
                "attestationObject": encode(object),
                "transports": ["internal"],
            },
        })
    }

    /// What `navigator.credentials.get` gives, as `toJSON()` says it.
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.data(&options["rpId"], &[]);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), &hash(&client_data)].concat();
        let Some(held) = self.held.last() else {
            return Value::Null;
        };
        let signature: Signature = held.secret.sign(&signed);
        json!({
            "id": encode(&held.id),
            "rawId": encode(&held.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature.to_der()),
                "userHandle": encode(&held.handle),
            },
        })
    }
}

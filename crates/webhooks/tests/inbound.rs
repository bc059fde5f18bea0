//! Do requests hold that providers sign, and no others? `vectors/inbound.json` holds their published examples, each with what must come of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use kernel::{Chance, Instant, Secret};
use proptest::prelude::*;
use serde_json::{Map, Value};
use webhooks::{
    Signature, SigningKey,
    inbound::{Preset, Received, Refusal, Scheme, SchemeDraft, verify},
};

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

fn preset(vector: &Value) -> Preset {
    let preset: Preset = vector["preset"].as_str().unwrap().parse().unwrap();
    let said = &vector["scheme"];
    match preset {
        Preset::Hmac(_) => {
            let draft = SchemeDraft {
                header: text(said, "header"),
                prefix: text(said, "prefix"),
                encoding: text(said, "encoding"),
                algorithm: text(said, "algorithm"),
                signed: text(said, "signed"),
                timestamp_header: text(said, "timestamp_header"),
                id_header: text(said, "id_header"),
            };
            Preset::Hmac(Scheme::check(draft, "scheme").unwrap())
        }
        other => other,
    }
}

/// What comes of a request, as the vectors have it.
fn verdict(vector: &Value, headers: &[(String, String)]) -> Value {
    let secrets: Vec<Secret<String>> = vector["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| Secret::new(one.as_str().unwrap().to_owned()))
        .collect();
    let received = Received {
        headers,
        body: vector["body"].as_str().unwrap().as_bytes(),
        at: Instant::from_millis(vector["at"].as_i64().unwrap() * 1000 + 999),
    };
    let mut said = Map::new();
    match verify(&preset(vector), &secrets, &received) {
        Ok(proof) => {
            said.extend(proof.id.map(|id| ("id".to_owned(), id.into())));
            said.extend(proof.kind.map(|kind| ("kind".to_owned(), kind.into())));
            said.extend(proof.secret.map(|place| ("secret".to_owned(), place.into())));
        }
        Err(refusal) => drop(said.insert("refused".to_owned(), refusal.as_str().into())),
    }
    Value::Object(said)
}

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/inbound.json")).unwrap()
}

fn headers(vector: &Value) -> Vec<(String, String)> {
    let all = vector["headers"].as_object().unwrap().iter();
    all.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

#[test]
fn what_providers_sign_holds_and_nothing_else() {
    for vector in vectors() {
        assert_eq!(verdict(&vector, &headers(&vector)), vector["verdict"], "{}", vector["name"]);
    }
}

#[test]
fn a_header_that_is_there_twice_says_nothing() {
    let vectors = vectors();
    let sound = vectors.iter().filter(|vector| vector["verdict"]["secret"].is_u64());
    for vector in sound {
        let headers = headers(vector);
        let twice: Vec<_> = headers.iter().cloned().chain(headers.iter().cloned()).collect();
        assert_eq!(verdict(vector, &twice)["refused"], "header_twice", "{}", vector["name"]);
    }
}

#[test]
fn no_changed_byte_holds() {
    let vectors = vectors();
    let signed = vectors.iter().filter(|vector| {
        vector["verdict"]["secret"].is_u64()
            && !["bearer", "basic"].contains(&vector["preset"].as_str().unwrap())
    });
    for vector in signed {
        let body = vector["body"].as_str().unwrap();
        for place in 0..body.len() {
            let mut changed = vector.clone();
            let mut bytes = body.as_bytes().to_vec();
            *bytes.get_mut(place).unwrap() ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            changed["body"] = text.into();
            let said = verdict(&changed, &headers(vector));
            assert!(said["refused"] == "signature", "{}, byte {place}: {said}", vector["name"]);
        }
    }
}

/// Bytes that the test chose.
struct Chosen(u8);
impl Chance for Chosen {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const PRESETS: [&str; 9] =
    ["standard-webhooks", "github", "stripe", "slack", "shopify", "hmac", "bearer", "basic", "unverified"];

proptest! {
    #[test]
    fn what_we_sign_ourselves_holds_with_its_key_and_its_bytes_alone(
        body in "\\PC{0,200}", other in "\\PC{0,200}", id in "[a-z0-9_]{1,30}", seed in 1_u8..255, seconds in 0_i64..4_000_000_000
    ) {
        let at = Instant::from_millis(seconds * 1000);
        let key = SigningKey::new(Signature::V1, &Chosen(seed));
        let headers = [("webhook-id", id.clone()), ("webhook-timestamp", seconds.to_string()), ("webhook-signature", key.sign(&id, at, &body))]
            .map(|(name, value)| (name.to_owned(), value));
        let holds = |key: &SigningKey, body: &str| {
            let received = Received { headers: &headers, body: body.as_bytes(), at };
            verify(&Preset::StandardWebhooks, &[key.text()], &received)
        };
        prop_assert_eq!(holds(&key, &body).unwrap().id, Some(id.clone()));
        prop_assert_eq!(holds(&SigningKey::new(Signature::V1, &Chosen(seed - 1)), &body), Err(Refusal::Signature));
        if other != body {
            prop_assert_eq!(holds(&key, &other), Err(Refusal::Signature));
        }
    }

    #[test]
    fn nothing_that_anybody_may_send_holds_or_stops_us(
        body in proptest::collection::vec(any::<u8>(), 0..100), texts in proptest::collection::vec("[ -~]{0,60}", 12), place in 0_usize..8
    ) {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-hub-signature-256", "stripe-signature", "x-slack-signature",
            "x-slack-request-timestamp", "x-shopify-hmac-sha256", "x-signature", "authorization", "content-type", "svix-id"];
        let headers: Vec<(String, String)> = names.iter().map(|name| (*name).to_owned()).zip(texts).collect();
        let preset: Preset = PRESETS[place].parse().unwrap();
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw:whatever".to_owned());
        let received = Received { headers: &headers, body: &body, at: Instant::from_millis(0) };
        prop_assert!(verify(&preset, &[secret], &received).is_err());
    }
}

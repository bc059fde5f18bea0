//! Is what we sign signed as others sign it? `vectors/outbound.json` holds requests as an endpoint gets them: the key that signs (`secret`) and
//! those that it replaced (`retired`), id, time, body, and what `webhook-signature` says. The libraries of others accept each of them
//! (`tests/all/webhook_counterparts.rs`), and so do the lines that receivers copy from `docs/webhooks/receiving.md`.
//!
//! Signatures follow from the rest: `SIGNALBOX_WRITE_VECTORS=1` writes them, and the public keys, anew, and nothing else. Let the
//! libraries see what changes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use kernel::{Instant, Span};
use serde_json::{Value, json};
use std::{env, fs};
use webhooks::{Keyring, Signature, SigningKey};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/outbound.json");

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn retired(vector: &Value) -> Vec<SigningKey> {
    let texts = vector.get("retired").and_then(Value::as_array).into_iter().flatten();
    texts.map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

/// The keys of an endpoint, replaced one after the other at the time of the request; the last one replaced stands first.
fn keyring(vector: &Value, now: Instant) -> Keyring {
    let mut keys: Vec<SigningKey> = retired(vector);
    keys.insert(0, text(vector, "secret").parse().unwrap());
    let first = Keyring::new(keys.pop().unwrap());
    keys.into_iter().rev().fold(first, |ring, key| ring.rotate(key, Span::hours(24), now))
}

/// A vector with what follows from it.
fn signed(vector: &Value) -> Value {
    let now = Instant::from_millis(vector["timestamp"].as_i64().unwrap() * 1000);
    let ring = keyring(vector, now);
    let mut vector = vector.clone();
    vector["signature"] = json!(ring.sign(text(&vector, "id"), now, text(&vector, "body")));
    let publics: Vec<String> =
        std::iter::once(&ring.key).chain(&retired(&vector)).filter_map(SigningKey::public).collect();
    if !publics.is_empty() {
        vector["public_keys"] = json!(publics);
    }
    vector
}

#[test]
fn what_we_sign_is_what_the_vectors_say() {
    let vectors: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
    let ours: Vec<Value> = vectors.as_array().unwrap().iter().map(signed).collect();
    if env::var_os("SIGNALBOX_WRITE_VECTORS").is_some() {
        fs::write(FILE, serde_json::to_string_pretty(&ours).unwrap() + "\n").unwrap();
    }
    for (ours, vector) in ours.iter().zip(vectors.as_array().unwrap()) {
        assert_eq!(ours, vector, "{}", text(vector, "name"));
    }
}

#[test]
fn the_vectors_show_all_that_there_is() {
    let vectors: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
    let vectors = vectors.as_array().unwrap();
    let any = |what: &dyn Fn(&Value) -> bool| vectors.iter().any(what);
    let kind = |vector: &Value| text(vector, "secret").parse::<SigningKey>().unwrap().signature();
    for signature in [Signature::V1, Signature::V1a] {
        assert!(any(&|vector| kind(vector) == signature && retired(vector).is_empty()), "{signature} alone");
        assert!(any(&|vector| kind(vector) == signature && !retired(vector).is_empty()), "{signature} after");
        assert!(
            any(&|vector| kind(vector) == signature && text(vector, "body").len() >= 20_000),
            "{signature}, long"
        );
        assert!(
            any(&|vector| kind(vector) == signature && !text(vector, "body").is_ascii()),
            "{signature}, unicode"
        );
    }
}

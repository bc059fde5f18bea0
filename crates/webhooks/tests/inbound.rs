//! Do requests hold that providers sign, and no others? `vectors/inbound.json` holds their published examples, each with what must come of it.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use kernel::{Instant, Secret};
use serde_json::{Map, Value};
use webhooks::inbound::{Preset, Received, Scheme, SchemeDraft, verify};

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

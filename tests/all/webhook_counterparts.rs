//! Do libraries of others get along with our webhooks? `standardwebhooks` and `svix`, in Python and in Node.js, accept what is sent and
//! nothing that was meddled with, and what they sign is taken.

use crate::stage::{SOON, Stage, fresh, id, post, text};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, process::Command};
use tests::{Client, Delivery, Receiver, Reply, ask};

const ENDPOINTS: &str = "/api/v1/webhooks/endpoints";
const SOURCES: &str = "/api/v1/webhooks/sources";
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A request, a secret or a public key, and whether a library must accept the one by the other.
struct Claim {
    what: String,
    asked: Value,
    holds: bool,
}

impl Claim {
    fn new(what: &str, headers: &Value, body: &str, secret: &str, holds: bool) -> Self {
        let asked = json!({"headers": headers, "body": body, "secret": secret});
        Self { what: what.to_owned(), asked, holds }
    }

    /// As if it were this time.
    fn at(mut self, at: i64) -> Self {
        self.asked["at"] = json!(at);
        self
    }
}

/// What is true of a request by one of the secrets that it was signed with, and no longer when somebody meddled with it.
fn claims(what: &str, headers: &Value, body: &str, secret: &str) -> Vec<Claim> {
    let said = |name: &str| text(headers, name).to_owned();
    let sent: i64 = said("webhook-timestamp").parse().unwrap();
    let with = |name: &str, value: String| {
        let mut other = headers.clone();
        other[name] = json!(value);
        other
    };
    let claim = |change: &str, headers: &Value, body: &str, holds: bool| {
        Claim::new(&format!("{what}, {change}"), headers, body, secret, holds).at(sent)
    };
    let turned: String = said("webhook-signature")
        .split(' ')
        .map(|one| one.replace("v1,", "v0,").replace("v1a,", "v0a,"))
        .collect::<Vec<_>>()
        .join(" ");
    vec![
        claim("as it is", headers, body, true),
        claim("another body", headers, &format!("{body} "), false),
        claim("another id", &with("webhook-id", "job_of_somebody_else".to_owned()), body, false),
        claim("another time", &with("webhook-timestamp", (sent + 1).to_string()), body, false),
        claim("another scheme", &with("webhook-signature", turned), body, false),
        claim("too late", headers, body, false).at(sent + 301),
        claim("too early", headers, body, false).at(sent - 301),
    ]
}

/// Holds the libraries to the claims; tells which of them there were.
fn hold(claims: &[Claim]) -> BTreeSet<String> {
    let asked: Vec<Value> = claims.iter().map(|claim| claim.asked.clone()).collect();
    let mut libraries = BTreeSet::new();
    let Some(answers) = ask("webhooks", &asked).unwrap() else { return libraries };
    for (claim, programs) in claims.iter().zip(&answers) {
        let wanted = if claim.holds { "ok" } else { "refused" };
        for (place, answer) in programs.iter().enumerate() {
            for (library, verdict) in answer.as_object().unwrap() {
                assert_eq!(verdict, wanted, "{library}: {}", claim.what);
                libraries.insert(format!("{library} {place}"));
            }
        }
    }
    libraries
}

/// A request as it came, by each of the secrets and public keys that it was signed with.
fn of_delivery(delivery: &Delivery, keys: &[&str], strangers: &[&str]) -> Vec<Claim> {
    let (headers, body) = (json!(delivery.headers), String::from_utf8(delivery.body.clone()).unwrap());
    let mut all: Vec<Claim> = keys.iter().flat_map(|key| claims(key, &headers, &body, key)).collect();
    all.extend(
        strangers.iter().map(|key| Claim::new(&format!("{key}, a stranger's"), &headers, &body, key, false)),
    );
    all
}

/// An endpoint at `receiver` that takes the one event in which `only` stands.
fn endpoint(client: &Client, receiver: &Receiver, only: &str, signature: &str) -> Value {
    let wish = json!({
        "url": receiver.url("/hooks"), "signature": signature, "event_types": ["sales.opportunity_created"],
        "filter": [{"type": "equals", "field": "opportunity_id", "value": only}],
    });
    post(client, ENDPOINTS, &wish, 201)
}

/// The newest of `count` requests, after one more event.
fn next(client: &Client, receiver: &Receiver, only: &str, count: usize) -> Delivery {
    let data = json!({"opportunity_id": only, "opportunity_name": "Zoë's \u{1f682} \"deal\" <信号箱>\n"});
    post(client, "/api/v1/events", &json!({"event": "opportunity_created", "data": data}), 202);
    receiver.accepted(count, SOON).expect("a webhook").pop().unwrap()
}

#[test]
fn libraries_accept_every_vector() {
    let file = format!("{ROOT}/crates/webhooks/tests/vectors/outbound.json");
    let vectors: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut all = Vec::new();
    for vector in &vectors {
        let headers = json!({
            "webhook-id": vector["id"], "webhook-timestamp": vector["timestamp"].to_string(),
            "webhook-signature": vector["signature"],
        });
        let list = |name: &str| vector[name].as_array().cloned().unwrap_or_default();
        let secrets = [vec![vector["secret"].clone()], list("retired"), list("public_keys")].concat();
        for key in secrets.iter().filter_map(Value::as_str).filter(|key| !key.starts_with("whsk_")) {
            all.extend(claims(text(vector, "name"), &headers, text(vector, "body"), key));
        }
    }
    println!("{:?}", hold(&all));
}

#[test]
fn libraries_accept_what_is_sent_and_both_keys_while_one_replaces_the_other() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let only = fresh("o");
    let made = endpoint(&client, &receiver, &only, "v1");
    let first = text(&made, "secret");
    let mut all = of_delivery(
        &next(&client, &receiver, &only, 1),
        &[first],
        &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    );

    let rotate = format!("{ENDPOINTS}/{}/secret/rotate", id(&made));
    let turned = post(&client, &rotate, &json!({"overlap": "PT1H"}), 200);
    let second = text(&turned, "secret");
    all.extend(of_delivery(&next(&client, &receiver, &only, 2), &[first, second], &[]));

    let anew = post(&client, &rotate, &json!({"signature": "v1a", "overlap": "PT1H"}), 200);
    let public = text(&anew, "public_key");
    all.extend(of_delivery(&next(&client, &receiver, &only, 3), &[first, second, public], &[]));

    let last = post(&client, &rotate, &json!({"signature": "v1", "overlap": "PT0S"}), 200);
    let delivery = next(&client, &receiver, &only, 4);
    // What was replaced with an overlap keeps it; what was replaced without one is gone at once.
    all.extend(of_delivery(&delivery, &[text(&last, "secret"), first, second], &[public]));
    println!("{:?}", hold(&all));
}

#[test]
fn receivers_of_v1a_need_the_public_key_alone() {
    let client = Stage::shared_client();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let only = fresh("o");
    let made = endpoint(&client, &receiver, &only, "v1a");
    let delivery = next(&client, &receiver, &only, 1);
    // The public key of RFC 8032, section 7.1, test 2.
    let stranger = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";
    println!("{:?}", hold(&of_delivery(&delivery, &[text(&made, "public_key")], &[stranger])));
}

/// What receivers copy from the guide accepts every vector and nothing else, in each language of which there is an interpreter here.
#[test]
fn what_the_guide_tells_receivers_to_write_works() {
    let script = format!("{ROOT}/tests/counterparts/webhooks/snippets.py");
    match Command::new("python3").arg(script).output() {
        Err(_) => eprintln!("left out: there is no python3 that tries what the guide says"),
        Ok(said) => {
            let words = [said.stdout, said.stderr].concat();
            let words = String::from_utf8_lossy(&words);
            assert!(said.status.success(), "{words}");
            println!("{words}");
        }
    }
}

/// Where a source is, without the host that the answer may name.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or(url, |place| &rest[place..])
}

#[test]
fn what_libraries_sign_is_taken_and_what_was_meddled_with_is_not() {
    let stage = Stage::shared();
    let (client, stranger) = (stage.client(), stage.host.client());
    let (secret, before) =
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_JTA7RlFcZ3J9iJOeqbS/ytXg6/YBDBciLThDTllkb3o=");
    let source = json!({
        "name": fresh("standard"), "preset": "standard-webhooks", "secrets": [secret, before],
        "mapping": {"trigger_id": "opportunity_created", "data": {
            "opportunity_id": "{{ body.data.id }}", "opportunity_name": "{{ body.data.name }}",
        }},
    });
    let made = post(&client, SOURCES, &source, 201);
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let body = json!({"type": "deal.made", "data": {"id": fresh("o"), "name": "Zoë's \u{1f682} \"deal\""}})
        .to_string();
    let long =
        json!({"type": "deal.made", "data": {"id": fresh("o"), "name": "x".repeat(20_000)}}).to_string();
    let cases = [(secret, &body), (secret, &long), (before, &body)];
    let asked: Vec<Value> = cases
        .iter()
        .map(|(secret, body)| json!({"id": fresh("msg"), "timestamp": now, "body": body, "secret": secret}))
        .collect();
    let Some(answers) = ask("webhooks", &asked).unwrap() else { return };
    let send = |id: &str, signature: &str, body: &str| {
        let request = stranger.request("POST", path(text(&made, "url")));
        let request = request.header("webhook-id", id).header("webhook-timestamp", now.to_string());
        request.header("webhook-signature", signature).body("application/json", body).send().unwrap()
    };
    for (asked, programs) in asked.iter().zip(&answers) {
        let (id, body) = (text(asked, "id"), text(asked, "body"));
        let signatures: BTreeSet<&str> = programs
            .iter()
            .flat_map(|answer| answer.as_object().unwrap().values().filter_map(Value::as_str))
            .collect();
        // All libraries make the same of it.
        assert_eq!(signatures.len(), 1, "{signatures:?}");
        let signature = signatures.first().unwrap();
        assert_eq!(send(id, signature, &format!("{body} ")).status, 401);
        assert_eq!(send("msg_of_somebody_else", signature, body).status, 401);
        assert_eq!(send(id, "v1,AAAA", body).status, 401);
        let taken = send(id, signature, body);
        assert!((200..300).contains(&taken.status), "{} {}", taken.status, taken.text());
    }
}

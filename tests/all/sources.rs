//! `/api/v1/webhooks/sources` and `/hooks`: what providers send comes in, proven by them, once, and becomes what the tenant says.

use crate::{
    expect,
    stage::{Held, SOON, Stage, data, fresh, get, id, job, message, post, rule_for, tell, text},
    webhooks::hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tests::{Answer, Client, eventually};

const SOURCES: &str = "/api/v1/webhooks/sources";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A source whose requests become the event that `rule_for` waits for.
fn wish(preset: &str, more: &Value) -> Value {
    let data = json!({"opportunity_id": "{{ body.only }}", "opportunity_name": "{{ kind }} {{ body.name }}"});
    let mut wish = json!({
        "name": fresh("source"),
        "preset": preset,
        "mapping": {"trigger_id": "sales.opportunity_created", "data": data},
    });
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wish
}

/// A source, with the path that its provider sends to.
struct Source {
    client: Held,
    made: Value,
    path: String,
}

impl Source {
    fn new(preset: &str, more: &Value) -> Self {
        let client = Stage::shared_client();
        let made = post(&client, SOURCES, &wish(preset, more), 201);
        let url = text(&made, "url");
        let path = url.find("/hooks/").map(|place| url[place..].to_owned()).unwrap();
        Self { client, made, path }
    }

    fn at(&self, rest: &str) -> String {
        format!("{SOURCES}/{}{rest}", id(&self.made))
    }

    /// As a provider sends, who has no credential of ours.
    fn send(&self, headers: &[(&str, &str)], kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        let provider = self.client.anonymous();
        let request = provider.request("POST", &self.path).body(kind, body);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().unwrap()
    }

    fn taken(&self, headers: &[(&str, &str)], kind: &str, body: impl Into<Vec<u8>>) -> String {
        let answer = self.send(headers, kind, body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        let taken = answer.json().unwrap();
        assert_eq!(taken["duplicate"], false);
        id(&taken)
    }

    fn log(&self, outcome: &str) -> Vec<Value> {
        data(&get(&self.client, &self.at(&format!("/requests?outcome={outcome}")))).clone()
    }

    fn request(&self, request: &str) -> Value {
        get(&self.client, &self.at(&format!("/requests/{request}")))
    }

    /// The request once its job has come to this state.
    fn settled(&self, request: &str, state: &str) -> Value {
        job(&self.client, text(&self.request(request), "job_id"), state);
        self.request(request)
    }

    fn verdict(&self, request: &str) -> Value {
        post(&self.client, &self.at(&format!("/requests/{request}/verify")), &json!({}), 200)
    }
}

/// The headers that GitHub sends.
fn github<'a>(signature: &'a str, delivery: &'a str) -> [(&'a str, &'a str); 3] {
    [("X-Hub-Signature-256", signature), ("X-GitHub-Delivery", delivery), ("X-GitHub-Event", "ping")]
}

fn github_signature(key: &str, body: &str) -> String {
    format!("sha256={}", hex(&hmac(key.as_bytes(), body.as_bytes())))
}

/// A rule that tells somebody about the event of `only`.
fn rule(client: &Client, only: &str) -> String {
    let recipient = format!("{only}@example.com");
    let actions = json!([tell(&recipient, "About {{opportunity_name}}")]);
    post(client, "/api/v1/automation/rules", &rule_for(only, &actions), 201);
    recipient
}

#[test]
fn a_ping_of_githubs_makes_a_rule_fire_and_comes_once() {
    let source = Source::new("github", &json!({"secrets": ["old", "It's a Secret to Everybody"]}));
    let only = fresh("o");
    let recipient = rule(&source.client, &only);
    let body = json!({"zen": "Design for failure.", "only": only, "name": "zen"}).to_string();
    let signature = github_signature("It's a Secret to Everybody", &body);
    let request = source.taken(&github(&signature, "72d3162e"), JSON, body.as_str());
    message(&source.client, &recipient, "About ping zen");
    let again = source.send(&github(&signature, "72d3162e"), JSON, body.as_str());
    assert_eq!((again.status, again.json().unwrap()), (202, json!({"id": request, "duplicate": true})));
    let kept = source.settled(&request, "done");
    assert_eq!((text(&kept, "body"), text(&kept, "kind")), (body.as_str(), "ping"));
    let event = get(&source.client, &format!("/api/v1/events/{}", text(&kept, "event_id")));
    assert_eq!(
        (text(&event, "external_id"), &event["source"]),
        ("72d3162e", &json!(format!("webhook:{}", id(&source.made))))
    );
    assert_eq!(source.log("double")[0]["first_id"], request.as_str());
    assert_eq!(source.log("taken").len(), 1);
    // What is kept holds by the secrets of now.
    assert_eq!(
        source.verdict(&request),
        json!({"verified": true, "reason": null, "message": null, "secret": 1})
    );
    let turned = source.client.patch(&source.at(""), &json!({"secrets": ["new"]})).unwrap().json().unwrap();
    assert_eq!((&turned["secret_count"], &turned["version"]), (&json!(1), &json!(2)));
    assert_eq!(source.verdict(&request)["reason"], "signature");
}

#[test]
fn a_command_of_slacks_is_a_form_and_its_challenge_is_signed() {
    let key = "8f742231b10e8888abcd99yyyzzz85a5";
    let data = json!({"opportunity_id": "{{ body.text }}", "opportunity_name": "{{ kind }} by {{ body.user_name }}"});
    let more = json!({"secrets": [key], "mapping": {"trigger_id": "opportunity_created", "data": data}});
    let source = Source::new("slack", &more);
    let only = fresh("o");
    let recipient = rule(&source.client, &only);
    let time = now().to_string();
    let sign =
        |body: &str| format!("v0={}", hex(&hmac(key.as_bytes(), format!("v0:{time}:{body}").as_bytes())));
    let send = |body: &str, kind: &str, signature: &str| {
        source.send(&[("X-Slack-Request-Timestamp", &time), ("X-Slack-Signature", signature)], kind, body)
    };
    let body = format!("command=%2Fwebhook-collect&text={only}&user_name=road+runner");
    assert_eq!(send(&body, FORM, &sign(&body)).status, 202);
    message(&source.client, &recipient, "About /webhook-collect by road runner");
    // It has no id; but it is signed with its time, and so is known when it comes again.
    assert_eq!(send(&body, FORM, &sign(&body)).json().unwrap()["duplicate"], true);
    let ask = r#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd","type":"url_verification"}"#;
    let answer = send(ask, JSON, &sign(ask));
    assert_eq!((answer.status, answer.text().as_str()), (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    expect::problem(&send(ask, JSON, "v0=00"), 401, "WEBHOOK_SIGNATURE");
    assert_eq!(source.log("challenge").len(), 1);
}

#[test]
fn stripe_and_standard_webhooks_are_verified_with_their_time() {
    let stripe = Source::new("stripe", &json!({"secrets": ["whsec_stripe"]}));
    let only = fresh("o");
    let body = json!({"id": fresh("evt"), "type": "invoice.paid", "only": only, "name": "x"}).to_string();
    let signature = |time: u64| {
        let made = hex(&hmac(b"whsec_stripe", format!("{time}.{body}").as_bytes()));
        format!("t={time},v1={made},v0=00")
    };
    let request = stripe.taken(&[("Stripe-Signature", &signature(now()))], JSON, body.as_str());
    assert_eq!(stripe.settled(&request, "done")["kind"], "invoice.paid");
    // Stripe signs anew when it tries again; its id is the same.
    let again = stripe.send(&[("Stripe-Signature", &signature(now() - 9))], JSON, body.as_str());
    assert_eq!(again.json().unwrap(), json!({"id": request, "duplicate": true}));
    let stale = stripe.send(&[("Stripe-Signature", &signature(now() - 1_000))], JSON, body.as_str());
    expect::problem(&stale, 401, "WEBHOOK_STALE");

    let ours = Source::new("standard-webhooks", &json!({}));
    let secret = text(&ours.made, "secret");
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let time = now().to_string();
    let made = STANDARD.encode(hmac(&key, format!("msg_1.{time}.{body}").as_bytes()));
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", &format!("v1,{made}")),
    ];
    ours.taken(&headers, JSON, body.as_str());
    for shown in [get(&ours.client, &ours.at("")), get(&ours.client, &format!("{SOURCES}?limit=200"))] {
        assert!(!shown.to_string().contains(secret) && !shown.to_string().contains("whsec_stripe"));
    }
}

#[test]
fn each_refusal_is_told_and_written_down_without_what_came() {
    let source = Source::new("github", &json!({"secrets": ["the-secret"]}));
    let wrong = source.send(&github("sha256=00", "d-1"), JSON, r#"{"hush": 1}"#);
    let error = expect::problem(&wrong, 401, "WEBHOOK_SIGNATURE");
    assert!(text(&error["error"], "message").contains("the one that the provider shows"), "{error}");
    expect::problem(&source.send(&[], JSON, "{}"), 401, "WEBHOOK_HEADER_MISSING");
    expect::problem(&source.send(&github("sha1=00", "d-1"), JSON, "{}"), 401, "WEBHOOK_HEADER_MALFORMED");
    let twice = [("X-Hub-Signature-256", "sha256=00"), ("X-Hub-Signature-256", "sha256=01")];
    expect::problem(&source.send(&twice, JSON, "{}"), 401, "WEBHOOK_HEADER_TWICE");
    let log = source.log("refused");
    let reasons: Vec<&str> = log.iter().map(|line| text(line, "reason")).collect();
    assert_eq!(reasons, ["header_twice", "header_malformed", "header_missing", "signature"]);
    let whole = source.request(&id(&log[3]));
    assert_eq!((&whole["body"], &whole["size"]), (&Value::Null, &Value::Null));
    let names: Vec<&str> =
        whole["headers"].as_array().unwrap().iter().map(|header| text(header, "name")).collect();
    assert!(names.contains(&"x-hub-signature-256"), "{whole}");
    assert!(whole["headers"].as_array().unwrap().iter().all(|header| header["value"].is_null()));
    assert!(!whole.to_string().contains("hush") && !whole.to_string().contains("the-secret"));
    assert!(text(&whole, "address").starts_with("127."), "{whole}");
    assert_eq!(source.verdict(&id(&log[3]))["reason"], "no_body");
}

#[test]
fn credentials_let_in_and_are_not_kept() {
    let bearer = Source::new("bearer", &json!({"secrets": ["hook-token"]}));
    // A key of ours for such things is the sender's business, and its bearer no credential of ours.
    let shown =
        [("Authorization", "Bearer hook-token"), ("Idempotency-Key", "k-1"), ("X-Gitlab-Token", "hush")];
    let request = bearer.taken(&shown, JSON, b"\xff\x00".to_vec());
    let kept = bearer.request(&request);
    assert!(!kept.to_string().contains("hook-token") && !kept.to_string().contains("hush"), "{kept}");
    assert_eq!((&kept["body"], text(&kept, "body_base64"), &kept["size"]), (&Value::Null, "/wA=", &json!(2)));
    assert_eq!(bearer.verdict(&request)["reason"], "not_kept");
    expect::problem(
        &bearer.send(&[("Authorization", "Bearer other")], JSON, "{}"),
        401,
        "WEBHOOK_CREDENTIAL",
    );
    let basic = Source::new("basic", &json!({"secrets": ["Aladdin:open sesame"]}));
    basic.taken(&[("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")], JSON, "{}");
}

#[test]
fn each_provider_is_told_that_somebody_is_there() {
    let source = Source::new("github", &json!({"secrets": ["app secret"], "verify_token": "meta-token"}));
    assert_eq!(source.made["has_verify_token"], true);
    let provider = source.client.anonymous();
    let ask = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        provider.get(&format!("{}?{query}", source.path)).unwrap()
    };
    assert_eq!((ask("meta-token").status, ask("meta-token").text().as_str()), (200, "1158201444"));
    expect::problem(&ask("another"), 403, "WEBHOOK_VERIFY_TOKEN");
    expect::problem(&provider.get(&source.path).unwrap(), 405, "METHOD_NOT_ALLOWED");
    let graph = format!("{}?validationToken=Validation%3A+Testing", source.path);
    let graph = provider.request("POST", &graph).body("text/plain", "").send().unwrap();
    assert_eq!((graph.status, graph.text().as_str()), (200, "Validation: Testing"));
    let agreed =
        provider.request("OPTIONS", &source.path).header("WebHook-Request-Origin", "events.example.com");
    let agreed = agreed.send().unwrap();
    assert_eq!((agreed.status, agreed.header("webhook-allowed-origin")), (200, Some("events.example.com")));
    assert_eq!(agreed.header("allow"), Some("POST"));
}

#[test]
fn one_that_is_not_verified_says_so_everywhere() {
    let client = Stage::shared_client();
    let unsaid = json!({"name": "x", "mapping": {"trigger_id": "contact_created"}});
    expect::problem(&client.post(SOURCES, &unsaid).unwrap(), 400, "VALIDATION_ERROR");
    let open = Source::new("unverified", &json!({}));
    let closed = Source::new("github", &json!({"secrets": ["s"]}));
    assert_eq!((&open.made["verified"], &closed.made["verified"]), (&json!(false), &json!(true)));
    let list = get(&client, &format!("{SOURCES}?limit=200"));
    for source in [&open, &closed] {
        let listed = data(&list).iter().find(|one| one["id"] == source.made["id"]).unwrap();
        assert_eq!(listed["verified"], source.made["verified"]);
    }
    assert_eq!(open.verdict(&open.taken(&[], JSON, "{}"))["reason"], "unverified");
}

#[test]
fn only_named_networks_may_send() {
    let closed = Source::new("unverified", &json!({"networks": ["192.0.2.0/24", "2001:db8::/32"]}));
    expect::problem(&closed.send(&[], JSON, "{}"), 403, "WEBHOOK_SENDER_ADDRESS");
    assert_eq!(closed.log("refused")[0]["reason"], "address");
    let open = Source::new("unverified", &json!({"networks": ["127.0.0.0/8"]}));
    open.taken(&[], JSON, "{}");
    assert_eq!(open.made["networks"], json!(["127.0.0.0/8"]));
}

#[test]
fn a_mapping_is_tried_and_mended_and_what_came_is_not_lost() {
    let data = json!({"opportunity_id": "{{ body.deal }}", "opportunity_name": "x"});
    let more = json!({"mapping": {"trigger_id": "opportunity_created", "data": data}});
    let source = Source::new("unverified", &more);
    let only = fresh("o");
    let recipient = rule(&source.client, &only);
    let request = source.taken(&[], JSON, json!({"id": 1, "only": only, "worth": 12.5}).to_string());
    let dead = job(&source.client, text(&source.request(&request), "job_id"), "dead");
    assert!(text(&dead, "last_error").contains("data.opportunity_id: is missing"), "{dead}");
    let preview = |body: &Value| post(&source.client, &source.at("/preview"), body, 200)["data"][0].clone();
    assert_eq!(preview(&json!({}))["faults"][0]["field"], "data.opportunity_id");
    let data = json!({"opportunity_id": "{{ body.only }}", "opportunity_name": "{{ headers['content-type'] }}", "worth": "{{ body.worth }}"});
    let mapping = json!({"trigger_id": "opportunity_created", "data": data});
    let tried = preview(&json!({"request_id": request, "mapping": mapping}));
    assert_eq!(tried["data"], json!({"opportunity_id": only, "opportunity_name": JSON, "worth": 12.5}));
    assert_eq!((&tried["faults"], &tried["request_id"]), (&json!([]), &json!(request)));
    assert_eq!(source.request(&request)["event_id"], Value::Null, "nothing was done");
    let wrong = json!({"mapping": {"trigger_id": "{{ body.x | nosuch }}"}});
    let refused = source.client.post(&source.at("/preview"), &wrong).unwrap();
    expect::fields(&refused, 400, "VALIDATION_ERROR", &["mapping.trigger_id"]);
    assert_eq!(source.client.patch(&source.at(""), &json!({"mapping": mapping})).unwrap().status, 200);
    post(&source.client, &format!("/api/v1/jobs/{}/retry", id(&dead)), &json!({}), 200);
    message(&source.client, &recipient, "About application/json");
    let seen = eventually(SOON, || source.request(&request)["event_id"].as_str().map(str::to_owned));
    assert!(seen.is_some(), "{}", source.request(&request));
}

#[test]
fn a_body_may_have_1_mib_and_no_more() {
    let source = Source::new("unverified", &json!({}));
    let limit = 1024 * 1024;
    let request = source.taken(&[], "text/plain", "x".repeat(limit));
    assert_eq!(source.request(&request)["size"], limit);
    let larger = source.send(&[], "text/plain", "x".repeat(limit + 1));
    expect::problem(&larger, 413, "BODY_TOO_LARGE");
}

#[test]
fn an_address_at_which_nothing_is_tells_nothing() {
    let source = Source::new("unverified", &json!({}));
    let provider = source.client.anonymous();
    let at = |path: &str| provider.request("POST", path).body(JSON, "{}").send().unwrap();
    let own = id(&source.made);
    for path in [
        "/hooks/acme-corp/src_01hf7yat00zzzzzzzzzzzzzzzz".to_owned(),
        format!("/hooks/globex/{own}"),
        format!("/hooks/UPPER/{own}"),
        "/hooks/acme-corp/src".to_owned(),
    ] {
        expect::problem(&at(&path), 404, "WEBHOOK_NO_SOURCE");
    }
    source.taken(&[], JSON, "{}");
    source.client.patch(&source.at(""), &json!({"is_active": false})).unwrap();
    expect::problem(&at(&source.path), 404, "WEBHOOK_NO_SOURCE");
    assert_eq!(source.client.delete(&source.at("")).unwrap().status, 204);
    expect::problem(&at(&source.path), 404, "WEBHOOK_NO_SOURCE");
    expect::problem(&source.client.get(&source.at("/requests")).unwrap(), 404, "NOT_FOUND");
}

#[test]
fn a_source_takes_so_many_in_a_minute() {
    let source = Source::new("unverified", &json!({"rate_per_minute": 2}));
    // However the minutes fall, six are more than two of them allow.
    let answers: Vec<Answer> = (0..6).map(|_| source.send(&[], JSON, "{}")).collect();
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 202).collect();
    assert!(refused.len() >= 2, "{}", refused.len());
    for answer in refused {
        expect::problem(answer, 429, "RATE_LIMITED");
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(source.log("refused")[0]["reason"], "rate");
}

#[test]
fn faulty_fields_are_told_at_once_and_versions_are_held_to() {
    let source =
        Source::new("hmac", &json!({"secrets": ["k"], "scheme": {"header": "X-Sig", "encoding": "base64"}}));
    assert_eq!(source.made["scheme"]["algorithm"], "sha256");
    let wrong = json!({
        "name": "", "preset": "github", "scheme": {}, "networks": ["x"], "keep_days": 0,
        "mapping": {"trigger_id": "no_such", "data": {"a": "{{ other.a }}"}},
    });
    let refused = source.client.put(&source.at(""), &wrong).unwrap();
    expect::fields(
        &refused,
        400,
        "VALIDATION_ERROR",
        &["name", "scheme", "networks", "keep_days", "mapping.data.a", "mapping.trigger_id"],
    );
    let unknown = source.client.post(SOURCES, &json!({"name": "x", "secret": "s"})).unwrap();
    expect::problem(&unknown, 400, "VALIDATION_ERROR");
    let stale = source
        .client
        .request("PATCH", &source.at(""))
        .header("If-Match", "\"7\"")
        .json(&json!({"name": "y"}));
    expect::problem(&stale.send().unwrap(), 412, "PRECONDITION_FAILED");
    let anew = source.client.put(&source.at(""), &wish("hmac", &json!({}))).unwrap();
    let anew = anew.json().unwrap();
    assert_eq!(
        (&anew["secret_count"], &anew["scheme"]["header"]),
        (&json!(1), &json!("x-signature")),
        "{anew}"
    );
}

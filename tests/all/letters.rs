//! Letters: what we write to people goes to the operator's mail service, once, signed; without one it waits for the operator.

use crate::stage::{SOON, Stage, data, get, id, post, text, token_of};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::process::Command;
use tests::{Delivery, Receiver, Reply, eventually};

/// What a webhook's letters are signed with: 32 bytes.
const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A stage whose letters go to a receiver.
pub fn with_mail(reply: Reply) -> (Stage, Receiver) {
    let receiver = Receiver::start(reply).unwrap();
    let stage =
        Stage::with_options(&options(&receiver.url("/mail")).iter().map(String::as_str).collect::<Vec<_>>());
    (stage, receiver)
}

/// What sets a webhook as the mail service.
pub fn options(url: &str) -> Vec<String> {
    [
        "mail_service=webhook".to_owned(),
        format!("mail_url={url}"),
        format!("mail_key={KEY}"),
        "mail_from=Signalbox <no-reply@signalbox.example>".to_owned(),
    ]
    .into_iter()
    .flat_map(|variable| ["--variable".to_owned(), variable])
    .collect()
}

/// Waits for the letter to this address for this purpose.
pub fn letter(receiver: &Receiver, to: &str, purpose: &str) -> Value {
    let found = eventually(SOON, || {
        receiver
            .deliveries()
            .iter()
            .filter(|one| (200..300).contains(&one.status))
            .map(Delivery::json)
            .rfind(|letter| letter["to"] == to && letter["purpose"] == purpose)
    });
    found.unwrap_or_else(|| panic!("no letter {purpose} to {to}: {:?}", receiver.deliveries()))
}

/// The token in a letter's text.
pub fn token_in(letter: &Value) -> String {
    token_of(text(letter, "text"))
}

fn invite(stage: &Stage, email: &str) -> Value {
    post(&stage.client(), "/api/v1/admin/invitations", &json!({"email": email, "send": "mail"}), 201)
}

/// The signature that Standard Webhooks has over these parts.
fn signature(delivery: &Delivery) -> String {
    let part = |name: &str| delivery.headers.get(name).cloned().unwrap_or_default();
    let signed =
        [part("webhook-id").as_bytes(), part("webhook-timestamp").as_bytes(), &delivery.body].join(&b'.');
    let key = STANDARD.decode(KEY.trim_start_matches("whsec_")).unwrap();
    format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)))
}

/// HMAC of RFC 2104 by the system's own tool, so that what we check with is not what we sign with.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut tool = Command::new("openssl")
        .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{digits}"), "-binary"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl signs for this test");
    tool.stdin.take().unwrap().write_all(message).unwrap();
    tool.wait_with_output().unwrap().stdout
}

#[test]
fn a_letter_goes_to_the_mail_service_signed_and_is_erased() {
    let (stage, receiver) = with_mail(Reply::Accept);
    invite(&stage, "ana@example.com");
    let letter = letter(&receiver, "ana@example.com", "invitation");
    assert_eq!(letter["from"], "\"Signalbox\" <no-reply@signalbox.example>");
    assert!(text(&letter, "subject").contains("Acme Corp"), "{letter}");
    assert!(text(&letter, "html").contains("/auth/invitation#token=sbl_acme-corp_"), "{letter}");
    let delivery = receiver.deliveries().remove(0);
    assert_eq!(delivery.headers["webhook-id"], delivery.headers["idempotency-key"]);
    assert_eq!(delivery.headers["webhook-id"], text(&letter, "id"));
    assert_eq!(delivery.headers["webhook-signature"], signature(&delivery));
    // The job that carried it names the letter, and nothing of what it says.
    let jobs = get(&stage.client(), "/api/v1/jobs?kind=send_letter");
    assert!(!jobs.to_string().contains("sbl_"), "{jobs}");
    let sent = eventually(SOON, || {
        let all = get(&stage.operator(), "/internal/letters");
        Some(all["data"][0].clone()).filter(|letter| letter["state"] == "sent")
    });
    let sent = sent.expect("the letter is sent");
    assert!(!sent.to_string().contains("token="), "{sent}");
    let opened = format!("/internal/letters?tenant=acme-corp&id={}", id(&sent));
    assert_eq!(stage.operator().get(&opened).unwrap().status, 404, "what was sent is erased");
    assert!(!stage.host.log().contains("sbl_"), "the log holds a link");
}

#[test]
fn a_mail_service_that_fails_is_tried_again_and_gets_the_letter_once_more() {
    let (stage, receiver) = with_mail(Reply::Status(503));
    invite(&stage, "ana@example.com");
    eventually(SOON, || (!receiver.deliveries().is_empty()).then_some(())).expect("it is tried");
    receiver.reply(Reply::Accept);
    letter(&receiver, "ana@example.com", "invitation");
    let ids: Vec<String> =
        receiver.deliveries().iter().map(|one| one.headers["idempotency-key"].clone()).collect();
    assert!(ids.len() > 1 && ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

#[test]
fn without_a_mail_service_letters_wait_and_the_operator_reads_them() {
    let stage = Stage::own();
    let health = get(&stage.host.client(), "/health");
    assert!(health["notes"].to_string().contains("No mail service is set"), "{health}");
    invite(&stage, "ana@example.com");
    stage.tick();
    let waiting = get(&stage.operator(), "/internal/letters?state=waiting");
    assert_eq!(data(&waiting).len(), 1, "{waiting}");
    assert!(!waiting.to_string().contains("token="), "a list opens nothing: {waiting}");
    assert_eq!(stage.client().get("/internal/letters").unwrap().status, 401);
    // As the operator does it.
    let run = |arguments: &[&str]| {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut program = Command::new(format!("{root}/target/release/signalbox"));
        program.env("SPIN_VARIABLE_INTERNAL_TOKEN", "the-operators-own-token-for-these-tests");
        let out =
            program.arg("letters").args(arguments).arg("--state").arg(stage.host.state().path()).output();
        let out = out.unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let listed = run(&[]);
    assert!(listed.contains("ana@example.com") && !listed.contains("token="), "{listed}");
    let read = run(&["--read", &id(&data(&waiting)[0])]);
    let said = json!({"token": token_of(&read), "name": "Ana", "password": "correct horse battery staple 9"});
    post(&stage.host.client(), "/api/v1/auth/invitations/accept", &said, 200);
    let audit = get(&stage.client(), "/api/v1/admin/audit?action=letter.read_by_operator");
    assert_eq!(data(&audit).len(), 1, "{audit}");
}

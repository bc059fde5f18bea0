//! `signalbox keys`: keys turn on a running installation, and nobody notices.

use crate::{
    oauth::{client, token},
    stage::{OPTIONS, SOON, Stage, fresh, get, id, post, text},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};
use tests::{Client, Receiver, Reply, Signalbox};

/// The one that the shared options set, as an operator's environment would.
const TOKEN: (&str, &str) = ("SPIN_VARIABLE_INTERNAL_TOKEN", "the-operators-own-token-for-these-tests");

fn keys(state: &Path, words: &[&str]) -> Command {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut command = Command::new(format!("{root}/target/release/signalbox"));
    command.current_dir(root).arg("keys").args(words).arg("--state").arg(state).env(TOKEN.0, TOKEN.1);
    command
}

/// What the command printed; it must end well, or not, as `well` says.
fn run(state: &Path, words: &[&str], well: bool) -> String {
    let output = keys(state, words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), well, "{words:?}: {said}");
    said.into_owned()
}

fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    text(&header, "kid").to_owned()
}

fn secret(state: &Path, name: &str) -> String {
    let text = fs::read_to_string(state.join("secrets.toml")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

/// Whoever sends requests while keys turn, and what became of them.
#[derive(Default)]
struct Traffic {
    stop: AtomicBool,
    sent: AtomicUsize,
    failed: std::sync::Mutex<Vec<String>>,
}

impl Traffic {
    fn send(&self, client: &Client, path: &str) {
        let answer = client.get(path);
        self.sent.fetch_add(1, Ordering::Relaxed);
        match answer {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => {
                self.failed.lock().unwrap().push(format!("{path}: {} {}", answer.status, answer.text()));
            }
            Err(error) => self.failed.lock().unwrap().push(format!("{path}: {error:#}")),
        }
    }
}

const ROUTES: [&str; 4] =
    ["/api/v1/automation/rules", "/api/v1/jobs", "/api/v1/events", "/api/v1/admin/clients"];

#[test]
fn signing_keys_turn_and_no_request_fails() {
    let stage = Stage::own();
    let state = stage.host.state();
    let anybody = stage.host.client();
    let one = client(&stage.client(), &["rules:read", "jobs:read", "events:read", "access:read"]);
    let old = token(&anybody, &one, "");
    assert_eq!(kid(&old), "k1");
    let traffic = Traffic::default();
    let said = thread::scope(|scope| {
        for path in ROUTES {
            let (traffic, holder) = (&traffic, anybody.with_bearer(&old));
            scope.spawn(move || {
                while !traffic.stop.load(Ordering::Relaxed) {
                    traffic.send(&holder, path);
                    thread::sleep(Duration::from_millis(5));
                }
            });
        }
        // New tokens, each shown at once to every component: none may meet an instance that does not know its key.
        let (traffic, anybody, one) = (&traffic, anybody.clone_unconnected(), &one);
        scope.spawn(move || {
            while !traffic.stop.load(Ordering::Relaxed) {
                let fresh = anybody.with_bearer(&token(&anybody, one, ""));
                for path in ROUTES {
                    traffic.send(&fresh, path);
                }
                thread::sleep(Duration::from_millis(250));
            }
        });
        let said = keys(state.path(), &["rotate", "--wait", "6s"]).output();
        thread::sleep(Duration::from_secs(8));
        traffic.stop.store(true, Ordering::Relaxed);
        said.unwrap()
    });
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success() && words.contains("k2 signs from now on"), "{words}");
    let failed = traffic.failed.into_inner().unwrap();
    let sent = traffic.sent.into_inner();
    assert!(failed.is_empty(), "{} of {sent} failed: {:?}", failed.len(), failed.first());
    println!("{sent} requests during the turn, none failed");
    assert!(sent > 200, "{sent}");

    let new = token(&anybody, &one, "");
    assert_eq!(kid(&new), "k2");
    let jwks = get(&anybody, "/.well-known/jwks.json");
    let shown: Vec<&str> = jwks["keys"].as_array().unwrap().iter().map(|key| text(key, "kid")).collect();
    assert_eq!(shown, ["k2", "k1"]);
    assert_eq!(anybody.with_bearer(&old).get(ROUTES[0]).unwrap().status, 200);
    let listed = run(state.path(), &["list"], true);
    assert!(listed.contains("k2  present") && listed.contains("k1  retired since"), "{listed}");
    let values = (secret(state.path(), "signing_keys"), secret(state.path(), "vault_keys"));
    for value in [&values.0, &values.1] {
        for key in value.split(',').filter_map(|entry| entry.split(':').nth(1)) {
            assert!(!listed.contains(key) && !words.contains(key) && !stage.host.log().contains(key));
        }
    }
}

#[test]
fn a_stolen_signing_key_is_gone_within_seconds() {
    let stage = Stage::own();
    let state = stage.host.state();
    let anybody = stage.host.client();
    let one = client(&stage.client(), &["rules:read"]);
    let old = token(&anybody, &one, "");
    run(state.path(), &["rotate", "--compromised"], true);
    let gone = tests::eventually(SOON, || {
        (anybody.with_bearer(&old).get(ROUTES[0]).unwrap().status == 401).then_some(())
    });
    assert!(gone.is_some(), "the old key still verifies");
    assert_eq!(anybody.with_bearer(&token(&anybody, &one, "")).get(ROUTES[0]).unwrap().status, 200);
    assert!(secret(state.path(), "signing_keys").starts_with("k2:"));
    assert!(!secret(state.path(), "signing_keys").contains("k1:"));
}

#[test]
fn secrets_that_do_not_read_change_nothing() {
    let stage = Stage::own();
    let state = stage.host.state();
    let file = state.path().join("secrets.toml");
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, before.replace("signing_keys = \"k1:", "signing_keys = \"k1:!")).unwrap();
    let told = tests::eventually(SOON, || stage.host.log().contains("cannot be used").then_some(()));
    assert!(told.is_some(), "{}", stage.host.log());
    thread::sleep(Duration::from_secs(4));
    assert_eq!(stage.person().get(ROUTES[0]).unwrap().status, 200);
    fs::write(&file, before).unwrap();
    assert_eq!(stage.person().get(ROUTES[0]).unwrap().status, 200);
}

/// Starts the command and waits until a line holds `word`.
fn until(state: &Path, words: &[&str], word: &str) -> Child {
    let mut child = keys(state, words).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line.contains(word) {
            return child;
        }
    }
    let ended = child.wait().unwrap();
    panic!("it ended with {ended} before it said {word:?}");
}

/// Sends a test message by every channel, and waits for all to arrive.
fn all_open(client: &Client, channels: &[String], receiver: &Receiver) {
    let before = receiver.deliveries().len();
    for channel in channels {
        let path = format!("/api/v1/notifications/channels/{channel}/test");
        let answer = client.request("POST", &path).send().unwrap();
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    }
    let wanted = before + channels.len();
    assert!(receiver.accepted(wanted, SOON).is_some(), "{} of {wanted}", receiver.deliveries().len());
}

#[test]
fn vault_keys_turn_through_a_kill_and_channels_stay_open() {
    let stage = Stage::own();
    let receiver = Receiver::start(Reply::Accept).unwrap();
    let client = stage.client();
    let channels: Vec<String> = (0..30)
        .map(|_| {
            let body = json!({"name": fresh("c"), "kind": "webhook", "url": receiver.url("/in")});
            id(&post(&client, "/api/v1/notifications/channels", &body, 201))
        })
        .collect();
    let some = &channels[..5];
    all_open(&client, some, &receiver);
    let words = ["rotate", "--data", "--wait", "6s", "--batch", "4"];
    let mut child = until(stage.host.state().path(), &words, "4 sealed anew");
    child.kill().unwrap();
    child.wait().unwrap();
    let left = |stage: &Stage| {
        let said = get(&stage.operator(), "/internal/vault/reseal");
        let table = said["tables"].as_array().unwrap().iter().find(|table| table["table"] == "channels");
        (text(&said, "key").to_owned(), table.unwrap()["left"].as_u64().unwrap())
    };
    let (key, half) = left(&stage);
    assert!(key == "v2" && half > 0, "the kill came too late: {half}");

    // The program too: what is half done opens by both keys.
    let Stage { host, .. } = stage;
    let stage = Stage::of_host(Signalbox::start_on(host.kill(), OPTIONS).unwrap());
    let state = stage.host.state();
    let client = stage.client();
    all_open(&client, &channels[..3], &receiver);
    all_open(&client, &channels[27..], &receiver);
    assert!(secret(state.path(), "vault_keys").contains(",v1:"), "nothing is dropped before its time");

    let said = run(state.path(), &words, true);
    assert!(said.contains("Dropped: v1"), "{said}");
    assert_eq!(left(&stage), ("v2".to_owned(), 0));
    let value = secret(state.path(), "vault_keys");
    assert!(value.starts_with("v2:") && !value.contains("v1:"));
    thread::sleep(Duration::from_secs(5));
    all_open(&client, some, &receiver);
}

#[test]
fn a_wrong_old_vault_key_is_refused_in_words() {
    let stage = Stage::own();
    let body = json!({"name": fresh("c"), "kind": "webhook", "url": "https://example.com/in"});
    let channel = id(&post(&stage.client(), "/api/v1/notifications/channels", &body, 201));
    let state = stage.host.state();
    let file = state.path().join("secrets.toml");
    let (before, right) = (fs::read_to_string(&file).unwrap(), secret(state.path(), "vault_keys"));
    let wrong = format!("v1:{}", base64::engine::general_purpose::STANDARD.encode([7; 32]));
    fs::write(&file, before.replace(&right, &wrong)).unwrap();
    thread::sleep(Duration::from_secs(5));
    let said = run(state.path(), &["rotate", "--data", "--wait", "6s"], false);
    assert!(
        said.contains(&channel) && said.contains("cannot be opened") && said.contains("no key was dropped")
    );
    let kept = secret(state.path(), "vault_keys");
    assert!(kept.starts_with("v2:") && kept.contains(&wrong), "the old key stays");
    // With the right one back in its place, the same command goes on.
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(&wrong, &right)).unwrap();
    thread::sleep(Duration::from_secs(5));
    let said = run(state.path(), &["rotate", "--data", "--wait", "6s"], true);
    assert!(said.contains("Dropped: v1"), "{said}");
}

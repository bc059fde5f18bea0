//! `/api/v1/admin/audit` and `signalbox audit`: what was done, found again, taken along, and proved elsewhere.

use crate::{
    expect,
    stage::{Stage, data, fresh, get, id, post, text},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tests::Client;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn channel(client: &Client, name: &str) -> String {
    let wish = json!({"name": name, "kind": "webhook", "url": "https://example.com/in?token=hush"});
    id(&post(client, "/api/v1/notifications/channels", &wish, 201))
}

/// All pages of an export, as one file.
fn exported(client: &Client, query: &str) -> (String, usize) {
    let mut path = format!("/api/v1/admin/audit/export?{query}");
    let (mut whole, mut pages) = (String::new(), 0);
    loop {
        let answer = client.get(&path).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        whole.push_str(&answer.text());
        pages += 1;
        let next = answer.header("link").and_then(|link| link.strip_prefix('<')?.split_once('>'));
        match next {
            Some((target, parameters)) => {
                assert!(parameters.contains("rel=\"next\""), "{parameters}");
                path = target.to_owned();
            }
            None => return (whole, pages),
        }
    }
}

fn signalbox(words: &[&str]) -> Output {
    Command::new(format!("{ROOT}/target/release/signalbox")).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn what_was_done_is_found_again() {
    let client = Stage::shared_client();
    let name = fresh("searched");
    let made = channel(&client, &name);
    let path = format!("/api/v1/notifications/channels/{made}");
    let changed = client
        .request("PATCH", &path)
        .header("X-Request-Id", &name)
        .json(&json!({"is_active": false}))
        .send()
        .unwrap();
    assert_eq!(changed.status, 200, "{}", changed.text());
    let found = |query: &str| {
        let list = get(&client, &format!("/api/v1/admin/audit?limit=200&{query}"));
        data(&list).iter().map(|row| text(row, "action").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&format!("subject={made}")), ["channel.changed", "channel.created"]);
    assert_eq!(found(&format!("subject={made}&action=channel.created")), ["channel.created"]);
    assert_eq!(found(&format!("subject={made}&action=channel.*")).len(), 2);
    assert_eq!(found(&format!("request_id={name}")), ["channel.changed"]);
    assert_eq!(found(&format!("text={}", name.to_uppercase())).len(), 2);
    assert_eq!(found(&format!("subject={made}&address=127.0.0.1")).len(), 2);
    assert_eq!(found(&format!("subject={made}&address=127.0.0.9")).len(), 0);
    assert_eq!(found(&format!("subject={made}&until=2020-01-01T00:00:00Z")).len(), 0);
    assert_eq!(found(&format!("subject={made}&since=2020-01-01T00:00:00Z")).len(), 2);
    let row = &get(&client, &format!("/api/v1/admin/audit?request_id={name}"))["data"][0];
    assert_eq!((&row["before"]["is_active"], &row["after"]["is_active"]), (&json!(true), &json!(false)));
    assert!(!row.to_string().contains("hush"), "{row}");
    expect::fields(
        &client.get("/api/v1/admin/audit?since=x&until=y").unwrap(),
        400,
        "VALIDATION_ERROR",
        &["since", "until"],
    );
}

#[test]
fn the_head_proves_another_time_that_nothing_was_changed() {
    let stage = Stage::own();
    let client = stage.client();
    channel(&client, "one");
    let head = get(&client, "/api/v1/admin/audit/head");
    channel(&client, "two");
    let from = |sequence: &Value, hash: &str| {
        get(&client, &format!("/api/v1/admin/audit/verify?sequence={sequence}&hash={hash}"))
    };
    let held = from(&head["sequence"], text(&head, "hash"));
    assert_eq!(
        (&held["holds"], &held["rows"], &held["next"]),
        (&json!(true), &json!(1), &Value::Null),
        "{held}"
    );
    let other = from(&head["sequence"], &"0".repeat(64));
    assert_eq!((&other["holds"], &other["broken"]["reason"]), (&json!(false), &json!("changed")), "{other}");
    let beyond = from(&json!(10_000), text(&head, "hash"));
    assert_eq!(
        (&beyond["holds"], &beyond["broken"]["reason"]),
        (&json!(false), &json!("missing")),
        "{beyond}"
    );
    let whole = get(&client, "/api/v1/admin/audit/verify");
    assert_eq!(whole["holds"], true, "{whole}");
    let half = client.get("/api/v1/admin/audit/verify?sequence=1").unwrap();
    expect::fields(&half, 400, "VALIDATION_ERROR", &["hash"]);
}

#[test]
fn an_exported_audit_is_proved_elsewhere_and_every_meddling_is_found() {
    let stage = Stage::own();
    let client = stage.client();
    for number in 0..5 {
        channel(&client, &format!("number {number}"));
    }
    let (whole, pages) = exported(&client, "");
    assert_eq!(pages, 1);
    let head = get(&client, "/api/v1/admin/audit/head");
    let head = text(&head, "hash");
    let lines: Vec<&str> = whole.lines().collect();
    assert!(lines.len() > 6, "{whole}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");

    let check = |what: &str, text: &str, code: i32, line: Option<usize>| {
        fs::write(&file, text).unwrap();
        let path = file.to_str().unwrap();
        let outcome = signalbox(&["audit", "verify", path, "--head", head]);
        assert_eq!(outcome.status.code(), Some(code), "{what}: {}", said(&outcome));
        if let Some(line) = line {
            assert!(said(&outcome).contains(&format!("{path}:{line}: ")), "{what}: {}", said(&outcome));
        }
        counterpart(&file, head, what, code, line);
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    check("as it is", &whole, 0, None);
    let edited = lines[3].replace("number 0", "number 9").replace("\"actor\":\"key_", "\"actor\":\"kex_");
    let mut with = lines.clone();
    with[3] = &edited;
    check("a row is edited", &joined(&with), 1, Some(4));
    let end = lines[3].len() - 66;
    let rehashed = format!("{}{}\"}}", &lines[3][..end], "0".repeat(64));
    let mut with = lines.clone();
    with[3] = &rehashed;
    check("a hash is edited", &joined(&with), 1, Some(4));
    let mut with = lines.clone();
    with.remove(3);
    check("a row is removed", &joined(&with), 1, Some(4));
    check("the first row is removed", &joined(&lines[1..]), 1, Some(1));
    check("the last row is removed", &joined(&lines[..lines.len() - 1]), 1, Some(lines.len() - 1));
    let mut with = lines.clone();
    with.swap(3, 4);
    check("two rows are swapped", &joined(&with), 1, Some(4));
    let mut with = lines.clone();
    with.insert(4, lines[3]);
    check("a row is there twice", &joined(&with), 1, Some(5));
    let erased = lines[3].split(",\"after\":").next().unwrap().to_owned()
        + ",\"after\":{\"erased\":\""
        + &"0".repeat(64)
        + "\"},\"erased_by\":9"
        + &lines[3][lines[3].find(",\"previous\"").unwrap()..];
    let mut with = lines.clone();
    with[3] = &erased;
    check("something is erased on the sly", &joined(&with), 1, Some(4));
    let unread = signalbox(&["audit", "verify", "/no/such/file"]);
    assert_eq!(unread.status.code(), Some(2), "{}", said(&unread));
    let plain = signalbox(&["audit", "verify", file.to_str().unwrap(), "--head", "x"]);
    assert_eq!(plain.status.code(), Some(2), "{}", said(&plain));
}

/// What a stranger's verifier says, written from the description alone. Left out where there is no Python.
fn counterpart(file: &Path, head: &str, what: &str, code: i32, line: Option<usize>) {
    let script = format!("{ROOT}/tests/counterparts/audit/verify.py");
    match Command::new("python3").arg(script).arg(file).arg(head).output() {
        Err(_) => eprintln!("left out: there is no python3 for the stranger's verifier"),
        Ok(outcome) => {
            assert_eq!(outcome.status.code(), Some(code), "{what}, by a stranger: {}", said(&outcome));
            if let Some(line) = line {
                assert!(said(&outcome).contains(&format!("line {line}:")), "{what}: {}", said(&outcome));
            }
        }
    }
}

#[test]
fn a_long_audit_is_exported_page_by_page_by_the_program_too() {
    let stage = Stage::own();
    let client = stage.client();
    // Each batch is one row; some more than a page holds.
    for _ in 0..1100 {
        let event = json!({"event": "contact_created", "data": {"contact_id": "c-1"}});
        assert_eq!(client.post("/api/v1/events", &event).unwrap().status, 202);
    }
    let (whole, pages) = exported(&client, "");
    assert!(pages == 2 && whole.lines().count() > 1100, "{pages} pages, {} rows", whole.lines().count());
    let folder = tempfile::tempdir().unwrap();
    let (key, out) = (folder.path().join("key"), folder.path().join("audit.jsonl"));
    fs::write(&key, stage.key()).unwrap();
    let url = format!("http://{}", stage.host.address());
    let (key, out) = (key.to_str().unwrap(), out.to_str().unwrap());
    let fetched = signalbox(&["audit", "export", "--url", &url, "--key-file", key, "--out", out]);
    assert!(fetched.status.success(), "{}", said(&fetched));
    let verified = signalbox(&["audit", "verify", out]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("rows of acme-corp, 1 to"), "{}", said(&verified));
    let refused = signalbox(&["audit", "export", "--url", &url, "--key-file", out, "--out", "/dev/null"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
}

#[test]
fn a_spreadsheet_gets_no_formula() {
    let client = Stage::shared_client();
    let wish = json!({"name": fresh("sheet"), "kind": "webhook", "url": "https://example.com/in"});
    let made = client
        .request("POST", "/api/v1/notifications/channels")
        .header("X-Request-Id", "-2-3")
        .json(&wish)
        .send()
        .unwrap();
    assert_eq!(made.status, 201, "{}", made.text());
    let (sheet, _) = exported(&client, "format=csv");
    assert!(sheet.starts_with("sequence,at,actor,action,subject,request_id,address,before,after,hash\r\n"));
    assert!(sheet.contains(",\"'-2-3\",") && !sheet.contains(",-2-3,"), "{sheet}");
}

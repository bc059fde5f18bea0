//! `…/import`, `…/export`: is every sound row of a file kept, every other named, and does what goes out come in again?

use crate::{
    expect,
    stage::{Stage, data, get, post, text},
};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Instant};
use tests::{Answer, Client};

const CONTACTS: &str = "/api/v1/crm/contacts";
const DEALS: &str = "/api/v1/sales/opportunities";

fn import(client: &Client, path: &str, file: impl Into<Vec<u8>>) -> Answer {
    client.request("POST", path).body("text/csv; charset=utf-8", file).send().unwrap()
}

fn imported(client: &Client, path: &str, file: impl Into<Vec<u8>>) -> Value {
    let answer = import(client, path, file);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json().unwrap()
}

fn counts(said: &Value) -> [u64; 5] {
    ["created", "updated", "unchanged", "skipped", "failed"].map(|name| said[name].as_u64().unwrap())
}

#[test]
fn ten_thousand_rows_are_kept_and_the_bad_ones_named() {
    let stage = Stage::own();
    let client = stage.client();
    let mut file = "external_id,name,email,status,labels\r\n".to_owned();
    for number in 0..10_000 {
        let (email, status) = match number {
            77 => ("not an address", "lead"),
            4_242 => ("p@example.com", "asleep"),
            9_999 => ("", "x,y"),
            _ => ("person@example.com", "lead"),
        };
        writeln!(file, "x-{number},Person {number},{email},{status},imported;p{}\r", number % 10).unwrap();
    }
    let began = Instant::now();
    let said = imported(&client, &format!("{CONTACTS}/import"), file.clone());
    eprintln!("10,000 rows took {:?}", began.elapsed());
    assert_eq!((said["rows"].as_u64(), counts(&said)), (Some(10_000), [9_997, 0, 0, 0, 3]), "{said}");
    let faults: Vec<String> = said["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| format!("{} {}", fault["line"], text(fault, "field")))
        .collect();
    assert_eq!(faults, ["79 email", "4244 status", "10001 row"]);
    assert_eq!(data(&get(&client, &format!("{CONTACTS}?q=person%204321"))).len(), 1);
    assert_eq!(get(&client, "/api/v1/records/limits")["records"]["used"], 9_997);
    let events = get(&client, "/api/v1/events?trigger_id=contact_created&limit=1");
    assert_eq!(data(&events)[0]["data"]["contact_name"], "Person 9998");

    // Once more with a key: nothing twice.
    let again = imported(&client, &format!("{CONTACTS}/import?on_match=skip"), file.clone());
    assert_eq!(counts(&again), [0, 0, 0, 9_997, 3]);
    let update = file.replace("Person 1,", "Person One,");
    let dry = imported(&client, &format!("{CONTACTS}/import?on_match=update&dry_run=true"), update.clone());
    assert_eq!((&dry["dry_run"], counts(&dry)), (&json!(true), [0, 1, 9_996, 0, 3]));
    let done = imported(&client, &format!("{CONTACTS}/import?on_match=update"), update);
    assert_eq!(counts(&done), [0, 1, 9_996, 0, 3]);
    let one = get(&client, &format!("{CONTACTS}?external_id=x-1"));
    assert_eq!((text(&data(&one)[0], "name"), &data(&one)[0]["version"]), ("Person One", &json!(2)));
}

#[test]
fn what_cannot_be_imported_at_all_changes_nothing() {
    let stage = Stage::own();
    let client = stage.client();
    let path = format!("{CONTACTS}/import");
    expect::problem(&client.post(&path, &json!({"name": "Ada"})).unwrap(), 415, "UNSUPPORTED_MEDIA_TYPE");
    let unknown = import(&client, &path, "name,colour\nAda,red\n");
    expect::fields(&unknown, 400, "IMPORT_UNREADABLE", &["headings.colour"]);
    expect::fields(&import(&client, &path, ""), 400, "IMPORT_UNREADABLE", &["body"]);
    let long = format!("name\n{}", "Ada\n".repeat(10_001));
    expect::fields(&import(&client, &path, long), 400, "IMPORT_UNREADABLE", &["body"]);
    let meant = import(&client, &format!("{path}?on_match=perhaps&match=name&dry_run=maybe"), "name\nAda\n");
    expect::fields(&meant, 400, "VALIDATION_ERROR", &["on_match", "match", "dry_run"]);
    let heavy = format!("name,company\nAda,{}\n", "x".repeat(8 * 1024 * 1024));
    expect::problem(&import(&client, &path, heavy), 413, "BODY_TOO_LARGE");
    // Two mebibytes are too much for anything but a file.
    let large = format!("name,company\nAda,{}\n", "x".repeat(2 * 1024 * 1024));
    assert_eq!(counts(&imported(&client, &path, large)), [0, 0, 0, 0, 1]);
    assert_eq!(data(&get(&client, CONTACTS)).len(), 0);
    let limit = json!({"limits": {"bulk_per_hour": 1}});
    assert_eq!(client.patch("/api/v1/admin/settings", &limit).unwrap().status, 200);
    expect::problem(&import(&client, &path, "name\nAda\n"), 429, "RATE_LIMITED");
}

#[test]
fn what_goes_out_comes_in_again() {
    let stage = Stage::own();
    let client = stage.client();
    let limit = json!({"limits": {"bulk_per_hour": 100}});
    assert_eq!(client.patch("/api/v1/admin/settings", &limit).unwrap().status, 200);
    let rows: String = (0..2_345).map(|number| format!("d-{number},=Deal {number},{number}.50\n")).collect();
    let file = format!("external_id,name,value\n{rows}");
    assert_eq!(counts(&imported(&client, &format!("{DEALS}/import"), file))[0], 2_345);
    let mut whole = Vec::new();
    let mut path = format!("{DEALS}/export?sort=value&value_min=100");
    let mut pages = 0;
    loop {
        let answer = client.get(&path).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        whole.extend_from_slice(&answer.body);
        pages += 1;
        let next = answer.header("link").and_then(|link| link.strip_prefix('<')?.split('>').next());
        match next {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let table = String::from_utf8(whole).unwrap();
    assert_eq!((pages, table.lines().count()), (3, 2_246), "the headings stand once");
    assert!(table.starts_with("id,external_id,name,"), "{}", &table[..200]);
    assert!(table.contains(",'=Deal 2344,"), "a formula is guarded");
    // Into another tenant, as it is; the guard comes off.
    let (_, other) = stage.other_tenant();
    let without_ids: String =
        table.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect();
    assert_eq!(counts(&imported(&other, &format!("{DEALS}/import"), without_ids)), [2_245, 0, 0, 0, 0]);
    let deal = get(&other, &format!("{DEALS}?external_id=d-2344"));
    assert_eq!(
        (text(&data(&deal)[0], "name"), data(&deal)[0]["value"].to_string()),
        ("=Deal 2344", "2344.50".to_owned())
    );
    // And into the same: nothing changes.
    let same = imported(&client, &format!("{DEALS}/import?match=id&on_match=update"), table);
    assert_eq!(counts(&same), [0, 0, 2_245, 0, 0]);
    let lines = client.get(&format!("{DEALS}/export?format=jsonl&q=deal%207&sort=name")).unwrap().text();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(text(&first, "name"), "=Deal 7");
    let audit = get(&client, "/api/v1/admin/audit?action=records.exported");
    assert_eq!(data(&audit).len(), pages + 1, "each page is noted");
    let made = post(&client, DEALS, &json!({"name": "After"}), 201);
    assert_eq!(made["version"], 1);
}

//! How fast is a durable event, beside a bare durable INSERT on the same disk, and how long until it is delivered?

use crate::{
    folder,
    load::{CONNECTIONS, millis, quantile, run},
    report::Report,
};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};
use tests::{Client, Receiver, Reply, Signalbox};

/// Events whose way to the receiver is timed, and the pause between two.
const TIMED: usize = 200;
const PAUSE: Duration = Duration::from_millis(25);

/// One row per commit, WAL, synchronous=FULL: what the disk gives without us.
pub fn bare_inserts(span: Duration, report: &mut Report) -> Result<()> {
    report.doing("bare durable INSERTs");
    let place = tempfile::Builder::new().prefix("bare-").tempdir_in(folder()?)?;
    let database = Connection::open(place.path().join("bare.db"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT", [])?;
    let body = event("bare").to_string();
    let mut insert = database.prepare("INSERT INTO rows (body) VALUES (?1)")?;
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < span {
        insert.execute(params![body])?;
        count += 1;
    }
    report.add("bare durable INSERTs", f64::from(count) / start.elapsed().as_secs_f64(), "1/s");
    Ok(())
}

/// Authenticated, validated, one rule matching, committed; its message goes to the inbox meanwhile. Once with one sender
/// for all connections, once with a sender for each, which has an audit row of its own in every commit.
pub fn measure(host: &Signalbox, span: Duration, report: &mut Report) -> Result<()> {
    report.doing("durable ingest at 32 connections");
    let one = keys(host, 1)?;
    load(host, &vec![one.concat(); CONNECTIONS], "durable ingest", span, report)?;
    report.ratio("ingest per bare INSERT", "durable ingest", "bare durable INSERTs", 0.5);
    report.ratio("ingest per empty request", "durable ingest", "floor: empty route", 0.0);
    report.doing("the same with 32 senders");
    load(host, &keys(host, CONNECTIONS)?, "ingest of 32 senders", span, report)
}

fn load(
    host: &Signalbox,
    keys: &[String],
    name: &'static str,
    span: Duration,
    report: &mut Report,
) -> Result<()> {
    let clients: Vec<Client> = keys.iter().map(|key| host.client().with_bearer(key)).collect();
    let first = clients.first().context("no client")?;
    let accepted = first.post("/api/v1/events", &event("ingest"))?;
    ensure!(accepted.status == 202, "{} {}", accepted.status, accepted.text());
    let matched = accepted.json()?["matched"].as_array().map(Vec::len);
    ensure!(matched == Some(1), "one rule should match: {}", accepted.text());
    let bytes: Vec<Vec<u8>> = clients
        .iter()
        .map(|client| client.request("POST", "/api/v1/events").json(&event("ingest")).bytes())
        .collect();
    let load = run(&clients, &bytes, 202, span)?;
    report.add(name, load.rate, "1/s");
    report.add(&format!("{name} p50"), millis(load.p50), "ms");
    report.add(&format!("{name} p99"), millis(load.p99), "ms");
    Ok(())
}

/// From the moment that the 202 is read to the moment that the receiver has read the delivery.
pub fn latency(host: &Signalbox, report: &mut Report) -> Result<()> {
    report.doing("202 to delivered, one event at a time");
    let client = host.with_key()?;
    let receiver = Receiver::start(Reply::Accept)?;
    let channel =
        json!({"name": "bench", "kind": "webhook", "url": receiver.url("/bench"), "is_default": false});
    created(&client, "/api/v1/notifications/channels", &channel)?;
    let action = json!({
        "type": "send_notification",
        "parameters": {"recipient": "bench@example.com", "message": "<{{contact_id}}>", "channel": "bench"}
    });
    let rule = json!({
        "name": "bench", "module_type": "crm", "trigger_id": "contact_created", "conditions": [], "actions": [action]
    });
    created(&client, "/api/v1/automation/rules", &rule)?;
    let mut answered = HashMap::new();
    for number in 0..TIMED {
        let name = format!("c{number}");
        let answer = client
            .post("/api/v1/events", &json!({"event": "contact_created", "data": {"contact_id": name}}))?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
        answered.insert(format!("<{name}>"), Instant::now());
        thread::sleep(PAUSE);
    }
    let deliveries = receiver.accepted(TIMED, Duration::from_secs(60));
    let deliveries = deliveries.with_context(|| {
        format!("only {} of {TIMED} were delivered in a minute", receiver.deliveries().len())
    })?;
    let mut times: Vec<Duration> = deliveries
        .iter()
        .filter_map(|delivery| {
            let text = String::from_utf8_lossy(&delivery.body).into_owned();
            let start = text.find('<')?;
            let end = text.find('>')?;
            // Delivered before the answer was read counts as at once.
            answered
                .get(text.get(start..=end)?)
                .map(|answered| delivery.at.saturating_duration_since(*answered))
        })
        .collect();
    ensure!(times.len() >= TIMED, "only {} deliveries could be told apart", times.len());
    times.sort_unstable();
    report.add("202 to delivered p50", millis(quantile(&times, 0.50)), "ms");
    report.add("202 to delivered p99", millis(quantile(&times, 0.99)), "ms");
    report.at_most("202 to delivered p50", 50.0);
    Ok(())
}

fn event(name: &str) -> Value {
    json!({
        "event": "high_value_opportunity",
        "data": {"opportunity_id": name, "opportunity_name": "Bench deal", "value": 12500}
    })
}

fn created(client: &Client, path: &str, body: &Value) -> Result<Value> {
    let answer = client.post(path, body)?;
    ensure!(answer.status == 201, "POST {path} answered {}: {}", answer.status, answer.text());
    answer.json()
}

/// API keys with the highest rate limit: a million requests a minute each.
fn keys(host: &Signalbox, count: usize) -> Result<Vec<String>> {
    let client = host.with_key()?;
    let mut keys = Vec::new();
    for number in 0..count {
        let body = json!({
            "name": format!("bench {number}"), "permissions": ["events:write"], "rate_per_minute": 1_000_000
        });
        let made = created(&client, "/api/v1/admin/api-keys", &body)?;
        keys.push(made["key"].as_str().context("the new key is not shown")?.to_owned());
    }
    Ok(keys)
}

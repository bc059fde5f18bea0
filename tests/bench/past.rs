//! How many events of the past does a backtest look at in a second, from the request that makes it to its end? Over HTTP, against
//! 200,000 stored events.

use crate::{OPTIONS, report::Report, state};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Signalbox, eventually};

/// How many events there are; one in ten meets the rule.
const EVENTS: u32 = 200_000;
const ROUNDS: u32 = 5;

/// The events go through the door once each, and are then copied by SQL: only how they are read again is measured.
pub fn measure(report: &mut Report) -> Result<()> {
    report.doing("backtests over HTTP: 200,000 events");
    let cases: Value = serde_json::from_str(include_str!("../speed/cases.json"))?;
    let host = Signalbox::start_on(state()?, OPTIONS)?;
    let client = host.with_key()?;
    for data in cases["payloads"].as_array().context("payloads")? {
        let event = json!({"event": "high_value_opportunity", "data": data});
        let answer = client.post("/api/v1/events", &event)?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
    }
    let (_, state) = host.terminate(Duration::from_secs(40))?;
    copy(&Connection::open(state.path().join("sqlite/default.db"))?)?;
    let host = Signalbox::start_on(state, OPTIONS)?;
    let client = host.with_key()?;
    let rule = |least: u32| {
        let mut conditions = cases["signalbox"].clone();
        conditions[0]["value"] = least.into();
        json!({
            "name": "bench", "module_type": "sales", "trigger_id": "high_value_opportunity", "conditions": conditions,
            "actions": [{"type": "send_notification", "parameters": {
                "recipient": "sales-manager@example.com", "message": "{{opportunity_name}} - ${{value}}"}}]
        })
    };
    let made = client.post("/api/v1/automation/rules", &rule(11_000))?.json()?;
    let alone = json!({"rule": rule(10_000), "since": "2020-01-01T00:00:00Z"});
    let held = json!({"rule": rule(10_000), "rule_id": made["id"], "since": "2020-01-01T00:00:00Z"});
    let (mut of_one, mut of_two) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for (wish, rates) in [(&alone, &mut of_one), (&held, &mut of_two)] {
            let rate = backtest(&client, wish)?;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    report.spread("over HTTP: event of a backtest", &mut of_one, "1/s");
    report.spread("over HTTP: event of a backtest, held against another version", &mut of_two, "1/s");
    report.at_least("over HTTP: event of a backtest", 50_000.0);
    Ok(())
}

/// Copies each event, until there are enough, in the order of their arrival: those that meet the rule are one in ten.
fn copy(database: &Connection) -> Result<()> {
    let columns = "tenant_id, trigger_id, module_type, source, external_id, subject, occurred_at, received_at, data, actor, \
        request_id, trace, depth, parent_id, matched, verdicts, record";
    database.execute(
        &format!(
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?1),
             samples AS (SELECT rowid AS sample, row_number() OVER (ORDER BY event_id) AS place FROM events)
             INSERT INTO events (event_id, {columns})
             SELECT (SELECT substr(max(event_id), 1, length(event_id) - 16) FROM events) || printf('%016d', number), {columns}
             FROM numbers
             JOIN samples ON place = CASE WHEN number % 10 = 0 THEN 1 + 2 * ((number / 10) % 8) ELSE 2 + 2 * (number % 8) END
             JOIN events ON events.rowid = sample
             ORDER BY number"
        ),
        params![EVENTS],
    )?;
    Ok(())
}

/// From the request to the end.
fn backtest(client: &Client, wish: &Value) -> Result<f64> {
    let begun = Instant::now();
    let answer = client.post("/api/v1/automation/rules/backtest", wish)?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
    let id = answer.json()?["id"].as_str().context("no id")?.to_owned();
    let path = format!("/api/v1/automation/backtests/{id}");
    let ended = eventually(Duration::from_secs(60), || {
        let seen = client.get(&path).ok()?.json().ok()?;
        (!["counting", "running"].contains(&seen["state"].as_str().unwrap_or_default())).then_some(seen)
    });
    let ended = ended.context("a backtest has not ended within a minute")?;
    let spent = begun.elapsed();
    ensure!(ended["state"] == "done", "a backtest ended otherwise: {ended}");
    let looked = ended["looked_at"].as_u64().context("looked_at")?;
    ensure!(looked > u64::from(EVENTS), "a backtest looked at {looked} events");
    Ok(looked as f64 / spent.as_secs_f64())
}

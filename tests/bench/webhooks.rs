//! How fast do webhooks leave, does one that hangs hold up the others, and what is lost when the host is killed among 10,000 of them?

use crate::{
    OPTIONS,
    load::{millis, quantile},
    machine,
    report::Report,
    state,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};
use tests::{Client, Receiver, Reply, Signalbox, eventually};

/// How many deliveries are drained, and how many events come in one request.
const DELIVERIES: usize = 10_000;
const BATCH: usize = 1_000;
/// How many endpoints there are where one hangs, and how many events each gets.
const ENDPOINTS: usize = 100;
const EACH: usize = 10;
/// How far apart events are sent there: far below what goes through, so that what is measured is waiting.
const PACE: Duration = Duration::from_millis(10);
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(300);

/// All of it.
pub fn measure(report: &mut Report) -> Result<()> {
    bare(report)?;
    drained(report)?;
    beside_one_that_hangs(report)?;
    killed(report)
}

/// The floor: the same receiver, asked by a plain client over so many connections.
fn bare(report: &mut Report) -> Result<()> {
    report.doing("bare requests to the receiver");
    let receiver = Receiver::start(Reply::Accept)?;
    let address = receiver.url("");
    let address = address.trim_start_matches("http://").parse().context("the receiver's address")?;
    let begun = Instant::now();
    let sent = thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    let client = Client::new(address);
                    let body = event("bare", 0);
                    let mut count = 0_usize;
                    while begun.elapsed() < Duration::from_secs(5) {
                        client.post("/in", &body)?;
                        count += 1;
                    }
                    Ok(count)
                })
            })
            .collect();
        let counts: Vec<Result<usize>> =
            threads.into_iter().map(|thread| thread.join().expect("a sender does not panic")).collect();
        counts.into_iter().sum::<Result<usize>>()
    })?;
    report.add("floor: bare requests to the receiver", sent as f64 / begun.elapsed().as_secs_f64(), "1/s");
    Ok(())
}

fn event(name: &str, number: usize) -> Value {
    json!({"event": "opportunity_created",
        "data": {"opportunity_id": format!("{name}-{number}"), "opportunity_name": "Big deal", "value": 12_500}})
}

/// An endpoint that gets the events of opportunities whose id begins so.
fn endpoint(client: &Client, url: &str, begins: &str, more: &Value) -> Result<()> {
    let mut wish = json!({"url": url, "event_types": ["sales.opportunity_created"], "concurrency": 100,
        "filter": [{"type": "starts_with", "field": "opportunity_id", "value": begins}]});
    let own = wish.as_object_mut().context("an object")?;
    own.extend(more.as_object().context("an object")?.clone());
    let answer = client.post("/api/v1/webhooks/endpoints", &wish)?;
    ensure!(answer.status == 201, "{} {}", answer.status, answer.text());
    Ok(())
}

/// Sends events, a thousand in a request.
fn send(client: &Client, name: &str, count: usize) -> Result<()> {
    for begin in (0..count).step_by(BATCH) {
        let batch: Vec<Value> = (begin..(begin + BATCH).min(count))
            .map(|number| {
                json!({"specversion": "1.0", "id": format!("{name}-{number}"), "source": "/bench",
                    "type": "sales.opportunity_created", "data": event(name, number)["data"]})
            })
            .collect();
        let answer = client
            .request("POST", "/api/v1/events")
            .body("application/cloudevents-batch+json", json!(batch).to_string())
            .send()?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
    }
    Ok(())
}

/// How often each opportunity arrived, and under how many ids.
fn arrived(receiver: &Receiver) -> BTreeMap<String, (usize, BTreeSet<String>)> {
    let mut seen: BTreeMap<String, (usize, BTreeSet<String>)> = BTreeMap::new();
    for delivery in receiver.deliveries() {
        let id = delivery.json()["data"]["opportunity_id"].as_str().unwrap_or_default().to_owned();
        let entry = seen.entry(id).or_default();
        entry.0 += 1;
        entry.1.extend(delivery.headers.get("webhook-id").cloned());
    }
    seen
}

fn drained(report: &mut Report) -> Result<()> {
    report.doing("10,000 deliveries from the queue to a local receiver, signed, each recorded");
    let host = Signalbox::start_on(state()?, OPTIONS)?;
    let client = host.with_key()?;
    let receiver = Receiver::start(Reply::Accept)?;
    endpoint(&client, &receiver.url("/in"), "drain", &json!({}))?;
    let (begun, worked) = (Instant::now(), machine::processor_seconds(host.id())?);
    send(&client, "drain", DELIVERIES)?;
    report.add(
        "10,000 events with a delivery each, taken in",
        DELIVERIES as f64 / begun.elapsed().as_secs_f64(),
        "1/s",
    );
    let all = eventually(LIMIT, || (receiver.deliveries().len() >= DELIVERIES).then_some(()));
    all.context("not all deliveries arrived")?;
    let mut times: Vec<Instant> = receiver.deliveries().iter().map(|delivery| delivery.at).collect();
    times.sort_unstable();
    let (first, last) = (times[DELIVERIES / 10], times[DELIVERIES * 9 / 10]);
    let rate = DELIVERIES as f64 * 0.8 / last.duration_since(first).as_secs_f64();
    report.add("deliveries drained, signed and recorded", rate, "1/s");
    report.ratio(
        "drained : floor",
        "deliveries drained, signed and recorded",
        "floor: bare requests to the receiver",
        0.0,
    );
    let spent = machine::processor_seconds(host.id())? - worked;
    report.add("deliveries for each second of a processor, with taking in", DELIVERIES as f64 / spent, "1/s");
    Ok(())
}

fn beside_one_that_hangs(report: &mut Report) -> Result<()> {
    report.doing("100 endpoints, of which one hangs");
    let host = Signalbox::start_on(state()?, OPTIONS)?;
    let client = host.with_key()?;
    let receiver = Receiver::start(Reply::Accept)?;
    let hanging = Receiver::start(Reply::Hang)?;
    for number in 0..ENDPOINTS {
        let begins = format!("e{number:03}-");
        endpoint(&client, &receiver.url(&format!("/{number}")), &begins, &json!({"concurrency": 10}))?;
    }
    let alone = waits(&client, &receiver)?;
    report.add("p95 from event to delivery, all well", millis(quantile(&alone, 0.95)), "ms");
    let slow = json!({"concurrency": 10, "timeout": 30});
    endpoint(&client, &hanging.url("/in"), "e", &slow)?;
    let beside = waits(&client, &receiver)?;
    ensure!(hanging.deliveries().len() >= 10, "only {} hang", hanging.deliveries().len());
    report.add("p95 from event to delivery, beside one that hangs", millis(quantile(&beside, 0.95)), "ms");
    let names = ("p95 from event to delivery, beside one that hangs", "p95 from event to delivery, all well");
    report.ratio("beside one that hangs : all well", names.0, names.1, 0.0);
    report.at_most("beside one that hangs : all well", 2.0);
    Ok(())
}

/// From each event's request to its arrival, sorted.
fn waits(client: &Client, receiver: &Receiver) -> Result<Vec<Duration>> {
    let before = receiver.deliveries().len();
    let mut sent = BTreeMap::new();
    for round in 0..EACH {
        for number in 0..ENDPOINTS {
            let id = format!("e{number:03}-{before}-{round}");
            let event = json!({"event": "opportunity_created", "data": {"opportunity_id": &id, "opportunity_name": "x"}});
            sent.insert(id, Instant::now());
            let answer = client.post("/api/v1/events", &event)?;
            ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
            thread::sleep(PACE);
        }
    }
    let all = before + EACH * ENDPOINTS;
    eventually(LIMIT, || (receiver.deliveries().len() >= all).then_some(())).context("not all arrived")?;
    let mut waits: Vec<Duration> = receiver
        .deliveries()
        .iter()
        .filter_map(|delivery| {
            let id = delivery.json()["data"]["opportunity_id"].as_str()?.to_owned();
            Some(delivery.at.duration_since(*sent.get(&id)?))
        })
        .collect();
    waits.sort_unstable();
    Ok(waits)
}

fn killed(report: &mut Report) -> Result<()> {
    report.doing("kill -9 during 10,000 deliveries");
    let mut host = Signalbox::start_on(state()?, OPTIONS)?;
    let client = host.with_key()?;
    let receiver = Receiver::start(Reply::Accept)?;
    endpoint(&client, &receiver.url("/in"), "kill", &json!({}))?;
    send(&client, "kill", DELIVERIES)?;
    for part in 1..=3 {
        let wanted = DELIVERIES * part / 4;
        let reached = eventually(LIMIT, || (receiver.deliveries().len() >= wanted).then_some(()));
        reached.context("it stands still")?;
        let state = host.kill();
        host = Signalbox::start_on(state, OPTIONS)?;
    }
    let whole = eventually(LIMIT, || Some(arrived(&receiver)).filter(|seen| seen.len() >= DELIVERIES));
    let seen = whole.with_context(|| format!("only {} of {DELIVERIES} arrived", arrived(&receiver).len()))?;
    let twice = seen.values().filter(|(count, _)| *count > 1).count();
    for (id, (count, ids)) in &seen {
        ensure!(ids.len() == 1, "{id} came {count} times under {} ids", ids.len());
    }
    report.add("killed three times: deliveries that arrived", seen.len() as f64, "");
    report.add("of these more than once, under the same webhook-id", twice as f64, "");
    Ok(())
}

//! What is lost when the host is killed? One round: 200 events from several connections, kill -9 at a chance moment, start
//! again, and look for everything that was promised.

use crate::{Client, Signalbox, eventually};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const EVENTS: usize = 200;
const CONNECTIONS: usize = 4;
const RECIPIENT: &str = "sales-manager@example.com";

/// How long jobs that a killed host held may take: a lease has to run out first.
const RECOVERY: Duration = Duration::from_secs(120);

/// What one round showed.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Events that were answered with 202 before the kill.
    pub accepted: usize,
    /// Events that were stored: those, and perhaps some whose answer did not come through.
    pub stored: usize,
    /// How long the restarted host took to be ready.
    pub restart: Duration,
    /// How long after that every message was there.
    pub recovery: Duration,
}

/// Plays one round on `host`, called `name`, and gives the restarted one.
///
/// # Errors
/// Whatever was lost or half done, by its id.
pub fn crash_round(host: Signalbox, options: &[&str], name: &str) -> Result<(Signalbox, Round)> {
    let key = host.credentials()?.api_key;
    let (accepted, state) = load_and_kill(host, &key, name)?;
    let host = Signalbox::start_on(state, options).context("the host does not start again")?;
    let client = host.client().with_bearer(&key);
    let ready = Instant::now();

    let stored = stored_events(&client, name)?;
    for (id, answer) in &accepted {
        ensure!(stored.contains_key(id), "event {id} got its 202 and is gone: {answer}");
    }
    let mut last = String::new();
    let whole = eventually(RECOVERY, || match unfinished(&client, &stored, name) {
        Ok(None) => Some(Ok(())),
        Ok(Some(what)) => {
            last = what;
            thread::sleep(Duration::from_millis(100));
            None
        }
        Err(error) => Some(Err(error)),
    });
    match whole {
        Some(done) => done?,
        None => bail!("not whole {} s after the restart: {last}", RECOVERY.as_secs()),
    }
    for (id, answer) in &accepted {
        promised(&client, id, answer)?;
    }
    let restart = host.started_in;
    Ok((host, Round { accepted: accepted.len(), stored: stored.len(), restart, recovery: ready.elapsed() }))
}

type Accepted = BTreeMap<String, Value>;

fn load_and_kill(
    host: Signalbox,
    key: &str,
    name: &str,
) -> Result<(Accepted, std::sync::Arc<tempfile::TempDir>)> {
    let accepted: Mutex<Accepted> = Mutex::default();
    let (next, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (chance, address) = (chance(), host.client());
    let moment = chance % (EVENTS - 20) + 1;
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| address.with_bearer(key)).collect();
    let state = thread::scope(|scope| {
        for client in clients {
            let (accepted, next, count) = (&accepted, &next, &count);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= EVENTS {
                        return;
                    }
                    // From the kill on, nothing is answered.
                    let Ok(answer) = client.post("/api/v1/events", &event(name, number)) else {
                        return;
                    };
                    let Ok(body) = answer.json() else { return };
                    if answer.status == 202 {
                        let id = body["id"].as_str().unwrap_or_default().to_owned();
                        accepted.lock().unwrap_or_else(PoisonError::into_inner).insert(id, body);
                        count.fetch_add(1, Ordering::Release);
                    }
                }
            });
        }
        let reached =
            eventually(Duration::from_secs(60), || (count.load(Ordering::Acquire) >= moment).then_some(()));
        // Some microseconds more, so that the kill meets a commit and not only the time between two.
        thread::sleep(Duration::from_micros(u64::try_from(chance % 3000).unwrap_or_default()));
        let state = host.kill();
        reached.map(|()| state)
    });
    let state = state.with_context(|| {
        format!("only {} of {moment} events were accepted in a minute", count.load(Ordering::Acquire))
    })?;
    Ok((accepted.into_inner().unwrap_or_else(PoisonError::into_inner), state))
}

fn event(name: &str, number: usize) -> Value {
    json!({
        "event": "high_value_opportunity",
        "data": {"opportunity_id": format!("{name}-{number}"), "opportunity_name": deal(name, number), "value": 12500}
    })
}

/// Ends in a sign that is no digit, so that no deal's name begins another's.
fn deal(name: &str, number: usize) -> String {
    format!("{name}-{number}.")
}

/// The round's events that are in the ledger: id, and the number in their name.
fn stored_events(client: &Client, name: &str) -> Result<BTreeMap<String, usize>> {
    let prefix = format!("{name}-");
    let all = all(client, "/api/v1/events?trigger_id=high_value_opportunity&limit=200")?;
    let mut found = BTreeMap::new();
    for entry in all {
        let id = entry["id"].as_str().context("an event has no id")?.to_owned();
        let event =
            if entry["data"].is_object() { entry } else { get(client, &format!("/api/v1/events/{id}"))? };
        let about = event["data"]["opportunity_id"].as_str().unwrap_or_default().to_owned();
        if let Some(number) = about.strip_prefix(&prefix) {
            found.insert(id, number.parse().with_context(|| format!("{about} is not one of ours"))?);
        }
    }
    let numbers: BTreeSet<usize> = found.values().copied().collect();
    ensure!(numbers.len() == found.len(), "an event is stored twice");
    Ok(found)
}

/// What is not there yet; none if every stored event has its one message and nothing else has one.
fn unfinished(client: &Client, stored: &BTreeMap<String, usize>, name: &str) -> Result<Option<String>> {
    let messages = all(client, &format!("/api/v1/notifications/messages?recipient={RECIPIENT}&limit=200"))?;
    let texts: Vec<String> = messages.iter().map(Value::to_string).collect();
    for (id, number) in stored {
        let deal = deal(name, *number);
        match texts.iter().filter(|text| text.contains(&deal)).count() {
            0 => return Ok(Some(format!("event {id} ({deal}) has no message"))),
            1 => {}
            count => bail!("event {id} ({deal}) has {count} messages"),
        }
    }
    let ours = texts.iter().filter(|text| text.contains(&format!(" {name}-"))).count();
    ensure!(ours == stored.len(), "{ours} messages tell of {} events", stored.len());
    Ok(None)
}

/// What the 202 said is so: the rules are in the trace, and the jobs are there and done.
fn promised(client: &Client, id: &str, answer: &Value) -> Result<()> {
    let trace = get(client, &format!("/api/v1/events/{id}/trace"))?.to_string();
    let named = |list: &str| answer[list].as_array().cloned().unwrap_or_default();
    ensure!(
        named("matched").len() == 1 && named("jobs").len() == 1,
        "event {id} matched otherwise: {answer}"
    );
    for what in named("matched").iter().chain(&named("jobs")).filter_map(Value::as_str) {
        ensure!(trace.contains(what), "{what} is not in the trace of {id}: {trace}");
    }
    for job in named("jobs").iter().filter_map(Value::as_str) {
        let path = format!("/api/v1/jobs/{job}");
        let done = eventually(Duration::from_secs(30), || {
            let job = get(client, &path).ok()?;
            (job["job"]["state"] == "done").then_some(())
        });
        ensure!(done.is_some(), "job {job} of {id} is not done: {}", get(client, &path)?);
    }
    Ok(())
}

fn get(client: &Client, path: &str) -> Result<Value> {
    let answer = client.get(path)?;
    ensure!(answer.status == 200, "GET {path} answered {}: {}", answer.status, answer.text());
    answer.json()
}

/// All pages of a list.
fn all(client: &Client, path: &str) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut path = path.to_owned();
    loop {
        let page = get(client, &path)?;
        found.extend(page["data"].as_array().cloned().context("is no list")?);
        match page["links"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return Ok(found),
        }
    }
}

/// Any number; the rounds should differ, that is all.
fn chance() -> usize {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    // A step of xorshift, because clocks tick in round numbers.
    let mut mixed = nanos | 1;
    mixed ^= mixed << 13;
    mixed ^= mixed >> 17;
    mixed ^= mixed << 5;
    usize::try_from(mixed).unwrap_or(1)
}

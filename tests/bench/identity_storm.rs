//! What do others notice when 200 people log in at the same moment? Each from an address of their own, so that no quota of one
//! address stops them; Argon2 is what they all wait for.

use crate::{
    OPTIONS, identity,
    load::{millis, quantile},
    report::Report,
    state,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tests::{Client, Signalbox};

/// Twenty tenants of ten people.
const TENANTS: u32 = 20;
const PEOPLE: u32 = 200;
/// Others who go on working, each on a connection of their own.
const OTHERS: usize = 4;
/// How long they are watched before the storm.
const CALM: Duration = Duration::from_secs(5);

/// Measures how long others' requests take in the calm and in the storm, and how the storm ends.
pub fn measure(report: &mut Report) -> Result<()> {
    let host = Signalbox::start_on(state()?, OPTIONS)?;
    let password = host.credentials()?.password;
    let (_, state) = host.terminate(Duration::from_secs(40))?;
    identity::populate(&state.path().join("sqlite/default.db"), 0, TENANTS)?;
    let host = Signalbox::start_on(state, OPTIONS)?;
    let made = host.with_key()?.post(
        "/api/v1/admin/api-keys",
        &json!({"name": "storm", "permissions": ["rules:read"], "rate_per_minute": 1_000_000}),
    )?;
    let key = made.json()?["key"].as_str().context("the new key is not shown")?.to_owned();
    let others: Vec<Client> = (0..OTHERS).map(|_| host.client().with_bearer(&key)).collect();

    report.doing("others' requests in the calm");
    let (calm, ()) = watched(&others, || {
        thread::sleep(CALM);
        Ok(())
    })?;
    report.doing("others' requests while 200 people log in at once");
    let start = Instant::now();
    let (storm, statuses) = watched(&others, || logins(&host, &password))?;
    let took = start.elapsed();
    let count = |status: u16| statuses.iter().filter(|one| **one == status).count();
    ensure!(
        count(200) + count(503) == statuses.len(),
        "a login is let in, or told to come again: {statuses:?}"
    );
    for (name, times) in [("calm", calm), ("login storm", storm)] {
        report.add(&format!("others in the {name}: p50"), millis(quantile(&times, 0.50)), "ms");
        report.add(&format!("others in the {name}: p99"), millis(quantile(&times, 0.99)), "ms");
    }
    report.add("200 logins at once: let in", count(200) as f64, "");
    report.add("200 logins at once: told to come again (503)", count(503) as f64, "");
    report.add("200 logins at once: all answered after", took.as_secs_f64(), "s");
    let name = "others' p99: login storm beside calm";
    report.ratio(name, "others in the login storm: p99", "others in the calm: p99", 0.0);
    report.at_most(name, 5.0);
    Ok(())
}

/// How long others' requests take, sorted, while something is done.
fn watched<T>(others: &[Client], work: impl FnOnce() -> Result<T>) -> Result<(Vec<Duration>, T)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watchers: Vec<_> = others
            .iter()
            .map(|client| {
                let (client, over) = (client.clone_unconnected(), &over);
                scope.spawn(move || -> Result<Vec<Duration>> {
                    let mut times = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let start = Instant::now();
                        let answer = client.get("/api/v1/automation/rules?limit=1")?;
                        times.push(start.elapsed());
                        ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
                    }
                    Ok(times)
                })
            })
            .collect();
        let outcome = work();
        over.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for watcher in watchers {
            times.extend(watcher.join().expect("a watcher does not panic")?);
        }
        times.sort_unstable();
        Ok((times, outcome?))
    })
}

/// The statuses of 200 logins that begin at the same moment.
fn logins(host: &Signalbox, password: &str) -> Result<Vec<u16>> {
    let gate = Barrier::new(usize::try_from(PEOPLE)?);
    thread::scope(|scope| {
        let runs: Vec<_> = (0..PEOPLE)
            .map(|number| {
                let (tenant, place) = (number % TENANTS, number / TENANTS);
                let client = host.client().from_address(identity::home(number));
                let wish = json!({
                    "email": identity::user(tenant, place), "password": password, "tenant": format!("bench-{tenant}")
                });
                let gate = &gate;
                scope.spawn(move || -> Result<u16> {
                    gate.wait();
                    Ok(client.post("/api/v1/auth/login", &wish)?.status)
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("a login does not panic")).collect()
    })
}

//! How much goes through? So many connections, each with one request under way, for so long; the first second does not count.

use crate::report::Report;
use anyhow::{Context as _, Result, ensure};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};
use tests::{Client, Signalbox};

/// As in the aims of docs/performance.md.
pub const CONNECTIONS: usize = 32;

/// What a load showed.
pub struct Load {
    /// Answers per second.
    pub rate: f64,
    /// Half of the answers took at most so long.
    pub p50: Duration,
    /// 99 of 100 did.
    pub p99: Duration,
}

/// Sends `bytes` over each of these clients again and again; every answer must have this status.
pub fn run(clients: &[Client], bytes: &[Vec<u8>], status: u16, span: Duration) -> Result<Load> {
    let (counts, stops) = (AtomicBool::new(false), AtomicBool::new(false));
    let warm = AtomicUsize::new(0);
    let start = Instant::now();
    let (results, counted) = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .zip(bytes)
            .map(|(client, bytes)| {
                let (counts, stops, warm) = (&counts, &stops, &warm);
                // A client's connection is its thread's own.
                let client = client.clone_unconnected();
                scope.spawn(move || {
                    let mut times = Vec::new();
                    while !stops.load(Ordering::Relaxed) {
                        let sent = Instant::now();
                        let answer = client.prepared(bytes)?;
                        ensure!(answer.status == status, "answered {}: {}", answer.status, answer.text());
                        if counts.load(Ordering::Relaxed) {
                            times.push(sent.elapsed());
                        } else {
                            warm.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    Ok(times)
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(1));
        counts.store(true, Ordering::Relaxed);
        let from = Instant::now();
        thread::sleep(span);
        stops.store(true, Ordering::Relaxed);
        let counted = from.elapsed();
        let results: Vec<Result<Vec<Duration>>> =
            threads.into_iter().map(|thread| thread.join().expect("a sender does not panic")).collect();
        (results, counted)
    });
    let mut times = Vec::new();
    for result in results {
        times.extend(result.with_context(|| format!("after {:?}", start.elapsed()))?);
    }
    ensure!(!times.is_empty(), "nothing was answered in {counted:?}");
    times.sort_unstable();
    Ok(Load {
        rate: times.len() as f64 / counted.as_secs_f64(),
        p50: quantile(&times, 0.50),
        p99: quantile(&times, 0.99),
    })
}

/// Of sorted times, the one that so large a part does not exceed.
pub fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let place = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// The floor: a route that touches no database, in the same host.
pub fn floor(host: &Signalbox, span: Duration, report: &mut Report) -> Result<()> {
    report.doing("an empty route at 32 connections");
    let client = host.client();
    let bytes = client.request("GET", "/health/live").bytes();
    let clients: Vec<Client> = (0..CONNECTIONS).map(|_| host.client()).collect();
    let load = run(&clients, &vec![bytes; CONNECTIONS], 200, span)?;
    report.add("floor: empty route", load.rate, "1/s");
    report.add("floor p50", millis(load.p50), "ms");
    report.add("floor p99", millis(load.p99), "ms");
    Ok(())
}

/// For a table.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

//! How fast is it, and what does it lose when it is killed? Run by `cargo xtask bench`, over HTTP against the built program.

mod contestant;
mod identity;
mod identity_storm;
mod ingest;
mod load;
mod machine;
mod past;
mod report;
mod rules;
mod startup;
mod webhooks;

use anyhow::Result;
use clap::{Parser, Subcommand};
use report::Report;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tests::{Signalbox, crash_round};

/// Receivers are on this machine.
const OPTIONS: &[&str] = &["--allow-private-outbound"];

#[derive(Parser)]
struct Bench {
    #[command(subcommand)]
    which: Which,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Which {
    /// Every measurement in one run.
    All {
        /// How long each load lasts, in seconds.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Login, refresh and permission check with 10 tenants and with 10,000.
    Identity,
    /// Rules: natively, as a component, beside other engines, many of them, and over what happened.
    Rules {
        /// How often each is measured.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Without the backtests over HTTP.
        #[arg(long)]
        without_http: bool,
    },
    /// Webhooks: how fast they leave, beside one endpoint that hangs, and when the host is killed among 10,000.
    Webhooks,
    /// Kill the host in the middle of 200 events, again and again.
    Crash {
        /// How often.
        #[arg(long, default_value_t = 20)]
        rounds: u32,
    },
}

fn main() -> Result<()> {
    match Bench::parse().which {
        Which::All { seconds } => all(Duration::from_secs(seconds.clamp(1, 300))),
        Which::Identity => people(),
        Which::Rules { rounds, without_http } => answers(rounds.clamp(1, 100), !without_http),
        Which::Webhooks => hooks(),
        Which::Crash { rounds } => crash(rounds.min(10_000)),
    }
}

fn all(span: Duration) -> Result<()> {
    let mut report = Report::new(span);
    let host = startup::measure(&mut report)?;
    ingest::latency(&host, &mut report)?;
    load::floor(&host, span, &mut report)?;
    ingest::bare_inserts(span, &mut report)?;
    ingest::measure(&host, span, &mut report)?;
    report.add("memory after the load", machine::resident_mebibytes(host.id())?, "MiB");
    report.finish(&folder()?, "report.json")
}

fn people() -> Result<()> {
    let mut report = Report::new(Duration::ZERO);
    identity_storm::measure(&mut report)?;
    identity::measure(&mut report)?;
    report.finish(&folder()?, "identity.json")
}

fn answers(rounds: u32, http: bool) -> Result<()> {
    let mut report = Report::new(Duration::ZERO);
    rules::measure(&rules::Wish { rounds, http }, &mut report)?;
    report.finish(&folder()?, "rules.json")
}

fn hooks() -> Result<()> {
    let mut report = Report::new(Duration::ZERO);
    webhooks::measure(&mut report)?;
    report.finish(&folder()?, "webhooks.json")
}

fn crash(rounds: u32) -> Result<()> {
    let mut host = Signalbox::start_on(state()?, OPTIONS)?;
    let (mut accepted, mut stored) = (0, 0);
    for round in 1..=rounds {
        let (again, seen) = crash_round(host, OPTIONS, &format!("round{round}"))?;
        println!(
            "round {round}/{rounds}: {} of 200 accepted before the kill, {} stored, ready again in {:.2} s, all delivered after {:.1} s",
            seen.accepted,
            seen.stored,
            seen.restart.as_secs_f64(),
            seen.recovery.as_secs_f64()
        );
        accepted += seen.accepted;
        stored += seen.stored;
        host = again;
    }
    println!("{rounds} rounds: {accepted} events accepted, {stored} stored, 0 lost, 0 half done");
    Ok(())
}

/// Where everything is measured: in the checkout, because a temporary directory is often in memory.
fn folder() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// An empty state directory on the disk that is measured.
fn state() -> Result<Arc<TempDir>> {
    Ok(Arc::new(tempfile::Builder::new().prefix("state-").tempdir_in(folder()?)?))
}

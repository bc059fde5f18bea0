//! Does it cost more to come in where there are many? Login, refresh and a permission check with 10 tenants and with
//! 10,000, of 10 users each, in one run on one machine.

use crate::{
    OPTIONS,
    load::{millis, quantile},
    report::Report,
    state,
};
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::{Duration, Instant},
};
use tests::{Client, Signalbox};

/// How many tenants there are first and then, and how many users each has.
const FEW: u32 = 10;
const MANY: u32 = 10_000;
const USERS: u32 = 10;
/// How often each thing is timed.
const LOGINS: u32 = 60;
const REFRESHES: u32 = 300;
const CHECKS: u32 = 3_000;

/// Measures with few, then with many in the same database.
pub fn measure(report: &mut Report) -> Result<()> {
    let host = Signalbox::start_on(state()?, OPTIONS)?;
    let password = host.credentials()?.password;
    let (_, state) = host.terminate(Duration::from_secs(40))?;
    for (from, to) in [(0, FEW), (FEW, MANY)] {
        report.doing(&format!("{to} tenants with {USERS} users each: writing them down"));
        populate(&state.path().join("sqlite/default.db"), from, to)?;
        let host = Signalbox::start_on(state.clone(), OPTIONS)?;
        report.doing(&format!("{to} tenants: login, refresh, permission check"));
        people(&host, &password, to, report)?;
        let (_, _) = host.terminate(Duration::from_secs(40))?;
    }
    for what in ["login", "refresh", "permission check"] {
        let name = |count: u32| format!("{what} p50 among {count} tenants");
        report.ratio(&format!("{what}: {MANY} beside {FEW} tenants"), &name(MANY), &name(FEW), 0.0);
        report.at_most(&format!("{what}: {MANY} beside {FEW} tenants"), 1.5);
    }
    Ok(())
}

/// The address of a user, and the machine's address that they come from: nobody shares a quota.
pub fn user(tenant: u32, number: u32) -> String {
    format!("user{number}@bench-{tenant}.example")
}

pub fn home(number: u32) -> IpAddr {
    let [_, high, middle, low] = (number + 2).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, high, middle, low))
}

/// Writes tenants `from..to` with roles, users and bindings as the first tenant has them, all with its owner's password.
pub fn populate(database: &Path, from: u32, to: u32) -> Result<()> {
    let mut database = Connection::open(database)?;
    let tx = database.transaction()?;
    let hash: String = tx
        .query_row("SELECT password_hash FROM users WHERE tenant_id = 'acme-corp'", [], |row| row.get(0))
        .context("the first owner's password")?;
    {
        let mut tenant = tx.prepare(
            "INSERT INTO tenants (tenant_id, name, state, settings, created_at, updated_at)
             VALUES (?1, ?1, 'active', '{\"user_rate_per_minute\":1000000}', 0, 0)",
        )?;
        let mut roles = tx.prepare(
            "INSERT INTO roles (tenant_id, role_id, name, built_in, created_at)
             SELECT ?1, role_id, name, built_in, 0 FROM roles WHERE tenant_id = 'acme-corp' AND built_in IS NOT NULL",
        )?;
        let mut person = tx.prepare(
            "INSERT INTO users (tenant_id, user_id, email, name, state, password_hash, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?3, 'active', ?4, 0, 0)",
        )?;
        let mut binding = tx.prepare(
            "INSERT INTO role_bindings (tenant_id, user_id, role_id, created_at)
             SELECT ?1, ?2, role_id, 0 FROM roles WHERE tenant_id = ?1 AND built_in = ?3",
        )?;
        let shape: String = tx.query_row("SELECT user_id FROM users LIMIT 1", [], |row| row.get(0))?;
        let (prefix, _) = shape.split_once('_').context("a user's id has a prefix")?;
        for number in from..to {
            let slug = format!("bench-{number}");
            tenant.execute([&slug])?;
            roles.execute([&slug])?;
            for place in 0..USERS {
                let id = format!("{prefix}_{:0width$}", place, width = shape.len() - prefix.len() - 1);
                person.execute(params![slug, id, user(number, place), hash])?;
                binding.execute(params![slug, id, if place == 0 { "owner" } else { "viewer" }])?;
            }
        }
    }
    tx.commit()?;
    Ok(())
}

fn people(host: &Signalbox, password: &str, tenants: u32, report: &mut Report) -> Result<()> {
    let mut sessions = Vec::new();
    let mut times = Vec::new();
    for number in 0..LOGINS {
        // Spread over the tenants, each time another person.
        let tenant = (number * (tenants / FEW) + number % FEW) % tenants;
        let place = (number / FEW) % USERS;
        let client = host.client().from_address(home(tenants + number));
        let wish =
            json!({"email": user(tenant, place), "password": password, "tenant": format!("bench-{tenant}")});
        let start = Instant::now();
        let answer = client.post("/api/v1/auth/login", &wish)?;
        times.push(start.elapsed());
        ensure!(answer.status == 200, "login of {wish}: {} {}", answer.status, answer.text());
        sessions.push((client, answer.json()?));
    }
    note(report, "login", tenants, times);

    let mut times = Vec::new();
    for number in 0..REFRESHES {
        let place = usize::try_from(number)? % sessions.len();
        let (client, tokens) = &mut sessions[place];
        let start = Instant::now();
        let answer =
            client.post("/api/v1/auth/refresh", &json!({"refresh_token": tokens["refresh_token"]}))?;
        times.push(start.elapsed());
        ensure!(answer.status == 200, "refresh: {} {}", answer.status, answer.text());
        *tokens = answer.json()?;
    }
    note(report, "refresh", tenants, times);

    // A list that is read in one statement, whose permission every role has.
    let known: Vec<Client> =
        sessions.iter().map(|(client, tokens)| client.with_bearer(text(tokens))).collect();
    let mut times = Vec::new();
    for client in known.iter().cycle().take(usize::try_from(CHECKS)?) {
        let start = Instant::now();
        let answer = client.get("/api/v1/automation/rules?limit=1")?;
        times.push(start.elapsed());
        ensure!(answer.status == 200, "check: {} {}", answer.status, answer.text());
    }
    note(report, "permission check", tenants, times);
    Ok(())
}

fn text(tokens: &Value) -> &str {
    tokens["access_token"].as_str().unwrap_or_default()
}

fn note(report: &mut Report, what: &str, tenants: u32, mut times: Vec<Duration>) {
    times.sort_unstable();
    report.add(&format!("{what} p50 among {tenants} tenants"), millis(quantile(&times, 0.50)), "ms");
    report.add(&format!("{what} p99 among {tenants} tenants"), millis(quantile(&times, 0.99)), "ms");
}

//! How does an operator turn keys on a running installation, and see which there are?
//!
//! Nothing here stops the program that runs: it and its components take changed secrets over by themselves. Each step can
//! be broken off at any time; the same command goes on where the last one stopped.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::cli::{ListKeys, RotateKeys};
use crate::failure::{Failure, Outcome};
use crate::running::Running;
use crate::state::StateDir;
use crate::state::keyring::Keyring;
use crate::state::turning::{self, Keys};
use crate::watch;

/// How long it takes until every instance has the new values: the host looks each second, an instance asks every three,
/// and some time for machines that are busy.
pub const SEEN: Duration = Duration::from_secs(6);
/// How long a new signing key is published before it signs: others may keep our public keys for five minutes.
const PUBLISHED: Duration = Duration::from_secs(330);
/// The same for a vault key, which nobody else sees: the longest request that may hold the old keys is a tick, of 20 s.
const TAKEN_OVER: Duration = Duration::from_secs(30);

/// Prints which keys there are, and what each is for. Never a key.
///
/// # Errors
/// If the secrets cannot be read.
pub fn list(wanted: &ListKeys) -> Outcome<()> {
    for keys in Keys::ALL {
        let keyring = turning::look(&wanted.state, keys)?;
        println!("{}", keys.variable());
        for (id, role, since) in keyring.roles() {
            let since = since.map(|at| format!(" since {}", kernel::Instant::from_millis(at)));
            println!("  {id}  {}{}", role.as_str(), since.unwrap_or_default());
        }
    }
    Ok(())
}

/// Turns the signing key, or with `--data` the vault key.
///
/// # Errors
/// If the secrets cannot be read or written, or the running program does not do its part.
pub fn rotate(wanted: &RotateKeys) -> Outcome<()> {
    if wanted.data { data(wanted) } else { signing(wanted) }
}

/// Whether a program serves this state directory at this moment.
fn runs(state: &Path) -> bool {
    StateDir::open(state).is_err()
}

fn wait_for(keyring: &Keyring, patience: Duration) {
    let Some((_, since)) = keyring.next() else { return };
    let gone = turning::now().saturating_sub(since).max(0).unsigned_abs();
    std::thread::sleep(patience.saturating_sub(Duration::from_millis(gone)));
}

/// The published key of a ring that just got one.
fn published(keyring: &Keyring) -> String {
    keyring.next().map(|(id, _)| id.to_owned()).unwrap_or_default()
}

fn signing(wanted: &RotateKeys) -> Outcome<()> {
    let state = &wanted.state;
    turning::change(state, Keys::Signing, |keyring| keyring.forget(watch::NEEDED, turning::now()).0)?;
    let runs = runs(state);
    let keyring = turning::publish(state, Keys::Signing)?;
    let new = published(&keyring);
    println!("{new} is published: it verifies, and stands in /.well-known/jwks.json.");
    if runs {
        let patience = if wanted.compromised { SEEN } else { wanted.wait.unwrap_or(PUBLISHED).max(SEEN) };
        let words = "It signs after that; broken off, the same command goes on.";
        println!("Waiting {} s until everybody has seen it. {words}", patience.as_secs());
        wait_for(&keyring, patience);
    }
    let old = keyring.ring().first().to_owned();
    let keyring = turning::change(state, Keys::Signing, |keyring| keyring.promote(turning::now()))?;
    println!("{new} signs from now on.");
    if wanted.compromised {
        turning::change(state, Keys::Signing, |keyring| keyring.forget(0, turning::now()).0)?;
        println!(
            "{old} is dropped: within seconds no token that it signed opens anything. People's sessions go on by their refresh tokens."
        );
        return Ok(());
    }
    let behind: Vec<&str> = keyring.ring().ids().skip(1).collect();
    println!(
        "{} still verifies, until the last token has expired; after {} minutes the running program drops it, or the next `keys rotate`.",
        behind.join(", "),
        watch::NEEDED / 60_000,
    );
    Ok(())
}

fn data(wanted: &RotateKeys) -> Outcome<()> {
    let state = &wanted.state;
    let before = turning::look(state, Keys::Vault)?;
    if !runs(state) {
        return Err(Failure::new(
            format!("Nothing serves the state directory {}.", state.display()),
            "What is sealed is sealed anew by the running program, which knows where everything stands.",
            "Start it by `signalbox up --state DIR`, then give this command again.",
        ));
    }
    let half_done = before.next().is_none() && !before.record().retired.is_empty();
    let patience = wanted.wait.unwrap_or(TAKEN_OVER).max(SEEN);
    let new = if half_done {
        println!("{} seals already; what older keys sealed is sealed anew.", before.ring().first());
        before.ring().first().to_owned()
    } else {
        let keyring = turning::publish(state, Keys::Vault)?;
        let new = published(&keyring);
        println!(
            "{new} is published: it opens. Waiting {} s until every instance has it.",
            patience.as_secs()
        );
        wait_for(&keyring, patience);
        turning::change(state, Keys::Vault, |keyring| keyring.promote(turning::now()))?;
        println!("{new} seals from now on.");
        new
    };
    // An instance that has not seen the new order yet seals by the old key; after this none does.
    std::thread::sleep(patience);
    let running = Running::of(state)?;
    reseal(&running, &new, wanted.batch)?;
    std::thread::sleep(patience);
    let left = left(&running, &new)?;
    if left > 0 {
        return Err(Failure::new(
            format!("{left} secrets are sealed by an older key again."),
            "Something sealed them meanwhile with the old order of keys. No key was dropped.",
            "Give the same command again; if it stays so, look whether another program uses the same database.",
        ));
    }
    let gone: Vec<String> = turning::look(state, Keys::Vault)?.record().retired.keys().cloned().collect();
    turning::change(state, Keys::Vault, |keyring| keyring.forget(0, turning::now()).0)?;
    println!("Nothing is sealed by another key than {new}. Dropped: {}.", gone.join(", "));
    println!(
        "Backups of the database from before need the dropped key: keep the copy of secrets.toml that belongs to them."
    );
    Ok(())
}

fn number(said: &Value, name: &str) -> u64 {
    said.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Has everything sealed anew, until nothing is left.
fn reseal(running: &Running, new: &str, batch: u16) -> Outcome<()> {
    let mut before = u64::MAX;
    loop {
        pass(running, new, batch)?;
        let left = left(running, new)?;
        if left == 0 {
            return Ok(());
        }
        if left >= before {
            return Err(Failure::new(
                format!("{left} secrets stay sealed by an older key."),
                "No key was dropped; everything still opens.",
                "Give the same command again.",
            ));
        }
        println!("{left} were sealed by an older key meanwhile; once more");
        before = left;
    }
}

/// Goes once through all tables, a step at a time.
fn pass(running: &Running, new: &str, batch: u16) -> Outcome<()> {
    let mut after = Value::Null;
    let mut done: u64 = 0;
    loop {
        let wish = serde_json::json!({"limit": batch, "after": after});
        let said = running.post("/internal/vault/reseal", &wish)?;
        is_by(&said, new)?;
        if let Some(stuck) = said.get("stuck").and_then(Value::as_array).and_then(|all| all.first()) {
            return Err(stuck_at(stuck));
        }
        done = done.saturating_add(number(&said, "resealed"));
        println!("{done} sealed anew");
        after = said.get("next").cloned().unwrap_or_default();
        if after.is_null() {
            return Ok(());
        }
    }
}

/// How many are sealed by another key than `new`, all tables together.
fn left(running: &Running, new: &str) -> Outcome<u64> {
    let said = running.get("/internal/vault/reseal")?;
    is_by(&said, new)?;
    let tables = said.get("tables").and_then(Value::as_array).ok_or_else(|| {
        Failure::new("The program did not say how much is left.", "No key was dropped.", "Look at its log.")
    })?;
    Ok(tables.iter().map(|table| number(table, "left")).sum())
}

fn is_by(said: &Value, new: &str) -> Outcome<()> {
    let by = said.get("key").and_then(Value::as_str).unwrap_or_default();
    if by == new {
        return Ok(());
    }
    Err(Failure::new(
        format!("The running program seals by the key '{by}', and not by '{new}' of secrets.toml."),
        "Its vault_keys come from the command line or the environment, which go before the file; or it has not taken the file over. No key was dropped.",
        "Look at its log; where variables come from elsewhere, turn keys there: docs/operations.md.",
    ))
}

fn stuck_at(stuck: &Value) -> Failure {
    let text = |name: &str| stuck.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    Failure::new(
        format!("The secret {} cannot be opened: {}.", text("place"), text("why")),
        "It was not sealed anew, and no key was dropped: everything that opened before still does.",
        "Put the key that sealed it back behind the others in secrets.toml; or delete what it belongs to. Then give the same command again.",
    )
}

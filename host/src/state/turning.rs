//! How are the keys of a state directory changed, by one hand at a time?
//!
//! Whoever changes them holds `keys.lock` from reading to writing: the command `keys rotate`, and the host that drops
//! what is over. A reader needs no lock, for each file is replaced whole.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::keyring::{Keyring, Record, Ring};
use super::secrets;
use crate::failure::{Failure, Outcome};

/// The file with what is known of keys beside their order.
pub const FILE: &str = "keys.toml";
const LOCK: &str = "keys.lock";
const HEAD: &str = "# Which keys of secrets.toml are on their way in or out; written by `signalbox keys rotate`. No key stands here.\n";

/// A variable of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// `signing_keys`.
    Signing,
    /// `vault_keys`.
    Vault,
}

impl Keys {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signing, Self::Vault];

    /// The variable's name.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Signing => "signing_keys",
            Self::Vault => "vault_keys",
        }
    }

    const fn prefix(self) -> char {
        match self {
            Self::Signing => 'k',
            Self::Vault => 'v',
        }
    }

    /// A new key of this kind, by the system's CSPRNG.
    fn fresh(self) -> Outcome<String> {
        let noise = secrets::random::<32>()?;
        Ok(match self {
            Self::Signing => URL_SAFE_NO_PAD.encode(noise),
            Self::Vault => STANDARD.encode(noise),
        })
    }
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The keys as they are at this moment.
///
/// # Errors
/// If the files cannot be read.
pub fn look(state: &Path, keys: Keys) -> Outcome<Keyring> {
    if !state.join(secrets::FILE).exists() {
        return Err(Failure::new(
            format!("There is no {} in {}.", secrets::FILE, state.display()),
            "Its keys are not Signalbox's to turn: variables of the environment, or of another host, hold them.",
            "Name the state directory by --state DIR; for a host that takes variables see docs/operations.md.",
        ));
    }
    let values = secrets::of(state)?;
    let text = values.get(keys.variable()).map(String::as_str).unwrap_or_default();
    let ring = Ring::read(text).ok_or_else(|| unreadable(keys, "it is not kid:key with commas"))?;
    let mut records = records(state)?;
    Ok(Keyring::new(ring, records.remove(keys.variable()).unwrap_or_default(), now()))
}

/// Publishes a new key, unless one is on its way already.
///
/// # Errors
/// If the files cannot be read or written.
pub fn publish(state: &Path, keys: Keys) -> Outcome<Keyring> {
    let fresh = keys.fresh()?;
    change(state, keys, |keyring| match keyring.next() {
        Some(_) => keyring,
        None => {
            let id = keyring.ring().free_id(keys.prefix());
            keyring.publish(id, fresh, now())
        }
    })
}

/// Changes the keys.
///
/// # Errors
/// If the files cannot be read or written.
pub fn change(state: &Path, keys: Keys, change: impl FnOnce(Keyring) -> Keyring) -> Outcome<Keyring> {
    let trouble = |e: std::io::Error| {
        Failure::new(
            format!("{} cannot be locked: {e}.", state.join(LOCK).display()),
            "The keys are as they were.",
            "Check the directory's permissions.",
        )
    };
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(state.join(LOCK));
    let file = file.map_err(trouble)?;
    file.lock().map_err(trouble)?;
    let before = look(state, keys)?;
    let after = change(before.clone());
    let publishes = after.ring().ids().count() > before.ring().ids().count();
    // A key must not be there without being known of: so what is known goes first where a key comes, and last where one
    // moves or goes.
    if publishes {
        write_record(state, keys, &after)?;
        write_ring(state, keys, &after)?;
    } else if after != before {
        write_ring(state, keys, &after)?;
        write_record(state, keys, &after)?;
    }
    Ok(after)
}

fn records(state: &Path) -> Outcome<BTreeMap<String, Record>> {
    let file = state.join(FILE);
    let trouble = |why: String| {
        Failure::new(
            format!("{} cannot be used: {why}.", file.display()),
            "It is not known which keys are on their way in or out.",
            "Restore it from a backup; or delete it: then keys that are behind the first stay until you take them out by hand.",
        )
    };
    match fs::read_to_string(&file) {
        Ok(text) => toml::from_str(&text).map_err(|e| trouble(e.message().to_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(e) => Err(trouble(e.to_string())),
    }
}

fn write_record(state: &Path, keys: Keys, keyring: &Keyring) -> Outcome<()> {
    let mut all = records(state)?;
    all.insert(keys.variable().to_owned(), keyring.record().clone());
    let text =
        toml::to_string(&all).map_err(|_| unreadable(keys, "what is known of it cannot be written"))?;
    secrets::write_private(&state.join(FILE), &format!("{HEAD}{text}"))
}

/// Replaces one value in `secrets.toml`; everything else in it stays, comments too.
fn write_ring(state: &Path, keys: Keys, keyring: &Keyring) -> Outcome<()> {
    let file = state.join(secrets::FILE);
    let text = fs::read_to_string(&file).map_err(|e| unreadable(keys, &e.to_string()))?;
    let name = keys.variable();
    let is_it = |line: &str| {
        line.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut lines: Vec<String> = text.lines().filter(|line| !is_it(line)).map(str::to_owned).collect();
    lines.push(format!("{name} = \"{}\"", keyring.ring().text()));
    let text = lines.join("\n") + "\n";
    // A value over several lines would have left its rest behind.
    let read: Option<BTreeMap<String, String>> = toml::from_str(&text).ok();
    if read.and_then(|all| all.get(name).cloned()) != Some(keyring.ring().text()) {
        return Err(unreadable(keys, "its value must stand on one line, in quotes"));
    }
    secrets::write_private(&file, &text)
}

fn unreadable(keys: Keys, why: &str) -> Failure {
    Failure::new(
        format!("The keys in {} cannot be turned: {}: {why}.", secrets::FILE, keys.variable()),
        "They are as they were.",
        "Mend the file by hand; docs/operations.md says what stands in it.",
    )
}

//! Which secrets does an installation have? Those in `secrets.toml` of the state directory, made at the first start.
//!
//! The file is readable by its owner only. A value from the command line or the environment goes before it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::failure::{Failure, Outcome};

/// The file's name.
pub const FILE: &str = "secrets.toml";

/// The names of the variables that it holds.
pub const NAMES: [&str; 3] = ["internal_token", "signing_keys", "vault_keys"];

/// Reads the secrets of a state directory; makes them first if there are none.
///
/// # Errors
/// If the file cannot be read or written, or does not hold what it should.
pub fn of(state: &Path) -> Outcome<BTreeMap<String, String>> {
    let file = state.join(FILE);
    if !file.exists() {
        write_private(&file, &fresh()?)?;
    }
    let trouble = |why: String| {
        Failure::new(
            format!("The secrets in {} cannot be used: {why}.", file.display()),
            "Tokens could not be checked and channels' credentials not be opened.",
            "Restore the file from a backup. Deleting it ends all sessions and loses channels' credentials.",
        )
    };
    let text = fs::read_to_string(&file).map_err(|e| trouble(e.to_string()))?;
    // The reader's message would quote the line: it may hold a secret.
    let values: BTreeMap<String, String> =
        toml::from_str(&text).map_err(|_| trouble("it is not TOML of texts".into()))?;
    match NAMES.iter().find(|name| values.get(**name).is_none_or(String::is_empty)) {
        Some(missing) => Err(trouble(format!("{missing} is missing"))),
        None => Ok(values),
    }
}

fn fresh() -> Outcome<String> {
    let (token, seed, key) = (random::<32>()?, random::<32>()?, random::<32>()?);
    Ok(format!(
        "# Made by `signalbox up` at its first start. Keep it secret, keep a copy: docs/operations.md.\n\
         internal_token = \"{}\"\nsigning_keys = \"k1:{}\"\nvault_keys = \"v1:{}\"\n",
        URL_SAFE_NO_PAD.encode(token),
        URL_SAFE_NO_PAD.encode(seed),
        STANDARD.encode(key),
    ))
}

/// Bytes of the system's CSPRNG.
///
/// # Errors
/// If the system gives none.
pub fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| {
        Failure::new(format!("The system gives no random bytes: {e}."), "Secrets cannot be made.", "")
    })?;
    Ok(bytes)
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write_private(file: &Path, text: &str) -> Outcome<()> {
    let part = file.with_extension("part");
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut handle = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        handle.write_all(text.as_bytes())?;
        handle.sync_all()?;
        fs::rename(&part, file)
    };
    write().map_err(|e: std::io::Error| {
        Failure::new(
            format!("{} cannot be written: {e}.", file.display()),
            "The state directory could not be made ready.",
            "Check the disk and the directory's permissions.",
        )
    })
}

//! Where does the program that serves a state directory listen? It writes that down for commands that ask it for
//! something.

use std::fs;
use std::path::Path;

use super::secrets;
use crate::failure::{Failure, Outcome};

const FILE: &str = "address";

/// Writes it down.
///
/// # Errors
/// If the file cannot be written.
pub fn tell(state: &Path, base_url: &str) -> Outcome<()> {
    secrets::write_private(&state.join(FILE), base_url)
}

/// Where it listens.
///
/// # Errors
/// If it was not written down.
pub fn of(state: &Path) -> Outcome<String> {
    fs::read_to_string(state.join(FILE)).map_err(|e| {
        Failure::new(
            format!("{} cannot be read: {e}.", state.join(FILE).display()),
            "It is not known where the running program listens.",
            "Start it again by `signalbox up --state DIR`.",
        )
    })
}

//! What does the runtime configuration file say?
//!
//! The part of Spin's file that the host knows: `[sqlite_database.LABEL]` of type "spin", and `[outbound_networking]`
//! with `block_networks`. Anything else is refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Failure, Outcome};
use crate::outbound::Blocked;

/// The file's content, with paths made absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeConfig {
    /// Databases by label, and where they live; `None` for the usual place.
    pub databases: BTreeMap<String, Option<PathBuf>>,
    /// What is blocked, if the file says so.
    pub blocked: Option<Blocked>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sqlite_database: BTreeMap<String, DatabaseEntry>,
    outbound_networking: Option<Networking>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatabaseEntry {
    #[serde(rename = "type")]
    kind: String,
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Networking {
    #[serde(default)]
    block_networks: Vec<String>,
}

impl RuntimeConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read or holds something that the host does not know.
    pub fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| refused(path, &e.to_string()))?;
        Self::parse(&text, path)
    }

    /// Parses the file's text; relative paths begin at the file's directory.
    ///
    /// # Errors
    /// As [`RuntimeConfig::read`].
    pub fn parse(text: &str, path: &Path) -> Outcome<Self> {
        let file: File = toml::from_str(text).map_err(|e| refused(path, e.to_string().trim_end()))?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut databases = BTreeMap::new();
        for (label, entry) in file.sqlite_database {
            if entry.kind != "spin" {
                let why = format!(
                    "[sqlite_database.{label}] has the type \"{}\"; this host knows \"spin\"",
                    entry.kind
                );
                return Err(refused(path, &why));
            }
            databases.insert(label, entry.path.map(|file| directory.join(file)));
        }
        let blocked = file.outbound_networking.map(|networking| {
            Blocked::parse(networking.block_networks.iter().map(String::as_str))
                .map_err(|why| refused(path, &why))
        });
        Ok(Self { databases, blocked: blocked.transpose()? })
    }
}

fn refused(path: &Path, reason: &str) -> Failure {
    Failure::new(
        format!("The runtime configuration {} is refused: {reason}", path.display()),
        "The host reads [sqlite_database.LABEL] of type \"spin\" and [outbound_networking] block_networks, and refuses the rest rather than ignore it.",
        "Correct or remove what is named above, or leave --runtime-config-file out.",
    )
}

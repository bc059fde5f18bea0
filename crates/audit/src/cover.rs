//! Which row makes up for what is missing? Each erasure of content, and each cut of old rows, is itself a row of the
//! chain that it was done to.
//!
//! - `audit.erased` says in `after.rows` what was erased: `[sequence, parts]` for each row, the parts by their names with
//!   spaces between; for a row of format 1 also the hash that it has in format 2.
//! - `audit.retention` says in `after` up to where old rows were removed: `removed_to`, the place of the last of them, and
//!   `hash`, its hash, after which the rest goes on.
//!
//! What these two say cannot be erased.

use crate::{Hash, Part, Recorded};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The action of a row that says what was erased.
pub const ERASED: &str = "audit.erased";
/// The action of a row that says which old rows were removed.
pub const CUT: &str = "audit.retention";

/// The action of a row that says that a person was erased.
pub const PERSON: &str = "person.erased";

/// What was erased of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The row's place.
    pub sequence: i64,
    /// The parts.
    pub parts: Vec<Part>,
    /// The row's hash in format 2, if it is of format 1.
    pub committed: Option<Hash>,
}

impl Forgotten {
    /// As it stands in `after.rows`.
    pub(crate) fn to_json(&self) -> Value {
        let names: Vec<&str> = self.parts.iter().map(|part| part.as_str()).collect();
        let names = names.join(" ");
        match self.committed {
            None => json!([self.sequence, names]),
            Some(hash) => json!([self.sequence, names, hash.to_string()]),
        }
    }

    fn of(value: &Value) -> Option<Self> {
        let parts: Result<Vec<Part>, ()> = value.get(1)?.as_str()?.split(' ').map(str::parse).collect();
        let committed = match value.get(2) {
            None => None,
            Some(hash) => Some(hash.as_str()?.parse().ok()?),
        };
        Some(Self { sequence: value.get(0)?.as_i64()?, parts: parts.ok()?, committed })
    }
}

/// What a row makes up for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cover {
    /// Something was erased.
    Erasure(Vec<Forgotten>),
    /// Old rows were removed.
    Cut {
        /// The place of the last of them.
        removed_to: i64,
        /// Its hash.
        hash: Hash,
    },
}

impl Cover {
    /// What `row` makes up for; `None` if it is an ordinary row, or does not read.
    #[must_use]
    pub fn of(row: &Recorded) -> Option<Self> {
        if !matches!(row.action.as_str(), ERASED | CUT) {
            return None;
        }
        let after: Value = serde_json::from_str(row.after.text()?).ok()?;
        if row.action == CUT {
            let hash = after.get("hash")?.as_str()?.parse().ok()?;
            return Some(Self::Cut { removed_to: after.get("removed_to")?.as_i64()?, hash });
        }
        let rows = after.get("rows")?.as_array()?;
        rows.iter().map(Forgotten::of).collect::<Option<Vec<_>>>().map(Self::Erasure)
    }
}

/// The rows that make up for something, as far as they were looked at.
#[derive(Debug, Default)]
pub struct Covers {
    erasures: HashMap<(i64, i64), Forgotten>,
    cuts: Vec<(i64, Hash)>,
}

impl Covers {
    /// Takes note of a row, if it makes up for something.
    pub fn note(&mut self, row: &Recorded) {
        match Cover::of(row) {
            None => {}
            Some(Cover::Cut { removed_to, hash }) => self.cuts.push((removed_to, hash)),
            Some(Cover::Erasure(rows)) => {
                let keyed = rows.into_iter().filter(|one| one.sequence < row.sequence);
                self.erasures.extend(keyed.map(|one| ((row.sequence, one.sequence), one)));
            }
        }
    }

    /// Whether a row says that all up to `removed_to`, which had this hash, were removed.
    #[must_use]
    pub fn cut(&self, removed_to: i64, hash: Hash) -> bool {
        self.cuts.contains(&(removed_to, hash))
    }

    /// What the row that `row` points at says of it.
    pub(crate) fn erasure(&self, row: &Recorded) -> Option<&Forgotten> {
        self.erasures.get(&(row.erased_by?, row.sequence))
    }
}

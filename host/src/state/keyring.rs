//! Which keys are there, which of them works, and how does another take its place?
//!
//! A variable of keys is `kid:key,kid:key`: the first signs or seals, all of them verify or open. A key is turned in two
//! steps, so that nobody meets what they cannot read yet: the new one is *published* behind the present one, and when
//! everybody has seen it, it is *promoted* to the front. The old one stays behind until nothing needs it.
//!
//! What the order alone does not tell stands in `keys.toml` beside `secrets.toml`: which key is on its way to the front and
//! since when, and since when each old one is retired. It holds no key. A kill between the two files is made good when
//! they are read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Keys in their order. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Ring(Vec<(String, String)>);

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

/// What is known of the keys of one variable beside their order; times are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The key that was published and not promoted yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When it was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_at: Option<i64>,
    /// Keys that were promoted over, and when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retired: BTreeMap<String, i64>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It signs or seals.
    Present,
    /// It will.
    Next,
    /// It did, and is still needed by what it signed or sealed.
    Retired,
    /// It verifies or opens; somebody put it there by hand.
    Kept,
}

impl Role {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Next => "next",
            Self::Retired => "retired",
            Self::Kept => "kept",
        }
    }
}

impl Ring {
    /// Reads `kid:key` entries, with commas or line ends between; `None` if one has no id or there is none.
    pub fn read(text: &str) -> Option<Self> {
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let keys: Option<Vec<(String, String)>> = entries
            .map(|entry| {
                let (id, key) = entry.split_once(':')?;
                (!id.is_empty()).then(|| (id.to_owned(), key.to_owned()))
            })
            .collect();
        keys.filter(|keys| !keys.is_empty()).map(Self)
    }

    /// As it stands in the variable.
    pub fn text(&self) -> String {
        self.0.iter().map(|(id, key)| format!("{id}:{key}")).collect::<Vec<_>>().join(",")
    }

    /// The ids in their order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }

    /// The id of the key that works.
    pub fn first(&self) -> &str {
        self.ids().next().unwrap_or_default()
    }

    /// An id that no key has: the prefix and the next number.
    pub fn free_id(&self, prefix: char) -> String {
        let numbers = self.ids().filter_map(|id| id.strip_prefix(prefix)?.parse::<u64>().ok());
        let mut next = numbers.max().unwrap_or_default().saturating_add(1);
        loop {
            let id = format!("{prefix}{next}");
            if !self.ids().any(|known| known == id) {
                return id;
            }
            next = next.saturating_add(1);
        }
    }

    fn remove(&mut self, id: &str) {
        self.0.retain(|(known, _)| known != id);
    }
}

/// The keys of one variable and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    ring: Ring,
    record: Record,
}

impl Keyring {
    /// Brings the two files together; whatever a kill between them left is made good.
    pub fn new(ring: Ring, mut record: Record, now: i64) -> Self {
        let first = ring.first().to_owned();
        let known = |id: &str| ring.ids().any(|known| known == id);
        if record.next.as_deref() == Some(&first) {
            // It was promoted, and that could not be written down any more.
            record.next = None;
            for id in ring.ids().filter(|id| *id != first) {
                record.retired.entry(id.to_owned()).or_insert(now);
            }
        }
        if record.next.as_deref().is_none_or(|next| !known(next)) {
            record.next = None;
            record.published_at = None;
        }
        record.retired.retain(|id, _| known(id) && *id != first);
        Self { ring, record }
    }

    /// The keys.
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// What is known of them.
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// The key that is on its way to the front, and since when.
    pub fn next(&self) -> Option<(&str, i64)> {
        self.record.next.as_deref().zip(self.record.published_at)
    }

    /// The keys and what each is for, with the time that it is so since where that is known.
    pub fn roles(&self) -> impl Iterator<Item = (&str, Role, Option<i64>)> {
        self.ring.ids().enumerate().map(|(place, id)| {
            let retired = self.record.retired.get(id).copied();
            if place == 0 {
                (id, Role::Present, None)
            } else if self.record.next.as_deref() == Some(id) {
                (id, Role::Next, self.record.published_at)
            } else if retired.is_some() {
                (id, Role::Retired, retired)
            } else {
                (id, Role::Kept, None)
            }
        })
    }

    /// Publishes a new key behind the others.
    #[must_use]
    pub fn publish(mut self, id: String, key: String, now: i64) -> Self {
        self.record.next = Some(id.clone());
        self.record.published_at = Some(now);
        self.ring.0.push((id, key));
        self
    }

    /// Moves the published key to the front; the one that was there is retired.
    #[must_use]
    pub fn promote(mut self, now: i64) -> Self {
        let Some(next) = self.record.next.take() else {
            return self;
        };
        self.record.published_at = None;
        let old = self.ring.first().to_owned();
        if let Some(place) = self.ring.0.iter().position(|(id, _)| *id == next) {
            let key = self.ring.0.remove(place);
            self.ring.0.insert(0, key);
            self.record.retired.insert(old, now);
        }
        self
    }

    /// Drops the keys that were retired `patience` milliseconds ago or longer; tells which.
    #[must_use]
    pub fn forget(mut self, patience: i64, now: i64) -> (Self, Vec<String>) {
        let over = |since: i64| now.saturating_sub(since) >= patience;
        let gone: Vec<String> =
            self.record.retired.iter().filter(|(_, since)| over(**since)).map(|(id, _)| id.clone()).collect();
        for id in &gone {
            self.ring.remove(id);
            self.record.retired.remove(id);
        }
        (self, gone)
    }
}

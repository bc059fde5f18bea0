//! Whom did we let in a moment ago? A bounded memory, keyed by the SHA-256 of the credential, shared by all tenants that
//! an instance serves: a credential opens one tenant only, so its hash does too.

use crate::Checked;
use kernel::Instant;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many credentials are remembered in each of two generations.
const GENERATION: usize = 2048;

/// The SHA-256 of a credential and its kind.
pub(crate) type Key = [u8; 32];

/// Somebody whom we let in.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) checked: Checked,
    /// When the credential stops being of use, whatever the database says.
    pub(crate) valid_until: Instant,
    /// When its last use was written.
    pub(crate) touched_at: Instant,
}

/// Two generations: when the young one is full it becomes the old one, and the old one is forgotten. Whoever comes
/// again moves to the young one. So it is bounded, and nothing is ever searched for a victim.
#[derive(Default)]
struct Generations {
    young: HashMap<Key, Known>,
    old: HashMap<Key, Known>,
}

impl Generations {
    fn put(&mut self, key: Key, known: Known) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, known);
    }
}

/// What the gate remembers.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Generations>);

impl Memory {
    /// Somebody known, if their credential is still good by the clock.
    pub(crate) fn get(&self, key: &Key, now: Instant) -> Option<Known> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.old.remove(key) {
            all.put(*key, known);
        }
        all.young.get(key).filter(|known| now < known.valid_until).cloned()
    }

    pub(crate) fn put(&self, key: Key, known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, known);
    }

    pub(crate) fn forget(&self, key: &Key) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.young.remove(key);
        all.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Principal;

    fn known() -> Known {
        Known {
            checked: Checked {
                principal: Principal::system("acme-corp".parse().unwrap()),
                rate_per_minute: 1,
                networks: crate::Networks::default(),
                by_cookie: false,
                user_email: None,
            },
            valid_until: Instant::from_millis(10),
            touched_at: Instant::from_millis(0),
        }
    }

    fn key(number: usize) -> Key {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn it_is_bounded_and_keeps_those_who_come_again() {
        let memory = Memory::default();
        let now = Instant::from_millis(0);
        for number in 0..20 * GENERATION {
            memory.put(key(number), known());
            assert!(memory.get(&key(0), now).is_some(), "{number}");
        }
        let all = memory.0.lock().unwrap();
        assert!(all.young.len() + all.old.len() <= 2 * GENERATION);
        assert!(!all.young.contains_key(&key(1)) && !all.old.contains_key(&key(1)));
    }

    #[test]
    fn nobody_is_known_beyond_their_time() {
        let memory = Memory::default();
        memory.put(key(1), known());
        assert!(memory.get(&key(1), Instant::from_millis(9)).is_some());
        assert!(memory.get(&key(1), Instant::from_millis(10)).is_none());
        memory.forget(&key(1));
        assert!(memory.get(&key(1), Instant::from_millis(9)).is_none());
    }
}

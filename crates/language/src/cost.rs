//! What does looking cost? Counted in units, each about as much work as one plain comparison: at most, when a rule is saved, and
//! as it happens, when it is asked. Counting does not look at a clock, so it is the same everywhere.

use crate::vocabulary::{Fields, Holds};

/// What all conditions of a rule may cost together, in units, for payloads within the bounds of the schema.
pub const MOST_COST: u64 = 100_000;
/// What a rule may spend on one event: ten times that, for payloads may be larger than a schema without bounds is taken to mean.
pub const BUDGET: u64 = 1_000_000;

/// How long a text is taken to be at most if the schema does not say, in bytes.
const TEXT: u64 = 4_096;
/// How many items a list is taken to have at most if the schema does not say.
const ITEMS: u64 = 1_000;
/// Nothing is larger than the payload that it came in.
const PAYLOAD: u64 = 1 << 20;

/// Reading a time and finding its place in the calendar.
pub(crate) const TIME: u64 = 4;

/// Looking at bytes one after the other.
pub(crate) const fn scan(bytes: u64) -> u64 {
    (bytes / 64).saturating_add(1)
}

/// Comparing with each of a list that takes so many bytes.
pub(crate) const fn list(bytes: u64) -> u64 {
    (bytes / 16).saturating_add(1)
}

/// Comparing each of one list with each of another.
pub(crate) const fn pairs(left: u64, right: u64) -> u64 {
    list(left).saturating_mul(list(right))
}

/// Looking for a pattern of some weight in a text.
pub(crate) const fn search(bytes: u64, weight: u64) -> u64 {
    (bytes / 8).saturating_add(1).saturating_mul(weight)
}

/// How many bytes something takes at most.
pub(crate) fn bytes(holds: &Holds) -> u64 {
    match holds {
        Holds::Anything => TEXT,
        Holds::Truth => 1,
        Holds::Number | Holds::Time => 64,
        // A letter takes four bytes at most.
        Holds::Text(most) => {
            most.map_or(TEXT, |most| u64::from(most).saturating_mul(4).min(PAYLOAD)).saturating_add(1)
        }
        Holds::List(item, most) => {
            bytes(item).saturating_mul(most.map_or(ITEMS, u64::from)).saturating_add(1).min(PAYLOAD)
        }
        Holds::Object(fields) => bytes_of_fields(fields),
    }
}

/// How many bytes an object with these fields takes at most.
pub(crate) fn bytes_of_fields(fields: &Fields) -> u64 {
    let named = fields.named.iter().fold(1, |sum: u64, (name, holds)| {
        let name = u64::try_from(name.len()).unwrap_or(u64::MAX);
        sum.saturating_add(name).saturating_add(bytes(holds))
    });
    named.saturating_add(if fields.open { TEXT } else { 0 }).min(PAYLOAD)
}

/// How many items something has at most.
pub(crate) fn items(holds: &Holds) -> u64 {
    match holds {
        Holds::List(_, Some(most)) => u64::from(*most).min(PAYLOAD),
        _ => ITEMS,
    }
}

/// The rule spent its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent;

/// What is left of a rule's budget.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    left: u64,
}

impl Meter {
    pub(crate) const fn new(budget: u64) -> Self {
        Self { left: budget }
    }

    /// Takes units out.
    pub(crate) fn spend(&mut self, units: u64) -> Result<(), Spent> {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Spent),
        }
    }

    /// How much was spent of a budget.
    pub(crate) const fn spent_of(&self, budget: u64) -> u64 {
        budget.saturating_sub(self.left)
    }
}

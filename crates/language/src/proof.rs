//! What can be said of conditions before any event comes? That they can never hold, that they always do, that whenever some hold
//! others do: where it is certain.
//!
//! Conditions are followed through the ways in which they can hold: each way is a conjunction of claims about places, and the
//! claims about one place are taken together as a set of things that can stand there (numbers exactly, texts by what they are,
//! begin with and hold, lists by their size). Of patterns, expressions, other fields and times relative to now nothing is known
//! but that the same question has one answer. A search is bounded; where it ends early, nothing is claimed.

mod ground;
mod line;
mod place;
mod search;
mod text;

use crate::{
    condition::{Asks, Condition, Conditions, Group},
    cost::{BUDGET, PAYLOAD},
};
pub use ground::Ground;
use search::{Goal, Search};
use std::sync::Arc;

/// Conditions that can never all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The paths of those that suffice for it: without any of them it would not be certain.
    pub clauses: Vec<Arc<str>>,
    /// Whether it takes what the trigger's schema says.
    pub by_schema: bool,
}

fn hold<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Vec<Goal<'a>> {
    conditions.into_iter().map(|condition| Goal::Condition(condition, true)).collect()
}

impl Conditions {
    /// Why no event can meet them, if that is certain.
    #[must_use]
    pub fn contradiction(&self, ground: &Ground<'_>) -> Option<Contradiction> {
        let mut clauses: Vec<&Condition> = self.all.written.iter().collect();
        let can = |clauses: &[&Condition], ground: &Ground<'_>| {
            Search::on(ground).can(hold(clauses.iter().copied()))
        };
        if can(&clauses, ground) {
            return None;
        }
        let mut place = 0;
        while place < clauses.len() {
            let mut fewer = clauses.clone();
            fewer.remove(place);
            if !can(&fewer, ground) {
                clauses = fewer;
                continue;
            }
            place = place.saturating_add(1);
            // A group of which all must hold is named by those in it.
            if let [only] = clauses.as_slice()
                && let Asks::All(group) = &only.asks
            {
                clauses = group.written.iter().collect();
                place = 0;
            }
        }
        let by_schema = can(&clauses, &Ground::open(ground.zone));
        Some(Contradiction {
            clauses: clauses.into_iter().map(|condition| Arc::clone(&condition.path)).collect(),
            by_schema,
        })
    }

    /// Whether every event meets them, certainly.
    #[must_use]
    pub fn always_hold(&self, ground: &Ground<'_>) -> bool {
        self.is_affordable() && self.cannot_fail(ground, &[])
    }

    /// Whether these hold whenever `others` do, certainly.
    #[must_use]
    pub fn follow_from(&self, others: &Self, ground: &Ground<'_>) -> bool {
        self.is_affordable() && self.cannot_fail(ground, &others.all.written)
    }

    fn cannot_fail(&self, ground: &Ground<'_>, given: &[Condition]) -> bool {
        self.all.written.iter().all(|condition| {
            let mut goals = hold(given);
            goals.push(Goal::Condition(condition, false));
            !Search::on(ground).can(goals)
        })
    }

    /// Whether looking at them never spends the budget, however large the payload: else they may fail although they hold.
    fn is_affordable(&self) -> bool {
        dearest(&self.all).saturating_add(1) <= BUDGET
    }
}

/// What looking at a group costs if each field takes all of a payload.
fn dearest(group: &Group) -> u64 {
    group.written.iter().fold(0, |sum, condition| dearest_of(condition).saturating_add(sum))
}

fn dearest_of(condition: &Condition) -> u64 {
    let within = match &condition.asks {
        Asks::All(group) | Asks::Any(group) => dearest(group),
        Asks::Not(inner) => dearest_of(inner),
        Asks::Items(items) => dearest(&items.of_each).saturating_add(1).saturating_mul(PAYLOAD),
        Asks::Clause(clause) => clause.cost(|_| PAYLOAD),
        // What it costs depends on what it puts together: nothing is known of it for payloads of any size.
        Asks::Expression(_) => return u64::MAX,
    };
    within.saturating_add(1)
}

#[cfg(test)]
mod tests;

//! How much may a tenant have, how much of it does it have, and what is to be done before that is too much?

use crate::{MOST_MODULES, MOST_RULES, MOST_TRIGGERS};
use kernel::FieldFault;

/// From how many hundredths of a limit on there is a warning.
pub const WARNS_AT: u64 = 80;

/// Something of which a tenant may have so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it is.
    pub name: &'static str,
    /// How many there are.
    pub used: u64,
    /// How many there may be.
    pub most: u64,
    /// What to do about it.
    pub advice: &'static str,
}

impl Limit {
    /// The tenant's rules.
    #[must_use]
    pub fn rules(used: i64) -> Self {
        Self {
            name: "rules",
            used: used.unsigned_abs(),
            most: MOST_RULES.into(),
            advice: "Delete rules that are no longer needed: those that are switched off count, too. Rules that differ in a value alone \
                     can be one with an `in` condition.",
        }
    }

    /// The tenant's own triggers.
    #[must_use]
    pub fn triggers(used: usize) -> Self {
        Self {
            name: "triggers",
            used: u64::try_from(used).unwrap_or(u64::MAX),
            most: u64::try_from(MOST_TRIGGERS).unwrap_or(u64::MAX),
            advice: "Delete triggers that no rule uses. Events that differ in a value alone can be one trigger with a field for it.",
        }
    }

    /// The tenant's own modules.
    #[must_use]
    pub fn modules(used: usize) -> Self {
        Self {
            name: "modules",
            used: u64::try_from(used).unwrap_or(u64::MAX),
            most: u64::try_from(MOST_MODULES).unwrap_or(u64::MAX),
            advice: "Delete modules that have no triggers.",
        }
    }

    /// How many thousandths of it are used.
    #[must_use]
    pub fn thousandths(&self) -> u64 {
        self.used.saturating_mul(1_000).checked_div(self.most).unwrap_or(1_000)
    }

    /// Whether so much is used that somebody should look at it.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.thousandths() >= WARNS_AT.saturating_mul(10)
    }

    /// A warning, if somebody should look at it.
    fn warning(&self) -> Option<FieldFault> {
        self.is_near().then(|| {
            let said = format!(
                "the tenant has {} of the {} that it may have. {}",
                self.used, self.most, self.advice
            );
            FieldFault::new(self.name, said)
        })
    }
}

/// What whoever makes a rule should know, when there are so many.
pub(crate) fn near_full(rules: i64) -> Option<FieldFault> {
    Limit::rules(rules).warning()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_four_fifths_there_is_a_warning() {
        assert_eq!(near_full(15_999), None);
        let said = near_full(16_000).unwrap().to_string();
        assert!(
            said.starts_with("rules: the tenant has 16000 of the 20000 that it may have. Delete"),
            "{said}"
        );
        assert_eq!(Limit::modules(33).thousandths(), 330);
        assert!(Limit::triggers(400).is_near() && !Limit::triggers(399).is_near());
    }
}

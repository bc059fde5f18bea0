//! Which events does an endpoint want? Their types, in which a star may stand for a part.

use std::{fmt, str::FromStr};

/// How many types an endpoint can name.
pub(crate) const EVENT_TYPES_MAX: usize = 100;
/// The longest of them, in characters.
const LONGEST: usize = 200;
/// The module of events about deliveries themselves.
const OWN: &str = "webhook";

/// A type of events: `sales.opportunity_created`, or several at once: `sales.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventType(String);

impl EventType {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it takes events of the type `kind`. A star stands for one part; a star at the end, for all that follow. Events
    /// about deliveries are taken only if their module is named: an endpoint that fails would hear of its failure.
    #[must_use]
    pub fn takes(&self, kind: &str) -> bool {
        let is_own = |text: &str| text.split('.').next() == Some(OWN);
        if is_own(kind) && !is_own(&self.0) {
            return false;
        }
        let (mut wanted, mut found) = (self.0.split('.').peekable(), kind.split('.'));
        while let Some(part) = wanted.next() {
            let is_last = wanted.peek().is_none();
            match found.next() {
                None => return false,
                Some(_) if part == "*" && is_last => return true,
                Some(there) if part == "*" || part == there => {}
                Some(_) => return false,
            }
        }
        found.next().is_none()
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for EventType {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let sound = |part: &str| part == "*" || (!part.is_empty() && part.chars().all(plain));
        if text.len() <= LONGEST && text.split('.').all(sound) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a type of events, such as sales.opportunity_created, sales.* or *")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, kind: &str) -> bool {
        pattern.parse::<EventType>().unwrap().takes(kind)
    }

    #[test]
    fn a_star_is_a_part_and_at_the_end_all_that_follow() {
        for (pattern, kind) in [
            ("sales.deal_closed_won", "sales.deal_closed_won"),
            ("sales.*", "sales.deal_closed_won"),
            ("*", "sales.deal_closed_won"),
            ("*.deal_closed_won", "sales.deal_closed_won"),
            ("webhook.*", "webhook.endpoint.disabled"),
            ("webhook.*.disabled", "webhook.endpoint.disabled"),
        ] {
            assert!(takes(pattern, kind), "{pattern} {kind}");
        }
        for (pattern, kind) in [
            ("sales.deal_closed_won", "sales.deal_closed"),
            ("sales.deal", "sales.deal.won"),
            ("sales.*", "salesforce.deal"),
            ("sales.*", "sales"),
            ("*.deal", "sales.deal.won"),
        ] {
            assert!(!takes(pattern, kind), "{pattern} {kind}");
        }
    }

    #[test]
    fn events_about_deliveries_are_asked_for_by_name() {
        assert!(!takes("*", "webhook.delivery.dead") && !takes("*.delivery.dead", "webhook.delivery.dead"));
        assert!(takes("webhook.delivery.*", "webhook.delivery.dead"));
    }

    #[test]
    fn what_is_no_type() {
        for text in ["", ".", "sales.", "sales..x", "sal*", "sales.**", "a b", "é", &"x".repeat(201)] {
            assert!(text.parse::<EventType>().is_err(), "{text}");
        }
    }
}

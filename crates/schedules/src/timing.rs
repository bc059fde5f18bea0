//! When does a schedule come? By an expression or at one instant, within its bounds.

use crate::Timetable;
use kernel::{Instant, Span, Zone};

/// By what a schedule comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A cron expression in a zone.
    Cron(Timetable),
    /// One instant.
    At(Instant),
}

/// When a schedule comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// By what.
    pub when: When,
    /// In which zone an expression is read.
    pub zone: Zone,
    /// Not before this instant.
    pub starts: Option<Instant>,
    /// Not after this instant.
    pub ends: Option<Instant>,
}

impl Timing {
    /// The first time after `after`; `None` if there is none any more.
    #[must_use]
    pub fn next(&self, after: Instant) -> Option<Instant> {
        let next = match &self.when {
            When::At(at) => (*at > after && self.starts.is_none_or(|starts| *at >= starts)).then_some(*at)?,
            When::Cron(timetable) => {
                // The start itself may be a time of it.
                let after = self.starts.map_or(after, |starts| after.max(starts - Span::millis(1)));
                timetable.next(after, &self.zone)?
            }
        };
        (self.ends.is_none_or(|ends| next <= ends)).then_some(next)
    }
}

//! How often and how far apart is a job tried?

use kernel::{Instant, Span};

/// How often and how far apart a job is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all, 1 to 20.
    pub attempts: u32,
    /// The wait after the first failure; doubled after each.
    pub first: Span,
    /// The longest wait.
    pub most: Span,
}

impl Default for Patience {
    /// Ten attempts: after 1 s, 2 s, 4 s … at most 15 minutes apart; about 8 minutes in all.
    fn default() -> Self {
        Self { attempts: 10, first: Span::seconds(1), most: Span::minutes(15) }
    }
}

/// The bounds within which a receiver's `Retry-After` is kept.
const RETRY_AFTER_AT_MOST: Span = Span::hours(1);

impl Patience {
    /// As patient as whoever receives wants it: the waits are not the job's own, and whoever runs it says when it is tried again
    /// ([`crate::Outcome::Again`]).
    #[must_use]
    pub const fn of_receiver(attempts: u32) -> Self {
        // No job's own waits begin longer than they end.
        Self { attempts, first: Span::millis(1), most: Span::millis(0) }
    }

    /// Whether the waits are whoever receives'.
    #[must_use]
    pub fn is_of_receiver(&self) -> bool {
        self.first > self.most
    }

    /// When to try again after `failures` failures, or `None` when the attempts are used up.
    ///
    /// The wait doubles and is stretched by chance to 80 to 120 % (`jitter` is 0 to 255), so that what failed together
    /// does not come back together. A receiver's `Retry-After` makes it longer, by an hour at most.
    #[must_use]
    pub fn next(
        &self,
        failures: u32,
        now: Instant,
        jitter: u8,
        retry_after: Option<Span>,
    ) -> Option<Instant> {
        if failures >= self.attempts {
            return None;
        }
        let doubled = 1_i64.checked_shl(failures.saturating_sub(1)).unwrap_or(i64::MAX);
        let plain = self.first.as_millis().saturating_mul(doubled).min(self.most.as_millis()).max(0);
        let percent = 80 + i64::from(jitter) * 40 / 255;
        let wait = plain.saturating_mul(percent) / 100;
        let asked = retry_after.map_or(0, |asked| asked.min(RETRY_AFTER_AT_MOST).as_millis());
        Some(now + Span::millis(wait.max(asked)))
    }
}

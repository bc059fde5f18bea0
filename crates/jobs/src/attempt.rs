//! What comes of a try, and what follows it?

use crate::{Patience, word::names};
use kernel::{Instant, JobId, Span};

names! {
    /// How an attempt ended.
    Ending {
        /// It did what it should.
        Done = "done",
        /// It failed; another follows.
        Retry = "retry",
        /// It failed for good, or was the last.
        Dead = "dead",
        /// Nobody told: the lease ran out.
        Lost = "lost",
    }
}

/// One try of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// 1, 2, 3 …
    pub number: u32,
    /// When it began.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How it ended.
    pub ending: Ending,
    /// The receiver's status, if there was one.
    pub status: Option<u32>,
    /// What happened, in words.
    pub detail: String,
}

/// What came of an attempt, before the queue decides what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Done,
    /// It did a part of what it should, and goes on.
    Unfinished,
    /// Nothing was to be done yet.
    Early {
        /// Until when.
        until: Instant,
    },
    /// It failed in a way that may pass.
    Failed {
        /// How long the receiver asks us to wait.
        retry_after: Option<Span>,
    },
    /// It failed in a way that may pass, and whoever tried says when it is tried again: the job's own patience has no say.
    Again {
        /// When.
        at: Instant,
    },
    /// It failed in a way that does not pass.
    Hopeless,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The job is done.
    Done,
    /// It goes on at this instant: nothing failed.
    Later(Instant),
    /// It is tried again at this instant.
    Again(Instant),
    /// It is given up.
    Dead,
}

/// Decides what follows an attempt that came after `failures` failures.
#[must_use]
pub fn next(patience: &Patience, failures: u32, outcome: &Outcome, now: Instant, jitter: u8) -> Next {
    match outcome {
        Outcome::Done => Next::Done,
        Outcome::Unfinished => Next::Later(now),
        Outcome::Early { until } => Next::Later(*until),
        Outcome::Again { at } => Next::Again(*at),
        Outcome::Hopeless => Next::Dead,
        Outcome::Failed { retry_after } => patience
            .next(failures.saturating_add(1), now, jitter, *retry_after)
            .map_or(Next::Dead, Next::Again),
    }
}

impl Next {
    /// How the attempt ended.
    #[must_use]
    pub const fn ending(self) -> Ending {
        match self {
            Self::Done => Ending::Done,
            Self::Later(_) | Self::Again(_) => Ending::Retry,
            Self::Dead => Ending::Dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn waits_double_up_to_the_most_and_end() {
        let patience = Patience { attempts: 5, first: Span::seconds(10), most: Span::seconds(35) };
        let waits: Vec<_> = (1..=5).map(|failures| patience.next(failures, at(0), 128, None)).collect();
        assert_eq!(waits, [Some(at(10)), Some(at(20)), Some(at(35)), Some(at(35)), None]);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let patience = Patience { attempts: 5, first: Span::seconds(10), most: Span::seconds(35) };
        assert_eq!(patience.next(1, at(0), 0, None), Some(at(8)));
        assert_eq!(patience.next(1, at(0), 255, None), Some(at(12)));
    }

    #[test]
    fn retry_after_is_kept_within_an_hour() {
        let patience = Patience::default();
        assert_eq!(patience.next(1, at(0), 128, Some(Span::seconds(90))), Some(at(90)));
        assert_eq!(patience.next(1, at(0), 128, Some(Span::days(9))), Some(at(3600)));
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let patience = Patience { attempts: u32::MAX, first: Span::days(3650), most: Span::days(3650) };
        assert!(patience.next(4_000_000_000, at(0), 255, None).is_some());
    }

    #[test]
    fn what_follows() {
        let patience = Patience { attempts: 2, ..Patience::default() };
        let failed = Outcome::Failed { retry_after: None };
        assert_eq!(next(&patience, 0, &Outcome::Done, at(0), 0), Next::Done);
        assert!(matches!(next(&patience, 0, &failed, at(0), 0), Next::Again(_)));
        assert_eq!(next(&patience, 1, &failed, at(0), 0), Next::Dead);
        assert_eq!(next(&patience, 1, &Outcome::Unfinished, at(3), 0), Next::Later(at(3)));
        assert_eq!(next(&patience, 1, &Outcome::Early { until: at(9) }, at(3), 0), Next::Later(at(9)));
        assert_eq!(next(&patience, 0, &Outcome::Hopeless, at(0), 0), Next::Dead);
    }
}

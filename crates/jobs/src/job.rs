//! What is a job, which states has it, and when is it tried again?
//!
//! `queued → leased → done | queued (retry at) | dead`, and `cancelled` from any state that has not ended. The CHECKs of
//! migration 0009 repeat the states.

use kernel::{EventId, Instant, JobId, RuleId, Span, TenantId};
use std::{fmt, str::FromStr};

/// A text of the database or of a request that names none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of {}", .0.trim_start_matches(", "))]
pub struct UnknownName(&'static str);

macro_rules! names {
    ($(#[$doc:meta])* $enum:ident { $($(#[$vdoc:meta])* $name:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum { $($(#[$vdoc])* $name,)+ }

        impl $enum {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the database, the API and the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl FromStr for $enum {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(UnknownName(concat!($(", ", $text),+)))
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// What a job does.
    Kind {
        /// Makes a message, its inbox entry and a delivery per channel. No effect outside the database.
        SendNotification = "send_notification",
        /// Carries one delivery of a message to its channel.
        DeliverMessage = "deliver_message",
        /// Calls a URL that a rule names.
        HttpRequest = "http_request",
        /// Raises another event. No effect outside the database.
        PublishEvent = "publish_event",
        /// Lets time pass: it is done as soon as it is due.
        Wait = "wait",
        /// Removes all that a tenant had. Only in the platform's queue.
        EraseTenant = "erase_tenant",
        /// Hands a letter of ours to the mail service.
        SendLetter = "send_letter",
        /// Removes a tenant's rows whose time is over, step by step.
        Retention = "retention",
        /// Takes a person out of all that is stored, step by step.
        ErasePerson = "erase_person",
        /// Holds a rule against stored events, step by step. No effect but its report.
        Backtest = "backtest",
    }
}

names! {
    /// Where a job is.
    State {
        /// Waits until it is due.
        Queued = "queued",
        /// Somebody works on it, until the lease ends.
        Leased = "leased",
        /// Done.
        Done = "done",
        /// Given up; stays until it is redriven or its retention ends.
        Dead = "dead",
        /// Taken back by a person.
        Cancelled = "cancelled",
    }
}

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

impl Kind {
    /// Whether the job touches nothing but our own database, so that it and its record are one transaction.
    #[must_use]
    pub const fn is_inside(self) -> bool {
        match self {
            Self::SendNotification | Self::PublishEvent | Self::Wait => true,
            Self::DeliverMessage
            | Self::HttpRequest
            | Self::SendLetter
            | Self::Retention
            | Self::ErasePerson
            | Self::Backtest
            | Self::EraseTenant => false,
        }
    }

    /// Whether the job is a chore of our own: many small transactions, one after the other, none of which holds the lock
    /// for long.
    #[must_use]
    pub const fn is_chore(self) -> bool {
        match self {
            Self::Retention | Self::ErasePerson | Self::Backtest | Self::EraseTenant => true,
            Self::SendNotification
            | Self::PublishEvent
            | Self::Wait
            | Self::DeliverMessage
            | Self::HttpRequest
            | Self::SendLetter => false,
        }
    }
}

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

/// A job that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id, made by whoever plans it.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: Kind,
    /// What it needs for that, as JSON text.
    pub payload: String,
    /// The event that it came from.
    pub event: Option<EventId>,
    /// The rule that wanted it, and the place of the action in it.
    pub rule: Option<(RuleId, u32)>,
    /// The job that made it.
    pub parent: Option<JobId>,
    /// When it may run first.
    pub due: Instant,
    /// How often it is tried.
    pub patience: Patience,
    /// The trace that it belongs to.
    pub trace: String,
    /// Set where it cannot run at all (a template failed): it is born dead, with the reason.
    pub stillborn: Option<String>,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: Kind,
    /// Where it is.
    pub state: State,
    /// What it needs, as JSON text.
    pub payload: String,
    /// The event that it came from.
    pub event: Option<EventId>,
    /// The rule that wanted it.
    pub rule: Option<RuleId>,
    /// The place of the action in its rule.
    pub action: Option<u32>,
    /// The job that made it.
    pub parent: Option<JobId>,
    /// When it may run, or ran last.
    pub due: Instant,
    /// Attempts begun, for ever.
    pub attempts: u32,
    /// Failures since the job was made or redriven.
    pub failures: u32,
    /// How often it is tried.
    pub patience: Patience,
    /// The last failure, in words.
    pub last_error: Option<String>,
    /// The trace that it belongs to.
    pub trace: String,
    /// When it was made.
    pub created: Instant,
    /// When it ended.
    pub ended: Option<Instant>,
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
    /// It failed in a way that may pass.
    Failed {
        /// How long the receiver asks us to wait.
        retry_after: Option<Span>,
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
        assert_eq!(next(&patience, 0, &Outcome::Hopeless, at(0), 0), Next::Dead);
    }
}

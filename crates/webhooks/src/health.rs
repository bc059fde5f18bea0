//! How does an endpoint fare, and what follows for it? A circuit breaker: after failures in a row nothing is sent there for a while, then
//! one request tries. Who fails for days is switched off, and its owners hear of it before.

use crate::Rate;
use kernel::{Instant, Span};

/// After so many failures in a row that say that the endpoint is not well, its circuit opens.
pub(crate) const OPENS_AFTER: u32 = 5;
/// For how long it is open at first; doubled each time that its trial fails, up to the most.
pub(crate) const OPEN_FIRST: Span = Span::seconds(30);
pub(crate) const OPEN_MOST: Span = Span::minutes(10);
/// After failing for so long an endpoint is switched off.
pub const GIVES_UP_AFTER: Span = Span::days(5);
/// At which part of that time its owners are told, in percent.
pub(crate) const WARNINGS: [u8; 3] = [50, 70, 90];
/// For how long nothing is sent to an endpoint that asks to be spared, unless it says for how long; and at most.
const SPARED: Span = Span::seconds(10);
const SPARED_MOST: Span = Span::hours(1);

/// Whether requests go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Circuit {
    /// They do.
    #[default]
    Closed,
    /// None does, until a time; then one tries.
    Open {
        /// Until when.
        until: Instant,
    },
    /// One is under way: what comes of it decides.
    HalfOpen {
        /// When it must have come back; if it has not, another one tries.
        until: Instant,
    },
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// It may, and what comes of it decides about all others.
    Try,
    /// Not before this.
    Wait(Instant),
}

impl Circuit {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// Whether a request may go now.
    #[must_use]
    pub fn admits(self, now: Instant) -> Admission {
        match self {
            Self::Closed => Admission::Go,
            Self::Open { until } | Self::HalfOpen { until } if until <= now => Admission::Try,
            Self::Open { until } | Self::HalfOpen { until } => Admission::Wait(until),
        }
    }

    /// Until when it stands as it does.
    #[must_use]
    pub const fn until(self) -> Option<Instant> {
        match self {
            Self::Closed => None,
            Self::Open { until } | Self::HalfOpen { until } => Some(until),
        }
    }
}

/// What an attempt says of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It took what was sent.
    Well,
    /// It does not take this one thing; others it may.
    Picky,
    /// It is not well: no answer, or one that says so.
    Unwell,
    /// It is well, and asks to be spared: 429.
    Busy {
        /// For how long, if it says so.
        wait: Option<Span>,
    },
    /// It has too much to do: 502, 504, or 503 with `Retry-After`.
    Overloaded {
        /// For how long it asks to be spared, if it says so.
        wait: Option<Span>,
    },
}

/// How an endpoint fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Whether requests go through.
    pub circuit: Circuit,
    /// Failures in a row that say that it is not well.
    pub failures: u32,
    /// How often the circuit opened in a row.
    pub opened: u32,
    /// The first failure after the last success.
    pub failing_since: Option<Instant>,
    /// Up to which part of its time its owners were told, in percent.
    pub warned: u8,
    /// When something arrived last.
    pub last_success: Option<Instant>,
    /// When something failed last.
    pub last_failure: Option<Instant>,
    /// When all of its rate is there again.
    pub next_free_at: Option<Instant>,
}

/// What follows for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consequence {
    /// What its lines do from now on; `None`: as before.
    pub lines: Option<Lines>,
    /// It has failed for this part of its time, in percent: its owners are to be told.
    pub warn: Option<u8>,
    /// It has failed for all of its time: it is to be switched off.
    pub give_up: bool,
}

/// What the lines of an endpoint do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They go on.
    Go,
    /// They rest until a time, and go on then.
    Rest(Instant),
    /// They rest until a time, and let one try then.
    RestAndTry(Instant),
}

impl Health {
    /// How it fares after an attempt that ended now, and what follows.
    #[must_use]
    pub fn after(mut self, sign: Sign, now: Instant) -> (Self, Consequence) {
        match sign {
            Sign::Well => {
                let rested = self.circuit != Circuit::Closed;
                let lines = rested.then_some(Lines::Go);
                let next_free_at = self.next_free_at;
                let well = Self {
                    last_success: Some(now),
                    last_failure: self.last_failure,
                    next_free_at,
                    ..Self::default()
                };
                return (well, Consequence { lines, ..Consequence::default() });
            }
            Sign::Busy { wait } => {
                self.fail(now);
                let until = spared(wait, now);
                let lines = match self.circuit {
                    Circuit::Closed => Some(Lines::Rest(until)),
                    Circuit::HalfOpen { .. } => Some(self.open(now, until)),
                    Circuit::Open { .. } => None,
                };
                return self.with_warning(lines, now);
            }
            Sign::Picky => {
                self.fail(now);
                // It answers: whoever comes after the trial may come.
                let lines = matches!(self.circuit, Circuit::HalfOpen { .. }).then_some(Lines::Go);
                if lines.is_some() {
                    (self.circuit, self.failures, self.opened) = (Circuit::Closed, 0, 0);
                }
                return self.with_warning(lines, now);
            }
            Sign::Unwell | Sign::Overloaded { .. } => {}
        }
        self.fail(now);
        self.failures = self.failures.saturating_add(1);
        let rest = if let Sign::Overloaded { wait } = sign { Some(spared(wait, now)) } else { None };
        let lines = match self.circuit {
            Circuit::Closed if self.failures < OPENS_AFTER => rest.map(Lines::Rest),
            Circuit::Closed | Circuit::HalfOpen { .. } => Some(self.open(now, rest.unwrap_or(now))),
            // Those that were under way when it opened say nothing new.
            Circuit::Open { .. } => None,
        };
        self.with_warning(lines, now)
    }

    /// The same while one request tries, which must have come back at `until`.
    #[must_use]
    pub fn trying(self, until: Instant) -> Self {
        Self { circuit: Circuit::HalfOpen { until }, ..self }
    }

    fn fail(&mut self, now: Instant) {
        self.last_failure = Some(now);
        self.failing_since = self.failing_since.or(Some(now));
    }

    fn open(&mut self, now: Instant, least: Instant) -> Lines {
        let doubled =
            OPEN_FIRST.as_millis().saturating_mul(1_i64.checked_shl(self.opened).unwrap_or(i64::MAX));
        let until = (now + Span::millis(doubled.clamp(0, OPEN_MOST.as_millis()))).max(least);
        self.opened = self.opened.saturating_add(1).min(20);
        self.circuit = Circuit::Open { until };
        Lines::RestAndTry(until)
    }

    fn with_warning(mut self, lines: Option<Lines>, now: Instant) -> (Self, Consequence) {
        let failing = self.failing_since.map_or(Span::default(), |since| now.since(since));
        let part = failing.as_millis().saturating_mul(100) / GIVES_UP_AFTER.as_millis().max(1);
        let reached = WARNINGS.iter().copied().filter(|warning| i64::from(*warning) <= part).max();
        let warn = reached.filter(|warning| *warning > self.warned);
        self.warned = warn.unwrap_or(self.warned);
        let give_up = failing >= GIVES_UP_AFTER;
        (self, Consequence { lines, warn: warn.filter(|_| !give_up), give_up })
    }

    /// Whether it is worth writing down that it is `other` now: that something arrived again is, once a minute.
    #[must_use]
    pub(crate) fn tells_else(&self, other: &Self) -> bool {
        let minute = |at: Option<Instant>| at.map(|at| at.millis() / 60_000);
        let coarse = |one: &Self| (minute(one.last_success), minute(one.last_failure));
        let rest = |one: &Self| Self { last_success: None, last_failure: None, ..one.clone() };
        rest(self) != rest(other) || coarse(self) != coarse(other)
    }

    /// Takes one from the endpoint's rate; or says when the next is free. All of a time's requests may come at once (GCRA, as ATM Forum
    /// TM 4.0 describes it).
    pub fn take(&self, rate: Rate, now: Instant) -> Result<Instant, Instant> {
        let apart = rate.per.as_millis() / i64::from(rate.limit.max(1));
        let free = self.next_free_at.unwrap_or(now).max(now);
        let later = free + Span::millis(apart.max(1));
        let earliest = Instant::from_millis(later.millis().saturating_sub(rate.per.as_millis()));
        if earliest <= now { Ok(later) } else { Err(earliest) }
    }
}

/// Until when an endpoint is spared that asks for it.
fn spared(wait: Option<Span>, now: Instant) -> Instant {
    now + wait.unwrap_or(SPARED).min(SPARED_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn failing(times: u32) -> (Health, Consequence) {
        (0..times).fold((Health::default(), Consequence::default()), |(health, _), second| {
            health.after(Sign::Unwell, at(i64::from(second)))
        })
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_tries_with_one() {
        let (health, before) = failing(4);
        assert_eq!((health.circuit, before.lines), (Circuit::Closed, None));
        let (open, then) = health.after(Sign::Unwell, at(4));
        assert_eq!(then.lines, Some(Lines::RestAndTry(at(34))));
        assert_eq!(
            (open.circuit.admits(at(33)), open.circuit.admits(at(34))),
            (Admission::Wait(at(34)), Admission::Try)
        );
        let trying = open.trying(at(70));
        assert_eq!(
            (trying.circuit.admits(at(69)), trying.circuit.admits(at(70))),
            (Admission::Wait(at(70)), Admission::Try)
        );
        let (again, then) = trying.clone().after(Sign::Unwell, at(40));
        assert_eq!((again.opened, then.lines), (2, Some(Lines::RestAndTry(at(100)))));
        let (well, then) = trying.after(Sign::Well, at(40));
        assert_eq!((well.circuit, well.failures, then.lines), (Circuit::Closed, 0, Some(Lines::Go)));
    }

    #[test]
    fn what_was_under_way_when_it_opened_does_not_open_it_further() {
        let (open, _) = failing(5);
        let (same, then) = open.clone().after(Sign::Unwell, at(6));
        assert_eq!((same.circuit, same.opened, then.lines), (open.circuit, 1, None));
        assert_eq!(open.after(Sign::Well, at(6)).1.lines, Some(Lines::Go));
    }

    #[test]
    fn the_time_that_it_is_open_doubles_up_to_ten_minutes() {
        let (mut health, _) = failing(5);
        for _ in 0..30 {
            let Circuit::Open { until } = health.circuit else { unreachable!() };
            health = health.trying(until).after(Sign::Unwell, until).0;
        }
        let Circuit::Open { until } = health.circuit else { unreachable!() };
        assert_eq!(until.since(health.last_failure.unwrap()), OPEN_MOST);
    }

    #[test]
    fn one_that_is_picky_does_not_open_but_fails() {
        let mut health = Health::default();
        for second in 0..20 {
            health = health.after(Sign::Picky, at(second)).0;
        }
        assert_eq!((health.circuit, health.failing_since), (Circuit::Closed, Some(at(0))));
        let (open, _) = failing(5);
        let (closed, then) = open.trying(at(70)).after(Sign::Picky, at(60));
        assert_eq!((closed.circuit, then.lines), (Circuit::Closed, Some(Lines::Go)));
    }

    #[test]
    fn one_that_asks_to_be_spared_is() {
        let busy = |wait| Health::default().after(Sign::Busy { wait }, at(0)).1.lines;
        assert_eq!(busy(None), Some(Lines::Rest(at(10))));
        assert_eq!(busy(Some(Span::seconds(90))), Some(Lines::Rest(at(90))));
        assert_eq!(busy(Some(Span::days(2))), Some(Lines::Rest(at(3600))));
        let (open, _) = failing(5);
        let (open, then) = open.trying(at(70)).after(Sign::Busy { wait: Some(Span::minutes(5)) }, at(40));
        assert_eq!((open.opened, then.lines), (2, Some(Lines::RestAndTry(at(340)))));
    }

    #[test]
    fn one_that_has_too_much_to_do_is_spared_and_then_rests() {
        let mut health = Health::default();
        for second in 0..4 {
            let (next, then) = health.after(Sign::Overloaded { wait: None }, at(second));
            assert_eq!(then.lines, Some(Lines::Rest(at(second + 10))));
            health = next;
        }
        let (_, then) = health.after(Sign::Overloaded { wait: Some(Span::minutes(2)) }, at(4));
        assert_eq!(then.lines, Some(Lines::RestAndTry(at(124))));
    }

    #[test]
    fn owners_are_told_three_times_and_then_it_is_given_up() {
        let hours = |hours: i64| at(hours * 3600);
        let mut health = Health::default();
        let mut told = Vec::new();
        for hour in 0..=120 {
            let (next, then) = health.after(Sign::Unwell, hours(hour));
            health = next;
            told.extend(then.warn.map(|warn| (hour, warn)));
            assert_eq!(then.give_up, hour == 120, "{hour}");
        }
        assert_eq!(told, [(60, 50), (84, 70), (108, 90)]);
        assert_eq!(health.after(Sign::Well, hours(121)).0.warned, 0);
    }

    #[test]
    fn a_rate_lets_all_of_a_time_come_at_once_and_no_more() {
        let rate = Rate { limit: 3, per: Span::seconds(30) };
        let mut health = Health::default();
        for _ in 0..3 {
            health.next_free_at = Some(health.take(rate, at(0)).unwrap());
        }
        assert_eq!(health.take(rate, at(0)), Err(at(10)));
        health.next_free_at = Some(health.take(rate, at(10)).unwrap());
        assert_eq!(health.take(rate, at(10)), Err(at(20)));
        assert!((0..3).all(|_| health.take(rate, at(100)).is_ok()));
    }
}

//! What is to be done about a schedule whose time has come? Which times are raised, which are let go, and when it comes next.

use crate::{Missed, Timing};
use kernel::{Instant, Span};

/// Whoever is no later than this has missed nothing.
const IN_TIME: Span = Span::seconds(60);
/// The most missed times that are made up for.
pub(crate) const MOST: usize = 1_000;
/// The most times that are counted; there may be more.
pub(crate) const COUNTED: usize = 5_000;

/// Times that are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// The first of them.
    pub from: Instant,
    /// The last of them.
    pub to: Instant,
    /// How many.
    pub count: usize,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// What is to be done about a schedule whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Times that are let go.
    pub skipped: Option<Skipped>,
    /// Times that are raised, in order.
    pub raised: Vec<Instant>,
    /// When it comes next: not after `now` if there was no room for all; `None` if it comes no more.
    pub next: Option<Instant>,
}

impl Plan {
    /// Decides at `now` about a schedule that was to come at `due`. At most `room` times are raised; the rest stays due.
    #[must_use]
    pub fn of(timing: &Timing, missed: Missed, due: Instant, now: Instant, room: usize) -> Self {
        let mut past = Past::of(timing, due, now, kept(missed));
        let late = now - IN_TIME;
        let mut raised = std::mem::take(&mut past.last);
        // What is in time is raised by any policy; of what is late, skipping keeps nothing.
        if missed == Missed::Skip {
            raised.retain(|at| *at >= late);
        }
        let next = timing.next(now.max(due));
        let first = raised.first().copied();
        let let_go = past.total.saturating_sub(raised.len());
        let skipped = (let_go > 0 || past.more).then(|| Skipped {
            from: due,
            to: past.before(timing, first),
            count: let_go,
            more: past.more,
        });
        let next = match raised.get(room) {
            Some(left) => Some(*left),
            None => next,
        };
        raised.truncate(room);
        Self { skipped, raised, next }
    }
}

/// How many of the last times may have to be known.
const fn kept(missed: Missed) -> usize {
    match missed {
        // Within a minute an expression comes twice at most.
        Missed::Skip => 3,
        Missed::Once => 1,
        Missed::All => MOST,
    }
}

/// The times from when a schedule was due until now.
struct Past {
    /// The last of them, in order.
    last: Vec<Instant>,
    /// How many there are, as far as they were counted.
    total: usize,
    /// Whether there are more.
    more: bool,
    due: Instant,
    now: Instant,
}

impl Past {
    fn of(timing: &Timing, due: Instant, now: Instant, kept: usize) -> Self {
        let mut all = vec![due];
        let mut at = due;
        while let Some(next) = timing.next(at).filter(|next| *next <= now) {
            if all.len() >= COUNTED {
                let last = latest(timing, at, now, kept);
                return Self { last, total: COUNTED, more: true, due, now };
            }
            all.push(next);
            at = next;
        }
        let total = all.len();
        let last = all.split_off(total.saturating_sub(kept));
        Self { last, total, more: false, due, now }
    }

    /// The last time before `first`, the first that is raised; or of all.
    fn before(&self, timing: &Timing, first: Option<Instant>) -> Instant {
        let end = first.map_or(self.now, |first| first - Span::millis(1));
        latest(timing, self.due - Span::millis(1), end, 1).first().copied().unwrap_or(self.due)
    }
}

/// The last `kept` times after `after` and up to `until`: looked for in a window that grows until it holds them.
fn latest(timing: &Timing, after: Instant, until: Instant, kept: usize) -> Vec<Instant> {
    let mut window = Span::hours(1);
    loop {
        let start = (until - window).max(after);
        let mut found = Vec::new();
        let mut at = start;
        while let Some(next) = timing.next(at).filter(|next| *next <= until) {
            found.push(next);
            at = next;
        }
        if found.len() >= kept || start <= after {
            let surplus = found.len().saturating_sub(kept);
            return found.split_off(surplus);
        }
        window = Span::millis(window.as_millis().saturating_mul(4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timetable, When};
    use kernel::Zone;

    fn at(text: &str) -> Instant {
        format!("2026-01-{text}Z").parse().unwrap()
    }

    fn cron(text: &str) -> Timing {
        let when = When::Cron(Timetable::read(text).unwrap());
        Timing { when, zone: Zone::UTC, starts: None, ends: None }
    }

    fn plan(timing: &Timing, missed: Missed, due: &str, now: &str) -> Plan {
        Plan::of(timing, missed, at(due), at(now), 10_000)
    }

    #[test]
    fn in_time_nothing_is_missed_by_any_policy() {
        for missed in Missed::ALL {
            let plan = plan(&cron("0 9 * * *"), *missed, "01T09:00:00", "01T09:00:30");
            let wanted =
                Plan { skipped: None, raised: vec![at("01T09:00:00")], next: Some(at("02T09:00:00")) };
            assert_eq!(plan, wanted, "{missed:?}");
        }
    }

    #[test]
    fn what_was_missed_is_let_go_or_made_up_for() {
        let hourly = cron("0 * * * *");
        let said = |missed| plan(&hourly, missed, "01T09:00:00", "01T12:30:00");
        let next = Some(at("01T13:00:00"));
        let skipped = |to, count| Some(Skipped { from: at("01T09:00:00"), to: at(to), count, more: false });
        assert_eq!(said(Missed::Skip), Plan { skipped: skipped("01T12:00:00", 4), raised: vec![], next });
        let last = vec![at("01T12:00:00")];
        assert_eq!(said(Missed::Once), Plan { skipped: skipped("01T11:00:00", 3), raised: last, next });
        let all: Vec<Instant> = ["01T09:00:00", "01T10:00:00", "01T11:00:00", "01T12:00:00"].map(at).into();
        assert_eq!(said(Missed::All), Plan { skipped: None, raised: all, next });
        // What is in time beside what was missed is raised.
        let just = plan(&hourly, Missed::Skip, "01T09:00:00", "01T12:00:59");
        assert_eq!((just.raised, just.skipped), (vec![at("01T12:00:00")], skipped("01T11:00:00", 3)));
    }

    #[test]
    fn there_is_room_for_so_many_and_the_rest_stays_due() {
        let hourly = cron("0 * * * *");
        let first = Plan::of(&hourly, Missed::All, at("01T09:00:00"), at("01T12:30:00"), 3);
        assert_eq!((first.raised.len(), first.next, first.skipped), (3, Some(at("01T12:00:00")), None));
        let rest = Plan::of(&hourly, Missed::All, at("01T12:00:00"), at("01T12:30:00"), 3);
        assert_eq!((rest.raised, rest.next), (vec![at("01T12:00:00")], Some(at("01T13:00:00"))));
    }

    #[test]
    fn the_last_thousand_are_made_up_for_and_the_rest_is_counted() {
        let minutely = cron("* * * * *");
        let day = plan(&minutely, Missed::All, "01T00:00:00", "02T00:00:00");
        assert_eq!((day.raised.len(), day.raised[999]), (1000, at("02T00:00:00")));
        let skipped = day.skipped.unwrap();
        assert_eq!((skipped.count, skipped.more, skipped.to), (441, false, at("01T07:20:00")));
        let fortnight = plan(&minutely, Missed::All, "01T00:00:00", "15T00:00:00");
        assert_eq!((fortnight.raised.len(), fortnight.raised[999]), (1000, at("15T00:00:00")));
        let skipped = fortnight.skipped.unwrap();
        assert_eq!((skipped.count, skipped.more, skipped.to), (4000, true, at("14T07:20:00")));
        let once = plan(&minutely, Missed::Once, "01T00:00:00", "15T00:00:00");
        assert_eq!(once.raised, [at("15T00:00:00")]);
        // A rare one is found however far back.
        let timing = cron("0 0 1 1 *");
        let due = "1990-01-01T00:00:00Z".parse().unwrap();
        let years = Plan::of(&timing, Missed::All, due, at("01T00:00:00"), 10_000);
        assert_eq!((years.raised.len(), years.skipped), (37, None));
    }

    #[test]
    fn one_instant_comes_once_and_bounds_hold() {
        let once = Timing { when: When::At(at("01T09:00:00")), ..cron("* * * * *") };
        let late = plan(&once, Missed::Once, "01T09:00:00", "05T09:00:00");
        assert_eq!((late.raised, late.next), (vec![at("01T09:00:00")], None));
        let late = plan(&once, Missed::Skip, "01T09:00:00", "05T09:00:00");
        assert_eq!((late.raised.len(), late.skipped.unwrap().count, late.next), (0, 1, None));
        let timing =
            Timing { starts: Some(at("02T09:00:00")), ends: Some(at("03T09:00:00")), ..cron("0 9 * * *") };
        assert_eq!(timing.next(at("01T00:00:00")), Some(at("02T09:00:00")));
        assert_eq!(timing.next(at("02T09:00:00")), Some(at("03T09:00:00")));
        assert_eq!(timing.next(at("03T09:00:00")), None);
    }
}

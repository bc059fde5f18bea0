//! What is a replay? What was given up, or never sent, goes to its endpoint: counted first, then so many a minute.

use crate::WebhookError;
use kernel::{EndpointId, FieldFault, Fields, Instant, JobId, ReplayId, Span};
use std::{fmt, str::FromStr};

/// How many replays of a tenant can be under way.
pub const REPLAYS_MOST: u32 = 3;
/// For how many days a replay is kept after its end.
pub const REPLAYS_KEPT_DAYS: i64 = 30;
/// How many go to the endpoint in a minute, at most and unless said otherwise.
const PER_MINUTE_MOST: u32 = 60_000;
const PER_MINUTE: u32 = 600;
/// How many are given to the queue at a time.
const STEP: u32 = 200;
/// The next are given so long before the last of those before them may leave.
const AHEAD: Span = Span::seconds(15);
/// Between two looks at what waits lie so much at least, and at most.
const LOOK: Span = Span::seconds(1);
const LOOK_MOST: Span = Span::minutes(1);

/// Which deliveries are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that were given up.
    Failed,
    /// Those that never were, of events that the endpoint wants.
    NeverSent,
}

impl Which {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Failed, Self::NeverSent];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NeverSent => "never_sent",
        }
    }
}

impl FromStr for Which {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|which| which.as_str() == text);
        found.ok_or("must be `failed` or `never_sent`")
    }
}

/// Where a replay is: `counting → running → done`, and `cancelled` or `failed` from what has not ended. The CHECKs of migration 0024
/// repeat that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// It counts.
    Counting,
    /// It gives deliveries to the queue, or waits until the last of them begins.
    Running,
    /// All have begun.
    Done,
    /// Somebody called it off.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl ReplayState {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Counting, Self::Running, Self::Done, Self::Cancelled, Self::Failed];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counting => "counting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for ReplayState {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|state| state.as_str() == text);
        found.ok_or("is no state of a replay")
    }
}

impl fmt::Display for ReplayState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A replay as somebody writes it down.
#[derive(Debug, Clone, Default)]
pub struct ReplayForm {
    /// `failed` or `never_sent`.
    pub which: Option<String>,
    /// From when on.
    pub since: Option<String>,
    /// Until when; until now, unless said otherwise.
    pub until: Option<String>,
    /// How many go in a minute; 600 unless said otherwise.
    pub per_minute: Option<i64>,
}

/// A replay that somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayWish {
    /// Which deliveries.
    pub which: Which,
    /// Of what was made, or came in, from then on …
    pub since: Instant,
    /// … and before then.
    pub until: Instant,
    /// How many go in a minute.
    pub per_minute: u32,
}

impl ReplayForm {
    /// What is wanted.
    ///
    /// # Errors
    /// All faulty fields.
    pub fn read(self, now: Instant) -> Result<ReplayWish, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let which = self.which.ok_or("is missing: `failed` or `never_sent`").and_then(|text| text.parse());
        let which = fields.take("which", which);
        let instant = |text: String| {
            text.parse::<Instant>()
                .map_err(|_| "must be an instant of RFC 3339, such as 2026-01-31T09:30:00Z")
        };
        let since = self.since.ok_or("is missing: from when on").and_then(instant);
        let since = fields.take("since", since);
        let until = self.until.map_or(Ok(now), instant);
        let until = fields.take("until", until).map(|until| until.min(now));
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            fields.fault("since", "must be before `until`, and in the past");
        }
        let per_minute = self.per_minute.map_or(Some(PER_MINUTE), |number| {
            u32::try_from(number).ok().filter(|number| (1..=PER_MINUTE_MOST).contains(number))
        });
        let whole = format!("must be a whole number from 1 to {PER_MINUTE_MOST}");
        let per_minute = fields.take("per_minute", per_minute.ok_or(whole));
        let all = which.zip(since).zip(until.zip(per_minute));
        fields.give(all.map(|((which, since), (until, per_minute))| ReplayWish {
            which,
            since,
            until,
            per_minute,
        }))
    }
}

impl ReplayWish {
    /// How long it takes until so many have left.
    #[must_use]
    pub fn takes(&self, count: u32) -> Span {
        later(self.per_minute, count)
    }
}

/// How long after the first the one with this number leaves.
fn later(per_minute: u32, number: u32) -> Span {
    let millis = i64::from(number).saturating_mul(60_000);
    // Rounded up: never faster than asked.
    let per_minute = i64::from(per_minute.max(1));
    Span::millis(millis.saturating_add(per_minute - 1) / per_minute)
}

/// What was not delivered to an endpoint, sent there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// What was asked for.
    pub wish: ReplayWish,
    /// Where it is.
    pub state: ReplayState,
    /// How many it is about; while it counts, so many as are found so far.
    pub total: u32,
    /// How many it gave to the queue.
    pub queued: u32,
    /// The job that carries it on.
    pub job: JobId,
    /// Why it could not go on.
    pub reason: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

impl Replay {
    /// How many it gives to the queue next, where so many of its deliveries wait there; `None`: not now. It stays no more than a minute ahead:
    /// so it is called off soon, and an endpoint that rested for long does not get all at once.
    #[must_use]
    pub fn room(&self, waiting: u32) -> Option<u32> {
        let per_minute = self.wish.per_minute;
        (waiting < (per_minute / 2).max(1)).then(|| per_minute.clamp(1, STEP))
    }

    /// How many of those that wait are looked at.
    #[must_use]
    pub const fn enough(&self) -> u32 {
        self.wish.per_minute
    }

    /// When so many may leave, the first of them at `first`, and when the next one after them may.
    #[must_use]
    pub fn slots(&self, first: Instant, count: u32) -> (Vec<Instant>, Instant) {
        let at = |number| first + later(self.wish.per_minute, number);
        ((0..count).map(at).collect(), at(count))
    }

    /// Whether it can be called off.
    ///
    /// # Errors
    /// [`WebhookError::ReplayEnded`].
    pub fn must_be_under_way(&self) -> Result<(), WebhookError> {
        if self.ended_at.is_none() { Ok(()) } else { Err(WebhookError::ReplayEnded(self.state)) }
    }
}

/// A replay that is carried on, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The replay.
    pub replay: Replay,
    /// The last delivery or event that it looked at.
    pub after: String,
    /// When the next may leave.
    pub next_at: Instant,
}

impl Carried {
    /// When it goes on that has as many in the queue as it may: shortly before the last of them leave.
    #[must_use]
    pub fn goes_on(&self, now: Instant) -> Instant {
        rested(now, self.next_at - AHEAD)
    }

    /// When it is looked at again whose deliveries are all in the queue: when the last of them may leave.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> Instant {
        rested(now, self.next_at)
    }
}

/// When something is looked at again that was to be at `due`: the later it is, the rarer.
fn rested(now: Instant, due: Instant) -> Instant {
    let away = if due > now { due.since(now) } else { now.since(due) };
    now + away.clamp(LOOK, LOOK_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Instant {
        Instant::from_millis(millis)
    }

    fn form(which: &str, since: &str) -> ReplayForm {
        ReplayForm { which: Some(which.to_owned()), since: Some(since.to_owned()), ..ReplayForm::default() }
    }

    fn replay(per_minute: u32) -> Replay {
        let wish = ReplayWish { which: Which::Failed, since: at(0), until: at(1), per_minute };
        Replay {
            id: ReplayId::first(at(0)),
            endpoint: EndpointId::first(at(0)),
            wish,
            state: ReplayState::Running,
            total: 0,
            queued: 0,
            job: JobId::first(at(0)),
            reason: None,
            created_at: at(0),
            ended_at: None,
        }
    }

    #[test]
    fn what_is_not_said_is_until_now_and_600_a_minute() {
        let now = at(1_000_000);
        let wish = form("never_sent", "1970-01-01T00:00:01Z").read(now).unwrap();
        let wanted = ReplayWish { which: Which::NeverSent, since: at(1_000), until: now, per_minute: 600 };
        assert_eq!(wish, wanted);
        let later = ReplayForm {
            until: Some("2999-01-01T00:00:00Z".to_owned()),
            ..form("failed", "1970-01-01T00:00:01Z")
        };
        assert_eq!(later.read(now).unwrap().until, now);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let faulty = |form: ReplayForm| -> Vec<String> {
            form.read(at(1_000)).unwrap_err().into_iter().map(|fault| fault.field.to_string()).collect()
        };
        assert_eq!(faulty(ReplayForm::default()), ["which", "since"]);
        let all =
            ReplayForm { until: Some("then".to_owned()), per_minute: Some(0), ..form("all", "yesterday") };
        assert_eq!(faulty(all), ["which", "since", "until", "per_minute"]);
        assert_eq!(faulty(form("failed", "1970-01-01T00:00:01Z")), ["since"]);
        let fast = ReplayForm { per_minute: Some(60_001), ..form("failed", "1970-01-01T00:00:00Z") };
        assert_eq!(faulty(fast), ["per_minute"]);
    }

    #[test]
    fn a_minute_has_no_more_than_asked() {
        for per_minute in [1, 7, 600, 59_999, 60_000] {
            let replay = replay(per_minute);
            let (mut first, mut all) = (at(0), Vec::new());
            while all.len() < usize::try_from(per_minute).unwrap() + 1 {
                let (mut slots, next) = replay.slots(first, 13);
                all.append(&mut slots);
                first = next;
            }
            let last = all[usize::try_from(per_minute).unwrap()];
            assert!(last >= at(60_000), "{per_minute} {last:?}");
            assert!(all.is_sorted());
        }
        assert_eq!(replay(600).wish.takes(6_000), Span::minutes(10));
    }

    #[test]
    fn it_stays_no_more_than_a_minute_ahead() {
        assert_eq!(
            (replay(600).room(0), replay(600).room(299), replay(600).room(300)),
            (Some(200), Some(200), None)
        );
        assert_eq!((replay(1).room(0), replay(1).room(1)), (Some(1), None));
        let carried = |next_at| Carried { replay: replay(600), after: String::new(), next_at: at(next_at) };
        assert_eq!(carried(40_000).goes_on(at(0)), at(25_000));
        assert_eq!((carried(300).is_over(at(0)), carried(900_000).is_over(at(0))), (at(1_000), at(60_000)));
        // An endpoint that rests is looked after ever more rarely.
        assert_eq!(
            (carried(0).is_over(at(5_000)), carried(0).is_over(at(500_000))),
            (at(10_000), at(560_000))
        );
    }
}

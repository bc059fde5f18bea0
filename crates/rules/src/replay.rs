//! What would a rule have said to events of the past, and what another version of it? Events are taken in their order, each
//! with the facts of then; what rules remember is remembered here, and nothing is carried out.
//!
//! A firing that waits (debounce, absence) is decided when its time has come or another event calls it off; until then its
//! event is open.

mod difference;
mod half;
mod player;
mod state;
mod tally;

pub(crate) use difference::between;
pub(crate) use half::{cut, shown_all};
pub use state::MOST_REMEMBERED;

use crate::{Catalogue, PlannedAction, RenderFault, Rule, Standing, decision::Stance, pace::Absence, told};
use chrono_tz::Tz;
use half::Half;
use kernel::{EventId, Instant, Span};
use language::{Facts, payload::Needed, template::Context};
use player::{Player, Stoppers};
use serde_json::{Value, json};
use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
};
use tally::Tally;

/// Who takes part, fixed when a backtest begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// What is tried.
    pub candidate: Rule,
    /// What it is held against.
    pub baseline: Option<Rule>,
    /// The tenant's other active rules that stop the matching and may keep these from being asked.
    pub stoppers: Vec<Rule>,
    /// The tenant's time zone.
    pub zone: Tz,
}

/// What is to be read of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Events of these triggers.
    pub triggers: BTreeSet<String>,
    /// How long before the first event that counts others have to be taken, for windows and the like to be filled.
    pub lead: Span,
    /// The fields of the data that conditions and keys look at; templates may look at all.
    pub data: Needed,
    /// Whether `record.…` is looked at.
    pub record: bool,
    /// Whether `event.…` is looked at.
    pub occasion: bool,
}

/// Why a replay cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayFault {
    /// A rule cannot be read any more.
    #[error("{0} cannot be read any more: {1}")]
    Broken(&'static str, String),
    /// What was kept of it cannot be read.
    #[error("what was kept of the replay so far cannot be read")]
    State,
    /// Too much is to be remembered.
    #[error(
        "the rule remembers more than {MOST_REMEMBERED} things at a time over these events: choose a shorter time, or a rule with shorter \
         spans"
    )]
    TooMuch,
}

/// A replay under way.
pub struct Replay {
    candidate: Player,
    baseline: Option<Player>,
    stoppers: Stoppers,
    /// Whether both plan the same actions for the same event.
    is_alike: bool,
    open: BTreeMap<EventId, Open>,
    due: BTreeSet<(Instant, EventId)>,
    tally: Tally,
}

/// An event for which a rule fires later, if nothing calls it off.
#[derive(Debug, Clone)]
struct Open {
    at: Instant,
    /// When the last of its firings is due.
    due: Instant,
    before: Option<Half>,
    now: Half,
    changes: Vec<Value>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Now,
}

/// What one of them says to an event.
struct Said<'a> {
    stance: Option<Stance<'a>>,
    /// Whether a rule before it stopped the matching.
    is_stopped: bool,
    /// Events for which it no longer fires.
    called_off: Vec<EventId>,
}

impl Said<'_> {
    /// As an example shows it.
    fn told(&self) -> Option<Value> {
        let standing = self.standing();
        if standing == Standing::NotAsked {
            let because = "not asked: a rule before it matches and stops the matching";
            return Some(json!({"standing": standing.as_str(), "because": because}));
        }
        let told = told(&Value::Object(self.stance.as_ref()?.kept()));
        let part = |name: &str| told.get(name).cloned().unwrap_or_default();
        Some(json!({
            "standing": standing.as_str(),
            "decided_by": part("decided_by"),
            "because": half::cut(part("because").as_str().unwrap_or_default()),
        }))
    }

    fn standing(&self) -> Standing {
        match &self.stance {
            Some(_) if self.is_stopped => Standing::NotAsked,
            Some(stance) => stance.standing(),
            None => Standing::NotMatched,
        }
    }
}

impl Replay {
    /// A replay at its beginning, or as it was kept.
    ///
    /// # Errors
    /// [`ReplayFault::Broken`], [`ReplayFault::State`].
    pub fn new(cast: &Cast, catalogue: &Catalogue, kept: Option<&Value>) -> Result<Self, ReplayFault> {
        let stoppers = Stoppers::new(&cast.stoppers, catalogue);
        let candidate = Player::new("the rule", &cast.candidate, catalogue, &stoppers)?;
        let baseline = match &cast.baseline {
            Some(rule) => {
                Some(Player::new("the version that it is held against", rule, catalogue, &stoppers)?)
            }
            None => None,
        };
        let is_alike = cast.baseline.as_ref().is_some_and(|rule| {
            rule.definition.actions == cast.candidate.definition.actions
                && rule.definition.trigger_id == cast.candidate.definition.trigger_id
        });
        let mut replay = Self {
            candidate,
            baseline,
            stoppers,
            is_alike,
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            tally: Tally::new(cast.zone),
        };
        if let Some(kept) = kept {
            replay.restore(kept).ok_or(ReplayFault::State)?;
        }
        Ok(replay)
    }

    /// What is to be read of the ledger.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let players = || self.baseline.iter().chain([&self.candidate]);
        let entries = || players().map(Player::own_entry).chain(self.stoppers.entries());
        let mut data = Needed::default();
        entries().for_each(|entry| entry.need(&mut data));
        Needs {
            data,
            record: entries().any(|entry| {
                entry.looks_at_record() || entry.absence().is_some_and(Absence::looks_at_record)
            }),
            triggers: players().flat_map(Player::triggers).map(str::to_owned).collect(),
            lead: players().map(Player::lead).chain([self.stoppers.lead()]).max().unwrap_or_default(),
            occasion: players().any(Player::looks_at_event) || self.stoppers.look_at_event(),
        }
    }

    /// Takes the next event. One that does not count only leaves what is to be remembered of it.
    pub fn take(&mut self, trigger: &str, facts: &Facts<'_>, counts: bool) {
        let now = facts.moment().now;
        self.settle(now);
        self.stoppers.begin(trigger, facts);
        let (candidate, baseline) = (self.candidate.entry(), self.baseline.as_ref().map(Player::entry));
        let after = self.candidate.ask(&candidate, trigger, facts, &mut self.stoppers);
        let before = self.baseline.as_mut().zip(baseline.as_ref());
        let before = before.map(|(player, entry)| player.ask(entry, trigger, facts, &mut self.stoppers));
        if !counts {
            self.tally.early(self.plays(trigger));
            return;
        }
        let off: Vec<(Side, EventId)> = before
            .iter()
            .flat_map(|said| said.called_off.iter().map(|event| (Side::Before, event.clone())))
            .chain(after.called_off.iter().map(|event| (Side::Now, event.clone())))
            .collect();
        if self.plays(trigger) {
            self.tally.look(now);
            if is_news(&after) || before.as_ref().is_some_and(is_news) {
                self.note(facts, before.as_ref(), &after);
            }
        }
        for (side, event) in off {
            self.call_off(side, &event, facts.event_id());
        }
    }

    /// Whether an event of the trigger is one that the rule, or what it is held against, is asked about.
    fn plays(&self, trigger: &str) -> bool {
        self.baseline.iter().chain([&self.candidate]).any(|player| player.is_bound_to(trigger))
    }

    /// Counts what was said to an event, or leaves it open.
    fn note<'a>(&mut self, facts: &'a Facts<'a>, before: Option<&Said<'a>>, now: &Said<'a>) {
        let context = OnceCell::new();
        let plans = |said| planned_by(said, facts, &context);
        let matched = |said: Option<&Said<'_>>| said.is_some_and(|said| said.standing() == Standing::Matched);
        let planned = plans(Some(now));
        let both = matched(before) && matched(Some(now));
        let earlier = if both && self.is_alike { planned.clone() } else { plans(before) };
        let start = |said: Option<&Said<'_>>| said?.stance.as_ref().map(Stance::start);
        let changes =
            if both { changes(&earlier, &planned, start(before), start(Some(now))) } else { Vec::new() };
        let waits = |said: Option<&Said<'_>>, waits: bool| start(said).filter(|_| waits && matched(said));
        let pending = [
            waits(before, self.baseline.as_ref().is_some_and(Player::waits)),
            waits(Some(now), self.candidate.waits()),
        ];
        let is_open = pending.iter().any(Option::is_some);
        let shows =
            is_open || self.tally.shows(matched(before), matched(Some(now)), &changes, &earlier, &planned);
        let half = |said: &Said<'_>, plan: &Result<Vec<PlannedAction>, RenderFault>, due: Option<Instant>| {
            let told = if shows { said.told() } else { None };
            Half::new(said.standing(), plan, due, told)
        };
        let [due_before, due_now] = pending;
        let now_half = half(now, &planned, due_now);
        let before_half = before.map(|said| half(said, &earlier, due_before));
        let at = facts.moment().now;
        match (due_before.max(due_now), facts.event_id().parse::<EventId>()) {
            (Some(due), Ok(event)) => {
                self.due.insert((due, event.clone()));
                self.open.insert(event, Open { at, due, before: before_half, now: now_half, changes });
            }
            _ => self.tally.count(facts.event_id(), at, before_half.as_ref(), &now_half, &changes),
        }
    }

    /// Counts the events whose firings are due by now.
    fn settle(&mut self, now: Instant) {
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, event)) = self.due.pop_first()
                && let Some(open) = self.open.remove(&event)
            {
                self.close(&event, &open);
            }
        }
    }

    fn close(&mut self, event: &EventId, open: &Open) {
        self.tally.count(event.as_str(), open.at, open.before.as_ref(), &open.now, &open.changes);
    }

    /// One of the two no longer fires for an event: another came.
    fn call_off(&mut self, side: Side, event: &EventId, by: &str) {
        let Some(mut open) = self.open.remove(event) else { return };
        self.due.remove(&(open.due, event.clone()));
        let half = match side {
            Side::Before => open.before.as_mut(),
            Side::Now => Some(&mut open.now),
        };
        if let Some(half) = half {
            half.call_off(by);
        }
        let left = open.before.as_ref().and_then(|half| half.due).max(open.now.due);
        match left {
            Some(due) => {
                open.due = due;
                self.due.insert((due, event.clone()));
                self.open.insert(event.clone(), open);
            }
            None => self.close(event, &open),
        }
    }

    /// Ends it: what still waits is taken to fire.
    #[must_use]
    pub fn report(mut self) -> Value {
        let open = std::mem::take(&mut self.open);
        for (event, mut open) in open {
            open.now.is_waiting = open.now.due.is_some();
            if let Some(before) = &mut open.before {
                before.is_waiting = before.due.is_some();
            }
            self.close(&event, &open);
        }
        self.tally.report(self.baseline.is_some())
    }
}

/// What is to be done by what was said: nothing unless the rule fires.
fn planned_by<'a>(
    said: Option<&Said<'a>>,
    facts: &'a Facts<'a>,
    context: &OnceCell<Context<'a>>,
) -> Result<Vec<PlannedAction>, RenderFault> {
    match said.filter(|said| said.standing() == Standing::Matched) {
        Some(Said { stance: Some(stance), .. }) => stance.plan(facts, context),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// Whether there is something to count: most events meet conditions that do not hold.
fn is_news(said: &Said<'_>) -> bool {
    said.standing() != Standing::NotMatched
}

/// What is done otherwise.
fn changes(
    before: &Result<Vec<PlannedAction>, RenderFault>,
    now: &Result<Vec<PlannedAction>, RenderFault>,
    start_before: Option<Instant>,
    start_now: Option<Instant>,
) -> Vec<Value> {
    difference::between(before, now, start_before.zip(start_now))
}

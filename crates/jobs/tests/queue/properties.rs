//! What holds whatever happens? Chains and lanes by chance, and everything that workers and people do to them, by chance.

use crate::yard::{Yard, tenant};
use db::{DbError, Decode, Row};
use futures::executor::block_on;
use jobs::{Lane, Leased, NewJob, Next, OnError, Run, Start, State, Terms};
use kernel::{Instant, JobId, Span};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Each lane with its limit.
const LANES: [(&str, u32); 3] = [("a", 1), ("b", 2), ("c", 5)];

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Deed {
    Put(Vec<Link>),
    Claim(u16),
    Settle(usize, Ending),
    /// Somebody settles who lost their lease, or settled before.
    SettleLate(usize),
    Pass(i64),
    Retry(usize),
    Redrive,
    Cancel(usize),
    CancelRun(usize),
    Reschedule(usize, i64),
    Forget,
}

#[derive(Debug, Clone)]
struct Link {
    stops: bool,
    lane: Option<usize>,
    delay: i64,
    stillborn: bool,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Done,
    Again(i64),
    Later(i64),
    Dead,
}

fn link() -> impl Strategy<Value = Link> {
    let lane = prop::option::of(0..LANES.len());
    (any::<bool>(), lane, prop_oneof![3 => Just(0_i64), 1 => 1_i64..40], prop::bool::weighted(0.05))
        .prop_map(|(stops, lane, delay, stillborn)| Link { stops, lane, delay, stillborn })
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        4 => Just(Ending::Done),
        2 => (0_i64..60).prop_map(Ending::Again),
        1 => (0_i64..60).prop_map(Ending::Later),
        2 => Just(Ending::Dead),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => prop::collection::vec(link(), 1..5).prop_map(Deed::Put),
        8 => (1_u16..6).prop_map(Deed::Claim),
        12 => (any::<usize>(), ending()).prop_map(|(which, ending)| Deed::Settle(which, ending)),
        1 => any::<usize>().prop_map(Deed::SettleLate),
        4 => (0_i64..50).prop_map(Deed::Pass),
        2 => any::<usize>().prop_map(Deed::Retry),
        1 => Just(Deed::Redrive),
        1 => any::<usize>().prop_map(Deed::Cancel),
        1 => any::<usize>().prop_map(Deed::CancelRun),
        1 => (any::<usize>(), 0_i64..50).prop_map(|(which, later)| Deed::Reschedule(which, later)),
        1 => Just(Deed::Forget),
    ]
}

/// A job as it stands in the table.
#[derive(Debug, Clone)]
struct Stored {
    id: JobId,
    state: State,
    held_by: Option<JobId>,
    on_error: OnError,
    lane: Option<String>,
    limit: Option<u32>,
    waits_for: String,
    due: Option<Instant>,
    place: i64,
}

impl Decode for Stored {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("job_id")?,
            state: row.parse("state")?,
            held_by: row.parse_opt("held_by")?,
            on_error: row.parse("on_error")?,
            lane: row.get("lane")?,
            limit: row.get("lane_limit")?,
            waits_for: row.get("waits_for")?,
            due: row.get("due_at")?,
            place: row.get("place")?,
        })
    }
}

/// The queue, and what we know of it without asking.
struct Play {
    yard: Yard,
    now: Instant,
    /// Who was laid behind whom.
    before: BTreeMap<JobId, JobId>,
    runs: Vec<(Run, Vec<JobId>)>,
    /// Who runs, under which lease.
    running: BTreeMap<JobId, Leased>,
    /// Leases that ended.
    past: Vec<Leased>,
    /// Who may start though the one before it has not done what it should.
    let_go: BTreeSet<JobId>,
}

impl Play {
    fn new() -> Self {
        Self {
            yard: Yard::new(&["acme"]),
            now: Instant::from_millis(1_000_000),
            before: BTreeMap::new(),
            runs: Vec::new(),
            running: BTreeMap::new(),
            past: Vec::new(),
            let_go: BTreeSet::new(),
        }
    }

    fn stored(&self) -> BTreeMap<JobId, Stored> {
        block_on(async {
            let mut lease = self.yard.db.read().await.unwrap();
            let sql = "SELECT job_id, state, held_by, on_error, lane, lane_limit, waits_for, due_at, rowid AS place FROM jobs";
            let rows: Vec<Stored> = lease.all_tenants().unwrap().all(sql, []).await.unwrap();
            rows.into_iter().map(|row| (row.id.clone(), row)).collect()
        })
    }

    fn later(&self, seconds: i64) -> Instant {
        self.now + Span::seconds(seconds)
    }

    /// One of the jobs in the table.
    fn choose(&self, which: usize) -> Option<JobId> {
        let all: Vec<JobId> = self.stored().into_keys().collect();
        all.get(which.checked_rem(all.len())?).cloned()
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Put(links) => self.put(&links),
            Deed::Claim(most) => self.claim(most),
            Deed::Settle(which, ending) => self.settle(which, ending),
            Deed::SettleLate(which) => {
                if let Some(place) = which.checked_rem(self.past.len()) {
                    let (counted, freed) = self.yard.settle(&self.past[place], Next::Done, self.now);
                    assert_eq!((counted, freed), (0, 0), "a lease that had ended counted");
                }
            }
            Deed::Pass(seconds) => self.pass(seconds),
            Deed::Retry(which) => {
                if let Some(id) = self.choose(which)
                    && self.yard.retry(&id, self.now).is_ok()
                {
                    self.let_go.insert(id);
                }
            }
            Deed::Redrive => {
                let dead = self.stored().into_values().filter(|one| one.state == State::Dead);
                self.let_go.extend(dead.map(|one| one.id));
                block_on(jobs::redrive(&self.yard.db, &self.yard.call("acme", self.now), None)).unwrap();
            }
            Deed::Cancel(which) => {
                if let Some(id) = self.choose(which) {
                    // What has ended refuses.
                    let _ = self.yard.cancel(&self.yard.call("acme", self.now), &id);
                    self.drop_leases();
                }
            }
            Deed::CancelRun(which) => {
                if let Some(place) = which.checked_rem(self.runs.len()) {
                    let (run, jobs) = &self.runs[place];
                    let gone = self.yard.cancel_runs(std::slice::from_ref(run), self.now);
                    assert!(gone.iter().all(|id| jobs.contains(id)), "another run's job was taken back");
                    assert!(
                        gone.iter().all(|id| !self.running.contains_key(id)),
                        "one that runs was taken back"
                    );
                }
            }
            Deed::Reschedule(which, seconds) => {
                if let Some(place) = which.checked_rem(self.runs.len()) {
                    self.yard.reschedule(&self.runs[place].0, self.later(seconds));
                }
            }
            Deed::Forget => {
                let held: BTreeMap<_, _> =
                    self.stored().into_iter().filter(|(_, one)| one.held_by.is_some()).collect();
                let living = self.stored().into_values().filter(|one| one.state == State::Queued).count();
                self.yard.forget(self.now - Span::seconds(30));
                let left = self.stored();
                let gone: Vec<_> = held.keys().filter(|id| !left.contains_key(id)).collect();
                let still = left.values().filter(|one| one.state == State::Queued).count();
                assert_eq!(living - still, gone.len(), "a queued job was forgotten that nobody held");
            }
        }
    }

    fn put(&mut self, links: &[Link]) {
        let run = self.yard.run();
        let jobs = links.iter().zip(0..).map(|(link, place)| {
            let lane = link.lane.map(|lane| Lane::new(LANES[lane].0, LANES[lane].1));
            let on_error = if link.stops { OnError::Stop } else { OnError::Continue };
            NewJob {
                event: Some(run.event.clone()),
                rule: Some((run.rule.clone(), place)),
                terms: Terms { on_error, lane, ..Terms::default() },
                stillborn: link.stillborn.then(|| "no".to_owned()),
                ..self.yard.job("acme", self.later(link.delay))
            }
        });
        let jobs = jobs::in_order(jobs.collect(), self.now);
        for job in &jobs {
            if let Start::After { job: one, .. } = &job.start {
                self.before.insert(job.id.clone(), one.clone());
            }
        }
        self.yard.put(&jobs);
        self.runs.push((run, jobs.into_iter().map(|job| job.id).collect()));
    }

    fn claim(&mut self, most: u16) {
        let stored = self.stored();
        for leased in self.yard.claim(self.now, most) {
            let id = leased.job.id.clone();
            self.may_start(&id, &stored);
            assert!(leased.job.due.unwrap() <= self.now, "claimed before its time");
            assert!(self.running.insert(id, leased).is_none(), "claimed while it runs");
        }
    }

    /// The one before it has ended, or somebody said that it goes on without that one.
    fn may_start(&self, id: &JobId, stored: &BTreeMap<JobId, Stored>) {
        let Some(before) = self.before.get(id).and_then(|before| stored.get(before)) else { return };
        let has_ended = match before.state {
            State::Done => true,
            State::Dead => before.on_error == OnError::Continue,
            State::Queued | State::Leased | State::Cancelled => false,
        };
        assert!(has_ended || self.let_go.contains(id), "{id} started before {before:?} had ended");
    }

    fn settle(&mut self, which: usize, ending: Ending) {
        let Some(place) = which.checked_rem(self.running.len()) else { return };
        let id = self.running.keys().nth(place).unwrap().clone();
        let leased = self.running.remove(&id).unwrap();
        let next = match ending {
            Ending::Done => Next::Done,
            Ending::Again(seconds) => Next::Again(self.later(seconds)),
            Ending::Later(seconds) => Next::Later(self.later(seconds)),
            Ending::Dead => Next::Dead,
        };
        assert_eq!(self.yard.settle(&leased, next, self.now).0, 1, "an outcome did not count");
        // From now on those behind it may go, even if it is tried again by hand later.
        if matches!(next, Next::Done)
            || (matches!(next, Next::Dead) && leased.job.on_error == OnError::Continue)
        {
            self.let_go
                .extend(self.before.iter().filter(|(_, one)| **one == id).map(|(next, _)| next.clone()));
        }
        self.past.push(leased);
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.later(seconds);
        self.yard.expire(self.now);
        self.drop_leases();
        let stored = self.stored();
        for (next, one) in &self.before {
            if stored
                .get(one)
                .is_some_and(|one| one.state == State::Dead && one.on_error == OnError::Continue)
            {
                self.let_go.insert(next.clone());
            }
        }
    }

    /// Forgets the leases of those that are leased no more.
    fn drop_leases(&mut self) {
        let stored = self.stored();
        let gone: Vec<JobId> = self
            .running
            .keys()
            .filter(|id| stored.get(*id).is_none_or(|one| one.state != State::Leased))
            .cloned()
            .collect();
        self.past.extend(gone.iter().filter_map(|id| self.running.remove(id)));
    }

    fn check(&self) {
        let stored = self.stored();
        let leased: BTreeSet<&JobId> =
            stored.values().filter(|one| one.state == State::Leased).map(|one| &one.id).collect();
        assert_eq!(leased, self.running.keys().collect(), "leases are not those that were given out");
        for one in stored.values() {
            let Some(holder) = &one.held_by else { continue };
            let holder = stored.get(holder).expect("a held job whose holder is gone");
            let holds = match holder.state {
                State::Queued | State::Leased => true,
                State::Dead => holder.on_error == OnError::Stop,
                State::Done | State::Cancelled => false,
            };
            assert!(holds, "{one:?} is held by {holder:?}");
            assert!(self.before.contains_key(&one.id), "{one:?} is held, and was laid behind nobody");
        }
        for (lane, limit) in LANES {
            check_lane(&stored, lane, limit);
        }
    }

    /// Works everything off, all of it well.
    fn finish(&mut self) {
        for _ in 0..1000 {
            self.claim(64);
            self.check();
            while !self.running.is_empty() {
                self.settle(0, Ending::Done);
            }
            let waits =
                self.stored().into_values().any(|one| one.state == State::Queued && one.held_by.is_none());
            if !waits {
                break;
            }
            self.pass(30);
        }
        let stored = self.stored();
        for one in stored.values() {
            match one.state {
                State::Done | State::Dead | State::Cancelled => {}
                State::Queued => {
                    let mut holder = one;
                    while let Some(next) = &holder.held_by {
                        holder = stored.get(next).unwrap();
                    }
                    assert_eq!(holder.state, State::Dead, "{one:?} waits for ever");
                }
                State::Leased => panic!("{one:?} is still leased"),
            }
        }
    }
}

/// As many are let in as the lane has room for, and those are the first.
fn check_lane(stored: &BTreeMap<JobId, Stored>, lane: &str, limit: u32) {
    let of_lane = || stored.values().filter(|one| one.lane.as_deref() == Some(lane));
    assert!(of_lane().all(|one| one.limit == Some(limit)));
    let running = of_lane().filter(|one| one.state == State::Leased).count();
    let limit = usize::try_from(limit).unwrap();
    assert!(running <= limit, "{running} of {limit} run in {lane}");
    let mut line: Vec<&Stored> =
        of_lane().filter(|one| one.state == State::Queued && one.held_by.is_none()).collect();
    line.sort_by_key(|one| (one.due, one.place));
    for (place, one) in line.iter().enumerate() {
        let is_in = one.waits_for == "time";
        assert_eq!(
            is_in,
            place < limit - running,
            "place {place} of {lane}, {running} of {limit} run: {one:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_is_kept_nothing_is_lost_and_no_lane_is_too_full(deeds in prop::collection::vec(deed(), 1..60)) {
        let mut play = Play::new();
        let mut put = 0;
        let mut forgotten = false;
        for deed in deeds {
            put += if let Deed::Put(links) = &deed { links.len() } else { 0 };
            forgotten |= matches!(deed, Deed::Forget);
            play.act(deed);
            play.check();
            prop_assert!(forgotten || play.stored().len() == put, "a job was lost");
        }
        play.finish();
    }
}

#[test]
fn another_tenant_is_not_touched() {
    let yard = Yard::new(&["acme", "other"]);
    let job = NewJob { tenant: tenant("other"), ..yard.job("acme", Instant::from_millis(0)) };
    yard.put(std::slice::from_ref(&job));
    assert!(matches!(yard.retry(&job.id, Instant::from_millis(1)), Err(jobs::JobError::Unknown)));
}

//! Where do the tests of the queue play? On a database in memory, with time as they say it.

use db::{Db, native::Native};
use futures::executor::block_on;
use jobs::{
    Gate, Gated, Job, JobError, Kind, Lane, Lease, Leased, NewJob, Next, OnError, Patience, Run, Settlement,
    Start, Step, Terms,
};
use kernel::{
    Call, Chance, EventId, Instant, JobId, Principal, RequestId, RuleId, Secret, Span, TenantId, Trace,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Chance that counts, so that ids and leases differ and ids are in the order in which they were made.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0);
        for (byte, one) in bytes.iter_mut().rev().zip(next.iter().rev()) {
            *byte = *one;
        }
    }
}

pub(crate) struct Yard {
    pub(crate) db: Db,
    pub(crate) chance: Arc<Counting>,
}

pub(crate) fn at(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

impl Yard {
    pub(crate) fn new(tenants: &[&str]) -> Self {
        let db = Native::memory().unwrap();
        block_on(async {
            let mut tx = db.begin().await.unwrap();
            for name in tenants {
                let sql = "INSERT INTO tenants (tenant_id, name, state, created_at, updated_at) VALUES (?1, ?1, 'active', 0, 0)";
                tx.all_tenants().run_for_effect(sql, [(*name).into()]).await.unwrap();
            }
            tx.commit().await.unwrap();
        });
        Self { db, chance: Arc::default() }
    }

    pub(crate) fn job(&self, name: &str, due: Instant) -> NewJob {
        NewJob {
            id: JobId::new(at(0), &*self.chance),
            tenant: tenant(name),
            kind: Kind::HttpRequest,
            payload: "{}".to_owned(),
            event: None,
            rule: None,
            parent: None,
            start: due.into(),
            patience: Patience { attempts: 2, ..Patience::default() },
            trace: "t".to_owned(),
            stillborn: None,
            terms: Terms::default(),
        }
    }

    /// A job of acme that is due at once, in a lane.
    pub(crate) fn in_lane(&self, lane: &str, limit: u32) -> NewJob {
        let lane = Some(Lane::new(lane, limit));
        NewJob { terms: Terms { lane, ..Terms::default() }, ..self.job("acme", at(0)) }
    }

    /// Jobs of acme, one behind the other, due at once.
    pub(crate) fn chain(&self, on_error: &[OnError]) -> Vec<NewJob> {
        let run = self.run();
        let jobs = on_error.iter().zip(0..).map(|(on_error, place)| NewJob {
            event: Some(run.event.clone()),
            rule: Some((run.rule.clone(), place)),
            terms: Terms {
                on_error: *on_error,
                action_name: Some(format!("step{place}")),
                ..Terms::default()
            },
            ..self.job("acme", at(0))
        });
        jobs::in_order(jobs.collect(), at(0))
    }

    pub(crate) fn run(&self) -> Run {
        Run { event: EventId::new(at(0), &*self.chance), rule: RuleId::new(at(0), &*self.chance) }
    }

    pub(crate) fn put(&self, jobs: &[NewJob]) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            jobs::enqueue(&mut tx.all_tenants(), jobs, at(0)).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    pub(crate) fn claim(&self, now: Instant, most: u16) -> Vec<Leased> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let leased =
                jobs::claim(&mut tx.all_tenants(), now, &Lease::new(&*self.chance), most).await.unwrap();
            tx.commit().await.unwrap();
            leased
        })
    }

    /// Claims one, which must be there.
    pub(crate) fn take(&self, now: Instant) -> Leased {
        let mut taken = self.claim(now, 1);
        assert_eq!(taken.len(), 1, "nothing is due");
        taken.remove(0)
    }

    /// Sets a lane of acme; tells how many were let in.
    pub(crate) fn gate(&self, lane: &str, gate: Gate) -> usize {
        let gated = Gated { tenant: tenant("acme"), lane: lane.to_owned(), gate };
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let let_in = jobs::gate(&mut tx.all_tenants(), &[gated]).await.unwrap();
            tx.commit().await.unwrap();
            let_in
        })
    }

    pub(crate) fn resume(&self, now: Instant) -> usize {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let let_in = jobs::resume(&mut tx.all_tenants(), now).await.unwrap();
            tx.commit().await.unwrap();
            let_in
        })
    }

    pub(crate) fn put_back(&self, leased: &[(Leased, Option<Instant>)]) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            jobs::put_back(&mut tx.all_tenants(), leased).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    pub(crate) fn anything(&self, now: Instant) -> bool {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            jobs::anything(&mut lease.all_tenants().unwrap(), now).await.unwrap()
        })
    }

    pub(crate) fn expire(&self, now: Instant) -> usize {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let lost = jobs::expire(&mut tx.all_tenants(), now).await.unwrap();
            tx.commit().await.unwrap();
            lost.len()
        })
    }

    /// Settles, and tells how many counted and how many were freed.
    pub(crate) fn settle(&self, leased: &Leased, next: Next, now: Instant) -> (usize, usize) {
        let settlement = Settlement {
            leased: leased.clone(),
            next,
            ended: now,
            status: Some(200),
            detail: "d".to_owned(),
            result: Some(Secret::new(format!("{{\"of\": \"{}\"}}", leased.job.id))),
        };
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let settled = jobs::settle(&mut tx.all_tenants(), &[settlement]).await.unwrap();
            tx.commit().await.unwrap();
            (settled.counted.len(), settled.freed)
        })
    }

    pub(crate) fn call(&self, name: &str, now: Instant) -> Call {
        Call {
            principal: Principal::system(tenant(name)),
            now,
            request: RequestId::given("r").unwrap(),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: self.chance.clone(),
        }
    }

    pub(crate) fn cancel(&self, call: &Call, id: &JobId) -> Result<Job, JobError> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let outcome = jobs::cancel(&mut tx.scope(call.tenant()), call, id).await;
            tx.commit().await.unwrap();
            outcome
        })
    }

    pub(crate) fn retry(&self, id: &JobId, now: Instant) -> Result<Job, JobError> {
        block_on(jobs::retry(&self.db, &self.call("acme", now), id))
    }

    pub(crate) fn get(&self, name: &str, id: &JobId) -> Job {
        block_on(jobs::get(&self.db, &self.call(name, at(0)), id)).unwrap()
    }

    pub(crate) fn place(&self, id: &JobId, now: Instant) -> jobs::Place {
        let job = self.get("acme", id);
        block_on(jobs::place(&self.db, &self.call("acme", now), &job)).unwrap().unwrap()
    }

    pub(crate) fn results(&self, run: &Run) -> Vec<Step> {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            let acme = tenant("acme");
            jobs::results_of(&mut lease.scope(&acme).unwrap(), std::slice::from_ref(run)).await.unwrap()
        })
    }

    pub(crate) fn cancel_runs(&self, runs: &[Run], now: Instant) -> Vec<JobId> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let acme = tenant("acme");
            let gone = jobs::cancel_runs(&mut tx.scope(&acme), runs, "a newer one came", now).await.unwrap();
            tx.commit().await.unwrap();
            gone
        })
    }

    pub(crate) fn reschedule(&self, run: &Run, due: Instant) -> bool {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let acme = tenant("acme");
            let moved = jobs::reschedule_run(&mut tx.scope(&acme), run, due).await.unwrap();
            tx.commit().await.unwrap();
            moved
        })
    }

    pub(crate) fn forget(&self, limit: Instant) -> usize {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let acme = tenant("acme");
            let gone = jobs::forget(&mut tx.scope(&acme), limit, 500).await.unwrap();
            tx.commit().await.unwrap();
            gone
        })
    }

    pub(crate) fn meddle(&self, sql: &str) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect(sql, []).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        block_on(async {
            let mut lease = self.db.read().await.unwrap();
            lease.all_tenants().unwrap().one(sql, []).await.unwrap().unwrap()
        })
    }
}

/// The start of a job that comes so much later than the end of `holder`.
pub(crate) fn after(holder: &NewJob, delay: i64) -> Start {
    Start::After { job: holder.id.clone(), delay: Span::seconds(delay) }
}

//! Does the queue keep its promises on a real database? Leases, fences, fairness, retries, dead letters.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use db::{Db, DbError, native::Native};
use futures::executor::block_on;
use jobs::{Filter, JobError, Kind, Lease, NewJob, Next, Patience, Settlement, State, Terms};
use kernel::{Call, Chance, Instant, JobId, PageRequest, Principal, RequestId, TenantId, Trace};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Chance that counts, so that ids and leases differ.
#[derive(Default)]
struct Counting(AtomicU8);
impl Chance for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

struct Yard {
    db: Db,
    chance: Arc<Counting>,
}

fn at(seconds: i64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

impl Yard {
    fn new(tenants: &[&str]) -> Self {
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

    fn job(&self, name: &str, due: Instant) -> NewJob {
        NewJob {
            id: JobId::new(at(0), &*self.chance),
            tenant: tenant(name),
            kind: Kind::DeliverMessage,
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

    fn put(&self, jobs: &[NewJob]) {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            jobs::enqueue(&mut tx.all_tenants(), jobs, at(0)).await.unwrap();
            tx.commit().await.unwrap();
        });
    }

    fn claim(&self, now: Instant, most: u16) -> Vec<jobs::Leased> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let leased =
                jobs::claim(&mut tx.all_tenants(), now, &Lease::new(&*self.chance), most).await.unwrap();
            tx.commit().await.unwrap();
            leased
        })
    }

    fn expire(&self, now: Instant) -> usize {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let lost = jobs::expire(&mut tx.all_tenants(), now).await.unwrap();
            tx.commit().await.unwrap();
            lost.len()
        })
    }

    fn settle(&self, leased: &jobs::Leased, next: Next, now: Instant) -> usize {
        let settlement = Settlement {
            leased: leased.clone(),
            next,
            ended: now,
            status: Some(200),
            detail: "d".to_owned(),
            result: None,
        };
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let counted = jobs::settle(&mut tx.all_tenants(), &[settlement]).await.unwrap();
            tx.commit().await.unwrap();
            counted.counted.len()
        })
    }

    fn call(&self, name: &str, now: Instant) -> Call {
        Call {
            principal: Principal::system(tenant(name)),
            now,
            request: RequestId::given("r").unwrap(),
            trace: Trace::new(&*self.chance),
            address: None,
            chance: self.chance.clone(),
        }
    }

    fn cancel(&self, call: &Call, id: &JobId) -> Result<jobs::Job, JobError> {
        block_on(async {
            let mut tx = self.db.begin().await.unwrap();
            let outcome = jobs::cancel(&mut tx.scope(call.tenant()), call, id).await;
            tx.commit().await.unwrap();
            outcome
        })
    }

    fn get(&self, name: &str, id: &JobId) -> jobs::Job {
        block_on(jobs::get(&self.db, &self.call(name, at(0)), id)).unwrap()
    }
}

#[test]
fn a_job_is_claimed_once_and_only_when_due() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(10))]);
    assert!(yard.claim(at(9), 10).is_empty());
    assert_eq!(yard.claim(at(10), 10).len(), 1);
    assert!(yard.claim(at(10), 10).is_empty());
}

#[test]
fn an_outcome_counts_only_under_its_own_lease() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let slow = yard.claim(at(0), 1).remove(0);
    assert_eq!(yard.expire(at(29)), 0);
    assert_eq!(yard.expire(at(30)), 1);
    let quick = yard.claim(at(60), 1).remove(0);
    assert_eq!(yard.settle(&slow, Next::Dead, at(61)), 0, "the first worker came too late");
    assert_eq!(yard.settle(&quick, Next::Done, at(61)), 1);
    assert_eq!(yard.get("acme", &quick.job.id).state, State::Done);
    let attempts = block_on(async {
        let mut lease = yard.db.read().await.unwrap();
        let acme = tenant("acme");
        let attempts =
            jobs::attempts(&mut lease.scope(&acme).unwrap(), std::slice::from_ref(&quick.job.id)).await;
        attempts.unwrap()
    });
    let endings: Vec<_> = attempts.iter().map(|attempt| (attempt.number, attempt.ending.as_str())).collect();
    assert_eq!(endings, [(1, "lost"), (2, "done")]);
}

#[test]
fn lost_leases_end_in_a_dead_letter() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let id = yard.claim(at(0), 1).remove(0).job.id;
    yard.expire(at(60));
    yard.claim(at(60), 1);
    yard.expire(at(120));
    let job = yard.get("acme", &id);
    assert_eq!((job.state, job.failures), (State::Dead, 2));
    assert!(job.last_error.unwrap().contains("lease ran out"));
}

#[test]
fn claims_go_round_the_tenants() {
    let yard = Yard::new(&["flood", "small", "third"]);
    let flood: Vec<_> = (0..50).map(|turn| yard.job("flood", at(turn))).collect();
    yard.put(&flood);
    yard.put(&[yard.job("small", at(60)), yard.job("small", at(61)), yard.job("third", at(62))]);
    let first: Vec<_> = yard.claim(at(100), 6).iter().map(|leased| leased.job.tenant.to_string()).collect();
    let count = |name: &str| first.iter().filter(|one| *one == name).count();
    assert_eq!((count("flood"), count("small"), count("third")), (3, 2, 1));
}

#[test]
fn a_suspended_tenants_jobs_wait() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let set = |state: &str| {
        block_on(async {
            let mut tx = yard.db.begin().await.unwrap();
            tx.all_tenants().run_for_effect("UPDATE tenants SET state = ?1", [state.into()]).await.unwrap();
            tx.commit().await.unwrap();
        });
    };
    set("suspended");
    assert!(yard.claim(at(1), 1).is_empty());
    set("active");
    assert_eq!(yard.claim(at(1), 1).len(), 1);
}

#[test]
fn a_dead_job_is_redriven_with_all_its_attempts_before_it() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let leased = yard.claim(at(0), 1).remove(0);
    yard.settle(&leased, Next::Dead, at(1));
    let (call, id) = (yard.call("acme", at(5)), leased.job.id);
    assert_eq!(block_on(jobs::dead_count(&yard.db, &call, None)).unwrap(), 1);
    let job = block_on(jobs::retry(&yard.db, &call, &id)).unwrap();
    assert_eq!((job.state, job.failures, job.due), (State::Queued, 0, Some(at(5))));
    let again = yard.claim(at(5), 1).remove(0);
    assert_eq!(again.job.attempts, 2, "attempts are numbered on");
    assert!(matches!(
        block_on(jobs::retry(&yard.db, &call, &id)),
        Err(JobError::NotRetryable(State::Leased))
    ));
    yard.settle(&again, Next::Done, at(6));
    assert!(matches!(yard.cancel(&call, &id), Err(JobError::Ended(State::Done))));
}

#[test]
fn another_tenants_job_is_no_job() {
    let yard = Yard::new(&["acme", "other"]);
    let job = yard.job("acme", at(0));
    yard.put(std::slice::from_ref(&job));
    let call = yard.call("other", at(0));
    assert!(matches!(block_on(jobs::get(&yard.db, &call, &job.id)), Err(JobError::Unknown)));
    assert!(matches!(yard.cancel(&call, &job.id), Err(JobError::Unknown)));
    let page = block_on(jobs::list(&yard.db, &call, &Filter::default(), &PageRequest::default())).unwrap();
    assert!(page.items.is_empty());
}

#[test]
fn a_stillborn_job_is_dead_with_its_reason_and_a_second_insert_changes_nothing() {
    let yard = Yard::new(&["acme"]);
    let job = NewJob { stillborn: Some("the template failed".to_owned()), ..yard.job("acme", at(0)) };
    yard.put(&[job.clone(), NewJob { stillborn: None, ..job.clone() }]);
    let stored = yard.get("acme", &job.id);
    assert_eq!((stored.state, stored.last_error.as_deref()), (State::Dead, Some("the template failed")));
    assert!(yard.claim(at(9), 9).is_empty());
}

#[test]
fn the_schema_refuses_a_state_without_its_columns() {
    let yard = Yard::new(&["acme"]);
    yard.put(&[yard.job("acme", at(0))]);
    let outcome = block_on(async {
        let mut tx = yard.db.begin().await.unwrap();
        tx.all_tenants().run_for_effect("UPDATE jobs SET state = 'done'", []).await
    });
    assert!(matches!(outcome, Err(DbError::Engine(_))));
}
